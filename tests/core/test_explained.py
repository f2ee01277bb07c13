"""Explained evidence: what a resolution or a proof has found harmless, no rule brings up again."""

from datetime import UTC, datetime, timedelta

import pytest

from authsvc.core.clones import Fact, FactKind, History, Sighting, examine

START = datetime(2026, 3, 1, tzinfo=UTC)


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def rules(*facts: Fact, days=range(3), **values) -> set[str]:
    seen = tuple(Sighting(visitor=bytes([n]), prefix=bytes([n]), first_at=day(n), is_confirmed=True) for n in days)
    return {part.rule for part in examine(History(sightings=seen, facts=facts, **values)).parts}


def fact(kind: FactKind, at: float) -> Fact:
    return Fact(kind=kind, at=day(at))


def test_a_claim_code_used_twice_is_evidence_until_it_is_explained():
    twice = fact(FactKind.CLAIMED, 1), fact(FactKind.CLAIMED, 2)

    assert "claim-code-used-again" not in rules(twice[0])
    assert "claim-code-used-again" in rules(*twice)
    assert "claim-code-used-again" not in rules(*twice, fact(FactKind.OWNER_ERROR, 3))
    assert "claim-code-used-again" in rules(*twice, fact(FactKind.OWNER_ERROR, 3), fact(FactKind.CLAIMED, 4))


def test_a_visitor_of_a_gone_item_is_evidence_until_it_is_explained():
    gone = fact(FactKind.GONE, 1.5)

    assert "seen-though-gone" in rules(gone)
    assert "seen-though-gone" not in rules(gone, fact(FactKind.FALSE_ALARM, 2.5))
    assert "seen-though-gone" in rules(gone, fact(FactKind.FALSE_ALARM, 2.5), days=range(5))


@pytest.mark.parametrize("kind", [FactKind.PROVEN, FactKind.GREY_MARKET, FactKind.TEST], ids=str)
def test_a_hard_limit_counts_the_visitors_since_the_last_explanation(kind):
    assert "more-visitors-than-usual" in rules(copy_threshold=3)
    assert "more-visitors-than-usual" not in rules(fact(kind, 2.5), copy_threshold=3)
    assert "more-visitors-than-usual" in rules(fact(kind, 2.5), copy_threshold=3, days=range(6))
