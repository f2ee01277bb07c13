import hashlib
import json
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from authsvc.core.traces import Kind, read_line
from authsvc.errors import BadInput
from authsvc.simulation import REPEAT_S, START, Attack, Simulation, World, counted, trace_files
from authsvc.simulation.geography import distance_km

BUSY = replace(World(), lot_size=20, many_copies=0.1, before_sale=0.1, diluted=0.1, lots_copied=0.5)


@pytest.fixture(scope="module")
def lives():
    return list(Simulation(7).lives(range(3_000)))


def test_a_seed_gives_the_same_lives_on_every_machine():
    text = repr(list(Simulation(3).lives(range(50))))

    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "99856eb6621254e1"


def test_another_seed_gives_other_lives():
    assert Simulation(3).life(0) != Simulation(4).life(0)


def test_an_item_is_the_same_whoever_is_played_before_it():
    assert list(Simulation(3).lives(range(1_990, 2_010)))[15] == Simulation(3).life(2_005)


def test_events_of_an_item_ascend_and_stay_inside_the_trace(lives):
    end = START + World().days * 86_400
    for life in lives:
        times = [event.at for event in life.events]
        assert times == sorted(times)
        assert all(START <= at < end for at in times)


def test_serials_are_unique(lives):
    assert len({life.truth.serial for life in lives}) == len(lives)


def test_only_copied_items_have_events_of_fakes(lives):
    assert all(life.truth.attack is not None for life in lives if any(life.is_fake))
    assert any(any(life.is_fake) for life in lives)


def test_every_kind_of_event_and_of_attack_occurs():
    lives = list(Simulation(1, BUSY).lives(range(4_000)))
    kinds = Counter(event.kind for life in lives for event in life.events)

    assert set(kinds) == {
        Kind.SCAN, Kind.COMMISSIONED, Kind.SOLD, Kind.REGISTERED, Kind.CLAIMED, Kind.TRANSFERRED,
    }  # fmt: skip
    assert {life.truth.attack for life in lives} == {None, *Attack} - {Attack.FLOOD}


def test_fake_scans_leave_out_repeats_and_machines():
    for life in Simulation(1, BUSY).lives(range(300)):
        last = {}
        found = 0
        for event, is_fake in zip(life.events, life.is_fake, strict=True):
            if event.kind != "scan" or event.is_automated:
                continue
            if event.at - last.get(event.visitor, -REPEAT_S) >= REPEAT_S:
                last[event.visitor] = event.at
                found += is_fake
        assert life.truth.fake_scans == found == sum(life.is_fake[n] for n, _ in counted(life.events))


def test_a_visitor_is_known_for_one_item_only(lives):
    owners = Counter(visitor for life in lives for visitor in {e.visitor for e in life.events if e.visitor})

    assert max(owners.values()) == 1


def test_a_prefix_cannot_be_followed_from_day_to_day(lives):
    days = {}
    for life in lives:
        for event in life.events:
            if event.prefix:
                days.setdefault(event.prefix, set()).add(event.at // 86_400)

    assert all(len(seen) == 1 for seen in days.values())


def test_half_of_all_mobile_places_err_by_about_190_km():
    world = replace(World(), relay=0, wrong_country_mobile=0, fixed_line=0, travel=0, tourist_buyer=0, unlocated=0)
    stay = replace(world, many_copies=0, before_sale=0, diluted=0, resale=0, gift=0, browsed=0, grey_trade=0)
    errors = []
    for life in Simulation(5, stay).lives(range(6_000)):
        points = [(e.latitude, e.longitude) for e in life.events if e.network == "mobile" and not e.is_automated]
        errors += [distance_km(*a, *b) for a, b in pairwise(points) if a != b]

    # Two placements of one person differ by about 1.7 times the error of one.
    assert 250 < sorted(errors)[len(errors) // 2] < 450


def test_a_flood_comes_from_few_visitors_in_few_prefixes():
    life = Simulation(1).flooded_life(3)
    hostile = [event for event, is_fake in zip(life.events, life.is_fake, strict=True) if is_fake]

    assert len(hostile) == 1_000
    assert len({event.visitor for event in hostile}) == 50
    assert max(Counter((e.at // 86_400, e.prefix) for e in hostile).values()) > 10
    assert len({(e.at // 86_400, e.prefix) for e in hostile}) <= 5 * len({e.at // 86_400 for e in hostile})
    assert life.truth.fakes == 0


def test_a_copied_lot_has_500_serials_with_three_copies_each():
    copied = [life.truth for life in Simulation(2, copied_lots={0}).lives(range(1_000))]

    assert sum(truth.attack is Attack.LOT and truth.fakes == 3 for truth in copied) in range(485, 501)


def test_a_rate_is_scaled_and_a_share_stops_at_one():
    assert World().scaled("returns", 2).returns == 2 * World().returns
    assert World().scaled("confirmed", 2).confirmed == 1.0
    with pytest.raises(BadInput, match="no rate 'days'"):
        World().scaled("days", 2)


@pytest.mark.parametrize("name", World.rates())
def test_every_rate_is_used(name):
    factor = 0.5 if World().scaled(name, 0.5) != World() else 2
    world = replace(BUSY, viral=0.05, on_display=0.05, transfer=0.8, registers=0.8, resale=0.3)

    here, there = Simulation(1, world), Simulation(1, world.scaled(name, factor))
    assert any(here.life(index) != there.life(index) for index in range(5_000))


def test_files_hold_the_whole_trace_in_order_whatever_the_block(tmp_path):
    count = trace_files.write(Simulation(9, BUSY), 300, tmp_path / "a", block=100)
    trace_files.write(Simulation(9, BUSY), 300, tmp_path / "b")
    text = (tmp_path / "a/trace.jsonl").read_text()
    events = [read_line(line) for line in text.splitlines()]

    assert text == (tmp_path / "b/trace.jsonl").read_text()
    assert len(events) == count
    assert [event.at for event in events] == sorted(event.at for event in events)
    by_item = {}
    for event in events:
        by_item.setdefault(event.serial, []).append(event)
    lives = list(Simulation(9, BUSY).lives(range(300)))
    assert {life.truth.serial: list(life.events) for life in lives} == by_item
    truths = [json.loads(line) for line in (tmp_path / "a/truth.jsonl").read_text().splitlines()]
    assert [truth["serial"] for truth in truths] == [life.truth.serial for life in lives]
    assert sum(len(truth["fake_events"]) for truth in truths) == sum(sum(life.is_fake) for life in lives)
    assert json.loads((tmp_path / "a/world.json").read_text())["world"]["resale"] == World().resale
    assert sorted(file.name for file in (tmp_path / "a").iterdir()) == ["trace.jsonl", "truth.jsonl", "world.json"]


def test_a_trace_is_not_written_over(tmp_path):
    trace_files.write(Simulation(1), 1, tmp_path)

    with pytest.raises(BadInput, match="is there already"):
        trace_files.write(Simulation(1), 1, tmp_path)
    trace_files.write(Simulation(1), 2, tmp_path, may_replace=True)
