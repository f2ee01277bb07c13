"""
Cases: the list, one case, and what moves it.

Other pages put alerts into a case through ``console/cases_parts.html``: a button that leads to ``add_form`` with the
alerts in its address, or a submit button of their own selection with ``formaction``.
"""

from collections.abc import Mapping
from uuid import UUID

from flask import request, url_for
from werkzeug.wrappers import Response

from authsvc import case_files, cases, report_inbox, staff
from authsvc.cases import MOVES, Listed, State
from authsvc.core import alerts
from authsvc.errors import BadInput, NotFound
from authsvc.staff import Role
from authsvc.web.console import alert_queue, guard, rendering
from authsvc.web.site import runtime

STATE_TEXTS = {
    State.OPEN: "Open",
    State.INVESTIGATING: "Investigating",
    State.ESCALATED: "Escalated",
    State.CLOSED: "Closed",
}
TONES = {State.OPEN: "info", State.INVESTIGATING: "warn", State.ESCALATED: "bad", State.CLOSED: "none"}
MOVE_TEXTS = {
    State.OPEN: "Put back to open",
    State.INVESTIGATING: "Investigate",
    State.ESCALATED: "Escalate",
    State.CLOSED: "Close the case",
}
_LISTS = {
    "active": ("Active", (State.OPEN, State.INVESTIGATING, State.ESCALATED)),
    "mine": ("Mine", (State.OPEN, State.INVESTIGATING, State.ESCALATED)),
    "escalated": ("Escalated", (State.ESCALATED,)),
    "closed": ("Closed", (State.CLOSED,)),
}
Page = str | tuple[str, int] | Response


_ALERT_PAGE = "console.alert_page_alert"


@guard.page("/cases", role=Role.VIEWER, nav="Cases")
def overview() -> str:
    """List cases, the newest first."""
    return _list()


@guard.page("/cases", role=Role.ANALYST, methods=["POST"])
def open_case() -> Page:
    """Open a case without alerts; they can be added later."""
    me, title = guard.me(), request.form.get("title", "")
    try:
        with guard.session() as session:
            case = cases.open_case(
                session, me.brand_id, title, id=runtime().new_id(), by=me.actor, now=guard.now()
            )  # fmt: skip
    except BadInput as error:
        return _list(fault=str(error), title=title), 400
    return guard.done(f"Case {case.number} is open.", path(case.id))


@guard.page("/cases/<uuid:case_id>", role=Role.VIEWER, nav="Cases")
def show(case_id: UUID) -> str:
    """Show everything of a case."""
    return show_page(case_id)


@guard.page("/cases/<uuid:case_id>/move", role=Role.ANALYST, methods=["POST"])
def move(case_id: UUID) -> Page:
    """Move a case on."""
    me, reason = guard.me(), request.form.get("reason", "")
    try:
        with guard.session() as session:
            cases.get_case(session, me.brand_id, case_id)  # Whether there is one, before all else.
            to = _state(request.form.get("to", ""))
            case = cases.move(session, me.brand_id, case_id, to, reason=reason, by=me.actor, now=guard.now())
    except BadInput as error:
        return show_page(case_id, faults={"reason": str(error)}), 400
    return guard.done(f"Case {case.number}: {STATE_TEXTS[case.state].lower()}.", path(case_id))


@guard.page("/cases/<uuid:case_id>/assign", role=Role.ANALYST, methods=["POST"])
def assign(case_id: UUID) -> Response:
    """Give a case to somebody, or to nobody."""
    me, given = guard.me(), request.form.get("assignee", "")
    with guard.session() as session:
        cases.get_case(session, me.brand_id, case_id)
        to = _uuid(given) if given else None
        case = cases.assign(
            session, me.brand_id, case_id, to, team=guard.team_ids(), by=me.actor, now=guard.now()
        )  # fmt: skip
    return guard.done(f"Case {case.number} is {'assigned' if to else 'given to nobody'}.", path(case_id))


@guard.page("/cases/<uuid:case_id>/alerts/<uuid:alert_id>/remove", role=Role.ANALYST, methods=["POST"])
def remove_alert(case_id: UUID, alert_id: UUID) -> Response:
    """Take an alert out of a case."""
    me = guard.me()
    with guard.session() as session:
        cases.remove_alert(session, me.brand_id, case_id, alert_id, by=me.actor, now=guard.now())
    return guard.done("The alert is out of the case. The alert itself stays as it is.", path(case_id))


# --- Adding alerts, from wherever they are shown ---------------------------------------------------------------------


@guard.page("/cases/add", role=Role.ANALYST)
def add_form() -> str:
    """Ask into which case the alerts in the address go."""
    return _add_form(request.args.getlist("alert"))


@guard.page("/cases/add", role=Role.ANALYST, methods=["POST"])
def add() -> Page:
    """
    Put alerts into a case, or into a new one with a title.

    From a selection, which names no case, ask first: by POST too, or the token of its form would stand in an address.
    """
    me, now, given = guard.me(), guard.now(), request.form.getlist("alert")
    if not given and "back" in request.form:
        return alert_queue.again(alert_queue.NONE_TICKED, at="what")
    if "case" not in request.form:
        return _add_form(given)
    try:
        alert_ids = [_uuid(alert_id) for alert_id in given]
        with guard.session() as session:
            if request.form["case"] == "new":
                title = request.form.get("title", "")
                case_id = cases.open_case(
                    session, me.brand_id, title, id=runtime().new_id(), by=me.actor, now=now
                ).id  # fmt: skip
            else:
                case_id = _uuid(request.form["case"])
            added = cases.add_alerts(session, me.brand_id, case_id, alert_ids, by=me.actor, now=now)
    except BadInput as error:
        return _add_form(given, fault=str(error)), 400
    return guard.done(_said(added), path(added.case.id), guard.Tone.DONE if added.added else guard.Tone.NOTHING)


