"""
Calibrating: how high genuine items of the training seeds score with the tables, as the service scores them.

Each training seed is a brand: how busy its products are is learned from its own items, a crowd weighs as it does in the
service, and a lot that was copied as a whole does not count where high scores are. Three numbers are set by hand, as
no single world can teach them: ``RESERVE``, ``SLOPES`` and ``base_rates.HIGH``; the page on clone detection says by
what they were chosen.
"""

import math
from dataclasses import replace

import numpy as np

from authsvc.core.clones import Bustle, examining
from authsvc.core.clones.base_rates import HIGH, MOST, Lot, Tail, Traffic, brand_of, bustle, usual_tails
from authsvc.core.clones.courses import SHAPES
from authsvc.core.clones.examining import CROWD_MOST
from authsvc.simulation import PRODUCTS
from benchmarks.clones.detectors import Tier
from benchmarks.clones.lessons import GENUINE, TABLES, Array, Lessons, running, small_tables
from benchmarks.clones.ours import RESERVE

Smalls = dict[str, list[list[int]]]
Calibration = tuple[list[tuple[float, float]], tuple[float, float]]
"""Shares of genuine items and the score that so many reach; the share that scores high, and the threshold's slope."""

RATES = (0.01, 0.003, 0.001, 0.0003, 0.0001)
USUAL = 0.001
SLOPES = {Tier.A: 1.8, Tier.B: 1.5}
"""By how much a threshold rises with the logarithm of the share of high scores: see ``benchmarks/clones/habits.py``."""


def calibrate(tier: Tier, exam: Lessons, small: Smalls) -> Calibration:
    """
    Return the scores that small shares of genuine items reach, one standard error to the safe side, and the tail.

    Aimed at less than the rate asked for, as the report is: it has to hold in worlds of other habits. High scores are
    counted as the service counts them, among copied items too, but not among those that are flagged.
    """
    exam = settled(tier, exam, small)
    top = tops(exam, scores(tier, exam, small))
    known = known_scores(exam, top)
    return known, (round(high_share(exam, top, dict(known)[USUAL]), 4), SLOPES[tier])


def settled(tier: Tier, exam: Lessons, small: Smalls) -> Lessons:
    """
    Return *exam* with each product as busy as a service would find it, by what is not flagged.

    The lessons know how busy a product is; a service has to learn it.
    """
    unknown = _as_busy(exam, np.full(len(exam.kind), int(Bustle.USUAL)))
    top = tops(unknown, scores(tier, unknown, small))
    return _as_busy(exam, _bustles(exam, top < dict(known_scores(exam, top))[USUAL]))


def scores(tier: Tier, exam: Lessons, small: Smalls) -> Array:
    """Return the score of every item at each of its steps."""
    values = [np.array(table) / 100 for name in TABLES for table in small.get(name, ())]
    smalls = small_tables(tier)
    steps = sum(value[s.places[exam.positions[:, s.table]]] for s, value in zip(smalls, values, strict=True))
    return with_crowd(running(steps, exam.item), crowd(exam))


def crowd(exam: Lessons) -> Array:
    """Return by how much more each step may weigh because so many came before it; see ``examining``."""
    number = running(np.ones(len(exam.item), int), exam.item)
    return np.array([examining.crowd(visitors) for visitors in range(number.max() + 1)])[number]


def with_crowd(sums: Array, extra: Array) -> Array:
    """Return the scores, in which every visitor after many weighs more, up to a limit."""
    return np.where(extra > 0, np.maximum(sums, np.minimum(sums + extra, CROWD_MOST)), sums)


def tops(exam: Lessons, scores: Array) -> Array:
    """Return the highest score of every item."""
    top = np.full(len(exam.kind), -math.inf)
    np.maximum.at(top, exam.item, scores)
    return top


def known_scores(exam: Lessons, top: Array, reserve: float = RESERVE) -> list[tuple[float, float]]:
    """Return the score that each of the small shares of genuine items reaches."""
    ranked = np.sort(top[exam.kind == GENUINE])[::-1]
    expected = {rate: len(ranked) * rate * reserve for rate in RATES}
    return [(rate, round(float(ranked[max(0, int(n - math.sqrt(n)))]), 2)) for rate, n in expected.items()]


def high_share(exam: Lessons, top: Array, threshold: float) -> float:
    """Return the share of items below *threshold* that score high, without the lots that stand out in their seed."""
    found = Tail()
    is_judged = top < threshold
    for seed in np.unique(exam.lot[:, 0]):
        lots: dict[Lot, Tail] = {}
        for number in np.unique(exam.lot[exam.lot[:, 0] == seed, 1]):
            some = top[is_judged & (exam.lot[:, 0] == seed) & (exam.lot[:, 1] == number)]
            gtin = PRODUCTS[int(number) % len(PRODUCTS)][0]
            lots[gtin, str(number)] = Tail(len(some), int((some >= HIGH).sum()))
        for tail in usual_tails(lots).values():
            found = Tail(found.judged + tail.judged, found.high + tail.high)
    return found.high / found.judged


# --- Private ---------------------------------------------------------------------------------------------------------


def _as_busy(exam: Lessons, bustles: Array) -> Lessons:
    positions = exam.positions.astype(np.int32)
    table, (bands, episodes) = TABLES.index("crowd"), SHAPES["crowd"][2:]
    behind = positions[:, table] % episodes
    before = positions[:, table] // (episodes * bands)
    positions[:, table] = (before * bands + bustles[exam.item]) * episodes + behind
    return replace(exam, positions=positions)


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
