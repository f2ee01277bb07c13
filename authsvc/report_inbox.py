"""
The inbox of reports: what the brand's people do with what consumers told them.

A report is new, linked to a case or an alert, or closed with a reason; each step is in the audit log, under
``report NUMBER``, and so is a look at the contact of whoever reported.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session, undefer

from authsvc import audit, cases, reports
from authsvc.audit import Actor
from authsvc.core import shops
from authsvc.core.wrapping import unwrap
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.models import Alert, ConsumerReport, ReportPhoto
from authsvc.reports import CONTACT

PAGE = 50
MOST_SHOPS = 100
MOST_IN_CASE = 500


class State(StrEnum):
    """Where a report stands. The values are stored: never rename one."""

    NEW = "new"
    LINKED = "linked"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """A photo of a report, without its content."""

    position: int
    media_type: str
    sha256: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report as pages show it. The contact is not in it; ``has_contact`` says whether one was left."""

    id: UUID
    number: str
    sgtin: str | None
    typed_code: str | None
    receipt: UUID | None
    shop: str | None
    shop_name: str | None
    shop_address: str | None
    listing_url: str | None
    price: str | None
    seller: str | None
    bought_on: date | None
    text: str
    has_contact: bool
    state: State
    closed_reason: str | None
    case_id: UUID | None
    alert_id: UUID | None
    created_at: datetime
    changed_at: datetime | None
    changed_by: str | None
    photos: tuple[Photo, ...] = field(default=())

    @property
    def where(self) -> str | None:
        """Where it was bought, in the fewest words."""
        return self.listing_url or self.shop_name or self.shop_address


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """Reports of one shop or listing: how many, from how many people, and how many wait."""

    shop: str
    name: str
    reports: int
    people: int
    waiting: int
    newest: datetime


def get_report(session: Session, brand_id: UUID, report_id: UUID) -> Report:
    """
    Return a report with its photos.

    Raises:
        NotFound: The brand has no such report.
    """
    row = session.get(ConsumerReport, (brand_id, report_id), populate_existing=True)
    if row is None:
        raise NotFound("There is no such report.")
    photos = session.scalars(
        select(ReportPhoto)
        .where(ReportPhoto.brand_id == brand_id, ReportPhoto.report_id == report_id)
        .order_by(ReportPhoto.position)
    )
    return _report(row, tuple(_photo(photo) for photo in photos))


def find_number(session: Session, brand_id: UUID, text: str) -> UUID | None:
    """Return the report whose number somebody quotes, with hyphens or without."""
    number = text.replace("-", "").replace(" ", "").upper()
    if not reports.is_number(number):
        return None
    return session.scalar(
        select(ConsumerReport.id).where(ConsumerReport.brand_id == brand_id, ConsumerReport.number == number)
    )


def list_reports(
    session: Session,
    brand_id: UUID,
    *,
    state: State | None = None,
    shop: str | None = None,
    case_id: UUID | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int = PAGE,
) -> list[Report]:
    """Return reports without their photos, the newest first, older than *before*."""
    query = select(ConsumerReport).where(ConsumerReport.brand_id == brand_id)
    if state is not None:
        query = query.where(ConsumerReport.state == state.value)
    if shop is not None:
        query = query.where(ConsumerReport.shop == shop)
    if case_id is not None:
        query = query.where(ConsumerReport.case_id == case_id)
    if before is not None:
        query = query.where(tuple_(ConsumerReport.created_at, ConsumerReport.id) < before)
    query = query.order_by(ConsumerReport.created_at.desc(), ConsumerReport.id.desc()).limit(limit)
    return [_report(row) for row in session.scalars(query)]


def list_of_case(session: Session, brand_id: UUID, case_id: UUID) -> list[Report]:
    """Return the reports of a case with their photos, the newest first."""
    query = (
        select(ConsumerReport)
        .where(ConsumerReport.brand_id == brand_id, ConsumerReport.case_id == case_id)
        .order_by(ConsumerReport.created_at.desc(), ConsumerReport.id.desc())
        .limit(MOST_IN_CASE)
    )
    rows = session.scalars(query).all()
    photos: dict[UUID, list[Photo]] = defaultdict(list)
    of_reports = select(ReportPhoto).where(
        ReportPhoto.brand_id == brand_id, ReportPhoto.report_id.in_([row.id for row in rows])
    )
    for row in session.scalars(of_reports.order_by(ReportPhoto.position)):
        photos[row.report_id].append(_photo(row))
    return [_report(row, tuple(photos[row.id])) for row in rows]


