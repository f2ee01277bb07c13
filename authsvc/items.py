"""
Single items and ranges of them: dispositions set by hand, and commissioning on the line.

An item without a row is active; a row appears with the first exception. Both are facts that the clone rules hear of:
an item that is stolen, lost or destroyed is gone, and one in a range that the line has released is commissioned.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from authsvc import item_rows
from authsvc.core import serials
from authsvc.core.register import Brand
from authsvc.core.verdicts import Disposition
from authsvc.errors import BadInput, NotFound
from authsvc.item_rows import ItemName
from authsvc.models import Commission, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemInfo:
    """The condition of one item or case."""

    sgtin: str
    run: int | None
    lot: str | None
    disposition: Disposition
    previous: Disposition
    reason: str


def set_disposition(
    session: Session,
    brand: Brand,
    key: str,
    serial: str | None,
    disposition: Disposition,
    *,
    reason: str,
    serial_keys: Mapping[str, serials.SerialKey],
    now: datetime,
) -> ItemInfo:
    """
    Say in what condition an item is: *key* is its GTIN with a *serial*, or the SSCC of a case without one.

    Raises:
        NotFound: The code was never issued.
        BadInput: There is no reason.
    """
    if not reason.strip():
        raise BadInput("Give the reason: whoever looks at the item later has nothing else to go by.")
    name = ItemName(brand=brand, key=key, serial=serial, serial_keys=serial_keys)
    row = item_rows.lock(session, name)
    previous = Disposition(row.disposition)
    row.disposition, row.disposition_reason, row.disposition_at = disposition.value, reason.strip(), now
    # seq tells a scan that is under way that it is not alone.
    row.seq += 1
    session.flush()
    return ItemInfo(
        sgtin=row.sgtin, run=row.run, lot=row.lot, disposition=disposition, previous=previous, reason=reason.strip()
    )


def commission_range(
    session: Session, brand: Brand, gtin: str, run_number: int, first: int, last: int, *, now: datetime
) -> tuple[int, int]:
    """
    Record that the line has bound the codes *first* to *last* of a run, counted from 0, to objects.

    Return how many codes of the run are commissioned now, and how many it has.

    Raises:
        NotFound: The brand has issued no such run for this GTIN.
        BadInput: The range does not lie in the run.
    """
    run = session.get(Run, (brand.id, run_number), with_for_update=True)
    if run is None or run.gtin != gtin or run.issued_at is None:
        raise NotFound(f"{brand.name} has issued no run {run_number} of {gtin}.")
    if not 0 <= first <= last < run.count:
        raise BadInput(f"Run {run_number} has the codes 0 to {run.count - 1}, got {first} to {last}.")
    added = func.int8multirange(func.int8range(first, last, "[]"))
    session.execute(
        update(Run)
        .where(Run.brand_id == brand.id, Run.number == run_number)
        .values(commissioned=Run.commissioned + added)
        .execution_options(synchronize_session=False)
    )
    # Told twice, the first time stands.
    session.execute(
        insert(Commission)
        .values(brand_id=brand.id, run=run_number, index_from=first, index_to=last, at=now)
        .on_conflict_do_nothing()
    )
    session.expire(run)
    ranges = func.unnest(Run.commissioned).alias("part")
    size = func.upper(ranges.column) - func.lower(ranges.column)
    done = session.scalar(
        select(func.coalesce(func.sum(size), 0))
        .select_from(Run)
        .join(ranges, onclause=true())
        .where(Run.brand_id == brand.id, Run.number == run_number)
    )
    return int(done or 0), run.count
