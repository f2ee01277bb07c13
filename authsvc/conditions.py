"""
The condition of an item as its owner sets it: lost, stolen, found again.

Whoever checks the code sees it at once, and the clone rules take the item for gone while it lasts. What the brand has
set (blocked, recalled, destroyed) an owner does not change.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from sqlalchemy import select
from sqlalchemy.orm import Session

from authsvc import item_rows
from authsvc.core.verdicts import Disposition
from authsvc.errors import BadInput, Conflict
from authsvc.investigations import Subject
from authsvc.models import Item

_WORDS = {"lost": "lost", "stolen": "stolen", "found": "found again"}
_SETS = {"lost": Disposition.LOST, "stolen": Disposition.STOLEN, "found": Disposition.ACTIVE}
_OURS = frozenset(_SETS.values())
_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Condition:
    """In what condition an item is, and since when."""

    disposition: Disposition
    since: datetime | None = None
    words: str = ""


def parse_day(text: str, today: date) -> date:
    """
    Read the day on which something happened; today where nothing was said.

    Raises:
        BadInput: It is no day, or lies ahead.
    """
    try:
        day = date.fromisoformat(text.strip()) if text.strip() else today
    except ValueError:
        raise BadInput("Write the day as year, month and day, such as 2026-05-31.") from None
    if day > today:
        raise BadInput("The day lies in the future.")
    return day


def find(session: Session, sgtin: str) -> Condition:
    """Return the condition of an item."""
    row = session.execute(select(Item.disposition, Item.disposition_at).where(Item.sgtin == sgtin)).one_or_none()
    return Condition(Disposition.ACTIVE) if row is None else Condition(Disposition(row[0]), row[1])


def change(
    session: Session,
    subject: Subject,
    condition: str,
    *,
    reason: str,
    day: date,
    now: datetime,
) -> Condition:
    """
    Set an item to ``lost``, ``stolen`` or ``found``; *day* is when that happened, *reason* what the brand should know.

    Raises:
        BadInput: It is none of the three, or a theft has no reason.
        Conflict: The brand has set a condition that an owner does not change.
    """
    if condition not in _SETS:
        raise BadInput("Say whether the item is lost, stolen or found again.")
    said = " ".join("".join(c if c.isprintable() else " " for c in reason).split())
    if condition == "stolen" and not said:
        raise BadInput("Say in a few words what happened; the number of the police report is best.")
    if len(said) > _LONGEST_REASON:
        raise BadInput("Say what happened in at most {most} characters.", most=_LONGEST_REASON)
    item = item_rows.lock(session, subject.name)
    if Disposition(item.disposition) not in _OURS:
        raise Conflict("The brand has set the condition of this item. Contact the brand to have it changed.")
    at = now if day >= now.date() else datetime.combine(day, time(12), UTC)
    item.disposition, item.disposition_reason = _SETS[condition].value, said or f"Reported {condition} by the owner"
    item.disposition_at = at
    item.seq += 1
    session.flush()
    return Condition(_SETS[condition], at, _WORDS[condition])
