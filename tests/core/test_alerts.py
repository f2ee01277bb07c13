"""Alerts in words: what is known is said, and what is not known is left out."""

from datetime import UTC, datetime, timedelta

import pytest

from authsvc.core import alerts
from authsvc.core.alerts import Severity, find_leap, headline, severity, span
from authsvc.core.clones.rules import RULES

NAMES = {"IT": "Italy", "VN": "Vietnam", "US": "United States", "FR": "France", "DE": "Germany", "JP": "Japan"}
ITALY, VIETNAM, FRANCE = ("IT", 45.5, 9.2, 100.0), ("VN", 10.8, 106.7, 300.0), ("FR", 48.9, 2.3, 100.0)
START = datetime(2026, 11, 1, 8, tzinfo=UTC)


def seen(place, hours, *, is_confirmed=True):
    country, latitude, longitude, radius = place
    return {
        "visitor": f"{hours}", "first_at": (START + timedelta(hours=hours)).isoformat(), "is_confirmed": is_confirmed,
        "country": country, "latitude": latitude, "longitude": longitude, "radius_km": radius, "network": "mobile",
    }  # fmt: skip


def nowhere(country, hours):
    return seen((country, None, None, None), hours)


def fact(kind, hours=-10, **values):
    return {"kind": kind, "at": (START + timedelta(hours=hours)).isoformat(), **values}


@pytest.mark.parametrize(
    ("rule", "evidence", "said"),
    [
        ("new-visitors-in-other-places", {"sightings": [seen(ITALY, 0), seen(VIETNAM, 3.2)]},
         "The same serial was scanned in Italy and Vietnam, 3 h 12 min apart"),
        ("new-visitors-in-other-places", {"sightings": [nowhere("IT", 0), nowhere("US", 0.5)]},
         "The same serial was scanned in Italy and the United States, 30 min apart"),
        ("more-new-visitors-than-its-like", {"sightings": [seen(ITALY, 0), seen(VIETNAM, 3.2)]},
         "The same serial was scanned in Italy and Vietnam, 3 h 12 min apart"),
        ("more-new-visitors-than-its-like", {"sightings": [seen(ITALY, 0), seen(FRANCE, 48)]},
         "Two phones in two countries checked this code within two days"),
        ("more-new-visitors-than-its-like",
         {"sightings": [seen(ITALY, 0), seen(ITALY, 1), seen(ITALY, 2, is_confirmed=False)]},
         "Two phones checked this code within 60 minutes"),
        ("more-new-visitors-than-its-like", {"sightings": [seen(ITALY, 20 * n) for n in range(13)]},
         "13 phones checked this code within ten days"),
        ("new-visitors-in-other-places", {"sightings": [seen(ITALY, 0), seen(FRANCE, 200), seen(ITALY, 210)]},
         "Three phones in two countries checked this code within nine days"),
        ("kinds-of-network", {"sightings": [seen(ITALY, 200 * n) for n in range(11)]},
         "Eleven phones checked this code within 84 days"),
        ("more-new-visitors-than-its-like", {"parts": [{"rule": "x", "weight": 1, "text": "people came"}]},
         "People came"),
        ("more-new-visitors-than-its-like", {}, "More new people than usual"),
        ("more-visitors-than-usual", {"sightings": [nowhere(None, 0), nowhere(None, 1)]},
         "Two phones checked this code within 60 minutes, more than you allow for one item"),
        ("more-visitors-than-usual", {}, "More people than the brand allows"),
        ("new-visitors-in-other-places", {"sightings": [nowhere(None, 0), nowhere(None, 1)]},
         "Two phones checked this code within 60 minutes"),
        ("outside-its-market", {"sightings": [nowhere("IT", 0), nowhere("FR", 9)],
                                "facts": [fact("commissioned", markets=["DE", "JP"])]},
         "Scanned in Italy and France, but made for Germany, Japan"),
        ("outside-its-market", {"sightings": [nowhere("IT", 0)],
                                "facts": [fact("commissioned", markets=["DE", "JP", "FR", "US"])]},
         "Scanned in Italy, but made for Germany, Japan, France and other markets"),
        ("outside-its-market", {"sightings": [nowhere("DE", 0)], "facts": [fact("commissioned", markets=["DE"])]},
         "Outside its market"),
        ("outside-its-market", {"sightings": [nowhere("IT", 0)], "facts": [fact("commissioned")]},
         "Outside its market"),
        ("away-from-its-owner", {"sightings": [nowhere("VN", 0)], "facts": [fact("registered", country="IT")]},
         "Scanned in Vietnam, while its owner is registered in Italy"),
        ("away-from-its-owner", {"sightings": [nowhere("VN", 0)], "facts": [fact("registered")]},
         "Away from its owner"),
        ("away-from-its-owner", {"sightings": [nowhere("IT", 0)], "facts": [fact("registered", country="IT")]},
         "Away from its owner"),
        ("away-from-its-owner", {"sightings": [nowhere("VN", 0)]}, "Away from its owner"),
        # Newest first, as they are stored where no network is known by its number; Germany was the owner's before.
        ("away-from-its-owner", {"sightings": [nowhere("VN", 9), nowhere("US", 8), nowhere("DE", -40)],
                                 "facts": [fact("registered", -50, country="DE"), fact("transferred", country="IT")]},
         "Scanned in Vietnam, while its owner is registered in Italy"),
        ("away-from-its-owner", {"sightings": [nowhere("DE", -40)], "facts": [fact("transferred", country="IT")]},
         "Away from its owner"),
        ("outside-its-market", {"sightings": [nowhere("VN", 9), nowhere("US", 8), nowhere("FR", 0)],
                                "facts": [fact("commissioned", markets=["DE"])]},
         "Scanned in the United States and Vietnam, but made for Germany"),
        ("out-of-step-with-its-life", {"sightings": [nowhere("VN", 0)], "facts": [fact("commissioned", 5)]},
         "The serial was scanned before the item was commissioned"),
        ("out-of-step-with-its-life", {"sightings": [nowhere("VN", 0)], "facts": [fact("sold", -1)]},
         "One phone checked this code after the item was sold"),
        ("out-of-step-with-its-life", {"sightings": [nowhere("VN", 0), nowhere("VN", 1)], "facts": [fact("sold", -1)]},
         "Two phones checked this code after the item was sold"),
        ("out-of-step-with-its-life", {"sightings": [nowhere("VN", 0), nowhere("IT", 1)]},
         "The same serial was scanned in Vietnam and Italy, 1 h apart"),
        ("kinds-of-network", {"parts": [{"rule": "seen-though-gone", "weight": 4, "text": "x"}]},
         "The item was reported gone, and people scan it again"),
        ("receipt-copied", {"visitors": 21}, "One result page was opened from 21 different networks"),
        ("receipt-copied", {}, "A copied result page"),
        ("lot-in-a-far-place", {"parts": [{"rule": "far-place", "weight": 9, "text": "30 items of lot L1 appeared"}]},
         "30 items of lot L1 appeared"),
        ("lot-in-a-far-place",
         {"parts": [{"rule": "far-place", "weight": 9, "text": "30 items appeared; 2.0 would be usual"}]},
         "30 items appeared"),
        ("very-many-visitors",
         {"parts": [{"rule": "x", "weight": 9, "text": "Five phones came. What counts most: the last"}]},
         "Five phones came"),
        ("a-rule-of-tomorrow", {}, "A rule of tomorrow"),
    ],
)  # fmt: skip
def test_a_headline_says_what_is_known(rule, evidence, said):
    assert headline(rule, evidence, NAMES) == said


