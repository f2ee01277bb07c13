"""Registrations and transfers of a brand, page by page, the newest first: what they are now, and nothing of people."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, case, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from authsvc import handovers, ownership
from authsvc.errors import NotFound
from authsvc.handovers import Handover
from authsvc.models import Registration, Transfer
from authsvc.ownership import Registered

After = tuple[datetime, UUID]


def find_registrations(
    session: Session,
    brand_id: UUID,
    *,
    gtin: str | None = None,
    sgtin: str | None = None,
    state: ownership.State | None = None,
    after: After | None = None,
    limit: int,
    now: datetime,
) -> list[Registered]:
    """Return registrations, of a product or an item, in one state, where they are named; those *after* one."""
    query = select(Registration).where(Registration.brand_id == brand_id, *_of(Registration.sgtin, gtin, sgtin))
    if state is not None:
        is_over = (Registration.state == "pending") & (Registration.pending_until <= now)
        query = query.where(case((is_over, "confirmed"), else_=Registration.state) == state.value)
    place = tuple_(Registration.registered_at, Registration.id)
    if after is not None:
        query = query.where(place < after)
    rows = session.scalars(query.order_by(Registration.registered_at.desc(), Registration.id.desc()).limit(limit))
    return [ownership.read(row, now) for row in rows]


def find_transfers(
    session: Session,
    brand_id: UUID,
    *,
    gtin: str | None = None,
    sgtin: str | None = None,
    state: handovers.State | None = None,
    after: After | None = None,
    limit: int,
    now: datetime,
) -> list[Handover]:
    """Return transfers, of a product or an item, in one state, where they are named; those *after* one."""
    query = select(Transfer).where(Transfer.brand_id == brand_id, *_of(Transfer.sgtin, gtin, sgtin))
    if state is not None:
        is_over = Transfer.state.in_(handovers.OPEN) & (Transfer.expires_at <= now)
        query = query.where(case((is_over, "expired"), else_=Transfer.state) == state.value)
    place = tuple_(Transfer.offered_at, Transfer.id)
    if after is not None:
        query = query.where(place < after)
    rows = session.scalars(query.order_by(Transfer.offered_at.desc(), Transfer.id.desc()).limit(limit))
    return [handovers.read(row, now) for row in rows]


def get_transfer(session: Session, brand_id: UUID, transfer_id: UUID, *, now: datetime) -> Handover:
    """
    Return a transfer of a brand.

    Raises:
        NotFound: It has none with this number.
    """
    row = session.scalar(select(Transfer).where(Transfer.brand_id == brand_id, Transfer.id == transfer_id))
    if row is None:
        raise NotFound("There is no such transfer.")
    return handovers.read(row, now)


# --- Private ---------------------------------------------------------------------------------------------------------


def _of(column: InstrumentedAttribute[str], gtin: str | None, sgtin: str | None) -> Sequence[ColumnElement[bool]]:
    if sgtin is not None:
        return (column == sgtin,)
    # A dot comes after every digit and before every letter, and a slash is the next character after it.
    return () if gtin is None else (column > f"{gtin}.", column < f"{gtin}/")
