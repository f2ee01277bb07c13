"""
Surroundings of an alert: what happened to its item before and since, and alerts that are like it.

The evidence itself is in the alert, as it was when raised. What is read here is what is stored now, so that a page can
set one beside the other and say which is which.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Date, cast, func, select
from sqlalchemy.orm import Session

from authsvc import triage
from authsvc.core.alerts import Severity
from authsvc.models import Alert, AlertCountry, Item, ItemFact, Resolution, Scan, Staff, StaffAccount
from authsvc.triage import Act, Standing

DAYS = 30
_LATER = 20
_SIMILAR = 3
_FACTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertInfo:
    """One alert, as it was raised and as it stands."""

    id: UUID
    sgtin: str
    rule: str
    score: float
    severity: Severity
    evidence: Mapping[str, Any]
    gtin: str | None
    serial: str | None
    lot: str | None
    opened_at: datetime
    closed_at: datetime | None
    assignee: UUID | None
    snoozed_until: datetime | None
    wakes_at_score: float | None

    @property
    def countries(self) -> tuple[str, ...]:
        """The countries of its evidence, the one seen last at the end."""
        seen = sorted(
            (one for one in self.evidence.get("sightings") or () if one.get("country")), key=lambda s: s["first_at"]
        )
        own = self.evidence.get("country")
        return tuple(dict.fromkeys([one["country"] for one in seen] + ([own] if own else [])))


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """A scan that came after the alert was raised."""

    at: datetime
    visitor: str
    country: str | None
    latitude: float | None
    longitude: float | None
    radius_km: float | None
    network: str
    is_confirmed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Scans of an item in the last days: by day, and how many people in how many countries."""

    days: tuple[tuple[date, int], ...]
    scans: int
    visitors: int
    countries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """Something recorded of the item, or decided over it; ``withdrawn_by`` took it back."""

    at: datetime
    kind: str
    by: str
    text: str = ""
    country: str | None = None
    withdrawn_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Like:
    """An alert that is like another one, and in what."""

    id: UUID
    sgtin: str
    rule: str
    evidence: Mapping[str, Any]
    severity: Severity
    gtin: str | None
    serial: str | None
    lot: str | None
    opened_at: datetime
    is_closed: bool
    alike: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who may be given an alert."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """All that the page of an alert shows beside the evidence."""

    alert: AlertInfo
    standing: Standing | None
    item_score: float | None
    disposition: str | None
    disposition_at: datetime | None
    disposition_reason: str | None
    later: tuple[Later, ...]
    later_count: int
    traffic: Traffic
    happened: tuple[Happened, ...]
    similar: tuple[Like, ...]
    history: tuple[Act, ...]
    team: tuple[Member, ...]


def gather(session: Session, brand_id: UUID, alert_id: UUID, *, now: datetime) -> Surroundings:
    """
    Read all that belongs to the page of an alert.

    Raises:
        NotFound: The brand has no such alert.
    """
    alert = triage.get(session, brand_id, alert_id)
    info = _info(alert)
    item = session.get(Item, alert.sgtin)
    later, later_count = _later(session, alert)
    happened = sorted((*_facts(session, alert), *_resolutions(session, alert)), key=lambda one: one.at, reverse=True)
    return Surroundings(
        alert=info,
        standing=triage.find_standing(session, alert),
        item_score=item.score if item else None,
        disposition=item.disposition if item else None,
        disposition_at=item.disposition_at if item else None,
        disposition_reason=item.disposition_reason if item else None,
        later=later,
        later_count=later_count,
        traffic=_traffic(session, alert, until=now),
        happened=tuple(happened),
        similar=_similar(session, alert, info.countries),
        history=triage.history(session, brand_id, alert_id),
        team=find_team(session, brand_id),
    )


def has_shortcuts(session: Session, account_id: UUID) -> bool:
    """Whether single keys act on the pages of alerts, for somebody."""
    return bool(session.scalar(select(StaffAccount.has_shortcuts).where(StaffAccount.id == account_id)))


def find_team(session: Session, brand_id: UUID) -> tuple[Member, ...]:
    """Return everybody of a brand who may be given an alert."""
    query = (
        select(StaffAccount.id, StaffAccount.name)
        .join(Staff, Staff.account_id == StaffAccount.id)
        .where(Staff.brand_id == brand_id, Staff.deactivated_at.is_(None), Staff.role != "viewer")
        .order_by(StaffAccount.name, StaffAccount.id)
    )
    return tuple(Member(*row) for row in session.execute(query))


# --- Private ---------------------------------------------------------------------------------------------------------


def _info(alert: Alert) -> AlertInfo:
    return AlertInfo(
        id=alert.id, sgtin=alert.sgtin, rule=alert.rule, score=alert.score, severity=Severity(alert.severity),
        evidence=alert.evidence, gtin=alert.gtin, serial=alert.serial, lot=alert.lot, opened_at=alert.opened_at,
        closed_at=alert.closed_at, assignee=alert.assignee, snoozed_until=alert.snoozed_until,
        wakes_at_score=alert.wakes_at_score,
    )  # fmt: skip


def _later(session: Session, alert: Alert) -> tuple[tuple[Later, ...], int]:
    """Return the newest scans since the alert was raised, and how many there are in all."""
    since = (
        Scan.sgtin == alert.sgtin, Scan.brand_id == alert.brand_id, Scan.at > alert.opened_at,
        Scan.automated.is_(None),
    )  # fmt: skip
    shown = session.scalars(select(Scan).where(*since).order_by(Scan.at.desc()).limit(_LATER))
    found = tuple(
        Later(
            at=scan.at, visitor=bytes(scan.visitor).hex(), country=scan.country, latitude=scan.latitude,
            longitude=scan.longitude, radius_km=scan.radius_km, network=scan.network,
            is_confirmed=scan.confirmed_at is not None,
        )
        for scan in shown
    )  # fmt: skip
    return found, session.scalar(select(func.count()).select_from(Scan).where(*since)) or 0


def _traffic(session: Session, alert: Alert, *, until: datetime) -> Traffic:
    """Count the scans of an item, day by day."""
    end = until.astimezone(UTC).date()
    first = end - timedelta(days=DAYS - 1)
    of_item = (
        Scan.sgtin == alert.sgtin, Scan.brand_id == alert.brand_id, Scan.automated.is_(None),
        Scan.at >= datetime(first.year, first.month, first.day, tzinfo=UTC), Scan.at <= until,
    )  # fmt: skip
    day = cast(func.timezone("UTC", Scan.at), Date)
    counted = {row[0]: row[1] for row in session.execute(select(day, func.count()).where(*of_item).group_by(day))}
    visitors, countries = session.execute(
        select(func.count(Scan.visitor.distinct()), func.count(Scan.country.distinct())).where(*of_item)
    ).one()
    days = tuple((at, counted.get(at, 0)) for at in (first + timedelta(days=n) for n in range(DAYS)))
    return Traffic(days=days, scans=sum(counted.values()), visitors=visitors, countries=countries)


def _facts(session: Session, alert: Alert) -> list[Happened]:
    query = (
        select(ItemFact)
        .where(ItemFact.sgtin == alert.sgtin, ItemFact.brand_id == alert.brand_id)
        .order_by(ItemFact.at.desc(), ItemFact.id)
        .limit(_FACTS)
    )
    return [
        Happened(at=fact.at, kind=fact.kind, by=fact.recorded_by, country=fact.country, withdrawn_by=fact.withdrawn_by)
        for fact in session.scalars(query)
    ]


def _resolutions(session: Session, alert: Alert) -> list[Happened]:
    query = (
        select(Resolution)
        .where(Resolution.sgtin == alert.sgtin, Resolution.brand_id == alert.brand_id)
        .order_by(Resolution.at.desc(), Resolution.id)
        .limit(_FACTS)
    )
    return [
        Happened(at=one.at, kind=one.kind, by=one.resolved_by, text=one.reason, withdrawn_by=one.undone_by)
        for one in session.scalars(query)
    ]


def _similar(session: Session, alert: Alert, countries: tuple[str, ...]) -> tuple[Like, ...]:
    """Return the newest alerts of the same lot, the same rule and the same place; what is alike in more comes first."""
    found: dict[UUID, tuple[Alert, list[str]]] = {}
    wanted: list[tuple[str, ColumnElement[bool]]] = [("same rule", Alert.rule == alert.rule)]
    if alert.lot is not None:
        wanted.insert(0, ("same batch", (Alert.lot == alert.lot) & (Alert.gtin == alert.gtin)))
    for said, condition in wanted:
        query = (
            select(Alert)
            .where(Alert.brand_id == alert.brand_id, condition, Alert.id != alert.id)
            .order_by(Alert.opened_at.desc(), Alert.id.desc())
            .limit(_SIMILAR)
        )
        for other in session.scalars(query):
            found.setdefault(other.id, (other, []))[1].append(said)
    for other in _in_country(session, alert, countries):
        found.setdefault(other.id, (other, []))[1].append("same country")
    ranked = sorted(found.values(), key=lambda pair: (-len(pair[1]), -pair[0].opened_at.timestamp()))
    return tuple(
        Like(
            id=other.id, sgtin=other.sgtin, rule=other.rule, evidence=other.evidence,
            severity=Severity(other.severity), gtin=other.gtin, serial=other.serial, lot=other.lot,
            opened_at=other.opened_at, is_closed=other.closed_at is not None, alike=tuple(alike),
        )
        for other, alike in ranked[: 2 * _SIMILAR]
    )  # fmt: skip


def _in_country(session: Session, alert: Alert, countries: tuple[str, ...]) -> list[Alert]:
    """Return the newest other alerts of the country that was seen last; a list of all would be a list of everything."""
    if not countries:
        return []
    newest = (
        select(AlertCountry.alert_id)
        .where(
            AlertCountry.brand_id == alert.brand_id, AlertCountry.country == countries[-1],
            AlertCountry.alert_id != alert.id,
        )
        .order_by(AlertCountry.opened_at.desc(), AlertCountry.alert_id.desc())
        .limit(_SIMILAR)
    )  # fmt: skip
    # First the ids, then the alerts: asked for both at once, the database reads every alert of the country.
    ids = session.scalars(newest).all()
    query = select(Alert).where(Alert.brand_id == alert.brand_id, Alert.id.in_(ids)).order_by(Alert.opened_at.desc())
    return list(session.scalars(query))
