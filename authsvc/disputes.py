"""
Disputes: a transfer that the old owner or the buyer contests within a day, and what the brand makes of it.

Either says in their own words what happened; what they write opens with their own key, so that erasing a person erases
it. The brand lets the transfer stand, takes it back, or blocks the code. Taking it back is a further version of the
registration with the warranty as it was: nothing of the history is rewritten.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from authsvc import dealer_stock, dealers, investigations, item_rows, owners
from authsvc.core.clones import UNKNOWN_PLACE, Fact, FactKind
from authsvc.core.verdicts import Disposition
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.handovers import Handover, State, get, read
from authsvc.investigations import Subject
from authsvc.models import Owner, Registration, Transfer
from authsvc.owners import Person, Random
from authsvc.ownership import State as Held
from authsvc.registrations import BY

LONGEST = 1000
SIDES = ("seller", "buyer")


class Decision(StrEnum):
    """What the brand makes of a dispute. The values are stored."""

    STANDS = "stands"
    RETURNS = "returns"
    BLOCKS = "blocks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """
    One side of a dispute: who it is and what they say; both are None of somebody who was erased.

    A dealer who took the item into stock has a name, and says to the brand directly what there is to say.
    """

    side: str
    person: Person | None
    dealer: str | None = None
    statement: str | None = field(default=None, repr=False)


def clean(text: str) -> str:
    """
    Read a statement.

    Raises:
        BadInput: It says nothing, or far too much.
    """
    said = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if not said:
        raise BadInput("Say in a few sentences what is wrong. The brand decides by it.")
    if len(said) > LONGEST:
        raise BadInput("Say what is wrong in at most {most} characters.", most=f"{LONGEST:,}")
    return said


def dispute(
    session: Session, subject: Subject, transfer_id: UUID, person: Person, said: str, *, key: bytes, random: Random,
    now: datetime,
) -> Handover:  # fmt: skip
    """
    Contest a transfer, or add to what the other side says of one that is contested.

    Raises:
        NotFound: The person is no side of it.
        Conflict: It is not completed, the time is over, or the brand has decided.
        BadInput: The statement is empty or too long.
    """
    statement = clean(said)
    item = item_rows.lock(session, subject.name)
    found = get(session, item.sgtin, transfer_id, now=now)
    side = found.side_of(person)
    if side is None:
        raise NotFound("You have no transfer at this address.")
    if found.state is not State.DISPUTED and not found.may_dispute(now):
        raise Conflict("The time to dispute this transfer is over, or the brand has decided. Contact the brand.")
    row = session.get_one(Transfer, (item.sgtin, transfer_id))
    number = _place_of(transfer_id, side)
    sealed = owners.seal(session, person, {"said": statement}, key=key, random=random, number=number)
    if side == "seller":
        row.seller_statement = sealed
    else:
        row.buyer_statement = sealed
    if row.state != State.DISPUTED:
        row.state, row.disputed_at, row.disputed_by = State.DISPUTED.value, now, side
    session.flush()
    return read(row, now)


def parties(session: Session, found: Handover, *, key: bytes) -> tuple[Party, Party]:
    """Return both sides of a transfer that has moved, with their addresses and statements."""
    row = session.get_one(Transfer, (found.sgtin, found.id))
    sealed = {"seller": row.seller_statement, "buyer": row.buyer_statement}
    whose = {"seller": found.seller_id, "buyer": found.buyer_id}
    seller, buyer = (
        _party(session, found.id, side, whose[side], sealed[side], key, dealer_id=found.dealer_id) for side in SIDES
    )
    return seller, buyer


def find_statement(session: Session, person: Person, row: Transfer, side: str, *, key: bytes) -> str | None:
    """Return what somebody has said themselves of a transfer that is disputed."""
    sealed = row.seller_statement if side == "seller" else row.buyer_statement
    if sealed is None:
        return None
    return owners.unseal(session, person, sealed, key=key, number=_place_of(row.id, side))["said"]


def list_disputes(session: Session, *, now: datetime, most: int = 200) -> list[Handover]:
    """Return the disputes of the brand of the transaction: those that wait first, then the latest."""
    rows = session.scalars(
        select(Transfer)
        .where(Transfer.disputed_at.is_not(None))
        .order_by(Transfer.decided_at.is_not(None), Transfer.disputed_at.desc())
        .limit(most)
    )
    return [read(row, now) for row in rows]


def find_dispute(session: Session, transfer_id: UUID, *, now: datetime) -> Handover:
    """
    Return a dispute of the brand of the transaction.

    Raises:
        NotFound: It has none with this number.
    """
    row = session.scalar(select(Transfer).where(Transfer.id == transfer_id, Transfer.disputed_at.is_not(None)))
    if row is None:
        raise NotFound("There is no such dispute.")
    return read(row, now)


def decide(
    session: Session, subject: Subject, transfer_id: UUID, decision: Decision, *, reason: str, by: str, now: datetime,
    new_id: Callable[[], UUID],
) -> Handover:  # fmt: skip
    """
    Decide a dispute; *reason* is written to the item where its code is blocked.

    Raises:
        Conflict: It was decided, or the item cannot go back, because it has moved on.
    """
    item = item_rows.lock(session, subject.name)
    found = get(session, item.sgtin, transfer_id, now=now)
    if found.state is not State.DISPUTED:
        raise Conflict("This dispute was decided already.")
    row = session.get_one(Transfer, (item.sgtin, transfer_id))
    if decision is Decision.RETURNS:
        _give_back(session, subject, found, by=by, now=now, new_id=new_id)
    if decision is Decision.BLOCKS:
        item.disposition, item.disposition_reason = Disposition.BLOCKED.value, reason
        item.disposition_at = now
        item.seq += 1
    row.state = (State.REVERSED if decision is Decision.RETURNS else State.COMPLETED).value
    row.decision, row.decided_at = decision.value, now
    session.flush()
    return read(row, now)


# --- Private ---------------------------------------------------------------------------------------------------------


def _place_of(transfer_id: UUID, side: str) -> str:
    return f"{transfer_id}.{side}"


def _party(
    session: Session, transfer_id: UUID, side: str, owner_id: UUID | None, sealed: bytes | None, key: bytes, *,
    dealer_id: UUID | None,
) -> Party:  # fmt: skip
    if owner_id is None:
        return Party(side=side, person=None, dealer=_name_of(session, dealer_id))
    try:
        person = owners.get(session, owner_id, key=key)
    except NotFound:
        return Party(side=side, person=None)
    said = None
    if sealed is not None:
        said = owners.unseal(session, person, sealed, key=key, number=_place_of(transfer_id, side))["said"]
    return Party(side=side, person=person, statement=said)


def _name_of(session: Session, dealer_id: UUID | None) -> str | None:
    return None if dealer_id is None else dealers.name_of(session, dealer_id)


def _give_back(
    session: Session, subject: Subject, found: Handover, *, by: str, now: datetime, new_id: Callable[[], UUID]
) -> None:
    """Let the old owner have the item again, with its warranty; what the buyer has of it ends where it has not."""
    history = list(
        session.scalars(
            select(Registration)
            .where(Registration.sgtin == found.sgtin)
            .order_by(Registration.version)
            .with_for_update()
        )
    )
    present = next((row for row in history if row.ended_at is None), None)
    if present is not None and present.id != found.given_id:
        raise Conflict("The item has another owner by now, so it cannot go back. Decide otherwise.")
    seller = session.get(Owner, found.seller_id)
    if seller is None or seller.erased_at is not None:
        raise Conflict("The seller was erased, so the item cannot go back. Decide otherwise.")
    if found.dealer_id is not None:
        dealer_stock.hand_back(session, found.sgtin, found.dealer_id, now=now)
    old = next(row for row in history if row.id == found.registration_id)
    if present is not None:
        present.state, present.ended_at, present.sealed = Held.REVERSED.value, now, None
        session.flush()
    session.add(
        Registration(
            sgtin=found.sgtin, version=history[-1].version + 1, id=new_id(), brand_id=found.brand_id,
            owner_id=old.owner_id, state=Held.CONFIRMED.value, has_claim=old.has_claim, registered_at=now,
            confirmed_at=now, purchased_on=old.purchased_on, warranty_from=old.warranty_from,
            warranty_until=old.warranty_until, transfer_id=found.id,
        )
    )  # fmt: skip
    session.flush()
    investigations.withdraw_fact(session, subject, found.id, by=by, now=now)
    back = Fact(kind=FactKind.TRANSFERRED, at=now, place=UNKNOWN_PLACE)
    investigations.record_fact(session, subject, back, id=new_id(), by=BY, now=now)
