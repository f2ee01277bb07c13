"""
Signed tokens: what proves that we issued the code printed on an item.

A token is the format (1 byte), the key id (2 bytes) and a detached signature over the GS1 application identifiers of
the link, in base64url. The format alone decides algorithm and message, so nothing inside a token can choose a weaker
check. Host, path stem, order of parameters and escaping may change; no AI can be added, removed or altered.

Formats are append-only. A printed code lives as long as the product, so a format is never edited: write a new one, add
it to ``_FORMATS`` and, when every verifier is deployed, issue with it. ``tests/vectors`` holds the bytes fast, and
``docs/token-format.md`` tells strangers how to verify.
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple, Protocol
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError

from authsvc.core import base64url
from authsvc.core.keyring import COMPACT, ED25519, FORMAT_NAMES, MAC_KEY_BYTES, Keyring, VerificationKey
from authsvc.errors import BadKey, BadToken

__all__ = (
    "COMPACT",
    "ED25519",
    "FORMAT_NAMES",
    "Ed25519Signer",
    "MacSigner",
    "Signer",
    "issue",
    "peek",
    "signed_message",
    "verify",
)

_PURPOSE = b"authsvc/token/"
_UNSIGNED_AI = "8030"  # GS1's own DIGSIG may be added to a printed link later, and is never ours.
_MAC_BYTES = 12


def signed_message(fmt: int, brand_id: UUID, key_id: int, ais: Mapping[str, str]) -> bytes:
    """
    Return the bytes that a token signs: purpose, format, brand and key, then every AI and its value.

    Each AI and each value has its length before it, so no two links share a message.

    Raises:
        ValueError: A value is not ASCII or longer than 255 characters. No Digital Link that was parsed holds one.
    """
    parts = [_PURPOSE, bytes((fmt,)), brand_id.bytes, key_id.to_bytes(2, "big")]
    for ai in sorted(ais):
        if ai != _UNSIGNED_AI:
            value = ais[ai].encode("ascii")
            parts += (bytes((len(ai),)), ai.encode("ascii"), bytes((len(value),)), value)
    return b"".join(parts)


class Signer(Protocol):
    """A key that signs, wherever it lies: in memory, in a file or in a hardware module."""

    @property
    def brand_id(self) -> UUID:
        """The brand whose codes it signs."""

    @property
    def key_id(self) -> int:
        """The id of the key in its brand."""

    @property
    def format(self) -> int:
        """The one token format of the key."""

    def sign(self, message: bytes) -> bytes:
        """Return the signature as the format carries it."""


@dataclass(frozen=True, slots=True)
class Ed25519Signer:
    """Format 1, with the private key in memory."""

    brand_id: UUID
    key_id: int
    private: Ed25519PrivateKey = field(repr=False)
    format: ClassVar[int] = ED25519

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of the signature (RFC 8032)."""
        return self.private.sign(message)


@dataclass(frozen=True, slots=True)
class MacSigner:
    """Format 2: whoever can verify can also sign, so this key never leaves the service."""

    brand_id: UUID
    key_id: int
    key: bytes = field(repr=False)
    format: ClassVar[int] = COMPACT

    def __post_init__(self) -> None:
        if len(self.key) != MAC_KEY_BYTES:
            raise BadKey(f"A MAC key must have {MAC_KEY_BYTES} bytes, got {len(self.key)}.")

    def sign(self, message: bytes) -> bytes:
        """Return the leftmost 12 bytes of the HMAC-SHA-256."""
        return hmac.digest(self.key, message, "sha256")[:_MAC_BYTES]


def issue(signer: Signer, ais: Mapping[str, str]) -> str:
    """Sign the AIs of a link, GTINs with 14 digits; return the token as it is printed."""
    fmt, key_id = signer.format, signer.key_id
    signature = signer.sign(signed_message(fmt, signer.brand_id, key_id, ais))
    return base64url.encode(bytes((fmt,)) + key_id.to_bytes(2, "big") + signature)


def verify(token: str, ais: Mapping[str, str], brand_id: UUID, keyring: Keyring) -> VerificationKey:
    """
    Check that *brand_id* issued *token* for exactly *ais*; return the key that signed it.

    The key may be in any state: pending ones are published before they are used, and whether a revocation spares this
    item is for ``keyring.is_spared`` to say. A token of a format that is not the key's is forged.

    Raises:
        BadToken: In every other case. Callers need no second check.
    """
    form, raw = _read(token)
    key_id = int.from_bytes(raw[1:3], "big")
    key = keyring.find(brand_id, key_id)
    if key is None:
        raise BadToken("unknown-key")
    if key.format != raw[0]:
        raise BadToken("format")
    if not form.is_signed(key, raw[3:], signed_message(raw[0], brand_id, key_id, ais)):
        raise BadToken("signature")
    return key


def peek(token: str) -> tuple[int, int] | None:
    """Return the format and key id that *token* claims, for display only: nothing has been verified."""
    try:
        _, raw = _read(token)
    except BadToken:
        return None
    return raw[0], int.from_bytes(raw[1:3], "big")


class _Format(NamedTuple):
    length: int  # bytes, the signature included
    is_signed: Callable[[VerificationKey, bytes, bytes], bool]  # key, signature, message


def _is_signed_ed25519(key: VerificationKey, signature: bytes, message: bytes) -> bool:
    """
    Verify with libsodium, which takes 53 us where OpenSSL takes 103.

    It accepts nothing that OpenSSL refuses, and refuses one thing more: an R of small order, which no honest signer
    makes. ``tests/core/test_signature_libraries.py`` compares the two.
    """
    assert key.raw is not None  # a VerificationKey of this format has one
    try:
        crypto_sign_open(signature + message, key.raw)
    except BadSignatureError:
        return False
    return True


def _is_signed_compact(key: VerificationKey, signature: bytes, message: bytes) -> bool:
    assert key.mac is not None  # a VerificationKey of this format has one
    return hmac.compare_digest(signature, hmac.digest(key.mac, message, "sha256")[:_MAC_BYTES])


_FORMATS = {
    ED25519: _Format(1 + 2 + 64, _is_signed_ed25519),
    COMPACT: _Format(1 + 2 + _MAC_BYTES, _is_signed_compact),
}


def _read(token: str) -> tuple[_Format, bytes]:
    try:
        raw = base64url.decode(token)
    except ValueError:
        raise BadToken("encoding") from None
    form = _FORMATS.get(int.from_bytes(raw[:1], "big"))  # an empty token claims format 0, which will never exist
    if form is None:
        raise BadToken("format")
    if len(raw) != form.length:
        raise BadToken("length")
    return form, raw
