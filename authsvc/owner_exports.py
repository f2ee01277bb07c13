"""
What is kept of an owner, to take along (GDPR, articles 15 and 20): one archive with a document and their files.

The document is JSON, so that a program can read it too. Everything in it is the person's own: of others it has nothing
but what their pages show them.
"""

import io
import json
import zipfile
from datetime import date, datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from authsvc import (
    disputes,
    owner_files,
    owner_passkeys,
    owner_requests,
    owners,
    ownership,
    permits,
    service_records,
)
from authsvc.core.register import Brand
from authsvc.models import OwnerSession, Registration, Transfer
from authsvc.owner_files import File
from authsvc.owners import Person

NAME = "my-items.json"


def write(session: Session, person: Person, brand: Brand, *, key: bytes, now: datetime) -> bytes:
    """Return the archive; its parts bear the time of the export, so that it tells nothing of this machine."""
    files = owner_files.list_of(session, person, key=key)
    names = {file.id: f"files/{number}-{file.name}" for number, file in enumerate(files, 1)}
    document = _document(session, person, brand, [(file, names[file.id]) for file in files], key=key, now=now)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        text = json.dumps(document, ensure_ascii=False, indent=2, default=_plain)
        archive.writestr(_entry(NAME, now), text.encode())
        for file in files:
            _, content = owner_files.get_of(session, person, file.id, key=key)
            archive.writestr(_entry(names[file.id], now), content)
    return target.getvalue()


# --- Private ---------------------------------------------------------------------------------------------------------


def _document(
    session: Session, person: Person, brand: Brand, files: list[tuple[File, str]], *, key: bytes, now: datetime
) -> dict[str, Any]:
    sessions = session.execute(
        select(OwnerSession.created_at, OwnerSession.seen_at).where(OwnerSession.owner_id == person.id)
    )
    return {
        "made_at": now,
        "brand": brand.name,
        "email": person.email,
        "items": _items(session, person, key=key, now=now),
        "transfers": _transfers(session, person, key=key),
        "files": [
            {"file": name, "kind": file.media_type, "bytes": file.size, "belongs_to": file.about,
             "kept_since": file.created_at} for file, name in files
        ],
        "requests": [
            {"number": each.id, "kind": each.kind, "item": each.sgtin, "state": each.state,
             "asked_at": each.created_at, "ended_at": each.ended_at}
            for each in owner_requests.list_by(session, person)
        ],
        "passkeys": [
            {"added_at": each.created_at, "used_at": each.used_at} for each in owner_passkeys.list_keys(session, person)
        ],
        "signed_in": [{"since": row.created_at, "seen_at": row.seen_at} for row in sessions],
    }  # fmt: skip


def _items(session: Session, person: Person, *, key: bytes, now: datetime) -> list[dict[str, Any]]:
    rows = session.scalars(
        select(Registration).where(Registration.owner_id == person.id).order_by(Registration.registered_at)
    )
    found = []
    for row in rows:
        held = ownership.read(row, now)
        kept = owners.unseal(session, person, row.sealed, key=key, number=str(row.id)) if row.sealed else {}
        given = [] if row.ended_at else permits.list_of(session, held)
        services = [] if row.ended_at else service_records.list_of(session, row.sgtin)
        found.append(
            {
                "number": row.id, "item": row.sgtin, "state": held.state, "registered_at": row.registered_at,
                "ended_at": row.ended_at, "with_claim_code": row.has_claim, "bought_used": row.is_used,
                "purchased_on": row.purchased_on, "shop": kept.get("shop") or None,
                "warranty_from": row.warranty_from, "warranty_until": row.warranty_until,
                "permits": [
                    {"platform": each.platform, "scope": each.scope, "until": each.expires_at} for each in given
                ],
                "services": [{"day": each.done_on, "what": each.what, "by": each.done_by} for each in services],
            }
        )  # fmt: skip
    return found


def _transfers(session: Session, person: Person, *, key: bytes) -> list[dict[str, Any]]:
    rows = session.scalars(
        select(Transfer)
        .where(or_(Transfer.seller_id == person.id, Transfer.buyer_id == person.id))
        .order_by(Transfer.offered_at)
    )
    found = []
    for row in rows:
        side = "seller" if row.seller_id == person.id else "buyer"
        found.append(
            {
                "number": row.id, "item": row.sgtin, "you_are": side, "state": row.state,
                "offered_at": row.offered_at, "accepted_at": row.accepted_at, "completed_at": row.completed_at,
                "ended_at": row.ended_at, "decision": row.decision,
                "what_you_said": disputes.find_statement(session, person, row, side, key=key),
            }
        )  # fmt: skip
    return found


def _entry(name: str, now: datetime) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, now.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
