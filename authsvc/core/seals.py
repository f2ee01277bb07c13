"""
The public half of the keys that seal evidence files, as the JWKS has them.

They stand beside the keys of item tokens and can never verify one: their name has a word where a token has room for a
number alone, they say what they are for, and what they sign begins otherwise (a JWS begins with ``eyJ``, a token's
message with ``authsvc/token/``). So a web process may hold them, and whoever steals one prints no item.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from authsvc.core import base64url
from authsvc.core.keyring import load_public
from authsvc.errors import BadKey

PURPOSE = "evidence"
_read_kid = re.compile(
    rf"([0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}})\.{PURPOSE}\.([1-9][0-9]{{0,4}})"
).fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class SealKey:
    """One key that seals, without its private half."""

    brand_id: UUID
    number: int
    public: Ed25519PublicKey
    not_before: datetime
    is_active: bool = True
    revoked_at: datetime | None = None

    @property
    def kid(self) -> str:
        """The name of the key in the JWKS: brand id, ``evidence``, number."""
        return kid_of(self.brand_id, self.number)


def kid_of(brand_id: UUID, number: int) -> str:
    """Return the name of a key; no key id of a token is spelled so."""
    return f"{brand_id}.{PURPOSE}.{number}"


def members(keys: Iterable[SealKey]) -> dict[str, list[dict[str, object]]]:
    """Return what the JWKS has of these keys: good ones under ``keys``, revoked ones under ``revoked``."""
    found: dict[str, list[dict[str, object]]] = {"keys": [], "revoked": []}
    for key in sorted(keys, key=lambda key: (key.brand_id, key.number)):
        member: dict[str, object] = {
            "kid": key.kid,
            "kty": "OKP",
            "crv": "Ed25519",
            "x": base64url.encode(key.public.public_bytes_raw()),
            "alg": "EdDSA",
            "use": "sig",
            "purpose": PURPOSE,
            "brand_id": str(key.brand_id),
            "status": "revoked" if key.revoked_at else "active" if key.is_active else "retired",
            "nbf": int(key.not_before.timestamp()),
        }
        if key.revoked_at is not None:
            member["from"] = int(key.revoked_at.timestamp())
        found["revoked" if key.revoked_at else "keys"].append(member)
    return found


def find(document: Mapping[str, Any], kid: str) -> tuple[Ed25519PublicKey, bool] | None:
    """
    Return the key of this name in a JWKS and whether it was revoked, or None.

    Raises:
        BadKey: The document is no JWKS, or the key in it is weak or malformed.
    """
    match = _read_kid(kid)
    if match is None:
        return None
    for name in "revoked", "keys":
        entries = document.get(name, [])
        if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
            raise BadKey(f'The member "{name}" of a key set must be a list of objects.')
        for entry in entries:
            if entry.get("kid") != kid:
                continue
            if (entry.get("kty"), entry.get("crv"), entry.get("purpose")) != ("OKP", "Ed25519", PURPOSE):
                raise BadKey(f"The key {kid} is not what its name says.")
            try:
                return load_public(base64url.decode(str(entry.get("x")))), name == "revoked"
            except ValueError as error:
                raise BadKey(f"Key {kid}: {error}.") from None
    return None
