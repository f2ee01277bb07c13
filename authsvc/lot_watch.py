"""
The watch over lots, runs and networks: counts what was seen, bit by bit, and opens the alerts of ``core.lots``.

No scan waits for any of this. Counting reads sightings up to a mark that moves in the transaction that counts them, so
a watch that is killed goes on where it was and nothing is counted twice; a batch bounds what one transaction reads.
Judging reads counts only. An alert is opened once for each subject and rule, and not again within a window after
somebody has closed it: what they have explained is still to be seen in the counts.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import namedtuple_row
from psycopg.types.json import Jsonb

from authsvc import lot_statements as sql
from authsvc.core import lots
from authsvc.core.lots import Finding, LotPlace, Neighbourhood, Refused
from authsvc.core.serials import SerialKey, decode
from authsvc.core.wrapping import unwrap

Connection = psycopg.Connection[Any]

BATCH = 5_000
"""Sightings that one transaction counts."""
BATCHES = 200
"""Batches of one run of the job."""
LAG = timedelta(minutes=10)
"""Sightings younger than this are left for the next time: their page may still confirm, their scan still commit."""
WINDOW = timedelta(days=lots.WINDOW_DAYS)
HISTORY = timedelta(days=730)
MOST_FLAGGED = 10_000

COUNTED, JUDGED = "lots-counted", "lots-judged"


@dataclass(frozen=True, slots=True)
class Subject:
    """What an alert is about: its kind, its key, its brand, and what a page needs to show it."""

    kind: str
    key: str
    brand_id: UUID
    facts: Mapping[str, Any]


def count_sightings(connection: Connection, *, now: datetime, batch: int = BATCH) -> bool:
    """Count the next batch of sightings; return whether there may be more."""
    mark = _lock_mark(connection, COUNTED)
    newest = now - LAG
    row = _one(connection, sql.END_OF_BATCH, {"mark": mark, "newest": newest, "skip": batch - 1})
    upto = row.first_at if row else newest
    if upto <= mark:
        return False
    span = {"mark": mark, "upto": upto, "window": WINDOW, "known": timedelta(days=lots.KNOWN_DAYS)}
    connection.execute(sql.COUNT_SIGHTINGS, span)
    _set_mark(connection, COUNTED, upto)
    return row is not None


def judge_lots(connection: Connection, *, now: datetime, new_id: Callable[[], UUID]) -> int:
    """Judge every lot by the last day that is counted in full, unless that was done; return how many alerts opened."""
    judged, counted = _lock_mark(connection, JUDGED), _lock_mark(connection, COUNTED)
    until = counted.astimezone(UTC).date() - timedelta(days=1)
    end = datetime.combine(until, datetime.min.time(), UTC) + timedelta(days=1)
    if judged >= end:
        return 0
    opened = 0
    rows = _all(connection, sql.LOT_PLACES, {"until": until, "window": lots.WINDOW_DAYS, "since": until - HISTORY})
    for brand_id, some in groupby(rows, key=attrgetter("brand_id")):
        for window in lots.windows(map(_place, some)):
            place = window.place
            subject = Subject(
                "lot",
                f"lot/{place.gtin}/{place.lot}",
                brand_id,
                {"gtin": place.gtin, "lot": place.lot, "country": place.country, "until": _text(until)},
            )
            opened += _open(connection, subject, lots.examine(window), now=now, new_id=new_id)
    _set_mark(connection, JUDGED, end)
    return opened


def judge_networks(connection: Connection, *, now: datetime, new_id: Callable[[], UUID]) -> int:
    """Judge the networks whose codes were refused within the last day; return how many alerts opened."""
    rows = _all(connection, sql.REFUSED, {"since": now - timedelta(days=1), "now": now})
    opened = 0
    for row in rows:
        found = lots.examine(
            Refused(forged=row.forged, not_issued=row.not_issued, hours=float(row.hours), usual=float(row.usual))
        )
        key = f"network/{row.brand_id}/{row.prefix.hex()}"
        facts = {"prefix": row.prefix.hex(), "country": row.country, "since": _text(row.since), "until": _text(now)}
        opened += _open(connection, Subject("network", key, row.brand_id, facts), found, now=now, new_id=new_id)
    return opened


def judge_neighbours(connection: Connection, *, now: datetime, new_id: Callable[[], UUID], wrapping_key: bytes) -> int:
    """Judge the runs of which a code was flagged in the last days; return how many alerts opened."""
    opened = 0
    keys: dict[UUID, Mapping[str, SerialKey]] = {}
    recent = {"since": now - timedelta(days=2), "most": MOST_FLAGGED}
    for row in _all(connection, sql.FLAGGED_RUNS, recent):
        if row.brand_id not in keys:
            keys[row.brand_id] = _serial_keys(connection, row.brand_id, wrapping_key)
        indexes = sorted(_indexes(row.sgtins, row.run, keys[row.brand_id]))
        best = max(_neighbourhoods(row.run, row.count, indexes), key=lambda each: len(each.flagged), default=None)
        if best is None:
            continue
        facts = {"run": row.run, "gtin": row.gtin, "lot": row.lot, "indexes": list(best.flagged)[:100]}
        subject = Subject("run", f"run/{row.brand_id}/{row.run}", row.brand_id, facts)
        opened += _open(connection, subject, lots.examine(best), now=now, new_id=new_id)
    return opened


def watch(
    connection: Connection,
    *,
    now: datetime,
    new_id: Callable[[], UUID],
    wrapping_key: bytes | None,
    batches: int = BATCHES,
    batch: int = BATCH,
) -> int:
    """
    Do everything, each step in a transaction of its own; return how many alerts were opened.

    What is left when *batches* are counted waits for the next time, and lots are judged when nothing is left. Without
    *wrapping_key* nobody can say which codes lie next to each other.
    """
    opened, may_be_more = 0, True
    for _ in range(batches):
        with connection.transaction():
            may_be_more = count_sightings(connection, now=now, batch=batch)
        if not may_be_more:
            break
    if not may_be_more:
        with connection.transaction():
            opened += judge_lots(connection, now=now, new_id=new_id)
    with connection.transaction():
        opened += judge_networks(connection, now=now, new_id=new_id)
    if wrapping_key is not None:
        with connection.transaction():
            opened += judge_neighbours(connection, now=now, new_id=new_id, wrapping_key=wrapping_key)
    return opened


# --- Private ---------------------------------------------------------------------------------------------------------


def _open(
    connection: Connection,
    subject: Subject,
    found: Iterable[Finding],
    *,
    now: datetime,
    new_id: Callable[[], UUID],
) -> int:
    opened = 0
    for finding in found:
        evidence = {"parts": [asdict(part) for part in finding.parts], **subject.facts}
        values = {
            "key": subject.key,
            "id": new_id(),
            "brand_id": subject.brand_id,
            "subject": subject.kind,
            "rule": finding.rule,
            "score": finding.score,
            "evidence": Jsonb(evidence),
            "at": now,
            "window": WINDOW,
        }
        opened += connection.execute(sql.OPEN_ALERT, values).rowcount
    return opened


def _place(row: Any) -> LotPlace:
    return LotPlace(
        gtin=row.gtin,
        lot=row.lot,
        country=row.country,
        known=row.known,
        fresh=row.fresh,
        before=row.before,
        first=row.first,
        markets=frozenset(row.markets or ()),
    )


def _neighbourhoods(run: int, count: int, indexes: list[int]) -> Iterator[Neighbourhood]:
    for index in indexes:
        near = [other for other in indexes if abs(other - index) <= lots.NEAR]
        yield Neighbourhood(run=run, index=index, flagged=near, usual_share=(len(indexes) - len(near)) / max(count, 1))


def _indexes(sgtins: Iterable[str], run: int, keys: Mapping[str, SerialKey]) -> Iterator[int]:
    for sgtin in sgtins:
        gtin, _, serial = sgtin.partition(".")
        found = decode(serial, gtin, keys)
        # An imported serial may look like a derived one by chance, but hardly like one of its own run.
        if found is not None and found[0] == run:
            yield found[1]


def _serial_keys(connection: Connection, brand_id: UUID, wrapping_key: bytes) -> Mapping[str, SerialKey]:
    rows = _all(
        connection, "SELECT epoch, wrapped FROM serial_keys WHERE brand_id = %(brand_id)s", {"brand_id": brand_id}
    )
    return {
        row.epoch: SerialKey(
            row.epoch, unwrap(wrapping_key, row.wrapped, brand_id=brand_id, purpose="serial", number=row.epoch)
        )
        for row in rows
    }


def _lock_mark(connection: Connection, job: str) -> datetime:
    """Return a mark and hold it until the transaction ends, so that two watches take turns; at first it is 1970."""
    connection.execute(sql.MAKE_MARK, {"job": job})
    at: datetime = _one(connection, sql.LOCK_MARK, {"job": job}).at
    return at


def _set_mark(connection: Connection, job: str, at: datetime) -> None:
    connection.execute(sql.SET_MARK, {"job": job, "at": at})


def _all(connection: Connection, statement: str, values: Mapping[str, Any]) -> list[Any]:
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        return cursor.execute(statement, values).fetchall()


def _one(connection: Connection, statement: str, values: Mapping[str, Any]) -> Any:
    rows = _all(connection, statement, values)
    return rows[0] if rows else None


def _text(moment: date) -> str:
    return moment.isoformat()
