"""
Proofs of purchase: a receipt or an invoice that an owner keeps with an item, and that the brand's desk may look at.

A file is checked by ``uploads`` before it comes here. It is encrypted under the key of the person whose it is, its name
and kind with it, so that erasing the person erases the file. One that comes with a form which nobody has confirmed yet
opens with the secret of the link in the mail alone, and ends with the link.
"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from authsvc import owners
from authsvc.core.wrapping import derive_key, unwrap, wrap
from authsvc.errors import Conflict, NotFound
from authsvc.models import OwnerFile, OwnerLinkFile
from authsvc.owners import Person, Random
from authsvc.staff import hash_secret
from authsvc.uploads import JPEG, PDF, PNG, Upload

ALLOWED = frozenset({PDF, JPEG, PNG})
MOST = 3
"""Files of one registration."""
KEPT = timedelta(days=30)
"""How long a file stays after its registration has ended: a transfer can be disputed, and a desk may be slow."""

_NONCE_BYTES = 12
_PURPOSE = "owner-link-file"
_LISTED = (
    OwnerFile.id, OwnerFile.about, OwnerFile.owner_id, OwnerFile.label, OwnerFile.size, OwnerFile.created_at,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A proof of purchase as its owner and the desk see it in a list."""

    id: UUID
    about: UUID
    owner_id: UUID
    name: str
    media_type: str
    size: int
    created_at: datetime


def keep_with_link(session: Session, brand_id: UUID, secret: str, upload: Upload, *, random: Random) -> None:
    """Keep a file with a link that was just made, until somebody follows it."""
    sealed = wrap(
        _link_key(secret), _write(upload), random(_NONCE_BYTES), brand_id=brand_id, purpose=_PURPOSE, number="1"
    )
    session.add(OwnerLinkFile(token_hash=hash_secret(secret), brand_id=brand_id, sealed=sealed))
    session.flush()


def find_with_link(session: Session, brand_id: UUID, secret: str) -> Upload | None:
    """Return the file that came with a link; ask before the link is used up, for the file ends with it."""
    row = session.get(OwnerLinkFile, hash_secret(secret))
    if row is None:
        return None
    name, media_type, content = _read(
        unwrap(_link_key(secret), row.sealed, brand_id=brand_id, purpose=_PURPOSE, number="1")
    )
    session.expunge(row)
    return Upload(name=name, media_type=media_type, content=content, original_sha256=b"")


def add(
    session: Session, person: Person, about: UUID, upload: Upload, *, key: bytes, random: Random,
    new_id: Callable[[], UUID], now: datetime,
) -> UUID:  # fmt: skip
    """
    Keep a file with a registration or a request of a person.

    Raises:
        Conflict: There are as many as are kept.
    """
    if is_full(session, about):
        raise Conflict("{most} files are kept for one item. Remove one before you add another.", most=MOST)
    number = new_id()
    label = {"name": upload.name, "type": upload.media_type}
    session.add(
        OwnerFile(
            id=number, brand_id=person.brand_id, owner_id=person.id, about=about,
            label=owners.seal(session, person, label, key=key, random=random, number=str(number)),
            sealed=owners.seal_bytes(session, person, upload.content, key=key, random=random, number=str(number)),
            size=len(upload.content), created_at=now,
        )
    )  # fmt: skip
    session.flush()
    return number


def is_full(session: Session, about: UUID) -> bool:
    """Say whether as many files are kept as may be."""
    held = session.scalar(select(func.count()).select_from(OwnerFile).where(OwnerFile.about == about))
    return (held or 0) >= MOST


def list_about(session: Session, person: Person, about: UUID, *, key: bytes) -> list[File]:
    """Return the files that a person keeps with a registration or a request, the oldest first."""
    return [file for file in list_of(session, person, key=key) if file.about == about]


def list_of(session: Session, person: Person, *, key: bytes) -> list[File]:
    """Return every file of a person, the oldest first."""
    rows = session.execute(
        select(*_LISTED).where(OwnerFile.owner_id == person.id).order_by(OwnerFile.created_at, OwnerFile.id)
    )
    return [_label(session, person, row, key) for row in rows]


def get_of(session: Session, person: Person, file_id: UUID, *, key: bytes) -> tuple[File, bytes]:
    """
    Return a file of a person, and its content.

    Raises:
        NotFound: They have none of this number.
    """
    row = session.get(OwnerFile, file_id)
    if row is None or row.owner_id != person.id:
        raise NotFound("You have no file at this address.")
    content = owners.unseal_bytes(session, person, row.sealed, key=key, number=str(row.id))
    return _label(session, person, row, key), content


def get(session: Session, file_id: UUID, *, key: bytes) -> tuple[File, bytes]:
    """
    Return a file of the brand of the transaction, and its content, for the desk.

    Raises:
        NotFound: There is none, or its person was erased.
    """
    owner_id = session.scalar(select(OwnerFile.owner_id).where(OwnerFile.id == file_id))
    if owner_id is None:
        raise NotFound("There is no such file. Its owner may have removed it.")
    return get_of(session, owners.get(session, owner_id, key=key), file_id, key=key)


def move(
    session: Session, person: Person, file_id: UUID, about: UUID, *, key: bytes, random: Random,
    new_id: Callable[[], UUID],
) -> None:  # fmt: skip
    """Let a file of a person lie with something else of theirs, as when what it was sent for was granted."""
    file, content = get_of(session, person, file_id, key=key)
    upload = Upload(name=file.name, media_type=file.media_type, content=content, original_sha256=b"")
    add(session, person, about, upload, key=key, random=random, new_id=new_id, now=file.created_at)
    remove(session, person, file_id)


def remove(session: Session, person: Person, file_id: UUID) -> UUID:
    """
    Delete a file of a person, and return what it was about.

    Raises:
        NotFound: They have none of this number.
    """
    about: UUID | None = session.scalar(
        delete(OwnerFile).where(OwnerFile.id == file_id, OwnerFile.owner_id == person.id).returning(OwnerFile.about)
    )
    if about is None:
        raise NotFound("You have no file at this address.")
    return about


def erase_all(session: Session, person: Person) -> None:
    """Delete every file of somebody who is forgotten."""
    session.execute(delete(OwnerFile).where(OwnerFile.owner_id == person.id))


# --- Private ---------------------------------------------------------------------------------------------------------


def _link_key(secret: str) -> bytes:
    return derive_key(urlsafe_b64decode(secret + "="), "owner-link-file")


def _write(upload: Upload) -> bytes:
    return json.dumps({"name": upload.name, "type": upload.media_type}).encode() + b"\n" + upload.content


def _read(stored: bytes) -> tuple[str, str, bytes]:
    head, _, content = stored.partition(b"\n")
    said = json.loads(head)
    return said["name"], said["type"], content


def _label(session: Session, person: Person, row: Any, key: bytes) -> File:
    said = owners.unseal(session, person, row.label, key=key, number=str(row.id))
    return File(
        id=row.id, about=row.about, owner_id=row.owner_id, name=said["name"], media_type=said["type"], size=row.size,
        created_at=row.created_at,
    )  # fmt: skip
