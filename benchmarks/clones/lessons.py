"""
Lessons: lives of simulated items, retold by the very code of the hot path, as rows of numbers to learn from.

Of a training seed, with more busy genuine items than there are: alarms are raised there and nowhere else. The seeds
that the report is made of are never touched. Needs numpy, which is no dependency of the service.
"""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from authsvc.core.clones import Bustle, History, Network, courses
from authsvc.core.clones.courses import LIFECYCLE_TABLES, SHAPES, retell
from authsvc.core.clones.weights import PAIRS
from authsvc.simulation import PRODUCTS, Life, Simulation, World, attacks, counted
from authsvc.simulation.geography import EVERYWHERE, City
from benchmarks.clones.detectors import Tier, visible
from benchmarks.clones.ours import Item

Array = Any  # numpy is no dependency of this repository, so its types cannot be checked here.

LESSONS, CALIBRATION = 41, (51, 52, 78, 79, 80)
LESSON_ITEMS, BUSY_ITEMS, FLOODED_ITEMS, CALIBRATION_ITEMS = 300_000, 400_000, 1_000, 120_000
PART = 10_000
"""Items that a process plays at a time."""
BUSY_FROM = 6
"""Scans from which on a genuine item is a busy one."""

GENUINE, COPIED, FLOODED, BUSY = range(4)

TABLES = tuple(SHAPES)
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
    lot: Array
    """Of every item: the seed, a brand of its own, and the number of its lot there."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some items of a seed, and which of them are a lesson."""

    seed: int
    items: range
    kinds: frozenset[int]
    world: World = field(default_factory=World)
    is_wide: bool = False
    """Whether a third of the counterfeiters sell in more countries than the world's usual ones."""


def lesson_parts() -> list[Part]:
    """Name what the tables are learned from."""
    busy = frozenset({BUSY, COPIED})
    return [
        *brand_parts(LESSONS, LESSON_ITEMS, is_wide=True),
        *(
            Part(LESSONS, range(LESSON_ITEMS + n, LESSON_ITEMS + n + PART), busy, is_wide=True)
            for n in range(0, BUSY_ITEMS, PART)
        ),
        *(Part(LESSONS, range(n, n + 100), frozenset({FLOODED})) for n in range(0, FLOODED_ITEMS, 100)),
    ]


def calibration_parts() -> list[Part]:
    """Name what the scores of genuine items are read from."""
    return [part for seed in CALIBRATION for part in brand_parts(seed, CALIBRATION_ITEMS)]


def brand_parts(seed: int, items: int, world: World | None = None, *, is_wide: bool = False) -> list[Part]:
    """Name the genuine and the copied items of a brand of its own."""
    most, starts = frozenset({GENUINE, COPIED}), range(0, items, PART)
    return [Part(seed, range(n, n + PART), most, world or World(), is_wide) for n in starts]


def gathered(pool: Executor, parts: Sequence[Part]) -> Lessons:
    """Play and retell all parts; what only tier B shows is in the tables of the lifecycle, which tier A leaves out."""
    found = list(pool.map(_gather, parts))
    sizes = np.cumsum([0, *(len(some.kind) for some in found)])
    return Lessons(
        np.concatenate([some.positions for some in found]),
        np.concatenate([some.item + size for some, size in zip(found, sizes, strict=False)]),
        np.concatenate([some.fakes for some in found]),
        np.concatenate([some.kind for some in found]),
        np.concatenate([some.lot for some in found]),
    )


@dataclass(frozen=True, slots=True)
class Small:
    """One small table: to which table it belongs, and where each of that table's positions falls in it."""

    table: int
    places: Array
    size: int


def small_tables(tier: Tier) -> list[Small]:
    """Return the small tables of a tier, in the order of the weights that are learned."""
    found = []
    for number, name in enumerate(TABLES):
        if name in LIFECYCLE_TABLES and tier is Tier.A:
            continue
        shape = SHAPES[name]
        axes = np.array(np.unravel_index(np.arange(math.prod(shape)), shape))
        for pair in PAIRS[name]:
            part = tuple(shape[axis] for axis in pair)
            found.append(Small(number, np.ravel_multi_index(tuple(axes[list(pair)]), part), math.prod(part)))
    return found


def running(values: Array, item: Array) -> Array:
    """Return the sums of *values* so far, each item for itself."""
    sums = np.cumsum(values)
    is_first = np.r_[True, item[1:] != item[:-1]]
    first = np.maximum.accumulate(np.where(is_first, np.arange(len(item)), 0))
    return sums - np.where(is_first, np.r_[0, sums[:-1]], 0)[first]


# --- Private ---------------------------------------------------------------------------------------------------------


def _lives(part: Part) -> Iterator[tuple[int, Life, bool]]:
    """
    Yield the kind of an item, its life and whether its networks are hidden.

    Of some items that the regression learns from the kinds of network are not known, as where a service has only free
    data, and a third of the counterfeiters may sell anywhere: the tables must make sense there, too.
    """
    simulation = Simulation(part.seed, part.world)
    is_lesson = part.seed == LESSONS
    for index in part.items:
        if FLOODED in part.kinds:
            yield FLOODED, simulation.flooded_life(index), False
            continue
        attacks._territory = _anywhere if part.is_wide and index % 3 == 1 else _TERRITORY  # noqa: SLF001  a wider choice
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


def _gather(part: Part) -> Lessons:
    rows: list[tuple[int, ...]] = []
    items: list[int] = []
    fakes: list[int] = []
    kinds: list[int] = []
    lots: list[tuple[int, int]] = []
    for kind, life, is_hidden in _lives(part):
        course, marks = _retold(life, is_hidden=is_hidden)
        if not course.times:
            continue
        rows += zip(*(course.positions[name] for name in TABLES), strict=True)
        items += [len(kinds)] * len(course.times)
        fakes += marks if kind == COPIED else [0] * len(course.times)
        kinds.append(kind)
        lots.append((part.seed, int(life.truth.lot[1:])))
    return Lessons(
        np.array(rows, np.int16),
        np.array(items, np.int32),
        np.array(fakes, np.int32),
        np.array(kinds),
        np.array(lots, np.int32).reshape(-1, 2),
    )


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
