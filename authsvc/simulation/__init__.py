"""
A documented world of genuine and copied items, for measuring clone evidence and for trying the service out.

Everything follows from a seed and a ``World``: the same two give the same trace on every machine. Items are independent
of each other given their lot, so any of them can be played alone and none must be kept: a million of them need no more
memory than one. What is true (which scans were of fakes) is kept apart from what the service gets to see.
"""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from authsvc.core.gs1.values import check_digit
from authsvc.core.traces import Event, Kind
from authsvc.simulation import attacks
from authsvc.simulation.attacks import Attack
from authsvc.simulation.genuine import Goods, Milestones, live
from authsvc.simulation.geography import EVERYWHERE, REGIONS, City
from authsvc.simulation.stage import Stage
from authsvc.simulation.world import DAY, START, World

__all__ = ["DAY", "PRODUCTS", "REPEAT_S", "START", "Attack", "Life", "Simulation", "Truth", "World", "counted"]

PRODUCTS: tuple[tuple[str, float], ...] = tuple(
    (digits + check_digit(digits + "0"), interest)
    for digits, interest in (
        ("0950600013441", 1.0),
        ("0950600013442", 0.4),
        ("0950600013443", 2.0),
        ("0950600013444", 0.8),
    )
)
"""The brand's products and how often each is checked, against the mean: a watch is not a bottle."""

REPEAT_S = 1_800
"""Seconds within which the same visitor's next scan of the item is a repeat; the window does not slide."""

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What really happened to an item, as nobody who runs the service can know."""

    gtin: str
    serial: str
    lot: str
    attack: Attack | None
    fakes: int
    fake_scans: int
    """Scans of fakes that count: neither automated nor a repeat by the same visitor within half an hour."""
    is_viral: bool


@dataclass(frozen=True, slots=True)
class Life:
    """The events of one item in the order of time, and for each whether it came from a fake."""

    truth: Truth
    events: tuple[Event, ...]
    is_fake: tuple[bool, ...]

    @property
    def is_scanned(self) -> bool:
        """Whether anybody has ever scanned this code."""
        return any(event.kind == Kind.SCAN for event in self.events)


class Simulation:
    """One brand's goods under one seed."""

    def __init__(self, seed: int, world: World | None = None, copied_lots: Container[int] | None = None) -> None:
        """Set the scene; *copied_lots* says which lots are copied, in place of chance."""
        self.seed = seed
        self._copied_lots = copied_lots
        self.world = World() if world is None else world
        self._lot = lru_cache(4_096)(self._draw_lot)

    def lives(self, items: range) -> Iterator[Life]:
        """Play the items of *items*, one after the other."""
        return (self.life(index) for index in items)

    def life(self, index: int) -> Life:
        """Play one item and, if it is copied, its fakes."""
        stage, goods, lot_city = self._stage(index)
        number = index % self.world.lot_size
        attack = attacks.choose(stage, goods, number)
        milestones = live(stage, goods)
        fakes = attacks.play(stage, attack, goods, milestones, lot_city) if attack is not None else 0
        return _told(stage, goods, milestones, attack, fakes)

    def flooded_life(self, index: int) -> Life:
        """Play one genuine item that a rival scans a thousand times; no fake of it exists."""
        stage, goods, _ = self._stage(index)
        milestones = live(stage, goods)
        attacks.flood(stage, milestones)
        return _told(stage, goods, milestones, Attack.FLOOD, 0)

    def lot_of(self, index: int) -> Goods:
        """Return what the item has in common with its lot."""
        return self._lot(index // self.world.lot_size)[0]

    def _stage(self, index: int) -> tuple[Stage, Goods, City]:
        goods, lot_city = self._lot(index // self.world.lot_size)
        stage = Stage(self.world, self._random(1, index), goods.gtin, _serial(self.seed, index))
        return stage, goods, lot_city

    def _draw_lot(self, number: int) -> tuple[Goods, City]:
        """Make the lot *number*: its product, its day, where it is meant to go, and whether it is copied."""
        random, world = self._random(2, number), self.world
        gtin, interest = PRODUCTS[number % len(PRODUCTS)]
        made_at = START + int(random.random() * world.days / 2 * DAY)
        late = random.random() < world.late_commissioning
        region = REGIONS[EVERYWHERE.draw(random).region]
        markets = tuple(sorted({region.draw(random).country for _ in range(1 + int(4 * random.random()))}))
        is_copied = random.random() < world.lots_copied
        goods = Goods(
            lot=f"L{number:05d}",
            gtin=gtin,
            interest=interest,
            made_at=made_at,
            recorded_at=made_at + (int((2 + 20 * random.random()) * DAY) if late else 3_600),
            markets=markets,
            is_market_known=random.random() < world.markets_known,
            is_copied=is_copied if self._copied_lots is None else number in self._copied_lots,
        )
        return goods, EVERYWHERE.draw(random)

    def _random(self, stream: int, number: int) -> Random:
        # The Mersenne twister takes an integer of any size as its seed; every item has a stream of its own.
        return Random((self.seed * 4 + stream) << 48 | number)  # noqa: S311  a simulation, no secret


def counted(events: Iterable[Event]) -> Iterator[tuple[int, Event]]:
    """Yield the scans that count, with their positions: not automated, and no repeat within half an hour."""
    last: dict[str | None, int] = {}
    for index, event in enumerate(events):
        if event.kind != "scan" or event.is_automated or event.at - last.get(event.visitor, -REPEAT_S) < REPEAT_S:
            continue
        last[event.visitor] = event.at
        yield index, event


def _told(stage: Stage, goods: Goods, milestones: Milestones, attack: Attack | None, fakes: int) -> Life:
    stage.events.sort()
    events, is_fake = tuple(e[2] for e in stage.events), tuple(e[3] for e in stage.events)
    truth = Truth(
        gtin=stage.gtin,
        serial=stage.serial,
        lot=goods.lot,
        attack=attack,
        fakes=fakes,
        fake_scans=sum(is_fake[index] for index, _ in counted(events)),
        is_viral=milestones.is_viral,
    )
    return Life(truth, events, is_fake)


def _serial(seed: int, index: int) -> str:
    """Give an item ten characters that tell nothing: a multiplication by an odd number, so that no two are alike."""
    number = (index * 0x2545F4914F6CDD1D + seed * 0x9E3779B97F4A7C15) % 2**50
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(45, -1, -5))
