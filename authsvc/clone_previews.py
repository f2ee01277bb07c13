"""
Previews: what a rate of false alarms would have raised, found by judging the recorded scans of the last days again.

Every item that was scanned is judged at each moment at which the service judged it, by what could be seen then, with
the very same code. What people answered to alerts within these days counts where the replay has an alert that it
answers: without one nobody would have been asked. The tables of traffic and the other settings are those of today.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from heapq import nlargest
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import namedtuple_row

from authsvc import holdings
from authsvc import preview_statements as sql
from authsvc.core import clones
from authsvc.core.clones import FactKind
from authsvc.core.dossiers import CONFIRMED, OPENED
from authsvc.core.register import Product
from authsvc.core.serials import SerialKey, decode
from authsvc.core.wrapping import unwrap
from authsvc.investigations import judging
from authsvc.investigations.resolving import OF_ITEMS
from authsvc.investigations.weighing import OTHER_RULES

Connection = psycopg.Connection[Any]
Tell = Callable[[int, int], None]
"""Hears how many scans of how many are replayed; may raise to stop."""

WINDOW = timedelta(days=90)
LADDER = (0.01, 0.003, 0.001, 0.0003, 0.0001)
"""The rates that every preview answers for: those for which the scores of genuine items were measured."""

MOST_SCANS = 10_000
"""Scans of one item that are replayed: one that is scanned more often is judged by its first ones."""
_BEFORE = 2 * CONFIRMED
_ITEMS, _ROWS = 400, 20_000
_ANSWERS = {kind.value for kind in OF_ITEMS} | {FactKind.PROVEN.value}
_HARMLESS = {kind.value for kind in OF_ITEMS if kind is not FactKind.CONFIRMED_CLONE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """For whom a preview is: a brand, or one of its products; *rates* are answered for beside the usual ones."""

    brand_id: UUID
    gtin: str | None = None
    rates: tuple[float, ...] = ()


@dataclass(slots=True, kw_only=True)
class Story:
    """What is replayed of one item: what became known of it, each with the time, and when it was judged."""

    sgtin: str
    gtin: str | None
    disposition: str
    disposition_at: datetime | None
    commissioned_at: datetime | None = None
    seen: list[tuple[datetime, list[Any]]] = field(default_factory=list)
    opened: list[tuple[datetime, list[Any]]] = field(default_factory=list)
    facts: list[tuple[datetime, tuple[Any, ...]]] = field(default_factory=list)
    moments: list[datetime] = field(default_factory=list)

    @property
    def kinds(self) -> set[str]:
        """What kinds of facts and answers there are."""
        return {fact[0] for _, fact in self.facts}


@dataclass(slots=True)
class Row:
    """What one rate would have raised: alerts, and of these on items that are confirmed copies, or found harmless."""

    rate: float
    alerts: int = 0
    confirmed: int = 0
    harmless: int = 0


def preview(connection: Connection, asked: Asked, *, wrapping_key: bytes, now: datetime, tell: Tell) -> dict[str, Any]:
    """
    Replay the last days of a brand or product, and return what each rate would have raised.

    One snapshot of the database is read, a few hundred items at a time: memory does not grow with the scans.
    """
    since = now - WINDOW
    values = {"brand_id": asked.brand_id, "gtin": asked.gtin, "since": since, "until": now}
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.execute("SET LOCAL statement_timeout = 0")
        total = int(_all(connection, sql.COUNT_SCANS, values)[0][0])
        judge = _Judge.make(connection, asked, since=since)
        tell(0, total)
        done = items = cut = 0
        for stories, rows, was_cut in _read(connection, values, wrapping_key):
            for story in stories:
                judge.take(story)
            done, items, cut = done + rows, items + len(stories), cut + was_cut
            tell(done, total)
        raised = _all(connection, sql.RAISED, values | {"others": sorted(OTHER_RULES)})[0][0]
    return {
        "since": since.isoformat(),
        "until": now.isoformat(),
        "scans": total,
        "items": items,
        "cut": cut,
        "raised": raised,
        "rates": [{"rate": r.rate, "alerts": r.alerts, "confirmed": r.confirmed, "harmless": r.harmless}
                  for r in judge.rows],
    }  # fmt: skip


def count_alerts(story: Story, product: Product | None, *, since: datetime) -> tuple[int, bool]:
    """Return how many alerts an item would have raised since then, and whether it was ever flagged."""
    seen: dict[str, list[Any]] = {}
    facts: list[tuple[Any, ...]] = []
    alerts, is_flagged, was_flagged, is_news, has_begun = 0, False, False, False, False

    def is_copy() -> bool:
        return clones.examine(_history(story, list(seen.values()), facts, product)).is_flagged

    for at, what, value in _in_order(story):
        if at > since and not has_begun:
            has_begun, is_news = True, False
            is_flagged = was_flagged = is_copy()
        if what in {_SEEN, _OPENED}:
            seen[value[0]] = value
            is_news = True
        elif what == _FACT:
            facts.append(value)
            is_news = True
        elif what == _ANSWER and (is_flagged or not has_begun):
            facts.append(value)
            if has_begun:
                is_flagged, is_news = is_copy(), False
        elif what == _MOMENT and is_news and not is_flagged:
            is_news = False
            if is_copy():
                is_flagged = was_flagged = True
                alerts += 1
    return alerts, was_flagged


# --- Private ---------------------------------------------------------------------------------------------------------

_SEEN, _FACT, _ANSWER, _MOMENT, _OPENED = range(5)
"""
In the order in which they count where times are equal: a page that ran is judged by what it showed, a scan by what was
seen before it.
"""


def _in_order(story: Story) -> list[tuple[datetime, int, Any]]:
    events: list[tuple[datetime, int, Any]] = [(at, _SEEN, row) for at, row in story.seen]
    events += [(at, _OPENED, row) for at, row in story.opened]
    events += [(at, _ANSWER if fact[0] in _ANSWERS else _FACT, fact) for at, fact in story.facts]
    events += [(at, _MOMENT, None) for at in story.moments]
    events.sort(key=itemgetter(0, 1))
    return events


def _history(
    story: Story, seen: Sequence[list[Any]], facts: Sequence[tuple[Any, ...]], product: Product | None
) -> clones.History:
    """Return what the statement of a scan would have read: the newest sightings, the newest facts."""
    ran, opened = ([row for row in seen if row[3] is has_run] for has_run in (True, False))
    row = _Read(
        evidence=nlargest(CONFIRMED, ran, key=itemgetter(2)) + nlargest(OPENED, opened, key=itemgetter(2)),
        known=nlargest(CONFIRMED, facts, key=itemgetter(1)),
        commissioned_at=story.commissioned_at,
        disposition=story.disposition,
        disposition_at=story.disposition_at,
    )
    return judging.read_history(row, product)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    evidence: list[list[Any]]
    known: list[tuple[Any, ...]]
    commissioned_at: datetime | None
    disposition: str
    disposition_at: datetime | None


@dataclass(slots=True, kw_only=True)
class _Judge:
    """Judges stories by every rate in question; a product with a rate of its own keeps it in a preview of its brand."""

    products: Mapping[str, Product]
    own: Mapping[str, float]
    gtin: str | None
    since: datetime
    rows: list[Row]

    @classmethod
    def make(cls, connection: Connection, asked: Asked, *, since: datetime) -> "_Judge":
        rates = _all(connection, sql.RATES, {"brand_id": asked.brand_id})
        own = {row.gtin: row.own for row in rates if row.gtin is not None}
        present = own.get(asked.gtin or "", rates[0].whole)
        wanted = {*LADDER, *asked.rates, present}
        # The database keeps four bytes: 0.001 comes back as a neighbour of it.
        distinct = {float(f"{rate:.4g}") for rate in wanted}
        return cls(
            products=holdings.read_products(connection, asked.brand_id),
            own=own,
            gtin=asked.gtin,
            since=since,
            rows=[Row(rate) for rate in sorted(distinct, reverse=True)],
        )

    def take(self, story: Story) -> None:
        """Judge one item."""
        product = self.products.get(story.gtin or "")
        kinds = story.kinds
        is_fixed = product is None or (self.gtin is None and product.gtin in self.own)
        for n, row in enumerate(self.rows):
            if n == 0 or not is_fixed:
                judged = product if product is None or is_fixed else replace(product, target_rate=row.rate)
                alerts, was_flagged = count_alerts(story, judged, since=self.since)
            if not was_flagged:
                # The rates fall, so the thresholds rise: what this one does not flag, no later one does.
                return
            row.alerts += alerts
            if FactKind.CONFIRMED_CLONE.value in kinds:
                row.confirmed += alerts
            elif kinds & _HARMLESS:
                row.harmless += alerts


def _read(
    connection: Connection, values: Mapping[str, Any], wrapping_key: bytes
) -> Iterator[tuple[list[Story], int, int]]:
    """Yield the stories of a few hundred items, of how many scans they are, and how many had more than are told."""
    keys = {
        row.epoch: SerialKey(row.epoch, unwrap(wrapping_key, row.wrapped, brand_id=values["brand_id"],
                                               purpose="serial", number=row.epoch))
        for row in _all(connection, sql.SERIAL_KEYS, values)
    }  # fmt: skip
    batch: dict[str, list[Any]] = {}
    rows = cut = 0
    with connection.cursor("scans", row_factory=namedtuple_row) as cursor:
        cursor.itersize = 5_000
        cursor.execute(sql.SCANS, values)
        for sgtin, scans in groupby(cursor, key=attrgetter("sgtin")):
            batch[sgtin], rest = _first(scans)
            rows, cut = rows + len(batch[sgtin]) + rest, cut + (rest > 0)
            if len(batch) >= _ITEMS or rows >= _ROWS:
                yield _stories(connection, batch, values, keys), rows, cut
                batch, rows, cut = {}, 0, 0
    if batch:
        yield _stories(connection, batch, values, keys), rows, cut


def _first(scans: Iterable[Any]) -> tuple[list[Any], int]:
    """Return the first scans of an item, and how many more it has."""
    kept: list[Any] = []
    rest = 0
    for scan in scans:
        if len(kept) < MOST_SCANS:
            kept.append(scan)
        else:
            rest += 1
    return kept, rest


def _stories(
    connection: Connection, batch: Mapping[str, Sequence[Any]], values: Mapping[str, Any], keys: Mapping[str, SerialKey]
) -> list[Story]:
    asked = {**values, "sgtins": list(batch), "before": _BEFORE, "most": MOST_SCANS}
    items = _all(connection, sql.ITEMS, asked)
    stories = {row.sgtin: Story(sgtin=row.sgtin, gtin=row.gtin, disposition=row.disposition,
                                disposition_at=row.disposition_at, commissioned_at=row.commissioned_at)
               for row in items}  # fmt: skip
    ran: dict[tuple[str, UUID], datetime] = {}
    for sgtin, story in stories.items():
        for scan in batch[sgtin]:
            if scan.is_judged:
                story.moments.append(scan.at)
            if scan.confirmed_at is not None:
                story.moments.append(scan.confirmed_at)
                ran[sgtin, scan.id] = scan.confirmed_at
    for row in _all(connection, sql.SIGHTINGS, asked):
        if row.sgtin in stories:
            # What ran earlier than these days has no scan among them.
            ran_at = ran.get((row.sgtin, row.confirmed_id), values["since"])
            _add_sighting(stories[row.sgtin], row, ran_at=ran_at, since=values["since"])
    for row in _all(connection, sql.FACTS, asked):
        if row.sgtin in stories:
            stories[row.sgtin].facts.append((row.known_at, tuple(row[2:])))
    for row in _all(connection, sql.COMMISSIONED, asked | _places([row for row in items if row.is_in_range], keys)):
        stories[row.sgtin].commissioned_at = row.at
    return list(stories.values())


def _add_sighting(story: Story, row: Any, *, ran_at: datetime, since: datetime) -> None:
    """Add what could be seen of a visitor: from its first scan on that it came, and once it ran that its page did."""
    place = (row.country, row.latitude, row.longitude, row.radius_km, row.network, row.asn)
    if row.confirmed_id is not None:
        story.seen.append((ran_at, [row.visitor, row.prefix, row.first_at, True, *place]))
    if row.confirmed_id is None or (row.opened_at > since and row.counts_at_once):
        story.opened.append((row.opened_at, [row.visitor, row.prefix, row.first_at, False, *place]))


def _places(items: Iterable[Any], keys: Mapping[str, SerialKey]) -> dict[str, list[Any]]:
    """Return where in their runs items stand, for those whose run was commissioned by ranges."""
    found = [
        (row.sgtin, place)
        for row in items
        if row.gtin is not None and (place := decode(row.sgtin.partition(".")[2], row.gtin, keys)) is not None
    ]
    return {
        "sgtins": [sgtin for sgtin, _ in found],
        "runs": [place[0] for _, place in found],
        "indexes": [place[1] for _, place in found],
    }


def _all(connection: Connection, statement: str, values: Mapping[str, Any]) -> list[Any]:
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        return cursor.execute(statement, values).fetchall()
