"""
Sessions of staff: kept on the server, named by a secret in a cookie of which only the hash is stored.

A session ends after 30 idle minutes, after 12 hours whatever happens, by signing out, or from another browser of the
same person. Its secret changes when its rights do: at sign-in, at a choice of brand, after a new proof. A role that
was changed ends the choice of brand, so nobody keeps a right that was taken from them.

A *flow* is a step of signing in that waits for the next: a challenge, a second factor. It belongs to one browser, is
used once and lives for minutes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from authsvc.errors import NotFound
from authsvc.models import Brand, Staff, StaffAccount, StaffFlow, StaffSession
from authsvc.staff import SECRET_BYTES, Random, Role, hash_secret, spell

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=12)
PROOF_LIFE = timedelta(minutes=5)
SSO = "single sign-on"
FLOW_LIFE = timedelta(minutes=10)
RESET = "reset"
"""The kind of a flow that sets a new password, and its browser: the link goes to a person and opens in any."""

_TOUCH = timedelta(seconds=30)
_EMPLOYER = func.coalesce(Brand.sandbox_of, Brand.id)
"""Whose team works in a brand: a sandbox has that of its brand, with the same roles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A session that holds: whose it is and, once a brand was chosen, where and in which role."""

    id: UUID
    account_id: UUID
    email: str
    name: str
    brand_id: UUID | None
    brand: str | None
    role: Role | None
    method: str
    proved_at: datetime
    bound_to: UUID | None = None
    """The one brand, with its sandbox, that a session may act for which the provider of that brand has vouched for."""
    sandbox_of: UUID | None = None

    def is_proved(self, now: datetime) -> bool:
        """Whether the person has proved who they are in the last five minutes."""
        return now - self.proved_at < PROOF_LIFE


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """An open session, as its owner sees it in the list."""

    id: UUID
    method: str
    agent: str
    created_at: datetime
    seen_at: datetime
    is_this: bool


@dataclass(frozen=True, slots=True)
class Place:
    """A brand that somebody works for."""

    brand_id: UUID
    name: str
    role: Role
    is_sandbox: bool = False
    """Whether it is the sandbox of a brand, which somebody goes to and never starts in."""


@dataclass(frozen=True, slots=True)
class Flow:
    """What the step before has left."""

    account_id: UUID | None
    data: Mapping[str, Any] = field(default_factory=dict)


def start(
    session: Session,
    account_id: UUID,
    *,
    method: str,
    agent: str,
    now: datetime,
    new_id: Callable[[], UUID],
    random: Random,
    proved_at: datetime | None = None,
    bound_to: UUID | None = None,
) -> str:
    """Sign somebody in and return the secret of the session; it may be bound to one brand for good."""
    secret = spell(random(SECRET_BYTES))
    session.add(
        StaffSession(
            id=new_id(), token_hash=hash_secret(secret), account_id=account_id, method=method, agent=agent,
            created_at=now, seen_at=now, proved_at=proved_at or now, brand_id=bound_to,
        )
    )  # fmt: skip
    session.flush()
    return secret


def find(session: Session, secret: str, *, now: datetime) -> Signed | None:
    """Return whose session a secret opens, if it holds; its use is noted."""
    row = session.execute(
        select(StaffSession, StaffAccount, Brand, Staff.role)
        .join(StaffAccount, StaffAccount.id == StaffSession.account_id)
        .outerjoin(Brand, Brand.id == StaffSession.brand_id)
        .outerjoin(
            Staff,
            (Staff.brand_id == _EMPLOYER)
            & (Staff.account_id == StaffSession.account_id)
            & (Staff.role == StaffSession.role)
            & Staff.deactivated_at.is_(None),
        )
        .where(StaffSession.token_hash == hash_secret(secret), _holds(now))
    ).one_or_none()
    if row is None:
        return None
    found, account, brand, role = row
    if now - found.seen_at > _TOUCH:
        session.execute(update(StaffSession).where(StaffSession.id == found.id).values(seen_at=now))
    return Signed(
        id=found.id,
        account_id=account.id,
        email=account.email,
        name=account.name,
        brand_id=found.brand_id if role else None,
        brand=brand.name if role else None,
        role=Role(role) if role else None,
        method=found.method,
        proved_at=found.proved_at,
        bound_to=(brand.sandbox_of or brand.id) if brand is not None and found.method == SSO else None,
        sandbox_of=brand.sandbox_of if role else None,
    )


def list_places(session: Session, account_id: UUID, bound_to: UUID | None = None) -> list[Place]:
    """Return the brands that somebody works for, with their sandboxes; of a session that is bound to one, that one."""
    query = (
        select(Brand.id, Brand.name, Staff.role, Brand.sandbox_of)
        .join(Brand, Staff.brand_id == _EMPLOYER)
        .where(Staff.account_id == account_id, Staff.deactivated_at.is_(None))
        .order_by(Brand.name)
    )
    if bound_to is not None:
        query = query.where(Staff.brand_id == bound_to)
    rows = session.execute(query)
    return [Place(brand_id, name, Role(role), sandbox_of is not None) for brand_id, name, role, sandbox_of in rows]


def only(places: Sequence[Place]) -> Place | None:
    """Return the brand of somebody who works for one; its sandbox is a place to go to, not to start in."""
    own = [place for place in places if not place.is_sandbox]
    return own[0] if len(own) == 1 else None


def choose(session: Session, signed: Signed, brand_id: UUID, *, random: Random) -> tuple[str, Place]:
    """
    Let a session act for a brand. Its secret changes: return the new one and the place.

    Raises:
        NotFound: The person does not work for this brand.
    """
    places = list_places(session, signed.account_id, signed.bound_to)
    place = next((place for place in places if place.brand_id == brand_id), None)
    if place is None:
        raise NotFound("You do not work for this brand.")
    return _rotate(session, signed.id, random, brand_id=brand_id, role=place.role.value), place


def prove(session: Session, signed: Signed, *, now: datetime, random: Random) -> str:
    """Note that the person has just proved who they are. The secret changes: return the new one."""
    return _rotate(session, signed.id, random, proved_at=now)


def rotate(session: Session, signed: Signed, *, random: Random) -> str:
    """Give a session another secret, as after a change of how its owner signs in, and return it."""
    return _rotate(session, signed.id, random)


def end(session: Session, session_id: UUID, account_id: UUID, *, now: datetime) -> None:
    """
    End a session of a person.

    Raises:
        NotFound: The person has no such open session.
    """
    ended = session.scalar(
        update(StaffSession)
        .where(StaffSession.id == session_id, StaffSession.account_id == account_id, StaffSession.ended_at.is_(None))
        .values(ended_at=now)
        .returning(StaffSession.id)
    )
    if ended is None:
        raise NotFound("There is no open session with this number.")


def end_others(session: Session, signed: Signed, *, now: datetime) -> int:
    """End every other session of a person, as after a new password, and return how many there were."""
    ended = session.scalars(
        update(StaffSession)
        .where(
            StaffSession.account_id == signed.account_id,
            StaffSession.id != signed.id,
            StaffSession.ended_at.is_(None),
        )
        .values(ended_at=now)
        .returning(StaffSession.id)
    )
    return len(ended.all())


def list_open(session: Session, signed: Signed, *, now: datetime) -> list[Open]:
    """Return the open sessions of a person, the latest first."""
    query = (
        select(StaffSession)
        .where(StaffSession.account_id == signed.account_id, _holds(now))
        .order_by(StaffSession.seen_at.desc())
    )
    return [
        Open(
            id=row.id, method=row.method, agent=row.agent, created_at=row.created_at, seen_at=row.seen_at,
            is_this=row.id == signed.id,
        )
        for row in session.scalars(query)
    ]  # fmt: skip


def begin_flow(
    session: Session,
    kind: str,
    browser: str,
    *,
    account_id: UUID | None = None,
    data: Mapping[str, Any] | None = None,
    now: datetime,
    random: Random,
    life: timedelta = FLOW_LIFE,
) -> str:
    """Keep what the next step needs, for the browser with this form cookie, and return the flow's secret."""
    session.execute(delete(StaffFlow).where(StaffFlow.expires_at < now))
    secret = spell(random(SECRET_BYTES))
    session.add(
        StaffFlow(
            token_hash=hash_secret(secret), browser_hash=hash_secret(browser), kind=kind, account_id=account_id,
            data=dict(data or {}), expires_at=now + life,
        )
    )  # fmt: skip
    session.flush()
    return secret


