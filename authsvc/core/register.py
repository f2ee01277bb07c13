"""
What the brand has registered: brands and products as values that any ring may hold in memory.

They are small and change rarely, so a process keeps them all and answers "whose GTIN is this" without a database.
What decides a verdict and can change at any moment (lots, runs, recalls, dispositions) is never kept here: the scan
statement reads it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from authsvc.core.clones import Bustle
from authsvc.core.looks import Look

PREFIX_DIGITS = range(4, 13)
"""Digits of a GS1 company prefix (GS1 General Specifications 1.4.4: 4 to 12)."""

LEAST_RATE, MOST_RATE = 0.0001, 0.01
"""Rates of false alarms that a brand can ask for: those for which the score of genuine items was measured."""


def carries_prefix(gs1_key: str) -> bool:
    """
    Say whether a GTIN-14 or SSCC holds a company prefix, from its second digit on.

    A GTIN-14 whose digits 2 to 6 are zero is a GTIN-8 in disguise, and a GTIN-8 holds none (GS1 General
    Specifications 1.4.2): only whoever has registered it is its brand.
    """
    return len(gs1_key) == 18 or (len(gs1_key) == 14 and not gs1_key.startswith(_GTIN_8, 1))


def reaches_gtin_8(prefix: str) -> bool:
    """Say whether a company prefix would claim GTIN-8, which belong to no prefix."""
    return prefix.startswith(_GTIN_8) or _GTIN_8.startswith(prefix)


_GTIN_8 = "00000"
"""Digits 2 to 6 of a GTIN-8 that is written with 14 digits."""


class Granularity(StrEnum):
    """What one code stands for: a lot, an item, or a case of items that carry their lot's code."""

    BATCH = "batch"
    SERIAL = "serial"
    HYBRID = "hybrid"


class Release(StrEnum):
    """When a code becomes good: as soon as it is issued, or when the line commissions it."""

    ON_ISSUE = "on-issue"
    ON_COMMISSION = "on-commission"


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """A tenant: the GS1 "brand owner" whose key signs its codes; or, with ``sandbox_of``, the twin of one for tries."""

    id: UUID
    slug: str
    name: str
    is_sandbox: bool = False
    sandbox_of: UUID | None = None
    prefixes: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    contact: str | None = None
    look: Look | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """
    A trade item: one GTIN, with what the page shows and the rules its codes follow.

    ``serial_from`` is the day from which each item has a code of its own, where older stock has the code of its lot.
    Name, description and facts are in ``language``, where the brand says it; ``texts`` has them in others.
    """

    gtin: str
    brand_id: UUID
    name: str
    granularity: Granularity
    category: str | None = None
    description: str | None = None
    image: str | None = None
    warranty_months: int | None = None
    claim: str = "none"
    token: str = "ed25519"
    release: Release = Release.ON_ISSUE
    is_tracked: bool = True
    markets: tuple[str, ...] = ()
    copy_threshold: int | None = None
    target_rate: float = 0.001
    has_lifecycle: bool = False
    bustle: Bustle = Bustle.USUAL
    shift: float = 0.0
    lot_format: str | None = None
    serial_format: str | None = None
    serial_from: date | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    language: str | None = None
    texts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def noun(self) -> str:
        """The word for one unit in a sentence: "watch", "battery"; "item" where the brand gave none."""
        noun = self.attributes.get("noun")
        return noun if isinstance(noun, str) and noun else "item"

    @property
    def value(self) -> float | None:
        """What one unit is worth, in the money of the brand, as its attributes say; None where they say none."""
        value = self.attributes.get("value")
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None


class Register:
    """All brands and products, looked up by id, by GTIN and by company prefix. Immutable: a change makes a new one."""

    __slots__ = ("_by_gtin", "_by_prefix", "_lengths", "brands")

    def __init__(self, brands: Mapping[UUID, Brand], products: Mapping[str, Product]) -> None:
        self.brands = dict(brands)
        self._by_gtin = dict(products)
        self._by_prefix = {prefix: brand for brand in brands.values() for prefix in brand.prefixes}
        self._lengths = sorted({len(prefix) for prefix in self._by_prefix} & set(PREFIX_DIGITS), reverse=True)

    def find_product(self, gtin: str) -> Product | None:
        """Return the product of a 14-digit GTIN, or None."""
        return self._by_gtin.get(gtin)

    def find_brand(self, key: str) -> Brand | None:
        """
        Return the brand of a GTIN-14 or an SSCC, or None.

        A registered GTIN beats a company prefix, and the longest prefix wins. Prefixes are compared from the second
        digit, because the first is the indicator or extension digit. A GTIN-8 must be registered. Verifiers without a
        database have the same rule (``keyring.PublicKeySet.brand_of``).
        """
        if product := self._by_gtin.get(key):
            return self.brands.get(product.brand_id)
        if not carries_prefix(key):
            return None
        for length in self._lengths:
            if brand := self._by_prefix.get(key[1 : 1 + length]):
                return brand
        return None

    def gtins_without_prefix(self, brand_id: UUID) -> tuple[str, ...]:
        """Return the GTINs of a brand that none of its company prefixes covers: verifiers must be told each."""
        prefixes = self.brands[brand_id].prefixes
        return tuple(
            p.gtin
            for p in self.products()
            if p.brand_id == brand_id and not (carries_prefix(p.gtin) and p.gtin[1:].startswith(prefixes))
        )

    def products(self) -> tuple[Product, ...]:
        """Return all products, in the order of their GTIN."""
        return tuple(self._by_gtin[gtin] for gtin in sorted(self._by_gtin))
