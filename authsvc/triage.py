"""
Triage: what a person does about an alert. Assign it, let it sleep, decide it, take the decision back.

Each act is one transaction with its effect on the item and its line in the audit log, and locks the item before the
alert, as every writer does. The log is the history of an alert: ``history`` reads it back. A decision is a resolution
(``investigations``) and, where a serial is blocked, a disposition; an undo restores both, unless somebody has changed
the item since: then what they did stays. Which decisions fit what an alert is about is said in ``core.decisions``.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from authsvc import audit, investigations
from authsvc.core import decisions
from authsvc.core.decisions import Choice
from authsvc.core.verdicts import Disposition
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.investigations import Subject
from authsvc.models import Alert, AlertDecision, AuditEvent, Item, Resolution

LEAST_RISE, MOST_RISE = 0.5, 20.0
LONGEST_SNOOZE = timedelta(days=365)
_HISTORY = 100


CONDITIONS_THAT_STAY = frozenset(
    {Disposition.STOLEN, Disposition.LOST, Disposition.DESTROYED, Disposition.INACTIVE, Disposition.BLOCKED}
)
"""An item in one of these is not blocked over an alert: people are warned already, and it would hide what is so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The decision that is in force on an alert."""

    id: UUID
    choice: str
    reason: str
    by: str
    at: datetime
    is_block: bool


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody did about an alert, as the log has it."""

    at: datetime
    act: str
    by: str
    details: Mapping[str, Any]


def get(session: Session, brand_id: UUID, alert_id: UUID) -> Alert:
    """
    Return an alert of a brand.

    Raises:
        NotFound: The brand has no such alert.
    """
    found = session.scalar(select(Alert).where(Alert.brand_id == brand_id, Alert.id == alert_id))
    if found is None:
        raise NotFound("There is no such alert.")
    return found


def find_standing(session: Session, alert: Alert) -> Standing | None:
    """Return the decision in force, if somebody has decided."""
    resolution = session.scalar(
        select(Resolution).where(
            Resolution.sgtin == alert.sgtin, Resolution.alert_id == alert.id, Resolution.undone_at.is_(None)
        )
    )
    if resolution is None:
        return None
    decision = session.get(AlertDecision, (alert.sgtin, resolution.id))
    return Standing(
        id=resolution.id,
        choice=decision.choice if decision is not None else resolution.kind,
        reason=resolution.reason,
        by=resolution.resolved_by,
        at=resolution.at,
        is_block=decision is not None and decision.disposition is not None,
    )


def find_choices(session: Session, brand_id: UUID, alerts: Collection[tuple[str, UUID]]) -> Mapping[UUID, str]:
    """Return the decisions in force on some alerts, each given by its key and id, as they are stored."""
    query = (
        select(Resolution.alert_id, func.coalesce(AlertDecision.choice, Resolution.kind))
        .outerjoin(AlertDecision, (AlertDecision.sgtin == Resolution.sgtin) & (AlertDecision.id == Resolution.id))
        .where(
            Resolution.brand_id == brand_id, Resolution.undone_at.is_(None),
            tuple_(Resolution.sgtin, Resolution.alert_id).in_(alerts),
        )
    )  # fmt: skip
    return dict(session.execute(query).all()) if alerts else {}


def may_block(session: Session, subject: Subject) -> bool:
    """Whether there is an item that a block would change for people who scan it."""
    item = None if subject.other is not None else session.get(Item, subject.sgtin)
    return item is not None and Disposition(item.disposition) not in CONDITIONS_THAT_STAY


