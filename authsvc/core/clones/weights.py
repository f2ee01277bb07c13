"""
Weights: the tables that the rules read, and the scores that genuine items reach.

A table of three circumstances is the sum of smaller ones of two, which is how it was learned: few numbers, each from
many items. They are summed once, at import, so that a rule is one look-up. Everything learned is in ``learned``, in
hundredths; nothing there is written by hand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from math import log

from authsvc.core.clones import learned
from authsvc.core.clones.courses import SHAPES, Tables

PAIRS: Mapping[str, tuple[tuple[int, ...], ...]] = {
    "crowd": ((0, 1), (0, 2), (0, 3)),
    "steady": ((0, 1), (1, 2), (0, 2)),
    "country": ((0, 1), (0, 2)),
    "place": ((0, 1), (0, 2), (1, 3)),
    "market": ((0, 1), (0, 2)),
    "life": ((0, 1), (0, 2), (1, 3), (0, 3)),
    "since_sale": ((0, 1), (0, 2), (2, 3)),
    "owner": ((0, 1), (0, 2)),
    "network": ((0, 1),),
}
"""The axes of each small table."""


@dataclass(frozen=True, slots=True)
class Model:
    """
    What copies weigh against a genuine life, and how high genuine items score.

    ``calibration`` holds shares of genuine scanned items and the score that so many of them reached, in falling order
    of the share. ``high_share`` is the share of items that are not flagged and score ``base_rates.HIGH``, and
    ``high_slope`` by how much the threshold rises with its logarithm: measured over worlds of other rates.
    """

    tables: Tables
    calibration: tuple[tuple[float, float], ...]
    high_share: float
    high_slope: float

    def threshold(self, rate: float) -> float:
        """Return the score that a share of *rate* of genuine items reaches; between known shares by their logarithm."""
        known = self.calibration
        rate = min(max(rate, known[-1][0]), known[0][0])
        (more, low), (less, high) = next(step for step in pairwise(known) if rate >= step[1][0])
        return low + (high - low) * log(more / rate) / log(more / less)


def merged(small: Mapping[str, Sequence[Sequence[int]]]) -> Tables:
    """Return the tables that rules read, from the small ones that were learned; one that is missing weighs nothing."""
    return {name: _merge(name, small.get(name, ())) for name in SHAPES}


# --- Private ---------------------------------------------------------------------------------------------------------


def _merge(name: str, small: Sequence[Sequence[int]]) -> tuple[float, ...]:
    shape = SHAPES[name]
    found = []
    for position in product(*map(range, shape)):
        hundredths = 0
        for axes, table in zip(PAIRS[name], small, strict=False):
            index = 0
            for axis in axes:
                index = index * shape[axis] + position[axis]
            hundredths += table[index]
        found.append(hundredths / 100)
    return tuple(found)


def _model(name: str) -> Model:
    return Model(merged(learned.TABLES[name]), learned.CALIBRATIONS[name], *learned.TAILS[name])


SCANS = _model("scans")
"""For brands that keep no records of commissioning and sale."""
LIFECYCLE = _model("lifecycle")
