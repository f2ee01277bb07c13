import math
from dataclasses import replace

import pytest
from histories import HANOI, MADE, MILAN, ROME, SAIGON, copies, fact, history, sighting

from authsvc.core.clones import FactKind, Network, Place, courses, evidence
from authsvc.core.clones import stations as life


def nearness(*seen):
    course = courses.retell(history(*seen))
    return [course.circumstance("place", n, 0) for n in range(len(seen))]


ON_A_LINE, ON_THE_MOVE = courses.ON_A_LINE, courses.ON_THE_MOVE


def test_a_visitor_of_a_mobile_network_is_never_told_like_one_on_a_line():
    mobile = [sighting(0, network=Network.MOBILE), sighting(1, 0.1, place=ROME, network=Network.MOBILE)]

    assert nearness(*mobile) == [courses.FIRST_PLACE, ON_THE_MOVE + 2]
    assert nearness(sighting(0), sighting(1, 1)) == [courses.FIRST_PLACE, ON_A_LINE]


def test_the_nearest_of_the_places_before_counts():
    seen = [sighting(0), sighting(1, 10, place=HANOI), sighting(2, 20), sighting(3, 30, place=SAIGON)]

    assert nearness(*seen) == [courses.FIRST_PLACE, ON_A_LINE + 4, ON_A_LINE, ON_A_LINE + 3]


def test_places_far_apart_are_counted():
    course = courses.retell(history(*copies(20)))
    apart = [course.circumstance("place", n, 1) for n in range(20)]

    assert apart == sorted(apart)
    assert (apart[0], apart[-1]) == (0, courses.PLACES - 1)


def test_the_date_line_is_no_way_at_all():
    west, east = Place("FJ", -17.0, 179.9, 20.0), Place("FJ", -17.0, -179.9, 20.0)

    assert nearness(sighting(0, place=west), sighting(1, 0.1, place=east)) == [courses.FIRST_PLACE, ON_A_LINE]


def test_a_wide_circle_is_a_country_and_no_place():
    wide, wider = replace(HANOI, radius_km=300.0), replace(HANOI, radius_km=1_000.0)

    assert nearness(sighting(0), sighting(1, place=wide)) == [courses.FIRST_PLACE, ON_THE_MOVE + 4]
    assert nearness(sighting(0), sighting(1, place=wider)) == [courses.FIRST_PLACE, courses.NOWHERE]


def test_relays_and_data_centres_are_nowhere():
    course = courses.retell(
        history(
            sighting(0),
            sighting(1, 1, place=HANOI, network=Network.RELAY),
            sighting(2, 2, place=SAIGON, network=Network.DATACENTRE),
        )
    )

    assert [course.circumstance("place", n, 0) for n in range(3)] == [courses.FIRST_PLACE, 0, 0]
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


def stations(*facts, number=5, every=10):
    seen = [sighting(n, every * n, place=HANOI) for n in range(number)]
    course = courses.retell(history(*seen, facts=facts, has_lifecycle=True))
    return course, [course.circumstance("life", n, 1) for n in range(number)]


def test_a_fact_speaks_from_its_own_moment_on():
    _, found = stations(fact(FactKind.COMMISSIONED, 5), fact(FactKind.SOLD, 20), fact(FactKind.REGISTERED, 25))

    assert found == [life.UNMADE, life.MADE, life.SOLD, life.REGISTERED, life.REGISTERED]


def test_a_claim_and_a_transfer_are_stations_and_the_first_registration_counts():
    owner, other = fact(FactKind.REGISTERED, 5, visitor=b"a", place=MILAN), fact(FactKind.REGISTERED, 6, visitor=b"b")
    course, found = stations(
        owner, other, fact(FactKind.CLAIMED, 15), fact(FactKind.TRANSFERRED, 25, visitor=b"\0\3", place=HANOI)
    )

    assert found == [life.UNMADE, life.REGISTERED, life.CLAIMED, life.TRANSFERRED, life.TRANSFERRED]
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


def test_what_is_looked_up_on_the_way_is_what_stands_at_the_positions_told():
    told = history(
        *copies(40), facts=(MADE, fact(FactKind.REGISTERED, 3, visitor=b"a", place=MILAN)), has_lifecycle=True
    )
    course = courses.retell(told)
    tables = {
        name: [math.sin(n + len(name)) for n in range(math.prod(shape))] for name, shape in courses.SHAPES.items()
    }

    sums = [sum(tables[name][course.positions[name][step]] for name in courses.SHAPES) for step in range(40)]

    assert courses.weigh(told, tables) == pytest.approx(sums)


def test_the_newest_sightings_are_told():
    seen = copies(60)

    assert courses.retell(history(*seen)).sightings == list(seen[-evidence.LONGEST :])
    assert courses.retell(history(*seen), longest=60).sightings == list(seen)
