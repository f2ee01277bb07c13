"""
Transfers: an item passes from its owner to the next, and at no moment has two owners.

The owner offers the item and gets a one-time code for it. Whoever holds the item and the code accepts. The owner sees
who that is, masked, and confirms; then the registration of the owner ends and that of the buyer begins, with the same
warranty. In the presence of the buyer the owner confirms in advance: such an offer lives ten minutes. A dealer who
accepts takes the item into stock: nobody owns it then, and whoever registers it next has the warranty that is left.

Whoever changes anything locks the row of the item first. The move itself is a compare-and-set on the version of the
registration under ``PRIMARY KEY (sgtin, version)``. An act that is sent twice has one effect and one answer. Time ends
an offer by itself: nothing has to run for that. The clone rules hear of it in the same transaction.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.orm import Session

from authsvc import dealer_stock, investigations, item_rows
from authsvc.core.clones import UNKNOWN_PLACE, Fact, FactKind, Place
from authsvc.core.verdicts import Disposition
from authsvc.dealers import DealerInfo
from authsvc.errors import Conflict, NotFound, TransferOver
from authsvc.handovers import MOVED, OPEN, Handover, State, check_over, find_latest, find_open, get, read
from authsvc.investigations import Subject
from authsvc.languages import later
from authsvc.models import Item, Registration, Transfer
from authsvc.owners import Person
from authsvc.ownership import State as Held
from authsvc.ownership import is_over
from authsvc.registrations import BY

OFFER_LIVES, PRESENT_LIVES = timedelta(hours=72), timedelta(minutes=10)
CONFIRM_LEAST = timedelta(hours=24)
"""What the owner has at least to confirm, also when the buyer accepted in the last minute."""
DISPUTE = timedelta(hours=24)

_UNSEEN: dict[str, Any] = dict.fromkeys(("visitor", "country", "latitude", "longitude", "radius_km"))
"""Who accepted stands at the transfer until it ends; from then on the fact knows them, or nobody does."""

_CLOSED = {
    Disposition.STOLEN: later("This item is reported stolen, so it cannot change hands now. Contact the brand."),
    Disposition.LOST: later("This item is reported lost, so it cannot change hands now. Contact the brand."),
    Disposition.BLOCKED: later(
        "The brand has blocked the code of this item, so it cannot change hands now. Contact the brand."
    ),
    Disposition.DESTROYED: later("This item is reported destroyed, so it cannot change hands now. Contact the brand."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Who accepts, as the clone rules may know them: the browser that has scanned the item, and where."""

    visitor: bytes | None = None
    place: Place = UNKNOWN_PLACE


NewId = Callable[[], UUID]


def check_report(session: Session, subject: Subject, condition: str, *, now: datetime) -> None:
    """
    Refuse a report of theft or loss that would be a weapon in a sale; an offer that nobody took up ends by it.

    Raises:
        Conflict: The item is being handed over.
    """
    if condition not in {"stolen", "lost"}:
        return
    item = item_rows.lock(session, subject.name)
    present = find_open(session, item.sgtin, now=now)
    if present is not None and present.state is State.ACCEPTED:
        raise Conflict("Somebody has accepted your offer of this item. Withdraw the offer first.")
    latest = find_latest(session, item.sgtin, now=now)
    if condition == "stolen" and latest is not None and latest.is_unsettled(now):
        raise Conflict(
            "This item has just changed hands. Until the time for a dispute is over it cannot be reported stolen. "
            "If something is wrong, dispute the transfer: the brand then decides."
        )
    void(session, item.sgtin, now=now)


def offer(
    session: Session, subject: Subject, seller: Person, registration_id: UUID, *, id: UUID, is_present: bool,  # noqa: A002  the word of the column
    now: datetime, new_id: NewId,
) -> Handover:  # fmt: skip
    """
    Offer an item; an offer that nobody has accepted ends by it. The same *id* twice is one offer.

    Raises:
        NotFound: The person does not hold it.
        Conflict: The item is reported or blocked, just came by a transfer, or somebody has accepted the old offer.
    """
    item = item_rows.lock(session, subject.name)
    done = session.get(Transfer, (item.sgtin, id), populate_existing=True)
    if done is not None and done.seller_id == seller.id:
        return read(done, now)
    row = _present(session, item.sgtin)
    if row is None or (row.owner_id, row.id) != (seller.id, registration_id):
        raise NotFound("You have no item at this address. It may belong to somebody else by now.")
    if row.state == Held.PENDING and not is_over(row, now):
        raise Conflict("Your registration is provisional. You can offer the item once it is confirmed.")
    _check_disposition(item)
    latest = find_latest(session, item.sgtin, now=now)
    if latest is not None and latest.is_unsettled(now):
        raise Conflict("This item has just changed hands. You can pass it on once the time for a dispute is over.")
    present = find_open(session, item.sgtin, now=now)
    if present is not None and present.state is State.ACCEPTED:
        raise Conflict("Somebody has accepted your offer. Confirm or refuse them before you make a new one.")
    void(session, item.sgtin, now=now)
    made = Transfer(
        sgtin=item.sgtin, id=id, brand_id=item.brand_id, version=row.version, registration_id=row.id,
        seller_id=seller.id, is_present=is_present, state=State.OFFERED.value, offered_at=now,
        expires_at=now + (PRESENT_LIVES if is_present else OFFER_LIVES),
    )  # fmt: skip
    session.add(made)
    session.flush()
    offered = Fact(kind=FactKind.OFFERED, at=now)
    investigations.record_fact(session, subject, offered, id=new_id(), by=BY, now=now)
    return read(made, now)