def find_flow(session: Session, kind: str, secret: str, browser: str, *, now: datetime) -> Flow | None:
    """Return what the step before has left, without using it up."""
    row = session.scalar(
        select(StaffFlow).where(
            StaffFlow.token_hash == hash_secret(secret),
            StaffFlow.browser_hash == hash_secret(browser),
            StaffFlow.kind == kind,
            StaffFlow.expires_at > now,
        )
    )
    return None if row is None else Flow(row.account_id, row.data)


def take_flow(session: Session, kind: str, secret: str, browser: str, *, now: datetime) -> Flow:
    """
    Return what the step before has left, and use it up.

    Raises:
        NotFound: It is of another browser, was used, or has expired.
    """
    row = session.execute(
        delete(StaffFlow)
        .where(
            StaffFlow.token_hash == hash_secret(secret),
            StaffFlow.browser_hash == hash_secret(browser),
            StaffFlow.kind == kind,
            StaffFlow.expires_at > now,
        )
        .returning(StaffFlow.account_id, StaffFlow.data)
    ).one_or_none()
    if row is None:
        raise NotFound("This step of signing in was used or took too long. Begin again.")
    return Flow(row.account_id, row.data)


# --- Private ---------------------------------------------------------------------------------------------------------


def _holds(now: datetime) -> Any:
    return (
        StaffSession.ended_at.is_(None)
        & (StaffSession.seen_at > now - IDLE)
        & (StaffSession.created_at > now - ABSOLUTE)
    )


def _rotate(session: Session, session_id: UUID, random: Random, **values: Any) -> str:
    secret = spell(random(SECRET_BYTES))
    session.execute(
        update(StaffSession).where(StaffSession.id == session_id).values(token_hash=hash_secret(secret), **values)
    )
    return secret