def count_reports(session: Session, brand_id: UUID) -> dict[str, int]:
    """Return how many reports are in each state."""
    query = (
        select(ConsumerReport.state, func.count())
        .where(ConsumerReport.brand_id == brand_id)
        .group_by(ConsumerReport.state)
    )
    return {state.value: 0 for state in State} | dict(session.execute(query).all())


def list_shops(session: Session, brand_id: UUID, *, since: datetime) -> list[Shop]:
    """Return the shops that were reported since a time, the most reported first."""
    report = ConsumerReport
    people = func.least(func.count(func.distinct(report.reporter)), func.count(func.distinct(report.prefix)))
    query = (
        select(
            report.shop,
            func.max(func.coalesce(report.listing_url, report.shop_name)),
            func.count(),
            people,
            func.count().filter(report.state == State.NEW.value),
            func.max(report.created_at),
        )
        .where(report.brand_id == brand_id, report.shop.is_not(None), report.created_at > since)
        .group_by(report.shop)
        .order_by(func.count().desc(), func.max(report.created_at).desc())
        .limit(MOST_SHOPS)
    )
    return [
        Shop(shop=str(shop), name=str(name), reports=count, people=number, waiting=waiting, newest=newest)
        for shop, name, count, number, waiting, newest in session.execute(query)
    ]


def list_of_alert(session: Session, brand_id: UUID, alert_id: UUID, key: str) -> list[Report]:
    """Return the newest reports that were linked to an alert or name its item or shop; *key* is its subject's."""
    named = ConsumerReport.sgtin == key
    if key.startswith("shop/"):
        shop = select(Alert.evidence["shop"].astext).where(Alert.sgtin == key, Alert.id == alert_id)
        named = ConsumerReport.shop == shop.scalar_subquery()
    query = (
        select(ConsumerReport)
        .where(ConsumerReport.brand_id == brand_id, named | (ConsumerReport.alert_id == alert_id))
        .order_by(ConsumerReport.created_at.desc(), ConsumerReport.id.desc())
        .limit(10)
    )
    return [_report(row) for row in session.scalars(query)]


def find_alerts(session: Session, brand_id: UUID, report: Report) -> list[cases.InCase]:
    """Return the alerts on the item and on the shop that a report names, and the one that it was linked to."""
    keys = [key for key in (report.sgtin, report.shop and shops.subject_key(brand_id, report.shop)) if key]
    query = select(Alert.id).where(Alert.brand_id == brand_id, Alert.sgtin.in_(keys)).order_by(Alert.opened_at.desc())
    ids = [*session.scalars(query.limit(20)), *([report.alert_id] if report.alert_id else [])]
    return cases.find_alerts(session, brand_id, ids)


def link_to_case(
    session: Session, brand_id: UUID, report_id: UUID, case_id: UUID, *, by: Actor, now: datetime
) -> cases.Listed:
    """
    Make a report part of a case.

    Raises:
        NotFound: There is no such report or case.
        Conflict: The report or the case is closed.
    """
    case = cases.lock(session, brand_id, case_id)
    if case.state == cases.State.CLOSED.value:
        raise Conflict(f"Case {case.number} is closed. Open it again to add to it.")
    row = _lock_open(session, brand_id, report_id)
    row.case_id, row.state = case_id, State.LINKED.value
    case.changed_at = max(case.changed_at, now)
    _record(session, row, by, "report.link", {"case": case.number}, now)
    audit.record(session, brand_id, by, "case.report-add", cases.name_of(case.number), {"report": row.number}, at=now)
    return cases.get_case(session, brand_id, case_id)


def link_to_alert(
    session: Session, brand_id: UUID, report_id: UUID, alert_id: UUID, *, by: Actor, now: datetime
) -> None:
    """
    Say that a report speaks of what an alert is about.

    Raises:
        NotFound: There is no such report or alert.
        Conflict: The report is closed.
    """
    row = _lock_open(session, brand_id, report_id)
    found = session.scalar(select(Alert.id).where(Alert.brand_id == brand_id, Alert.id == alert_id))
    if found is None:
        raise NotFound("There is no such alert.")
    row.alert_id, row.state = alert_id, State.LINKED.value
    _record(session, row, by, "report.link", {"alert": str(alert_id)}, now)


