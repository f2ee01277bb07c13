import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authsvc.core import clones
from authsvc.core.clones import Bustle, Fact, FactKind, History, Network, Place, Sighting, base_rates, courses, weights

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
MILAN, ROME = Place("IT", 45.5, 9.2, 20.0), Place("IT", 41.9, 12.5, 20.0)
HANOI, SAIGON = Place("VN", 21.0, 105.9, 20.0), Place("VN", 10.8, 106.7, 20.0)
CITIES = (
    MILAN,
    HANOI,
    Place("US", 40.7, -74.0, 20.0),
    Place("FR", 48.9, 2.4, 20.0),
    Place("CN", 31.2, 121.5, 20.0),
    Place("ZA", -26.2, 28.0, 20.0),
    Place("BR", -23.6, -46.6, 20.0),
    Place("JP", 35.7, 139.7, 20.0),
    Place("TR", 41.0, 29.0, 20.0),
    Place("NZ", -36.8, 174.8, 20.0),
)


def sighting(number, days=0.0, **values):
    return Sighting(
        **{
            "visitor": number.to_bytes(2, "big"),
            "first_at": NOW + timedelta(days=days),
            "is_confirmed": True,
            "network": Network.FIXED,
            "place": MILAN,
            **values,
        }
    )


def history(*sightings, **values):
    return History(sightings=sightings, **values)


def fact(kind, days, **values):
    return Fact(kind=kind, at=NOW + timedelta(days=days), **values)


def copies(number, every=6.0, start=0.0):
    """Fakes sold in ten countries: a new visitor every few days, somewhere else each time."""
    return tuple(sighting(n, start + every * n, place=CITIES[n % len(CITIES)]) for n in range(number))


MADE = fact(FactKind.COMMISSIONED, -90, markets=frozenset({"IT"}))
SOLD = fact(FactKind.SOLD, -20)


# --- What is found and what is not ------------------------------------------------------------------------------------


def test_a_genuine_item_and_fifty_copies_in_ten_countries_are_flagged_by_the_fifth_context():
    seen = (sighting(1000), *(replace(s, visitor=b"x" + s.visitor) for s in copies(50, start=20)))

    flagged = [
        n for n in range(1, 52) if clones.examine(history(*seen[:n], facts=(MADE, SOLD), has_lifecycle=True)).is_flagged
    ]

    assert flagged
    assert flagged[0] <= 6
    assert flagged == list(range(flagged[0], 52))


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


# --- What must make no difference -------------------------------------------------------------------------------------

HOURS = st.integers(0, 4_000)
SIGHTINGS = st.lists(
    st.builds(
        lambda hours, place, network, shared: {
            "days": hours / 24,
            "place": place,
            "network": network,
            "is_shared": shared,
        },
        HOURS,
        st.sampled_from([*CITIES, clones.UNKNOWN_PLACE, Place("IT")]),
        st.sampled_from(Network),
        st.booleans(),
    ),
    max_size=20,
).map(lambda rows: tuple(sighting(n, **row) for n, row in enumerate(rows)))


@settings(max_examples=60, deadline=None)
@given(SIGHTINGS, st.randoms(use_true_random=False))
def test_order_of_telling_makes_no_difference(seen, rng):
    shuffled = list(seen)
    rng.shuffle(shuffled)

    assert clones.examine(history(*shuffled)).score == pytest.approx(clones.examine(history(*seen)).score)


@settings(max_examples=40, deadline=None)
@given(SIGHTINGS)
def test_names_of_visitors_make_no_difference(seen):
    renamed = tuple(replace(s, visitor=bytes(reversed(s.visitor)) + b"!") for s in seen)

    assert clones.examine(history(*renamed)).score == clones.examine(history(*seen)).score


@settings(max_examples=40, deadline=None)
@given(SIGHTINGS, SIGHTINGS)
def test_what_is_unconfirmed_or_no_evidence_makes_no_difference(seen, others):
    silent = [replace(s, is_confirmed=False) for s in others[::2]]
    silent += [replace(s, is_evidence=False) for s in others[1::2]]

    assert clones.examine(history(*silent, *seen)).score == clones.examine(history(*seen)).score


@settings(max_examples=40, deadline=None)
@given(SIGHTINGS)
def test_the_score_never_falls_while_the_same_explanation_holds(seen):
    """More evidence leaves the highest score that there was, until a busy life may explain it."""
    apart = {s.first_at: s for s in seen}  # Of two at the same moment, either may be told first.
    seen = [apart[at] for at in sorted(apart)][: clones.examining.BUSY_FROM - 1]
    scores = [clones.examine(history(*seen[:n])).score for n in range(len(seen) + 1)]

    assert scores == sorted(scores)


@settings(max_examples=60, deadline=None)
@given(SIGHTINGS, st.booleans())
def test_the_parts_add_up_and_can_be_read(seen, has_lifecycle):
    found = clones.examine(history(*seen, facts=(MADE, SOLD), has_lifecycle=has_lifecycle))

    assert sum(part.weight for part in found.parts) == pytest.approx(found.score)
    assert all(part.text and part.text == part.text.strip() for part in found.parts)


