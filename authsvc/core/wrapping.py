"""
Keys from one root secret, and the wrapping of a brand's secret keys for storage.

The root never encrypts anything itself: each purpose has a key of its own (HKDF, RFC 5869). A wrapped key is bound to
its brand, its purpose and its number, so that a row which somebody moves to another place does not open.
"""

from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from authsvc.errors import BadKey

_NONCE_BYTES = 12


def derive_key(secret: bytes, purpose: str) -> bytes:
    """Derive the 32-byte key of one *purpose*, such as ``visitors``, from the root secret."""
    return HKDF(hashes.SHA256(), 32, salt=None, info=f"authsvc/{purpose}/1".encode("ascii")).derive(secret)


def wrap(wrapping_key: bytes, raw: bytes, nonce: bytes, *, brand_id: UUID, purpose: str, number: str) -> bytes:
    """Encrypt *raw* for storage; *nonce* is 12 random bytes, never used twice."""
    if len(nonce) != _NONCE_BYTES:
        raise BadKey(f"A nonce must have {_NONCE_BYTES} bytes, got {len(nonce)}.")
    return nonce + AESGCM(wrapping_key).encrypt(nonce, raw, _place(brand_id, purpose, number))


def unwrap(wrapping_key: bytes, wrapped: bytes, *, brand_id: UUID, purpose: str, number: str) -> bytes:
    """
    Open what ``wrap`` made for the same brand, purpose and number.

    Raises:
        BadKey: The root secret is another one, or the stored bytes were changed or moved.
    """
    try:
        return AESGCM(wrapping_key).decrypt(
            wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], _place(brand_id, purpose, number)
        )
    except (InvalidTag, ValueError):
        raise BadKey(
            f"The stored {purpose} key {number} of brand {brand_id} does not open with AUTHSVC_SECRET. "
            "Use the secret that this database was set up with."
        ) from None


def _place(brand_id: UUID, purpose: str, number: str) -> bytes:
    return brand_id.bytes + f"{purpose}/{number}".encode("ascii")