def decide(
    session: Session,
    subject: Subject,
    alert_id: UUID,
    choice: Choice,
    *,
    reason: str,
    by: audit.Actor,
    id: UUID,  # noqa: A002  the word of the column
    now: datetime,
) -> investigations.Resolved:
    """
    Close an alert with a decision, and block the serial where that is the decision.

    Raises:
        NotFound: The brand has no such alert.
        Conflict: It is closed already, the decision does not fit what it is about, or there is nothing to block.
        BadInput: There is no reason.
    """
    kind = decisions.about(subject.sgtin, get(session, subject.name.brand.id, alert_id).rule)
    if decisions.find(kind, choice) is None:
        raise Conflict(decisions.refusal(kind, choice))
    item = _lock_item(session, subject)
    before: tuple[str | None, str | None, datetime | None] = (None, None, None)
    if choice is Choice.BLOCK:
        if item is None or Disposition(item.disposition) in CONDITIONS_THAT_STAY:
            raise Conflict("There is nothing to block here: the serial has no item, or people are warned already.")
        before = (item.disposition, item.disposition_reason, item.disposition_at)
        item.disposition, item.disposition_reason, item.disposition_at = Disposition.BLOCKED.value, reason.strip(), now
        item.seq += 1
        session.flush()
    resolved = investigations.resolve(
        session, subject, alert_id, choice.resolution, reason=reason, by=by.name, id=id, now=now
    )
    session.add(
        AlertDecision(
            sgtin=subject.sgtin, id=id, brand_id=subject.name.brand.id, alert_id=alert_id, choice=choice.value, at=now,
            disposition=before[0], disposition_reason=before[1], disposition_at=before[2],
        )
    )  # fmt: skip
    session.flush()
    _record(session, subject, by, "alert.decide", alert_id, {"decision": choice.value, "reason": reason.strip()}, now)
    return resolved


def undo(session: Session, subject: Subject, alert_id: UUID, *, reason: str, by: audit.Actor, now: datetime) -> bool:
    """
    Take back the decision in force: the alert is open again, and the item is what it was.

    Return whether all of it was restored: false where somebody has changed a blocked item since, which then stays.

    Raises:
        NotFound: The brand has no such alert.
        Conflict: Nobody has decided it.
        BadInput: There is no reason.
    """
    item = _lock_item(session, subject)
    alert = get(session, subject.name.brand.id, alert_id)
    standing = find_standing(session, alert)
    if standing is None:
        raise Conflict("There is no decision to take back.")
    decision = session.get(AlertDecision, (alert.sgtin, standing.id))
    is_whole = True
    if decision is not None and decision.disposition is not None:
        is_whole = item is not None and item.disposition == Disposition.BLOCKED and item.disposition_at == decision.at
        if is_whole and item is not None:
            item.disposition = decision.disposition
            item.disposition_reason, item.disposition_at = decision.disposition_reason, decision.disposition_at
            item.seq += 1
            session.flush()
    investigations.undo(session, subject, standing.id, reason=reason, by=by.name, now=now)
    details = {"decision": standing.choice, "reason": reason.strip(), "block_lifted": standing.is_block and is_whole}
    _record(session, subject, by, "alert.undo", alert_id, details, now)
    return is_whole


def assign(
    session: Session, subject: Subject, alert_id: UUID, assignee: UUID | None, *, team: Collection[UUID],
    by: audit.Actor, now: datetime,
) -> None:  # fmt: skip
    """
    Give an open alert to somebody of the *team*, or to nobody.

    Raises:
        NotFound: The brand has no such alert, or no such member of staff.
        Conflict: It is closed.
    """
    alert = _lock_open(session, subject, alert_id)
    if assignee is not None and assignee not in team:
        raise NotFound("There is no such person in the team.")
    alert.assignee = assignee
    session.flush()
    _record(session, subject, by, "alert.assign", alert_id, {"to": str(assignee) if assignee else None}, now)


def snooze(
    session: Session,
    subject: Subject,
    alert_id: UUID,
    *,
    until: datetime | None,
    rise: float | None,
    reason: str,
    by: audit.Actor,
    now: datetime,
) -> None:
    """
    Let an open alert sleep *until* a time, or until the score of its item rises by *rise*, whichever comes first.

    Raises:
        NotFound: The brand has no such alert.
        Conflict: It is closed.
        BadInput: There is no reason, no end, or one that lies in the past or too far away.
    """
    if not reason.strip():
        raise BadInput("Give the reason: whoever looks at the alert later has nothing else to go by.")
    latest = now + LONGEST_SNOOZE
    if until is not None and not now < until <= latest:
        raise BadInput("An alert sleeps until a day within the next year.")
    if rise is not None and not LEAST_RISE <= rise <= MOST_RISE:
        raise BadInput(f"The score may be asked to rise by {LEAST_RISE} to {MOST_RISE:g} points.")
    item = _lock_item(session, subject)
    if until is None and (rise is None or item is None):
        raise BadInput("Say until when the alert sleeps.")
    alert = _lock_open(session, subject, alert_id)
    alert.snoozed_until = until or latest
    alert.wakes_at_score = max(item.score, alert.score) + rise if rise is not None and item is not None else None
    session.flush()
    details = {"until": until.isoformat() if until else None, "rise": rise if item else None, "reason": reason.strip()}
    _record(session, subject, by, "alert.snooze", alert_id, details, now)


