"""
Production lines: batches of codes that were put on goods, or taken off them.

A line numbers its batches itself. One that is sent again, because no answer came, is answered as the first time and
done once; so a line that was offline sends what it has kept, in order. Codes of a run are released as ranges on the
run: a batch of 500 in the order of printing is one row. What is wrong with a code is an alarm, and stops none of the
others.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Any

from psycopg.types.range import Int8Range
from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from authsvc import items
from authsvc.core import gs1, serials
from authsvc.core.gs1 import DigitalLink
from authsvc.core.register import Brand
from authsvc.core.serials import SerialKey
from authsvc.core.verdicts import Disposition
from authsvc.errors import BadDigitalLink, BadInput, Conflict, NotFound
from authsvc.models import Commission, Item, LineBatch, Run

MOST = 1000
MOST_NUMBER = 2**63 - 1
LONGEST_NAME = 100


class Act(StrEnum):
    """What a line did with the codes of a batch (CBV terms)."""

    COMMISSION = "commission"
    DECOMMISSION = "decommission"


class Alarm(StrEnum):
    """What can be wrong with a code. Stored: never rename one."""

    UNREADABLE = "unreadable"
    UNKNOWN = "unknown"
    OVERRUN = "overrun"
    DUPLICATE = "duplicate"
    OTHER_RUN = "other-run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What a line sends: its number for the batch, and the codes, as links or GTIN.SERIAL."""

    line: str
    number: int
    act: Act
    codes: Sequence[str]

    @property
    def digest(self) -> bytes:
        """What tells that a batch was sent again and not another under the same number."""
        return hashlib.sha256(json.dumps([self.act.value, *self.codes]).encode()).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a batch. ``is_repeated`` says that it was sent before."""

    number: int
    done: int
    repeated: int
    refused: int
    alarms: Sequence[Mapping[str, Any]]
    is_repeated: bool = False


@dataclass(frozen=True, slots=True)
class _Code:
    """A code of a batch: where it stands, and what it names."""

    position: int
    given: str
    gtin: str
    serial: str
    run: int | None
    index: int | None


def take_batch(
    session: Session, brand: Brand, batch: Batch, *, serial_keys: Mapping[str, SerialKey], now: datetime
) -> Outcome:
    """
    Do what a batch says, once.

    Raises:
        BadInput: The line has no name, or the batch is empty or too long.
        Conflict: Another batch was sent under this number.
    """
    _check(batch)
    # Two tries of one batch wait for each other here, before either does anything.
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"),
        {"key": f"line/{brand.id}/{batch.line}/{batch.number}"},
    )
    before = session.get(LineBatch, (brand.id, batch.line, batch.number))
    if before is not None:
        if before.digest != batch.digest:
            raise Conflict(f"Line {batch.line} has sent another batch as number {batch.number}.")
        return _outcome(before, is_repeated=True)
    alarms: list[dict[str, Any]] = []
    codes = _read(batch.codes, serial_keys, alarms)
    work = _commission if batch.act is Act.COMMISSION else _decommission
    done, repeated = work(session, brand, codes, alarms, serial_keys, now)
    row = LineBatch(
        brand_id=brand.id, line=batch.line, number=batch.number, act=batch.act.value, digest=batch.digest, at=now,
        done=done, repeated=repeated, refused=len(batch.codes) - done - repeated,
        alarms=sorted(alarms, key=lambda alarm: alarm["position"]),
    )  # fmt: skip
    session.add(row)
    session.flush()
    return _outcome(row)


def check_name(name: str) -> None:
    """
    Refuse what is no name of a line.

    Raises:
        BadInput: It is empty, too long, or cannot be printed.
    """
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise BadInput(f"A line has a name of 1 to {LONGEST_NAME} printable characters.")


def parse(given: str) -> tuple[str, str]:
    """
    Return GTIN and serial of a code, as a camera or a file has it.

    Raises:
        BadDigitalLink: It names no single item.
    """
    if "/" in given:
        link = DigitalLink.parse(given)
        if link.gtin is None or link.serial is None:
            raise BadDigitalLink("A line puts codes of items on goods.")
        return link.gtin, link.serial
    return gs1.parse_sgtin(given)


# --- Private ---------------------------------------------------------------------------------------------------------


def _check(batch: Batch) -> None:
    check_name(batch.line)
    if not 0 <= batch.number <= MOST_NUMBER:
        raise BadInput(f"A batch has a number from 0 to {MOST_NUMBER}, got {batch.number}.")
    if not 0 < len(batch.codes) <= MOST:
        raise BadInput(f"A batch has 1 to {MOST} codes, got {len(batch.codes)}.")


def _alarm(kind: Alarm, position: int, given: str) -> dict[str, Any]:
    shown = "".join(c if c.isprintable() else "\ufffd" for c in given.partition("?")[0][:120])
    return {"kind": kind.value, "position": position, "code": shown}


def _read(given: Sequence[str], keys: Mapping[str, SerialKey], alarms: list[dict[str, Any]]) -> list[_Code]:
    codes: dict[tuple[str, str], _Code] = {}
    for position, code in enumerate(given):
        try:
            gtin, serial = parse(code)
        except BadDigitalLink:
            alarms.append(_alarm(Alarm.UNREADABLE, position, code))
            continue
        if (gtin, serial) in codes:
            alarms.append(_alarm(Alarm.DUPLICATE, position, code))
            continue
        run, index = serials.decode(serial, gtin, keys) or (None, None)
        codes[gtin, serial] = _Code(position, code, gtin, serial, run, index)
    return list(codes.values())


def _commission(
    session: Session, brand: Brand, codes: Sequence[_Code], alarms: list[dict[str, Any]],
    _keys: Mapping[str, SerialKey], now: datetime,
) -> tuple[int, int]:  # fmt: skip
    derived = sorted((code for code in codes if code.run is not None), key=lambda code: (code.run, code.index))
    done = repeated = 0
    # Runs are locked in the order of their numbers by everybody.
    for number, group in groupby(derived, key=lambda code: code.run):
        mine = list(group)
        row = session.execute(
            text(
                "SELECT gtin, count AS size, issued_at FROM runs WHERE brand_id = :brand AND number = :run FOR UPDATE"
            ),
            {"brand": brand.id, "run": number},
        ).one_or_none()  # fmt: skip
        good = []
        for code in mine:
            if row is None or row.gtin != code.gtin or row.issued_at is None:
                alarms.append(_alarm(Alarm.UNKNOWN, code.position, code.given))
            elif code.index is None or code.index >= row.size:
                alarms.append(_alarm(Alarm.OVERRUN, code.position, code.given))
            else:
                good.append(code)
        fresh = _release(session, brand, number or 0, good, now)
        alarms += [_alarm(Alarm.DUPLICATE, code.position, code.given) for code in good if code not in fresh]
        done, repeated = done + len(fresh), repeated + len(good) - len(fresh)
    listed = [code for code in codes if code.run is None]
    if listed:
        more, again = _release_rows(session, brand, listed, alarms, now)
        done, repeated = done + more, repeated + again
    return done, repeated


def _release(session: Session, brand: Brand, run: int, codes: Sequence[_Code], now: datetime) -> set[_Code]:
    """Release codes of a run, whose row is locked; return those that were not released before."""
    if not codes:
        return set()
    known = session.execute(
        text("SELECT i FROM unnest(CAST(:indexes AS bigint[])) AS i, runs r "
             "WHERE r.brand_id = :brand AND r.number = :run AND r.commissioned @> i"),
        {"indexes": [code.index for code in codes], "brand": brand.id, "run": run},
    ).scalars()  # fmt: skip
    before = set(known)
    fresh = [code for code in codes if code.index not in before]
    ranges = _ranges([code.index for code in fresh if code.index is not None])
    if ranges:
        spans = [Int8Range(first, last + 1) for first, last in ranges]
        session.execute(
            text("UPDATE runs SET commissioned = commissioned + (SELECT range_agg(s) FROM unnest(CAST(:spans AS "
                 "int8range[])) AS s) WHERE brand_id = :brand AND number = :run"),
            {"spans": spans, "brand": brand.id, "run": run},
        )  # fmt: skip
        session.execute(
            insert(Commission).on_conflict_do_nothing(),
            [
                {"brand_id": brand.id, "run": run, "index_from": first, "index_to": last, "at": now}
                for first, last in ranges
            ],
        )
    return set(fresh)


def _release_rows(
    session: Session, brand: Brand, codes: Sequence[_Code], alarms: list[dict[str, Any]], now: datetime
) -> tuple[int, int]:
    """Release items that are rows: imported and drawn serials."""
    names = {f"{code.gtin}.{code.serial}": code for code in codes}
    rows = session.execute(
        select(Item.sgtin, Item.commissioned_at)
        .join(Run, (Run.brand_id == Item.brand_id) & (Run.number == Item.run))
        .where(Item.sgtin.in_(names), Item.brand_id == brand.id, Run.issued_at.is_not(None))
        .order_by(Item.sgtin)
        .with_for_update(of=Item)
    ).all()
    found = {row.sgtin: row.commissioned_at for row in rows}
    fresh = [sgtin for sgtin, at in found.items() if at is None]
    session.execute(
        update(Item)
        .where(Item.sgtin.in_(fresh))
        .values(commissioned_at=now, seq=Item.seq + 1)
        .execution_options(synchronize_session=False)
    )
    for sgtin, code in names.items():
        if sgtin not in found:
            alarms.append(_alarm(Alarm.UNKNOWN, code.position, code.given))
        elif found[sgtin] is not None:
            alarms.append(_alarm(Alarm.DUPLICATE, code.position, code.given))
    return len(fresh), len(found) - len(fresh)


def _decommission(
    session: Session, brand: Brand, codes: Sequence[_Code], alarms: list[dict[str, Any]],
    keys: Mapping[str, SerialKey], now: datetime,
) -> tuple[int, int]:  # fmt: skip
    done = repeated = 0
    # Items are locked in the order of their names by everybody.
    for code in sorted(codes, key=lambda code: (code.gtin, code.serial)):
        try:
            info = items.set_disposition(
                session, brand, code.gtin, code.serial, Disposition.INACTIVE, reason="Taken off by the line",
                serial_keys=keys, now=now,
            )  # fmt: skip
        except NotFound:
            alarms.append(_alarm(Alarm.UNKNOWN, code.position, code.given))
            continue
        if info.previous is Disposition.INACTIVE:
            repeated += 1
        else:
            done += 1
    return done, repeated


def _ranges(indexes: Sequence[int]) -> list[tuple[int, int]]:
    """Return the contiguous ranges of indexes, which are in order."""
    found: list[tuple[int, int]] = []
    for index in indexes:
        if found and found[-1][1] == index - 1:
            found[-1] = (found[-1][0], index)
        else:
            found.append((index, index))
    return found


def _outcome(row: LineBatch, *, is_repeated: bool = False) -> Outcome:
    return Outcome(
        number=row.number, done=row.done, repeated=row.repeated, refused=row.refused, alarms=row.alarms,
        is_repeated=is_repeated,
    )  # fmt: skip
