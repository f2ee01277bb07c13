from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from authsvc.core import clones
from authsvc.core.clones import History, Sighting

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def sighting(number, **values):
    return Sighting(
        **{"visitor": bytes([number]), "first_at": NOW - timedelta(hours=number), "is_confirmed": True, **values}
    )


def history(*sightings, threshold=10):
    return History(sightings=sightings, copy_threshold=threshold)


def test_fewer_visitors_than_the_threshold_are_no_finding():
    assert clones.examine(history(*map(sighting, range(9)))) == clones.NOTHING


@pytest.mark.parametrize(("visitors", "score"), [(10, 1.0), (15, 1.5), (30, 3.0)])
def test_from_the_threshold_on_an_item_is_flagged(visitors, score):
    found = clones.examine(history(*map(sighting, range(visitors))))

    assert found.is_flagged
    assert found.score == pytest.approx(score)
    assert found.score == sum(part.weight for part in found.parts)
    assert found.parts[0].text.startswith(f"{visitors} different visitors confirmed this code")


def test_unconfirmed_sightings_weigh_nothing():
    some = [sighting(n, is_confirmed=n < 9) for n in range(40)]

    assert not clones.examine(history(*some)).is_flagged


def test_a_network_counts_once_a_day():
    some = [sighting(n, is_evidence=n < 9) for n in range(40)]

    assert not clones.examine(history(*some)).is_flagged


def test_one_visitor_however_often_is_one():
    some = [replace(sighting(n), visitor=b"x") for n in range(40)]

    assert not clones.examine(history(*some)).is_flagged


def test_a_product_may_have_another_threshold():
    assert clones.examine(history(*map(sighting, range(3)), threshold=3)).is_flagged
    assert not clones.examine(history(*map(sighting, range(30)), threshold=31)).is_flagged


def test_the_parts_of_all_rules_add_up():
    def always(_):
        return clones.Part("always", 0.4, "It is always so.")

    found = clones.examine(history(sighting(1), threshold=1), (always, always, lambda _: None))

    assert found.score == pytest.approx(0.8)
    assert not found.is_flagged
    assert [part.rule for part in found.parts] == ["always", "always"]


def test_a_history_of_nothing_is_nothing():
    assert clones.examine(history()).score == 0


def test_the_statement_reads_enough_sightings_for_the_usual_thresholds():
    assert clones.RECENT >= 40
