"""The inbox of what consumers report: one by one, and by the shop that they name."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

from flask import Response, request
from werkzeug.wrappers import Response as BaseResponse

from authsvc import cases, receipts, report_inbox, reports
from authsvc.core.alerts import title_of
from authsvc.core.wrapping import derive_key
from authsvc.errors import BadInput, NotFound
from authsvc.report_inbox import Report, State
from authsvc.staff import Role
from authsvc.web import downloads
from authsvc.web.console import guard, rendering
from authsvc.web.console.cases import alert_path
from authsvc.web.console.cases import path as case_path
from authsvc.web.site import runtime

STATE_TEXTS = {State.NEW: "New", State.LINKED: "Linked", State.CLOSED: "Closed"}
TONES = {State.NEW: "info", State.LINKED: "ok", State.CLOSED: "none"}
_SHOPS_SINCE = timedelta(days=90)
_ACTIVE = (cases.State.OPEN, cases.State.INVESTIGATING, cases.State.ESCALATED)
Page = str | tuple[str, int] | BaseResponse


@guard.page("/reports/shops", role=Role.VIEWER, nav="Reports")
def shops() -> str:
    """List the shops and listings that were reported, the most reported first."""
    brand_id = guard.me().brand_id
    with guard.session() as session:
        counts = report_inbox.count_reports(session, brand_id)
        found = report_inbox.list_shops(session, brand_id, since=guard.now() - _SHOPS_SINCE)
    return rendering.show(
        "console/report_shops.html", title="Reported shops", tabs=_tabs(counts, "shops"), days=_SHOPS_SINCE.days,
        rows=[
            {"shop": shop, "href": f"/console/reports?shop={quote(shop.shop, safe='')}"}
            for shop in found
        ],
    )  # fmt: skip


@guard.page("/reports", role=Role.VIEWER, nav="Reports")
def inbox() -> str:
    """List reports, the newest first, or all of one shop."""
    brand_id, asked, shop = guard.me().brand_id, request.args.get("list", "new"), request.args.get("shop", "")[:600]
    state = State(asked) if asked in set(State) else None
    with guard.session() as session:
        counts = report_inbox.count_reports(session, brand_id)
        found = report_inbox.list_reports(
            session, brand_id, state=None if shop else state, shop=shop or None,
            before=_before(request.args.get("before", "")), limit=report_inbox.PAGE + 1,
        )  # fmt: skip
    shown = found[: report_inbox.PAGE]
    here = f"/console/reports?shop={quote(shop, safe='')}" if shop else f"/console/reports?list={asked}"
    older = f"{here}&before={shown[-1].created_at.timestamp()}.{shown[-1].id}" if len(found) > len(shown) else None
    return rendering.show(
        "console/reports.html", title="Reports of consumers", tabs=_tabs(counts, "" if shop else asked),
        rows=[_row(report) for report in shown], shop=shop,
        shop_name=next((report.where for report in shown), None) if shop else None, older=older,
        newest=here if request.args.get("before") else None,
    )  # fmt: skip


@guard.page("/reports/<uuid:report_id>", role=Role.VIEWER, nav="Reports")
def show(report_id: UUID) -> str:
    """Show a report."""
    return _page(report_id)


@guard.page("/reports/<uuid:report_id>/photos/<int:position>", role=Role.VIEWER)
def photo(report_id: UUID, position: int) -> Response:
    """Send a photo of a report."""
    with guard.session() as session:
        media_type, content = report_inbox.get_photo(session, guard.me().brand_id, report_id, position)
    return downloads.picture(f"photo-{position}.{media_type.rpartition('/')[2]}", media_type, content)


@guard.page("/reports/<uuid:report_id>/contact", role=Role.ANALYST, methods=["POST"])
def contact(report_id: UUID) -> str:
    """Show how whoever reported can be reached, this once; the look is noted."""
    me = guard.me()
    with guard.session() as session:
        found = report_inbox.show_contact(
            session, me.brand_id, report_id, wrapping_key=derive_key(runtime().config.secret, "wrapping"), by=me.actor,
            now=guard.now(),
        )  # fmt: skip
    return _page(report_id, contact=found)


@guard.page("/reports/<uuid:report_id>/link", role=Role.ANALYST, methods=["POST"])
def link(report_id: UUID) -> Page:
    """Make a report part of a case, an open one or a new one."""
    me, now, chosen = guard.me(), guard.now(), request.form.get("case", "")
    try:
        with guard.session() as session:
            report_inbox.get_report(session, me.brand_id, report_id)
            if chosen == "new":
                title = request.form.get("title", "")
                case_id = cases.open_case(
                    session, me.brand_id, title, id=runtime().new_id(), by=me.actor, now=now
                ).id  # fmt: skip
            else:
                case_id = _uuid(chosen)
            case = report_inbox.link_to_case(session, me.brand_id, report_id, case_id, by=me.actor, now=now)
    except BadInput as error:
        return _page(report_id, faults={"title": str(error)}), 400
    return guard.done(f"The report is in case {case.number} now.", case_path(case.id))


@guard.page("/reports/<uuid:report_id>/alert", role=Role.ANALYST, methods=["POST"])
def link_alert(report_id: UUID) -> BaseResponse:
    """Say that a report speaks of what an alert is about."""
    me = guard.me()
    with guard.session() as session:
        report_inbox.get_report(session, me.brand_id, report_id)
        alert_id = _uuid(request.form.get("alert", ""))
        report_inbox.link_to_alert(session, me.brand_id, report_id, alert_id, by=me.actor, now=guard.now())
    return guard.done("The report is linked to the alert.", _path(report_id))


@guard.page("/reports/<uuid:report_id>/close", role=Role.ANALYST, methods=["POST"])
def close(report_id: UUID) -> Page:
    """Close a report with a reason."""
    me, reason = guard.me(), request.form.get("reason", "")
    try:
        with guard.session() as session:
            report_inbox.close(session, me.brand_id, report_id, reason=reason, by=me.actor, now=guard.now())
    except BadInput as error:
        return _page(report_id, faults={"reason": str(error)}), 400
    return guard.done("The report is closed.", _path(report_id))


@guard.page("/reports/<uuid:report_id>/reopen", role=Role.ANALYST, methods=["POST"])
def reopen(report_id: UUID) -> BaseResponse:
    """Take the closing of a report back."""
    me = guard.me()
    with guard.session() as session:
        report_inbox.reopen(session, me.brand_id, report_id, by=me.actor, now=guard.now())
    return guard.done("The report is open again.", _path(report_id))


# --- Private ---------------------------------------------------------------------------------------------------------


def _page(report_id: UUID, *, contact: str | None = None, faults: Mapping[str, str] = {}) -> str:
    me = guard.me()
    with guard.session() as session:
        report = report_inbox.get_report(session, me.brand_id, report_id)
        active = cases.list_cases(session, me.brand_id, states=_ACTIVE)
        case = None if report.case_id is None else cases.get_case(session, me.brand_id, report.case_id)
        alerts = report_inbox.find_alerts(session, me.brand_id, report)
        same = [] if report.shop is None else report_inbox.list_reports(session, me.brand_id, shop=report.shop, limit=6)
    return rendering.show(
        "console/report.html", title=f"Report {reports.grouped(report.number)}", report=report,
        receipt=report.receipt and receipts.spell(report.receipt), state=STATE_TEXTS[report.state],
        tone=TONES[report.state], may_write=me.role.may(Role.ANALYST), case=case, contact=contact, faults=faults,
        case_options=[("new", "A new case")] + [(str(c.id), f"Case {c.number}: {c.title}") for c in active],
        alerts=[
            {"alert": alert, "href": alert_path(alert.id), "title": title_of(alert.rule)} for alert in alerts
        ],
        same=[_row(other) for other in same if other.id != report.id],
        shop_href=None if report.shop is None else f"/console/reports?shop={quote(report.shop, safe='')}",
    )  # fmt: skip


def _row(report: Report) -> dict[str, Any]:
    return {
        "report": report, "state": STATE_TEXTS[report.state], "tone": TONES[report.state], "href": _path(report.id),
        "said": report.text if len(report.text) <= 120 else f"{report.text[:117]}…",
    }  # fmt: skip


def _tabs(counts: Mapping[str, int], chosen: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": text, "href": f"/console/reports?list={state}", "count": counts[state], "is_current": chosen == state}
        for state, text in STATE_TEXTS.items()
    ]
    return [*found, {"name": "By shop", "href": "/console/reports/shops", "is_current": chosen == "shops"}]


def _before(text: str) -> tuple[datetime, UUID] | None:
    at, _, number = text.rpartition(".")
    try:
        return datetime.fromtimestamp(float(at), tz=guard.now().tzinfo), UUID(number)
    except (ValueError, OverflowError, OSError):
        return None


def _path(report_id: UUID) -> str:
    return f"{guard.PREFIX}/reports/{report_id}"


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("There is nothing under this number.") from None
