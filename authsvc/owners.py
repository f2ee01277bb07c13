"""
Owners: the people behind registrations, each encrypted under a key of their own.

A person has a random key, kept only as the service key wraps it; their address, and whatever is sealed of their
registrations, opens with that key alone. Erasing a person destroys the wrapped key and what lets an address be found,
so that no copy of the tables says who they were, while the history of their items still holds together.
"""

import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from authsvc import languages
from authsvc.core.wrapping import derive_key, unwrap, wrap
from authsvc.errors import Conflict, NotFound
from authsvc.models import Owner, OwnerSession

PURPOSE = "owners"
"""The name under which the key that wraps the keys of people is derived from the root secret."""

_KEY_BYTES, _NONCE_BYTES = 32, 12
_WRAPPED, _DATA, _FILE = "owner", "owner-data", "owner-file"

Random = Callable[[int], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """An owner as they were read: their address in clear, and the language in which they are written to."""

    id: UUID
    brand_id: UUID
    email: str = field(repr=False)
    language: str = languages.DEFAULT

    @property
    def masked(self) -> str:
        """The address as others may see it: enough to know it again, too little to write to."""
        return mask(self.email)


def mask(email: str) -> str:
    """Hide a mail address: ``m•••@e•••.com``."""
    local, _, domain = email.rpartition("@")
    name, _, top = domain.rpartition(".")
    return f"{local[:1]}•••@{name[:1]}•••.{top}"


def find(session: Session, brand_id: UUID, email: str, *, key: bytes) -> Person | None:
    """Return the owner with this address at a brand."""
    row = session.scalar(
        select(Owner).where(Owner.brand_id == brand_id, Owner.email_hash == _hash(key, brand_id, email))
    )
    return None if row is None else _read(row, key)


def find_everywhere(session: Session, brand_ids: list[UUID], email: str, *, key: bytes) -> list[Person]:
    """Return who has this address, at each of the brands that know it."""
    hashes = [_hash(key, brand_id, email) for brand_id in brand_ids]
    return [_read(row, key) for row in session.scalars(select(Owner).where(Owner.email_hash.in_(hashes)))]


def get(session: Session, owner_id: UUID, *, key: bytes) -> Person:
    """
    Return an owner.

    Raises:
        NotFound: There is none, or they were erased.
    """
    row = session.get(Owner, owner_id)
    if row is None or row.erased_at is not None:
        raise NotFound("This owner is not known any more.")
    return _read(row, key)


def get_or_add(
    session: Session,
    brand_id: UUID,
    email: str,
    *,
    key: bytes,
    now: datetime,
    new_id: Callable[[], UUID],
    random: Random,
    language: str = languages.DEFAULT,
) -> Person:
    """
    Return the owner with this address at a brand; one who is new gets a key of their own.

    They are written to in the *language* in which they did this, until they do it in another.
    """
    owner_id, own = new_id(), random(_KEY_BYTES)
    number = str(owner_id)
    session.execute(
        insert(Owner)
        .values(
            id=owner_id,
            brand_id=brand_id,
            email_hash=_hash(key, brand_id, email),
            wrapped_key=wrap(key, own, random(_NONCE_BYTES), brand_id=brand_id, purpose=_WRAPPED, number=number),
            sealed=_seal(own, {"email": email, "language": language}, random, brand_id, number),
            created_at=now,
        )
        .on_conflict_do_nothing()
    )
    found = find(session, brand_id, email, key=key)
    assert found is not None  # just added, or it was there
    if found.language != language:
        row = _row(session, found.id)
        what = {"email": found.email, "language": language}
        row.sealed = _seal(_own_key(row, key), what, random, brand_id, str(row.id))
        session.flush()
        found = replace(found, language=language)
    return found


def seal(session: Session, person: Person, what: dict[str, str], *, key: bytes, random: Random, number: str) -> bytes:
    """Encrypt something of a person, under their key, for the place called *number*."""
    return _seal(_own_key(_row(session, person.id), key), what, random, person.brand_id, number)


def unseal(session: Session, person: Person, sealed: bytes, *, key: bytes, number: str) -> dict[str, str]:
    """Open what ``seal`` made for the same person and place."""
    return _open(_own_key(_row(session, person.id), key), sealed, person.brand_id, number)


def seal_bytes(session: Session, person: Person, what: bytes, *, key: bytes, random: Random, number: str) -> bytes:
    """Encrypt a file of a person, under their key, for the place called *number*."""
    own = _own_key(_row(session, person.id), key)
    return wrap(own, what, random(_NONCE_BYTES), brand_id=person.brand_id, purpose=_FILE, number=number)


def unseal_bytes(session: Session, person: Person, sealed: bytes, *, key: bytes, number: str) -> bytes:
    """Open what ``seal_bytes`` made for the same person and place."""
    own = _own_key(_row(session, person.id), key)
    return unwrap(own, sealed, brand_id=person.brand_id, purpose=_FILE, number=number)


def change_email(session: Session, person: Person, email: str, *, key: bytes, random: Random) -> Person:
    """
    Let a person have another address, and end every session of theirs.

    Raises:
        Conflict: Somebody else at the brand has it.
    """
    taken = find(session, person.brand_id, email, key=key)
    if taken is not None and taken.id != person.id:
        raise Conflict("This address has items of its own here. Pass your items on to it, or take another address.")
    row = _row(session, person.id)
    sealed = _seal(
        _own_key(row, key), {"email": email, "language": person.language}, random, person.brand_id, str(person.id)
    )
    session.execute(
        update(Owner)
        .where(Owner.id == person.id)
        .values(email_hash=_hash(key, person.brand_id, email), sealed=sealed)
        .execution_options(synchronize_session=False)
    )
    session.execute(delete(OwnerSession).where(OwnerSession.owner_id == person.id))
    session.expire_all()
    return get(session, person.id, key=key)


def erase(session: Session, person: Person, *, now: datetime) -> None:
    """Forget a person: their key is destroyed, and every session of theirs ends."""
    session.execute(delete(OwnerSession).where(OwnerSession.owner_id == person.id))
    session.execute(
        update(Owner)
        .where(Owner.id == person.id)
        .values(email_hash=None, wrapped_key=None, sealed=None, erased_at=now)
        .execution_options(synchronize_session=False)
    )
    session.expire_all()


# --- Private ---------------------------------------------------------------------------------------------------------


def _hash(key: bytes, brand_id: UUID, email: str) -> bytes:
    message = b"authsvc/owner-email/1" + brand_id.bytes + email.lower().encode()
    return hmac.digest(derive_key(key, "owner-emails"), message, "sha256")


def _row(session: Session, owner_id: UUID) -> Owner:
    row = session.get(Owner, owner_id)
    if row is None:
        raise NotFound("This owner is not known any more.")
    return row


def _read(row: Owner, key: bytes) -> Person:
    assert row.sealed is not None  # found by the hash of an address, or not erased
    content = _open(_own_key(row, key), row.sealed, row.brand_id, str(row.id))
    return Person(
        id=row.id, brand_id=row.brand_id, email=content["email"], language=content.get("language", languages.DEFAULT)
    )


def _own_key(row: Owner, key: bytes) -> bytes:
    if row.wrapped_key is None:
        raise NotFound("This owner is not known any more.")
    return unwrap(key, row.wrapped_key, brand_id=row.brand_id, purpose=_WRAPPED, number=str(row.id))


def _seal(own: bytes, what: dict[str, str], random: Random, brand_id: UUID, number: str) -> bytes:
    content = json.dumps(what).encode()
    return wrap(own, content, random(_NONCE_BYTES), brand_id=brand_id, purpose=_DATA, number=number)


def _open(own: bytes, sealed: bytes, brand_id: UUID, number: str) -> dict[str, str]:
    content: dict[str, str] = json.loads(unwrap(own, sealed, brand_id=brand_id, purpose=_DATA, number=number))
    return content