def accept(
    session: Session, subject: Subject, transfer_id: UUID, buyer: Person | DealerInfo, *, seen: Seen, now: datetime,
    new_id: NewId,
) -> Handover:  # fmt: skip
    """
    Accept an offer; one that was made in the presence of the buyer completes by it.

    Raises:
        TransferOver: It ended, somebody else was first, or the seller does not own the item any more.
        Conflict: The buyer is the seller, or the item is reported or blocked.
    """
    item = item_rows.lock(session, subject.name)
    found = get(session, item.sgtin, transfer_id, now=now)
    if found.taker_id == buyer.id and found.state not in {State.DECLINED, State.CANCELLED, State.EXPIRED}:
        return found
    check_over(found)
    if found.state is State.ACCEPTED:
        raise TransferOver("Somebody else has accepted this offer before you. Ask the seller.")
    if found.seller_id == buyer.id:
        raise Conflict("This is your own offer. Send its link to whoever gets the item.")
    _check_disposition(item)
    _check_still_held(session, found)
    expires_at = found.expires_at if found.is_present else max(found.expires_at, now + CONFIRM_LEAST)
    taker = {"buyer_id" if isinstance(buyer, Person) else "dealer_id": buyer.id}
    _move(
        session, found, State.OFFERED, now, **taker, state=State.ACCEPTED.value, accepted_at=now, expires_at=expires_at,
        visitor=seen.visitor, country=seen.place.country, latitude=seen.place.latitude,
        longitude=seen.place.longitude, radius_km=seen.place.radius_km,
    )  # fmt: skip
    found = get(session, item.sgtin, transfer_id, now=now)
    if found.is_present:
        _complete(session, subject, item, found, seen, now=now, new_id=new_id)
    return get(session, item.sgtin, transfer_id, now=now)


def confirm(
    session: Session, subject: Subject, transfer_id: UUID, seller: Person, *, buyer_id: UUID, now: datetime,
    new_id: NewId,
) -> Handover:  # fmt: skip
    """
    Let the buyer have the item: the one whom the seller has seen, and nobody else; *buyer_id* may be a dealer's.

    Raises:
        TransferOver: It ended, or the seller does not own the item any more.
        Conflict: Another person has accepted, nobody has, or the item is reported or blocked.
    """
    item = item_rows.lock(session, subject.name)
    found = _get_sellers(session, item.sgtin, transfer_id, seller, now=now)
    if found.state.value in MOVED and found.taker_id == buyer_id:
        return found
    check_over(found)
    if found.state is not State.ACCEPTED:
        raise Conflict("Nobody has accepted this offer yet.")
    if found.taker_id != buyer_id:
        raise Conflict("Somebody else has accepted by now. Look at who it is before you confirm.")
    _check_disposition(item)
    row = session.get_one(Transfer, (item.sgtin, transfer_id))
    place = Place(row.country, row.latitude, row.longitude, row.radius_km)
    seen = Seen(visitor=row.visitor, place=place)
    _complete(session, subject, item, found, seen, now=now, new_id=new_id)
    return get(session, item.sgtin, transfer_id, now=now)


def cancel(session: Session, subject: Subject, transfer_id: UUID, seller: Person, *, now: datetime) -> Handover:
    """
    Withdraw an offer, or refuse who has accepted it.

    Raises:
        TransferOver: It has ended otherwise.
    """
    item = item_rows.lock(session, subject.name)
    found = _get_sellers(session, item.sgtin, transfer_id, seller, now=now)
    return _end(session, found, State.CANCELLED, now)


def decline(
    session: Session, subject: Subject, transfer_id: UUID, buyer: Person | DealerInfo, *, now: datetime
) -> Handover:
    """
    Take back an acceptance, before the seller has confirmed it.

    Raises:
        TransferOver: It has ended otherwise.
    """
    item = item_rows.lock(session, subject.name)
    found = get(session, item.sgtin, transfer_id, now=now)
    if found.taker_id != buyer.id:
        raise NotFound("You have no transfer at this address.")
    return _end(session, found, State.DECLINED, now)


def check_release(session: Session, subject: Subject, *, now: datetime) -> None:
    """
    Refuse to give up what is being handed over; an offer that nobody took up ends by it.

    Raises:
        Conflict: Somebody has accepted, or the time for a dispute runs.
    """
    item = item_rows.lock(session, subject.name)
    present = find_open(session, item.sgtin, now=now)
    if present is not None and present.state is State.ACCEPTED:
        raise Conflict("Somebody has accepted your offer of this item. Confirm or refuse them first.")
    latest = find_latest(session, item.sgtin, now=now)
    if latest is not None and latest.is_unsettled(now):
        raise Conflict("This item has just changed hands. You can give it up once the time for a dispute is over.")
    void(session, item.sgtin, now=now)


