"""
What codes cost: batch, serial and hybrid side by side, from assumptions that are all in sight.

Nothing here is a quote. Each figure is an assumption with a name, a value and a sentence, and a brand puts its own in
its place. The guides of the market say that serials cost 20 to 50 % more in all; that band is no input, it is shown as
a check on the result.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Final, Self

from authsvc.core.register import Granularity
from authsvc.errors import BadInput

MARKET_PREMIUM: Final = (0.20, 0.50)
"""By how much serials exceed batch codes in all, as the guides of the market have it."""

PARTS: Final = ("code generation", "printing", "database", "verification")


def _assumed(value: float, says: str) -> float:
    made: float = field(default=value, metadata={"says": says})
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """What the comparison rests on, in one currency; each field says what it is."""

    lot_size: float = _assumed(5_000, "items in one lot")
    case_size: float = _assumed(24, "items in one case of a hybrid product")
    batch_code: float = _assumed(1.0, "making the code of one lot: number, symbol, release")
    serial_code: float = _assumed(0.0005, "making one serial code: signature, claim code, file to the printer")
    static_print: float = _assumed(0.02, "printing one label that is alike for the whole lot")
    variable_print: float = _assumed(0.024, "printing one label that differs from unit to unit")
    case_label: float = _assumed(0.05, "printing and applying the label of one case")
    line_change: float = _assumed(1_000.0, "fitting a line with variable printing and a camera, once")
    years: float = _assumed(5, "years over which what is paid once is spread")
    row_kilobytes: float = _assumed(0.8, "database space of an item that was scanned, or of a lot")
    gigabyte_year: float = _assumed(1.5, "one gigabyte of database for a year, with backup")
    database_base: float = _assumed(60.0, "a database for a year, however small")
    scans_per_item: float = _assumed(0.3, "scans of one item in its first year; without any it needs no row")
    scan_cost: float = _assumed(0.00005, "answering one scan online")
    page_base: float = _assumed(60.0, "a page for each lot, served for a year")
    service_base: float = _assumed(300.0, "the online service for a year, however few scans")

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            least = 1 if each.name in {"lot_size", "case_size", "years"} else 0
            if not (math.isfinite(value) and least <= value <= 1e9):
                raise BadInput(f"The assumption {each.name} must be a number from {least} to 1,000,000,000.")

    def with_values(self, values: Mapping[str, object]) -> Self:
        """
        Return these assumptions with some replaced by name.

        Raises:
            BadInput: A name is unknown or a value is no number in its bounds.
        """
        known = [each.name for each in fields(self)]
        numbers: dict[str, float] = {}
        for name, value in values.items():
            if name not in known:
                raise BadInput(f"There is no assumption {name!r}; they are {', '.join(known)}.")
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise BadInput(f"The assumption {name} must be a number, got {value!r}.")
            numbers[name] = float(value)
        return replace(self, **numbers)

    def rows(self) -> list[tuple[str, float, str]]:
        """Return name, value and meaning of each assumption."""
        return [(each.name, getattr(self, each.name), each.metadata["says"]) for each in fields(self)]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one granularity costs in a year, part by part in the order of ``PARTS``."""

    granularity: Granularity
    parts: tuple[float, ...]
    items: int

    @property
    def total(self) -> float:
        """All parts together."""
        return sum(self.parts)

    @property
    def per_item(self) -> float:
        """The share of one item."""
        return self.total / self.items


@dataclass(frozen=True, slots=True)
class Comparison:
    """The three granularities for one volume, and how the premium of serials stands against the market's."""

    costs: tuple[Cost, ...]
    assumptions: Assumptions

    def of(self, granularity: Granularity) -> Cost:
        """Return the cost of one granularity."""
        return next(cost for cost in self.costs if cost.granularity == granularity)

    def premium(self, granularity: Granularity) -> float:
        """Return by which share of the batch cost a granularity costs more."""
        batch = self.of(Granularity.BATCH).total
        # Assumptions may all be zero, and then nothing costs more than anything.
        return self.of(granularity).total / batch - 1 if batch else 0.0

    @property
    def premium_check(self) -> str:
        """Say in a sentence whether the premium of serials lies in the band that the market names, and why not."""
        low, high = MARKET_PREMIUM
        premium = self.premium(Granularity.SERIAL)
        band = f"the +{low:.0%} to +{high:.0%} that the market names"
        text = f"Serials cost {premium:+.0%} against batch codes"
        if premium < low:
            return f"{text}, below {band}: look at the assumptions again, or the volume spreads the fixed costs thin."
        if premium <= high:
            return f"{text}, within {band}."
        serial, batch = self.of(Granularity.SERIAL), self.of(Granularity.BATCH)
        gaps = [more - less for more, less in zip(serial.parts, batch.parts, strict=True)]
        driver = PARTS[gaps.index(max(gaps))]
        return f"{text}, above {band}; most of it is {driver}. A small volume bears the fixed costs alone."


def compare(volume: int, assumptions: Assumptions) -> Comparison:
    """
    Return what a year of *volume* items costs by batch, serial and hybrid codes.

    Raises:
        BadInput: The volume is no number of items.
    """
    if not 1 <= volume <= 10**12:
        raise BadInput(f"The volume is a number of items a year, 1 to 10^12, got {volume}.")
    a = assumptions
    lots, cases = math.ceil(volume / a.lot_size), math.ceil(volume / a.case_size)
    row = a.row_kilobytes / 1e6 * a.gigabyte_year
    # An item that nobody scans has no row: its run stands for it.
    scanned = volume * min(1.0, a.scans_per_item)
    line = a.line_change / a.years
    scans = volume * a.scans_per_item * a.scan_cost
    lot_codes, lot_print = lots * a.batch_code, volume * a.static_print
    return Comparison(
        (
            Cost(Granularity.BATCH, (lot_codes, lot_print, a.database_base + lots * row, a.page_base), volume),
            Cost(
                Granularity.SERIAL,
                (
                    volume * a.serial_code,
                    volume * a.variable_print + line,
                    a.database_base + (lots + scanned) * row,
                    a.service_base + scans,
                ),
                volume,
            ),
            Cost(
                Granularity.HYBRID,
                (
                    lot_codes + cases * a.serial_code,
                    lot_print + cases * a.case_label + line,
                    # Each case is scanned on its way; the items in it are pages of their lot.
                    a.database_base + (lots + cases) * row,
                    a.service_base + cases * a.scan_cost,
                ),
                volume,
            ),
        ),
        assumptions,
    )
