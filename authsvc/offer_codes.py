"""
The codes of offers as they are stored, and the keys under which an act is known when it comes a second time.

A code is found by a keyed hash, whichever brand its offer is of, and is kept for a while after the offer has ended: so
whoever comes late is told what became of it. A key is made by a form and is bound to the browser that sends it.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from authsvc.core import transfer_codes
from authsvc.core.wrapping import derive_key
from authsvc.errors import BadInput, WrongTransferCode
from authsvc.handovers import Handover
from authsvc.models import TransferCode, TransferKey

CODES_KEPT, KEYS_KEPT = timedelta(days=30), timedelta(days=1)
REPLAYED_WITHIN = timedelta(minutes=10)
"""How long an act that comes again is answered as it was: a double click, a lost answer. Later it signs nobody in."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """Which offer a code leads to."""

    brand_id: UUID
    sgtin: str
    transfer_id: UUID


def keep(session: Session, handover: Handover, *, key: bytes, now: datetime) -> str:
    """Let the code of an offer lead to it, and return the code."""
    session.execute(delete(TransferCode).where(TransferCode.created_at < now - CODES_KEPT))
    code = transfer_codes.transfer_code(key, handover.brand_id, handover.id)
    session.execute(
        insert(TransferCode)
        .values(
            code_hash=transfer_codes.hash_code(key, code), brand_id=handover.brand_id, sgtin=handover.sgtin,
            transfer_id=handover.id, created_at=now,
        )
        .on_conflict_do_nothing()
    )  # fmt: skip
    return code


def find(session: Session, typed: str, *, key: bytes) -> Pointer:
    """
    Return where a code leads.

    Raises:
        WrongTransferCode: It is that of no offer.
    """
    try:
        code = transfer_codes.normalise(typed)
    except BadInput as error:
        raise WrongTransferCode(str(error)) from None
    row = session.get(TransferCode, transfer_codes.hash_code(key, code))
    if row is None:
        raise WrongTransferCode(
            "There is no offer with this code. Compare every letter, or ask the seller for the link."
        )
    return Pointer(row.brand_id, row.sgtin, row.transfer_id)


def hash_key(key: bytes, act: str, browser: str, given: str) -> bytes:
    """Return under what an act is known: its name, the browser that sends it, and what its form has given."""
    message = f"{act}|{browser}|{given}".encode()
    return hmac.digest(derive_key(key, "transfer-keys"), message, "sha256")


def find_done(session: Session, key_hash: bytes, *, now: datetime) -> tuple[Pointer, UUID] | None:
    """Return which transfer an act was about that was done a moment before, and whose act it was."""
    row = session.get(TransferKey, key_hash, populate_existing=True)
    return (
        None
        if row is None or row.created_at < now - REPLAYED_WITHIN
        else (Pointer(row.brand_id, row.sgtin, row.transfer_id), row.owner_id)
    )


def record_done(session: Session, key_hash: bytes, handover: Handover, owner_id: UUID, *, now: datetime) -> None:
    """Note an act under its key, in the transaction of the act."""
    session.execute(delete(TransferKey).where(TransferKey.created_at < now - KEYS_KEPT))
    session.execute(
        insert(TransferKey)
        .values(
            key_hash=key_hash, brand_id=handover.brand_id, sgtin=handover.sgtin, transfer_id=handover.id,
            owner_id=owner_id, created_at=now,
        )
        .on_conflict_do_nothing()
    )  # fmt: skip