def test_a_later_history_retells_its_beginning():
    seen = copies(20)
    short, long = courses.retell(history(*seen[:9])), courses.retell(history(*seen))

    assert all(long.positions[name][:9] == positions for name, positions in short.positions.items())


def test_every_position_is_inside_its_table():
    facts = [fact(kind, 10 * n, visitor=b"o", place=MILAN) for n, kind in enumerate(FactKind)]
    course = courses.retell(history(*copies(64, every=20), facts=tuple(facts), has_lifecycle=True, bustle=Bustle.BUSY))

    for name, positions in course.positions.items():
        assert len(positions) == 64
        assert all(0 <= position < len(weights.LIFECYCLE.ordinary[name]) for position in positions)


# --- Places -----------------------------------------------------------------------------------------------------------


def speeds(*seen):
    course = courses.retell(history(*seen))
    return course.positions["speed"]


def test_a_place_is_a_circle_and_never_a_point():
    near = [sighting(0, network=Network.MOBILE), sighting(1, 0.1, place=ROME, network=Network.MOBILE)]

    assert speeds(*near) == [0, 1]


def test_a_way_too_far_for_its_time_is_noticed():
    slow, fast = speeds(sighting(0), sighting(1, 30, place=HANOI)), speeds(sighting(0), sighting(1, 0.1, place=HANOI))

    assert slow[1] < fast[1] == courses.SPEEDS - 1


def test_the_date_line_is_no_way_at_all():
    west, east = Place("FJ", -17.0, 179.9, 20.0), Place("FJ", -17.0, -179.9, 20.0)

    assert speeds(sighting(0, place=west), sighting(1, 0.1, place=east)) == [0, 1]


def test_a_wide_circle_covers_the_way():
    wide = replace(HANOI, radius_km=10_000.0)

    assert speeds(sighting(0), sighting(1, 0.1, place=wide)) == [0, 1]


def test_relays_and_data_centres_are_nowhere():
    course = courses.retell(
        history(
            sighting(0),
            sighting(1, 1, place=HANOI, network=Network.RELAY),
            sighting(2, 2, place=SAIGON, network=Network.DATACENTRE),
        )
    )

    assert course.positions["speed"] == [0, 0, 0]
    assert [course.circumstance("country", n, 0) for n in range(3)] == [
        courses.FIRST_COUNTRY,
        courses.UNPLACED,
        courses.UNPLACED,
    ]


def test_home_is_the_country_of_most_visitors():
    places = [MILAN, HANOI, SAIGON, MILAN, Place("FR")]
    course = courses.retell(history(*(sighting(n, n, place=place) for n, place in enumerate(places))))

    kinds = [course.circumstance("country", n, 0) for n in range(5)]
    assert kinds == [courses.FIRST_COUNTRY, courses.NEW, courses.KNOWN, courses.KNOWN, courses.NEW]


# --- The life of the item ---------------------------------------------------------------------------------------------


def stations(*facts, number=5, every=10):
    seen = [sighting(n, every * n, place=HANOI) for n in range(number)]
    course = courses.retell(history(*seen, facts=facts, has_lifecycle=True))
    return course, [course.circumstance("life", n, 1) for n in range(number)]


def test_a_fact_speaks_from_its_own_moment_on():
    _, found = stations(fact(FactKind.COMMISSIONED, 5), fact(FactKind.SOLD, 20), fact(FactKind.REGISTERED, 25))

    assert found == [courses.UNMADE, courses.MADE, courses.SOLD, courses.REGISTERED, courses.REGISTERED]


def test_a_claim_and_a_transfer_are_stations_and_the_first_registration_counts():
    owner, other = fact(FactKind.REGISTERED, 5, visitor=b"a", place=MILAN), fact(FactKind.REGISTERED, 6, visitor=b"b")
    course, found = stations(
        owner, other, fact(FactKind.CLAIMED, 15), fact(FactKind.TRANSFERRED, 25, visitor=b"\0\3", place=HANOI)
    )

    assert found == [courses.UNMADE, courses.REGISTERED, courses.CLAIMED, courses.TRANSFERRED, courses.TRANSFERRED]
    assert [course.circumstance("owner", n, 0) for n in range(5)] == [
        courses.NO_OWNER,
        courses.ELSEWHERE,
        courses.ELSEWHERE,
        courses.OWNER,
        courses.OWNERS_COUNTRY,
    ]


def test_an_offered_transfer_explains_a_stranger():
    owner = fact(FactKind.REGISTERED, -1, visitor=b"a", place=MILAN)
    course, _ = stations(owner, fact(FactKind.OFFERED, 8), number=4)

    assert [course.circumstance("owner", n, 0) for n in range(4)] == [
        courses.ELSEWHERE,
        courses.SOMEWHERE,
        courses.SOMEWHERE,
        courses.ELSEWHERE,
    ]


