"""
Registrations that wait for the brand: bought used, without the claim code that the product asks for, with a proof.

Time does not decide them. The brand looks at the proof of purchase and takes it or not; until then whoever has the code
still wins, because whoever has the code has the box.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from authsvc import item_rows
from authsvc.errors import Conflict, NotFound
from authsvc.investigations import Subject
from authsvc.models import Registration
from authsvc.ownership import Registered, State, read


def decide(session: Session, subject: Subject, registration_id: UUID, *, is_taken: bool, now: datetime) -> Registered:
    """
    Let a registration that waits for the brand count, or end it.

    Raises:
        NotFound: The item has no such registration.
        Conflict: It does not wait for the brand.
    """
    item = item_rows.lock(session, subject.name)
    row = session.scalar(
        select(Registration).where(Registration.sgtin == item.sgtin, Registration.id == registration_id)
    )
    if row is None:
        raise NotFound("There is no such registration.")
    if row.state != State.PENDING or row.pending_until is not None:
        raise Conflict("This registration does not wait for a decision any more.")
    if is_taken:
        row.state, row.confirmed_at = State.CONFIRMED.value, now
    else:
        row.state, row.ended_at, row.sealed = State.REFUSED.value, now, None
    session.flush()
    return read(row, now)


def list_waiting(session: Session, *, now: datetime, most: int = 200) -> list[Registered]:
    """Return what waits for the brand of the transaction, the oldest first."""
    rows = session.scalars(
        select(Registration)
        .where(Registration.state == State.PENDING.value, Registration.pending_until.is_(None))
        .order_by(Registration.registered_at)
        .limit(most)
    )
    return [read(row, now) for row in rows]


def get(session: Session, registration_id: UUID, *, now: datetime) -> Registered:
    """
    Return a registration of the brand of the transaction, whatever became of it.

    Raises:
        NotFound: There is none of this number.
    """
    row = session.scalar(select(Registration).where(Registration.id == registration_id))
    if row is None:
        raise NotFound("There is no such registration.")
    return read(row, now)
