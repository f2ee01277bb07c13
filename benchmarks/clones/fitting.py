"""
Learn the weights of ``authsvc.core.clones``: ``python -m benchmarks.clones.fitting``.

Lives of a training seed are retold by the very code of the hot path; logistic regression then finds, for each position
in each small table, the weight that tells copied items from genuine ones when the weights of an item's steps add up.
It is fitted for each tier, on what an item looks like once a few people have seen it, and with more lessons of busy
genuine items than there are: alarms are raised there and nowhere else. Other training seeds set the scores that genuine
items reach. The seeds that the report is made of are never touched.

Needs numpy and scipy, which nothing else here does; some ten minutes and 3 GB.
"""

import argparse
import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize

from authsvc.core.clones import Bustle, History, Network, courses, learned
from authsvc.core.clones.base_rates import HIGH
from authsvc.core.clones.courses import LIFECYCLE_TABLES, SHAPES, retell
from authsvc.core.clones.weights import PAIRS
from authsvc.simulation import PRODUCTS, Life, Simulation, attacks, counted
from authsvc.simulation.geography import EVERYWHERE, City
from benchmarks.clones.detectors import Tier, visible
from benchmarks.clones.ours import RESERVE, Item

Array = Any  # numpy is no dependency of this repository, so its types cannot be checked here.

Smalls = dict[str, list[list[int]]]
NAMES = {"scans": Tier.A, "lifecycle": Tier.B}

LESSONS, CALIBRATION = 41, (51, 52)
LESSON_ITEMS, BUSY_ITEMS, FLOODED_ITEMS, CALIBRATION_ITEMS = 300_000, 400_000, 1_000, 250_000
PART = 10_000
"""Items that a process plays at a time."""
RATES = (0.01, 0.003, 0.001, 0.0003, 0.0001)
SLOPES = {Tier.A: 3.5, Tier.B: 2.5}
"""By how much a threshold rises with the logarithm of the share of high scores: see ``benchmarks/clones/habits.py``."""
BUSY_FROM = 6
"""Scans from which on a genuine item is a busy one."""
FIRST = 3
"""The step from which on an item is a lesson: fitting the first ones, too, found less at both target rates."""
LONGEST = 64
RIDGE = 1.0

GENUINE, COPIED, FLOODED, BUSY = range(4)

_TABLES = tuple(SHAPES)
_BUSTLE = {
    gtin: Bustle.QUIET if interest < 0.5 else Bustle.BUSY if interest > 1.5 else Bustle.USUAL
    for gtin, interest in PRODUCTS
}
_TERRITORY = attacks._territory  # noqa: SLF001  replaced while lessons are played, see _lives


@dataclass(frozen=True, slots=True)
class Lessons:
    """Steps of many items, one row each, and of every item what it is."""

    positions: Array
    item: Array
    fakes: Array
    """Scans of fakes up to the step."""
    kind: Array
    """Of every item: genuine, copied, flooded, or genuine and busy."""


