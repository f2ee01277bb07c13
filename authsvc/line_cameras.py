"""
Verification cameras: what a line reads is held against what was printed, code by code, and counted.

A run is put on a line, and its codes come in the order in which they were printed. After a gap the camera is taken at
its word: what it reads next should be the code behind this one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from authsvc.core import serials
from authsvc.core.register import Brand
from authsvc.core.serials import SerialKey
from authsvc.errors import AuthsvcError, BadInput, NotFound
from authsvc.models import LineBatch, ProductionLine, Run
from authsvc.production_lines import MOST, Alarm, check_name, parse

EXPECTED, SKIPPED = "expected", "skipped"
SHOWN = 200
"""Lines that are listed; a key that may commission names as many as it likes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineInfo:
    """A line, what it expects next, and its counts: of its camera, and of its batches."""

    name: str
    gtin: str | None
    run: int | None
    expected: int | None
    reads: int
    misreads: int
    batches: int
    done: int
    repeated: int
    refused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchInfo:
    """A batch that had something wrong in it."""

    at: datetime
    line: str
    act: str
    done: int
    alarms: Sequence[Mapping[str, Any]]


def set_line(session: Session, brand: Brand, name: str, run: int, expected: int, *, now: datetime) -> LineInfo:
    """
    Put a run on a line; its camera should read the code *expected* next, counted from 0.

    Raises:
        NotFound: The brand has issued no such run of derived serials.
        BadInput: The line has no name, or the run no such code.
    """
    check_name(name)
    row = session.get(Run, (brand.id, run)) if 0 < run <= serials.MAX_RUN else None
    if row is None or row.issued_at is None or row.mode != "derived":
        raise NotFound(f"{brand.name} has issued no run {run} whose codes have an order.")
    if not 0 <= expected < row.count:
        raise BadInput(f"Run {run} has the codes 0 to {row.count - 1}, got {expected}.")
    values = {"gtin": row.gtin, "run": run, "expected": expected, "reads": 0, "misreads": 0, "changed_at": now}
    session.execute(
        insert(ProductionLine)
        .values(brand_id=brand.id, name=name, **values)
        .on_conflict_do_update(index_elements=["brand_id", "name"], set_=values)
    )
    return get_line(session, brand, name)


def read_codes(
    session: Session, brand: Brand, name: str, codes: Sequence[str], *, serial_keys: Mapping[str, SerialKey],
    now: datetime,
) -> list[str]:  # fmt: skip
    """
    Hold what a camera reads against what should come next; return for each code ``expected`` or what is wrong.

    Raises:
        NotFound: No run is on the line.
        BadInput: There are too many codes, or the line has no name.
    """
    check_name(name)
    if not 0 < len(codes) <= MOST:
        raise BadInput(f"A line sends 1 to {MOST} codes at once, got {len(codes)}.")
    line = session.get(ProductionLine, (brand.id, name), with_for_update=True)
    if line is None:
        raise NotFound(f"No run is on line {name!r:.60}. Set one first.")
    run = session.get_one(Run, (brand.id, line.run))
    answers = []
    for given in codes:
        answer, line.expected = _compare(given, line, run, serial_keys)
        answers.append(answer)
    line.reads += len(codes)
    line.misreads += sum(answer != EXPECTED for answer in answers)
    line.changed_at = now
    session.flush()
    return answers


def get_line(session: Session, brand: Brand, name: str) -> LineInfo:
    """
    Return a line with its counts.

    Raises:
        NotFound: The brand has no such line.
        BadInput: It has no name.
    """
    check_name(name)
    line = session.get(ProductionLine, (brand.id, name), populate_existing=True)
    counted = session.execute(select(*_COUNTS).where(LineBatch.brand_id == brand.id, LineBatch.line == name)).one()
    if line is None and not counted[0]:
        raise NotFound(f"{brand.name} has no line {name!r:.60}.")
    return _info(name, line, counted)


def list_lines(session: Session, brand: Brand) -> list[LineInfo]:
    """Return the lines of a brand in the order of their names, the first ``SHOWN`` of them."""
    heard = session.execute(
        select(LineBatch.line, *_COUNTS)
        .where(LineBatch.brand_id == brand.id)
        .group_by(LineBatch.line)
        .order_by(LineBatch.line)
        .limit(SHOWN)
    )
    counted = {name: counts for name, *counts in heard}
    named = session.scalars(
        select(ProductionLine)
        .where(ProductionLine.brand_id == brand.id)
        .order_by(ProductionLine.name)
        .limit(SHOWN)
        .execution_options(populate_existing=True)
    )
    lines = {line.name: line for line in named}
    names = sorted({*counted, *lines})[:SHOWN]
    return [_info(name, lines.get(name), counted.get(name, (0, 0, 0, 0))) for name in names]


def list_alarms(session: Session, brand: Brand, *, limit: int = 50) -> list[BatchInfo]:
    """Return the latest batches that had something wrong in them."""
    found = session.scalars(
        select(LineBatch)
        .where(LineBatch.brand_id == brand.id, func.jsonb_array_length(LineBatch.alarms) > 0)
        .order_by(LineBatch.at.desc(), LineBatch.line, LineBatch.number)
        .limit(limit)
    )
    return [BatchInfo(at=row.at, line=row.line, act=row.act, done=row.done, alarms=row.alarms) for row in found]


# --- Private ---------------------------------------------------------------------------------------------------------

_COUNTS = (
    func.count(),
    func.coalesce(func.sum(LineBatch.done), 0),
    func.coalesce(func.sum(LineBatch.repeated), 0),
    func.coalesce(func.sum(LineBatch.refused), 0),
)


def _info(name: str, line: ProductionLine | None, counted: Sequence[int]) -> LineInfo:
    batches, done, repeated, refused = counted
    return LineInfo(
        name=name,
        gtin=line.gtin if line else None,
        run=line.run if line else None,
        expected=line.expected if line else None,
        reads=line.reads if line else 0,
        misreads=line.misreads if line else 0,
        batches=batches,
        done=done,
        repeated=repeated,
        refused=refused,
    )


def _compare(given: str, line: ProductionLine, run: Run, keys: Mapping[str, SerialKey]) -> tuple[str, int]:
    """Return what a read code is beside the one that was expected, and which is expected behind it."""
    try:
        gtin, serial = parse(given)
    except AuthsvcError:
        return Alarm.UNREADABLE.value, line.expected
    number, index = serials.decode(serial, gtin, keys) or (None, None)
    if number != line.run or gtin != line.gtin or index is None:
        return Alarm.OTHER_RUN.value, line.expected
    if index >= run.count:
        return Alarm.OVERRUN.value, line.expected
    if index < line.expected:
        return Alarm.DUPLICATE.value, line.expected
    return (EXPECTED if index == line.expected else SKIPPED), index + 1
