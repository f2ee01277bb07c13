"""
The evidence of a case as one document: what is known, as it was when it was raised, and who did what about it.

Only what is stored goes in; unknown facts are null. People who scanned are pseudonyms, which differ from item to item,
and a contact of somebody who reported is never in it. What was left out for length is counted. The document is plain
values, so that it can be written as JSON in one form alone (``canonical``) and set as pages from nothing else.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

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
    reports = [
        report_inbox.get_report(session, brand_id, report.id)
        for report in report_inbox.list_reports(session, brand_id, case_id=case_id, limit=500)
    ]
    brand = session.get_one(Brand, brand_id)
    people = _people(session, brand_id)
    items = sorted({alert.sgtin for alert in alerts if _is_item(alert.sgtin)})
    subjects = [case.subject, *(f"report {report.number}" for report in reports), *items,
                *(str(alert.id) for alert in alerts), *(f"alert {alert.id}" for alert in alerts)]  # fmt: skip
    return {
        "format": FORMAT,
        "exported": {"at": _time(now), "by": by.name},
        "brand": {"id": str(brand.id), "name": brand.name, "contact": brand.contact},
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
        "alerts": [_alert(session, alert) for alert in alerts],
        "items": [_item(session, brand_id, sgtin) for sgtin in items],
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


def _is_item(sgtin: str) -> bool:
    return "/" not in sgtin


def _people(session: Session, brand_id: UUID) -> dict[UUID, str]:
    query = select(StaffAccount.id, StaffAccount.name).join(Staff, Staff.account_id == StaffAccount.id)
    return dict(session.execute(query.where(Staff.brand_id == brand_id)).all())


def _alert(session: Session, alert: Alert) -> Json:
    resolutions = session.scalars(
        select(Resolution)
        .where(Resolution.sgtin == alert.sgtin, Resolution.alert_id == alert.id)
        .order_by(Resolution.at, Resolution.id)
    )
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


def _item(session: Session, brand_id: UUID, sgtin: str) -> Json:
    key, _, rest = sgtin.partition(".")
    row = session.get(Item, sgtin)
    product = session.get(Product, key) if key != "00" else None
    scans = select(Scan).where(Scan.sgtin == sgtin, Scan.brand_id == brand_id)
    newest = session.scalars(scans.order_by(Scan.at.desc(), Scan.id.desc()).limit(MOST_SCANS)).all()
    total = session.scalar(select(func.count()).select_from(scans.subquery())) or 0
    facts = session.scalars(
        select(ItemFact)
        .where(ItemFact.sgtin == sgtin, ItemFact.brand_id == brand_id)
        .order_by(ItemFact.at, ItemFact.id)
    )
    return {
        "key": sgtin,
        "gtin": None if key == "00" else key,
        "serial": None if key == "00" else rest,
        "sscc": rest if key == "00" else None,
        "product": None if product is None else product.name,
        "lot": None if row is None else row.lot,
        "run": None if row is None else row.run,
        "disposition": None if row is None else row.disposition,
        "disposition_at": None if row is None else _time(row.disposition_at),
        "disposition_reason": None if row is None else row.disposition_reason,
        "first_checked_at": None if row is None else _time(row.first_at),
        "scans_counted": 0 if row is None else row.counted,
        "scans_stored": total,
        "scans_left_out": total - len(newest),
        "scans": [_scan(scan) for scan in reversed(newest)],
        "facts": [_fact(fact) for fact in facts],
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
