"""Exports: alerts, scans and counts as files, made by the worker and kept for a few days."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from flask import request
from werkzeug.wrappers import Response as BaseResponse

from authsvc import clone_settings, errands, export_files
from authsvc.errands import EXPORT, KEPT, Errand
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.exports import COLUMNS, Asked, Format, Kind
from authsvc.staff import Role
from authsvc.web import downloads
from authsvc.web.console import guard, rendering
from authsvc.web.site import runtime

HERE = "/console/exports"
NAV = "Exports"
KINDS = {Kind.ALERTS: "Alerts", Kind.SCANS: "Scans", Kind.COUNTS: "Counts of verdicts"}
FORMATS = {Format.CSV: "CSV", Format.XLSX: "XLSX (Excel)", Format.JSONL: "JSON Lines"}
STATES = {"waiting": "Waits", "running": "Being made", "done": "Ready", "failed": "Failed", "cancelled": "Cancelled"}
TONES = {"done": "ok", "failed": "bad", "cancelled": "none"}
_USUAL = timedelta(days=29)
_KILO = 1024


@guard.page("/exports", role=Role.ANALYST, nav=NAV)
def exports() -> str:
    """Show the files of the last days and how far the others are, and ask for a new one."""
    return _page()


@guard.page("/exports", role=Role.ANALYST, methods=["POST"])
def order() -> BaseResponse | tuple[str, int]:
    """Have a file made; the log says who asked for what."""
    me = guard.me()
    try:
        asked = Asked.read(request.form, today=guard.now().date())
        with guard.session() as session:
            if asked.gtin is not None:
                clone_settings.get_product_settings(session, me.brand_id, asked.gtin)
            number = runtime().new_id()
            errands.order(session, me.brand_id, EXPORT, asked.stored(), me.actor, id=number, now=guard.now())
            me.record(session, "export.order", str(number), asked.stored())
    except NotFound:
        return _page("gtin", "The brand has no product with this GTIN."), 400
    except (BadInput, Conflict) as error:
        return _page("first", str(error)), error.status
    return guard.done("The file is being made. It appears below as soon as it is ready.", HERE)


@guard.page("/exports/<uuid:export_id>/file", role=Role.ANALYST, step_up=True)
def download(export_id: UUID) -> BaseResponse:
    """Send a file; that it was taken is an act."""
    me, open_desk, key = guard.me(), guard.desk(), runtime().wrapping_key
    with guard.session() as session:
        found = errands.get_errand(session, me.brand_id, export_id, EXPORT)
        if found.state != "done" or found.expires_at <= guard.now():
            raise NotFound("There is no such file. Files are kept for a stated time only.")
        asked = Asked.read(found.asked, today=date.max)
        details = {**asked.stored(), "rows": found.result["rows"], "sha256": found.result["sha256"]}
        me.record(session, "export.download", str(export_id), details)

    def pieces() -> Iterator[bytes]:
        for number in range(1, found.result["parts"] + 1):
            # A transaction for each: none is held open while somebody's line is slow.
            with open_desk.as_brand(me.brand_id) as session:
                piece = export_files.read(session, export_id, me.brand_id, number, key=key)
            yield piece

    response = downloads.stream(asked.name, export_files.TYPES[asked.format], pieces())
    response.content_length = found.result["bytes"]
    return response


@guard.page("/exports/<uuid:export_id>/cancel", role=Role.ANALYST, methods=["POST"])
def cancel(export_id: UUID) -> BaseResponse:
    """Stop what is under way."""
    me = guard.me()
    with guard.session() as session:
        errands.cancel(session, me.brand_id, export_id, EXPORT, now=guard.now())
        me.record(session, "export.cancel", str(export_id))
    return guard.done("The export is cancelled.", HERE)


@guard.page("/exports/<uuid:export_id>/remove", role=Role.ANALYST, methods=["POST"])
def remove(export_id: UUID) -> BaseResponse:
    """Remove a file before its time."""
    me = guard.me()
    with guard.session() as session:
        errands.discard(session, me.brand_id, export_id, EXPORT)
        me.record(session, "export.remove", str(export_id))
    return guard.done("The file is removed.", HERE)


# --- Private ---------------------------------------------------------------------------------------------------------


def _page(of: str | None = None, fault: str | None = None) -> str:
    me, today = guard.me(), guard.now().date()
    with guard.session() as session:
        found = errands.list_errands(session, me.brand_id, EXPORT)
    given = {name: request.form.get(name, "")[:40] for name in ("kind", "format", "first", "last", "gtin")}
    usual = {"kind": "alerts", "format": "csv", "first": (today - _USUAL).isoformat(), "last": today.isoformat()}
    return rendering.show(
        "console/exports.html", title="Exports", rows=[_row(each) for each in found if each.state != "cancelled"],
        is_running=any(each.is_open for each in found), of=of, fault=fault, asked=given if of else usual,
        kinds=[(kind.value, text) for kind, text in KINDS.items()],
        formats=[(form.value, text) for form, text in FORMATS.items()],
        columns=[(KINDS[kind], columns) for kind, columns in COLUMNS.items()], kept=KEPT[EXPORT].days,
    )  # fmt: skip


def _row(found: Errand) -> Mapping[str, Any]:
    asked = Asked.read(found.asked, today=date.max)
    return {
        "id": found.id,
        "name": f"{KINDS[asked.kind]}, {FORMATS[asked.format].partition(' (')[0]}",
        "days": [datetime.combine(day, time(), UTC) for day in (asked.first, asked.last)],
        "gtin": asked.gtin,
        "by": found.asked_name.partition(" <")[0],
        "at": found.created_at,
        "state": found.state,
        "words": STATES[found.state],
        "tone": TONES.get(found.state, "info"),
        "done": found.done,
        "total": found.total,
        "fault": found.fault,
        "has_waited": found.has_waited(guard.now()),
        "rows": found.result.get("rows"),
        "size": _size(found.result.get("bytes", 0)),
        "expires_at": found.expires_at,
    }


def _size(count: int) -> str:
    if count < _KILO:
        return f"{count} bytes"
    return f"{count / _KILO:,.0f} KB" if count < _KILO**2 else f"{count / _KILO**2:,.1f} MB"
