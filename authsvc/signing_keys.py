"""
The keys of a brand: signing keys with their states, the keys behind derived serials, the keys behind claim codes.

What must stay true: a key id is unique in its brand over all formats and never given twice; at most one key of a format
is active; a retired key verifies for ever; codes that were withdrawn are not made good by a slip; a claim key and a
serial key are never deleted, because printed codes outlive them. Private keys are not in the database: ``new_key``
hands one back once, for ``key_files`` to store.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from authsvc.core.keyring import (
    ED25519,
    FORMAT_NAMES,
    MAC_KEY_BYTES,
    MAX_KEY_ID,
    KeyState,
    Revocation,
    RevocationMode,
    VerificationKey,
    load_public,
)
from authsvc.core.revocations import made_good, widen
from authsvc.core.serials import ALPHABET, SerialKey
from authsvc.core.wrapping import unwrap, wrap
from authsvc.errors import BadInput, Conflict, KeyNotUsable, NotFound
from authsvc.models import BrandCounter, ClaimKey, Run
from authsvc.models import SerialKey as SerialKeyRow
from authsvc.models import SigningKey as SigningKeyRow

_KEY_BYTES = 32
_NONCE_BYTES = 12

Random = Callable[[int], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyInfo:
    """A signing key as people see it in a list."""

    brand_id: UUID
    key_id: int
    format: str
    state: KeyState
    created_at: datetime
    retired_at: datetime | None
    revoked_at: datetime | None
    revocation: Revocation | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class NewKey:
    """What ``new_key`` made; *private* is there for format 1 and exists nowhere else yet."""

    info: KeyInfo
    private: Ed25519PrivateKey | None = field(repr=False)


def reserve_key_id(session: Session, brand_id: UUID) -> int:
    """
    Take the next key id of the brand. Commit before the key is made: a number once taken never comes back.

    Raises:
        Conflict: All 65,535 numbers of the brand are used up.
    """
    key_id = _take(session, brand_id, "next_key_id")
    if key_id > MAX_KEY_ID:
        raise Conflict(f"The brand has used all its {MAX_KEY_ID} key numbers.")
    return key_id


def new_key(
    session: Session,
    brand_id: UUID,
    key_id: int,
    *,
    format: str,  # noqa: A002  the word of the token format
    state: KeyState | None,
    now: datetime,
    wrapping_key: bytes,
    random: Random,
) -> NewKey:
    """
    Make a signing key under a reserved number.

    Without a *state* the key is active when the brand has no active key of this format, and pending otherwise. A key
    that is made active takes the place of the active one, which retires: it verifies, and signs no more.
    """
    if format not in FORMAT_NAMES:
        raise BadInput(f"A key format must be one of {', '.join(FORMAT_NAMES)}, got {format!r}.")
    _lock(session, brand_id)
    active = _find_active(session, brand_id, format)
    if state is None:
        state = KeyState.ACTIVE if active is None else KeyState.PENDING
    elif state is KeyState.ACTIVE and active is not None:
        _retire(active, now)
        session.flush()
    raw = random(_KEY_BYTES)
    row = SigningKeyRow(brand_id=brand_id, key_id=key_id, format=format, state=state.value, created_at=now)
    private = None
    if FORMAT_NAMES[format] == ED25519:
        private = Ed25519PrivateKey.from_private_bytes(raw)
        row.public_key = private.public_key().public_bytes_raw()
    else:
        assert len(raw) == MAC_KEY_BYTES  # both kinds of key have 32 bytes
        row.wrapped_mac = wrap(
            wrapping_key, raw, random(_NONCE_BYTES), brand_id=brand_id, purpose="mac", number=str(key_id)
        )
    row.revoked_runs = []
    session.add(row)
    session.flush()
    return NewKey(_info(row), private)


def list_keys(session: Session, brand_id: UUID) -> list[KeyInfo]:
    """Return the signing keys of a brand in the order of their numbers."""
    rows = session.scalars(
        select(SigningKeyRow).where(SigningKeyRow.brand_id == brand_id).order_by(SigningKeyRow.key_id)
    )
    return [_info(row) for row in rows]


def get_key(session: Session, brand_id: UUID, key_id: int) -> KeyInfo:
    """
    Return a signing key of a brand.

    Raises:
        NotFound: The brand has no such key.
    """
    return _info(_get(session, brand_id, key_id))


def activate(session: Session, brand_id: UUID, key_id: int, *, now: datetime) -> KeyInfo:
    """
    Let a pending key sign from now on; the active key of the same format retires.

    Raises:
        NotFound: The brand has no such key.
        Conflict: The key is retired or revoked: neither comes back.
    """
    _lock(session, brand_id)
    row = _get(session, brand_id, key_id)
    if row.state not in {KeyState.PENDING, KeyState.ACTIVE}:
        raise Conflict(f"Key {key_id} is {row.state} and does not sign again. Make a new one: `authsvc keys new`.")
    active = _find_active(session, brand_id, row.format)
    if active is not None and active.key_id != key_id:
        _retire(active, now)
    row.state = KeyState.ACTIVE.value
    session.flush()
    return _info(row)


def retire(session: Session, brand_id: UUID, key_id: int, *, now: datetime) -> KeyInfo:
    """
    End the signing of a key; what it signed stays good.

    Raises:
        NotFound: The brand has no such key.
        Conflict: The key is revoked.
    """
    _lock(session, brand_id)
    row = _get(session, brand_id, key_id)
    if row.state == KeyState.REVOKED:
        raise Conflict(f"Key {key_id} is revoked; retiring it would make its codes good again.")
    if row.state != KeyState.RETIRED:
        _retire(row, now)
        session.flush()
    return _info(row)


def revoke(
    session: Session,
    brand_id: UUID,
    key_id: int,
    revocation: Revocation,
    *,
    reason: str,
    now: datetime,
    weaken: bool = False,
) -> KeyInfo:
    """
    Withdraw a key as far as the revocation says.

    A later one may reach further, and runs are added to those that were named before. One that would make withdrawn
    codes good again must *weaken* on purpose; it then holds alone, as it is.

    Raises:
        NotFound: The brand has no such key.
        BadInput: The mode lacks its time or runs, or has some that it does not use, or the time is yet to come.
        Conflict: Codes that are withdrawn would become good again.
    """
    _check_revocation(revocation, now)
    if not reason.strip():
        raise BadInput("Give the reason of the revocation: it is what your colleagues will find in a year.")
    _lock(session, brand_id)
    row = _get(session, brand_id, key_id)
    _refuse_foreign_runs(session, brand_id, key_id, revocation.runs)
    if not weaken:
        old = _revocation(row)
        revocation = widen(old, revocation)
        if codes := made_good(old, revocation):
            raise Conflict(
                f"This would make withdrawn codes good again: {codes}. If you mean it, say so with --weaken."
            )
    row.state = KeyState.REVOKED.value
    row.revoked_at = row.revoked_at or now
    row.revocation_mode = revocation.mode.value
    row.revoked_from = revocation.since
    row.revoked_runs = sorted(revocation.runs)
    row.revocation_reason = reason.strip()
    session.flush()
    return _info(row)


def get_active_key(session: Session, brand_id: UUID, format: str, *, wrapping_key: bytes) -> VerificationKey:  # noqa: A002
    """
    Return the key of a format that signs now.

    Raises:
        KeyNotUsable: The brand has none.
    """
    row = _find_active(session, brand_id, format)
    if row is None:
        raise KeyNotUsable(f"The brand has no active {format} key. Make one: `authsvc keys new --format {format}`.")
    mac = None
    if row.wrapped_mac is not None:
        mac = unwrap(wrapping_key, row.wrapped_mac, brand_id=brand_id, purpose="mac", number=str(row.key_id))
    return VerificationKey(
        brand_id=brand_id,
        key_id=row.key_id,
        format=FORMAT_NAMES[row.format],
        state=KeyState(row.state),
        public=None if row.public_key is None else load_public(row.public_key),
        mac=mac,
        not_before=row.created_at,
    )


# --- Keys behind serials and claim codes -----------------------------------------------------------------------------


def add_serial_key(session: Session, brand_id: UUID, *, wrapping_key: bytes, random: Random) -> str:
    """
    Begin a new epoch: new serials come from a new key, and those of earlier epochs still decode. Return the epoch.

    Raises:
        Conflict: All 32 epochs of the brand are used up.
    """
    number = _take(session, brand_id, "next_epoch")
    if number >= len(ALPHABET):
        raise Conflict(f"The brand has used all its {len(ALPHABET)} epochs of serials.")
    epoch = ALPHABET[number]
    session.execute(update(SerialKeyRow).where(SerialKeyRow.brand_id == brand_id).values(is_active=False))
    wrapped = wrap(
        wrapping_key, random(_KEY_BYTES), random(_NONCE_BYTES), brand_id=brand_id, purpose="serial", number=epoch
    )
    session.add(SerialKeyRow(brand_id=brand_id, epoch=epoch, wrapped=wrapped, is_active=True))
    session.flush()
    return epoch


def add_claim_key(session: Session, brand_id: UUID, *, wrapping_key: bytes, random: Random) -> int:
    """Make the key that the claim codes of later runs come from; return its number."""
    number = _take(session, brand_id, "next_claim_key")
    wrapped = wrap(
        wrapping_key, random(_KEY_BYTES), random(_NONCE_BYTES), brand_id=brand_id, purpose="claim", number=str(number)
    )
    session.add(ClaimKey(brand_id=brand_id, id=number, wrapped=wrapped))
    session.flush()
    return number


def load_serial_keys(session: Session, brand_id: UUID, *, wrapping_key: bytes) -> dict[str, SerialKey]:
    """Return the serial keys of a brand by epoch; retired epochs still decode."""
    rows = session.scalars(select(SerialKeyRow).where(SerialKeyRow.brand_id == brand_id))
    return {
        row.epoch: SerialKey(
            row.epoch,
            unwrap(wrapping_key, row.wrapped, brand_id=brand_id, purpose="serial", number=row.epoch),
        )
        for row in rows
    }


def load_claim_key(session: Session, brand_id: UUID, number: int, *, wrapping_key: bytes) -> bytes:
    """
    Return a claim key of a brand.

    Raises:
        NotFound: The brand has no such claim key.
    """
    row = session.get(ClaimKey, (brand_id, number))
    if row is None:
        raise NotFound(f"The brand has no claim key {number}.")
    return unwrap(wrapping_key, row.wrapped, brand_id=brand_id, purpose="claim", number=str(number))


# --- Private ---------------------------------------------------------------------------------------------------------


def _lock(session: Session, brand_id: UUID) -> None:
    """Let one transaction at a time change the keys of a brand, or two of them could both end up active."""
    if session.scalar(select(BrandCounter.brand_id).where(BrandCounter.brand_id == brand_id).with_for_update()) is None:
        raise NotFound("There is no such brand.")


def _take(session: Session, brand_id: UUID, counter: str) -> int:
    column = getattr(BrandCounter, counter)
    number = session.scalar(
        update(BrandCounter).where(BrandCounter.brand_id == brand_id).values({column: column + 1}).returning(column - 1)
    )
    if number is None:
        raise NotFound("There is no such brand.")
    return int(number)


def _get(session: Session, brand_id: UUID, key_id: int) -> SigningKeyRow:
    row = session.get(SigningKeyRow, (brand_id, key_id))
    if row is None:
        raise NotFound(f"The brand has no key {key_id}; `authsvc keys list` shows the ones it has.")
    return row


def _find_active(session: Session, brand_id: UUID, format: str) -> SigningKeyRow | None:  # noqa: A002
    return session.scalar(
        select(SigningKeyRow).where(
            SigningKeyRow.brand_id == brand_id,
            SigningKeyRow.format == format,
            SigningKeyRow.state == KeyState.ACTIVE.value,
        )
    )


def _retire(row: SigningKeyRow, now: datetime) -> None:
    row.state, row.retired_at = KeyState.RETIRED.value, now


def _check_revocation(revocation: Revocation, now: datetime) -> None:
    if (revocation.mode is RevocationMode.FROM) != (revocation.since is not None):
        raise BadInput(
            "The mode from-time needs the time T from which the key is withdrawn, and no other mode takes one."
        )
    if revocation.since is not None and revocation.since > now:
        raise BadInput(f"The time {revocation.since:%Y-%m-%d %H:%M} is yet to come: until then nothing is withdrawn.")
    if (revocation.mode is RevocationMode.RUN) != bool(revocation.runs):
        raise BadInput("The mode run needs at least one run number, and no other mode takes one.")


def _refuse_foreign_runs(session: Session, brand_id: UUID, key_id: int, runs: Iterable[int]) -> None:
    """Refuse a misread number: it would leave the stolen run good and withdraw an honest one."""
    wanted = set(runs)
    signed = session.scalars(
        select(Run.number).where(Run.brand_id == brand_id, Run.key_id == key_id, Run.number.in_(wanted))
    )
    if missing := wanted - set(signed):
        raise BadInput(f"Key {key_id} signed no run {', '.join(map(str, sorted(missing)))} of this brand.")


def _revocation(row: SigningKeyRow) -> Revocation | None:
    if row.revocation_mode is None:
        return None
    return Revocation(RevocationMode(row.revocation_mode), row.revoked_from, frozenset(row.revoked_runs))


def _info(row: SigningKeyRow) -> KeyInfo:
    return KeyInfo(
        brand_id=row.brand_id,
        key_id=row.key_id,
        format=row.format,
        state=KeyState(row.state),
        created_at=row.created_at,
        retired_at=row.retired_at,
        revoked_at=row.revoked_at,
        revocation=_revocation(row),
        reason=row.revocation_reason,
    )
