"""
Orders of runs: somebody orders codes, a second person approves where the brand asks for it, and the worker issues.

An order that needs nobody else is approved by whoever ordered it, at once. Approval queues the errand that issues, in
the same transaction. What was decided stays: who ordered, who approved, and the run that came of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from authsvc import errands, issuing
from authsvc.audit import Actor
from authsvc.core.register import Product
from authsvc.errands import Errand
from authsvc.errors import Conflict, Forbidden, NotFound
from authsvc.issuing import Mode, Order
from authsvc.models import Brand, Run
from authsvc.models import RunOrder as Row

LISTED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOrder:
    """An order as it stands; *errand* is there from the approval on, while its file is kept."""

    id: UUID
    gtin: str
    order: Order
    state: str
    needs_two: bool
    ordered_by: UUID
    ordered_name: str
    ordered_at: datetime
    decided_name: str | None
    decided_at: datetime | None
    run: int | None
    result: Mapping[str, Any]
    serials: UUID | None = None
    errand: Errand | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """A run of a brand, whoever ordered it."""

    number: int
    gtin: str
    lot: str | None
    mode: str
    count: int
    created_at: datetime
    issued_at: datetime | None
    failure: str | None
    site: str | None = None


def needs_approval(session: Session, brand_id: UUID) -> bool:
    """Say whether a brand wants a second person to approve every run."""
    return bool(session.scalar(select(Brand.approves_runs).where(Brand.id == brand_id)))


def set_approval(session: Session, brand_id: UUID, *, is_needed: bool) -> None:
    """Let orders from now on need a second person, or not; those that wait keep what they were ordered under."""
    session.execute(update(Brand).where(Brand.id == brand_id).values(approves_runs=is_needed))


def place(
    session: Session,
    product: Product,
    order: Order,
    by: Actor,
    *,
    id: UUID,  # noqa: A002  the column
    now: datetime,
    serials: UUID | None = None,
) -> RunOrder:
    """
    Order a run; where nobody else needs to approve it, its errand is queued by this transaction.

    *serials* is the errand that has checked the file of imported ones.

    Raises:
        BadInput: The order does not fit the product.
        Conflict: Too many runs are under way, or the site has no codes left.
    """
    assert by.id is not None  # people order
    issuing.check_order(session, product, order, now=now)
    row = Row(
        brand_id=product.brand_id,
        id=id,
        gtin=product.gtin,
        lot=order.lot,
        count=order.count,
        mode=order.mode.value,
        is_lot_level=order.is_lot_level,
        contents=order.contents,
        expires_on=order.expires_on,
        site=order.site,
        replaces=order.replaces,
        reason=order.reason,
        serials=serials,
        state="awaiting",
        needs_two=needs_approval(session, product.brand_id),
        ordered_by=by.id,
        ordered_name=by.name,
        ordered_at=now,
    )
    session.add(row)
    session.flush()
    if row.needs_two:
        return _read(row)
    return approve(session, product.brand_id, id, by, now=now)


def approve(session: Session, brand_id: UUID, order_id: UUID, by: Actor, *, now: datetime) -> RunOrder:
    """
    Approve an order: its codes are issued as soon as the worker comes to it.

    Raises:
        NotFound: There is no such order.
        Forbidden: Whoever ordered it cannot approve it.
        Conflict: It was decided, or too many runs are under way.
    """
    row = _lock(session, brand_id, order_id)
    if row.needs_two and row.ordered_by == by.id:
        raise Forbidden("Your brand wants two people for a run: somebody else has to approve what you ordered.")
    _decide(session, row, "approved", by, now=now)
    errands.order(session, brand_id, errands.ISSUE, {"order": str(order_id)}, by, id=order_id, now=now)
    return _read(row)


def refuse(session: Session, brand_id: UUID, order_id: UUID, by: Actor, *, now: datetime) -> RunOrder:
    """
    Refuse an order; whoever ordered it may take it back in this way.

    Raises:
        NotFound: There is no such order.
        Conflict: It was decided.
    """
    row = _lock(session, brand_id, order_id)
    _decide(session, row, "refused", by, now=now)
    return _read(row)


def get(session: Session, brand_id: UUID, order_id: UUID) -> RunOrder:
    """
    Return one order.

    Raises:
        NotFound: There is no such order.
    """
    row = session.get(Row, (brand_id, order_id))
    if row is None:
        raise NotFound("There is no such order.")
    found = errands.find_errands(session, brand_id, errands.ISSUE, [order_id])
    return _read(row, found.get(order_id))


def list_orders(
    session: Session, brand_id: UUID, *, before: tuple[datetime, UUID] | None = None, limit: int = LISTED
) -> list[RunOrder]:
    """Return the latest orders of a brand, the newest first; *before* is time and number of the last that is known."""
    query = select(Row).where(Row.brand_id == brand_id)
    if before is not None:
        at, number = before
        query = query.where(or_(Row.ordered_at < at, and_(Row.ordered_at == at, Row.id > number)))
    rows = session.scalars(query.order_by(Row.ordered_at.desc(), Row.id).limit(limit)).all()
    found = errands.find_errands(session, brand_id, errands.ISSUE, [row.id for row in rows])
    return [_read(row, found.get(row.id)) for row in rows]


def list_runs(
    session: Session, brand_id: UUID, *, before: int | None = None, limit: int = LISTED, gtin: str | None = None
) -> list[RunInfo]:
    """Return the latest runs of a brand, also those that commands have issued, the newest first."""
    query = select(Run).where(Run.brand_id == brand_id).order_by(Run.number.desc()).limit(limit)
    if before is not None:
        query = query.where(Run.number < before)
    if gtin is not None:
        query = query.where(Run.gtin == gtin)
    return [_info(row) for row in session.scalars(query)]


def get_run(session: Session, brand_id: UUID, number: int) -> RunInfo:
    """
    Return one run.

    Raises:
        NotFound: The brand has no such run.
    """
    row = session.get(Run, (brand_id, number))
    if row is None:
        raise NotFound(f"The brand has no run {number}.")
    return _info(row)


def find_order(session: Session, brand_id: UUID, run: int) -> RunOrder | None:
    """Return the order that a run came of; None of one that a command has issued."""
    row = session.scalar(select(Row).where(Row.brand_id == brand_id, Row.run == run).limit(1))
    if row is None:
        return None
    return _read(row, errands.find_errands(session, brand_id, errands.ISSUE, [row.id]).get(row.id))


# --- The side of the worker ------------------------------------------------------------------------------------------


def note_run(session: Session, brand_id: UUID, order_id: UUID, run: int, result: Mapping[str, Any] | None) -> None:
    """Note which run an order has become, and in the transaction that lets its codes count, what came of it."""
    values = {"run": run, "result": None if result is None else dict(result)}
    session.execute(update(Row).where(Row.brand_id == brand_id, Row.id == order_id).values(**values))


# --- Private ---------------------------------------------------------------------------------------------------------


def _info(row: Run) -> RunInfo:
    return RunInfo(
        number=row.number,
        gtin=row.gtin,
        lot=row.lot,
        mode=row.mode,
        count=row.count,
        created_at=row.created_at,
        issued_at=row.issued_at,
        failure=row.failure,
        site=row.site,
    )


def _lock(session: Session, brand_id: UUID, order_id: UUID) -> Row:
    row = session.scalar(select(Row).where(Row.brand_id == brand_id, Row.id == order_id).with_for_update())
    if row is None:
        raise NotFound("There is no such order.")
    return row


def _decide(session: Session, row: Row, state: str, by: Actor, *, now: datetime) -> None:
    if row.state != "awaiting":
        raise Conflict(f"This order was {row.state} before, by {row.decided_name}.")
    row.state, row.decided_by, row.decided_name, row.decided_at = state, by.id, by.name, now
    session.flush()


def _read(row: Row, errand: Errand | None = None) -> RunOrder:
    return RunOrder(
        id=row.id,
        gtin=row.gtin,
        order=Order(
            count=row.count,
            lot=row.lot,
            mode=Mode(row.mode),
            is_lot_level=row.is_lot_level,
            contents=row.contents,
            expires_on=row.expires_on,
            site=row.site,
            replaces=row.replaces,
            reason=row.reason,
        ),
        serials=row.serials,
        state=row.state,
        needs_two=row.needs_two,
        ordered_by=row.ordered_by,
        ordered_name=row.ordered_name,
        ordered_at=row.ordered_at,
        decided_name=row.decided_name,
        decided_at=row.decided_at,
        run=row.run,
        result=row.result or {},
        errand=errand,
    )
