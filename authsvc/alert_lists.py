"""
Lists of alerts: what waits for whom, filtered, searched, sorted, a page at a time.

A page is read by its key, never by an offset: it takes as long on the last page as on the first. Counts stop at
``COUNTED_TO``: nobody works through more, and a count of a million would take as long as reading a million. A search
looks into every list. The conditions are equalities and comparisons only, which an index may answer under row-level
security.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    REAL,
    ColumnElement,
    DateTime,
    Select,
    SmallInteger,
    Uuid,
    and_,
    cast,
    exists,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy.orm import Session

from authsvc.core.alerts import Severity
from authsvc.core.gs1 import DigitalLink
from authsvc.errors import BadDigitalLink, BadInput
from authsvc.models import Alert, AlertCountry

PAGE = 40
COUNTED_TO = 10_000
GTIN_DIGITS = 14


class Listed(StrEnum):
    """The lists: each open alert is in one of the first four."""

    NEW = "new"
    MINE = "mine"
    TEAM = "team"
    SNOOZED = "snoozed"
    CLOSED = "closed"


OPEN = tuple(listed for listed in Listed if listed is not Listed.CLOSED)


class Sort(StrEnum):
    """In which order."""

    NEWEST = "newest"
    WORST = "worst"
    OLDEST = "oldest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """
    What somebody wants to see. ``after`` and ``before`` are the key of a row beyond which a page begins or ends.

    ``since`` is the oldest time that counts; ``text`` is searched for in every list.
    """

    listed: Listed = Listed.NEW
    rule: str | None = None
    severity: Severity | None = None
    gtin: str | None = None
    lot: str | None = None
    country: str | None = None
    since: datetime | None = None
    text: str = ""
    sort: Sort = Sort.NEWEST
    after: str | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One alert of a list."""

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
    assignee: UUID | None
    snoozed_until: datetime | None
    listed: Listed
    key: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list, and whether there is something before and after it."""

    rows: tuple[Row, ...]
    has_before: bool
    has_after: bool


def find(session: Session, brand_id: UUID, me: UUID, asked: Asked, *, now: datetime, limit: int = PAGE) -> Page:
    """
    Return a page of alerts.

    Raises:
        BadInput: The key of a page is none.
    """
    backwards = asked.before is not None
    key = _key_columns(asked)
    is_rising = (asked.sort is Sort.OLDEST) is not backwards
    query = _select(brand_id, me, asked, now)
    if asked.country is not None:
        query = _in_country(session, query, brand_id, asked.country, asked.sort)
    if cursor := asked.before or asked.after:
        beyond = tuple_(*_parse_key(asked.sort, cursor))
        query = query.where(tuple_(*key) > beyond if is_rising else tuple_(*key) < beyond)
    query = query.order_by(*(column.asc() if is_rising else column.desc() for column in key)).limit(limit + 1)
    found = [_row(alert, asked.sort, me, now) for alert in session.scalars(query)]
    has_more = len(found) > limit
    rows = tuple(reversed(found[:limit])) if backwards else tuple(found[:limit])
    if backwards:
        return Page(rows, has_before=has_more, has_after=True)
    return Page(rows, has_before=asked.after is not None, has_after=has_more)


def count(session: Session, brand_id: UUID, me: UUID, *, now: datetime) -> Mapping[Listed, int]:
    """Return how many alerts each open list has, at most one more than ``COUNTED_TO``."""
    counts = []
    for listed in OPEN:
        some = select(Alert.id).where(Alert.brand_id == brand_id, _in_list(listed, me, now)).limit(COUNTED_TO + 1)
        counts.append(select(func.count()).select_from(some.subquery()).scalar_subquery())
    return dict(zip(OPEN, session.execute(select(*counts)).one(), strict=True))


def count_new(session: Session, brand_id: UUID, *, now: datetime, most: int) -> int:
    """Return how many alerts wait for somebody to take them, and *most* where there are more."""
    awake = or_(Alert.snoozed_until.is_(None), Alert.snoozed_until <= now)
    some = select(Alert.id).where(
        Alert.brand_id == brand_id, Alert.closed_at.is_(None), Alert.assignee.is_(None), awake
    )
    return session.scalar(select(func.count()).select_from(some.limit(most).subquery())) or 0


def find_neighbours(
    session: Session, brand_id: UUID, me: UUID, asked: Asked, alert: Alert, *, now: datetime
) -> tuple[UUID | None, UUID | None]:
    """Return the alerts above and below one in the order of a list, also when it is in that list no more."""
    key = _key(alert, asked.sort)
    before = find(session, brand_id, me, replace(asked, before=key, after=None), now=now, limit=1).rows
    after = find(session, brand_id, me, replace(asked, after=key, before=None), now=now, limit=1).rows
    return (before[0].id if before else None, after[0].id if after else None)


def find_rules(session: Session, brand_id: UUID) -> list[str]:
    """
    Return the rules that have raised alerts of a brand.

    Each is found by one step in an index, from one name to the next: to look at every alert would take a second.
    """
    names = select(Alert.rule).where(Alert.brand_id == brand_id).order_by(Alert.rule).limit(1)
    found = select(names.scalar_subquery().label("rule")).cte("found", recursive=True)
    following = names.where(Alert.rule > found.c.rule).correlate(found).scalar_subquery()
    found = found.union_all(select(following).where(found.c.rule.is_not(None)))
    return list(session.scalars(select(found.c.rule).where(found.c.rule.is_not(None))))


def find_since(session: Session, brand_id: UUID, since: datetime, *, limit: int) -> list[tuple[datetime, UUID]]:
    """Return time and id of the alerts that were opened from a moment on, the oldest first."""
    query = (
        select(Alert.opened_at, Alert.id)
        .where(Alert.brand_id == brand_id, Alert.opened_at >= since, Alert.closed_at.is_(None))
        .order_by(Alert.opened_at, Alert.id)
        .limit(limit)
    )
    return [(row.opened_at, row.id) for row in session.execute(query)]


def find_some(session: Session, brand_id: UUID, me: UUID, ids: Collection[UUID], *, now: datetime) -> tuple[Row, ...]:
    """Return the alerts of a brand among *ids*, the worst first, in whatever list they are."""
    query = (
        select(Alert)
        .where(Alert.brand_id == brand_id, Alert.id.in_(ids))
        .order_by(Alert.severity.desc(), Alert.score.desc(), Alert.id)
    )
    return tuple(_row(alert, Sort.WORST, me, now) for alert in session.scalars(query))


def listed_as(alert: Alert, me: UUID, now: datetime) -> Listed:
    """Return the list that an alert is in, for somebody."""
    if alert.closed_at is not None:
        return Listed.CLOSED
    if alert.snoozed_until is not None and alert.snoozed_until > now:
        return Listed.SNOOZED
    if alert.assignee is None:
        return Listed.NEW
    return Listed.MINE if alert.assignee == me else Listed.TEAM


# --- Private ---------------------------------------------------------------------------------------------------------


def _select(brand_id: UUID, me: UUID, asked: Asked, now: datetime) -> Select[Alert]:
    query = select(Alert).where(Alert.brand_id == brand_id)
    query = query.where(_matches(asked.text)) if asked.text else query.where(_in_list(asked.listed, me, now))
    for column, value in ((Alert.rule, asked.rule), (Alert.severity, asked.severity), (Alert.gtin, asked.gtin),
                          (Alert.lot, asked.lot)):  # fmt: skip
        if value is not None:
            query = query.where(column == (value.value if isinstance(value, Severity) else value))
    if asked.since is not None:
        query = query.where(Alert.opened_at >= asked.since)
    return query


def _in_country(session: Session, query: Select[Alert], brand_id: UUID, country: str, sort: Sort) -> Select[Alert]:
    """
    Take the alerts whose evidence speaks of a country.

    Few are found by their country and put in order. Of many, the worst are found the other way round: in the order of
    the list, each is asked for the country, and the first page soon is full. ``OFFSET 0`` keeps the database from
    turning that question into a join, which would read them all.
    """
    here = (AlertCountry.brand_id == brand_id, AlertCountry.country == country)
    if sort is Sort.WORST:
        some = select(AlertCountry.alert_id).where(*here).limit(COUNTED_TO + 1).subquery()
        if (session.scalar(select(func.count()).select_from(some)) or 0) > COUNTED_TO:
            of_alert = (AlertCountry.sgtin == Alert.sgtin, AlertCountry.alert_id == Alert.id)
            return query.where(exists(select(AlertCountry.alert_id).where(*here, *of_alert).offset(0)))
    # By the id alone, which is unique: of two conditions that say the same the database expects the product, takes the
    # answer for a single row, and reads all alerts of the country to find it.
    return query.join(AlertCountry, AlertCountry.alert_id == Alert.id).where(*here)


def _in_list(listed: Listed, me: UUID, now: datetime) -> ColumnElement[bool]:
    if listed is Listed.CLOSED:
        return Alert.closed_at.is_not(None)
    if listed is Listed.SNOOZED:
        return and_(Alert.closed_at.is_(None), Alert.snoozed_until > now)
    awake = and_(Alert.closed_at.is_(None), or_(Alert.snoozed_until.is_(None), Alert.snoozed_until <= now))
    if listed is Listed.NEW:
        return and_(awake, Alert.assignee.is_(None))
    if listed is Listed.MINE:
        return and_(awake, Alert.assignee == me)
    return and_(awake, Alert.assignee.is_not(None), Alert.assignee != me)


def _matches(text: str) -> ColumnElement[bool]:
    """Read what somebody pasted: a link, or a serial, a batch, a GTIN, with or without the spaces of a label."""
    try:
        link = DigitalLink.parse(text, strict=False)
    except BadDigitalLink:
        packed = "".join(text.split())
        return or_(
            Alert.serial == packed, Alert.lot == packed, Alert.sgtin == packed, Alert.sgtin == f"00.{packed}",
            Alert.gtin == packed.zfill(GTIN_DIGITS),
        )  # fmt: skip
    if link.sscc is not None:
        return Alert.sgtin == f"00.{link.sscc}"
    if link.serial is not None:
        return Alert.sgtin == f"{link.gtin}.{link.serial}"
    lot = link.ais.get("10")
    return Alert.gtin == link.gtin if lot is None else and_(Alert.gtin == link.gtin, Alert.lot == lot)


def _key_columns(asked: Asked) -> tuple[Any, ...]:
    if asked.sort is Sort.WORST:
        return (Alert.severity, Alert.score, Alert.id)
    # In the order of the index by which the alerts of a country are found.
    return (AlertCountry.opened_at, AlertCountry.alert_id) if asked.country else (Alert.opened_at, Alert.id)


def _key(alert: Alert, sort: Sort) -> str:
    if sort is Sort.WORST:
        return f"{alert.severity}_{alert.score!r}_{alert.id}"
    return f"{alert.opened_at.isoformat()}_{alert.id}"


def _parse_key(sort: Sort, text: str) -> tuple[ColumnElement[Any], ...]:
    try:
        if sort is Sort.WORST:
            severity, score, id_ = text.split("_")
            # As the column has it: a double would lie beside the stored number, not on it.
            return cast(int(severity), SmallInteger), cast(float(score), REAL), cast(UUID(id_), Uuid)
        at, id_ = text.split("_")
        moment = datetime.fromisoformat(at)
        return cast(moment.astimezone(UTC), DateTime(timezone=True)), cast(UUID(id_), Uuid)
    except (ValueError, OverflowError):
        raise BadInput("This address names no page of the list.") from None


def _row(alert: Alert, sort: Sort, me: UUID, now: datetime) -> Row:
    return Row(
        id=alert.id, sgtin=alert.sgtin, rule=alert.rule, score=alert.score, severity=Severity(alert.severity),
        evidence=alert.evidence, gtin=alert.gtin, serial=alert.serial, lot=alert.lot, opened_at=alert.opened_at,
        assignee=alert.assignee, snoozed_until=alert.snoozed_until,
        listed=listed_as(alert, me, now), key=_key(alert, sort),
    )  # fmt: skip
