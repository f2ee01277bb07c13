"""
Passkeys: WebAuthn credentials of staff. The public half is here, the private one never leaves the person's device.

A passkey is bound to this host by the browser and asks its owner for finger, face or PIN, so it is two factors in one.
Each challenge is random, kept on the server and good once (``staff_sessions.take_flow``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

from authsvc import ceremonies
from authsvc.ceremonies import CHALLENGE_BYTES, REFUSED, Site, User
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.models import StaffPasskey

__all__ = ["CHALLENGE_BYTES", "Passkey", "authenticate", "list_keys", "login_options", "register",
           "registration_options", "remove"]  # fmt: skip

_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """A passkey, as its owner sees it in the list."""

    id: str
    name: str
    created_at: datetime
    used_at: datetime | None


def list_keys(session: Session, account_id: UUID) -> list[Passkey]:
    """Return the passkeys of an account, the newest first."""
    query = select(StaffPasskey).where(StaffPasskey.account_id == account_id).order_by(StaffPasskey.created_at.desc())
    return [
        Passkey(id=bytes_to_base64url(row.credential_id), name=row.name, created_at=row.created_at, used_at=row.used_at)
        for row in session.scalars(query)
    ]


def registration_options(
    session: Session, account_id: UUID, *, email: str, name: str, host: str, challenge: bytes
) -> dict[str, Any]:
    """Return what the browser is asked to make a passkey with."""
    user = User(id=account_id.bytes, name=email, shown_as=name)
    return ceremonies.creation_options(
        Site(host=host, origin=""), user, service="authsvc console", challenge=challenge,
        known=_known(session, account_id),
    )  # fmt: skip


def register(
    session: Session,
    account_id: UUID,
    answer: Mapping[str, Any],
    *,
    challenge: bytes,
    host: str,
    origin: str,
    name: str,
    now: datetime,
) -> None:
    """
    Keep a new passkey.

    Raises:
        BadInput: The answer does not fit the challenge, the host or the rules.
        Conflict: The passkey is known already.
    """
    made = ceremonies.check_made(Site(host=host, origin=origin), answer, challenge=challenge)
    if session.get(StaffPasskey, made.credential_id) is not None:
        raise Conflict("This passkey is registered already.")
    session.add(
        StaffPasskey(
            credential_id=made.credential_id, account_id=account_id, public_key=made.public_key,
            sign_count=made.sign_count, name=" ".join(name.split())[:_LONGEST_NAME] or "Passkey", created_at=now,
        )
    )  # fmt: skip
    session.flush()


def login_options(session: Session, account_id: UUID | None, *, host: str, challenge: bytes) -> dict[str, Any]:
    """Return what the browser is asked to sign; without an account, the person picks the passkey and is known by it."""
    known = None if account_id is None else _known(session, account_id)
    return ceremonies.request_options(Site(host=host, origin=""), challenge=challenge, known=known)


def authenticate(
    session: Session, answer: Mapping[str, Any], *, challenge: bytes, host: str, origin: str, now: datetime
) -> UUID:
    """
    Return whose passkey has signed the challenge.

    Raises:
        BadInput: Nobody's, or not this challenge, or a copy of the key has been at work.
    """
    credential_id = ceremonies.credential_of(answer)
    row = session.get(StaffPasskey, credential_id, with_for_update=True)
    if row is None:
        raise BadInput(REFUSED)
    count = ceremonies.check_used(
        Site(host=host, origin=origin), answer, challenge=challenge, public_key=row.public_key,
        sign_count=row.sign_count,
    )  # fmt: skip
    session.execute(
        update(StaffPasskey).where(StaffPasskey.credential_id == credential_id).values(sign_count=count, used_at=now)
    )
    return row.account_id


def remove(session: Session, account_id: UUID, key_id: str) -> str:
    """
    Forget a passkey, and return its name.

    Raises:
        NotFound: The account has no such passkey.
    """
    try:
        credential_id = base64url_to_bytes(key_id)
    except ValueError:
        credential_id = b""
    name: str | None = session.scalar(
        delete(StaffPasskey)
        .where(StaffPasskey.credential_id == credential_id, StaffPasskey.account_id == account_id)
        .returning(StaffPasskey.name)
    )
    if name is None:
        raise NotFound("There is no such passkey.")
    return name


def _known(session: Session, account_id: UUID) -> list[bytes]:
    return list(session.scalars(select(StaffPasskey.credential_id).where(StaffPasskey.account_id == account_id)))
