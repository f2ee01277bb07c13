"""
Passkeys of owners: another way in beside the link in a mail, for those who want one.

A passkey has no name and holds nothing of the person; it goes with them when they are erased. Each challenge is kept
hidden, for the browser that asked for it, good once and for five minutes.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

from authsvc import ceremonies
from authsvc.ceremonies import CHALLENGE_BYTES, REFUSED, Site, User
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.languages import later
from authsvc.models import OwnerChallenge, OwnerPasskey
from authsvc.owners import Person, Random

LIVES = timedelta(minutes=5)
MOST = 10
SIGN_IN, NEW = "sign-in", "new"
LATE = later("This took too long, or it was sent twice. Try again.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """A passkey as its owner sees it in the list."""

    id: str
    created_at: datetime
    used_at: datetime | None


def ask(session: Session, kind: str, browser: str, *, key: bytes, random: Random, now: datetime) -> bytes:
    """Return a new challenge for a browser; the one before it is no good any more."""
    session.execute(delete(OwnerChallenge).where(OwnerChallenge.expires_at < now))
    hidden, challenge = _hide(key, kind, browser), random(CHALLENGE_BYTES)
    session.execute(delete(OwnerChallenge).where(OwnerChallenge.key == hidden))
    session.add(OwnerChallenge(key=hidden, challenge=challenge, expires_at=now + LIVES))
    session.flush()
    return challenge


def take(session: Session, kind: str, browser: str, *, key: bytes, now: datetime) -> bytes:
    """
    Use the challenge of a browser up and return it; of two answers to one, one counts.

    Raises:
        BadInput: There is none, or it is too old.
    """
    challenge = session.scalar(
        delete(OwnerChallenge)
        .where(OwnerChallenge.key == _hide(key, kind, browser), OwnerChallenge.expires_at > now)
        .returning(OwnerChallenge.challenge)
    )
    if challenge is None:
        raise BadInput(LATE)
    return bytes(challenge)


def list_keys(session: Session, person: Person) -> list[Passkey]:
    """Return the passkeys of a person, the newest first."""
    rows = session.scalars(
        select(OwnerPasskey).where(OwnerPasskey.owner_id == person.id).order_by(OwnerPasskey.created_at.desc())
    )
    return [
        Passkey(id=bytes_to_base64url(row.credential_id), created_at=row.created_at, used_at=row.used_at)
        for row in rows
    ]


def creation_options(session: Session, person: Person, site: Site, *, service: str, challenge: bytes) -> dict[str, Any]:
    """Return what a browser is asked to make a passkey with."""
    known = session.scalars(select(OwnerPasskey.credential_id).where(OwnerPasskey.owner_id == person.id))
    user = User(id=person.id.bytes, name=person.email, shown_as=person.email)
    return ceremonies.creation_options(site, user, service=service, challenge=challenge, known=list(known))


def request_options(site: Site, *, challenge: bytes) -> dict[str, Any]:
    """Return what a browser is asked to sign; the person picks the passkey and is known by it."""
    return ceremonies.request_options(site, challenge=challenge)


def register(
    session: Session, person: Person, site: Site, answer: Mapping[str, Any], *, challenge: bytes, now: datetime
) -> None:
    """
    Keep a new passkey.

    Raises:
        BadInput: The answer does not fit the challenge, the host or the rules.
        Conflict: The passkey is known already, or the person has many.
    """
    made = ceremonies.check_made(site, answer, challenge=challenge)
    held = session.scalar(select(func.count()).select_from(OwnerPasskey).where(OwnerPasskey.owner_id == person.id))
    if (held or 0) >= MOST:
        raise Conflict("You have {most} passkeys. Remove one before you add another.", most=MOST)
    if session.get(OwnerPasskey, made.credential_id) is not None:
        raise Conflict("This passkey is registered already.")
    session.add(
        OwnerPasskey(
            credential_id=made.credential_id, brand_id=person.brand_id, owner_id=person.id,
            public_key=made.public_key, sign_count=made.sign_count, created_at=now,
        )
    )  # fmt: skip
    session.flush()


def authenticate(
    session: Session, site: Site, answer: Mapping[str, Any], *, challenge: bytes, now: datetime
) -> tuple[UUID, UUID]:
    """
    Return brand and owner whose passkey has signed the challenge.

    Raises:
        BadInput: Nobody's, or not this challenge, or a copy of the key has been at work.
    """
    credential_id = ceremonies.credential_of(answer)
    row = session.get(OwnerPasskey, credential_id, with_for_update=True)
    if row is None:
        raise BadInput(REFUSED)
    count = ceremonies.check_used(
        site, answer, challenge=challenge, public_key=row.public_key, sign_count=row.sign_count
    )  # fmt: skip
    session.execute(
        update(OwnerPasskey)
        .where(OwnerPasskey.credential_id == credential_id)
        .values(sign_count=count, used_at=now)
        .execution_options(synchronize_session=False)
    )
    return row.brand_id, row.owner_id


def remove(session: Session, person: Person, key_id: str) -> None:
    """
    Forget a passkey of a person.

    Raises:
        NotFound: They have no such passkey.
    """
    try:
        credential_id = base64url_to_bytes(key_id)
    except ValueError:
        credential_id = b""
    gone = session.scalar(
        delete(OwnerPasskey)
        .where(OwnerPasskey.credential_id == credential_id, OwnerPasskey.owner_id == person.id)
        .returning(OwnerPasskey.owner_id)
    )
    if gone is None:
        raise NotFound("There is no such passkey.")


def erase_all(session: Session, person: Person) -> None:
    """Forget every passkey of somebody who is erased."""
    session.execute(delete(OwnerPasskey).where(OwnerPasskey.owner_id == person.id))


# --- Private ---------------------------------------------------------------------------------------------------------


def _hide(key: bytes, kind: str, browser: str) -> bytes:
    return hmac.digest(key, f"authsvc/owner-challenge/1|{kind}|{browser}".encode(), "sha256")
