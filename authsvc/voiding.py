"""
Voiding: codes of a run that were never used are withdrawn, so that a spoilt or stolen roll of labels is worth nothing.

A derived run keeps ranges on its own row, so voiding a million codes writes one. Drawn and imported serials are rows
and change their condition. What was commissioned, scanned, registered or set by hand is in use and stays good.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select, text, update
from sqlalchemy.orm import Session

from authsvc.core import serials
from authsvc.core.register import Brand
from authsvc.core.verdicts import Disposition
from authsvc.errors import BadInput, NotFound
from authsvc.models import Item, Run

_BY_RANGE = frozenset({"derived", "sscc"})
_BY_ROW = frozenset({"random", "imported"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Voided:
    """What a voiding came to: codes withdrawn now, those in use that stay, and all that are void of the run."""

    run: int
    gtin: str
    withdrawn: int
    kept: int
    void: int


def void(
    session: Session,
    brand: Brand,
    run_number: int,
    first: int | None,
    last: int | None,
    *,
    reason: str,
    serial_keys: Mapping[str, serials.SerialKey],
    now: datetime,
) -> Voided:
    """
    Withdraw the unused codes of a run, or of the codes *first* to *last* of it, counted from 0.

    Raises:
        NotFound: The brand has issued no such run.
        BadInput: There is no reason, the range does not lie in the run, or its codes cannot be voided in this way.
    """
    if not reason.strip():
        raise BadInput("Give the reason: whoever looks at the run later has nothing else to go by.")
    row = session.get(Run, (brand.id, run_number), with_for_update=True, populate_existing=True)
    if row is None or row.issued_at is None:
        raise NotFound(f"{brand.name} has issued no run {run_number}.")
    if row.mode in _BY_ROW:
        if first is not None or last is not None:
            raise BadInput(
                "The serials of this run are rows in no order: void all that are unused, or set single ones."
            )
        return _void_rows(session, row, reason.strip(), now)
    if row.mode not in _BY_RANGE:
        raise BadInput("The code of a lot stands for all of its items. Recall the lot instead.")
    first, last = first or 0, row.count - 1 if last is None else last
    if not 0 <= first <= last < row.count:
        raise BadInput(f"Run {run_number} has the codes 0 to {row.count - 1}, got {first} to {last}.")
    return _void_range(session, row, first, last, _used(session, row, serial_keys))


def count_void(session: Session, brand: Brand, run_number: int) -> int:
    """Return how many codes of a run are void."""
    row = session.get_one(Run, (brand.id, run_number))
    if row.mode in _BY_ROW:
        return _count_rows(session, row)
    return int(session.scalar(_SIZE, {"brand_id": brand.id, "number": run_number}) or 0)


# --- Private ---------------------------------------------------------------------------------------------------------


def _void_range(session: Session, row: Run, first: int, last: int, used: Sequence[int]) -> Voided:
    of_run = {"brand_id": row.brand_id, "number": row.number}
    before = session.scalar(_SIZE, of_run) or 0
    asked = {**of_run, "first": first, "last": last, "used": [index for index in used if first <= index <= last]}
    session.execute(_VOID, asked)
    session.expire(row)
    after = session.scalar(_SIZE, of_run) or 0
    within = session.scalar(_SIZE_WITHIN, {**of_run, "first": first, "last": last}) or 0
    return Voided(
        run=row.number, gtin=row.gtin, withdrawn=int(after - before), kept=last - first + 1 - int(within),
        void=int(after),
    )  # fmt: skip


_VOID = text("""
UPDATE runs SET voided = voided + (int8multirange(int8range(:first, :last, '[]')) - commissioned
  - coalesce((SELECT range_agg(int8range(u, u, '[]')) FROM unnest(CAST(:used AS bigint[])) u), '{}'))
WHERE brand_id = :brand_id AND number = :number""")
_SIZE = text("""
SELECT coalesce(sum(upper(part) - lower(part)), 0) FROM runs r, unnest(r.voided) part
WHERE r.brand_id = :brand_id AND r.number = :number""")
_SIZE_WITHIN = text("""
SELECT coalesce(sum(upper(part) - lower(part)), 0)
FROM runs r, unnest(r.voided * int8multirange(int8range(:first, :last, '[]'))) part
WHERE r.brand_id = :brand_id AND r.number = :number""")


def _used(session: Session, row: Run, serial_keys: Mapping[str, serials.SerialKey]) -> list[int]:
    """Return the indexes of a run whose codes somebody has scanned, registered, recorded something of or set."""
    in_use = or_(Item.seq > 0, Item.facts > 0, Item.records > 0)
    if row.sscc_first is not None:
        names = Item.sgtin.between(f"00.{row.sscc_first:017}", f"00.{row.sscc_first + row.count:017}")
        found = session.scalars(select(Item.sgtin).where(Item.brand_id == row.brand_id, names, in_use))
        indexes = (int(sgtin[3:20]) - row.sscc_first for sgtin in found)
        return [index for index in indexes if 0 <= index < row.count]
    found = session.scalars(select(Item.sgtin).where(*_of_run(row), in_use))
    decoded = (serials.decode(sgtin.partition(".")[2], row.gtin, serial_keys) for sgtin in found)
    return [pair[1] for pair in decoded if pair is not None and pair[0] == row.number]


def _of_run(row: Run) -> tuple[ColumnElement[bool], ...]:
    # By the beginning of the key, which is indexed; the run is not.
    names = Item.sgtin.between(f"{row.gtin}.", f"{row.gtin}/")
    return Item.brand_id == row.brand_id, names, Item.run == row.number


def _void_rows(session: Session, row: Run, reason: str, now: datetime) -> Voided:
    unused = (Item.disposition == Disposition.ACTIVE.value, Item.seq == 0, Item.facts == 0, Item.records == 0,
              Item.commissioned_at.is_(None))  # fmt: skip
    changed = session.execute(
        update(Item)
        .where(*_of_run(row), *unused)
        .values(disposition=Disposition.INACTIVE.value, disposition_reason=reason, disposition_at=now, seq=Item.seq + 1)
        .returning(Item.sgtin)
        .execution_options(synchronize_session=False)
    )
    withdrawn = len(changed.all())
    void = _count_rows(session, row)
    return Voided(run=row.number, gtin=row.gtin, withdrawn=withdrawn, kept=row.count - void, void=void)


def _count_rows(session: Session, row: Run) -> int:
    is_void = Item.disposition == Disposition.INACTIVE.value
    return session.scalar(select(func.count()).where(*_of_run(row), is_void)) or 0
