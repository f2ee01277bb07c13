"""
Answers that are given again: what a program asks twice under one idempotency key is done once.

The row is taken in the transaction that does the work, so of two requests at once the second waits and then finds the
answer of the first; what was refused or rolled back was not done, and the key is free again. An answer may hold a
secret, so it is sealed.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from authsvc.api_keys import Caller
from authsvc.core.wrapping import unwrap, wrap
from authsvc.errors import AnsweredBefore, IdempotencyKeyReused
from authsvc.models import ApiAnswer

KEPT = timedelta(hours=24)
MOST_BYTES = 64 * 1024
"""The longest answer that is kept. What a key may read as often as it likes shall not be stored as often."""
_PURPOSE = "api-answer"
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Given:
    """An answer as it went out."""

    status: int
    headers: dict[str, str]
    body: str


def digest(method: str, target: str, body: bytes) -> bytes:
    """Return the hash by which a request is known again."""
    return hashlib.sha256(b"\0".join((method.encode(), target.encode(), body))).digest()


def take(
    session: Session, caller: Caller, key: str, asked_hash: bytes, *, wrapping_key: bytes, now: datetime
) -> Given | None:
    """
    Take an idempotency key for this transaction; return what was answered where it was used before.

    Raises:
        IdempotencyKeyReused: It was used for another request.
        AnsweredBefore: The answer was not kept.
    """
    mine = (ApiAnswer.brand_id == caller.brand_id, ApiAnswer.key_id == caller.id)
    session.execute(delete(ApiAnswer).where(*mine, ApiAnswer.created_at <= now - KEPT))
    row = {"brand_id": caller.brand_id, "key_id": caller.id, "idempotency_key": key, "asked_hash": asked_hash}
    taken = session.execute(
        insert(ApiAnswer).values(**row, created_at=now).on_conflict_do_nothing().returning(ApiAnswer.created_at)
    )
    if taken.one_or_none() is not None:
        return None
    found = session.execute(
        select(ApiAnswer.asked_hash, ApiAnswer.sealed).where(*mine, ApiAnswer.idempotency_key == key)
    ).one()
    if found.asked_hash != asked_hash:
        raise IdempotencyKeyReused(
            "This idempotency key came before, within a day, with another request. Nothing was changed: send the "
            "request with a key of its own."
        )
    if found.sealed is None:
        raise AnsweredBefore("This request was done before and was not done again. Its answer was too long to be kept.")
    raw = unwrap(wrapping_key, found.sealed, brand_id=caller.brand_id, purpose=_PURPOSE, number=_number(caller, key))
    return Given(**json.loads(raw))


def keep(
    session: Session, caller: Caller, key: str, given: Given, *, wrapping_key: bytes, random: Callable[[int], bytes]
) -> None:
    """Keep what was answered under a key that this transaction has taken; of a long answer, that there was one."""
    if len(given.body.encode()) > MOST_BYTES:
        return
    content: dict[str, Any] = {"status": given.status, "headers": given.headers, "body": given.body}
    raw = json.dumps(content, ensure_ascii=False).encode()
    number = _number(caller, key)
    sealed = wrap(wrapping_key, raw, random(_NONCE_BYTES), brand_id=caller.brand_id, purpose=_PURPOSE, number=number)
    session.execute(
        update(ApiAnswer)
        .where(ApiAnswer.brand_id == caller.brand_id, ApiAnswer.key_id == caller.id, ApiAnswer.idempotency_key == key)
        .values(sealed=sealed)
        .execution_options(synchronize_session=False)
    )


def _number(caller: Caller, key: str) -> str:
    """Return what binds a sealed answer to its row, in characters that the wrapping takes."""
    return f"{caller.id}/{hashlib.sha256(key.encode()).hexdigest()}"