# --- Shared with the other pages of a case ---------------------------------------------------------------------------


def path(case_id: UUID) -> str:
    """Return the address of a case."""
    return f"{guard.PREFIX}/cases/{case_id}"


def alert_path(alert_id: UUID) -> str | None:
    """Return the address of an alert, where the console has a page for it."""
    return url_for(_ALERT_PAGE, alert_id=alert_id) if _ALERT_PAGE in guard.DECLARED else None


def show_page(case_id: UUID, *, faults: Mapping[str, str] = {}) -> str:
    """Show a case, with what was wrong in one of its forms."""
    me = guard.me()
    with guard.session() as session:
        case = cases.get_case(session, me.brand_id, case_id)
        members = guard.team()
        values = {
            "alerts": [_alert_row(alert) for alert in cases.list_alerts(session, me.brand_id, case_id)],
            "comments": case_files.list_comments(session, me.brand_id, case_id),
            "files": case_files.list_attachments(session, me.brand_id, case_id),
            "reports": report_inbox.list_reports(session, me.brand_id, case_id=case_id, limit=200),
        }
    may_write = me.role.may(Role.ANALYST)
    return rendering.show(
        "console/case.html", title=case.title, case=case, me=me, may_write=may_write, faults=faults,
        state=STATE_TEXTS[case.state], tone=TONES[case.state],
        moves=[(to.value, MOVE_TEXTS[to]) for to in MOVES[case.state]],
        assignee=_name(case, members), people=[m for m in members if m.deactivated_at is None],
        typed={name: request.form.get(name, "")[:10_000] for name in ("text", "reason")}, **values,
    )  # fmt: skip


# --- Private ---------------------------------------------------------------------------------------------------------


def _list(*, fault: str | None = None, title: str = "") -> str:
    me = guard.me()
    chosen = request.args.get("list", "active")
    chosen = chosen if chosen in _LISTS else "active"
    before = request.args.get("before", "")
    with guard.session() as session:
        counts = cases.count_cases(session, me.brand_id, assignee=me.account_id)
        found = cases.list_cases(
            session, me.brand_id, states=_LISTS[chosen][1], assignee=me.account_id if chosen == "mine" else None,
            before=int(before) if before.isascii() and before.isdigit() and len(before) < 10 else None,
            limit=cases.PAGE + 1,
        )  # fmt: skip
        members = guard.team()
    counts["active"] = sum(counts[state.value] for state in _LISTS["active"][1])
    shown = found[: cases.PAGE]
    return rendering.show(
        "console/cases.html", title="Cases", fault=fault, typed=title[:200], may_write=me.role.may(Role.ANALYST),
        chosen=chosen,
        tabs=[
            {"name": name, "href": f"/console/cases?list={key}", "count": counts[key], "is_current": key == chosen}
            for key, (name, _) in _LISTS.items()
        ],
        rows=[
            {"case": case, "state": STATE_TEXTS[case.state], "tone": TONES[case.state], "who": _name(case, members)}
            for case in shown
        ],
        older=f"/console/cases?list={chosen}&before={shown[-1].number}" if len(found) > cases.PAGE else None,
        newest=f"/console/cases?list={chosen}" if before else None,
    )  # fmt: skip


def _add_form(given: list[str], *, fault: str | None = None) -> str:
    me = guard.me()
    alert_ids = [_uuid(alert_id) for alert_id in given]
    with guard.session() as session:
        found = cases.find_alerts(session, me.brand_id, alert_ids)
        active = cases.list_cases(session, me.brand_id, states=_LISTS["active"][1])
    if not alert_ids:
        raise NotFound("No alert was chosen. Go back and tick at least one.")
    if len(found) < len(set(alert_ids)):
        raise NotFound("There is no such alert.")
    return rendering.show(
        "console/case_add.html", title="Add to case", alerts=[_alert_row(alert) for alert in found], fault=fault,
        typed=request.form.get("title", "")[:200], chosen=request.form.get("case", "new"),
        choices=[("new", "A new case", None)]
        + [
            (str(case.id), f"Case {case.number}: {case.title}", f"{STATE_TEXTS[case.state]}, {_alerts(case.alerts)}")
            for case in active
        ],
    )  # fmt: skip


def _alerts(number: int) -> str:
    return "1 alert" if number == 1 else f"{number} alerts"


def _alert_row(alert: cases.InCase) -> dict[str, object]:
    return {
        "alert": alert,
        "title": alerts.title_of(alert.rule),
        "href": alert_path(alert.id),
    }


def _name(case: Listed, members: list[staff.Member]) -> str | None:
    return next((member.name for member in members if member.account_id == case.assignee), None)


def _said(added: cases.Added) -> str:
    words = "1 alert is" if added.added == 1 else f"{added.added} alerts are"
    known = f" {added.known} had been in it before." if added.known else ""
    return f"{words} added to case {added.case.number}.{known}"


def _state(text: str) -> State:
    try:
        return State(text)
    except ValueError:
        raise BadInput(f"A case is one of {', '.join(State)}.") from None


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("There is nothing under this number.") from None
