"""
Counts by day: scans by verdict, and alerts, of each brand, product, lot and country.

A job counts bit by bit up to a mark that moves in the transaction that counts, so that a job that is killed goes on
where it was and nothing is counted twice. It leaves the last minutes alone: their pages may still confirm, their scans
still commit. A page adds what is younger than the mark when it asks (``overview``). What commits later all the
same, because its transaction was long, is found by counting the last days anew every night.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import psycopg

from authsvc import count_statements as sql
from authsvc.lot_statements import LOCK_MARK, MAKE_MARK, SET_MARK

Connection = psycopg.Connection[Any]

COUNTED = "days-counted"
LAG = timedelta(minutes=10)
STEP = timedelta(hours=6)
"""What one transaction counts."""
RECOUNTED = 3
"""Days that are counted anew each night, beside the present one."""
STEPS = 2_000
"""Steps of one run of the job: more than a year."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Up to when everything is counted, and whether more waits."""

    upto: datetime
    may_be_more: bool


def count_step(connection: Connection, *, now: datetime, step: timedelta = STEP) -> Progress:
    """Count what follows the mark, one *step* of it, in the transaction of the caller."""
    connection.execute(MAKE_MARK, {"job": COUNTED})
    mark = _first(connection, LOCK_MARK, {"job": COUNTED})
    newest = now - LAG
    if mark == datetime.fromtimestamp(0, UTC):
        oldest = _first(connection, sql.OLDEST, {})
        # The mark itself is not counted, and the oldest row is to be.
        mark = newest if oldest is None else min(oldest - timedelta(microseconds=1), newest)
    upto = min(mark + step, newest)
    if upto > mark:
        connection.execute(sql.COUNT, {"mark": mark, "upto": upto})
    upto = max(upto, mark)
    connection.execute(SET_MARK, {"job": COUNTED, "at": upto})
    return Progress(upto, upto < newest)


def count(connection: Connection, *, now: datetime, steps: int = STEPS) -> Progress:
    """Count everything that is old enough, each step in a transaction of its own."""
    for _ in range(steps):
        with connection.transaction():
            progress = count_step(connection, now=now)
        if not progress.may_be_more:
            break
    return progress


def recount(connection: Connection, *, now: datetime, days: int = RECOUNTED) -> None:
    """
    Count the present day and those before it anew, each in a transaction of its own.

    What a transaction that was longer than ``LAG`` has brought is in the counts then, and nothing is in them twice.
    """
    today = now.astimezone(UTC).date()
    for day in (today - timedelta(days=n) for n in range(days + 1)):
        begins = datetime.combine(day, time(), UTC)
        with connection.transaction():
            connection.execute(MAKE_MARK, {"job": COUNTED})
            mark = _first(connection, LOCK_MARK, {"job": COUNTED})
            upto = min(mark, begins + timedelta(days=1) - _TICK)
            if upto < begins:
                continue
            connection.execute(sql.FORGET, {"day": day})
            connection.execute(sql.COUNT, {"mark": begins - _TICK, "upto": upto})


_TICK = timedelta(microseconds=1)


def _first(connection: Connection, statement: str, values: dict[str, Any]) -> Any:
    row = connection.execute(statement, values).fetchone()
    return row and row[0]
