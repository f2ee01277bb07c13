import json
from datetime import UTC, datetime

import pytest

from authsvc.core.clones import FactKind, Network, Place
from authsvc.core.dossiers import CONFIRMED, DAY_S, MOST_FACTS, MOST_VISITORS, OPENED, Dossier
from authsvc.core.traces import Event, Kind

START = 1_767_607_872


def scan(at=0, visitor="v1", prefix="p1", **more):
    return Event(Kind.SCAN, START + at, "09506000134352", "S1", visitor, prefix=prefix, **more)


def dossier(*events):
    found = Dossier()
    for event in events:
        found.take(event)
    return found


def visitors(found):
    return [seen.visitor.decode() for seen in found.sightings if seen.is_evidence]


def test_an_automated_scan_is_nothing():
    found = Dossier()

    assert not found.take(scan(is_automated=True, is_confirmed=True))
    assert (found.counted, found.sightings) == (0, ())


def test_a_repeat_within_half_an_hour_of_the_last_counted_scan_does_not_count_and_the_window_does_not_slide():
    assert dossier(scan(0), scan(1_799)).counted == 1
    assert dossier(scan(0), scan(1_800)).counted == 2
    assert dossier(scan(0), scan(1_000), scan(1_801), scan(3_000)).counted == 2


def test_a_prefix_makes_one_sighting_evidence_in_a_day():
    found = dossier(scan(0, "a"), scan(DAY_S - 1, "b"), scan(DAY_S, "c"), scan(DAY_S, "d", "p2"))

    assert visitors(found) == ["d", "c", "a"]
    assert found.counted == 4


def test_of_one_operator_three_sightings_a_day_are_evidence():
    events = [scan(n, f"v{n}", f"p{n}", asn=64_500, is_confirmed=True) for n in range(5)]
    others = [scan(9, "other", "q", asn=64_501, is_confirmed=True), scan(9, "none", "r", is_confirmed=True)]

    assert visitors(dossier(*events, *others)) == ["none", "other", "v2", "v1", "v0"]
    assert visitors(dossier(*events, scan(DAY_S, "next", "q", asn=64_500, is_confirmed=True)))[0] == "next"


def test_a_confirmation_outweighs_openings_of_the_same_prefix_but_not_another_confirmation():
    opened = dossier(scan(0, "a"), scan(10, "b", is_confirmed=True))
    both = dossier(scan(0, "a", is_confirmed=True), scan(10, "b", is_confirmed=True))
    operator = dossier(*(scan(n, f"v{n}", f"p{n}", asn=1, is_confirmed=True) for n in range(5)))

    assert visitors(opened) == ["b", "a"]
    assert visitors(both) == ["a"]
    assert visitors(operator) == ["v2", "v1", "v0"]


def test_the_page_may_run_at_a_later_scan_also_at_one_that_is_a_repeat():
    found = Dossier()
    found.take(scan(0))

    assert found.take(scan(5, is_confirmed=True))
    assert not found.take(scan(9_000, is_confirmed=True))
    assert [seen.is_confirmed for seen in found.sightings] == [True]
    assert found.confirmed_visitors == 1


def test_a_sighting_keeps_what_was_seen_first():
    more = {"country": "IT", "latitude": 45.5, "longitude": 9.2, "radius_km": 20.0, "network": "fixed"}
    (seen,) = dossier(scan(0, channel="shared", **more), scan(9_000, prefix="p2", country="FR")).sightings

    assert seen.first_at == datetime.fromtimestamp(START, UTC)
    assert (seen.place, seen.network, seen.prefix) == (Place("IT", 45.5, 9.2, 20.0), Network.FIXED, b"p1")
    assert seen.is_shared


def test_what_a_trace_does_not_say_counts_little():
    found = dossier(
        scan(0, None, "p1"), scan(60, None, "p2"), scan(90, None, "p2"), scan(0, "x", None, network="carrier")
    )

    assert found.counted == 4
    assert len(found.sightings) == 3
    assert found.sightings[0].prefix is None
    assert found.sightings[0].network is Network.UNKNOWN


def test_the_newest_are_read_back_those_whose_page_ran_first():
    ran = [scan(n * DAY_S, f"ran{n}", is_confirmed=True) for n in range(60)]
    opened = [scan(n * DAY_S, f"opened{n}", "p2") for n in range(60)]
    found = visitors(dossier(*sorted((*ran, *opened), key=lambda event: event.at)))

    assert found == [f"ran{n}" for n in range(59, 59 - CONFIRMED, -1)] + [
        f"opened{n}" for n in range(59, 59 - OPENED, -1)
    ]


def test_the_longest_unseen_are_forgotten_but_nobody_of_whom_the_rules_know():
    found = dossier(scan(0, "first", is_confirmed=True))
    for n in range(3 * MOST_VISITORS):
        found.take(scan(n, f"v{n}"))

    assert len(found.pack()[2]) <= MOST_VISITORS
    assert visitors(found) == ["first"]
    assert found.counted == 3 * MOST_VISITORS + 1


def test_facts_carry_the_place_of_their_visitor():
    more = {"country": "IT", "latitude": 45.5, "longitude": 9.2, "radius_km": 20.0}
    relayed = scan(5, "hidden", "p2", network="relay", **more)
    commissioned = Event(Kind.COMMISSIONED, START, "09506000134352", "S1", markets=("IT", "FR"))
    registered = Event(Kind.REGISTERED, START + 9, "09506000134352", "S1", "v1")
    transferred = Event(Kind.TRANSFERRED, START + 10, "09506000134352", "S1", "hidden")
    claimed = Event(Kind.CLAIMED, START + 11, "09506000134352", "S1")
    made, owned, moved, proven = dossier(
        commissioned, scan(0, network="fixed", **more), relayed, registered, transferred, claimed
    ).facts

    assert (made.kind, made.markets) == (FactKind.COMMISSIONED, {"IT", "FR"})
    assert (owned.visitor, owned.place) == (b"v1", Place("IT", 45.5, 9.2, 20.0))
    assert (moved.place.country, proven.visitor) == (None, None)


def test_facts_are_bounded():
    claims = [Event(Kind.CLAIMED, START + n, "09506000134352", "S1") for n in range(MOST_FACTS + 5)]

    assert len(dossier(*claims).facts) == MOST_FACTS


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind != Kind.SCAN])
def test_every_other_event_is_a_fact(kind):
    assert [fact.kind for fact in dossier(Event(kind, START, "09506000134352", "S1")).facts] == [FactKind(kind)]


def test_a_dossier_that_was_put_aside_goes_on_as_if_nothing_had_been():
    events = [
        Event(Kind.COMMISSIONED, START, "09506000134352", "S1", markets=("IT",)),
        *(scan(n * 9_000, f"v{n % 7}", f"p{n % 3}", is_confirmed=n % 2 == 0) for n in range(40)),
        *(scan(400_000 + n, None, f"half a pair \ud800{n}", country="IT", asn=5) for n in range(5)),
    ]
    plain, packed = Dossier(), Dossier()
    for event in events:
        packed = Dossier.unpack(json.loads(json.dumps(packed.pack())))

        assert packed.take(event) == plain.take(event)
    assert (packed.counted, packed.sightings, packed.facts) == (plain.counted, plain.sightings, plain.facts)
