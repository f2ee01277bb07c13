"""
Signing keys as a verifier sees them: states, lookup by brand and key id, and the published set (JWKS).

A key is found by the brand, which follows from the GTIN, and the key id inside the token; "try all keys" does not
exist. A key has one format for ever, and a key id is never reused, so a code printed today means the same in ten years.

Public keys come from outside too. ``load_public`` is the only way in: the library loads keys of small order and then
accepts signatures that anybody can make, so they are refused here.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from authsvc.core import base64url
from authsvc.errors import BadKey

ED25519 = 1
COMPACT = 2
FORMAT_NAMES = {"ed25519": ED25519, "compact": COMPACT}
"""Token formats by the name that people use. Append-only, as the formats are."""

MAX_KEY_ID = 2**16 - 1
MAC_KEY_BYTES = 32


class KeyState(StrEnum):
    """
    What a key may do.

    A pending key is published ahead of its use; an active one signs; a retired one only verifies; for a revoked one
    the revocation says which items it spares. Stored; never rename one.
    """

    PENDING = "pending"
    ACTIVE = "active"
    RETIRED = "retired"
    REVOKED = "revoked"


class RevocationMode(StrEnum):
    """How far a revocation reaches. Stored; never rename one."""

    STOP = "stop-issuing"
    FROM = "from-time"
    RUN = "run"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Revocation:
    """Why a good signature of this key may count for nothing: from a time on, for some runs, for all, or not at all."""

    mode: RevocationMode
    since: datetime | None = None
    runs: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """The half of a signing key that verifies: a public key for format 1, the shared MAC key for format 2."""

    brand_id: UUID
    key_id: int
    format: int
    state: KeyState
    public: Ed25519PublicKey | None = None
    mac: bytes | None = field(default=None, repr=False)
    not_before: datetime | None = None
    revocation: Revocation | None = None
    kid: str = field(init=False, compare=False)
    """The name of the key in the JWKS and in verdicts: brand id, a dot, key id."""
    raw: bytes | None = field(init=False, repr=False, compare=False)
    """The 32 bytes of the public key."""

    def __post_init__(self) -> None:
        # Spelt out once: every scan asks for them.
        object.__setattr__(self, "kid", f"{self.brand_id}.{self.key_id}")
        object.__setattr__(self, "raw", self.public.public_bytes_raw() if self.public is not None else None)
        if not 1 <= self.key_id <= MAX_KEY_ID:
            raise BadKey(f"A key id must be 1 to {MAX_KEY_ID}, got {self.key_id}.")
        if self.format not in FORMAT_NAMES.values():
            raise BadKey(f"Key {self.kid}: no token format has the number {self.format}.")
        if (self.public is None) == (self.format == ED25519) or (self.mac is None) == (self.format == COMPACT):
            raise BadKey(f"Key {self.kid}: format 1 needs a public key and no other, format 2 a MAC key and no other.")
        if self.mac is not None and len(self.mac) != MAC_KEY_BYTES:
            raise BadKey(f"Key {self.kid}: a MAC key must have {MAC_KEY_BYTES} bytes, got {len(self.mac)}.")
        if (self.revocation is None) == (self.state is KeyState.REVOKED):
            raise BadKey(f"Key {self.kid}: a revocation belongs to the state revoked, the state is {self.state}.")


class Keyring:
    """All keys that a process verifies with. Immutable: a new or revoked key makes a new keyring."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Iterable[VerificationKey]) -> None:
        found: dict[tuple[UUID, int], VerificationKey] = {}
        for key in keys:
            if found.setdefault((key.brand_id, key.key_id), key) is not key:
                raise BadKey(f"Key {key.kid} is there twice. A key id is unique in its brand, over all formats.")
        self._keys = found

    def find(self, brand_id: UUID, key_id: int) -> VerificationKey | None:
        """Return the key of this brand with this id, in whatever state, or None."""
        return self._keys.get((brand_id, key_id))

    def __iter__(self) -> Iterator[VerificationKey]:
        """Iterate over all keys."""
        return iter(self._keys.values())


