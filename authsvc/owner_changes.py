"""
A new address for an owner: wanted by whoever is signed in, and confirmed by both mailboxes before anything changes.

Who has stolen a session has neither mailbox; who has stolen the old mailbox is told of by the mail to it. When it is
done every session of the person ends.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from authsvc import owner_sessions, owners
from authsvc.errors import BadInput, LinkSpent
from authsvc.models import OwnerChange
from authsvc.owners import Person, Random

OLD, NEW = "old", "new"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change that is under way: who wants it, which address, and which mailbox has agreed."""

    id: UUID
    person: Person
    email: str
    has_old: bool
    has_new: bool

    @property
    def is_done(self) -> bool:
        """Whether both have agreed."""
        return self.has_old and self.has_new


def begin(
    session: Session, person: Person, email: str, *, id: UUID, key: bytes, random: Random, now: datetime  # noqa: A002  the word of the column
) -> Change:  # fmt: skip
    """
    Note which address somebody wants; what they wanted before is forgotten.

    Raises:
        BadInput: It is the one that they have.
    """
    if email.lower() == person.email.lower():
        raise BadInput("This is the e-mail address that you have already.")
    session.execute(delete(OwnerChange).where(OwnerChange.owner_id == person.id))
    session.add(
        OwnerChange(
            id=id, brand_id=person.brand_id, owner_id=person.id, created_at=now,
            sealed=owners.seal(session, person, {"email": email}, key=key, random=random, number=str(id)),
            expires_at=now + owner_sessions.LIVES[owner_sessions.CHANGE],
        )
    )  # fmt: skip
    session.flush()
    return Change(id=id, person=person, email=email, has_old=False, has_new=False)


def get(session: Session, change_id: UUID, *, key: bytes, now: datetime) -> Change:
    """
    Return a change that is under way.

    Raises:
        LinkSpent: It is done, too old, or another was wanted since.
    """
    row = session.get(OwnerChange, change_id, with_for_update=True, populate_existing=True)
    if row is None or row.expires_at <= now:
        raise LinkSpent("This link was used already, or it is too old. Ask for the change again.")
    person = owners.get(session, row.owner_id, key=key)
    email = owners.unseal(session, person, row.sealed, key=key, number=str(row.id))["email"]
    return Change(
        id=row.id, person=person, email=email, has_old=row.old_at is not None, has_new=row.new_at is not None
    )  # fmt: skip


def confirm(session: Session, change_id: UUID, side: str, *, key: bytes, random: Random, now: datetime) -> Change:
    """
    Let one mailbox agree; with the second the address changes and every session of the person ends.

    Raises:
        LinkSpent: It is done, too old, or another was wanted since.
        Conflict: The address has items of its own at the brand.
    """
    get(session, change_id, key=key, now=now)
    row = session.get_one(OwnerChange, change_id)
    if side == OLD:
        row.old_at = now
    else:
        row.new_at = now
    session.flush()
    found = get(session, change_id, key=key, now=now)
    if found.is_done:
        owners.change_email(session, found.person, found.email, key=key, random=random)
        session.execute(delete(OwnerChange).where(OwnerChange.id == change_id))
    return found


def forget(session: Session, person: Person) -> None:
    """Forget what somebody wanted who is erased."""
    session.execute(delete(OwnerChange).where(OwnerChange.owner_id == person.id))