def main() -> None:
    """Learn, calibrate and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.clones.fitting", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(learned.__file__))
    parser.add_argument("--jobs", type=int, default=1, help="processes (default: 1; two are of use)")
    arguments = parser.parse_args()
    tables: dict[str, Smalls] = {}
    calibrations: dict[str, list[tuple[float, float]]] = {}
    tails: dict[str, tuple[float, float]] = {}
    with ProcessPoolExecutor(arguments.jobs) as pool:
        lessons, exam = _gathered(pool, _lesson_parts()), _gathered(pool, _calibration_parts())
        for name, found in zip(NAMES, pool.map(_learn, NAMES.values(), [lessons] * 2, [exam] * 2), strict=True):
            tables[name], calibrations[name], tails[name] = found
    arguments.out.write_text(_written(tables, calibrations, tails), encoding="utf-8")


def _learn(
    tier: Tier, lessons: Lessons, exam: Lessons
) -> tuple[Smalls, list[tuple[float, float]], tuple[float, float]]:
    """Return the tables of a tier, the scores that genuine items reach with them, and how many items score high."""
    small = _settled(_fit(lessons, tier), lessons)
    return small, *_calibrate(tier, exam, small)


# --- Lessons ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Part:
    """Some items of a seed, and which of them are a lesson."""

    seed: int
    items: range
    kinds: frozenset[int]


def _lesson_parts() -> list[_Part]:
    most, all_ = frozenset({GENUINE, COPIED}), range(0, LESSON_ITEMS + BUSY_ITEMS, PART)
    return [
        *(_Part(LESSONS, range(n, n + PART), most if n < LESSON_ITEMS else frozenset({BUSY, COPIED})) for n in all_),
        *(_Part(LESSONS, range(n, n + 100), frozenset({FLOODED})) for n in range(0, FLOODED_ITEMS, 100)),
    ]


def _calibration_parts() -> list[_Part]:
    starts = range(0, CALIBRATION_ITEMS, PART)
    most = frozenset({GENUINE, COPIED})
    return [_Part(seed, range(n, n + PART), most) for seed in CALIBRATION for n in starts]


def _lives(part: _Part) -> Iterator[tuple[int, Life, bool]]:
    """
    Yield the kind of an item, its life and whether its networks are hidden.

    A third of the counterfeiters sell in more countries than the world's usual ones; of some items the kinds of network
    are not known, as where a service has only free data: the tables must make sense there, too.
    """
    simulation = Simulation(part.seed)
    is_lesson = part.seed == LESSONS
    for index in part.items:
        if FLOODED in part.kinds:
            yield FLOODED, simulation.flooded_life(index), False
            continue
        attacks._territory = _anywhere if is_lesson and index % 3 == 1 else _TERRITORY  # noqa: SLF001  a wider choice
        life = simulation.life(index)
        is_hidden = is_lesson and index % 6 == 0
        if life.truth.attack is not None:
            if COPIED in part.kinds and life.truth.fake_scans:
                yield COPIED, life, is_hidden
        elif GENUINE in part.kinds:
            if life.is_scanned:
                yield GENUINE, life, is_hidden
        elif sum(1 for _ in counted(life.events)) >= BUSY_FROM:
            yield BUSY, life, is_hidden
    attacks._territory = _TERRITORY  # noqa: SLF001


def _anywhere(stage: attacks.Stage, goods: attacks.Goods, life: attacks.Milestones) -> list[City]:
    del goods, life
    return [EVERYWHERE.draw(stage.random) for _ in range(6 + int(10 * stage.random.random()))]


def _gathered(pool: Executor, parts: Sequence[_Part]) -> Lessons:
    """Play and retell all parts; what only tier B shows is in the tables of the lifecycle, which tier A leaves out."""
    found = list(pool.map(_gather, parts))
    sizes = np.cumsum([0, *(len(some.kind) for some in found)])
    return Lessons(
        np.concatenate([some.positions for some in found]),
        np.concatenate([some.item + size for some, size in zip(found, sizes, strict=False)]),
        np.concatenate([some.fakes for some in found]),
        np.concatenate([some.kind for some in found]),
    )


def _gather(part: _Part) -> Lessons:
    rows: list[tuple[int, ...]] = []
    items: list[int] = []
    fakes: list[int] = []
    kinds: list[int] = []
    for kind, life, is_hidden in _lives(part):
        course, marks = _retold(life, is_hidden=is_hidden)
        if not course.times:
            continue
        rows += zip(*(course.positions[name] for name in _TABLES), strict=True)
        items += [len(kinds)] * len(course.times)
        fakes += marks if kind == COPIED else [0] * len(course.times)
        kinds.append(kind)
    return Lessons(np.array(rows, np.int16), np.array(items, np.int32), np.array(fakes, np.int32), np.array(kinds))


def _retold(life: Life, *, is_hidden: bool) -> tuple[courses.Course, list[int]]:
    """Return the whole course of a life, and for each step how many fakes had been scanned."""
    item, fakes = Item(recent=None), 0
    marks: dict[bytes, int] = {}
    for event, is_fake in zip(*visible(life, Tier.B), strict=True):
        if is_hidden and event.network in {"fixed", "mobile"}:
            event = event._replace(network=Network.UNKNOWN)  # noqa: PLW2901  the same event, seen less well
        before = item.scans
        item.take(event)
        fakes += is_fake and item.scans > before
        marks.setdefault((event.visitor or "").encode(), fakes)
    history = History(
        sightings=tuple(item.evidence),
        facts=tuple(item.facts),
        has_lifecycle=True,
        bustle=_BUSTLE[life.truth.gtin],
    )
    course = retell(history, longest=len(item.evidence) + 1)
    return course, [marks[seen.visitor] for seen in course.sightings]


# --- Fitting ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Small:
    """One small table: to which table it belongs, and where each of that table's positions falls in it."""

    table: int
    places: Array
    size: int


