"""
Learn the weights of ``authsvc.core.clones``: ``python -m benchmarks.clones.fitting``.

Lives of a training seed are retold by the very code of the hot path; logistic regression then finds, for each position
in each small table, the weight that tells copied items from genuine ones when the weights of an item's steps add up.
It is fitted for each tier, on what an item looks like once a few people have seen it, and with more lessons of busy
genuine items than there are: alarms are raised there and nowhere else. From there the weights are moved to what an
alarm is about, on seeds of their own: see ``benchmarks/clones/sharpening.py``. Other training seeds set the scores that
genuine items reach. The seeds that the report is made of are never touched.

Needs numpy and scipy, which nothing else here does; some twenty minutes of two cores and 3 GB.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from itertools import repeat
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from authsvc.core.clones import learned
from authsvc.core.clones.courses import SHAPES
from authsvc.core.clones.weights import PAIRS
from benchmarks.clones.calibrating import Calibration, Smalls, calibrate
from benchmarks.clones.detectors import Tier
from benchmarks.clones.lessons import (
    BUSY,
    COPIED,
    FLOODED,
    GENUINE,
    TABLES,
    Array,
    Lessons,
    calibration_parts,
    gathered,
    lesson_parts,
    running,
    small_tables,
)
from benchmarks.clones.sharpening import play, sharpen

NAMES = {"scans": Tier.A, "lifecycle": Tier.B}

FIRST = 3
"""The step from which on an item is a lesson: fitting the first ones, too, found less at both target rates."""
LONGEST = 64
RIDGE = 1.0


def main() -> None:
    """Learn, calibrate and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.clones.fitting", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(learned.__file__))
    parser.add_argument("--jobs", type=int, default=1, help="processes (default: 1; two are of use)")
    parser.add_argument("--keep-tables", action="store_true", help="only calibrate the tables that there are")
    arguments = parser.parse_args()
    with ProcessPoolExecutor(arguments.jobs) as pool:
        tables = {name: _kept(name) for name in NAMES} if arguments.keep_tables else _learned(pool)
        exam = gathered(pool, calibration_parts())
        found = dict(zip(NAMES, pool.map(calibrate, NAMES.values(), repeat(exam), tables.values()), strict=True))
    arguments.out.write_text(_written(tables, found), encoding="utf-8")


def _learned(pool: Executor) -> dict[str, Smalls]:
    """Return the tables of both tiers: by regression first, then sharpened, and each rule left with its own subject."""
    lessons = gathered(pool, lesson_parts())
    regressed = list(pool.map(_fit, repeat(lessons), NAMES.values()))
    brands = play(pool, lessons)
    tables = {}
    for (name, tier), first in zip(NAMES.items(), regressed, strict=True):
        tables[name] = _settled(sharpen(tier, brands, first), lessons)
    return tables


def _kept(name: str) -> Smalls:
    return {table: [list(small) for small in some] for table, some in learned.TABLES[name].items()}


# --- Fitting ---------------------------------------------------------------------------------------------------------


def _fit(lessons: Lessons, tier: Tier) -> Smalls:
    """Return the small tables that tell copied items best from genuine ones."""
    item, kind = lessons.item, lessons.kind[lessons.item]
    number = running(np.ones(len(item)), item)
    length = np.bincount(item)[item]
    is_copied = (kind == COPIED) & (lessons.fakes > 0)
    weight = np.where(kind == FLOODED, length**-0.75, length**-0.5)
    weight *= (is_copied | (kind != COPIED)) & (number <= LONGEST) & (number >= FIRST)
    label = is_copied.astype(float)
    smalls = small_tables(tier)
    places = [small.places[lessons.positions[:, small.table]] for small in smalls]
    ends = np.cumsum([1, *(small.size for small in smalls)])

    def loss(values: Array) -> tuple[float, Array]:
        steps = sum(values[ends[n] : ends[n + 1]][place] for n, place in enumerate(places))
        odds = np.clip(values[0] + running(steps, item), -40, 40)
        chance = 1 / (1 + np.exp(-odds))
        lost = -(weight * (label * np.log(chance + 1e-15) + (1 - label) * np.log(1 - chance + 1e-15))).sum()
        slope = weight * (chance - label)
        # A step's weight is in the score of every later step of its item.
        later = running(slope[::-1], item[::-1])[::-1]
        gradient = [
            np.bincount(place, later, minlength=small.size) for place, small in zip(places, smalls, strict=True)
        ]
        ridge = RIDGE * values
        ridge[0] = 0.0
        return lost + 0.5 * (ridge * values).sum(), np.concatenate([[slope.sum()], *gradient]) + ridge

    start = np.zeros(ends[-1])
    start[0] = -4.0
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200, "maxcor": 12}).x
    tables: Smalls = {}
    for n, small in enumerate(smalls):
        tables.setdefault(TABLES[small.table], []).append(_hundredths(found[ends[n] : ends[n + 1]]))
    return tables


def _settled(tables: Smalls, lessons: Lessons) -> Smalls:
    """
    Give what two tables can both say to the one whose subject it is; sums stay as they are.

    A table about countries that also knows the gap since the last visitor may carry a part of what the gap alone says.
    Its mean over genuine items for each gap is moved, so that a rule speaks of its own subject and no other.
    """
    is_genuine = np.isin(lessons.kind[lessons.item], (GENUINE, BUSY))
    found = {
        name: [
            np.array(small).reshape([SHAPES[name][a] for a in pair]) / 100
            for small, pair in zip(some, PAIRS[name], strict=True)
        ]
        for name, some in tables.items()
    }

    def take(name: str, small: int, axis: int | None = None) -> Array:
        pair, shape = PAIRS[name][small], SHAPES[name]
        at = np.unravel_index(lessons.positions[is_genuine, TABLES.index(name)], shape)
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
    return {name: [_hundredths(small.ravel()) for small in some] for name, some in found.items()}


def _hundredths(weights: Array) -> list[int]:
    return [round(100 * float(weight)) for weight in weights]


# --- Writing ---------------------------------------------------------------------------------------------------------


def _written(
    tables: Mapping[str, Smalls],
    found: Mapping[str, Calibration],
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
    for name, (known, _) in found.items():
        lines.append(f'    "{name}": ({", ".join(f"({rate:g}, {score})" for rate, score in known)}),')
    lines += ["}", "", "TAILS: Mapping[str, tuple[float, float]] = {"]
    lines += [f'    "{name}": {tail},' for name, (_, tail) in found.items()]
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

Weights are hundredths, on the scale of the natural logarithm of a likelihood ratio, copies against a genuine life.
"""

from collections.abc import Mapping

Small = Mapping[str, tuple[tuple[int, ...], ...]]

# fmt: off
TABLES: Mapping[str, Small] = {'''


if __name__ == "__main__":
    main()
