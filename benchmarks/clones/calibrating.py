"""
Calibrating: how high genuine items of the training seeds score with the tables, as the service scores them.

Each training seed is a brand: how busy its products are is learned from its own items, a crowd weighs as it does in the
service, and a lot that was copied as a whole does not count where high scores are. Three numbers are set by hand, as
no single world can teach them: ``RESERVE``, ``SLOPES`` and ``base_rates.HIGH``; the page on clone detection says by
what they were chosen.
"""

import math
from dataclasses import dataclass

import numpy as np

from authsvc.core.clones import Bustle
from authsvc.core.clones.base_rates import HIGH, MOST, Lot, Tail, Traffic, brand_of, bustle, usual_tails
from authsvc.core.clones.courses import SHAPES
from authsvc.core.clones.examining import CROWD_FROM, CROWD_MOST, CROWD_STEP
from authsvc.simulation import PRODUCTS
from benchmarks.clones.detectors import Tier
from benchmarks.clones.lessons import GENUINE, TABLES, Array, Lessons, running, small_tables
from benchmarks.clones.ours import RESERVE

Smalls = dict[str, list[list[int]]]
Calibration = tuple[list[tuple[float, float]], tuple[float, float]]
"""Shares of genuine items and the score that so many reach; the share that scores high, and the threshold's slope."""

RATES = (0.01, 0.003, 0.001, 0.0003, 0.0001)
USUAL = 0.001
SLOPES = {Tier.A: 2.0, Tier.B: 1.8}
"""By how much a threshold rises with the logarithm of the share of high scores: see ``benchmarks/clones/habits.py``."""


def calibrate(tier: Tier, exam: Lessons, small: Smalls) -> Calibration:
    """
    Return the scores that small shares of genuine items reach, one standard error to the safe side, and the tail.

    Aimed at less than the rate asked for, as the report is: it has to hold in worlds of other habits. High scores are
    counted as the service counts them, among copied items too, but not among those that are flagged.
    """
    some = standing(tier, exam, small)
    top = _tops(some, with_crowd(some.sums, some.number))
    known = _known(tier, exam, top)
    share = _tail(exam, top, dict(known)[USUAL])
    return known, (round(share.high / share.judged, 4), SLOPES[tier])


@dataclass(frozen=True, slots=True)
class Standing:
    """What the steps of every item weigh so far, and the how manieth step each is."""

    sums: Array
    number: Array
    item: Array
    fakes: Array
    kind: Array


def standing(tier: Tier, exam: Lessons, small: Smalls) -> Standing:
    """Weigh the steps with the tables, each product as busy as a service would find it by what is not flagged."""
    number = running(np.ones(len(exam.item)), exam.item).astype(int)
    unknown = np.full(len(exam.kind), int(Bustle.USUAL))
    top = _tops(exam, with_crowd(_sums(tier, exam, small, unknown), number))
    bustles = _bustles(exam, top < dict(_known(tier, exam, top))[USUAL])
    return Standing(_sums(tier, exam, small, bustles), number, exam.item, exam.fakes, exam.kind)


def with_crowd(sums: Array, number: Array) -> Array:
    """Return the scores, in which every visitor after many weighs more; see ``examining``."""
    extra = number - CROWD_FROM
    return np.where(extra > 0, np.maximum(sums, np.minimum(sums + CROWD_STEP * extra, CROWD_MOST)), sums)


# --- Private ---------------------------------------------------------------------------------------------------------


def _known(tier: Tier, exam: Lessons, top: Array) -> list[tuple[float, float]]:
    ranked = np.sort(top[exam.kind == GENUINE])[::-1]
    expected = {rate: len(ranked) * rate * RESERVE[tier] for rate in RATES}
    return [(rate, round(float(ranked[max(0, int(n - math.sqrt(n)))]), 2)) for rate, n in expected.items()]


def _sums(tier: Tier, exam: Lessons, small: Smalls, bustles: Array) -> Array:
    """Return what the steps of an item weigh so far, at each of them."""
    positions = exam.positions.astype(np.int32)
    # The lessons know how busy a product is; a service has to learn it.
    crowd, (bands, episodes) = TABLES.index("crowd"), SHAPES["crowd"][2:]
    behind = positions[:, crowd] % episodes
    before = positions[:, crowd] // (episodes * bands)
    positions[:, crowd] = (before * bands + bustles[exam.item]) * episodes + behind
    values = [np.array(table) / 100 for name in TABLES for table in small.get(name, ())]
    smalls = small_tables(tier)
    steps = sum(value[s.places[positions[:, s.table]]] for s, value in zip(smalls, values, strict=True))
    return running(steps, exam.item)


def _tops(exam: "Lessons | Standing", scores: Array) -> Array:
    """Return the highest score of every item."""
    top = np.full(len(exam.kind), -math.inf)
    np.maximum.at(top, exam.item, scores)
    return top


def _bustles(exam: Lessons, is_counted: Array) -> Array:
    """Return for every item how busy its product is in its seed, by the items that are not flagged."""
    visitors = np.bincount(exam.item, minlength=len(exam.kind))
    product = exam.lot[:, 1] % len(PRODUCTS)
    found = np.full(len(exam.kind), int(Bustle.USUAL))
    for seed in np.unique(exam.lot[:, 0]):
        products: dict[int, Traffic] = {}
        for number in range(len(PRODUCTS)):
            items = visitors[is_counted & (exam.lot[:, 0] == seed) & (product == number)]
            products[number] = Traffic(len(items), int(np.minimum(items, MOST).sum()))
        brand = brand_of({str(number): traffic for number, traffic in products.items()})
        for number, traffic in products.items():
            found[(exam.lot[:, 0] == seed) & (product == number)] = int(bustle(traffic, brand))
    return found


def _tail(exam: Lessons, top: Array, threshold: float) -> Tail:
    """Count the items that are not flagged and those that score high, without the lots that stand out in their seed."""
    found = Tail()
    is_judged = top < threshold
    for seed in np.unique(exam.lot[:, 0]):
        lots: dict[Lot, Tail] = {}
        for number in np.unique(exam.lot[exam.lot[:, 0] == seed, 1]):
            scores = top[is_judged & (exam.lot[:, 0] == seed) & (exam.lot[:, 1] == number)]
            gtin = PRODUCTS[int(number) % len(PRODUCTS)][0]
            lots[gtin, str(number)] = Tail(len(scores), int((scores >= HIGH).sum()))
        for tail in usual_tails(lots).values():
            found = Tail(found.judged + tail.judged, found.high + tail.high)
    return found
