"""
Limits on what an owner page is tried with: claim codes, and mails that it sends.

Counted in PostgreSQL, in a transaction that commits before the try is looked at: tries that come at the same time are
counted one by one, and where nothing can be counted nothing is tried. No count ever locks an item: the one for an item
asks for a confirmed mail address first, and the others are of one network or one address and fade with time.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from authsvc.models import OwnerAttempt

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Limit:
    """How many tries of one kind fit into which time; the name is part of what is counted."""

    name: str
    most: int
    window: timedelta


CODE_FROM_HERE = Limit("code-from-here", 5, timedelta(hours=1))
CODE_OF_ITEM = Limit("code-of-item", 1000, timedelta(days=1))
CODE_OF_PERSON = Limit("code-of-person", 5, timedelta(hours=1))
TRANSFER_CODE_FROM_HERE = Limit("transfer-code-from-here", 10, timedelta(hours=1))
TRANSFER_CODE_OF_DEALER = Limit("transfer-code-of-dealer", 100, timedelta(hours=1))
ITEM_OF_OFFER = Limit("item-of-offer", 10, timedelta(hours=1))
PROOF_OF_PERSON = Limit("proof-of-person", 20, timedelta(hours=1))
PERMIT_OF_PERSON = Limit("permit-of-person", 20, timedelta(hours=1))
OFFER_OF_PERSON = Limit("offer-of-person", 20, timedelta(hours=1))
FILE_FROM_HERE = Limit("file-from-here", 20, timedelta(hours=1))
FILE_OF_PERSON = Limit("file-of-person", 20, timedelta(hours=1))
FILE_OF_ANYBODY = Limit("file-of-anybody", 5_000, timedelta(days=1))
REQUEST_FROM_HERE = Limit("request-from-here", 5, timedelta(hours=1))
REQUEST_OF_ITEM = Limit("request-of-item", 3, timedelta(days=1))
KEY_FROM_HERE = Limit("key-from-here", 30, timedelta(hours=1))
MAIL_TO_ADDRESS = Limit("mail-to-address", 5, timedelta(hours=1))
MAIL_FROM_HERE = Limit("mail-from-here", 30, timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted for one try: the limits that it went beyond, and what ``give_back`` takes off again."""

    beyond: frozenset[str]
    rows: tuple[tuple[bytes, datetime], ...]


def count(session: Session, key: bytes, tries: Sequence[tuple[Limit, str]], *, now: datetime) -> Counted:
    """
    Count one try against several limits, each for its own subject; *key* hides the subjects.

    The present window counts in full, the one before by how much of it still reaches into the last one. A try beyond a
    limit is not counted at all, so whoever goes on does not prolong the wait of others. The caller commits.
    """
    rows: dict[bytes, tuple[Limit, datetime]] = {}
    for limit, subject in tries:
        start = _EPOCH + (now - _EPOCH) // limit.window * limit.window
        rows[hmac.digest(key, f"{limit.name}|{subject}".encode(), "sha256")] = limit, start
    beyond = set()
    for hidden, (limit, start) in sorted(rows.items()):  # Rows are locked in one order by everybody.
        session.execute(insert(OwnerAttempt).values(key=hidden, window_start=start, count=0).on_conflict_do_nothing())
        is_this = (OwnerAttempt.key == hidden) & (OwnerAttempt.window_start == start)
        present = session.scalars(select(OwnerAttempt.count).where(is_this).with_for_update()).one()
        before = session.scalar(
            select(OwnerAttempt.count).where(
                OwnerAttempt.key == hidden, OwnerAttempt.window_start == start - limit.window
            )
        )
        share = 1 - (now - start) / limit.window
        if present + (before or 0) * share + 1 > limit.most:
            beyond.add(limit.name)
    counted: tuple[tuple[bytes, datetime], ...] = ()
    if not beyond:
        counted = tuple((hidden, start) for hidden, (_, start) in rows.items())
        _add(session, counted, 1)
    # Windows of other lengths end up here too: two days cover the longest of them.
    session.execute(delete(OwnerAttempt).where(OwnerAttempt.window_start < now - timedelta(days=2)))
    return Counted(frozenset(beyond), counted)


def give_back(session: Session, counted: Counted) -> None:
    """Take a try off again that was right."""
    _add(session, counted.rows, -1)


def _add(session: Session, rows: Sequence[tuple[bytes, datetime]], number: int) -> None:
    for hidden, start in sorted(rows):
        session.execute(
            update(OwnerAttempt)
            .where(OwnerAttempt.key == hidden, OwnerAttempt.window_start == start)
            .values(count=OwnerAttempt.count + number)
            .execution_options(synchronize_session=False)
        )
