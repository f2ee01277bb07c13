"""
The world beside the pilot: what the simplest detectors make of it, ``python -m benchmarks.clones.pilot``.

The rates of ``authsvc.simulation.world`` are assumed. They are held to what an earlier, independent simulation found
with detectors that have nothing to learn, each at its usual setting. Our own detector is not asked here, and nothing
here is played from a reporting seed.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import pairwise

from authsvc.core.traces import Event
from authsvc.simulation import Life, Simulation, World, counted
from authsvc.simulation.geography import distance_km
from benchmarks.clones.evaluation import FEW

SEED = 51
PARTS = 8

PILOT = {
    "three scans or more: flags": 0.41,
    "geo-velocity above 900 km/h: flags": 0.27,
    "geo-velocity above 900 km/h: finds": 0.30,
    "ten distinct visitors: flags": 0.0035,
    "ten distinct visitors: finds": 0.58,
}
"""What the pilot found: of genuine items with a scan, and of copied ones with at least five scans of fakes."""


def main() -> None:
    """Play a training seed and print what the pilot's detectors make of it beside what they made of the pilot's."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.clones.pilot", description=__doc__)
    parser.add_argument("--items", type=int, default=400_000)
    parser.add_argument("--jobs", type=int, default=1, help="processes (default: 1)")
    arguments = parser.parse_args()
    found = measured(World(), arguments.items, arguments.jobs)
    print("| detector | pilot | here |\n|---|---|---|")
    for name, value in PILOT.items():
        print(f"| {name} | {100 * value:.4g} % | {100 * found[name]:.2f} % |")


def measured(world: World, items: int, jobs: int = 1) -> dict[str, float]:
    """Return the share of genuine scanned items that each detector flags, and of copied ones that it finds."""
    parts = [range(items * n // PARTS, items * (n + 1) // PARTS) for n in range(PARTS)]
    counts: Counter[str] = Counter()
    if jobs <= 1:
        for part in parts:
            counts += _count(world, part)
    else:
        with ProcessPoolExecutor(jobs) as pool:
            for some in pool.map(partial(_count, world), parts):
                counts += some
    sizes = {"flags": counts["genuine"], "finds": counts["copied"]}
    return {name: counts[name] / max(1, sizes[name.rpartition(" ")[2]]) for name in PILOT}


def _count(world: World, items: range) -> Counter[str]:
    counts: Counter[str] = Counter()
    for life in Simulation(SEED, world).lives(items):
        if life.truth.attack is None:
            if life.is_scanned:
                counts["genuine"] += 1
                counts["three scans or more: flags"] += sum(_is_scan(event) for event in life.events) >= 3
                counts["geo-velocity above 900 km/h: flags"] += _fast_at(life.events) is not None
                counts["ten distinct visitors: flags"] += _tenth_at(life.events) is not None
        elif life.truth.fake_scans >= FEW:
            counts["copied"] += 1
            counts["geo-velocity above 900 km/h: finds"] += _is_find(life, _fast_at(life.events))
            counts["ten distinct visitors: finds"] += _is_find(life, _tenth_at(life.events))
    return counts


def _is_scan(event: Event) -> bool:
    return event.kind == "scan" and not event.is_automated


def _is_find(life: Life, at: int | None) -> bool:
    """Say whether an alarm came with or after the first scan of a fake."""
    first = next(n for n, is_fake in enumerate(life.is_fake) if is_fake and life.events[n].kind == "scan")
    return at is not None and at >= first


def _fast_at(events: Sequence[Event]) -> int | None:
    """Return where the item first seems to have moved at more than 900 km/h, reloads included, points believed."""
    placed = [(n, event) for n, event in enumerate(events) if _is_scan(event) and event.latitude is not None]
    for (_, a), (n, b) in pairwise(placed):
        assert a.latitude is not None
        assert a.longitude is not None
        assert b.latitude is not None
        assert b.longitude is not None
        way = distance_km(a.latitude, a.longitude, b.latitude, b.longitude)
        if way > 900 * max(1 / 60, (b.at - a.at) / 3600):
            return n
    return None


def _tenth_at(events: Sequence[Event]) -> int | None:
    """Return where the tenth visitor came."""
    seen: set[str | None] = set()
    for n, event in counted(events):
        seen.add(event.visitor)
        if len(seen) == 10:
            return n
    return None


if __name__ == "__main__":
    main()
