"""
WebAuthn ceremonies: what a browser is asked, and whether what it answers holds, for staff and owners alike.

A passkey is bound to this host by the browser and asks its holder for finger, face or PIN, so it is two factors in one.
Whoever calls keeps the challenge, which is random and good once.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import webauthn
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from authsvc.errors import BadInput
from authsvc.languages import later

CHALLENGE_BYTES = 32
REFUSED = later("This passkey is not accepted. Try again, or use another way to sign in.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The site that a passkey is bound to: its host, and the origin that a browser names."""

    host: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """For whom a passkey is made; ``id`` is what the authenticator keeps."""

    id: bytes = field(repr=False)
    name: str = field(repr=False)
    shown_as: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The public half of a passkey that was made."""

    credential_id: bytes
    public_key: bytes
    sign_count: int


def creation_options(
    site: Site, user: User, *, service: str, challenge: bytes, known: Sequence[bytes]
) -> dict[str, Any]:
    """Return what a browser is asked to make a passkey with; one that is *known* is not made a second time."""
    return _plain(
        webauthn.generate_registration_options(
            rp_id=site.host,
            rp_name=service,
            user_id=user.id,
            user_name=user.name,
            user_display_name=user.shown_as,
            challenge=challenge,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
            exclude_credentials=_descriptors(known),
        )
    )


def request_options(site: Site, *, challenge: bytes, known: Sequence[bytes] | None = None) -> dict[str, Any]:
    """Return what a browser is asked to sign; without *known* ones the person picks the passkey and is known by it."""
    return _plain(
        webauthn.generate_authentication_options(
            rp_id=site.host,
            challenge=challenge,
            allow_credentials=None if known is None else _descriptors(known),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
    )


def check_made(site: Site, answer: Mapping[str, Any], *, challenge: bytes) -> Made:
    """
    Read the answer to ``creation_options``.

    Raises:
        BadInput: It does not fit the challenge, the host or the rules.
    """
    try:
        made = webauthn.verify_registration_response(
            credential=dict(answer), expected_challenge=challenge, expected_rp_id=site.host,
            expected_origin=site.origin, require_user_verification=True,
        )  # fmt: skip
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise BadInput(REFUSED) from error
    return Made(
        credential_id=made.credential_id, public_key=made.credential_public_key, sign_count=made.sign_count
    )  # fmt: skip


def credential_of(answer: Mapping[str, Any]) -> bytes:
    """
    Return the id of the passkey that an answer names.

    Raises:
        BadInput: It names none.
    """
    try:
        return base64url_to_bytes(str(answer["id"]))
    except (ValueError, KeyError) as error:
        raise BadInput(REFUSED) from error


def check_used(
    site: Site, answer: Mapping[str, Any], *, challenge: bytes, public_key: bytes, sign_count: int
) -> int:  # fmt: skip
    """
    Check the answer to ``request_options`` and return the new count of the passkey.

    Raises:
        BadInput: It does not fit the challenge, or a copy of the key has been at work.
    """
    try:
        proof = webauthn.verify_authentication_response(
            credential=dict(answer), expected_challenge=challenge, expected_rp_id=site.host,
            expected_origin=site.origin, credential_public_key=public_key, credential_current_sign_count=sign_count,
            require_user_verification=True,
        )  # fmt: skip
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise BadInput(REFUSED) from error
    return proof.new_sign_count


# --- Private ---------------------------------------------------------------------------------------------------------


def _descriptors(known: Sequence[bytes]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=key_id) for key_id in known]


def _plain(options: Any) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(webauthn.options_to_json(options))
    return plain
