"""
Limits on proofs: how often a password or code is tried for one account, and from one network.

Counted in PostgreSQL, in a transaction of its own that commits before the proof is looked at: tries that come at the
same time are counted one by one, and where nothing can be counted nothing is tried. What is right is given back, so
only failures add up. Nobody is locked out: the count fades with time, and a passkey or single sign-on is never
slowed by the failures of a password.
"""

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from authsvc.errors import TooManyRequests
from authsvc.models import StaffAttempt

WINDOW = timedelta(minutes=15)
PER_ACCOUNT = 10
PER_NETWORK = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted for one try; ``give_back`` takes it off again."""

    keys: tuple[bytes, ...]
    window: datetime


def count(session: Session, key: bytes, *, account: str, network: str, now: datetime) -> Counted:
    """
    Count one try for an account (whether or not it exists) and from a network; *key* hides both.

    This window counts in full, the one before by how much of it still reaches into the last 15 minutes. The caller
    commits also where this raises, so a try beyond the limit does not go on counting.

    Raises:
        TooManyRequests: One of the two has failed too often.
    """
    window = _EPOCH + (now - _EPOCH) // WINDOW * WINDOW
    share = 1 - (now - window) / WINDOW
    limits = {
        hmac.digest(key, f"account|{account}".encode(), "sha256"): PER_ACCOUNT,
        hmac.digest(key, f"network|{network}".encode(), "sha256"): PER_NETWORK,
    }
    for hidden, limit in sorted(limits.items()):  # Rows are locked in one order by everybody.
        session.execute(insert(StaffAttempt).values(key=hidden, window_start=window, count=0).on_conflict_do_nothing())
        present = session.scalars(
            select(StaffAttempt.count)
            .where(StaffAttempt.key == hidden, StaffAttempt.window_start == window)
            .with_for_update()
        ).one()
        before = session.scalar(
            select(StaffAttempt.count).where(StaffAttempt.key == hidden, StaffAttempt.window_start == window - WINDOW)
        )
        if present + (before or 0) * share + 1 > limit:
            raise TooManyRequests("Too many failed tries. Wait some minutes, or sign in with a passkey.")
    for hidden in limits:
        _add(session, hidden, window, 1)
    session.execute(delete(StaffAttempt).where(StaffAttempt.window_start < window - WINDOW))
    return Counted(tuple(limits), window)


def give_back(session: Session, counted: Counted) -> None:
    """Take a try off again that was right."""
    for hidden in sorted(counted.keys):
        _add(session, hidden, counted.window, -1)


def _add(session: Session, key: bytes, window: datetime, number: int) -> None:
    session.execute(
        update(StaffAttempt)
        .where(StaffAttempt.key == key, StaffAttempt.window_start == window)
        .values(count=StaffAttempt.count + number)
    )
