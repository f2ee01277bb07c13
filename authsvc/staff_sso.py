"""
Single sign-on: the identity provider of a brand, and who its identities are among the staff.

A brand's provider speaks for that brand alone. Somebody may work for two brands under one address, so a session that
one brand's provider has vouched for is bound to that brand (``staff_sessions``), and cannot change the account.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from authsvc import staff, staff_proofs
from authsvc.core.wrapping import unwrap, wrap
from authsvc.errors import Conflict, NotFound
from authsvc.models import Brand, Staff, StaffAccount, StaffIdentity, StaffInvitation, StaffSso
from authsvc.oidc import Identity, Provider, check_issuer
from authsvc.staff import Random

_NONCE_BYTES = 12
_NOBODY = "Your company's sign-in works, and nobody of this name is in the team. Ask an admin for an invitation."


@dataclass(frozen=True, slots=True)
class Known:
    """Whom an identity belongs to; with an ``invitation`` they have just joined by it."""

    account_id: UUID
    name: str
    email: str
    invitation: staff.Invitation | None = None


def set_provider(
    session: Session, brand_id: UUID, provider: Provider, *, key: bytes, now: datetime, random: Random
) -> None:
    """
    Let the people of a brand sign in by a provider.

    Raises:
        BadInput: The address of the issuer is none.
    """
    secret = None
    if provider.client_secret is not None:
        secret = wrap(
            key, provider.client_secret.encode(), random(_NONCE_BYTES), brand_id=brand_id, purpose="sso", number="1"
        )
    values = {
        "issuer": check_issuer(provider.issuer), "client_id": provider.client_id, "secret_wrapped": secret,
        "changed_at": now,
    }  # fmt: skip
    session.execute(
        insert(StaffSso)
        .values(brand_id=brand_id, **values)
        .on_conflict_do_update(index_elements=["brand_id"], set_=values)
    )


def remove_provider(session: Session, brand_id: UUID) -> None:
    """
    End single sign-on for a brand.

    Raises:
        NotFound: It has none.
    """
    gone = session.scalar(delete(StaffSso).where(StaffSso.brand_id == brand_id).returning(StaffSso.brand_id))
    if gone is None:
        raise NotFound("The brand has no single sign-on.")


def get_provider(session: Session, slug: str, *, key: bytes) -> tuple[UUID, Provider]:
    """
    Return the brand of this short name, and its provider.

    Raises:
        NotFound: There is no such brand, or it has no provider.
    """
    row = session.execute(
        select(StaffSso).join(Brand, Brand.id == StaffSso.brand_id).where(Brand.slug == slug)
    ).scalar_one_or_none()
    if row is None:
        raise NotFound("There is no single sign-on under this name. Use e-mail address and password.")
    secret = None
    if row.secret_wrapped is not None:
        secret = unwrap(key, row.secret_wrapped, brand_id=row.brand_id, purpose="sso", number="1").decode()
    return row.brand_id, Provider(row.issuer, row.client_id, secret)


def recognise(
    session: Session, brand_id: UUID, identity: Identity, *, now: datetime, new_id: Callable[[], UUID]
) -> Known:
    """
    Return who an identity is in the team of a brand.

    By its number, once it is known; before that, by an address that the provider has verified and that is of somebody
    in the team or invited.

    Raises:
        NotFound: It is nobody's.
        Conflict: There is an account of this address with a proof of its own, outside of this team.
    """
    account_id = session.scalar(
        select(StaffIdentity.account_id)
        .join(Staff, (Staff.brand_id == StaffIdentity.brand_id) & (Staff.account_id == StaffIdentity.account_id))
        .where(
            StaffIdentity.brand_id == brand_id,
            StaffIdentity.issuer == identity.issuer,
            StaffIdentity.subject == identity.subject,
            Staff.deactivated_at.is_(None),
        )
    )
    if account_id is not None:
        found = session.get_one(StaffAccount, account_id)
        return Known(found.id, found.name, found.email)
    if identity.email is None:
        raise NotFound(_NOBODY)
    known = _find_member(session, brand_id, identity.email) or _join(session, brand_id, identity, now, new_id)
    session.add(
        StaffIdentity(
            brand_id=brand_id, issuer=identity.issuer, subject=identity.subject, account_id=known.account_id,
            created_at=now,
        )
    )  # fmt: skip
    session.flush()
    return known


def _find_member(session: Session, brand_id: UUID, email: str) -> Known | None:
    row = session.execute(
        select(StaffAccount.id, StaffAccount.name)
        .join(Staff, Staff.account_id == StaffAccount.id)
        .where(StaffAccount.email == email, Staff.brand_id == brand_id, Staff.deactivated_at.is_(None))
    ).one_or_none()
    return None if row is None else Known(row.id, row.name, email)


def _join(session: Session, brand_id: UUID, identity: Identity, now: datetime, new_id: Callable[[], UUID]) -> Known:
    assert identity.email is not None  # the caller has looked
    row = session.execute(
        select(StaffInvitation, Brand.name)
        .join(Brand, Brand.id == StaffInvitation.brand_id)
        .where(
            StaffInvitation.brand_id == brand_id,
            StaffInvitation.email == identity.email,
            StaffInvitation.accepted_at.is_(None),
            StaffInvitation.withdrawn_at.is_(None),
            StaffInvitation.expires_at > now,
        )
    ).one_or_none()
    if row is None:
        raise NotFound(_NOBODY)
    open_one: StaffInvitation = row[0]
    account = session.scalar(select(StaffAccount).where(StaffAccount.email == identity.email))
    if account is not None and staff_proofs.get(session, account.id).has_own_proof:
        # Another brand may have made this account and know its password: its holder has to show that it is theirs.
        raise Conflict("There is an account with your address already. Accept the invitation by its link and password.")
    if account is None:
        account = StaffAccount(id=new_id(), email=identity.email, name=identity.name, created_at=now)
        session.add(account)
        session.flush()
    invitation = staff.Invitation(
        id=open_one.id, brand_id=brand_id, brand=row[1], email=identity.email, role=staff.Role(open_one.role),
        invited_by=open_one.invited_by, expires_at=open_one.expires_at,
    )  # fmt: skip
    staff.accept(session, invitation, account.id, now=now)
    return Known(account.id, account.name, identity.email, invitation)