def is_spared(key: VerificationKey, *, first_valid_at: datetime | None, run: int | None) -> bool:
    """
    Say whether an item with a good signature of *key* stays good; true for every key that is not revoked.

    *first_valid_at* is the database's time of the item's first counted scan with a good signature: a token holds no
    time that a thief could not backdate. What is not known spares nothing.
    """
    match key.revocation:
        case None | Revocation(mode=RevocationMode.STOP):
            return True
        case Revocation(mode=RevocationMode.FROM, since=since):
            return since is not None and first_valid_at is not None and first_valid_at < since
        case Revocation(mode=RevocationMode.RUN, runs=runs):
            return run is not None and bool(runs) and run not in runs
    return False


# --- Public keys from outside ----------------------------------------------------------------------------------------

_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P
_ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER = frozenset({0, 1, _P - 1, _ORDER_8, _P - _ORDER_8})
"""The y of the eight points whose order divides 8, either sign: with them, signatures can be made without a key."""


def load_public(raw: bytes) -> Ed25519PublicKey:
    """
    Read the 32 bytes of an Ed25519 public key (RFC 8032, 5.1.5) and refuse what is not exactly one strong key.

    Raises:
        BadKey: Wrong length, not the canonical encoding, no point of the curve, or a point of small order.
    """
    if len(raw) != 32:
        raise BadKey(f"An Ed25519 public key must have 32 bytes, got {len(raw)}.")
    y = int.from_bytes(raw, "little") & 2**255 - 1
    if y >= _P:
        raise BadKey("The public key is not in its canonical encoding.")
    if y in _SMALL_ORDER:
        raise BadKey("The public key is a point of small order: anybody could sign for it.")
    # x^2 = (y^2 - 1) / (d y^2 + 1) must be a square (Euler's criterion; u/v is a square where uv is).
    if pow((y * y - 1) * (_D * y * y + 1), (_P - 1) // 2, _P) != 1:
        raise BadKey("The public key is not a point of the curve.")
    return Ed25519PublicKey.from_public_bytes(raw)


# --- The published set -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BrandKeysInfo:
    """
    The GS1 numbers by which a verifier finds the brand: company prefixes, and GTINs that stand alone.

    A verifier without the register learns from ``is_sandbox`` that the codes are tests.
    """

    gcp: tuple[str, ...] = ()
    gtins: tuple[str, ...] = ()
    is_sandbox: bool = False


def jwks(keys: Iterable[VerificationKey], brands: Mapping[UUID, BrandKeysInfo]) -> dict[str, list[dict[str, object]]]:
    """
    Return the JWKS document (RFC 7517) of *keys*, format 1 only, in the order of brand and key id.

    Revoked keys stand beside ``keys``, because ordinary JOSE libraries ignore ``status``. They keep their public key
    there, so that a verifier can tell "this key was withdrawn" from "this is forged".
    """
    current: list[dict[str, object]] = []
    revoked: list[dict[str, object]] = []
    for key in sorted(keys, key=lambda key: (key.brand_id, key.key_id)):
        if key.public is None:
            continue
        member: dict[str, object] = {
            "kid": key.kid,
            "kty": "OKP",
            "crv": "Ed25519",
            "x": base64url.encode(key.public.public_bytes_raw()),
            "alg": "EdDSA",
            "use": "sig",
            "brand_id": str(key.brand_id),
            "status": key.state.value,
        }
        if key.not_before is not None:
            member["nbf"] = int(key.not_before.timestamp())
        info = brands[key.brand_id]
        member |= {name: list(values) for name, values in (("gcp", info.gcp), ("gtins", info.gtins)) if values}
        if info.is_sandbox:
            member["sandbox"] = True
        if key.revocation is None:
            current.append(member)
        else:
            since = key.revocation.since
            member["mode"] = key.revocation.mode.value
            member["from"] = None if since is None else int(since.timestamp())
            revoked.append(member)
    return {"keys": current, "revoked": revoked}


class PublicKeySet:
    """A published JWKS as a verifier without a database uses it: from the GTIN to the brand to its keys. Immutable."""

    __slots__ = ("_brands", "_lengths", "_revoked", "keyring", "sandboxes")

    def __init__(self, keyring: Keyring, brands: Mapping[str, UUID], sandboxes: Collection[UUID] = ()) -> None:
        """Take the brand of each GTIN (14 digits) and company prefix (4 to 12): neither is read as the other."""
        self.keyring = keyring
        self.sandboxes = frozenset(sandboxes)
        self._brands = dict(brands)
        self._lengths = sorted({len(number) for number in brands} & set(_PREFIX_DIGITS), reverse=True)
        self._revoked = {key.kid: key.revocation for key in keyring if key.revocation is not None}

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """
        Read a JWKS document; members and kinds of keys that are not ours are passed over, as RFC 7517 asks.

        Raises:
            BadKey: It is no JWKS, a key in it is weak or malformed, or it contradicts itself.
        """
        keys: list[VerificationKey] = []
        brands: dict[str, UUID] = {}
        sandboxes: set[UUID] = set()
        for member, is_revoked in _members(document):
            key = _parse_key(member, is_revoked)
            keys.append(key)
            if member.get("sandbox") is True:
                sandboxes.add(key.brand_id)
            for number in _numbers(member, "gcp", _PREFIX_DIGITS) + _numbers(member, "gtins", range(14, 15)):
                if brands.setdefault(number, key.brand_id) != key.brand_id:
                    raise BadKey(f"Two brands of the key set claim the GS1 number {number}.")
        return cls(Keyring(keys), brands, sandboxes)

    def brand_of(self, gs1_key: str) -> UUID | None:
        """
        Return the brand of a GTIN of 14 digits or an SSCC of 18, or None: then no key can verify it.

        A GTIN that is listed beats every prefix, and the longest prefix wins. Prefixes are compared from the second
        digit, for the first is the indicator or extension digit. GTIN-8 hold no company prefix and must be listed.
        """
        if len(gs1_key) == 14:
            if brand_id := self._brands.get(gs1_key):
                return brand_id
            if gs1_key.startswith("00000", 1):
                return None
        elif len(gs1_key) != 18:
            return None
        for length in self._lengths:
            if brand_id := self._brands.get(gs1_key[1 : 1 + length]):
                return brand_id
        return None

    def revoked(self, kid: str) -> Revocation | None:
        """Return how the key with this name was revoked, or None where it was not."""
        return self._revoked.get(kid)


_PREFIX_DIGITS = range(4, 13)  # GS1 General Specifications, 1.4.4
_END_OF_TIME = 253402300800  # the year 10000, which datetime cannot hold
_read_kid = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([1-9][0-9]{0,4})").fullmatch


def _members(document: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], bool]]:
    """Yield each Ed25519 entry for tokens, and whether it is a revoked one."""
    if not isinstance(document, Mapping) or "keys" not in document:
        raise BadKey('A key set must be a JSON object with a list "keys".')
    for name in "keys", "revoked":
        entries = document.get(name, [])
        if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
            raise BadKey(f'The member "{name}" of a key set must be a list of objects.')
        for entry in entries:
            # A key that says what else it is for never verifies a token; see core/seals.py.
            if entry.get("kty") == "OKP" and entry.get("crv") == "Ed25519" and "purpose" not in entry:
                yield entry, name == "revoked"