def leave_all(session: Session, person: Person, *, now: datetime) -> None:
    """End every open transfer of somebody who is forgotten; then none of them can complete."""
    for column, state in ((Transfer.seller_id, State.CANCELLED), (Transfer.buyer_id, State.DECLINED)):
        session.execute(
            update(Transfer)
            .where(column == person.id, Transfer.state.in_(OPEN))
            .values(state=state.value, ended_at=now, **_UNSEEN)
            .execution_options(synchronize_session=False)
        )
    session.expire_all()


def void(session: Session, sgtin: str, *, now: datetime) -> None:
    """End what is open for an item, as when it is offered anew, given up or reported; its row is locked."""
    for row in session.scalars(select(Transfer).where(Transfer.sgtin == sgtin, Transfer.state.in_(OPEN))):
        is_expired = row.expires_at <= now
        row.state = (State.EXPIRED if is_expired else State.CANCELLED).value
        row.ended_at = row.expires_at if is_expired else now
        row.visitor = row.country = row.latitude = row.longitude = row.radius_km = None
    session.flush()


# --- Private ---------------------------------------------------------------------------------------------------------


def _check_disposition(item: Item) -> None:
    if (said := _CLOSED.get(Disposition(item.disposition))) is not None:
        raise Conflict(said)


def _present(session: Session, sgtin: str) -> Registration | None:
    return session.scalar(
        select(Registration)
        .where(Registration.sgtin == sgtin, Registration.ended_at.is_(None))
        .execution_options(populate_existing=True)
    )


def _check_still_held(session: Session, found: Handover) -> None:
    row = _present(session, found.sgtin)
    if row is None or (row.version, row.id) != (found.version, found.registration_id):
        raise TransferOver("The seller does not own this item any more. Do not pay, and ask them.")


def _get_sellers(session: Session, sgtin: str, transfer_id: UUID, seller: Person, *, now: datetime) -> Handover:
    found = get(session, sgtin, transfer_id, now=now)
    if found.seller_id != seller.id:
        raise NotFound("You have no transfer at this address.")
    return found


def _move(session: Session, found: Handover, source: State, now: datetime, **values: Any) -> None:
    """Change a transfer, if it is still as it was read: the compare-and-set of its state and time."""
    statement = update(Transfer).where(
        Transfer.sgtin == found.sgtin,
        Transfer.id == found.id,
        Transfer.state == source.value,
        Transfer.expires_at > now,
    )
    _change_one(session, statement.values(**values))


def _end(session: Session, found: Handover, state: State, now: datetime) -> Handover:
    if found.state is state:
        return found
    check_over(found)
    _move(session, found, found.state, now, state=state.value, ended_at=now, **_UNSEEN)
    return get(session, found.sgtin, found.id, now=now)


def _complete(
    session: Session, subject: Subject, item: Item, found: Handover, seen: Seen, *, now: datetime, new_id: NewId
) -> None:
    """Move the item: end the registration of this very version, begin the next, and let the clone rules know."""
    _change_one(
        session,
        update(Registration)
        .where(
            Registration.sgtin == found.sgtin, Registration.version == found.version,
            Registration.id == found.registration_id, Registration.ended_at.is_(None),
        )
        .values(
            state=Held.TRANSFERRED.value, ended_at=now, sealed=None,
            confirmed_at=func.coalesce(Registration.confirmed_at, Registration.pending_until),
        ),
    )  # fmt: skip
    old = session.get_one(Registration, (found.sgtin, found.version), populate_existing=True)
    given_id, by = None, BY
    if found.dealer_id is not None:
        by = f"{dealer_stock.BY} {dealer_stock.take_in(session, item, found.dealer_id, now=now).name}"
    elif found.buyer_id is not None:
        given_id = new_id()
        session.add(
            Registration(
                sgtin=found.sgtin, version=found.version + 1, id=given_id, brand_id=found.brand_id,
                owner_id=found.buyer_id, state=Held.CONFIRMED.value, has_claim=False, registered_at=now,
                confirmed_at=now, warranty_from=old.warranty_from, warranty_until=old.warranty_until,
                transfer_id=found.id,
            )
        )  # fmt: skip
        session.flush()
    _move(
        session, found, State.ACCEPTED, now, state=State.COMPLETED.value, completed_at=now, given_id=given_id,
        dispute_until=now + DISPUTE, ended_at=now, **_UNSEEN,
    )  # fmt: skip
    moved = Fact(kind=FactKind.TRANSFERRED, at=now, visitor=seen.visitor, place=seen.place)
    investigations.record_fact(session, subject, moved, id=found.id, by=by, now=now)


def _change_one(session: Session, statement: Any) -> None:
    result = session.execute(statement.execution_options(synchronize_session=False))
    assert isinstance(result, CursorResult)
    if result.rowcount != 1:
        raise TransferOver("This has changed in the meantime. Load the page anew and look again.")
