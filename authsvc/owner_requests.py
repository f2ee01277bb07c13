"""
Requests about an item that has an owner: bought used without a transfer, or owned by somebody who lost their mailbox.

Whoever bought it used asks the owner, through us: the owner learns that somebody holds the item and nothing else, and
who asks learns what the owner has answered and nothing else. Whoever has lost the mailbox of an item shows that they
hold it, its claim code and a proof of purchase. The owner's address is told and stops the request with one link; after
fourteen days the brand decides. A decision moves this one item, and never what else the owner has.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from authsvc import investigations, item_rows, transfers
from authsvc.core.clones import Fact, FactKind
from authsvc.core.verdicts import Disposition
from authsvc.errors import AlreadyRegistered, Conflict, NotFound
from authsvc.investigations import Subject
from authsvc.models import OwnerRequest, Registration
from authsvc.owners import Person
from authsvc.ownership import Registered, find_present, read
from authsvc.ownership import State as Held
from authsvc.registrations import BY

ANSWER = timedelta(days=30)
"""How long the owner has to answer who bought it used."""
WAIT = timedelta(days=14)
"""How long the owner of a lost mailbox has to stop the request, before the brand may grant it."""
MOST = 200


class Kind(StrEnum):
    """What is asked. The values are stored."""

    USED = "used"
    MAILBOX = "mailbox"


class State(StrEnum):
    """What became of a request: waiting, an answer of the owner, a decision of the brand, or over by itself."""

    WAITING = "waiting"
    OFFERED = "offered"
    RELEASED = "released"
    REPORTED = "reported"
    IGNORED = "ignored"
    STOPPED = "stopped"
    GRANTED = "granted"
    REFUSED = "refused"
    OVER = "over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it is now. ``due_at`` is when the wait of a mailbox ends, or the time to answer."""

    id: UUID
    brand_id: UUID
    kind: Kind
    sgtin: str
    registration_id: UUID
    owner_id: UUID
    asker_id: UUID
    state: State
    created_at: datetime
    due_at: datetime
    ended_at: datetime | None
    decided_by: str | None
    reason: str | None

    def may_grant(self, now: datetime) -> bool:
        """Say whether the brand may give the item to who asks."""
        return self.kind is Kind.MAILBOX and self.state is State.WAITING and self.due_at <= now


def check_askable(session: Session, subject: Subject, *, now: datetime) -> Registered:
    """
    Return who holds an item, for somebody who wants to ask them.

    Raises:
        Conflict: Nobody does whom one could ask, or it is reported or blocked.
    """
    item = item_rows.lock(session, subject.name)
    if Disposition(item.disposition) is not Disposition.ACTIVE:
        raise Conflict(
            "This item is reported or blocked, so nobody is asked about it. Check its code, and ask the brand."
        )
    present = find_present(session, item.sgtin, now=now)
    if present is None or present.state is Held.PENDING:
        raise Conflict("This item has no owner who could be asked. Scan it and register it yourself.")
    return present


def ask(
    session: Session, subject: Subject, kind: Kind, asker: Person, *, id: UUID, now: datetime  # noqa: A002  the word of the column
) -> Request:  # fmt: skip
    """
    Keep a request of somebody whose address is confirmed; asked twice, it is one.

    Raises:
        Conflict: Nobody could be asked, or somebody else has asked for the mailbox of this item already.
        AlreadyRegistered: It is theirs.
    """
    present = check_askable(session, subject, now=now)
    if present.owner_id == asker.id:
        raise AlreadyRegistered("This item is yours already. Sign in with this address.")
    session.execute(
        insert(OwnerRequest)
        .values(
            id=id, brand_id=asker.brand_id, kind=kind.value, sgtin=present.sgtin, registration_id=present.id,
            owner_id=present.owner_id, asker_id=asker.id, state=State.WAITING.value, created_at=now,
            due_at=now + (WAIT if kind is Kind.MAILBOX else ANSWER),
        )
        .on_conflict_do_nothing()
    )  # fmt: skip
    row = session.scalar(
        select(OwnerRequest).where(
            OwnerRequest.registration_id == present.id, OwnerRequest.asker_id == asker.id,
            OwnerRequest.kind == kind.value, OwnerRequest.state == State.WAITING.value,
        )
    )  # fmt: skip
    if row is None:
        raise Conflict("Somebody has asked for this item already, and it is being looked into. Contact the brand.")
    return _read(row)


def get(session: Session, request_id: UUID) -> Request:
    """
    Return a request of the brand of the transaction.

    Raises:
        NotFound: There is none of this number.
    """
    row = session.get(OwnerRequest, request_id, populate_existing=True)
    if row is None:
        raise NotFound("There is no such request.")
    return _read(row)


def list_for(session: Session, registration_id: UUID, *, now: datetime) -> list[Request]:
    """Return what is asked of the owner of a registration and waits, the oldest first."""
    rows = session.scalars(
        select(OwnerRequest)
        .where(OwnerRequest.registration_id == registration_id, OwnerRequest.state == State.WAITING.value)
        .where(or_(OwnerRequest.kind == Kind.MAILBOX.value, OwnerRequest.due_at > now))
        .order_by(OwnerRequest.created_at)
    )
    return [_read(row) for row in rows]