def close(session: Session, brand_id: UUID, report_id: UUID, *, reason: str, by: Actor, now: datetime) -> Report:
    """
    Close a report: nothing more is done about it.

    Raises:
        NotFound: There is no such report.
        Conflict: It is closed already.
        BadInput: The reason is missing.
    """
    row = _lock_open(session, brand_id, report_id)
    if not reason.strip():
        raise BadInput("Give the reason for closing: whoever finds the report later has nothing else to go by.")
    row.state, row.closed_reason = State.CLOSED.value, reason.strip()[:2_000]
    _record(session, row, by, "report.close", {"reason": row.closed_reason}, now)
    return _report(row)


def reopen(session: Session, brand_id: UUID, report_id: UUID, *, by: Actor, now: datetime) -> Report:
    """
    Take the closing of a report back.

    Raises:
        NotFound: There is no such report.
        Conflict: It is not closed.
    """
    row = _lock(session, brand_id, report_id)
    if row.state != State.CLOSED.value:
        raise Conflict("This report is not closed.")
    is_linked = row.case_id is not None or row.alert_id is not None
    row.state, row.closed_reason = (State.LINKED if is_linked else State.NEW).value, None
    _record(session, row, by, "report.reopen", {}, now)
    return _report(row)


def show_contact(
    session: Session, brand_id: UUID, report_id: UUID, *, wrapping_key: bytes, by: Actor, now: datetime
) -> str:
    """
    Return how whoever reported can be reached; that somebody looked is noted.

    Raises:
        NotFound: There is no such report, or it left no contact.
    """
    row = _lock(session, brand_id, report_id)
    if row.contact is None:
        raise NotFound("Whoever reported left no contact.")
    audit.record(session, brand_id, by, "report.contact", f"report {row.number}", at=now)
    return unwrap(wrapping_key, row.contact, brand_id=brand_id, purpose=CONTACT, number=row.id.hex).decode()


def get_photo(session: Session, brand_id: UUID, report_id: UUID, position: int) -> tuple[str, bytes]:
    """
    Return a photo: its media type and its content.

    Raises:
        NotFound: The report has no such photo.
    """
    row = session.get(ReportPhoto, (brand_id, report_id, position), options=(undefer(ReportPhoto.content),))
    if row is None:
        raise NotFound("There is no such photo.")
    return row.media_type, row.content


# --- Private ---------------------------------------------------------------------------------------------------------


def _lock(session: Session, brand_id: UUID, report_id: UUID) -> ConsumerReport:
    row = session.get(ConsumerReport, (brand_id, report_id), with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("There is no such report.")
    return row


def _lock_open(session: Session, brand_id: UUID, report_id: UUID) -> ConsumerReport:
    row = _lock(session, brand_id, report_id)
    if row.state == State.CLOSED.value:
        raise Conflict("This report is closed. Open it again first.")
    return row


def _record(
    session: Session, row: ConsumerReport, by: Actor, act: str, details: Mapping[str, object], now: datetime
) -> None:
    row.changed_at, row.changed_by = now, by.name
    session.flush()
    audit.record(session, row.brand_id, by, act, f"report {row.number}", details, at=now)


def _photo(row: ReportPhoto) -> Photo:
    return Photo(position=row.position, media_type=row.media_type, sha256=row.sha256)


def _report(row: ConsumerReport, photos: tuple[Photo, ...] = ()) -> Report:
    return Report(
        id=row.id, number=row.number, sgtin=row.sgtin, typed_code=row.typed_code, receipt=row.receipt, shop=row.shop,
        shop_name=row.shop_name, shop_address=row.shop_address, listing_url=row.listing_url, price=row.price,
        seller=row.seller, bought_on=row.bought_on, text=row.text, has_contact=row.contact is not None,
        state=State(row.state), closed_reason=row.closed_reason, case_id=row.case_id, alert_id=row.alert_id,
        created_at=row.created_at, changed_at=row.changed_at, changed_by=row.changed_by, photos=photos,
    )  # fmt: skip