def wake(session: Session, subject: Subject, alert_id: UUID, *, by: audit.Actor, now: datetime) -> None:
    """Let an alert sleep no longer; raises as ``assign`` does."""
    alert = _lock_open(session, subject, alert_id)
    alert.snoozed_until = alert.wakes_at_score = None
    session.flush()
    _record(session, subject, by, "alert.wake", alert_id, {}, now)


def history(session: Session, brand_id: UUID, alert_id: UUID) -> tuple[Act, ...]:
    """Return what people did about an alert, the newest first."""
    query = (
        select(AuditEvent)
        .where(AuditEvent.brand_id == brand_id, AuditEvent.subject == _subject(alert_id))
        .order_by(AuditEvent.seq.desc())
        .limit(_HISTORY)
    )
    return tuple(Act(row.at, row.act, row.actor_name, row.details) for row in session.scalars(query))


# --- Many at once ----------------------------------------------------------------------------------------------------

MOST_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an act on many alerts came to: how many were done, and why others were not."""

    done: int
    refused: Mapping[str, int]


def act_on_many(
    session: Session,
    brand_id: UUID,
    alert_ids: list[UUID],
    subject_of: Callable[[str], Subject],
    act: Callable[[Subject, UUID], Any],
) -> Outcome:
    """
    Do one thing to many alerts; what is refused for one of them is done for the others all the same.

    Items are locked in one order by everybody, so that two people who act on the same alerts wait for each other once.

    Raises:
        BadInput: There is none, or more than a page has.
    """
    if not 0 < len(alert_ids) <= MOST_AT_ONCE:
        raise BadInput(f"Choose 1 to {MOST_AT_ONCE} alerts.")
    query = select(Alert.sgtin, Alert.id).where(Alert.brand_id == brand_id, Alert.id.in_(alert_ids))
    found = sorted(session.execute(query).all(), key=lambda row: (row.sgtin, row.id.bytes))
    refused: dict[str, int] = {}
    done = 0
    for sgtin, alert_id in found:
        try:
            with session.begin_nested():
                act(subject_of(sgtin), alert_id)
            done += 1
        except (Conflict, NotFound) as error:
            refused[str(error)] = refused.get(str(error), 0) + 1
    if missing := len(set(alert_ids)) - len(found):
        refused["There is no such alert."] = missing
    return Outcome(done, refused)


# --- Private ---------------------------------------------------------------------------------------------------------


def _subject(alert_id: UUID) -> str:
    return f"alert {alert_id}"


def _record(
    session: Session,
    subject: Subject,
    by: audit.Actor,
    act: str,
    alert_id: UUID,
    details: Mapping[str, Any],
    now: datetime,
) -> None:
    said = {name: value for name, value in details.items() if value is not None}
    audit.record(
        session, subject.name.brand.id, by, act, _subject(alert_id), {"sgtin": subject.sgtin, **said}, at=now
    )  # fmt: skip


def _lock_item(session: Session, subject: Subject) -> Item | None:
    if subject.other is not None:
        return None
    item = session.get(Item, subject.sgtin, with_for_update=True, populate_existing=True)
    return item if item is not None and item.brand_id == subject.name.brand.id else None


def _lock_open(session: Session, subject: Subject, alert_id: UUID) -> Alert:
    alert = session.get(Alert, (subject.sgtin, alert_id), with_for_update=True, populate_existing=True)
    if alert is None or alert.brand_id != subject.name.brand.id:
        raise NotFound("There is no such alert.")
    if alert.closed_at is not None:
        raise Conflict("This alert is closed already.")
    return alert