def _smalls(tier: Tier) -> list[_Small]:
    found = []
    for number, name in enumerate(_TABLES):
        if name in LIFECYCLE_TABLES and tier is Tier.A:
            continue
        shape = SHAPES[name]
        axes = np.array(np.unravel_index(np.arange(math.prod(shape)), shape))
        for pair in PAIRS[name]:
            part = tuple(shape[axis] for axis in pair)
            found.append(_Small(number, np.ravel_multi_index(tuple(axes[list(pair)]), part), math.prod(part)))
    return found


def _fit(lessons: Lessons, tier: Tier) -> dict[str, list[Array]]:
    """Return the small tables that tell copied items best from genuine ones."""
    item, kind = lessons.item, lessons.kind[lessons.item]
    number = _running(np.ones(len(item)), item)
    length = np.bincount(item)[item]
    is_copied = (kind == COPIED) & (lessons.fakes > 0)
    weight = np.where(kind == FLOODED, length**-0.75, length**-0.5)
    weight *= (is_copied | (kind != COPIED)) & (number <= LONGEST) & (number >= FIRST)
    label = is_copied.astype(float)
    smalls = _smalls(tier)
    places = [small.places[lessons.positions[:, small.table]] for small in smalls]
    ends = np.cumsum([1, *(small.size for small in smalls)])

    def loss(values: Array) -> tuple[float, Array]:
        steps = sum(values[ends[n] : ends[n + 1]][place] for n, place in enumerate(places))
        odds = np.clip(values[0] + _running(steps, item), -40, 40)
        chance = 1 / (1 + np.exp(-odds))
        lost = -(weight * (label * np.log(chance + 1e-15) + (1 - label) * np.log(1 - chance + 1e-15))).sum()
        slope = weight * (chance - label)
        # A step's weight is in the score of every later step of its item.
        later = _running(slope[::-1], item[::-1])[::-1]
        gradient = [
            np.bincount(place, later, minlength=small.size) for place, small in zip(places, smalls, strict=True)
        ]
        ridge = RIDGE * values
        ridge[0] = 0.0
        return lost + 0.5 * (ridge * values).sum(), np.concatenate([[slope.sum()], *gradient]) + ridge

    start = np.zeros(ends[-1])
    start[0] = -4.0
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200, "maxcor": 12}).x
    tables: dict[str, list[Array]] = {}
    for n, small in enumerate(smalls):
        tables.setdefault(_TABLES[small.table], []).append(found[ends[n] : ends[n + 1]])
    return tables


def _running(values: Array, item: Array) -> Array:
    """Return the sums of *values* so far, each item for itself."""
    sums = np.cumsum(values)
    is_first = np.r_[True, item[1:] != item[:-1]]
    first = np.maximum.accumulate(np.where(is_first, np.arange(len(item)), 0))
    return sums - np.where(is_first, np.r_[0, sums[:-1]], 0)[first]


def _settled(tables: Mapping[str, Sequence[Array]], lessons: Lessons) -> dict[str, list[list[int]]]:
    """
    Give what two tables can both say to the one whose subject it is; sums stay as they are.

    A table about countries that also knows the gap since the last visitor may carry a part of what the gap alone says.
    Its mean over genuine items for each gap is moved, so that a rule speaks of its own subject and no other.
    """
    is_genuine = np.isin(lessons.kind[lessons.item], (GENUINE, BUSY))
    found = {
        name: [
            small.reshape([SHAPES[name][a] for a in pair]).copy() for small, pair in zip(some, PAIRS[name], strict=True)
        ]
        for name, some in tables.items()
    }

    def take(name: str, small: int, axis: int | None = None) -> Array:
        pair, shape = PAIRS[name][small], SHAPES[name]
        at = np.unravel_index(lessons.positions[is_genuine, _TABLES.index(name)], shape)
        count = np.full(found[name][small].shape, 1e-9)
        np.add.at(count, tuple(at[a] for a in pair), 1)
        others = tuple(n for n, a in enumerate(pair) if a != axis)
        mean = (found[name][small] * count).sum(others, keepdims=True) / count.sum(others, keepdims=True)
        found[name][small] -= mean
        return mean.ravel()

    crowd, steady = found["crowd"][0], found["steady"][0]
    steady += take("country", 1, 2)[:, None] + take("place", 1, 2)[:, None]
    crowd += take("place", 2, 3)[:, None] + take("place", 0)
    crowd += take("country", 0) + take("network", 0)
    if "life" in found:
        crowd += take("life", 1, 2)[None, :]
        crowd += take("life", 3, 3)[:, None] + take("since_sale", 0, 1)[:, None]
        steady += take("since_sale", 2, 3)[:, None]
        found["life"][0] += take("market", 0, 1)[None, :] + take("owner", 0, 1)[None, :]
        crowd += take("market", 1) + take("life", 0)
    return {name: [[round(100 * value) for value in small.ravel()] for small in some] for name, some in found.items()}


