"""Why an alert was raised: three reasons at the top, and what is shown adds up."""

import pytest

from authsvc.core.alerts import CERTAIN, Severity, sureness
from authsvc.web.console.alert_reasons import reasons
from authsvc.web.console.alert_words import places

PARTS = [("kinds-of-network", -0.44), ("outside-its-market", 1.26), ("away-from-its-owner", 2.04),
         ("more-new-visitors-than-its-like", 4.31), ("new-visitors-in-other-places", 0.25)]  # fmt: skip


def evidence(parts, **values):
    return {"parts": [{"rule": rule, "weight": weight, "text": "x came"} for rule, weight in parts], **values}


def test_the_three_strongest_stand_first_and_everything_adds_up():
    found = reasons("more-new-visitors-than-its-like", evidence(PARTS, threshold=5.3, target_rate=0.001), 7.42)

    assert [part.points for part in found.top] == [4.3, 2, 1.3]
    assert [part.text for part in found.top] == ["X came"] * 3
    assert [part.points for part in found.others] == [0.2, -0.4]
    assert found.others_named == "Two smaller reasons together"
    assert found.rest == -0.2
    assert found.total == pytest.approx(sum(part.points for part in found.top) + found.rest)
    assert found.limit == (
        "People are warned from 5.3 points: so high that about one in 1,000 genuine items ever gets there."
    )


def test_what_speaks_against_a_copy_is_no_reason_for_the_alert():
    found = reasons("kinds-of-network", evidence(PARTS[:2], threshold=0.5), 0.8)

    assert [part.points for part in found.top] == [1.3]
    assert (found.rest, found.total, found.others_named) == (-0.4, 0.9, "One smaller reason")
    assert found.limit == "People are warned from 0.5 points."


def test_a_number_that_the_brand_allows_is_no_share_of_genuine_items():
    rule = "more-visitors-than-usual"
    found = reasons(rule, evidence([(rule, 1.5)], threshold=1.0, target_rate=0.001), 1.5)

    assert found.limit == "People are warned from 1 on."


@pytest.mark.parametrize(
    ("rule", "name"),
    [("shop-reported", "People who reported"), ("more-visitors-than-usual", "Times what you allow"),
     ("lot-in-a-far-place", "Risk score")],
)  # fmt: skip
def test_what_is_counted_is_named(rule, name):
    found = reasons(rule, evidence([(rule, 3.0)]), 3.0)

    assert (found.total_name, found.total, found.others) == (name, 3, ())
    assert found.meaning


def test_an_alert_without_parts_says_why_one_finding_is_enough():
    assert "signing key" in reasons("signed-not-issued", {}, 1.0).sentence
    assert "printed" in reasons("receipt-copied", {"visitors": 21}, 1.0).sentence
    assert reasons("a-rule-of-tomorrow", {}, 1.0).sentence is None


@pytest.mark.parametrize(
    ("rule", "level", "known", "said"),
    [
        ("kinds-of-network", Severity.HIGH, {"threshold": 5.0}, "20 times over the limit"),
        ("kinds-of-network", Severity.LOW, {"threshold": 5.0}, "just over the limit"),
        ("more-visitors-than-usual", Severity.MEDIUM, {"threshold": 1.0}, "half over what you allow"),
        ("lot-in-a-far-place", Severity.MEDIUM, {}, "far from usual"),
        ("shop-reported", Severity.MEDIUM, {}, "as people say"),
        ("kinds-of-network", Severity.HIGH, {"threshold": 5.0, "parts": [{"rule": min(CERTAIN)}]},
         "no everyday explanation"),
        ("signed-not-issued", Severity.HIGH, {}, "no everyday explanation"),
    ],
)  # fmt: skip
def test_a_severity_is_told_in_words(rule, level, known, said):
    assert sureness(rule, level, known) == said


def test_places_are_named_once_the_last_one_first():
    seen = [{"country": country, "first_at": f"2026-11-0{n}"} for n, country in enumerate(("IT", "VN", "IT", None))]

    assert places({"sightings": seen, "country": "PL"}) == "Italy, Vietnam, Poland"
    assert places({}) == ""
