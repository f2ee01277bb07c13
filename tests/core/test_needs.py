"""The order of what needs somebody now: what raises the points of a thing, one at a time."""

from datetime import UTC, datetime, timedelta

import pytest

from authsvc.core import needs
from authsvc.core.alerts import Severity
from authsvc.core.needs import Stake

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def stake(**values):
    return Stake(**{"since": NOW, "now": NOW, **values})


def points(rule="away-from-its-owner", severity=Severity.MEDIUM, score=5.0, subject="item", **values):
    return needs.alert_points(rule, severity, score, subject, stake(**values))


@pytest.mark.parametrize(
    "more",
    [
        {"severity": Severity.HIGH},
        {"score": 9.0},
        {"subject": "lot"},
        {"rule": "signed-not-issued"},
        {"is_mine": True},
        {"has_woken": True},
        {"value": 5000.0},
        {"since": NOW - timedelta(days=2)},
    ],
)
def test_each_of_these_puts_an_alert_higher(more):
    assert points(**more) > points()


def test_nothing_grows_without_an_end():
    far = NOW - timedelta(days=900)

    assert points(score=1e9, value=1e12, since=far) < points(severity=Severity.HIGH, is_mine=True, has_woken=True)
    assert points(score=-5.0, value=0.5) == points(score=0.0)
    assert needs.report_points(10**6, stake()) == needs.report_points(15, stake())
    assert needs.case_points(10**6, 0, stake()) == needs.case_points(15, 0, stake())


def test_a_case_of_mine_goes_before_one_of_a_colleague_and_both_before_reports():
    mine, other = needs.case_points(1, 0, stake(is_mine=True)), needs.case_points(9, 0, stake())

    assert mine > other > needs.report_points(15, stake())
    assert needs.sighting_points(stake()) > needs.report_points(15, stake())
