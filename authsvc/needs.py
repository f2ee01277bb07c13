"""
What needs somebody of a brand now: alerts, escalated cases, stolen items that were seen, and reports.

The most urgent is first.

Each source is read from the top of an index, a dozen at a time, so that the list costs the same with a million alerts.
The order is that of ``core.needs``; only what is read can be in it, so each source is read by what counts most there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from authsvc import cases, report_inbox
from authsvc.core import needs
from authsvc.core.alerts import Severity
from authsvc.core.needs import Kind, Stake
from authsvc.models import Alert, ConsumerReport, Item

MOST = 10
"""How many are shown: what somebody may look at before the next cup of coffee."""
_READ = 12
_MOST_GONE = 2_000
WOKEN_FOR = timedelta(days=7)
"""For how long an alert is told of as woken, when nobody takes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """
    One thing that waits. ``id`` is that of the alert or case; a sighting has an ``sgtin`` alone, reports have neither.

    ``count`` is how many reports wait, or how many alerts and reports a case holds; ``since`` is since when.
    """

    kind: Kind
    points: float
    since: datetime
    id: UUID | None = None
    sgtin: str | None = None
    title: str = ""
    rule: str | None = None
    severity: Severity = Severity.MEDIUM
    evidence: Mapping[str, Any] | None = None
    gtin: str | None = None
    serial: str | None = None
    lot: str | None = None
    is_mine: bool = False
    has_woken: bool = False
    disposition: str | None = None
    count: int = 0


def find(
    session: Session, brand_id: UUID, me: UUID, *, values: Mapping[str, float], now: datetime, limit: int = MOST
) -> list[Need]:
    """Return what needs somebody, the most urgent first; *values* says what one unit of a GTIN is worth."""
    alerts = list(_alerts(session, brand_id, me, values, now))
    told = {need.sgtin for need in alerts}
    found = [
        *alerts,
        *_cases(session, brand_id, me, now),
        *(need for need in _sightings(session, brand_id, values, now) if need.sgtin not in told),
        *_reports(session, brand_id, now),
    ]
    return sorted(found, key=lambda need: (-need.points, need.since, str(need.id)))[:limit]


# --- Private ---------------------------------------------------------------------------------------------------------


def _alerts(session: Session, brand_id: UUID, me: UUID, values: Mapping[str, float], now: datetime) -> Iterable[Need]:
    is_open = and_(Alert.brand_id == brand_id, Alert.closed_at.is_(None))
    awake = or_(Alert.snoozed_until.is_(None), Alert.snoozed_until <= now)
    worst = (Alert.severity.desc(), Alert.score.desc(), Alert.id.desc())
    newest = (Alert.opened_at.desc(), Alert.id.desc())
    since = now - WOKEN_FOR
    slept_out = and_(Alert.snoozed_until > since, Alert.snoozed_until <= now)
    sources: tuple[tuple[ColumnElement[bool], tuple[Any, ...]], ...] = (
        (and_(is_open, awake, Alert.assignee.is_(None)), worst),
        # In the order of the index of who is assigned: in the other one, somebody without any would read all alerts.
        (and_(is_open, awake, Alert.assignee == me), newest),
        (and_(is_open, slept_out), (Alert.snoozed_until.desc(),)),
        (and_(is_open, awake, Alert.woken_at > since), (Alert.woken_at.desc(),)),
    )
    seen: dict[UUID, Alert] = {}
    for where, order in sources:
        for row in session.scalars(select(Alert).where(where).order_by(*order).limit(_READ)):
            # What a colleague has taken on is theirs.
            if row.assignee in {None, me}:
                seen[row.id] = row
    return [_alert(row, me, values, since, now) for row in seen.values()]


def _alert(row: Alert, me: UUID, values: Mapping[str, float], since: datetime, now: datetime) -> Need:
    woken = max((at for at in (row.snoozed_until, row.woken_at) if at is not None and since < at <= now), default=None)
    stake = Stake(
        is_mine=row.assignee == me, has_woken=woken is not None, value=values.get(row.gtin or ""),
        since=row.opened_at, now=now,
    )  # fmt: skip
    return Need(
        kind=Kind.ALERT,
        points=needs.alert_points(row.rule, Severity(row.severity), row.score, row.subject, stake),
        since=woken or row.opened_at,
        id=row.id,
        sgtin=row.sgtin,
        rule=row.rule,
        severity=Severity(row.severity),
        evidence=row.evidence,
        gtin=row.gtin,
        serial=row.serial,
        lot=row.lot,
        is_mine=stake.is_mine,
        has_woken=stake.has_woken,
    )


def _cases(session: Session, brand_id: UUID, me: UUID, now: datetime) -> Iterable[Need]:
    for case in cases.list_cases(session, brand_id, states=[cases.State.ESCALATED], limit=_READ):
        stake = Stake(is_mine=case.assignee == me, since=case.changed_at, now=now)
        yield Need(
            kind=Kind.CASE,
            points=needs.case_points(case.alerts, case.reports, stake),
            since=case.changed_at,
            id=case.id,
            title=case.title,
            severity=Severity.HIGH,
            is_mine=stake.is_mine,
            count=case.alerts + case.reports,
        )


def _sightings(session: Session, brand_id: UUID, values: Mapping[str, float], now: datetime) -> Iterable[Need]:
    """Yield stolen and lost items that somebody has scanned since; of very many, those that went last are looked at."""
    gone = (
        select(Item.sgtin, Item.gtin, Item.disposition, Item.disposition_at, Item.last_at)
        .where(Item.brand_id == brand_id, Item.disposition.in_(("stolen", "lost")))
        .order_by(Item.disposition_at.desc())
        .limit(_MOST_GONE)
        .subquery()
    )
    query = select(gone).where(gone.c.last_at > gone.c.disposition_at, gone.c.last_at > now - timedelta(days=30))
    for row in session.execute(query.order_by(gone.c.last_at.desc()).limit(_READ)):
        gtin, _, serial = row.sgtin.partition(".")
        yield Need(
            kind=Kind.SIGHTING,
            points=needs.sighting_points(Stake(value=values.get(gtin), since=row.last_at, now=now)),
            since=row.last_at,
            sgtin=row.sgtin,
            severity=Severity.HIGH,
            gtin=row.gtin,
            serial=serial,
            disposition=row.disposition,
        )


def _reports(session: Session, brand_id: UUID, now: datetime) -> Iterable[Need]:
    waiting = and_(ConsumerReport.brand_id == brand_id, ConsumerReport.state == report_inbox.State.NEW.value)
    count, oldest = session.execute(select(func.count(), func.min(ConsumerReport.created_at)).where(waiting)).one()
    if not count:
        return
    yield Need(
        kind=Kind.REPORTS,
        points=needs.report_points(count, Stake(since=oldest, now=now)),
        since=oldest,
        severity=Severity.MEDIUM,
        count=count,
    )
