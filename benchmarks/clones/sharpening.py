"""
Sharpening: moving the weights to what an alarm is about, the highest score that an item ever has.

Logistic regression asks of every step how likely its item is a copy. An alarm asks something else: whether a score ever
reaches the threshold, and how soon, while one genuine item in a thousand may. So the weights that regression found are
moved until, over many brands, copies reach the threshold as often and as soon as possible and genuine items do not:
what is counted is written as a smooth function of the weights and climbed. Scores where no alarm is near no longer
matter, and the false alarms that a brand allows are spent where they find most, as a sequential trial may spend its
error at any look (Lan and DeMets, "Discrete sequential boundaries for clinical trials", Biometrika 70, 1983).

The brands are training seeds in the usual world, and others in worlds of other rates: what is won in one world only is
no gain. Each product is as busy as a service would find it, and each brand has the threshold that its own high scores
give it. A penalty on how far a weight moves keeps the scores on the scale of the likelihood, and what the lessons are
too few for where regression had put it.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from math import log

import numpy as np
from scipy.optimize import minimize

from authsvc.core.clones.base_rates import LEAST_SHIFT, MOST_SHIFT
from authsvc.core.clones.examining import CROWD_MOST
from authsvc.simulation import World
from benchmarks.clones.calibrating import (
    SLOPES,
    USUAL,
    Smalls,
    crowd,
    high_share,
    known_scores,
    scores,
    settled,
    tops,
    with_crowd,
)
from benchmarks.clones.detectors import Tier
from benchmarks.clones.lessons import (
    BUSY_ITEMS,
    COPIED,
    FLOODED,
    GENUINE,
    LESSON_ITEMS,
    TABLES,
    Array,
    Lessons,
    brand_parts,
    gathered,
    running,
    small_tables,
)

SEEDS = (42, 43, 44, 45, 46, 47, 48, 49)
ITEMS, WORLD_ITEMS = 500_000, 200_000
VARIED = (
    ("resale", 2.0), ("returns", 2.0), ("listing_strangers", 2.0), ("markets_known", 0.5),
    ("browsers", 2.0), ("owner_checks", 2.0), ("owner_checks", 0.5), ("gift", 2.0),
    ("place_detail", 0.5), ("fakes_nearby", 2.0), ("confirmed", 0.5), ("household", 2.0),
    ("on_display", 2.0), ("sale_recorded", 0.5), ("shelf_days", 0.5), ("shelf_days", 2.0),
    ("fake_months", 0.5), ("many_copies", 2.0), ("fake_returns", 2.0),
)  # fmt: skip
"""Worlds in which the detector had been found to do worst; each is played on one of the seeds."""

LESSON_WEIGHT, WORLD_WEIGHT = 0.8, 0.3
"""
What a per cent of the lessons of the regression, and of a brand in another world, counts beside one in the usual world.
"""

AIMED_AT = 0.6
"""Of the usual rate: the threshold near which scores count, somewhat higher than what ships."""

FLOODED_WEIGHT = 20.0
"""What a genuine item costs that was flagged because a rival flooded it, beside another one."""

SOFTNESS = 0.25
"""How far from the threshold a score is still near it: with less few items teach, with more the scale is lost."""

STIFFNESS = 3.2
"""What it costs to move all weights by one: chosen, as the rest, by brands that were not among the lessons."""

STEPS = 60
FEW, FIVE, SIXTH, TWENTY = (2, 4), 5, 6, 20
WITHIN_REACH = 0.0
"""A genuine item whose score was never higher teaches nothing of the tail."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What a per cent is worth, of copied items with so many fake scans; and what one of genuine items costs."""

    found: float
    """With five, found at all."""
    by_sixth: float
    """With five, found by the sixth."""
    few: float
    """With two to four, found."""
    many: float
    """With twenty, found."""
    false_alarm: float


WORTH = {Tier.A: Worth(1.0, 0.5, 0.3, 20.0, 150.0), Tier.B: Worth(0.5, 1.0, 0.3, 20.0, 270.0)}
"""What an alarm costs is what it is worth to give one up where the threshold of the rate of 0.10 % is."""


@dataclass(frozen=True, slots=True)
class Brands:
    """What is played for sharpening: the lessons of the regression, brands in the usual world and in others."""

    lessons: Lessons
    usual: Sequence[Lessons]
    varied: Sequence[Lessons]


def play(pool: Executor, lessons: Lessons) -> Brands:
    """Play all brands that are not the lessons of the regression."""
    usual = [gathered(pool, brand_parts(seed, ITEMS, is_wide=True)) for seed in SEEDS]
    varied = [
        gathered(pool, brand_parts(SEEDS[number % len(SEEDS)], WORLD_ITEMS, World().scaled(rate, by), is_wide=True))
        for number, (rate, by) in enumerate(VARIED)
    ]
    return Brands(lessons, usual, varied)


def sharpen(tier: Tier, brands: Brands, small: Smalls) -> Smalls:
    """Return the tables of *small*, moved to where most copies are flagged, and soonest."""
    fields = list(_fields(tier, brands, small))
    first = [np.array(table) / 100 for name in TABLES for table in small.get(name, ())]
    found = _climbed(fields, first)
    left = iter(found)
    return {
        name: [[round(100 * value) for value in next(left)] for _ in small[name]] for name in TABLES if name in small
    }


# --- Private ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Field:
    """
    The items of a brand that matter, their steps in a row, and what each of them is worth.

    ``goals`` are pairs of what an item is worth, and by how much each step is held back: a copy that must be found by
    the sixth fake scan gains nothing by what comes after.
    """

    places: Sequence[Array]
    item: Array
    starts: Array
    extra: Array
    threshold: float
    costs: Array
    goals: Sequence[tuple[Array, Array]]


