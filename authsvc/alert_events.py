"""
Events of alerts in words: what happened, how sure, where, the strongest reasons, and what somebody has decided.

The trigger that stores an event knows the facts of an alert; sentences are made here, once, before the event is spread,
so that every delivery of it and its mail have the same. An event that is worded keeps its words.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from authsvc import triage
from authsvc.core import alerts, decisions
from authsvc.core.alerts import Severity
from authsvc.core.countries import NAMES
from authsvc.models import Alert
from authsvc.triage import Standing

KINDS = ("alert.opened", "alert.closed", "alert.reopened")

# Whoever comes second changes nothing: a severity may have risen meanwhile, and a delivery may be on its way.
_WORD = text(
    "UPDATE events SET data = data || cast(:words AS jsonb) WHERE id = :id AND NOT jsonb_exists(data, 'headline')"
)


def word(session: Session, event_id: UUID, brand_id: UUID, alert_id: str | None, at: datetime) -> None:
    """Add the words of an alert to its event; where the alert is not known, the event stays as it is."""
    try:
        number = UUID(alert_id or "")
    except ValueError:
        return  # An event that a program beside ours has emitted.
    alert = session.scalar(select(Alert).where(Alert.brand_id == brand_id, Alert.id == number))
    if alert is None:
        return
    told = words(alert.sgtin, alert.rule, Severity(alert.severity), alert.evidence)
    told["decision"] = _decision(triage.find_standing(session, alert), at)
    session.execute(_WORD, {"id": event_id, "words": Jsonb(told)})


def words(key: str, rule: str, severity: Severity, evidence: Mapping[str, Any]) -> dict[str, Any]:
    """Return the words of an alert, by the names that they have in its events."""
    return {
        "about": decisions.about(key, rule).value,
        "headline": alerts.headline(rule, evidence, NAMES),
        "severity": severity.word,
        "how_sure": alerts.sureness(rule, severity, evidence),
        "where": alerts.places(evidence, NAMES) or None,
        "strongest": [
            {"rule": part.get("rule"), "weight": part.get("weight"), "text": alerts.reason_of(part)}
            for part in alerts.strongest(evidence)
        ],
    }


# --- Private ---------------------------------------------------------------------------------------------------------


def _decision(standing: Standing | None, at: datetime) -> dict[str, str] | None:
    """Tell the decision by which an alert was closed *at* a moment; who took it is in the log, and in the API."""
    if standing is None or standing.at != at:
        return None
    return {"choice": standing.choice, "reason": standing.reason}