def list_by(session: Session, person: Person) -> list[Request]:
    """Return what a person has asked, the latest first."""
    rows = session.scalars(
        select(OwnerRequest).where(OwnerRequest.asker_id == person.id).order_by(OwnerRequest.created_at.desc())
    )
    return [_read(row) for row in rows]


def list_mailboxes(session: Session) -> list[Request]:
    """Return the requests that the brand of the transaction decides: those that wait first, then the latest."""
    rows = session.scalars(
        select(OwnerRequest)
        .where(OwnerRequest.kind == Kind.MAILBOX.value)
        .order_by(OwnerRequest.state != State.WAITING.value, OwnerRequest.created_at.desc())
        .limit(MOST)
    )
    return [_read(row) for row in rows]


def end(
    session: Session, request_id: UUID, state: State, *, now: datetime, by: str | None = None,
    reason: str | None = None,
) -> Request:  # fmt: skip
    """
    Answer, stop or refuse a request; of two who do it at once, one does.

    Raises:
        Conflict: It has ended.
        NotFound: There is none.
    """
    done = session.scalar(
        update(OwnerRequest)
        .where(OwnerRequest.id == request_id, OwnerRequest.state == State.WAITING.value)
        .values(state=state.value, ended_at=now, decided_by=by, reason=reason)
        .returning(OwnerRequest.id)
        .execution_options(synchronize_session=False)
    )
    found = get(session, request_id)
    if done is None:
        raise Conflict("This request has ended already.")
    return found


def stop(session: Session, subject: Subject, request_id: UUID, *, now: datetime, new_id: Callable[[], UUID]) -> Request:
    """
    Let the owner stop who asks for their item, and let the clone rules know: two people have the claim code.

    Raises:
        Conflict: It has ended.
    """
    stopped = end(session, request_id, State.STOPPED, now=now)
    claimed = Fact(kind=FactKind.CLAIMED, at=now)
    investigations.record_fact(session, subject, claimed, id=new_id(), by=BY, now=now)
    return stopped


def end_all(session: Session, registration_id: UUID, state: State, *, now: datetime) -> list[Request]:
    """End what is asked about a registration and waits, as when its owner gives it up or reports it stolen."""
    ended = session.scalars(
        update(OwnerRequest)
        .where(OwnerRequest.registration_id == registration_id, OwnerRequest.state == State.WAITING.value)
        .values(state=state.value, ended_at=now)
        .returning(OwnerRequest.id)
        .execution_options(synchronize_session=False)
    ).all()
    return [get(session, request_id) for request_id in ended]


def leave_all(session: Session, person: Person, *, now: datetime) -> None:
    """End what somebody has asked, or is asked, who is forgotten."""
    session.execute(
        update(OwnerRequest)
        .where(
            or_(OwnerRequest.asker_id == person.id, OwnerRequest.owner_id == person.id),
            OwnerRequest.state == State.WAITING.value,
        )
        .values(state=State.OVER.value, ended_at=now)
        .execution_options(synchronize_session=False)
    )
    session.expire_all()


def grant(
    session: Session, subject: Subject, request_id: UUID, *, by: str, reason: str, now: datetime,
    new_id: Callable[[], UUID],
) -> tuple[Request, Registered]:  # fmt: skip
    """
    Give an item to who has lost its mailbox, under their new address, with the warranty as it was.

    Raises:
        Conflict: It has ended, the wait is not over, the item is being handed over, or it has another owner by now.
    """
    item = item_rows.lock(session, subject.name)
    found = get(session, request_id)
    if not found.may_grant(now):
        raise Conflict("This request cannot be granted: it has ended, or the owner still has time to stop it.")
    history = list(
        session.scalars(
            select(Registration)
            .where(Registration.sgtin == item.sgtin)
            .order_by(Registration.version)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    )
    old = next((row for row in history if row.ended_at is None), None)
    if old is None or old.id != found.registration_id:
        raise Conflict("The item has another owner by now, or none. Refuse the request.")
    transfers.check_release(session, subject, now=now)
    old.state, old.ended_at, old.sealed = Held.RECOVERED.value, now, None
    session.flush()
    row = Registration(
        sgtin=old.sgtin, version=history[-1].version + 1, id=new_id(), brand_id=old.brand_id,
        owner_id=found.asker_id, state=Held.CONFIRMED.value, has_claim=old.has_claim, is_used=old.is_used,
        registered_at=now, confirmed_at=now, purchased_on=old.purchased_on, warranty_from=old.warranty_from,
        warranty_until=old.warranty_until,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return end(session, request_id, State.GRANTED, now=now, by=by, reason=reason), read(row, now)


# --- Private ---------------------------------------------------------------------------------------------------------


def _read(row: OwnerRequest) -> Request:
    return Request(
        id=row.id, brand_id=row.brand_id, kind=Kind(row.kind), sgtin=row.sgtin, registration_id=row.registration_id,
        owner_id=row.owner_id, asker_id=row.asker_id, state=State(row.state), created_at=row.created_at,
        due_at=row.due_at, ended_at=row.ended_at, decided_by=row.decided_by, reason=row.reason,
    )  # fmt: skip
