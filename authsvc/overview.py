"""
The overview of a brand: what was scanned and how it was answered, what was alerted, and what waits for somebody.

Figures are counts that a job keeps (``daily_counts``) and, on top, what is younger than these, read when asked for.
Where no job has counted for hours, reading the rest would take long: the figures end at the mark then, and say so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from authsvc import count_statements as sql
from authsvc.core.verdicts import OUTCOMES, Outcome
from authsvc.daily_counts import COUNTED
from authsvc.models import Alert, Product

LIVE_FOR = timedelta(hours=3)
"""How much may be read live: a few runs of the job."""
MOST_LISTED = 8
BAD = [reason.value for reason, outcome in OUTCOMES.items()
       if outcome in {Outcome.INVALID, Outcome.WITHDRAWN, Outcome.SUSPECT}]  # fmt: skip
_NEVER = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A product, a lot or a country, how often it was scanned, and how many of its answers were warnings."""

    gtin: str
    lot: str
    country: str
    count: int
    bad: int
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """
    What the days since *since* came to, today the last of them.

    ``verdicts`` and ``alerts`` map a reason or a rule to a count for each day. ``upto`` is how new the figures are;
    None where nothing was ever counted and nothing could be read.
    """

    days: tuple[date, ...]
    verdicts: Mapping[str, tuple[int, ...]]
    alerts: Mapping[str, tuple[int, ...]]
    countries: tuple[Ranked, ...]
    products: tuple[Ranked, ...]
    lots: tuple[Ranked, ...]
    upto: datetime | None
    is_live: bool

    def total(self, kinds: Sequence[str]) -> tuple[int, ...]:
        """Add up the verdicts of some kinds, day by day."""
        return tuple(
            sum(self.verdicts[kind][n] for kind in kinds if kind in self.verdicts) for n in range(len(self.days))
        )


def find_figures(session: Session, brand_id: UUID, *, days: int, now: datetime) -> Figures:
    """Return the figures of a brand for so many days, the present one among them."""
    mark = session.connection().exec_driver_sql(sql.MARK, {"job": COUNTED}).scalar()
    counted: datetime = mark or _NEVER
    is_live = now - counted <= LIVE_FOR
    today = now.astimezone(UTC).date()
    listed = tuple(today - timedelta(days=n) for n in reversed(range(days)))
    rows = session.connection().exec_driver_sql(
        sql.FIGURES,
        {
            "brand_id": brand_id,
            "since": listed[0],
            "mark": counted,
            # An empty stretch of time, where it is too much to read.
            "upto": now if is_live else counted,
            "bad": BAD,
            "most": MOST_LISTED,
        },
    )
    by: dict[str, list[Any]] = {}
    for row in rows:
        by.setdefault(row.dimension, []).append(row)
    names = _names(session, brand_id, [row.gtin for kind in ("product", "lot") for row in by.get(kind, ())])
    countries, products, lots = (
        tuple(_ranked(row, names) for row in by.get(kind, ())) for kind in ("country", "product", "lot")
    )
    return Figures(
        days=listed,
        verdicts=_by_day(by.get("day", ()), listed),
        alerts=_by_day(by.get("alert", ()), listed),
        countries=countries,
        products=products,
        lots=lots,
        upto=now if is_live else mark,
        is_live=is_live,
    )


def count_open_alerts(session: Session, brand_id: UUID) -> Mapping[str, int]:
    """Return how many alerts are open, by their rule, most first."""
    found = session.execute(
        select(Alert.rule, func.count())
        .where(Alert.brand_id == brand_id, Alert.closed_at.is_(None))
        .group_by(Alert.rule)
        .order_by(func.count().desc(), Alert.rule)
    )
    return dict(iter(found))


# --- Private ---------------------------------------------------------------------------------------------------------


def _by_day(rows: Sequence[Any], days: Sequence[date]) -> dict[str, tuple[int, ...]]:
    counts: dict[str, dict[date, int]] = {}
    for row in rows:
        counts.setdefault(row.kind, {})[row.day] = row.count
    return {kind: tuple(found.get(day, 0) for day in days) for kind, found in counts.items()}


def _names(session: Session, brand_id: UUID, gtins: Sequence[str]) -> dict[str, str]:
    query = select(Product.gtin, Product.name).where(Product.brand_id == brand_id, Product.gtin.in_(set(gtins)))
    return dict(iter(session.execute(query)))


def _ranked(row: Any, names: Mapping[str, str]) -> Ranked:
    return Ranked(
        gtin=row.gtin, lot=row.lot, country=row.country, count=row.count, bad=row.bad, name=names.get(row.gtin, "")
    )
