"""
Handovers: what is stored of a transfer, read as it stands at a moment. An offer expires by time, stored or not.

``transfers`` has the acts; what was made of a dispute is in ``disputes``.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from authsvc.errors import NotFound, TransferOver
from authsvc.languages import later
from authsvc.models import Item, Sighting, Transfer
from authsvc.owners import Person


class State(StrEnum):
    """Where a transfer stands. The values are stored, but an offer expires by time, whether that is stored or not."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    COMPLETED = "completed"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    DISPUTED = "disputed"
    REVERSED = "reversed"


OPEN = (State.OFFERED.value, State.ACCEPTED.value)
MOVED = (State.COMPLETED.value, State.DISPUTED.value, State.REVERSED.value)
_OVER = {
    State.COMPLETED: later("This offer was used: the item has its new owner."),
    State.DISPUTED: later("This offer was used: the item has its new owner."),
    State.REVERSED: later("This offer was used, and the brand has taken it back."),
    State.DECLINED: later("The buyer has taken back their acceptance. Ask the seller for a new offer."),
    State.CANCELLED: later("The seller has withdrawn or replaced this offer. Ask for the new link or code."),
    State.EXPIRED: later("This offer has expired. Ask the seller for a new one."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """A transfer as it stands now. Who accepts is a person, or a dealer who takes the item into stock."""

    id: UUID
    sgtin: str
    brand_id: UUID
    version: int
    registration_id: UUID
    seller_id: UUID
    buyer_id: UUID | None
    dealer_id: UUID | None
    given_id: UUID | None
    is_present: bool
    state: State
    offered_at: datetime
    expires_at: datetime
    accepted_at: datetime | None
    completed_at: datetime | None
    dispute_until: datetime | None
    ended_at: datetime | None
    disputed_at: datetime | None
    disputed_by: str | None
    decided_at: datetime | None
    decision: str | None

    @property
    def is_open(self) -> bool:
        """Whether it may still come to something."""
        return self.state in {State.OFFERED, State.ACCEPTED}

    @property
    def taker_id(self) -> UUID | None:
        """Who has accepted it: the person or the dealer."""
        return self.buyer_id or self.dealer_id

    def side_of(self, person: Person) -> str | None:
        """Return whether a person is the seller, the buyer or neither."""
        return {self.seller_id: "seller", self.buyer_id: "buyer"}.get(person.id)

    def may_dispute(self, now: datetime) -> bool:
        """Say whether the time to dispute it runs."""
        return self.state is State.COMPLETED and self.decided_at is None and self._is_fresh(now)

    def is_unsettled(self, now: datetime) -> bool:
        """Say whether it may still be undone: so long nobody passes the item on or calls it stolen."""
        return self.state is State.DISPUTED or self.may_dispute(now)

    def _is_fresh(self, now: datetime) -> bool:
        return self.dispute_until is not None and now < self.dispute_until


def find_open(session: Session, sgtin: str, *, now: datetime) -> Handover | None:
    """Return the transfer of an item that may still come to something."""
    row = session.scalar(select(Transfer).where(Transfer.sgtin == sgtin, Transfer.state.in_(OPEN)))
    found = None if row is None else read(row, now)
    return found if found is not None and found.is_open else None


def find_latest(session: Session, sgtin: str, *, now: datetime) -> Handover | None:
    """Return the transfer by which an item last moved."""
    row = session.scalar(
        select(Transfer)
        .where(Transfer.sgtin == sgtin, Transfer.state.in_(MOVED))
        .order_by(Transfer.completed_at.desc())
        .limit(1)
    )
    return None if row is None else read(row, now)


def get(session: Session, sgtin: str, transfer_id: UUID, *, now: datetime) -> Handover:
    """
    Return a transfer.

    Raises:
        NotFound: There is none.
    """
    row = session.get(Transfer, (sgtin, transfer_id), populate_existing=True)
    if row is None:
        raise NotFound("There is no such transfer.")
    return read(row, now)


def get_of(session: Session, person: Person, transfer_id: UUID, *, now: datetime) -> Handover:
    """
    Return a transfer in which a person is seller or buyer.

    Raises:
        NotFound: They are neither.
    """
    row = session.scalar(
        select(Transfer).where(
            Transfer.id == transfer_id, (Transfer.seller_id == person.id) | (Transfer.buyer_id == person.id)
        )
    )
    if row is None:
        raise NotFound("You have no transfer at this address.")
    return read(row, now)


def find_by_registration(session: Session, seller: Person, registration_id: UUID, *, now: datetime) -> Handover | None:
    """Return the transfer by which a seller passed on what they had registered."""
    row = session.scalar(
        select(Transfer).where(
            Transfer.seller_id == seller.id, Transfer.registration_id == registration_id, Transfer.state.in_(MOVED)
        )
    )
    return None if row is None else read(row, now)


def find_newest(session: Session, sgtin: str, registration_id: UUID, *, now: datetime) -> Handover | None:
    """Return the offer that was made last of what somebody has registered, whatever became of it."""
    row = session.scalar(
        select(Transfer)
        .where(Transfer.sgtin == sgtin, Transfer.registration_id == registration_id)
        .order_by(Transfer.offered_at.desc(), Transfer.id)
        .limit(1)
    )
    return None if row is None else read(row, now)


def list_of(session: Session, person: Person, *, now: datetime) -> list[Handover]:
    """Return the transfers of a person that wait for somebody or may still be disputed, the latest first."""
    rows = session.scalars(
        select(Transfer)
        .where(
            (Transfer.seller_id == person.id) | (Transfer.buyer_id == person.id),
            Transfer.state.in_((*OPEN, State.COMPLETED.value, State.DISPUTED.value)),
        )
        .order_by(Transfer.offered_at.desc())
    )
    found = (read(row, now) for row in rows)
    return [each for each in found if each.is_open or each.is_unsettled(now)]


def list_taken(session: Session, dealer_id: UUID, *, now: datetime, limit: int) -> list[Handover]:
    """Return what a dealer has accepted and the owner has still to confirm, the first first."""
    rows = session.scalars(
        select(Transfer)
        .where(Transfer.dealer_id == dealer_id, Transfer.state == State.ACCEPTED.value, Transfer.expires_at > now)
        .order_by(Transfer.accepted_at, Transfer.id)
        .limit(limit)
    )
    return [read(row, now) for row in rows]


def get_taken(session: Session, dealer_id: UUID, transfer_id: UUID, *, now: datetime) -> Handover:
    """
    Return a transfer that a dealer has accepted.

    Raises:
        NotFound: It has accepted none such.
    """
    row = session.scalar(select(Transfer).where(Transfer.id == transfer_id, Transfer.dealer_id == dealer_id))
    if row is None:
        raise NotFound("You have no transfer at this address.")
    return read(row, now)


def has_scanned(session: Session, sgtin: str, visitor: bytes, *, since: datetime) -> bool:
    """Say whether a browser has scanned an item since a time."""
    counted_at = session.scalar(select(Sighting.counted_at).where(Sighting.sgtin == sgtin, Sighting.visitor == visitor))
    return counted_at is not None and counted_at > since


def is_flagged(session: Session, sgtin: str) -> bool:
    """Say whether people who check an item are warned of copies."""
    return session.scalar(select(Item.flagged_at).where(Item.sgtin == sgtin)) is not None


def check_over(handover: Handover) -> None:
    """
    Say in words why nothing can come of a transfer any more.

    Raises:
        TransferOver: Nothing can.
    """
    if (said := _OVER.get(handover.state)) is not None:
        raise TransferOver(said)


def read(row: Transfer, now: datetime) -> Handover:
    """Return a row as it counts now."""
    state, ended_at = State(row.state), row.ended_at
    if row.state in OPEN and row.expires_at <= now:
        state, ended_at = State.EXPIRED, row.expires_at
    return Handover(
        id=row.id, sgtin=row.sgtin, brand_id=row.brand_id, version=row.version, registration_id=row.registration_id,
        seller_id=row.seller_id, buyer_id=row.buyer_id, dealer_id=row.dealer_id, given_id=row.given_id,
        is_present=row.is_present, state=state,
        offered_at=row.offered_at, expires_at=row.expires_at, accepted_at=row.accepted_at,
        completed_at=row.completed_at, dispute_until=row.dispute_until, ended_at=ended_at,
        disputed_at=row.disputed_at, disputed_by=row.disputed_by, decided_at=row.decided_at, decision=row.decision,
    )  # fmt: skip
