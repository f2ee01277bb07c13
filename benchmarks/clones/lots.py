"""
The attacker who copies five hundred codes three times each: no serial is ever conspicuous, only the lot is.

One brand of 200 lots of 1,000 items, one year; in every run one lot is copied. An alert on that lot is a find, an alert
on any other lot is false, also where single items of it are copied in the usual way.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from authsvc.core.traces import Event
from authsvc.simulation import DAY, START, Simulation, World, counted

LOTS = 200


@dataclass(frozen=True, slots=True)
class LotAlert:
    """A lot was found suspicious, and when."""

    at: int
    lot: str


LotWatch = Callable[[Iterable[tuple[str, Event]]], Iterable[LotAlert]]
"""Reads the counted scans of a brand in the order of time, each with its lot, and yields alerts as they are raised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LotYear:
    """What a lot watch made of one year."""

    seed: int
    false_alerts: int
    found_after_days: float | None
    found_after_scans: int | None
    fake_scans: int


def lot_year(watch: LotWatch, *, seed: int, world: World, lots: int = LOTS) -> LotYear:
    """Play one year of a brand, let *watch* look at it, and count."""
    world = replace(world, days=365)
    plain = Simulation(seed, world)
    size = world.lot_size
    # The copied lot must leave early enough that its fakes are sold within the year.
    target = next(n for n in range(lots) if plain.lot_of(n * size).made_at < START + 60 * DAY)
    simulation = Simulation(seed, world, copied_lots={target})
    name = simulation.lot_of(target * size).lot
    scans: list[tuple[int, str, Event, bool]] = []
    for life in simulation.lives(range(lots * size)):
        lot = life.truth.lot
        scans += [(e.at, lot, e, life.is_fake[n] and lot == name) for n, e in counted(life.events)]
    scans.sort(key=lambda scan: scan[0])
    fakes = [scan[0] for scan in scans if scan[3]]
    found: dict[str, int] = {}
    for alert in watch(_shown(scans)):
        found.setdefault(alert.lot, alert.at)
    at = found.pop(name, None)
    return LotYear(
        seed=seed,
        false_alerts=len(found),
        found_after_days=None if at is None or not fakes else (at - fakes[0]) / DAY,
        found_after_scans=None if at is None else sum(fake <= at for fake in fakes),
        fake_scans=len(fakes),
    )


def _shown(scans: Iterable[tuple[int, str, Event, bool]]) -> Iterator[tuple[str, Event]]:
    return ((lot, event) for _, lot, event, _ in scans)
