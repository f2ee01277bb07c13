import random
from dataclasses import replace

import pytest
from histories import CITIES, MADE, SOLD, copies, fact, history, sighting

from authsvc.core import clones
from authsvc.core.clones import FactKind, Network


def test_fifty_copies_in_ten_countries_are_flagged_by_the_ninth_visitor_and_stay_flagged():
    seen = (sighting(1000), *(replace(s, visitor=b"x" + s.visitor) for s in copies(50, start=20)))

    flagged = [
        n for n in range(1, 52) if clones.examine(history(*seen[:n], facts=(MADE, SOLD), has_lifecycle=True)).is_flagged
    ]

    assert flagged
    assert flagged[0] <= 9
    assert flagged == list(range(flagged[0], 52))


@pytest.mark.parametrize(("every", "has_lifecycle", "most"), [(2, True, 27), (3, False, 34), (0.25, False, 26)])
def test_a_crowd_of_which_each_looks_harmless_is_flagged_in_the_end(every, has_lifecycle, most):
    """In one city far away, and so evenly that no visitor is strange after the one before: only their number speaks."""
    seen = [sighting(n, 20 + every * n, place=CITIES[1]) for n in range(48)]

    def examined(number):
        return clones.examine(history(*seen[:number], facts=(MADE, SOLD), has_lifecycle=has_lifecycle))

    assert examined(most).is_flagged
    assert not examined(most - 2).is_flagged


def test_copies_are_found_by_scans_alone():
    assert clones.examine(history(*copies(20))).is_flagged


@pytest.mark.parametrize("facts", [(), (MADE, SOLD)])
def test_one_owner_with_forty_rescans_is_never_flagged(facts):
    """One visitor is one sighting, however often it comes back; with the cookie lost each month it is a few."""
    seen = [sighting(n, 31.0 * n) for n in range(2)]

    assert not clones.examine(history(seen[0], facts=facts, has_lifecycle=bool(facts))).is_flagged
    assert not clones.examine(history(*seen, facts=facts, has_lifecycle=bool(facts))).is_flagged


@pytest.mark.parametrize("days", [1, 3, 14])
@pytest.mark.parametrize("facts", [(), (MADE, SOLD)])
def test_a_flood_from_fifty_visitors_in_five_prefixes_is_no_copy(days, facts):
    rng = random.Random(days)
    times = sorted(rng.random() * days for _ in range(50))
    seen, last = [], {}
    for n, at in enumerate(times):
        prefix = n % 5
        is_evidence = at - last.get(prefix, -9.0) >= 1
        if is_evidence:
            last[prefix] = at
        seen.append(sighting(n, 30 + at, place=CITIES[prefix], is_evidence=is_evidence, prefix=bytes([prefix])))

    found = clones.examine(history(*seen[-clones.RECENT :], facts=facts, has_lifecycle=bool(facts)))

    assert not found.is_flagged


def test_a_household_on_one_afternoon_is_no_copy():
    assert not clones.examine(history(*(sighting(n, n / 200) for n in range(6)))).is_flagged


def test_a_crowd_of_one_weekend_is_no_copy():
    seen = [sighting(n, n / 30, network=Network.MOBILE, is_shared=True) for n in range(64)]

    assert not clones.examine(history(*seen)).is_flagged


def test_nothing_is_nothing():
    found = clones.examine(history())

    assert (found.score, found.parts, found.leading, found.is_flagged) == (0.0, (), None, False)
    assert clones.NOTHING.parts == ()


# --- Resolutions and contradictions


@pytest.mark.parametrize(
    "kind", [FactKind.FALSE_ALARM, FactKind.OWNER_ERROR, FactKind.PROVEN, FactKind.GREY_MARKET, FactKind.TEST]
)
def test_a_resolution_explains_all_evidence_before_it(kind):
    seen = copies(12)
    assert clones.examine(history(*seen)).is_flagged

    found = clones.examine(history(*seen, facts=(fact(kind, 100),)))

    assert (found.score, found.parts) == (0.0, ())


def test_new_evidence_after_a_false_alarm_must_make_up_for_it_and_can():
    seen = copies(40)
    explained = (fact(FactKind.FALSE_ALARM, 90),)
    scores = [clones.examine(history(*seen[:n], facts=explained)) for n in range(16, 41)]

    assert not scores[0].is_flagged
    assert scores[-1].is_flagged
    assert scores[-1].score < clones.examine(history(*seen)).score
    assert "usual-explanations" in [part.rule for part in scores[-1].parts]


def test_a_confirmed_clone_stays_flagged():
    for facts in [(), (fact(FactKind.PROVEN, 50),)]:
        found = clones.examine(history(sighting(0), facts=(fact(FactKind.CONFIRMED_CLONE, 1), *facts)))

        assert found.is_flagged
        assert found.leading.rule == "confirmed-clone"


def test_a_claim_code_used_again_and_a_visitor_after_the_item_was_gone_are_evidence():
    twice = (fact(FactKind.CLAIMED, 0), fact(FactKind.CLAIMED, 1))
    gone = (fact(FactKind.GONE, 0),)

    assert clones.examine(history(facts=twice)).leading.rule == "claim-code-used-again"
    assert clones.examine(history(sighting(0, 1), facts=gone)).leading.rule == "seen-though-gone"
    assert clones.examine(history(sighting(0, -1), facts=gone)).leading.rule != "seen-though-gone"
