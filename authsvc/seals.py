"""
Seals: detached signatures (JWS, RFC 7515 appendix F) over the files that a brand hands to others as evidence.

A seal is one line of text beside the file: a header, two dots, a signature. The header names the key, which the brand's
JWKS publishes, and the type, so that nothing else which such a key may ever sign is taken for evidence. Whoever checks
needs the file, the seal and the JWKS, and neither this service nor its word.
"""

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from authsvc.core import base64url, seals
from authsvc.errors import BadSeal

TYPE: Final = "authsvc-evidence"
_ALGORITHM: Final = "EdDSA"
_MOST_BYTES = 256 * 2**20
_LONGEST_SEAL = 2_000


class _Registry(jws.JWSRegistry):
    """
    The one algorithm that we use, without a limit made for tokens.

    RFC 9864 has another name for it since 2025, and joserfc warns of the old one; our JWKS and most verifiers know
    the old one alone, and a signature is the same under both.
    """

    max_payload_length = _MOST_BYTES
    algorithms = {_ALGORITHM: copy.copy(jws.JWSRegistry.algorithms[_ALGORITHM])}  # noqa: RUF012  the library's own form


_Registry.algorithms[_ALGORITHM].security_warning = None
_REGISTRY = _Registry(algorithms=[_ALGORITHM])


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealer:
    """A key that seals, with its private half."""

    brand_id: UUID
    number: int
    private: Ed25519PrivateKey = field(repr=False)

    @property
    def kid(self) -> str:
        """The name of the key in the JWKS."""
        return seals.kid_of(self.brand_id, self.number)

    def seal(self, content: bytes) -> str:
        """Return the seal of a file."""
        return str(jws.detach_content(self.sign(content, TYPE)))

    def sign(self, content: bytes, type_: str) -> str:
        """Return *content* inside a signature (JWS in compact form); the type keeps it apart from a seal."""
        raw = self.private
        key = OKPKey.import_key(
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "x": base64url.encode(raw.public_key().public_bytes_raw()),
                "d": base64url.encode(raw.private_bytes_raw()),
            }
        )
        header = {"alg": _ALGORITHM, "kid": self.kid, "typ": type_}
        return str(jws.serialize_compact(header, content, key, registry=_REGISTRY))


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a good seal says: which key of which brand made it."""

    kid: str
    brand_id: UUID


def verify(content: bytes, seal: str, keys: Mapping[str, Any]) -> Sealed:
    """
    Check that *seal* was made over exactly these bytes by a key of the JWKS *keys*.

    Raises:
        BadSeal: In every other case; the sentence says which.
        BadKey: The JWKS itself is faulty.
    """
    seal = seal.strip()
    kid = _read_kid(seal)
    found = seals.find(keys, kid)
    if found is None:
        raise BadSeal(f"The keys hold none named {kid:.80}. Fetch the brand's newest JWKS, or the seal is forged.")
    public, is_revoked = found
    if is_revoked:
        raise BadSeal(f"The brand has withdrawn the key {kid}: what it sealed proves nothing any more.")
    try:
        jws.deserialize_compact(seal, _jwk(public), registry=_REGISTRY, payload=content)
    except (JoseError, ValueError) as error:
        raise BadSeal("The file is not the one that was sealed: it was changed, or the seal is another's.") from error
    return Sealed(kid, UUID(kid.partition(".")[0]))


def read_signed(token: str, type_: str, keys: Mapping[str, Any]) -> tuple[bytes, Sealed]:
    """
    Return what ``Sealer.sign`` has put into a token of this type, by a key of the JWKS *keys*, and whose key it was.

    Raises:
        BadSeal: It is none, was changed, or its key is unknown or withdrawn; the sentence says which.
        BadKey: The JWKS itself is faulty.
    """
    token = token.strip()
    head, _, rest = token.partition(".")
    if len(token) > _LONGEST_SEAL or rest.count(".") != 1:
        raise BadSeal("This is no signed token: expected header, content and signature, with dots between.")
    kid = _kid_in(head, type_)
    found = seals.find(keys, kid)
    if found is None:
        raise BadSeal(f"The keys hold none named {kid:.80}. Fetch the brand's newest JWKS, or the token is forged.")
    public, is_revoked = found
    if is_revoked:
        raise BadSeal(f"The brand has withdrawn the key {kid}: what it signed proves nothing any more.")
    try:
        content = bytes(jws.deserialize_compact(token, _jwk(public), registry=_REGISTRY).payload)
    except (JoseError, ValueError) as error:
        raise BadSeal("The token is not the one that was signed.") from error
    return content, Sealed(kid, UUID(kid.partition(".")[0]))


def _read_kid(seal: str) -> str:
    """Return which key a seal names; its header must be ours in every part."""
    head, _, rest = seal.partition(".")
    if len(seal) > _LONGEST_SEAL or not rest.startswith(".") or rest.count(".") != 1:
        raise BadSeal("This is no detached signature: expected header, two dots, signature.")
    return _kid_in(head, TYPE)


def _kid_in(head: str, type_: str) -> str:
    """Return which key a header names; it must be ours in every part."""
    try:
        header = json.loads(base64url.decode(head))
    except ValueError:
        header = None
    kid = header.get("kid") if isinstance(header, dict) else None
    if not isinstance(kid, str) or header != {"alg": _ALGORITHM, "kid": kid, "typ": type_}:
        raise BadSeal(f"The signature is not one of the type {type_}.")
    return kid


def _jwk(public: Ed25519PublicKey) -> OKPKey:
    return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": base64url.encode(public.public_bytes_raw())})
