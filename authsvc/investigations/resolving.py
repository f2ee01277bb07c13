"""
Resolving: what a person makes of an alert, and taking it back.

A resolution enters the history of the item and changes what the same evidence does next: explained evidence does not
raise again, new evidence may, and a confirmed copy stays flagged. What was told to people before is not rewritten. The
caller writes the audit log in the same transaction.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from authsvc.core.clones import FactKind
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.investigations.facts import touch
from authsvc.investigations.judging import Judged
from authsvc.investigations.weighing import OTHER_RULES, Subject, settle
from authsvc.models import Alert, Item, Resolution

OF_ITEMS = frozenset(
    {
        FactKind.CONFIRMED_CLONE,
        FactKind.FALSE_ALARM,
        FactKind.OWNER_ERROR,
        FactKind.GREY_MARKET,
        FactKind.TEST,
    }
)
CONFIRMED = "confirmed"
"""What an alert on no item suspected is so. The clone rules never hear of it."""
KINDS = frozenset({*map(str, OF_ITEMS), CONFIRMED})

_EXPLAINING = OF_ITEMS - {FactKind.CONFIRMED_CLONE} | {FactKind.PROVEN}


@dataclass(frozen=True, slots=True)
class Resolved:
    """A resolution by its id, and what the item carries after it."""

    id: UUID
    score: float
    is_flagged: bool


def resolve(
    session: Session,
    subject: Subject,
    alert_id: UUID,
    kind: str,
    *,
    reason: str,
    by: str,
    id: UUID,  # noqa: A002  the word of the column
    now: datetime,
) -> Resolved:
    """
    Close an alert with a resolution.

    Raises:
        NotFound: The brand has no such alert.
        Conflict: It is closed already.
        BadInput: The kind is no resolution, or there is no reason.
    """
    if kind not in KINDS:
        raise BadInput(f"A resolution is one of {', '.join(sorted(KINDS))}; got {kind}.")
    reason = _said(reason)
    item, alert = _lock(session, subject, alert_id)
    if alert.closed_at is not None:
        raise Conflict("This alert is closed already. Undo its resolution to decide again.")
    is_evidence = alert.rule not in OTHER_RULES and kind in OF_ITEMS
    alert.closed_at = now
    session.add(
        Resolution(
            sgtin=alert.sgtin,
            id=id,
            brand_id=alert.brand_id,
            alert_id=alert.id,
            kind=str(kind),
            reason=reason,
            is_evidence=is_evidence,
            resolved_by=by,
            at=now,
        )
    )
    if item is None or not is_evidence:
        session.flush()
        return _resolved(id, item)
    touch(item)
    settle(session, item, subject, now=now)
    return _resolved(id, item)


def undo(session: Session, subject: Subject, resolution_id: UUID, *, reason: str, by: str, now: datetime) -> Resolved:
    """
    Take a resolution back: it no longer speaks, its alert is open again, and the item carries what it carried.

    Raises:
        NotFound: The brand has no such resolution.
        Conflict: It was taken back already.
        BadInput: There is no reason.
    """
    reason = _said(reason)
    found = session.get(Resolution, (subject.sgtin, resolution_id))
    if found is None or found.brand_id != subject.name.brand.id:
        raise NotFound("There is no such resolution.")
    item, alert = _lock(session, subject, found.alert_id)
    session.refresh(found)
    if found.undone_at is not None:
        raise Conflict("This resolution was taken back already.")
    found.undone_reason, found.undone_by, found.undone_at = reason, by, now
    if not _is_open(session, alert):
        alert.closed_at = None
    if item is None or not found.is_evidence:
        session.flush()
        return _resolved(found.id, item)
    touch(item)
    judged = settle(session, item, subject, now=now)
    if not judged.examination.is_flagged and not _is_explained(judged, alert):
        # Later scans may have pushed the evidence out of what is read; nothing but the resolution had explained it.
        item.flagged_at = alert.opened_at
        item.score = max(item.score, alert.score)
        session.flush()
    return _resolved(found.id, item)


# --- Private ---------------------------------------------------------------------------------------------------------


def _said(reason: str) -> str:
    if not reason.strip():
        raise BadInput("Give the reason: whoever looks at the item later has nothing else to go by.")
    return reason.strip()


def _lock(session: Session, subject: Subject, alert_id: UUID) -> tuple[Item | None, Alert]:
    """Lock the item, then the alert, in the order of every writer; an alert on a code never issued has no item."""
    item = session.get(Item, subject.sgtin, with_for_update=True, populate_existing=True)
    alert = session.get(Alert, (subject.sgtin, alert_id), with_for_update=True, populate_existing=True)
    brand_id = subject.name.brand.id
    if alert is None or alert.brand_id != brand_id or (item is not None and item.brand_id != brand_id):
        raise NotFound("There is no such alert.")
    return item, alert


def _is_open(session: Session, alert: Alert) -> bool:
    """Whether the item has an open alert of the same rule, beside which no second can be open."""
    same = select(Alert.id).where(Alert.sgtin == alert.sgtin, Alert.rule == alert.rule, Alert.closed_at.is_(None))
    return session.scalar(same.limit(1)) is not None


def _is_explained(judged: Judged, alert: Alert) -> bool:
    facts = judged.history.facts if judged.history is not None else ()
    return any(fact.kind in _EXPLAINING and fact.at >= alert.opened_at for fact in facts)


def _resolved(id: UUID, item: Item | None) -> Resolved:  # noqa: A002  as above
    return Resolved(id, item.score if item else 0.0, item is not None and item.flagged_at is not None)
