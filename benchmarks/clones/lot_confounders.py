"""
Genuine lots that look strange: what the lot watch must not call copied, and may call traded past its market.

The world plays items one by one, so nothing in it moves a part of a lot together. Here two things do: a wholesaler who
ships part of a lot to another continent, and a sale that empties the shelves within days. ``python -m
benchmarks.clones.lot_confounders SEED…`` prints, for a year of 200 lots of which ten each are so moved, what is raised.
"""

import sys
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from authsvc.simulation import DAY, START, Simulation, World, counted
from authsvc.simulation.genuine import Goods
from authsvc.simulation.geography import EVERYWHERE, REGIONS, City
from authsvc.simulation.stage import Stage
from benchmarks.clones.lot_watching import findings
from benchmarks.clones.lots import LOTS

if TYPE_CHECKING:
    from authsvc.core.traces import Event

MOVED = 300
"""Items of a lot that are traded or sold off together."""
AFTER = 120 * DAY


class Confounded(Simulation):
    """A brand no lot of which is copied; *traded* and *sold_off* lots are moved, each by its number."""

    def __init__(self, seed: int, world: World, traded: frozenset[int], sold_off: frozenset[int]) -> None:
        super().__init__(seed, world, copied_lots=())
        self._traded, self._sold_off = traded, sold_off
        self._hurried = replace(world, shelf_days=3.0, owner_checks=1.5 * world.owner_checks)

    def _stage(self, index: int) -> tuple[Stage, Goods, City]:
        stage, goods, city = super()._stage(index)
        number, place = divmod(index, self.world.lot_size)
        if place < MOVED and number in self._traded:
            goods = replace(goods, made_at=goods.made_at + AFTER, markets=(self._far(number, goods),))
        elif place < MOVED and number in self._sold_off:
            goods = replace(goods, made_at=goods.made_at + AFTER)
            stage.world = self._hurried
        return stage, goods, city

    def _far(self, number: int, goods: Goods) -> str:
        """Return the country of a lot's wholesaler, in another region than its markets."""
        random = self._random(9, number)
        home = next(
            region for region, cities in REGIONS.items() if goods.markets[0] in {c.country for c in cities.cities}
        )
        while (city := EVERYWHERE.draw(random)).region == home:
            pass
        return city.country


def raised(seed: int, *, lots: int = LOTS, each: int = 10) -> Counter[tuple[str, str]]:
    """Play a year and return how many alerts were raised, by what was done to the lot and by rule."""
    world = replace(World(), days=365)
    plain = Simulation(seed, world)
    early = [n for n in range(lots) if plain.lot_of(n * world.lot_size).made_at < START + 120 * DAY]
    traded, sold_off = frozenset(early[:each]), frozenset(early[each : 2 * each])
    simulation = Confounded(seed, world, traded, sold_off)
    kinds = {simulation.lot_of(n * world.lot_size).lot: "traded" for n in traded}
    kinds |= {simulation.lot_of(n * world.lot_size).lot: "sold off" for n in sold_off}
    scans: list[tuple[int, str, Event]] = []
    for life in simulation.lives(range(lots * world.lot_size)):
        scans += [(event.at, life.truth.lot, event) for _, event in counted(life.events)]
    scans.sort(key=lambda scan: scan[0])
    found = findings((lot, event) for _, lot, event in scans)
    return Counter((kinds.get(window.place.lot, "ordinary"), finding.rule) for _, window, finding in found)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        print(f"seed {argument}: {dict(raised(int(argument)))}", flush=True)