def test_markets_are_judged_until_an_analyst_says_grey_market():
    course, _ = stations(MADE, fact(FactKind.GREY_MARKET, 15), fact(FactKind.COMMISSIONED, 25, markets=frozenset()))

    assert [course.circumstance("market", n, 0) for n in range(5)] == [courses.OUTSIDE] * 2 + [
        courses.UNKNOWN_MARKET
    ] * 3


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


# --- Sentences --------------------------------------------------------------------------------------------------------


def sentences(*seen, **values):
    return {part.rule: part.text for part in clones.examine(history(*seen, **values)).parts}


def test_sentences_name_what_an_analyst_looks_for():
    owner = fact(FactKind.REGISTERED, -10, visitor=b"o", place=MILAN)
    told = sentences(*copies(12), facts=(MADE, SOLD, owner), has_lifecycle=True)

    assert "different visitors confirmed this code" in told["more-new-visitors-than-its-like"]
    assert "countries: " in told["new-visitors-in-other-places"]
    assert "outside the markets of the item, the latest in" in told["outside-its-market"]
    assert "since the sale or registration" in told["out-of-step-with-its-life"]
    assert "away from the registered owner, the latest in" in told["away-from-its-owner"]
    assert "over a fixed line" in told["kinds-of-network"]


def test_sentences_say_so_when_there_is_nothing_to_find():
    seen = [sighting(n, 20 * n) for n in range(8)]
    told = sentences(*seen, facts=(MADE,), has_lifecycle=True)

    assert told["new-visitors-in-other-places"] == "all new visitors whose place is known are in IT"
    assert told["outside-its-market"] == "no visitor is known to be outside the markets of the item"
    assert told["away-from-its-owner"] == "no new visitor is known to be away from a registered owner"
    assert told["out-of-step-with-its-life"].endswith("with no sale on record")


def test_sentences_know_hours_and_unknown_places():
    nowhere = [sighting(n, n * 1.5, place=clones.UNKNOWN_PLACE) for n in range(12)]
    abroad = [sighting(0), sighting(1, 0.05, place=HANOI), *(sighting(n, 20 * n) for n in range(2, 12))]

    assert sentences(*nowhere)["new-visitors-in-other-places"] == "no place is known"
    assert sentences(*abroad)["new-visitors-in-other-places"]


def test_every_rule_has_a_name_of_its_own_a_docstring_and_every_table_a_rule():
    names = [rule.name for rule in clones.RULES]

    assert len(set(names)) == len(names)
    assert all(rule.tell.__doc__ for rule in clones.RULES)
    assert sorted(table for rule in clones.RULES for table in rule.tables) == sorted(courses.SHAPES)


# --- Thresholds and base rates ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [weights.SCANS, weights.LIFECYCLE])
def test_a_rarer_false_alarm_asks_for_a_higher_score(model):
    rates = [1.0, 0.01, 0.005, 0.001, 0.0005, 0.0001, 1e-9]
    thresholds = [model.threshold(rate) for rate in rates]

    assert thresholds == sorted(thresholds)
    assert thresholds[0] == thresholds[1] == model.gate
    assert thresholds[-1] == thresholds[-2]
    assert thresholds[2] < thresholds[3]


def test_a_brand_chooses_its_target_rate():
    seen = copies(12)
    strict = clones.examine(history(*seen, target_rate=0.0001))

    assert strict.threshold > clones.examine(history(*seen)).threshold


def test_a_brand_may_set_a_hard_limit_on_visitors():
    seen = [sighting(n, n / 200) for n in range(6)]

    assert not clones.examine(history(*seen, copy_threshold=7)).is_flagged
    found = clones.examine(history(*seen, copy_threshold=5))
    assert (found.leading.rule, found.score) == ("more-visitors-than-usual", 1.2)
    assert found.leading.text.startswith("6 different visitors confirmed this code")


def test_base_rates_leave_out_the_item_that_is_judged():
    traffic = base_rates.Traffic().with_item(3).with_item(500)

    assert traffic == base_rates.Traffic(2, 3 + base_rates.MOST)
    assert traffic.without_item(500) == base_rates.Traffic(1, 3)


def test_few_items_say_little_of_a_product_and_many_say_all():
    few, many = base_rates.Traffic(5, 40), base_rates.Traffic(50_000, 150_000)
    brand = base_rates.brand_of({"a": few, "b": base_rates.Traffic(20_000, 42_000)})

    assert base_rates.bustle(few, brand) is Bustle.USUAL
    assert base_rates.bustle(many, brand) is Bustle.BUSY
    assert base_rates.bustle(base_rates.Traffic(50_000, 70_000), brand) is Bustle.QUIET
    assert base_rates.bustle(base_rates.Traffic(), base_rates.Traffic()) is Bustle.USUAL


def test_one_item_cannot_make_a_product_look_busy():
    usual = base_rates.Traffic(1_000, 2_100)
    brand = base_rates.Traffic(10_000, 21_000)

    shift = base_rates.mean_visitors(usual.with_item(10**6), brand) - base_rates.mean_visitors(usual, brand)
    assert shift < 0.01
