"""
What counterfeiters do with a genuine code, and what the buyers of their goods then do with it.

A counterfeiter copies codes, never signatures. The people who scan a fake are people like any other: they are played on
the same stage, and only the note that the thing in their hand is a fake sets them apart.
"""

import math
from enum import StrEnum

from authsvc.core.traces import Kind
from authsvc.simulation.genuine import Goods, Milestones
from authsvc.simulation.geography import COUNTRIES, EVERYWHERE, REGIONS, City
from authsvc.simulation.stage import Person, Stage, elsewhere, later, nearby, poisson
from authsvc.simulation.world import DAY

MONTH = 30 * DAY
LOT_COPIES = 3
LOT_SERIALS = 500


class Attack(StrEnum):
    """How an item was copied."""

    MANY = "many-copies"
    BEFORE_SALE = "before-sale"
    DILUTED = "diluted"
    LOT = "few-copies-of-a-lot"
    FLOOD = "flood"


def choose(stage: Stage, goods: Goods, number: int) -> Attack | None:
    """Decide whether and how the item *number* of its lot is copied."""
    world, draw = stage.world, stage.random.random()
    for attack, share in (
        (Attack.MANY, world.many_copies),
        (Attack.BEFORE_SALE, world.before_sale),
        (Attack.DILUTED, world.diluted),
    ):
        if draw < share:
            return attack
        draw -= share
    return Attack.LOT if goods.is_copied and number % 2 == 0 and number < 2 * LOT_SERIALS else None


def play(stage: Stage, attack: Attack, goods: Goods, life: Milestones, lot_city: City) -> int:
    """Sell fakes with this item's code and let people scan them; return how many were sold."""
    world, random = stage.world, stage.random
    months = world.fake_months * random.lognormvariate(0.0, 0.5)
    cities: list[City]
    match attack:
        case Attack.MANY:
            count = _log_uniform(stage, 5, 500)
            since = life.sold_at + random.expovariate(1 / (2 * MONTH))
            cities = _territory(stage, goods, life)
        case Attack.BEFORE_SALE:
            count = _log_uniform(stage, 5, 500)
            early = goods.made_at if random.random() < 0.4 else life.in_shop_at
            since = early + (random.random() - 0.2) * MONTH
            cities = _territory(stage, goods, life)
        case Attack.DILUTED:
            count = _log_uniform(stage, 4, 40)
            since = life.sold_at + random.expovariate(1 / (2 * MONTH))
            months *= 1.5
            cities = [EVERYWHERE.draw(random) for _ in range(4)]
        case _:
            count = LOT_COPIES
            since = goods.made_at + 5 * MONTH
            months = 3.0
            cities = [lot_city]
    stage.is_fake = True
    registered = life.registered_at
    for _ in range(count):
        at = since + months * MONTH * random.random()
        if at < stage.end and _sell_fake(stage, cities, at, may_register=registered is None or registered > at):
            registered = at
    stage.is_fake = False
    return count


def flood(stage: Stage, life: Milestones, *, scans: int = 1_000, visitors: int = 50, prefixes: int = 5) -> None:
    """Let a rival scan a genuine item a thousand times, from few browsers in few networks, to make it look copied."""
    random = stage.random
    stage.is_fake = True
    cities = [EVERYWHERE.draw(random) for _ in range(prefixes)]
    nets = [random.getrandbits(40) for _ in cities]
    people = [Person(stage, cities[n % prefixes], nets[n % prefixes]) for n in range(visitors)]
    for person in people:
        person.is_private = person.is_relayed = False
    since = min(life.sold_at + 20 * DAY, stage.end - 15 * DAY)
    days = random.choice((1, 3, 14))
    for n in range(scans):
        stage.flood_scan(people[n % visitors], since + days * DAY * random.random())
    stage.is_fake = False


def _sell_fake(stage: Stage, cities: list[City], at: float, *, may_register: bool) -> bool:
    """Sell one fake; return whether its buyer registered it."""
    world, random = stage.world, stage.random
    city = cities[int(random.random() * len(cities))]
    is_registered = False
    home_prefix = random.getrandbits(40)
    for n in range(poisson(random, world.fake_checked)):
        lives = city if random.random() < 0.85 else nearby(random, city)
        person = Person(stage, lives, home_prefix if n and random.random() < 0.3 else None)
        seen_at = at + random.expovariate(1 / (4 * DAY))
        visitor = stage.scan(person, seen_at, city if random.random() < 0.4 else None)
        for delay in later(random, world.fake_returns, 45 * DAY):
            stage.scan(person, seen_at + delay)
        if visitor is not None and may_register and not is_registered and random.random() < world.fake_registered:
            stage.note(Kind.REGISTERED, seen_at + 300, visitor)
            is_registered = True
    return is_registered


def _territory(stage: Stage, goods: Goods, life: Milestones) -> list[City]:
    """Choose where a counterfeiter sells: one to six cities, mostly of few countries."""
    random = stage.random
    if random.random() < stage.world.fakes_nearby:
        first = REGIONS[life.shop.region].draw(random)
    else:
        first = elsewhere(random, COUNTRIES[goods.markets[0]].draw(random))
    cities = [first]
    for _ in range(int(random.random() * 6)):
        draw = random.random()
        if draw < 0.5:
            cities.append(nearby(random, first))
        else:
            cities.append(REGIONS[first.region].draw(random) if draw < 0.8 else EVERYWHERE.draw(random))
    return cities


def _log_uniform(stage: Stage, least: int, most: int) -> int:
    return round(math.exp(math.log(least) + stage.random.random() * math.log(most / least)))
