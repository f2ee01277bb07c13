"""Cases: inquiries over alerts, opened, added to, moved and closed."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from authsvc import case_files, cases
from authsvc.cases import Listed, State
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.web.api import pages
from authsvc.web.api.alerts import ALERT
from authsvc.web.api.door import Call, Reply
from authsvc.web.api.operations import operation, uuid
from authsvc.web.api.shapes import Given, Moment, PageQuery, PageTold, Told, example, line, text

LATEST = 5
"""Comments in the answer to a change, which is kept for a repetition."""
CASE = uuid("case_id", "The case, as a list names it.", "9d2b7f60-4c1e-4e0b-8f3a-2b6c1d5e7a90")
_ROW: dict[str, Any] = {
    "id": "9d2b7f60-4c1e-4e0b-8f3a-2b6c1d5e7a90", "number": 12, "title": "Copies at a fair in Basel",
    "state": "investigating", "closed_reason": None, "opened_by": "ERP (7Q2M4K9X)",
    "opened_at": "2026-05-01T12:00:00Z", "changed_at": "2026-05-02T08:00:00Z", "alerts": 1, "reports": 0,
}  # fmt: skip
_ALERT = "3f0c8a1e-5a0b-4c1d-9e2f-0a1b2c3d4e5f"


class CaseRow(Told):
    """A case."""

    model_config = example(_ROW)

    id: UUID
    number: int
    title: str
    state: State
    closed_reason: str | None
    opened_by: str
    opened_at: Moment
    changed_at: Moment
    alerts: Annotated[int, Field(description="How many alerts are in it.")]
    reports: Annotated[int, Field(description="How many reports of consumers are in it.")]


class CasesTold(PageTold):
    """Cases, the newest first."""

    cases: list[CaseRow]


class AlertOfCase(Told):
    """An alert of a case, in short."""

    id: UUID
    rule: str
    subject: str
    text: str
    score: float
    opened_at: Moment
    is_open: bool


class CommentTold(Told):
    """What somebody wrote; null where they took it away."""

    id: UUID
    text: str | None
    by: str
    at: Moment


class CaseTold(CaseRow):
    """A case with what belongs to it."""

    model_config = example(
        {
            **_ROW,
            "contents": [
                {"id": _ALERT, "rule": "clone-evidence", "subject": "09506000134352.0XES7CJNVN09GQYH",
                 "text": "12 people in 12 countries hold this code", "score": 12.5,
                 "opened_at": "2026-05-01T12:00:00Z", "is_open": True}
            ],
            "comments": [
                {"id": "0b8f2d4c-6e1a-4f3b-9c5d-7a2e4b6d8f10", "text": "The seller has shown an invoice", "by": "Ada",
                 "at": "2026-05-02T08:00:00Z"}
            ],
        }
    )  # fmt: skip

    contents: Annotated[list[AlertOfCase], Field(description="Its alerts, the oldest first.")]
    comments: Annotated[
        list[CommentTold],
        Field(description=f"The oldest first; all of them where a case is asked for, else the latest {LATEST}."),
    ]


class CaseGiven(Given):
    """A new case."""

    model_config = example({"title": "Copies at a fair in Basel", "alerts": [_ALERT]})

    title: Annotated[str, line(160)]
    alerts: Annotated[
        tuple[Annotated[UUID, Field(strict=False)], ...],
        Field(max_length=cases.MOST_ALERTS, description="Alerts to begin with."),
    ] = ()


class MoveGiven(Given):
    """Where a case goes."""

    model_config = example({"to": "closed", "reason": "The seller has taken the offer down"})

    to: Annotated[State, Field(strict=False)]
    reason: Annotated[str, text(2_000, 0), Field(description="Needed to close it.")] = ""


class AlertsGiven(Given):
    """Alerts to put into a case."""

    model_config = example({"alerts": [_ALERT]})

    alerts: Annotated[
        tuple[Annotated[UUID, Field(strict=False)], ...], Field(min_length=1, max_length=cases.MOST_ALERTS)
    ]


class CommentGiven(Given):
    """A comment: plain text, its lines kept."""

    model_config = example({"text": "The seller has shown an invoice"})

    text: Annotated[str, text(10_000)]


class CasesQuery(PageQuery):
    """Which cases."""

    state: Annotated[State | None, Field(description="In this state.", examples=["open"])] = None


@operation("GET", "/cases", scope="cases:read", tells={200: CasesTold})
def list_cases(call: Call, query: CasesQuery) -> Reply:
    """List cases."""
    after = pages.read(query.cursor, (_number,))
    rows = cases.list_cases(
        call.session, call.caller.brand_id, states=() if query.state is None else (query.state,),
        before=after[0] if after else None, limit=query.limit + 1,
    )  # fmt: skip
    shown, following = pages.cut(rows, query.limit, lambda row: (row.number,))
    told = CasesTold(cases=[CaseRow(**_members(row)) for row in shown], next=following)
    return Reply(told=told, headers=pages.link(following))


@operation("POST", "/cases", scope="cases:write", tells={201: CaseTold}, refuses=(BadInput, NotFound, Conflict))
def open_case(call: Call, body: CaseGiven) -> Reply:
    """Open a case."""
    made = cases.open_case(
        call.session, call.caller.brand_id, body.title, id=call.rt.new_id(), by=call.caller.actor, now=call.at
    )
    if body.alerts:
        _add(call, made.id, body.alerts)
    return Reply(told=_told(call, made.id), status=201, headers={"Location": f"/api/v1/cases/{made.id}"})


@operation("GET", "/cases/{case_id}", scope="cases:read", params=(CASE,), tells={200: CaseTold}, refuses=(NotFound,))
def get_case(call: Call, case_id: UUID) -> Reply:
    """Show a case with its alerts and comments."""
    return Reply(told=_told(call, case_id, latest=case_files.MOST_COMMENTS))


@operation("POST", "/cases/{case_id}/move", scope="cases:write", params=(CASE,), tells={200: CaseTold},
           refuses=(BadInput, NotFound, Conflict))  # fmt: skip
def move_case(call: Call, case_id: UUID, body: MoveGiven) -> Reply:
    """
    Move a case on.

    From open to investigating, escalated or closed, and on from there; what was closed comes back as investigating.
    """
    cases.move(
        call.session, call.caller.brand_id, case_id, body.to, reason=body.reason, by=call.caller.actor, now=call.at
    )
    return Reply(told=_told(call, case_id))


@operation("POST", "/cases/{case_id}/alerts", scope="cases:write", params=(CASE,), tells={200: CaseTold},
           refuses=(NotFound, Conflict))  # fmt: skip
def add_alerts_to_case(call: Call, case_id: UUID, body: AlertsGiven) -> Reply:
    """
    Put alerts into a case.

    Those that are in it already stay.
    """
    _add(call, case_id, body.alerts)
    return Reply(told=_told(call, case_id))


@operation("DELETE", "/cases/{case_id}/alerts/{alert_id}", scope="cases:write", params=(CASE, ALERT),
           tells={204: None}, refuses=(NotFound, Conflict))  # fmt: skip
def remove_alert_from_case(call: Call, case_id: UUID, alert_id: UUID) -> Reply:
    """
    Take an alert out of a case.

    The alert stays what it is.
    """
    cases.remove_alert(
        call.session, call.caller.brand_id, case_id, alert_id, by=call.caller.actor, now=call.at
    )  # fmt: skip
    return Reply(status=204)


@operation("POST", "/cases/{case_id}/comments", scope="cases:write", params=(CASE,), tells={201: CaseTold},
           refuses=(BadInput, NotFound, Conflict))  # fmt: skip
def comment_on_case(call: Call, case_id: UUID, body: CommentGiven) -> Reply:
    """
    Write a comment in a case.

    It stands under the name of the key.
    """
    case_files.comment(
        call.session, call.caller.brand_id, case_id, body.text, id=call.rt.new_id(), by=call.caller.actor, now=call.at
    )
    return Reply(told=_told(call, case_id), status=201)


# --- Private ---------------------------------------------------------------------------------------------------------


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError(text)
    return int(text)


def _add(call: Call, case_id: UUID, alerts: tuple[UUID, ...]) -> None:
    cases.add_alerts(call.session, call.caller.brand_id, case_id, alerts, by=call.caller.actor, now=call.at)


def _members(row: Listed) -> dict[str, Any]:
    return {name: getattr(row, name) for name in CaseRow.model_fields}


def _told(call: Call, case_id: UUID, *, latest: int = LATEST) -> CaseTold:
    brand_id = call.caller.brand_id
    found = cases.get_case(call.session, brand_id, case_id)
    return CaseTold(
        **_members(found),
        contents=[
            AlertOfCase(id=a.id, rule=a.rule, subject=a.key, text=a.text, score=a.score, opened_at=a.opened_at,
                        is_open=a.is_open)
            for a in cases.list_alerts(call.session, brand_id, case_id)
        ],
        comments=[
            CommentTold(id=c.id, text=c.text, by=c.author, at=c.at)
            for c in case_files.list_comments(call.session, brand_id, case_id, latest=latest)
        ],
    )  # fmt: skip