def _fields(tier: Tier, brands: Brands, small: Smalls) -> Iterator[_Field]:
    """Prepare the brands; their thresholds follow their high scores, beside the mean of those in the usual world."""
    usual = [settled(tier, each, small) for each in brands.usual]
    highest = [tops(each, scores(tier, each, small)) for each in usual]
    threshold = float(np.mean([_usual_score(*each) for each in zip(usual, highest, strict=True)]))
    high = float(np.mean([high_share(each, top, threshold) for each, top in zip(usual, highest, strict=True)]))

    def moved(brand: Lessons, top: Array) -> float:
        shift = SLOPES[tier] * log(high_share(brand, top, threshold) / high)
        return threshold + min(max(shift, LEAST_SHIFT), MOST_SHIFT)

    for brand, top in zip(usual, highest, strict=True):
        yield _field(tier, brand, top, moved(brand, top), int((brand.kind == GENUINE).sum()), 1.0)
    for played in brands.varied:
        brand = settled(tier, played, small)
        top = tops(brand, scores(tier, brand, small))
        yield _field(tier, brand, top, moved(brand, top), int((brand.kind == GENUINE).sum()), WORLD_WEIGHT)
    # Of the lessons only so many items are genuine and whole; of the others the busy ones, which alone come near.
    top = tops(brands.lessons, scores(tier, brands.lessons, small))
    genuine = int((brands.lessons.kind == GENUINE).sum()) * (LESSON_ITEMS + BUSY_ITEMS) // LESSON_ITEMS
    yield _field(tier, brands.lessons, top, threshold, genuine, LESSON_WEIGHT)


def _usual_score(brand: Lessons, top: Array) -> float:
    return dict(known_scores(brand, top, AIMED_AT))[USUAL]


def _field(tier: Tier, brand: Lessons, top: Array, threshold: float, genuine: int, weight: float) -> _Field:
    begins = np.flatnonzero(np.r_[True, brand.item[1:] != brand.item[:-1]])
    fakes = np.maximum.reduceat(brand.fakes, begins)
    is_copied = brand.kind == COPIED
    kept = np.flatnonzero((top >= WITHIN_REACH) | (is_copied & (fakes > 1)))
    steps = np.isin(brand.item, kept)
    item = np.searchsorted(kept, brand.item[steps])
    worth, none = WORTH[tier], np.zeros(len(item))

    def share(value: float, least: int, most: float = np.inf) -> Array:
        is_meant = is_copied & (fakes >= least) & (fakes <= most)
        return (100 * weight * value / max(1, is_meant.sum()) * is_meant)[kept]

    costs = np.where(is_copied, 0.0, np.where(brand.kind == FLOODED, FLOODED_WEIGHT, 1.0))
    late = np.where(brand.fakes[steps] <= SIXTH, 0.0, -np.inf)
    any_time = share(worth.found, FIVE) + share(worth.few, *FEW) + share(worth.many, TWENTY)
    return _Field(
        places=[small.places[brand.positions[steps, small.table]] for small in small_tables(tier)],
        item=item,
        starts=np.flatnonzero(np.r_[True, item[1:] != item[:-1]]),
        extra=crowd(brand)[steps],
        threshold=threshold,
        costs=(100 * weight * worth.false_alarm / genuine * costs)[kept],
        goals=[(any_time, none), (share(worth.by_sixth, FIVE), late)],
    )


def _climbed(fields: Sequence[_Field], first: Sequence[Array]) -> list[Array]:
    """Return the weights at which least is lost, beginning with those of the regression."""
    ends = np.cumsum([0, *(len(each) for each in first)])
    start = np.concatenate(first)

    def parts(weights: Array) -> list[Array]:
        return [weights[a:b] for a, b in pairwise(ends)]

    with ThreadPoolExecutor() as threads:

        def loss(weights: Array) -> tuple[float, Array]:
            tables = parts(weights)
            found = list(threads.map(lambda each: _lost(each, tables), fields))
            moved = weights - start
            slope = sum(slope for _, slope in found) + 2 * STIFFNESS * moved
            return sum(lost for lost, _ in found) + STIFFNESS * float(moved @ moved), slope

        found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS, "maxcor": 15}).x
    return parts(found)


def _lost(field: _Field, tables: Sequence[Array]) -> tuple[float, Array]:
    """Return what a brand loses by copies that are missed and genuine items that are flagged, and its slope."""
    sums = running(sum(table[place] for table, place in zip(tables, field.places, strict=True)), field.item)
    reached = with_crowd(sums, field.extra)
    is_capped = (reached == CROWD_MOST) & (sums < CROWD_MOST)
    slope, lost = np.zeros(len(sums)), 0.0
    none = np.zeros(len(sums))
    for worth, held in [(-field.costs, none), *field.goals]:
        values = reached + held
        top = np.maximum.reduceat(values, field.starts)
        near = np.clip((top - field.threshold) / SOFTNESS, -40, 40)
        flagged = 1 / (1 + np.exp(-near))
        lost -= float((worth * flagged).sum())
        highest = np.flatnonzero(values == top[field.item])
        items, at = np.unique(field.item[highest], return_index=True)
        steps = highest[at]
        gain = worth * flagged * (1 - flagged) / SOFTNESS
        slope[steps] -= gain[items] * ~is_capped[steps]
    # A step's weight is in the score of every later step of its item.
    later = running(slope[::-1], field.item[::-1])[::-1]
    return lost, np.concatenate([
        np.bincount(place, later, minlength=len(table)) for place, table in zip(field.places, tables, strict=True)
    ])  # fmt: skip
