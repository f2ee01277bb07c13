"""
The life of a genuine item: from the line through the shop to its owners, and everybody who looks at it on the way.

Each scene is a function that plays one habit. What makes a genuine item look copied is in here on purpose: the display
piece that forty shoppers check, the tourist who takes it home, the listing whose photograph strangers scan.
"""

from dataclasses import dataclass

from authsvc.core.traces import Kind
from authsvc.simulation.geography import COUNTRIES, EVERYWHERE, City
from authsvc.simulation.stage import Person, Stage, again, elsewhere, later, nearby, poisson
from authsvc.simulation.world import DAY


@dataclass(frozen=True, slots=True)
class Goods:
    """What a lot has in common: a product that draws checks more or less, a day, markets, and what was recorded."""

    lot: str
    gtin: str
    interest: float
    """How often this product is checked, against the mean of the brand."""
    made_at: int
    recorded_at: int
    """When its commissioning reaches the service."""
    markets: tuple[str, ...]
    is_market_known: bool
    is_copied: bool


@dataclass(slots=True)
class Milestones:
    """Where the life of an item went: what a counterfeiter needs to know of it."""

    shop: City
    in_shop_at: float
    sold_at: float
    registered_at: float | None = None
    is_viral: bool = False


def live(stage: Stage, goods: Goods) -> Milestones:
    """Play the whole life of one genuine item."""
    world, random = stage.world, stage.random
    stage.note(
        Kind.COMMISSIONED, goods.recorded_at, markets=goods.markets if goods.is_market_known else None, lot=goods.lot
    )
    home = COUNTRIES[goods.markets[int(random.random() * len(goods.markets))]].draw(random)
    shop = elsewhere(random, home) if random.random() < world.grey_trade else home
    in_shop_at = goods.made_at + (2 + random.expovariate(1 / 12)) * DAY
    sold_at = in_shop_at + random.expovariate(1 / world.shelf_days) * DAY
    milestones = Milestones(shop, in_shop_at, sold_at)
    _browse(stage, goods, milestones)
    if sold_at >= stage.end:
        return milestones
    if random.random() < world.sale_recorded:
        stage.note(Kind.SOLD, sold_at + random.expovariate(1 / (1.5 * DAY)))
    city = elsewhere(random, shop) if random.random() < world.tourist_buyer else nearby(random, shop)
    _own(stage, goods, milestones, city)
    if random.random() < world.viral:
        milestones.is_viral = True
        _go_viral(stage, city, sold_at)
    return milestones


def _browse(stage: Stage, goods: Goods, life: Milestones) -> None:
    """Shoppers check the item on the shelf, and a display piece for as long as it stands there."""
    world, random = stage.world, stage.random
    count = 0
    if random.random() < world.browsed * goods.interest:
        count = 1 + poisson(random, max(0.0, world.browsers - 1))
    if random.random() < world.on_display:
        count += poisson(random, world.display_browsers * random.gammavariate(2.0, 0.5))
        life.sold_at += 60 * DAY * random.random()
    for _ in range(count):
        visits = random.random() < 0.06  # from abroad
        person = Person(stage, elsewhere(random, life.shop) if visits else life.shop)
        at = life.in_shop_at + (life.sold_at - life.in_shop_at) * random.random()
        at = _by_day(stage, at)
        stage.scan(person, at, life.shop)
        if random.random() < world.companion:
            stage.scan(Person(stage, person.city), at + 30 + random.expovariate(1 / 300), life.shop)
        if random.random() < 0.1:
            stage.scan(person, at + DAY * (1 + random.expovariate(0.3)))  # They think about it, at home.