@pytest.mark.parametrize("rule", sorted(alerts.CERTAIN))
def test_what_has_no_everyday_explanation_has_a_sentence_of_its_own(rule):
    assert headline(rule, {"sightings": [seen(ITALY, 0), seen(VIETNAM, 1)]}, NAMES).count(" ") > 5


def test_every_rule_has_a_heading():
    assert {rule.name for rule in RULES} <= alerts.TITLES.keys()


def test_the_leap_is_the_one_that_nobody_can_have_made():
    leap = find_leap({"sightings": [seen(VIETNAM, 24), seen(ITALY, 0), seen(FRANCE, 0.1), seen(ITALY, 22)]})

    assert (leap.before["country"], leap.after["country"]) == ("IT", "VN")
    assert leap.least_kmh == pytest.approx((9735 - 400) / 2, rel=0.01)


@pytest.mark.parametrize("sightings", [[], [seen(ITALY, 0)], [seen(ITALY, 0), seen(ITALY, 1)],
                                       [seen(ITALY, 0), seen(VIETNAM, 1, is_confirmed=False)]])  # fmt: skip
def test_without_two_confirmed_places_there_is_no_leap(sightings):
    assert find_leap({"sightings": sightings}) is None


def test_circles_that_touch_need_no_speed():
    near = [("IT", 45.5, 9.2, 400.0), ("FR", 45.8, 4.8, 400.0)]

    assert find_leap({"sightings": [seen(near[0], 0), seen(near[1], 0)]}).least_kmh == 0


@pytest.mark.parametrize(
    ("rule", "score", "evidence", "expected"),
    [
        ("x", 6.0, {"threshold": 6.0}, Severity.LOW),
        ("x", 7.0, {"threshold": 6.0}, Severity.MEDIUM),
        ("x", 9.0, {"threshold": 6.0}, Severity.HIGH),
        ("x", 99.0, {}, Severity.MEDIUM),
        ("x", 6.0, {"threshold": 6.0, "parts": [{"rule": "claim-code-used-again"}]}, Severity.HIGH),
        ("signed-not-issued", 1.0, {}, Severity.HIGH),
        ("more-visitors-than-usual", 1.4, {"threshold": 1.0}, Severity.LOW),
        ("more-visitors-than-usual", 1.5, {"threshold": 1.0}, Severity.MEDIUM),
        ("more-visitors-than-usual", 3.0, {"threshold": 1.0}, Severity.HIGH),
    ],
)
def test_severity(rule, score, evidence, expected):
    assert severity(rule, score, evidence) is expected
    assert expected.word == expected.name.lower()


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (0.2, "less than a minute"),
        (40, "40 min"),
        (60, "1 h"),
        (192, "3 h 12 min"),
        (47 * 60, "47 h"),
        (7200, "5 days"),
    ],
)
def test_spans(minutes, said):
    assert span(timedelta(minutes=minutes)) == said
