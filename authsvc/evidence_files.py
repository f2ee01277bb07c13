"""
The evidence of a case as one document: what is known, as it was when it was raised, and who did what about it.

Only what is stored goes in; unknown facts are null. People who scanned are pseudonyms, which differ from item to item,
and a contact of somebody who reported is never in it. What was left out for length is counted. The document is plain
values, so that it can be written as JSON in one form alone (``canonical``) and set as pages from nothing else.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, cast, func, select, true
from sqlalchemy.orm import Session, aliased

from authsvc import case_files, cases, report_inbox
from authsvc.audit import Actor
from authsvc.models import Alert, AuditEvent, Brand, Item, ItemFact, Product, Resolution, Scan, Staff, StaffAccount

FORMAT = "authsvc/evidence/1"
MOST_SCANS = 500
"""Scans of one item: the newest, and the rest is counted."""
MOST_EVENTS = 2_000
_DIGITS = 4

Json = dict[str, Any]

NOTES = (
    "A signature on a code proves who issued it; a label can be copied together with its signature.",
    "Places are estimates from network addresses. Each has a radius in km within which the phone may have been.",
    "Visitors are pseudonyms. The same person has another pseudonym for every item; no name or address is stored.",
    "All times are UTC.",
    "Evidence of an alert is what was known when it was raised; scans listed beside it may be later.",
)


def gather(session: Session, brand_id: UUID, case_id: UUID, *, by: Actor, now: datetime) -> Json:
    """
    Return everything that belongs to a case.

    Raises:
        NotFound: There is no such case.
    """
    case = cases.get_case(session, brand_id, case_id)
    alerts = cases.stored_alerts(session, brand_id, case_id)
    reports = report_inbox.list_of_case(session, brand_id, case_id)
    people = _people(session, brand_id)
    items = _items_of(alerts)
    subjects = [case.subject, *(f"report {report.number}" for report in reports), *items,
                *(str(alert.id) for alert in alerts), *(f"alert {alert.id}" for alert in alerts)]  # fmt: skip
    return {
        "format": FORMAT,
        "exported": {"at": _time(now), "by": by.name},
        "brand": _brand(session, brand_id),
        "case": {
            "id": str(case.id),
            "number": case.number,
            "title": case.title,
            "state": case.state.value,
            "closed_reason": case.closed_reason,
            "assignee": None if case.assignee is None else people.get(case.assignee),
            "opened_by": case.opened_by,
            "opened_at": _time(case.opened_at),
        },
        "alerts": _alerts(session, brand_id, alerts),
        "items": _items(session, brand_id, items),
        "reports": [_report(report) for report in reports],
        "comments": [
            {"at": _time(said.at), "by": said.author, "text": said.text, "removed_at": _time(said.removed_at)}
            for said in case_files.list_comments(session, brand_id, case_id)
        ],
        "attachments": [
            {
                "name": file.name,
                "media_type": file.media_type,
                "size": file.size,
                "sha256": file.sha256.hex(),
                "original_sha256": file.original_sha256.hex(),
                "added_at": _time(file.at),
                "added_by": file.added_by,
                "removed_at": _time(file.removed_at),
            }
            for file in case_files.list_attachments(session, brand_id, case_id)
        ],
        "audit": _events(session, brand_id, subjects),
        "notes": list(NOTES),
    }


def outline(session: Session, brand_id: UUID, case_id: UUID) -> Json:
    """
    Return what a letter about a case tells of it: a part of the document, with the countries of each item's scans.

    The scans themselves stay where they are: there may be thousands, of which a letter names none.

    Raises:
        NotFound: There is no such case.
    """
    case = cases.get_case(session, brand_id, case_id)
    alerts = cases.stored_alerts(session, brand_id, case_id)
    items = _items_of(alerts)
    stored, names = _rows_of(session, brand_id, items), _product_names(session, items)
    seen = select(Scan.sgtin, Scan.country).where(Scan.sgtin.in_(items), Scan.brand_id == brand_id, Scan.is_counted)
    countries: dict[str, list[str]] = defaultdict(list)
    for sgtin, country in session.execute(seen.distinct()):
        if country is not None:
            countries[sgtin].append(country)
    return {
        "brand": _brand(session, brand_id),
        "case": {"number": case.number},
        "alerts": _alerts(session, brand_id, alerts),
        "items": [_known(sgtin, stored.get(sgtin), names) | {"countries": sorted(countries[sgtin])} for sgtin in items],
        "reports": [_report(report) for report in report_inbox.list_of_case(session, brand_id, case_id)],
    }


def canonical(document: Mapping[str, Any]) -> bytes:
    """
    Write a document in the one form of RFC 8785: sorted names, no blanks, UTF-8.

    Numbers are rounded to four digits, where Python and the RFC spell them alike.
    """
    text = json.dumps(
        _rounded(document), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )  # fmt: skip
    return text.encode("utf-8")


def digest(written: bytes) -> str:
    """Return the SHA-256 of what was written, as people compare it."""
    return hashlib.sha256(written).hexdigest()


# --- Private ---------------------------------------------------------------------------------------------------------


def _items_of(alerts: Iterable[Alert]) -> list[str]:
    return sorted({alert.sgtin for alert in alerts if "/" not in alert.sgtin})


def _brand(session: Session, brand_id: UUID) -> Json:
    brand = session.get_one(Brand, brand_id)
    return {"id": str(brand.id), "name": brand.name, "contact": brand.contact}


def _people(session: Session, brand_id: UUID) -> dict[UUID, str]:
    query = select(StaffAccount.id, StaffAccount.name).join(Staff, Staff.account_id == StaffAccount.id)
    return dict(session.execute(query.where(Staff.brand_id == brand_id)).all())


def _alerts(session: Session, brand_id: UUID, alerts: Sequence[Alert]) -> list[Json]:
    query = (
        select(Resolution)
        .where(
            Resolution.brand_id == brand_id,
            Resolution.sgtin.in_([alert.sgtin for alert in alerts]),
            Resolution.alert_id.in_([alert.id for alert in alerts]),
        )
        .order_by(Resolution.at, Resolution.id)
    )
    resolutions: dict[UUID, list[Resolution]] = defaultdict(list)
    for found in session.scalars(query):
        resolutions[found.alert_id].append(found)
    return [_alert(alert, resolutions[alert.id]) for alert in alerts]


def _alert(alert: Alert, resolutions: Iterable[Resolution]) -> Json:
    return {
        "id": str(alert.id),
        "subject": alert.subject,
        "key": alert.sgtin,
        "rule": alert.rule,
        "score": alert.score,
        "opened_at": _time(alert.opened_at),
        "closed_at": _time(alert.closed_at),
        "evidence": alert.evidence,
        "resolutions": [
            {
                "kind": found.kind,
                "reason": found.reason,
                "by": found.resolved_by,
                "at": _time(found.at),
                "undone_reason": found.undone_reason,
                "undone_by": found.undone_by,
                "undone_at": _time(found.undone_at),
            }
            for found in resolutions
        ],
    }


def _rows_of(session: Session, brand_id: UUID, items: Sequence[str]) -> dict[str, Item]:
    query = select(Item).where(Item.sgtin.in_(items), Item.brand_id == brand_id)
    return {row.sgtin: row for row in session.scalars(query)}


def _product_names(session: Session, items: Iterable[str]) -> dict[str, str]:
    gtins = {sgtin.partition(".")[0] for sgtin in items}
    return dict(session.execute(select(Product.gtin, Product.name).where(Product.gtin.in_(gtins))).all())


def _items(session: Session, brand_id: UUID, items: Sequence[str]) -> list[Json]:
    """Return what is stored of each item, in as many statements for many as for one."""
    stored, names = _rows_of(session, brand_id, items), _product_names(session, items)
    where = (Scan.sgtin.in_(items), Scan.brand_id == brand_id)
    totals = dict(session.execute(select(Scan.sgtin, func.count()).where(*where).group_by(Scan.sgtin)).all())
    asked = func.unnest(cast(list(items), ARRAY(Text))).table_valued("sgtin").render_derived()
    newest = (
        select(Scan)
        .where(Scan.sgtin == asked.c.sgtin, Scan.brand_id == brand_id)
        .order_by(Scan.at.desc(), Scan.id.desc())
        .limit(MOST_SCANS)
        .lateral()
    )
    scan = aliased(Scan, newest)
    scans: dict[str, list[Json]] = defaultdict(list)
    for row in session.scalars(select(scan).select_from(asked).join(newest, true()).order_by(scan.at, scan.id)):
        scans[row.sgtin].append(_scan(row))
    facts: dict[str, list[Json]] = defaultdict(list)
    of_items = select(ItemFact).where(ItemFact.sgtin.in_(items), ItemFact.brand_id == brand_id)
    for fact in session.scalars(of_items.order_by(ItemFact.at, ItemFact.id)):
        facts[fact.sgtin].append(_fact(fact))
    return [
        {
            **_known(sgtin, stored.get(sgtin), names),
            "scans_stored": totals.get(sgtin, 0),
            "scans_left_out": totals.get(sgtin, 0) - len(scans[sgtin]),
            "scans": scans[sgtin],
            "facts": facts[sgtin],
        }
        for sgtin in items
    ]


def _known(sgtin: str, row: Item | None, names: Mapping[str, str]) -> Json:
    key, _, rest = sgtin.partition(".")
    return {
        "key": sgtin,
        "gtin": None if key == "00" else key,
        "serial": None if key == "00" else rest,
        "sscc": rest if key == "00" else None,
        "product": names.get(key),
        "lot": None if row is None else row.lot,
        "run": None if row is None else row.run,
        "disposition": None if row is None else row.disposition,
        "disposition_at": None if row is None else _time(row.disposition_at),
        "disposition_reason": None if row is None else row.disposition_reason,
        "first_checked_at": None if row is None else _time(row.first_at),
        "scans_counted": 0 if row is None else row.counted,
    }


def _scan(scan: Scan) -> Json:
    return {
        "receipt": str(scan.id),
        "at": _time(scan.at),
        "visitor": scan.visitor.hex(),
        "country": scan.country,
        "latitude": scan.latitude,
        "longitude": scan.longitude,
        "radius_km": scan.radius_km,
        "network": scan.network,
        "channel": scan.channel,
        "automated": scan.automated,
        "is_internal": scan.device is not None,
        "is_counted": scan.is_counted,
        "number": scan.scan_number,
        "confirmed_at": _time(scan.confirmed_at),
        "signed_by_key": scan.key_id,
        "is_flagged": scan.is_flagged,
    }


def _fact(fact: ItemFact) -> Json:
    return {
        "kind": fact.kind,
        "at": _time(fact.at),
        "country": fact.country,
        "visitor": None if fact.visitor is None else fact.visitor.hex(),
        "markets": fact.markets,
        "recorded_by": fact.recorded_by,
        "recorded_at": _time(fact.recorded_at),
        "withdrawn_by": fact.withdrawn_by,
        "withdrawn_at": _time(fact.withdrawn_at),
    }


def _report(report: report_inbox.Report) -> Json:
    return {
        "number": report.number,
        "at": _time(report.created_at),
        "item": report.sgtin,
        "typed_code": report.typed_code,
        "receipt": None if report.receipt is None else str(report.receipt),
        "shop_name": report.shop_name,
        "shop_address": report.shop_address,
        "listing_url": report.listing_url,
        "price": report.price,
        "text": report.text,
        "left_contact": report.has_contact,
        "photos": [{"media_type": photo.media_type, "sha256": photo.sha256.hex()} for photo in report.photos],
    }


def _events(session: Session, brand_id: UUID, subjects: Sequence[str]) -> Json:
    where = (AuditEvent.brand_id == brand_id, AuditEvent.subject.in_(subjects))
    rows = session.scalars(select(AuditEvent).where(*where).order_by(AuditEvent.seq.desc()).limit(MOST_EVENTS)).all()
    total = session.scalar(select(func.count()).select_from(AuditEvent).where(*where)) or 0
    return {
        "left_out": total - len(rows),
        "events": [
            {
                "seq": row.seq,
                "at": _time(row.at),
                "by": {"kind": row.actor_kind, "name": row.actor_name},
                "act": row.act,
                "subject": row.subject,
                "details": row.details,
                "previous": row.previous.hex(),
                "hash": row.hash.hex(),
            }
            for row in reversed(rows)
        ],
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        near = round(value, _DIGITS)
        return int(near) if near == int(near) else near
    if isinstance(value, Mapping):
        return {str(name): _rounded(inner) for name, inner in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [_rounded(inner) for inner in value]
    return value
