"""
Staff: who works for a brand, in which role, and how somebody becomes one.

An invitation is a one-time link; of its secret only the hash is kept. The last admin of a brand stays: nobody could
let another in. Roles contain each other: what an analyst may, an operator may too.
"""

import hashlib
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from authsvc import passwords
from authsvc.core.register import Brand
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.models import Brand as BrandRow
from authsvc.models import Staff, StaffAccount, StaffInvitation

INVITATION_LIFE = timedelta(days=7)
SECRET_BYTES = 32
_EMAIL = re.compile(r"[^@\s<>\"',;:\\]{1,64}@[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_LONGEST_NAME = 80

Random = Callable[[int], bytes]


class Role(StrEnum):
    """What somebody may do; each contains the ones before it."""

    VIEWER = "viewer"
    ANALYST = "analyst"
    OPERATOR = "operator"
    ADMIN = "admin"

    def may(self, needed: "Role") -> bool:
        """Whether this role contains *needed*."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


ROLE_TEXTS = {
    Role.VIEWER: "Reads everything, changes nothing",
    Role.ANALYST: "Reviews alerts and cases",
    Role.OPERATOR: "Issues codes, blocks items, announces recalls",
    Role.ADMIN: "Manages the team, keys and settings",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One person in one brand."""

    account_id: UUID
    email: str
    name: str
    role: Role
    since: datetime
    deactivated_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """An invitation. ``secret`` is known only while it is being made."""

    id: UUID
    brand_id: UUID
    brand: str
    email: str
    role: Role
    invited_by: str
    expires_at: datetime
    secret: str | None = field(default=None, repr=False)

    @property
    def path(self) -> str:
        """The address of the one-time link, without its host."""
        return f"/console/invitation/{self.secret}"


def hash_secret(secret: str) -> bytes:
    """Return what is stored of a secret of 256 random bits; such a one needs no slow hash."""
    return hashlib.sha256(secret.encode()).digest()


def spell(raw: bytes) -> str:
    """Write random bytes for an address or a cookie."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def parse_email(text: str) -> str:
    """
    Return an e-mail address in its one spelling.

    Raises:
        BadInput: It is none.
    """
    email = text.strip().lower()
    if not _EMAIL.fullmatch(email):
        raise BadInput(f"{text.strip()[:100]!r} is no e-mail address.")
    return email


def invite(
    session: Session,
    brand: Brand,
    email: str,
    role: Role,
    *,
    invited_by: str,
    now: datetime,
    new_id: Callable[[], UUID],
    random: Random,
) -> Invitation:
    """
    Invite somebody; an open invitation of the same person is withdrawn.

    Raises:
        BadInput: The address is none.
        Conflict: The person is in the team, or the brand is a sandbox, which has that of its brand.
    """
    email = parse_email(email)
    if brand.sandbox_of is not None:
        raise Conflict("The team of the brand works in its sandbox too. Invite people there.")
    member = session.scalar(
        select(Staff.account_id)
        .join(StaffAccount, StaffAccount.id == Staff.account_id)
        .where(Staff.brand_id == brand.id, StaffAccount.email == email, Staff.deactivated_at.is_(None))
    )
    if member is not None:
        raise Conflict(f"{email} is in the team of {brand.name} already. Change the role on the team page.")
    session.execute(
        update(StaffInvitation)
        .where(
            StaffInvitation.brand_id == brand.id,
            StaffInvitation.email == email,
            StaffInvitation.accepted_at.is_(None),
            StaffInvitation.withdrawn_at.is_(None),
        )
        .values(withdrawn_at=now)
    )
    secret = spell(random(SECRET_BYTES))
    made = Invitation(
        id=new_id(), brand_id=brand.id, brand=brand.name, email=email, role=role, invited_by=invited_by,
        expires_at=now + INVITATION_LIFE, secret=secret,
    )  # fmt: skip
    # Core, not ORM: the console may write the hash of the secret and never read one back.
    session.execute(
        insert(StaffInvitation.__table__).values(  # type: ignore[arg-type]  # a mapped class has a Table
            id=made.id, brand_id=brand.id, email=email, role=role.value, token_hash=hash_secret(secret),
            invited_by=invited_by, created_at=now, expires_at=made.expires_at,
        )
    )  # fmt: skip
    return made


def get_invitation(session: Session, secret: str, *, now: datetime) -> Invitation:
    """
    Return the open invitation behind a one-time link.

    Raises:
        NotFound: There is none, or it was used, withdrawn or has expired.
    """
    row = session.execute(
        select(StaffInvitation, BrandRow.name)
        .join(BrandRow, BrandRow.id == StaffInvitation.brand_id)
        .where(StaffInvitation.token_hash == hash_secret(secret))
    ).one_or_none()
    if row is None or row[0].accepted_at or row[0].withdrawn_at or row[0].expires_at <= now:
        raise NotFound("This invitation was used, withdrawn or has expired. Ask for a new one.")
    found: StaffInvitation = row[0]
    return Invitation(
        id=found.id, brand_id=found.brand_id, brand=row[1], email=found.email, role=Role(found.role),
        invited_by=found.invited_by, expires_at=found.expires_at,
    )  # fmt: skip


def accept(session: Session, invitation: Invitation, account_id: UUID, *, now: datetime) -> None:
    """
    Let a person join the brand that invited them; somebody who had left comes back.

    Raises:
        NotFound: Another request used the invitation first.
    """
    used = session.execute(
        update(StaffInvitation)
        .where(
            StaffInvitation.id == invitation.id,
            StaffInvitation.accepted_at.is_(None),
            StaffInvitation.withdrawn_at.is_(None),
        )
        .values(accepted_at=now)
    )
    if not used.rowcount:  # type: ignore[attr-defined]  # an UPDATE has one
        raise NotFound("This invitation was used, withdrawn or has expired. Ask for a new one.")
    session.execute(
        upsert(Staff)
        .values(brand_id=invitation.brand_id, account_id=account_id, role=invitation.role.value, created_at=now)
        .on_conflict_do_update(
            index_elements=["brand_id", "account_id"], set_={"role": invitation.role.value, "deactivated_at": None}
        )
    )


def open_account(
    session: Session, email: str, name: str, password: str, *, now: datetime, new_id: Callable[[], UUID]
) -> UUID:
    """
    Make the account of a person who was invited for the first time.

    Raises:
        BadInput: Name or password is not accepted.
        Conflict: There is an account with this address.
    """
    name = " ".join(name.split())
    if not name or len(name) > _LONGEST_NAME:
        raise BadInput(f"Write your name, as colleagues know it, in at most {_LONGEST_NAME} characters.")
    passwords.check_new(password, email=email)
    if session.scalar(select(StaffAccount.id).where(StaffAccount.email == email)) is not None:
        raise Conflict("There is an account with this address. Sign in to accept the invitation.")
    row = StaffAccount(id=new_id(), email=email, name=name, password_hash=passwords.make_hash(password), created_at=now)
    session.add(row)
    session.flush()
    return row.id


def list_members(session: Session, brand_id: UUID) -> list[Member]:
    """Return the team of a brand, those who left last."""
    query = (
        select(Staff, StaffAccount.email, StaffAccount.name)
        .join(StaffAccount, StaffAccount.id == Staff.account_id)
        .where(Staff.brand_id == brand_id)
        .order_by(Staff.deactivated_at.is_not(None), StaffAccount.name, StaffAccount.email)
    )
    return [
        Member(
            account_id=row.account_id, email=email, name=name, role=Role(row.role), since=row.created_at,
            deactivated_at=row.deactivated_at,
        )
        for row, email, name in session.execute(query)
    ]  # fmt: skip


def list_team(session: Session, brand_id: UUID) -> list[Member]:
    """
    Return who works in a brand, those who left last; in a sandbox that is the team of its brand.

    The rows of a brand are all that its console sees, so this is asked where people sign in.
    """
    employer = select(func.coalesce(BrandRow.sandbox_of, BrandRow.id)).where(BrandRow.id == brand_id)
    return list_members(session, session.scalars(employer).one())


def get_member(session: Session, brand_id: UUID, account_id: UUID) -> Member:
    """
    Return one person of a team.

    Raises:
        NotFound: Nobody of this brand has this number.
    """
    for member in list_members(session, brand_id):
        if member.account_id == account_id:
            return member
    raise NotFound("There is nobody with this number in the team.")


def list_invitations(session: Session, brand_id: UUID, *, now: datetime) -> list[Invitation]:
    """Return the open invitations of a brand, the newest first."""
    query = (
        select(
            StaffInvitation.id, StaffInvitation.email, StaffInvitation.role, StaffInvitation.invited_by,
            StaffInvitation.expires_at,
        )
        .where(
            StaffInvitation.brand_id == brand_id,
            StaffInvitation.accepted_at.is_(None),
            StaffInvitation.withdrawn_at.is_(None),
            StaffInvitation.expires_at > now,
        )
        .order_by(StaffInvitation.created_at.desc())
    )  # fmt: skip
    return [
        Invitation(
            id=row.id, brand_id=brand_id, brand="", email=row.email, role=Role(row.role), invited_by=row.invited_by,
            expires_at=row.expires_at,
        )
        for row in session.execute(query)
    ]  # fmt: skip


def withdraw(session: Session, brand_id: UUID, invitation_id: UUID, *, now: datetime) -> str:
    """
    Make an open invitation useless, and return whom it was for.

    Raises:
        NotFound: The brand has no such open invitation.
    """
    email: str | None = session.scalar(
        update(StaffInvitation)
        .where(
            StaffInvitation.id == invitation_id,
            StaffInvitation.brand_id == brand_id,
            StaffInvitation.accepted_at.is_(None),
            StaffInvitation.withdrawn_at.is_(None),
        )
        .values(withdrawn_at=now)
        .returning(StaffInvitation.email)
    )
    if email is None:
        raise NotFound("There is no open invitation with this number.")
    return email


def set_role(session: Session, brand_id: UUID, account_id: UUID, role: Role) -> Member:
    """
    Give a person another role; their sessions have to choose the brand anew. Return them as they were.

    Raises:
        NotFound: Nobody active of this brand has this number.
        Conflict: It is the last admin.
    """
    before = _lock(session, brand_id, account_id)
    if role is not Role.ADMIN:
        _refuse_last_admin(session, brand_id, before)
    session.execute(
        update(Staff).where(Staff.brand_id == brand_id, Staff.account_id == account_id).values(role=role.value)
    )
    return before


def deactivate(session: Session, brand_id: UUID, account_id: UUID, *, now: datetime) -> Member:
    """
    Take a person out of the team, at once and in every session. Return them as they were.

    Raises:
        NotFound: Nobody active of this brand has this number.
        Conflict: It is the last admin.
    """
    before = _lock(session, brand_id, account_id)
    _refuse_last_admin(session, brand_id, before)
    session.execute(
        update(Staff).where(Staff.brand_id == brand_id, Staff.account_id == account_id).values(deactivated_at=now)
    )
    return before


# --- Private ---------------------------------------------------------------------------------------------------------


def _lock(session: Session, brand_id: UUID, account_id: UUID) -> Member:
    # All admins are locked, in one order, so that the last two cannot remove each other at the same time.
    session.execute(
        select(Staff.account_id)
        .where(Staff.brand_id == brand_id, Staff.deactivated_at.is_(None))
        .order_by(Staff.account_id)
        .with_for_update()
    )
    member = get_member(session, brand_id, account_id)
    if member.deactivated_at is not None:
        raise NotFound("There is nobody with this number in the team.")
    return member


def _refuse_last_admin(session: Session, brand_id: UUID, member: Member) -> None:
    admins = [
        other for other in list_members(session, brand_id) if other.role is Role.ADMIN and other.deactivated_at is None
    ]
    if member.role is Role.ADMIN and len(admins) == 1:
        raise Conflict("This is the last admin. Make somebody else an admin first.")
