"""Moving the weights: the slope that is climbed is the slope of what is lost, and less is lost by it."""

import numpy as np
import pytest

from authsvc.core.clones import learned
from benchmarks.clones import sharpening
from benchmarks.clones.detectors import Tier
from benchmarks.clones.lessons import COPIED, FLOODED, TABLES, Lessons, Part, brand_parts, gathered

NAMES = {Tier.A: "scans", Tier.B: "lifecycle"}


class Here:
    """Runs in this process what a pool of them would."""

    map = staticmethod(map)


@pytest.fixture(scope="module")
def lessons():
    copied = [Part(42, range(1_500), frozenset({COPIED}))]
    flooded = [Part(42, range(5), frozenset({FLOODED}))]
    return gathered(Here(), [*brand_parts(42, 1_000, is_wide=True), *copied, *flooded])


def tables_of(tier):
    return {name: [list(small) for small in some] for name, some in learned.TABLES[NAMES[tier]].items()}


def first_of(tier):
    return [np.array(small) / 100 for name in TABLES for small in tables_of(tier).get(name, ())]


@pytest.mark.parametrize("tier", Tier)
def test_the_slope_is_that_of_what_is_lost(lessons, tier):
    brands = sharpening.Brands(lessons, [lessons], [lessons])
    weights = first_of(tier)
    rng = np.random.default_rng(7)
    # Off the grid of hundredths, on which two steps may be highest at once.
    flat = np.concatenate(weights) + rng.normal(scale=0.003, size=sum(map(len, weights)))
    ends = np.cumsum([len(each) for each in weights])[:-1]

    def lost(field, values):
        return sharpening._lost(field, np.split(values, ends))

    for field in sharpening._fields(tier, brands, tables_of(tier)):
        _, slope = lost(field, flat)
        assert np.abs(slope).max() > 0
        for _ in range(5):
            way = rng.normal(size=len(flat)) * (np.abs(slope) > 0)
            far = 1e-6
            measured = (lost(field, flat + far * way)[0] - lost(field, flat - far * way)[0]) / (2 * far)
            assert measured == pytest.approx(slope @ way, rel=1e-3, abs=1e-4)


def test_less_is_lost_and_the_tables_keep_their_shape(lessons, monkeypatch):
    monkeypatch.setattr(sharpening, "STEPS", 5)
    brands, first = sharpening.Brands(lessons, [lessons], []), tables_of(Tier.B)

    moved = sharpening.sharpen(Tier.B, brands, first)

    fields = list(sharpening._fields(Tier.B, brands, first))
    before, after = (
        sum(
            sharpening._lost(field, [np.array(small) / 100 for name in TABLES for small in tables[name]])[0]
            for field in fields
        )
        for tables in (first, moved)
    )
    assert after < before
    assert {name: [len(small) for small in some] for name, some in moved.items()} == {
        name: [len(small) for small in some] for name, some in first.items()
    }


def test_a_flooded_item_costs_more_than_another_false_alarm(lessons):
    brands = sharpening.Brands(lessons, [lessons], [])
    field = next(iter(sharpening._fields(Tier.A, brands, tables_of(Tier.A))))

    costs = {float(cost) for cost in np.round(field.costs / field.costs[field.costs > 0].min(), 6)}
    assert costs <= {0.0, 1.0, sharpening.FLOODED_WEIGHT}
    assert 0.0 in costs


def test_what_is_held_back_counts_for_nothing_after_the_sixth_fake_scan(lessons: Lessons):
    brands = sharpening.Brands(lessons, [lessons], [])
    field = next(iter(sharpening._fields(Tier.B, brands, tables_of(Tier.B))))
    (_, never), (_, late) = field.goals

    assert not never.any()
    assert set(late) == {0.0, -np.inf}
