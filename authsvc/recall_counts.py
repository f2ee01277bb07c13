"""
How much a recall hits: issued codes, what it spares beside a coarser one, and the owners it concerns.

The counts decide as the statement of a scan does (``scan_statements``): a test compares the two.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from authsvc.core import serials
from authsvc.core.register import Product
from authsvc.recall_targets import Scope

_NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sparing:
    """What a recall spares: *items* that a recall of *beside* (lots, or the product) would hit and it does not."""

    items: int
    beside: str


@dataclass(frozen=True, slots=True)
class Concerned:
    """An owner and those of their items that a recall concerns."""

    owner_id: UUID
    sgtins: tuple[str, ...]


def count_covered(session: Session, brand_id: UUID, gtin: str, scope: Scope) -> int:
    """Return how many issued codes a recall concerns now."""
    if scope.index_from is not None and scope.index_to is not None:
        return scope.index_to - scope.index_from + 1
    if scope.listed is not None:
        return scope.listed
    if scope.serial_from is not None:
        return int(session.execute(_COVERED_TEXT, _asked(brand_id, gtin, scope)).scalar_one())
    return int(session.execute(_COVERED_RUNS, _asked(brand_id, gtin, scope)).scalar_one())


def find_sparing(
    session: Session, product: Product, scope: Scope, covered: int, *, serial_keys: Mapping[str, serials.SerialKey]
) -> Sparing | None:
    """Return what a recall spares beside one of the lots that it touches; of a whole lot, beside the product."""
    asked = _asked(product.brand_id, product.gtin, scope)
    whole = Scope()
    if scope == whole:
        return None
    if scope.run is None and scope.serial_from is None and scope.listed is None and scope.made_from is None:
        return Sparing(items=count_covered(session, product.brand_id, product.gtin, whole) - covered, beside="product")
    if scope.listed is None:
        lots = session.scalars(_LOTS, asked).all()
    else:
        decoded = (serials.decode(sgtin[15:], product.gtin, serial_keys) for sgtin in scope.sgtins)
        runs = sorted({found[0] for found in decoded if found})
        lots = session.scalars(_LOTS_OF_LIST, {**asked, "runs": runs}).all()
    if None in lots or not lots:
        wider, beside = count_covered(session, product.brand_id, product.gtin, whole), "product"
    else:
        found = session.execute(_OF_LOTS, {**asked, "lots": list(lots)}).scalar_one()
        wider, beside = int(found), "lot" if len(set(lots)) == 1 else "lots"
    return Sparing(items=max(wider - covered, 0), beside=beside)


def find_concerned(
    session: Session,
    brand_id: UUID,
    gtin: str,
    scope: Scope,
    *,
    serial_keys: Mapping[str, serials.SerialKey],
    after: UUID = _NOBODY,
    limit: int | None = None,
) -> Iterator[Concerned]:
    """
    Yield the present owners of items that a recall concerns, by the number of the owner, those beyond *after*.

    At most *limit* owners are looked at; of a range within a run, some of these may not be concerned and have no items.
    """
    asked = {**_asked(brand_id, gtin, scope), "after": after, "limit": limit}
    for owner_id, sgtins in session.execute(_CONCERNED, asked):
        if scope.index_from is not None and scope.index_to is not None:
            within = range(scope.index_from, scope.index_to + 1)
            sgtins = [  # noqa: PLW2901  the same list, without what only this can tell: serials are permuted
                sgtin
                for sgtin in sgtins
                if (found := serials.decode(sgtin[15:], gtin, serial_keys)) and found[1] in within
            ]
        yield Concerned(owner_id, tuple(sgtins))


def count_owners(
    session: Session, brand_id: UUID, gtin: str, scope: Scope, *, serial_keys: Mapping[str, serials.SerialKey]
) -> int:
    """Return how many known owners a recall concerns."""
    found = find_concerned(session, brand_id, gtin, scope, serial_keys=serial_keys)
    return sum(1 for concerned in found if concerned.sgtins)


# --- Private ---------------------------------------------------------------------------------------------------------

# A derived serial is none of a range of text, though it may look like one between.
_COVERED_TEXT = text("""
SELECT count(*) FROM items o LEFT JOIN runs r ON r.brand_id = o.brand_id AND r.number = o.run
WHERE o.gtin = :gtin AND o.brand_id = :brand AND r.mode IN ('imported', 'random')
  AND length(o.sgtin) = 15 + length(:serial_from)
  AND substr(o.sgtin, 16) COLLATE "C" BETWEEN :serial_from AND :serial_to
  AND (CAST(:lot AS text) IS NULL OR o.lot = :lot)""")

_COVERED_RUNS = text("""
SELECT coalesce(sum(r.count), 0) FROM runs r
WHERE r.brand_id = :brand AND r.gtin = :gtin AND r.issued_at IS NOT NULL
  AND (CAST(:lot AS text) IS NULL OR r.lot = :lot)
  AND (CAST(:made_from AS timestamptz) IS NULL OR r.issued_at >= :made_from AND r.issued_at < :made_until)""")

_LOTS = text("""
SELECT DISTINCT r.lot FROM runs r
WHERE r.brand_id = :brand AND r.gtin = :gtin AND r.issued_at IS NOT NULL AND CASE
  WHEN CAST(:run AS int) IS NOT NULL THEN r.number = :run
  WHEN CAST(:serial_from AS text) IS NOT NULL THEN r.mode IN ('imported', 'random')
    AND (CAST(:lot AS text) IS NULL OR r.lot = :lot) AND EXISTS (SELECT FROM items o
      WHERE o.brand_id = r.brand_id AND o.run = r.number AND o.gtin = r.gtin
        AND length(o.sgtin) = 15 + length(:serial_from)
        AND substr(o.sgtin, 16) COLLATE "C" BETWEEN :serial_from AND :serial_to)
  ELSE r.issued_at >= CAST(:made_from AS timestamptz) AND r.issued_at < CAST(:made_until AS timestamptz) END""")

_LOTS_OF_LIST = text("""
SELECT r.lot FROM runs r WHERE r.brand_id = :brand AND r.gtin = :gtin AND r.number = ANY(CAST(:runs AS int[]))
UNION SELECT o.lot FROM items o WHERE o.brand_id = :brand AND o.sgtin = ANY(CAST(:sgtins AS text[]))""")

_OF_LOTS = text("""
SELECT coalesce(sum(r.count), 0) FROM runs r
WHERE r.brand_id = :brand AND r.gtin = :gtin AND r.issued_at IS NOT NULL AND r.lot = ANY(CAST(:lots AS text[]))""")

# The names of a product's items are those between its GTIN with a point and with the character after that.
_CONCERNED = text("""
SELECT g.owner_id, array_agg(g.sgtin ORDER BY g.sgtin) AS sgtins
FROM registrations g JOIN items o ON o.sgtin = g.sgtin
LEFT JOIN runs r ON r.brand_id = o.brand_id AND r.number = o.run
WHERE g.brand_id = :brand AND g.ended_at IS NULL AND g.sgtin ~>=~ :low AND g.sgtin ~<~ :high AND g.owner_id > :after
  AND CASE
    WHEN CAST(:run AS int) IS NOT NULL THEN o.run = :run
    WHEN CAST(:serial_from AS text) IS NOT NULL THEN r.mode IN ('imported', 'random')
      AND (CAST(:lot AS text) IS NULL OR o.lot = :lot) AND length(o.sgtin) = 15 + length(:serial_from)
      AND substr(o.sgtin, 16) COLLATE "C" BETWEEN :serial_from AND :serial_to
    WHEN CAST(:listed AS int) IS NOT NULL THEN g.sgtin = ANY(CAST(:sgtins AS text[]))
    WHEN CAST(:made_from AS timestamptz) IS NOT NULL THEN r.issued_at >= :made_from AND r.issued_at < :made_until
    ELSE CAST(:lot AS text) IS NULL OR coalesce(o.lot, r.lot) = :lot END
GROUP BY g.owner_id ORDER BY g.owner_id LIMIT CAST(:limit AS int)""")


def _asked(brand_id: UUID, gtin: str, scope: Scope) -> dict[str, Any]:
    return {
        **scope.columns(),
        "brand": brand_id,
        "gtin": gtin,
        "low": f"{gtin}.",
        "high": f"{gtin}/",
        "sgtins": list(scope.sgtins),
    }
