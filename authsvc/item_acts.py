"""
What a brand's people do to an item by hand: block, unblock, report stolen or lost, found.

An act starts from certain conditions only, and which act takes it back follows from where it began. The condition is
checked on the locked row: of two people who act at once, one is told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from authsvc import items
from authsvc.core.verdicts import Disposition
from authsvc.errors import Conflict
from authsvc.item_rows import ItemName
from authsvc.items import ItemInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act: the conditions it starts from, and the one it leads to."""

    name: str
    label: str
    before: frozenset[Disposition]
    after: Disposition
    done: str


ACTS: Mapping[str, Act] = {
    act.name: act
    for act in (
        Act(
            name="block", label="Block", before=frozenset({Disposition.ACTIVE}), after=Disposition.BLOCKED,
            done="is blocked",
        ),
        Act(
            name="unblock", label="Unblock", before=frozenset({Disposition.BLOCKED}), after=Disposition.ACTIVE,
            done="is no longer blocked",
        ),
        Act(
            name="stolen", label="Report stolen", before=frozenset({Disposition.ACTIVE, Disposition.LOST}),
            after=Disposition.STOLEN, done="is marked as stolen",
        ),
        Act(
            name="lost", label="Report lost", before=frozenset({Disposition.ACTIVE}), after=Disposition.LOST,
            done="is marked as lost",
        ),
        Act(
            name="found", label="Mark as found", before=frozenset({Disposition.LOST, Disposition.STOLEN}),
            after=Disposition.ACTIVE, done="is marked as found",
        ),
    )
}  # fmt: skip


def find_acts(disposition: Disposition) -> list[Act]:
    """Return what can be done to an item in this condition."""
    return [act for act in ACTS.values() if disposition in act.before]


def find_way_back(act: Act, before: Disposition) -> Act | None:
    """Return the act that leads back to *before*, where *act* began; None where no single act does."""
    return next((back for back in find_acts(act.after) if back.after is before), None)


def check(act: Act, disposition: Disposition) -> None:
    """
    Refuse an act that does not start from this condition.

    Raises:
        Conflict: It does not.
    """
    if disposition not in act.before:
        raise Conflict(f"The item is {disposition} now, so this cannot be done. Look at it again before you decide.")


def perform(session: Session, name: ItemName, act: Act, *, reason: str, now: datetime) -> ItemInfo:
    """
    Do *act*; the caller writes the log in the same transaction.

    Raises:
        NotFound: The code was never issued.
        BadInput: There is no reason.
        Conflict: The item is in a condition that the act does not start from.
    """
    done = items.set_disposition(
        session, name.brand, name.key, name.serial, act.after, reason=reason, serial_keys=name.serial_keys, now=now
    )
    check(act, done.previous)
    return done
