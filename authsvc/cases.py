"""
Cases: inquiries over alerts and reports, with a state, somebody who looks after them, and what belongs together.

What must stay true: a case moves only as ``MOVES`` has it, and is closed with a reason. Every act is noted in the audit
log, under ``case N``, in the transaction of the act. Cases of another brand are not found.
"""

import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from authsvc import audit
from authsvc.audit import Actor
from authsvc.core.alerts import by_strength
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.models import Alert, Case, CaseAlert, ConsumerReport

PAGE = 50
MOST_ALERTS = 200
"""Alerts in one case: its evidence is read by a person in the end."""
_LONGEST_TITLE, _LONGEST_REASON = 160, 2_000


class State(StrEnum):
    """Where an inquiry stands. The values are stored: never rename one."""

    OPEN = "open"
    INVESTIGATING = "investigating"
    ESCALATED = "escalated"
    CLOSED = "closed"


MOVES: dict[State, tuple[State, ...]] = {
    State.OPEN: (State.INVESTIGATING, State.ESCALATED, State.CLOSED),
    State.INVESTIGATING: (State.ESCALATED, State.OPEN, State.CLOSED),
    State.ESCALATED: (State.INVESTIGATING, State.CLOSED),
    State.CLOSED: (State.INVESTIGATING,),
}
"""Where a case may go from each state; what was closed comes back as investigating."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A case as lists and pages show it; ``assignee`` is the person's account."""

    id: UUID
    number: int
    title: str
    state: State
    closed_reason: str | None
    assignee: UUID | None
    opened_by: str
    opened_at: datetime
    changed_at: datetime
    alerts: int
    reports: int

    @property
    def subject(self) -> str:
        """What the audit log calls it."""
        return name_of(self.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What came of adding alerts to a case: how many are new in it, and how many were in it before."""

    case: Listed
    added: int
    known: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InCase:
    """
    An alert as the page of a case shows it.

    ``key`` is the item's number, and for what is no item the words that its evidence has for it; ``text`` is what
    weighed most.
    """

    id: UUID
    rule: str
    key: str
    text: str
    score: float
    opened_at: datetime
    is_open: bool


def name_of(number: int) -> str:
    """Return what the audit log calls a case."""
    return f"case {number}"


def open_case(session: Session, brand_id: UUID, title: str, *, id: UUID, by: Actor, now: datetime) -> Listed:  # noqa: A002  the word of the column
    """
    Open a case.

    Raises:
        BadInput: It has no title, or one that is too long.
    """
    title = line(title, "A title", _LONGEST_TITLE)
    # One at a time in each brand takes the next number; the lock ends with the transaction.
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('authsvc/case/' || :brand, 0))"),
                    {"brand": str(brand_id)})  # fmt: skip
    newest = session.scalar(select(func.max(Case.number)).where(Case.brand_id == brand_id))
    row = Case(
        brand_id=brand_id, id=id, number=(newest or 0) + 1, title=title, state=State.OPEN.value, opened_by=by.name,
        opened_at=now, changed_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    _record(session, row, by, "case.open", {"title": title}, now)
    return get_case(session, brand_id, id)


def get_case(session: Session, brand_id: UUID, case_id: UUID) -> Listed:
    """
    Return a case.

    Raises:
        NotFound: The brand has none with this id.
    """
    found = _listed(session, Case.brand_id == brand_id, Case.id == case_id)
    if not found:
        raise NotFound("There is no such case.")
    return found[0]


def list_cases(
    session: Session,
    brand_id: UUID,
    *,
    states: Iterable[State] = (),
    assignee: UUID | None = None,
    alert_id: UUID | None = None,
    before: int | None = None,
    limit: int = PAGE,
) -> list[Listed]:
    """Return cases, the newest first, below the number *before*."""
    where: list[ColumnElement[bool]] = [Case.brand_id == brand_id]
    if wanted := [state.value for state in states]:
        where.append(Case.state.in_(wanted))
    if assignee is not None:
        where.append(Case.assignee_id == assignee)
    if alert_id is not None:
        where.append(
            Case.id.in_(select(CaseAlert.case_id).where(CaseAlert.brand_id == brand_id, CaseAlert.alert_id == alert_id))
        )
    if before is not None:
        where.append(Case.number < before)
    return _listed(session, *where, limit=limit)


def count_cases(session: Session, brand_id: UUID, *, assignee: UUID) -> dict[str, int]:
    """Return how many cases are in each state, and under ``mine`` how many not closed ones somebody looks after."""
    query = select(Case.state, func.count()).where(Case.brand_id == brand_id).group_by(Case.state)
    counts = {state.value: 0 for state in State} | dict(session.execute(query).all())
    mine = select(func.count()).where(
        Case.brand_id == brand_id, Case.assignee_id == assignee, Case.state != State.CLOSED.value
    )
    return counts | {"mine": session.scalar(mine) or 0}


def move(
    session: Session, brand_id: UUID, case_id: UUID, to: State, *, reason: str, by: Actor, now: datetime
) -> Listed:
    """
    Move a case on; to close it needs a reason.

    Raises:
        NotFound: There is no such case.
        Conflict: It does not go there from where it is.
        BadInput: The reason is missing.
    """
    row = lock(session, brand_id, case_id)
    before = State(row.state)
    if to not in MOVES[before]:
        ways = ", ".join(MOVES[before])
        raise Conflict(f"Case {row.number} is {before} now. From there it goes to: {ways}.")
    reason = reason.strip()[:_LONGEST_REASON]
    if to is State.CLOSED and not reason:
        raise BadInput("Give the reason for closing: whoever finds the case later has nothing else to go by.")
    row.state, row.closed_reason = to.value, reason if to is State.CLOSED else None
    _record(session, row, by, "case.move", {"from": before.value, "to": to.value, "reason": reason}, now)
    return get_case(session, brand_id, case_id)


def assign(
    session: Session, brand_id: UUID, case_id: UUID, account_id: UUID | None, *, team: Collection[UUID], by: Actor,
    now: datetime,
) -> Listed:  # fmt: skip
    """
    Give a case to somebody of the *team*, or to nobody.

    Raises:
        NotFound: There is no such case, or nobody such works for the brand now.
    """
    row = lock(session, brand_id, case_id)
    if account_id is not None and account_id not in team:
        raise NotFound("Nobody like this works for the brand now.")
    details = {"from": _id(row.assignee_id), "to": _id(account_id)}
    row.assignee_id = account_id
    _record(session, row, by, "case.assign", details, now)
    return get_case(session, brand_id, case_id)


def add_alerts(
    session: Session, brand_id: UUID, case_id: UUID, alert_ids: Sequence[UUID], *, by: Actor, now: datetime
) -> Added:
    """
    Put alerts into a case; those that are in it already stay.

    Raises:
        NotFound: The case or one of the alerts does not exist; then none is added.
        Conflict: The case is closed or full.
    """
    row = lock(session, brand_id, case_id)
    if row.state == State.CLOSED.value:
        raise Conflict(f"Case {row.number} is closed. Open it again to add to it.")
    wanted = list(dict.fromkeys(alert_ids))
    query = select(Alert.id, Alert.sgtin).where(Alert.brand_id == brand_id, Alert.id.in_(wanted))
    found = dict(session.execute(query).all())
    if not wanted or len(found) < len(wanted):
        raise NotFound("There is no such alert.")
    values = [
        {"brand_id": brand_id, "case_id": case_id, "alert_id": alert_id, "sgtin": found[alert_id],
         "added_by": by.name, "added_at": now}
        for alert_id in wanted
    ]  # fmt: skip
    new = session.scalars(insert(CaseAlert).values(values).on_conflict_do_nothing().returning(CaseAlert.alert_id)).all()
    inside = select(func.count()).where(CaseAlert.brand_id == brand_id, CaseAlert.case_id == case_id)
    if (session.scalar(inside) or 0) > MOST_ALERTS:
        raise Conflict(f"A case holds {MOST_ALERTS} alerts at most. Open another one for the rest.")
    if new:
        _record(session, row, by, "case.alerts-add", {"alerts": [str(alert_id) for alert_id in new]}, now)
    return Added(case=get_case(session, brand_id, case_id), added=len(new), known=len(wanted) - len(new))


def remove_alert(
    session: Session, brand_id: UUID, case_id: UUID, alert_id: UUID, *, by: Actor, now: datetime
) -> Listed:
    """
    Take an alert out of a case; the alert stays what it is.

    Raises:
        NotFound: The case does not hold it.
        Conflict: The case is closed.
    """
    row = lock(session, brand_id, case_id)
    if row.state == State.CLOSED.value:
        raise Conflict(f"Case {row.number} is closed and stays as it is. Open it again to change it.")
    gone = session.scalar(
        delete(CaseAlert)
        .where(CaseAlert.brand_id == brand_id, CaseAlert.case_id == case_id, CaseAlert.alert_id == alert_id)
        .returning(CaseAlert.alert_id)
    )
    if gone is None:
        raise NotFound("This alert is not in the case.")
    _record(session, row, by, "case.alert-remove", {"alert": str(alert_id)}, now)
    return get_case(session, brand_id, case_id)


def list_alerts(session: Session, brand_id: UUID, case_id: UUID) -> list[InCase]:
    """Return the alerts of a case, the oldest first."""
    return [_in_case(row) for row in stored_alerts(session, brand_id, case_id)]


def find_alerts(session: Session, brand_id: UUID, alert_ids: Sequence[UUID]) -> list[InCase]:
    """Return those of some alerts that the brand has, the oldest first."""
    query = select(Alert).where(Alert.brand_id == brand_id, Alert.id.in_(alert_ids)).order_by(Alert.opened_at, Alert.id)
    return [_in_case(row) for row in session.scalars(query)]


def stored_alerts(session: Session, brand_id: UUID, case_id: UUID) -> list[Alert]:
    """Return the rows of the alerts of a case, the oldest first; for use cases, not for templates."""
    query = (
        select(Alert)
        .join(CaseAlert, (CaseAlert.sgtin == Alert.sgtin) & (CaseAlert.alert_id == Alert.id))
        .where(CaseAlert.brand_id == brand_id, CaseAlert.case_id == case_id, Alert.brand_id == brand_id)
        .order_by(Alert.opened_at, Alert.id)
    )
    return list(session.scalars(query))


def lock(session: Session, brand_id: UUID, case_id: UUID) -> Case:
    """
    Return the row of a case, locked: who changes a case or what is in it waits here.

    Raises:
        NotFound: The brand has no such case.
    """
    row = session.get(Case, (brand_id, case_id), with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("There is no such case.")
    return row


def line(given: str, what: str, longest: int) -> str:
    """
    Return a text on one line, without the characters that no reader sees.

    Raises:
        BadInput: Nothing is left of it, or it is longer than *longest*.
    """
    visible = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in given)
    words = " ".join(visible.split())
    if not words:
        raise BadInput(f"{what} needs at least one letter or digit.")
    if len(words) > longest:
        raise BadInput(f"{what} has {longest} characters at most; this one has {len(words)}.")
    return words


# --- Private ---------------------------------------------------------------------------------------------------------


def _in_case(row: Alert) -> InCase:
    found = row.evidence
    first = next(iter(by_strength(found)), {})
    named = found.get("listing_url") or found.get("shop_name") or found.get("lot") or row.subject
    return InCase(
        id=row.id, rule=row.rule, key=str(named) if "/" in row.sgtin else row.sgtin, text=str(first.get("text", "")),
        score=row.score, opened_at=row.opened_at, is_open=row.closed_at is None,
    )  # fmt: skip


def _listed(session: Session, *where: ColumnElement[bool], limit: int = 1) -> list[Listed]:
    alerts = (
        select(func.count())
        .where(CaseAlert.brand_id == Case.brand_id, CaseAlert.case_id == Case.id)
        .correlate(Case)
        .scalar_subquery()
    )
    reports = (
        select(func.count())
        .where(ConsumerReport.brand_id == Case.brand_id, ConsumerReport.case_id == Case.id)
        .correlate(Case)
        .scalar_subquery()
    )
    session.flush()
    query = select(Case, alerts, reports).where(*where).order_by(Case.number.desc()).limit(limit)
    return [
        Listed(
            id=row.id, number=row.number, title=row.title, state=State(row.state), closed_reason=row.closed_reason,
            assignee=row.assignee_id, opened_by=row.opened_by, opened_at=row.opened_at, changed_at=row.changed_at,
            alerts=alert_count, reports=report_count,
        )
        for row, alert_count, report_count in session.execute(query)
    ]  # fmt: skip


def _record(session: Session, row: Case, by: Actor, act: str, details: Mapping[str, object], now: datetime) -> None:
    row.changed_at = max(row.changed_at, now)
    session.flush()
    audit.record(session, row.brand_id, by, act, name_of(row.number), details, at=now)


def _id(account_id: UUID | None) -> str | None:
    return None if account_id is None else str(account_id)
