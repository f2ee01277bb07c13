"""
How the threshold of a brand follows its own high scores: ``python -m benchmarks.clones.habits browsers resale``.

For each named rate of the world, at half and at double, on a training seed: the share of the items that are not flagged
and score high, as the job of the night counts it, and the score that one genuine item in a thousand reaches. By lines
through such points ``calibrating.SLOPES`` was chosen.
"""

import argparse
import math
from statistics import linear_regression

from authsvc.simulation import Life, Simulation, World
from benchmarks.clones.detectors import Tier, seen, top_score, visible
from benchmarks.clones.evaluation import Plan, lessons
from benchmarks.clones.ours import Ours

SEED, GENUINE = 51, 25_000
RATE = 0.001
USUAL = ("browsers", "returns", "household", "browsed", "photo_legible", "resale", "owner_checks", "companion")


def main() -> None:
    """Play, print each world, and the line through them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.clones.habits", description=__doc__)
    parser.add_argument("rates", nargs="*", default=USUAL)
    parser.add_argument("--genuine", type=int, default=GENUINE, help="genuine items with a scan, for each world")
    arguments = parser.parse_args()
    worlds = [(f"{name} x {by:g}", World().scaled(name, by)) for name in arguments.rates for by in (0.5, 2.0)]
    for tier in Tier:
        points = []
        for name, world in worlds:
            share, score = measured(tier, world, arguments.genuine)
            points.append((math.log(share), score))
            print(f"{tier.value}: {name}: {share:.2%} score high, one in {1 / RATE:,.0f} scores {score:.2f}")
        slope, _ = linear_regression(*zip(*points, strict=True))
        print(f"{tier.value}: {slope:.2f} for each unit of the logarithm")


def measured(tier: Tier, world: World, genuine: int) -> tuple[float, float]:
    """Return the share of items that score high, and the score that a share of ``RATE`` of genuine ones reaches."""
    detector = Ours()
    detector.train((), tier)
    detector.settle(seen(lessons(Plan(lesson_items=20_000), world), tier))
    simulation = Simulation(SEED, world)
    tops: list[float] = []
    index = 0
    while len(tops) < genuine:
        life = simulation.life(index)
        index += 1
        if life.truth.attack is None and life.is_scanned:
            tops.append(_top(detector, life, tier))
    tops.sort(reverse=True)
    return detector.traffic.high / max(1, detector.traffic.judged), tops[int(RATE * len(tops))]


def _top(detector: Ours, life: Life, tier: Tier) -> float:
    return top_score(detector, visible(life, tier)[0]) + detector.shift


if __name__ == "__main__":
    main()
