"""
Single items and ranges of them: dispositions set by hand, and commissioning on the line.

An item without a row is active. A row appears with the first exception, so setting a disposition is an upsert, and
only for a code that was issued: a row makes a serial count as issued.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from authsvc.core import serials
from authsvc.core.register import Brand
from authsvc.core.verdicts import Disposition
from authsvc.errors import BadInput, NotFound
from authsvc.models import Item, Run


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
    sgtin = f"00.{key}" if serial is None else f"{key}.{serial}"
    row = session.get(Item, sgtin, with_for_update=True)
    previous = Disposition.ACTIVE if row is None else Disposition(row.disposition)
    run = None if row is not None else _get_run(session, brand, key, serial, serial_keys)
    changed = {"disposition": disposition.value, "disposition_reason": reason.strip(), "disposition_at": now}
    new = {
        "sgtin": sgtin,
        "brand_id": brand.id,
        "gtin": None if run is None else run.gtin,
        "run": None if run is None else run.number,
        "lot": None if run is None else run.lot,
        "claim_key": None if run is None else run.claim_key,
        "expires_on": None if run is None else run.expires_on,
    }
    # Also an upsert when there was no row: a scan may have made it since. seq tells that scan that it is not alone.
    upsert = insert(Item).values(**new, **changed, seq=1)
    found = session.execute(
        upsert.on_conflict_do_update(index_elements=[Item.sgtin], set_={**changed, "seq": Item.seq + 1}).returning(
            Item.run, Item.lot
        )
    ).one()
    return ItemInfo(
        sgtin=sgtin, run=found.run, lot=found.lot, disposition=disposition, previous=previous, reason=reason.strip()
    )


def commission_range(
    session: Session, brand: Brand, gtin: str, run_number: int, first: int, last: int
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


# --- Private ---------------------------------------------------------------------------------------------------------


def _get_run(
    session: Session, brand: Brand, key: str, serial: str | None, keys: Mapping[str, serials.SerialKey]
) -> Run:
    """Return the run that issued a code without a row of its own."""
    if serial is None:
        body = int(key[:-1])
        run = session.scalar(
            select(Run).where(Run.brand_id == brand.id, Run.sscc_first <= body, body < Run.sscc_first + Run.count)
        )
        what = f"Case {key}"
    else:
        found = serials.decode(serial, key, keys)
        run = None if found is None else session.get(Run, (brand.id, found[0]))
        if run is not None and found is not None and not (run.gtin == key and found[1] < run.count):
            run = None
        what = f"Item {key}.{serial}"
    if run is None or run.issued_at is None:
        raise NotFound(f"{what} was never issued. Look for a typing error; upper and lower case are not the same.")
    return run
