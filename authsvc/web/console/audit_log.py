"""The audit log of a brand: a page with filters, and the whole of it as a file."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import Response, request
from sqlalchemy.orm import Session

from authsvc import audit
from authsvc.core import csv_cells
from authsvc.errors import NotFound
from authsvc.staff import Role
from authsvc.web.console import guard, rendering

FAMILIES = (
    "", "alert", "audit", "brand", "case", "device", "export", "item", "key", "mail", "product", "recall", "report",
    "run", "staff", "webhook",
)  # fmt: skip
_COLUMNS = ("number", "time (UTC)", "by", "who", "act", "subject", "details", "hash")


@guard.page("/audit", role=Role.ANALYST, nav="Audit")
def log() -> str:
    """Show the newest acts that fit the filter."""
    asked = {name: request.args.get(name, "").strip()[:200] for name in ("act", "who", "subject", "from", "to")}
    since, until = _day(asked["from"]), _day(asked["to"])
    before = request.args.get("before", "")
    with guard.session() as session:
        found = audit.find_events(
            session, guard.me().brand_id, act=asked["act"], actor=asked["who"], subject=asked["subject"],
            since=_start(since), until=_start(until, days=1),
            before=int(before) if before.isascii() and before.isdigit() and len(before) < 18 else None,
            limit=audit.PAGE + 1,
        )  # fmt: skip
    shown = found[: audit.PAGE]
    return rendering.show(
        "console/audit.html", title="Audit log", events=[_row(event) for event in shown], asked=asked,
        families=FAMILIES, is_filtered=any(asked.values()), is_first=not before,
        older=shown[-1].seq if len(found) > audit.PAGE else None, may_export=guard.me().role.may(Role.ADMIN),
    )  # fmt: skip


@guard.page("/audit/export.<kind>", role=Role.ADMIN, step_up=True)
def export(kind: str) -> Response:
    """Send the whole log, as CSV for people or JSON Lines for programs; that it was taken is an act too."""
    if kind not in {"csv", "jsonl"}:
        raise NotFound("The log comes as csv or jsonl.")
    me, open_desk = guard.me(), guard.desk()
    with guard.session() as session:
        me.record(session, "audit.export", kind)

    def lines() -> Iterator[str]:
        if kind == "csv":
            yield "\ufeff" + csv_cells.row(_COLUMNS)
        with open_desk.as_brand(me.brand_id) as session:
            yield from _lines(session, me, kind)

    media_type = "text/csv; charset=utf-8" if kind == "csv" else "application/jsonl; charset=utf-8"
    name = f"audit-{guard.now():%Y%m%d-%H%M}.{kind}"
    return Response(lines(), content_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _lines(session: Session, me: guard.Me, kind: str) -> Iterator[str]:
    for event in audit.export(session, me.brand_id):
        if kind == "jsonl":
            yield json.dumps(_document(event), ensure_ascii=False) + "\n"
            continue
        details = json.dumps(event.details, ensure_ascii=False)
        yield csv_cells.row(
            (
                event.seq, f"{event.at:%Y-%m-%d %H:%M:%S}", event.actor.kind, event.actor.name, event.act,
                event.subject, details, event.hash.hex(),
            )
        )  # fmt: skip


def _document(event: audit.Event) -> dict[str, Any]:
    return {
        "seq": event.seq,
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": {
            "kind": event.actor.kind,
            "id": None if event.actor.id is None else str(event.actor.id),
            "name": event.actor.name,
        },
        "act": event.act,
        "subject": event.subject,
        "details": event.details,
        "previous": event.previous.hex(),
        "hash": event.hash.hex(),
    }


def _row(event: audit.Event) -> dict[str, Any]:
    said = [f"{name}: {_spelt(value)}" for name, value in event.details.items() if value not in (None, "", [])]
    return {"event": event, "at": f"{event.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}", "said": said}


def _spelt(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_spelt(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(_spelt, value))
    return "none" if value is None else str(value)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _start(day: date | None, *, days: int = 0) -> datetime | None:
    """Return the moment at which a day begins, or the one *days* after it."""
    if day is None or day == date.max:
        return None
    return datetime.combine(day + timedelta(days=days), time(), UTC)
