"""
Recalls: of a product, of a lot, or of a range of its codes; announced and lifted, never deleted.

A range of derived serials is stored as run and indexes, for the serials themselves are in no order. Its two ends must
therefore lie in one run. Imported serials are ranges of text of one length, in the order of their characters; such a
range covers no derived serial, and of the lot that it names nothing but that lot.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, literal, select
from sqlalchemy.orm import Session

from authsvc.core import serials
from authsvc.core.register import Product
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.models import Item, Lot, Recall, Run

_SHOWN_LOTS = 10
_DERIVED = "derived"  # issuing.Mode.DERIVED, as it is stored


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallInfo:
    """A recall as people see it; *covered* is the number of issued codes that it concerns now."""

    id: int
    gtin: str
    lot: str | None
    run: int | None
    index_from: int | None
    index_to: int | None
    serial_from: str | None
    serial_to: str | None
    reason: str
    remedy: str | None
    recalled_at: datetime
    lifted_at: datetime | None
    covered: int


def recall(
    session: Session,
    product: Product,
    *,
    lot: str | None = None,
    between: tuple[str, str] | None = None,
    reason: str,
    remedy: str | None = None,
    serial_keys: Mapping[str, serials.SerialKey],
    now: datetime,
) -> RecallInfo:
    """
    Announce a recall; every later scan of a code that it covers says so.

    Raises:
        NotFound: The lot or a serial was never issued: a typing error would recall nothing, in silence.
        BadInput: The range spans runs or lots, or runs backwards.
    """
    if not reason.strip():
        raise BadInput("Give the reason of the recall: the person who scans the item reads it.")
    if lot is not None and session.get(Lot, (product.gtin, lot)) is None:
        known = session.scalars(
            select(Lot.lot).where(Lot.gtin == product.gtin).order_by(Lot.created_at.desc()).limit(_SHOWN_LOTS)
        ).all()
        hint = f"The latest ones are {', '.join(known)}." if known else "It has none yet."
        raise NotFound(f"{product.name} has no lot {lot!r}. {hint}")
    row = Recall(
        brand_id=product.brand_id,
        gtin=product.gtin,
        lot=lot,
        reason=reason.strip(),
        remedy=(remedy or "").strip() or None,
        recalled_at=now,
    )
    if between is not None:
        _set_range(session, product, row, between, serial_keys)
    session.add(row)
    session.flush()
    return _info(session, row)


def lift(session: Session, recall_id: int, *, now: datetime) -> RecallInfo:
    """
    End a recall; its row stays.

    Raises:
        NotFound: There is no such recall.
        Conflict: It was lifted before.
    """
    row = session.get(Recall, recall_id, with_for_update=True)
    if row is None:
        raise NotFound(f"There is no recall {recall_id}; `authsvc recall --list` shows them.")
    if row.lifted_at is not None:
        raise Conflict(f"Recall {recall_id} was lifted before, at {row.lifted_at:%Y-%m-%d %H:%M} UTC.")
    row.lifted_at = now
    session.flush()
    return _info(session, row)


def list_recalls(session: Session, gtin: str | None = None) -> list[RecallInfo]:
    """Return all recalls, or those of one product, the latest first."""
    query = select(Recall).order_by(Recall.recalled_at.desc(), Recall.id.desc())
    if gtin is not None:
        query = query.where(Recall.gtin == gtin)
    return [_info(session, row) for row in session.scalars(query)]


# --- Private ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _End:
    """One end of a range: an index of a run, or an imported serial."""

    serial: str
    run: int | None
    index: int | None
    lot: str | None


def _set_range(
    session: Session, product: Product, row: Recall, between: tuple[str, str], keys: Mapping[str, serials.SerialKey]
) -> None:
    first, last = (_find_end(session, product, serial, keys) for serial in between)
    for end in first, last:
        if row.lot is not None and end.lot != row.lot:
            raise BadInput(f"Serial {end.serial} belongs to lot {end.lot or '(none)'}, and the recall says {row.lot}.")
    if first.index is not None and last.index is not None:
        if first.run != last.run:
            raise BadInput(
                f"{first.serial} was issued in run {first.run} and {last.serial} in run {last.run}. "
                "A range lies in one run: make one recall for each run."
            )
        is_backwards = first.index > last.index
        row.run, row.index_from, row.index_to = first.run, first.index, last.index
    elif first.index is None and last.index is None:
        if len(first.serial) != len(last.serial):
            raise BadInput("Both ends of a range must have the same length, or its order would be a matter of opinion.")
        is_backwards = first.serial > last.serial
        row.serial_from, row.serial_to = first.serial, last.serial
    else:
        raise BadInput("One end of the range is a derived serial and the other an imported one: make two recalls.")
    if is_backwards:
        raise BadInput(
            f"The range runs backwards: {last.serial} was issued before {first.serial}. "
            f"Did you mean --from-serial {last.serial} --to-serial {first.serial}?"
        )


def _find_end(session: Session, product: Product, serial: str, keys: Mapping[str, serials.SerialKey]) -> _End:
    item = session.get(Item, f"{product.gtin}.{serial}")
    if found := serials.decode(serial, product.gtin, keys):
        run = session.get(Run, (product.brand_id, found[0]))
        if run is not None and run.gtin == product.gtin and run.issued_at is not None and found[1] < run.count:
            return _End(serial, found[0], found[1], run.lot)
    if item is None:
        raise NotFound(f"Serial {serial!r} of {product.name} was never issued. Look for a typing error; case counts.")
    return _End(serial, None, None, item.lot)


def _info(session: Session, row: Recall) -> RecallInfo:
    return RecallInfo(
        id=row.id,
        gtin=row.gtin,
        lot=row.lot,
        run=row.run,
        index_from=row.index_from,
        index_to=row.index_to,
        serial_from=row.serial_from,
        serial_to=row.serial_to,
        reason=row.reason,
        remedy=row.remedy,
        recalled_at=row.recalled_at,
        lifted_at=row.lifted_at,
        covered=_count_covered(session, row),
    )


def _count_covered(session: Session, row: Recall) -> int:
    if row.index_from is not None and row.index_to is not None:
        return row.index_to - row.index_from + 1
    if row.serial_from is not None and row.serial_to is not None:
        prefix = f"{row.gtin}."
        serial: ColumnElement[str] = func.substr(Item.sgtin, len(prefix) + 1).collate("C")
        # As the scan decides it: a derived serial is none of a range of text, though it may look like one between.
        query = (
            select(func.count())
            .select_from(Item)
            .outerjoin(Run, and_(Run.brand_id == Item.brand_id, Run.number == Item.run))
            .where(
                Item.gtin == row.gtin,
                Run.mode.is_distinct_from(_DERIVED),
                func.length(Item.sgtin) == len(prefix) + len(row.serial_from),
                serial.between(literal(row.serial_from), literal(row.serial_to)),
            )
        )
        if row.lot is not None:
            query = query.where(Item.lot == row.lot)
    else:
        query = select(func.coalesce(func.sum(Run.count), 0)).where(Run.gtin == row.gtin, Run.issued_at.is_not(None))
        if row.lot is not None:
            query = query.where(Run.lot == row.lot)
    return int(session.scalar(query) or 0)
