"""
Times that somebody tells us: between years that every program which reads them later can write.

The database keeps times before the year 1 and after 9999, and Python reads none of them back: one such time, said by a
partner, would make every page fail on which it stands. Nobody means one.
"""

from datetime import UTC, datetime
from typing import Final

from authsvc.errors import BadInput

EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)


def check(at: datetime, what: str) -> datetime:
    """
    Accept a time with its zone; *what* names it.

    Raises:
        BadInput: It has no zone, or lies in another age.
    """
    if at.tzinfo is None:
        raise BadInput(f"{what} names its zone, such as 2026-09-28T10:00:00Z.")
    if not EARLIEST <= at < LATEST:
        raise BadInput(f"{what} lies between the years {EARLIEST.year} and {LATEST.year}, got {at.isoformat()}.")
    return at
