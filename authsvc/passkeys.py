"""
Passkeys: WebAuthn credentials of staff. The public half is here, the private one never leaves the person's device.

A passkey is bound to this host by the browser and asks its owner for finger, face or PIN, so it is two factors in one.
Each challenge is random, kept on the server and good once (``staff_sessions.take_flow``).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import webauthn
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.models import StaffPasskey

CHALLENGE_BYTES = 32
_LONGEST_NAME = 60
_REFUSED = "This passkey is not accepted. Try again, or use another way to sign in."


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
    options = webauthn.generate_registration_options(
        rp_id=host,
        rp_name="authsvc console",
        user_id=account_id.bytes,
        user_name=email,
        user_display_name=name,
        challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=_descriptors(session, account_id),
    )
    return _plain(options)


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
    try:
        made = webauthn.verify_registration_response(
            credential=dict(answer), expected_challenge=challenge, expected_rp_id=host, expected_origin=origin,
            require_user_verification=True,
        )  # fmt: skip
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise BadInput(_REFUSED) from error
    if session.get(StaffPasskey, made.credential_id) is not None:
        raise Conflict("This passkey is registered already.")
    session.add(
        StaffPasskey(
            credential_id=made.credential_id, account_id=account_id, public_key=made.credential_public_key,
            sign_count=made.sign_count, name=" ".join(name.split())[:_LONGEST_NAME] or "Passkey", created_at=now,
        )
    )  # fmt: skip
    session.flush()


def login_options(session: Session, account_id: UUID | None, *, host: str, challenge: bytes) -> dict[str, Any]:
    """Return what the browser is asked to sign; without an account, the person picks the passkey and is known by it."""
    options = webauthn.generate_authentication_options(
        rp_id=host,
        challenge=challenge,
        allow_credentials=None if account_id is None else _descriptors(session, account_id),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return _plain(options)


def authenticate(
    session: Session, answer: Mapping[str, Any], *, challenge: bytes, host: str, origin: str, now: datetime
) -> UUID:
    """
    Return whose passkey has signed the challenge.

    Raises:
        BadInput: Nobody's, or not this challenge, or a copy of the key has been at work.
    """
    try:
        credential_id = base64url_to_bytes(str(answer["id"]))
        row = session.get(StaffPasskey, credential_id, with_for_update=True)
        if row is None:
            raise BadInput(_REFUSED)
        proof = webauthn.verify_authentication_response(
            credential=dict(answer), expected_challenge=challenge, expected_rp_id=host, expected_origin=origin,
            credential_public_key=row.public_key, credential_current_sign_count=row.sign_count,
            require_user_verification=True,
        )  # fmt: skip
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise BadInput(_REFUSED) from error
    session.execute(
        update(StaffPasskey)
        .where(StaffPasskey.credential_id == credential_id)
        .values(sign_count=proof.new_sign_count, used_at=now)
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


def _descriptors(session: Session, account_id: UUID) -> list[PublicKeyCredentialDescriptor]:
    ids = session.scalars(select(StaffPasskey.credential_id).where(StaffPasskey.account_id == account_id))
    return [PublicKeyCredentialDescriptor(id=key_id) for key_id in ids]


def _plain(options: Any) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(webauthn.options_to_json(options))
    return plain
