"""
The keys that seal evidence files: made at the first export of a brand, wrapped in the database, replaced at will.

They are apart from the keys that sign item tokens, which no web process may hold. At most one of a brand seals; a
retired one still verifies, for a court may look at a file years later; a revoked one does not.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from authsvc.core.seals import kid_of
from authsvc.core.wrapping import unwrap, wrap
from authsvc.errors import Conflict, NotFound
from authsvc.models import EvidenceKey
from authsvc.seals import Sealer

_KEY_BYTES, _NONCE_BYTES = 32, 12
_PURPOSE = "evidence"

Random = Callable[[int], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """A sealing key as lists show it."""

    kid: str
    number: int
    created_at: datetime
    retired_at: datetime | None
    revoked_at: datetime | None


def get_sealer(session: Session, brand_id: UUID, *, wrapping_key: bytes, random: Random, now: datetime) -> Sealer:
    """Return the key with which a brand seals now; the first time, make it."""
    row = _find_active(session, brand_id)
    if row is None:
        _make(session, brand_id, wrapping_key=wrapping_key, random=random, now=now)
        row = _find_active(session, brand_id)
    if row is None:
        raise Conflict("The key that seals was just replaced. Try again.")
    raw = unwrap(wrapping_key, row.wrapped, brand_id=brand_id, purpose=_PURPOSE, number=str(row.number))
    return Sealer(brand_id=brand_id, number=row.number, private=Ed25519PrivateKey.from_private_bytes(raw))


def rotate(session: Session, brand_id: UUID, *, wrapping_key: bytes, random: Random, now: datetime) -> Info:
    """Seal with a new key from now on; the one before retires, and what it sealed still verifies."""
    session.execute(
        update(EvidenceKey)
        .where(EvidenceKey.brand_id == brand_id, EvidenceKey.retired_at.is_(None), EvidenceKey.revoked_at.is_(None))
        .values(retired_at=now)
    )
    _make(session, brand_id, wrapping_key=wrapping_key, random=random, now=now)
    return list_keys(session, brand_id)[-1]


def revoke(session: Session, brand_id: UUID, number: int, *, now: datetime) -> Info:
    """
    Withdraw a key that others may have got at: nothing that it sealed verifies any more.

    Raises:
        NotFound: The brand has no such key.
        Conflict: It is withdrawn already.
    """
    row = session.get(EvidenceKey, (brand_id, number), with_for_update=True)
    if row is None:
        raise NotFound(f"The brand has no sealing key {number}.")
    if row.revoked_at is not None:
        raise Conflict(f"The sealing key {number} is withdrawn already.")
    row.revoked_at = now
    session.flush()
    return _info(row)


def list_keys(session: Session, brand_id: UUID) -> list[Info]:
    """Return the sealing keys of a brand in the order of their numbers."""
    query = select(EvidenceKey).where(EvidenceKey.brand_id == brand_id).order_by(EvidenceKey.number)
    return [_info(row) for row in session.scalars(query)]


# --- Private ---------------------------------------------------------------------------------------------------------


def _find_active(session: Session, brand_id: UUID) -> EvidenceKey | None:
    return session.scalar(
        select(EvidenceKey).where(
            EvidenceKey.brand_id == brand_id, EvidenceKey.retired_at.is_(None), EvidenceKey.revoked_at.is_(None)
        )
    )


def _make(session: Session, brand_id: UUID, *, wrapping_key: bytes, random: Random, now: datetime) -> None:
    newest = session.scalar(select(func.max(EvidenceKey.number)).where(EvidenceKey.brand_id == brand_id)) or 0
    number, raw = newest + 1, random(_KEY_BYTES)
    wrapped = wrap(
        wrapping_key, raw, random(_NONCE_BYTES), brand_id=brand_id, purpose=_PURPOSE, number=str(number)
    )  # fmt: skip
    public = Ed25519PrivateKey.from_private_bytes(raw).public_key().public_bytes_raw()
    values = {
        "brand_id": brand_id, "number": number, "public_key": public, "wrapped": wrapped, "created_at": now,
    }  # fmt: skip
    # Somebody else may export at the same moment: the first key stays, and both seal with it.
    session.execute(insert(EvidenceKey).values(values).on_conflict_do_nothing())


def _info(row: EvidenceKey) -> Info:
    return Info(
        kid=kid_of(row.brand_id, row.number), number=row.number, created_at=row.created_at, retired_at=row.retired_at,
        revoked_at=row.revoked_at,
    )  # fmt: skip
