"""Alerts: what the clone rules have found, and what is decided about it."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from authsvc import alert_lists, catalogue, triage
from authsvc.alert_lists import Asked, Listed
from authsvc.core import alerts, decisions
from authsvc.core.alerts import Severity
from authsvc.core.countries import NAMES
from authsvc.core.decisions import About, Choice
from authsvc.errors import BadFields, BadInput, Conflict, NotFound
from authsvc.investigations import Subject
from authsvc.models import Alert
from authsvc.web.api import pages
from authsvc.web.api.door import Call, Reply
from authsvc.web.api.operations import Param, operation
from authsvc.web.api.shapes import Given, Gtin, Moment, PageQuery, PageTold, Told, example, text

ALERT = Param(
    name="alert_id",
    text="The alert, as a list or a webhook names it.",
    pattern="[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    example="3f0c8a1e-5a0b-4c1d-9e2f-0a1b2c3d4e5f",
    format="uuid",
    read=UUID,
)


class ScorePartTold(Told):
    """One part of a score, in words."""

    rule: str
    weight: float
    text: str


class AlertRow(Told):
    """An alert."""

    model_config = example(
        {
            "id": "3f0c8a1e-5a0b-4c1d-9e2f-0a1b2c3d4e5f", "subject": "09506000134352.0XES7CJNVN09GQYH",
            "about": "item", "headline": "Twelve phones in four countries checked this code within nine days",
            "rule": "clone-evidence", "severity": "high", "how_sure": "20 times over the limit",
            "where": "Italy, Germany, France and 1 more", "score": 12.5,
            "choices": ["block", "warn", "false-alarm", "owner-error", "grey-market", "test"],
            "reasons": [{"rule": "more-visitors-than-usual", "weight": 12.5,
                         "text": "Twelve phones confirmed this code; you expect fewer than ten for one item"}],
            "opened_at": "2026-05-01T12:00:00Z", "closed_at": None,
        }
    )  # fmt: skip

    id: UUID
    subject: Annotated[str, Field(description="The key of the item; of a lot, run or network, its own.")]
    about: Annotated[About, Field(description="What kind of thing the alert is about.")]
    headline: Annotated[str, Field(description="What happened, in one sentence.")]
    rule: str
    severity: Literal["low", "medium", "high"]
    how_sure: Annotated[str, Field(description="What the severity means, in a few words.")]
    where: Annotated[str | None, Field(description="The countries that the evidence speaks of, the latest first.")]
    score: float
    reasons: Annotated[
        list[ScorePartTold], Field(description="The strongest first; their weights add up to the score.")
    ]
    choices: Annotated[list[Choice], Field(description="What an alert about such a thing may be decided as.")]
    opened_at: Moment
    closed_at: Moment | None


class AlertsTold(PageTold):
    """Alerts, the newest first."""

    alerts: list[AlertRow]


class DecisionTold(Told):
    """What was decided."""

    choice: str
    reason: str
    by: str
    at: Moment


class AlertTold(AlertRow):
    """An alert, and the decision in force."""

    model_config = example(
        {
            "id": "3f0c8a1e-5a0b-4c1d-9e2f-0a1b2c3d4e5f", "subject": "09506000134352.0XES7CJNVN09GQYH",
            "about": "item", "headline": "Twelve phones in four countries checked this code within nine days",
            "rule": "clone-evidence", "severity": "high", "how_sure": "20 times over the limit",
            "where": "Italy, Germany, France and 1 more", "score": 12.5, "reasons": [],
            "choices": ["block", "warn", "false-alarm", "owner-error", "grey-market", "test"],
            "opened_at": "2026-05-01T12:00:00Z", "closed_at": "2026-05-02T08:00:00Z",
            "decision": {"choice": "false-alarm", "reason": "Shown at a fair", "by": "ERP (7Q2M4K9X)",
                         "at": "2026-05-02T08:00:00Z"},
        }
    )  # fmt: skip

    decision: DecisionTold | None


class DecisionGiven(Given):
    """A decision: it closes the alert, and the clone rules hear of it."""

    model_config = example({"choice": "false-alarm", "reason": "Shown at a fair"})

    choice: Annotated[
        Literal["block", "warn", "confirmed", "false-alarm", "owner-error", "grey-market", "test"],
        Field(
            description="One of the `choices` of the alert. `block` also blocks the item; `warn` lets people who "
            "scan be warned; `confirmed` says of what is no item that the alert is right."
        ),
    ]
    reason: Annotated[str, text(2_000)]


class UndoGiven(Given):
    """Why a decision is taken back."""

    model_config = example({"reason": "The fair was another one"})

    reason: Annotated[str, text(2_000)]


class AlertsQuery(PageQuery):
    """Which alerts."""

    listed: Annotated[
        Literal["new", "team", "snoozed", "closed"],
        Field(description="Nobody has taken it; somebody works on it; it sleeps; it is closed.", examples=["new"]),
    ] = "new"
    gtin: Annotated[Gtin | None, Field(description="Of one product.", examples=["09506000134352"])] = None


@operation("GET", "/alerts", scope="alerts:read", tells={200: AlertsTold})
def list_alerts(call: Call, query: AlertsQuery) -> Reply:
    """List alerts."""
    after = pages.read(query.cursor, (str,))
    asked = Asked(listed=Listed(query.listed), gtin=query.gtin, after=after[0] if after else None)
    try:
        found = alert_lists.find(
            call.session, call.caller.brand_id, call.caller.id, asked, now=call.at, limit=query.limit
        )
    except BadInput:
        expected = "the `next` of a page of this list"
        raise BadFields(f"cursor must be {expected}.", [{"at": "query.cursor", "expected": expected}]) from None
    following = pages.spell([found.rows[-1].key]) if found.has_after else None
    rows = [_row(triage.get(call.session, call.caller.brand_id, row.id)) for row in found.rows]
    return Reply(told=AlertsTold(alerts=rows, next=following), headers=pages.link(following))


@operation("GET", "/alerts/{alert_id}", scope="alerts:read", params=(ALERT,), tells={200: AlertTold},
           refuses=(NotFound,))  # fmt: skip
def get_alert(call: Call, alert_id: UUID) -> Reply:
    """Show an alert."""
    return Reply(told=_told(call, triage.get(call.session, call.caller.brand_id, alert_id)))


@operation("POST", "/alerts/{alert_id}/decision", scope="alerts:write", params=(ALERT,), tells={200: AlertTold},
           refuses=(BadInput, NotFound, Conflict))  # fmt: skip
def decide_alert(call: Call, alert_id: UUID, body: DecisionGiven) -> Reply:
    """
    Decide an alert.

    It is closed, and the clone rules hear of it. What does not fit what the alert is about is refused.
    """
    alert = triage.get(call.session, call.caller.brand_id, alert_id)
    triage.decide(
        call.session, _subject(call, alert), alert_id, Choice(body.choice), reason=body.reason, by=call.caller.actor,
        id=call.rt.new_id(), now=call.at,
    )  # fmt: skip
    call.session.expire_all()
    return Reply(told=_told(call, triage.get(call.session, call.caller.brand_id, alert_id)))


@operation("POST", "/alerts/{alert_id}/undo", scope="alerts:write", params=(ALERT,), tells={200: AlertTold},
           refuses=(BadInput, NotFound, Conflict))  # fmt: skip
def undo_decision(call: Call, alert_id: UUID, body: UndoGiven) -> Reply:
    """
    Take a decision back.

    The alert is open again, and a blocked item is what it was, unless somebody has changed it since.
    """
    alert = triage.get(call.session, call.caller.brand_id, alert_id)
    triage.undo(call.session, _subject(call, alert), alert_id, reason=body.reason, by=call.caller.actor, now=call.at)
    call.session.expire_all()
    return Reply(told=_told(call, triage.get(call.session, call.caller.brand_id, alert_id)))


# --- Private ---------------------------------------------------------------------------------------------------------


def _subject(call: Call, alert: Alert) -> Subject:
    brand = catalogue.get_brand_by_id(call.session, call.caller.brand_id)
    return Subject.of_stored(call.rt.held, brand, alert.sgtin)


def _row(alert: Alert) -> AlertRow:
    return AlertRow(**_members(alert))


def _told(call: Call, alert: Alert) -> AlertTold:
    standing = triage.find_standing(call.session, alert)
    decision = None
    if standing is not None:
        decision = DecisionTold(choice=standing.choice, reason=standing.reason, by=standing.by, at=standing.at)
    return AlertTold(**_members(alert), decision=decision)


def _members(alert: Alert) -> dict[str, Any]:
    parts = [part for part in alerts.by_strength(alert.evidence) if part.get("text")]
    severity = Severity(alert.severity)
    kind = decisions.about(alert.sgtin, alert.rule)
    return {
        "id": alert.id,
        "about": kind,
        "headline": alerts.headline(alert.rule, alert.evidence, NAMES),
        "choices": [option.choice for option in decisions.offered(kind)],
        "subject": alert.sgtin,
        "rule": alert.rule,
        "severity": severity.word,
        "how_sure": alerts.sureness(alert.rule, severity, alert.evidence),
        "where": alerts.places(alert.evidence, NAMES) or None,
        "score": alert.score,
        "reasons": [
            ScorePartTold(
                rule=str(part.get("rule", "")), weight=float(part.get("weight", 0)), text=alerts.reason_of(part)
            )
            for part in parts
        ],
        "opened_at": alert.opened_at,
        "closed_at": alert.closed_at,
    }
