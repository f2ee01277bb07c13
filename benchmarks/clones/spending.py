"""
Spending: at which visitor a brand's false alarms are spent, so that they find most, and soonest.

The tables say how likely a course is, and by that alone an item with three visitors is flagged as readily as one with
eight. But the rate of false alarms that a brand allows is one budget for the whole life of an item, and where it is
spent is free: most copies can be told from the fifth visitor on, and what is saved before, where a few strange scans of
a genuine item are common, buys a lower threshold there. Sequential trials spend their error so (Lan and DeMets,
"Discrete sequential boundaries for clinical trials", Biometrika 70, 1983).

What is found is one number for each class of how many visitors came before, the same for every item. It goes into the
table of the crowd, so it costs a scan nothing. From the fifth visitor on a score is on the scale of the likelihood.

It is sought on training seeds, in several worlds at once: one threshold, moved in each world by the brand's own high
scores as the service moves it, must be enough in all of them, and the worst one counts.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from authsvc.core.clones.base_rates import HIGH, LEAST_SHIFT, MOST_SHIFT
from authsvc.core.clones.courses import COUNT_EDGES, COUNTS, SHAPES
from authsvc.simulation import World
from benchmarks.clones.calibrating import SLOPES, Smalls, standing, with_crowd
from benchmarks.clones.detectors import Tier
from benchmarks.clones.lessons import COPIED, GENUINE, STANDARD, Array, Lessons, Part, world_parts

SEEDS, ITEMS = (51, 78), 100_000
WORLDS: Mapping[str, World] = {
    "standard": STANDARD,
    **{
        f"{name} x {by:g}": STANDARD.scaled(name, by)
        for name, by in (
            ("listing_strangers", 2.0),
            ("resale", 2.0),
            ("returns", 2.0),
            ("browsers", 2.0),
            ("display_browsers", 2.0),
            ("markets_known", 0.5),
            ("place_detail", 0.5),
            ("fakes_nearby", 2.0),
            ("fake_returns", 2.0),
            ("fake_months", 0.5),
        )
    },
}
"""Those in which, before, no threshold met every aim or hardly one did."""

RATE = 0.00088
"""Share of genuine items that the worst world may see flagged: 0.10 % with a standard error to spare."""
STEADY_FROM = 5
STEPS = (0.8, 0.4, 0.2)
LEAST_GAIN = 0.03
PROMISING = 2.5
"""Items that never score so high cannot be flagged whatever is spent, and are only counted."""

AIMS = {Tier.A: {"found": 80.0, "many": 99.5}, Tier.B: {"found": 88.0, "many": 99.65, "by_sixth": 50.0}}
"""Per cent to be found: of copied items with five fake scans, with twenty, and of those with five by the sixth."""


def spending_parts() -> dict[str, list[Part]]:
    """Name what is looked at, for each world."""
    return {name: world_parts(world, SEEDS, ITEMS) for name, world in WORLDS.items()}


def spend(tier: Tier, worlds: Mapping[str, Lessons], small: Smalls) -> Smalls:
    """Return the tables with what each class of visitors before weighs more or less."""
    known = {name: _seen(tier, lessons, small) for name, lessons in worlds.items()}
    burdens = _steadied(_sought(lambda tried: _worth(tier, known, _steadied(tried))))
    crowd = np.array(small["crowd"][0]).reshape([SHAPES["crowd"][0], -1])
    crowd += np.array([round(100 * each) for each in burdens])[:, None]
    return small | {"crowd": [crowd.ravel().tolist(), *small["crowd"][1:]]}


# --- Private ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _World:
    """The items of one world that may be flagged, and how many there are of all."""

    sums: Array
    number: Array
    item: Array
    fakes: Array
    kind: Array
    starts: Array
    most_fakes: Array
    genuine: int
    items: int
    copied: Mapping[tuple[int, float], int]

    def scores(self, burdens: Sequence[float]) -> tuple[Array, Array]:
        """Return the score after each step, and the highest of each item."""
        classes = np.searchsorted(COUNT_EDGES, np.arange(self.number.max()), side="right")
        total = np.r_[0.0, np.cumsum(np.array(burdens)[classes])]
        scores = with_crowd(self.sums + total[self.number], self.number)
        return scores, np.maximum.reduceat(scores, self.starts)

    def found(self, scores: Array, threshold: float) -> dict[str, float]:
        """Return how many per cent of the copied items are found, and by the sixth fake scan."""
        hit = np.flatnonzero(scores >= threshold)
        items, first = np.unique(self.item[hit], return_index=True)
        alarms = np.full(len(self.kind), np.inf)
        alarms[items] = self.fakes[hit[first]]
        alarms[alarms == 0] = np.inf

        def share(latest: float, group: tuple[int, float]) -> float:
            least, most = group
            counted = (self.kind == COPIED) & (self.most_fakes >= least) & (self.most_fakes <= most)
            return 100 * float((alarms[counted] <= latest).sum()) / self.copied[group]

        return {
            "found": share(_ALWAYS, _SOME),
            "many": share(_ALWAYS, _MANY),
            "by_sixth": share(6, _SOME),
            "few": share(_ALWAYS, _FEW),
        }


_ALWAYS = 1e9
_FEW, _SOME, _MANY = (2, 4.0), (5, math.inf), (20, math.inf)


def _seen(tier: Tier, lessons: Lessons, small: Smalls) -> _World:
    some = standing(tier, lessons, small)
    starts = np.flatnonzero(np.r_[True, some.item[1:] != some.item[:-1]])
    top = np.maximum.reduceat(with_crowd(some.sums, some.number), starts)
    fakes = np.maximum.reduceat(some.fakes, starts)
    is_copied = some.kind == COPIED
    items = np.flatnonzero(top >= PROMISING)
    kept = np.isin(some.item, items)
    item = np.searchsorted(items, some.item[kept])
    return _World(
        some.sums[kept],
        some.number[kept],
        item,
        some.fakes[kept],
        some.kind[items],
        np.flatnonzero(np.r_[True, item[1:] != item[:-1]]),
        fakes[items],
        int((some.kind == GENUINE).sum()),
        len(some.kind),
        {group: int((is_copied & (fakes >= group[0]) & (fakes <= group[1])).sum()) for group in (_FEW, _SOME, _MANY)},
    )


def _worth(tier: Tier, worlds: Mapping[str, _World], burdens: Sequence[float]) -> float:
    """Say what burdens are worth: what the worst world is above the aims, and a part of what all find."""
    scores = {name: world.scores(burdens) for name, world in worlds.items()}
    shifts = {name: _high(world, scores[name][1]) for name, world in worlds.items()}
    usual = shifts["standard"]
    for name, high in shifts.items():
        shifts[name] = min(max(SLOPES[tier] * math.log(high / usual), LEAST_SHIFT), MOST_SHIFT)
    threshold = max(_reached(world, scores[name][1]) - shifts[name] for name, world in worlds.items())
    found = [world.found(scores[name][0], threshold + shifts[name]) for name, world in worlds.items()]
    worst = {what: min(each[what] for each in found) - aim for what, aim in AIMS[tier].items()}
    mean = sum(0.3 * each["found"] + 0.5 * each["by_sixth"] + 0.1 * each["few"] for each in found) / len(found)
    spare = min(worst["found"], worst.get("by_sixth", math.inf))
    return spare + 0.3 * mean + 20 * min(worst["many"], 0.0)


def _high(world: _World, top: Array) -> float:
    """Return the share of the items that score high; those that would be flagged are as rare as not to matter."""
    return float((top >= HIGH).sum()) / world.items


def _reached(world: _World, top: Array) -> float:
    ranked = np.sort(top[world.kind == GENUINE])[::-1]
    return float(ranked[int(RATE * world.genuine)])


def _steadied(burdens: Sequence[float]) -> list[float]:
    """Let the first visitor bear what the next ones give back, so that later scores stay on their scale."""
    return [-sum(burdens[1:STEADY_FROM]), *burdens[1:]]


def _sought(worth: Callable[[Sequence[float]], float]) -> list[float]:
    """Climb along one class at a time, by smaller and smaller steps."""
    best = [0.0] * COUNTS
    highest = worth(best)
    for step in (step for step in STEPS for _ in range(2)):
        for which in range(1, COUNTS):
            for by in (-step, step):
                while True:
                    tried = [*best]
                    tried[which] += by
                    if (gained := worth(tried)) <= highest + LEAST_GAIN:
                        break
                    best, highest = tried, gained
    return best
