"""
What needs somebody now, put in order: how many points each thing has that waits, and for what.

Points are a rule of thumb and no probability: how bad it is, by severity and score; what is at stake, by the value of
the item and by how many items it is about; and whose it is. Somebody who has taken a thing on finds it on top, then
what was put up to a higher place, then what nobody has looked at.
"""

import math
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from authsvc.core.alerts import CERTAIN, Severity

MINE, WOKEN, FINDING_IS_CERTAIN = 30.0, 12.0, 8.0
ESCALATED, SIGHTING, REPORT = 55.0, 48.0, 30.0
_OF_SEVERITY = {Severity.HIGH: 45.0, Severity.MEDIUM: 28.0, Severity.LOW: 14.0}
_OF_SUBJECT = {"run": 10.0, "lot": 8.0, "network": 4.0, "shop": 4.0}
_MOST_OF_SCORE, _MOST_OF_VALUE, _MOST_OF_AGE, _MOST_OF_CROWD = 10.0, 10.0, 6.0, 15.0


class Kind(StrEnum):
    """What waits."""

    ALERT = "alert"
    CASE = "case"
    SIGHTING = "sighting"
    REPORTS = "reports"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stake:
    """What one thing is about, as far as it decides how soon somebody should look."""

    is_mine: bool = False
    has_woken: bool = False
    value: float | None = None
    since: datetime
    now: datetime


def alert_points(rule: str, severity: Severity, score: float, subject: str, stake: Stake) -> float:
    """Return the points of an open alert."""
    points = _OF_SEVERITY[severity] + min(max(score, 0.0) / 2, _MOST_OF_SCORE) + _OF_SUBJECT.get(subject, 0.0)
    if rule in CERTAIN:
        points += FINDING_IS_CERTAIN
    return points + _common(stake)


def case_points(alerts: int, reports: int, stake: Stake) -> float:
    """Return the points of an escalated case."""
    return ESCALATED + min(alerts + reports, _MOST_OF_CROWD) + _common(stake)


def sighting_points(stake: Stake) -> float:
    """Return the points of a stolen or lost item that was scanned since."""
    return SIGHTING + _common(stake)


def report_points(waiting: int, stake: Stake) -> float:
    """Return the points of reports that nobody has looked at, all of them together."""
    return REPORT + min(float(waiting), _MOST_OF_CROWD) + _common(stake)


def _common(stake: Stake) -> float:
    points = (MINE if stake.is_mine else 0.0) + (WOKEN if stake.has_woken else 0.0)
    if stake.value is not None and stake.value > 1:
        # A hundred times the worth is as much as one step of severity, at the most.
        points += min(2.5 * math.log10(stake.value), _MOST_OF_VALUE)
    # What waits longer goes up a little, so that nothing stays at the foot for ever.
    return points + min(max((stake.now - stake.since).total_seconds() / 86_400, 0.0), _MOST_OF_AGE)