def _calibrate(
    tier: Tier,
    lessons: Lessons,
    small: Smalls,
) -> tuple[list[tuple[float, float]], tuple[float, float]]:
    """
    Return the scores that small shares of genuine items reach, one standard error to the safe side, and the tail.

    Aimed at less than the rate asked for, as the report is: it has to hold in worlds of other habits. High scores are
    counted as the service counts them, among copied items too, but not among those that are flagged.
    """
    scores = _scores(lessons, {name: [np.array(each) / 100 for each in some] for name, some in small.items()}, tier)
    top = np.full(len(lessons.kind), -math.inf)
    np.maximum.at(top, lessons.item, scores)
    ranked = np.sort(top[lessons.kind == GENUINE])[::-1]
    known = [(rate, round(float(ranked[_allowed(len(ranked) * rate * RESERVE[tier])]), 2)) for rate in RATES]
    unflagged = top[top < dict(known)[_USUAL]]
    return known, (round(float((unflagged >= HIGH).mean()), 4), SLOPES[tier])


_USUAL = 0.001


def _allowed(expected: float) -> int:
    return max(0, int(expected - math.sqrt(expected)))


def _scores(lessons: Lessons, tables: Mapping[str, Sequence[Array]], tier: Tier) -> Array:
    smalls = _smalls(tier)
    values = [small for name in _TABLES for small in tables.get(name, ())]
    steps = sum(value[s.places[lessons.positions[:, s.table]]] for s, value in zip(smalls, values, strict=True))
    return _running(steps, lessons.item)


# --- Writing ---------------------------------------------------------------------------------------------------------


def _written(
    tables: Mapping[str, Smalls],
    calibrations: Mapping[str, Sequence[tuple[float, float]]],
    tails: Mapping[str, tuple[float, float]],
) -> str:
    lines = [_HEADER]
    for name, some in tables.items():
        lines.append(f'    "{name}": {{')
        for table, smalls in some.items():
            lines.append(f'        "{table}": (')
            for small in smalls:
                lines += _wrapped(small)
            lines.append("        ),")
        lines.append("    },")
    lines += ["}", "# fmt: on", ""]
    lines.append("CALIBRATIONS: Mapping[str, tuple[tuple[float, float], ...]] = {")
    for name, known in calibrations.items():
        lines.append(f'    "{name}": ({", ".join(f"({rate:g}, {score})" for rate, score in known)}),')
    lines += ["}", "", "TAILS: Mapping[str, tuple[float, float]] = {"]
    lines += [f'    "{name}": {tail},' for name, tail in tails.items()]
    return "\n".join([*lines, "}", ""])


def _wrapped(numbers: Sequence[int]) -> Iterator[str]:
    line = "            ("
    for number in numbers:
        if len(line) + len(f"{number},") > 117:
            yield line.rstrip()
            line = "             "
        line += f"{number}, "
    yield line.rstrip(", ") + "),"


_HEADER = '''"""
Learned weights: what the rules look up. Written by ``benchmarks/clones/fitting.py``, never edited by hand.

Weights are hundredths of the natural logarithm of a likelihood ratio, copies against a genuine life.
"""

from collections.abc import Mapping

Small = Mapping[str, tuple[tuple[int, ...], ...]]

# fmt: off
TABLES: Mapping[str, Small] = {'''


if __name__ == "__main__":
    main()