def _parse_key(member: Mapping[str, Any], is_revoked: bool) -> VerificationKey:
    kid = member.get("kid")
    match = _read_kid(kid) if isinstance(kid, str) else None
    if match is None or member.get("brand_id") != match[1]:
        raise BadKey(f"A key must be named by its brand id, a dot and its number, and say its brand_id, got {kid!r}.")
    try:
        public = load_public(base64url.decode(str(member.get("x"))))
        state = KeyState(str(member.get("status")))
        since, mode = _time(member.get("from")), member.get("mode")
        revocation = Revocation(RevocationMode(str(mode)), since) if is_revoked else None
        not_before = _time(member.get("nbf"))
    except ValueError as error:
        raise BadKey(f"Key {kid}: {error}.") from None
    return VerificationKey(UUID(match[1]), int(match[2]), ED25519, state, public, None, not_before, revocation)


def _time(seconds: object) -> datetime | None:
    if seconds is None:
        return None
    if not isinstance(seconds, int) or not 0 <= seconds < _END_OF_TIME:
        raise ValueError(f"a time must be whole seconds since 1970, got {seconds!r}")
    return datetime.fromtimestamp(seconds, UTC)


def _numbers(member: Mapping[str, Any], name: str, lengths: range) -> list[str]:
    numbers = member.get(name, [])
    if not isinstance(numbers, list) or not all(
        isinstance(number, str) and number.isascii() and number.isdigit() and len(number) in lengths
        for number in numbers
    ):
        raise BadKey(f'The member "{name}" of key {member["kid"]} must be a list of GS1 numbers in digits.')
    return numbers
