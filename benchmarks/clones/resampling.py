"""
Bootstrap intervals over items, stratified by seed.

What is resampled are items, and an item contributes only one of a few outcomes (found or not; found by one detector and
not by the other). To draw n items anew is then to draw how often each outcome comes up: a binomial draw, exact, and a
thousand times faster than drawing the items one by one.
"""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import accumulate
from random import Random

RESAMPLES = 2_000

Interval = tuple[float, float]


def share(strata: Sequence[tuple[int, int]], *, seed: int = 1) -> Interval:
    """Return the 95 % interval of a share, from (hits, items) of each seed."""
    total = sum(size for _, size in strata)

    def draw(random: Random) -> float:
        return sum(_binomial(random, size, hits) for hits, size in strata) / max(1, total)

    return _interval(draw, seed)


def difference(strata: Sequence[tuple[int, int, int]], *, seed: int = 1) -> Interval:
    """Return the 95 % interval of a difference of shares of the same items, from (only ours, only theirs, items)."""
    total = sum(size for _, _, size in strata)

    def draw(random: Random) -> float:
        found = 0
        for plus, minus, size in strata:
            differing = _binomial(random, size, plus + minus)
            wins = _binomial(random, differing, plus, plus + minus) if differing else 0
            found += 2 * wins - differing
        return found / max(1, total)

    return _interval(draw, seed)


def median(strata: Sequence[Sequence[float]], *, seed: int = 1) -> Interval:
    """Return the 95 % interval of the median."""
    groups = [(sorted(Counter(values).items()), len(values)) for values in strata if values]

    def draw(random: Random) -> float:
        counts: Counter[float] = Counter()
        for outcomes, size in groups:
            left, weight = size, size
            for value, count in outcomes:
                drawn = _binomial(random, left, count, weight) if weight > count else left
                counts[value] += drawn
                left, weight = left - drawn, weight - count
        return middle(counts)

    return _interval(draw, seed, 400)


def middle(counts: Counter[float]) -> float:
    """Return the median of counted values."""
    half, seen = sum(counts.values()) / 2, 0
    for value in sorted(counts):
        seen += counts[value]
        if seen >= half:
            return value
    return math.nan


def _interval(draw: Callable[[Random], float], seed: int, resamples: int = RESAMPLES) -> Interval:
    random = Random(seed)
    drawn = sorted(draw(random) for _ in range(resamples))
    return drawn[int(resamples * 0.025)], drawn[min(resamples - 1, int(resamples * 0.975))]


def _binomial(random: Random, trials: int, hits: int, of: int | None = None) -> int:
    """Draw how many of *trials* hit, at a chance of hits / of."""
    of = trials if of is None else of
    if trials == 0 or hits <= 0:
        return 0
    if hits >= of:
        return trials
    least, sums = _distribution(trials, hits, of)
    return least + min(bisect_left(sums, random.random() * sums[-1]), len(sums) - 1)


@lru_cache(100_000)
def _distribution(trials: int, hits: int, of: int) -> tuple[int, list[float]]:
    chance = hits / of
    spread = 10 * math.sqrt(trials * chance * (1 - chance)) + 10
    least, most = max(0, int(trials * chance - spread)), min(trials, int(trials * chance + spread))
    whole = math.lgamma(trials + 1)
    yes, no = math.log(chance), math.log1p(-chance)
    return least, list(
        accumulate(
            math.exp(whole - math.lgamma(k + 1) - math.lgamma(trials - k + 1) + k * yes + (trials - k) * no)
            for k in range(least, most + 1)
        )
    )