def _own(stage: Stage, goods: Goods, life: Milestones, city: City) -> None:
    """Buy, check, register, give away, show around, travel, repair, sell again."""
    world, random = stage.world, stage.random
    at = life.sold_at
    owner = Person(stage, city)
    if random.random() < world.owner_checks * goods.interest:
        first = max(at + 1_200, _by_day(stage, at + random.expovariate(1 / (2 * DAY))))
        if random.random() < 0.3:
            stage.scan(owner, at - 600 * random.random(), life.shop)  # Checked at the counter, before paying.
        visitor = stage.scan(owner, first)
        _use(stage, owner, first)
        if visitor is not None and random.random() < world.registers:
            life.registered_at = first + 300
            if random.random() < world.claim_code:
                stage.note(Kind.CLAIMED, life.registered_at)
            stage.note(Kind.REGISTERED, life.registered_at, visitor)
    if random.random() < world.gift:
        receiver = elsewhere(random, city) if random.random() < world.gift_abroad else nearby(random, city)
        owner = Person(stage, receiver)
        at += random.expovariate(1 / (20 * DAY))
        if random.random() < world.owner_checks * goods.interest:
            stage.scan(owner, _by_day(stage, at))
            _use(stage, owner, at)
    if random.random() < world.repair:
        workshop = Person(stage, nearby(random, owner.city))
        brought = at + random.expovariate(1 / (200 * DAY))
        stage.scan(workshop, _by_day(stage, brought))
        if random.random() < 0.5:
            stage.scan(workshop, _by_day(stage, brought + 5 * DAY))
    for _ in again(random, world.resale):
        at += random.expovariate(1 / (180 * DAY))
        owner = _resell(stage, goods, life, owner, at)


def _use(stage: Stage, owner: Person, since: float) -> None:
    """Scan again over the years, with the phones of the household, among friends and on the way."""
    world, random = stage.world, stage.random
    for delay in later(random, world.returns, 60 * DAY):
        at = max(since + 3_600, _by_day(stage, since + delay))
        is_away = random.random() < world.travel
        stage.scan(owner, at, EVERYWHERE.draw(random) if is_away else None)
    for _ in again(random, world.household):
        member = Person(stage, owner.city, owner.prefix)
        at = since + random.expovariate(1 / (4 * DAY))
        stage.scan(member, since + 60 + random.expovariate(1 / 600) if random.random() < 0.5 else _by_day(stage, at))
        for delay in later(random, world.returns / 3, 60 * DAY):
            stage.scan(member, _by_day(stage, at + DAY + delay))
    if random.random() < world.companion / 2:
        stage.scan(Person(stage, owner.city), since + 60 + random.expovariate(1 / 600), owner.city)
    for _ in again(random, world.friends):
        city = owner.city if random.random() < 0.8 else nearby(random, owner.city)
        stage.scan(Person(stage, city), _by_day(stage, since + random.expovariate(1 / (30 * DAY))), owner.city)


def _resell(stage: Stage, goods: Goods, life: Milestones, seller: Person, at: float) -> Person:
    """Offer the item again: strangers look at its picture, somebody meets the seller, a second buyer takes it home."""
    world, random = stage.world, stage.random
    if random.random() < world.photo_legible:
        for _ in range(poisson(random, world.listing_strangers * goods.interest)):
            where = nearby(random, seller.city) if random.random() < 0.8 else EVERYWHERE.draw(random)
            stage.scan(Person(stage, where), _by_day(stage, at + random.expovariate(1 / (8 * DAY))))
    if random.random() < 0.3:  # Somebody sees it and does not buy.
        stage.scan(Person(stage, seller.city), _by_day(stage, at + 5 * DAY * random.random()))
    if random.random() < 0.15:  # The platform's own check, in another town.
        stage.scan(Person(stage, nearby(random, seller.city)), _by_day(stage, at + 6 * DAY))
    abroad = random.random() < world.resold_abroad
    buyer = Person(stage, elsewhere(random, seller.city) if abroad else nearby(random, seller.city))
    got = at + (7 + 7 * random.random()) * DAY
    if random.random() < min(1.0, 1.5 * world.owner_checks * goods.interest):
        visitor = stage.scan(buyer, _by_day(stage, got))
        _use(stage, buyer, got)
        was_registered = life.registered_at is not None and life.registered_at < got
        if visitor is not None and was_registered and random.random() < world.transfer:
            stage.note(Kind.TRANSFERRED, got + 600, visitor)
    return buyer


def _go_viral(stage: Stage, city: City, since: float) -> None:
    """Somebody with a large audience shows the code: hundreds scan it from the screen within days."""
    random = stage.random
    at = since + random.expovariate(1 / (120 * DAY))
    for _ in range(int(random.lognormvariate(5.0, 1.0))):
        where = nearby(random, city) if random.random() < 0.6 else EVERYWHERE.draw(random)
        stage.scan(Person(stage, where), at + random.expovariate(1 / (2 * DAY)))


def _by_day(stage: Stage, at: float) -> float:
    """Move a time into the waking hours of its day, roughly: people scan between 8 and 23."""
    return at - at % DAY + (8 + 15 * stage.random.random()) * 3600
