"""
Ownership: who holds an item now, and what they hold, as the registrations say.

Ownership is a chain of versions under ``PRIMARY KEY (sgtin, version)``, with at most one that has not ended. A pending
registration whose time is over counts as confirmed from that moment, whenever somebody writes it down.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from authsvc import owners
from authsvc.core.warranties import Warranty
from authsvc.errors import NotFound
from authsvc.models import Registration
from authsvc.owners import Person


class State(StrEnum):
    """What a registration is; the first two are present, the others have ended. The values are stored."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    SUPERSEDED = "superseded"
    RELEASED = "released"
    TRANSFERRED = "transferred"
    REVERSED = "reversed"
    RECOVERED = "recovered"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A registration as it is now."""

    id: UUID
    sgtin: str
    version: int
    owner_id: UUID
    state: State
    has_claim: bool
    registered_at: datetime
    pending_until: datetime | None
    purchased_on: date | None
    warranty: Warranty | None
    transfer_id: UUID | None = None
    is_used: bool = False
    ended_at: datetime | None = None
    shop: str | None = field(default=None, repr=False)

    @property
    def waits_for_brand(self) -> bool:
        """Whether the brand decides on it, and time does not."""
        return self.state is State.PENDING and self.pending_until is None


def find_present(session: Session, sgtin: str, *, now: datetime) -> Registered | None:
    """Return the registration of an item that has not ended."""
    row = session.scalar(select(Registration).where(Registration.sgtin == sgtin, Registration.ended_at.is_(None)))
    return None if row is None else read(row, now)


def list_of(session: Session, person: Person, *, now: datetime) -> list[Registered]:
    """Return what a person holds, the latest first."""
    rows = session.scalars(
        select(Registration)
        .where(Registration.owner_id == person.id, Registration.ended_at.is_(None))
        .order_by(Registration.registered_at.desc())
    )
    return [read(row, now) for row in rows]


def get_of(session: Session, person: Person, registration_id: UUID, *, key: bytes, now: datetime) -> Registered | None:
    """Return one of the items that a person holds, with what only they may see."""
    row = session.scalar(
        select(Registration).where(
            Registration.owner_id == person.id, Registration.id == registration_id, Registration.ended_at.is_(None)
        )
    )
    if row is None:
        return None
    content = owners.unseal(session, person, row.sealed, key=key, number=str(row.id)) if row.sealed else {}
    return read(row, now, shop=content.get("shop") or None)


def count_owners(session: Session, sgtin: str, *, now: datetime) -> int:
    """Return how many people have owned an item so far, who owns it now included."""
    rows = session.scalars(
        select(Registration).where(
            Registration.sgtin == sgtin, Registration.state.not_in((State.REVERSED.value, State.RECOVERED.value))
        )
    )
    return len({row.owner_id for row in rows if row.confirmed_at is not None or is_over(row, now)})


def release(session: Session, person: Person, registration_id: UUID, *, now: datetime) -> None:
    """
    End what a person holds of one item, as when they have sold it; the item keeps its history and its warranty.

    Raises:
        NotFound: They do not hold it.
    """
    row = session.scalar(
        select(Registration)
        .where(Registration.owner_id == person.id, Registration.id == registration_id, Registration.ended_at.is_(None))
        .with_for_update()
    )
    if row is None:
        raise NotFound("You have no item at this address. It may belong to somebody else by now.")
    _release(row, now)
    session.flush()


def release_all(session: Session, person: Person, *, now: datetime) -> None:
    """End everything that a person holds, as when they are erased, and forget what they said of it."""
    held = select(Registration).where(Registration.owner_id == person.id).order_by(Registration.sgtin)
    for row in session.scalars(held.with_for_update()):
        if row.ended_at is None:
            _release(row, now)
        row.sealed = None
    session.flush()


def number_of(registration_id: UUID) -> str:
    """Return the number of a registration, as its certificate has it and a person quotes it."""
    text = registration_id.hex[-12:].upper()
    return f"{text[:4]}-{text[4:8]}-{text[8:]}"


def is_over(row: Registration, now: datetime) -> bool:
    """Say whether nobody has contested a pending registration in its time."""
    return row.state == State.PENDING and row.pending_until is not None and row.pending_until <= now


def read(row: Registration, now: datetime, *, shop: str | None = None) -> Registered:
    """Return a row as it counts now."""
    granted = None
    if row.warranty_from is not None and row.warranty_until is not None:
        granted = Warranty(row.warranty_from, row.warranty_until)
    return Registered(
        id=row.id,
        sgtin=row.sgtin,
        version=row.version,
        owner_id=row.owner_id,
        state=State.CONFIRMED if is_over(row, now) else State(row.state),
        has_claim=row.has_claim,
        registered_at=row.registered_at,
        pending_until=row.pending_until,
        purchased_on=row.purchased_on,
        warranty=granted,
        transfer_id=row.transfer_id,
        is_used=row.is_used,
        ended_at=row.ended_at,
        shop=shop,
    )


# --- Private ---------------------------------------------------------------------------------------------------------


def _release(row: Registration, now: datetime) -> None:
    if is_over(row, now):
        row.confirmed_at = row.pending_until
    row.state, row.ended_at, row.sealed = State.RELEASED.value, now, None
