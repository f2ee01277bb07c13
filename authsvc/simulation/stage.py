"""
The stage on which one item's life is played: people with phones, and what the service gets to see of them.

A person is somewhere; a scan is placed elsewhere. All of that error is made here, so that the genuine and the
counterfeit are seen through the same glass and no detector can tell them apart by how they were written down.
"""

import math
from collections.abc import Iterator
from random import Random
from typing import Literal

from authsvc.core.traces import Event, Kind
from authsvc.simulation.geography import CENTRES, COUNTRIES, EVERYWHERE, NUMBERS, City
from authsvc.simulation.world import DAY, START, World

Channel = Literal["camera", "shared", "api"]

_FIXED_RADII = (10.0, 20.0, 20.0, 50.0)
_MOBILE_RADII = (50.0, 100.0, 200.0, 200.0, 500.0)
"""What a database says of its own error. It does not know better for the one address at hand."""


def poisson(random: Random, mean: float) -> int:
    """Draw a Poisson count; meant for small means, and a rounded normal for large ones."""
    if mean > 40:
        return max(0, round(random.gauss(mean, math.sqrt(mean))))
    count, product, floor = 0, random.random(), math.exp(-mean)
    while product > floor:
        count += 1
        product *= random.random()
    return count


def again(random: Random, chance: float) -> Iterator[int]:
    """Count up from 0 for as long as *chance* holds."""
    number = 0
    while random.random() < chance:
        yield number
        number += 1


def later(random: Random, mean: float, seconds: float) -> list[float]:
    """Draw when somebody comes back, a Poisson count of times, in order: a cookie ages from one to the next."""
    return sorted(random.expovariate(1 / seconds) for _ in range(poisson(random, mean)))


class Person:
    """Somebody with a phone: where they live, how they are connected, and what cookie they hold."""

    __slots__ = ("anchor", "city", "cookie_at", "is_private", "is_relayed", "prefix", "visitor")

    def __init__(self, stage: "Stage", city: City, prefix: int | None = None) -> None:
        random = stage.random
        self.city = city
        self.anchor = _displaced(random, city.latitude, city.longitude, 15.0 * random.random())
        self.prefix = random.getrandbits(40) if prefix is None else prefix
        self.visitor: str | None = None
        self.cookie_at = 0
        self.is_private = random.random() < stage.world.private
        self.is_relayed = random.random() < stage.world.relay


class Stage:
    """Everything that happens to one item is written down here, with whether it happened to a fake."""

    __slots__ = ("end", "events", "gtin", "is_fake", "random", "serial", "world")

    def __init__(self, world: World, random: Random, gtin: str, serial: str) -> None:
        self.world, self.random, self.gtin, self.serial = world, random, gtin, serial
        self.end = START + world.days * DAY
        self.is_fake = False
        self.events: list[tuple[int, int, Event, bool]] = []

    def note(
        self,
        kind: Kind,
        at: float,
        visitor: str | None = None,
        *,
        markets: tuple[str, ...] | None = None,
        lot: str | None = None,
    ) -> None:
        """Write down a fact of the item's life."""
        event = Event(kind, int(at), self.gtin, self.serial, visitor, markets=markets, lot=lot)
        self._write(event)

    def scan(self, person: Person, at: float, city: City | None = None, channel: Channel = "camera") -> str | None:
        """Let *person* scan, at home or in *city*; return the visitor that the service saw, or None after the end."""
        moment = int(at)
        if moment >= self.end:
            return None
        world, random = self.world, self.random
        visitor = self._visitor(person, moment)
        network, country, latitude, longitude, radius, prefix = self._observe(person, moment, city)
        if random.random() < world.prefetch:
            place = (country, latitude, longitude, radius, network, prefix)
            self._scan_event(moment - 1, None, place, is_automated=True, is_confirmed=False, channel=channel)
        is_confirmed = random.random() < world.confirmed
        place = (country, latitude, longitude, radius, network, prefix)
        self._scan_event(moment, visitor, place, is_automated=False, is_confirmed=is_confirmed, channel=channel)
        if random.random() < world.reload:
            later = moment + 5 + int(900 * random.random() ** 2)
            seen = self._visitor(person, later)
            # At midnight prefixes get other pseudonyms: a repeat on the next day is seen anew.
            if random.random() < world.switched or later // DAY != moment // DAY:
                network, country, latitude, longitude, radius, prefix = self._observe(person, later, city)
                place = (country, latitude, longitude, radius, network, prefix)
            self._scan_event(later, seen, place, is_automated=False, is_confirmed=is_confirmed, channel=channel)
        if random.random() < world.raw_share:
            self._pass_on(person, moment)
        return visitor

    def flood_scan(self, person: Person, at: float) -> None:
        """Let somebody scan who keeps a browser only to scan this code again and again: its page always runs."""
        place = self._observe(person, int(at), None)
        network, country, latitude, longitude, radius, prefix = place
        prefix = f"{_mixed(person.prefix, int(at) // DAY):010x}"
        if person.visitor is None:
            person.visitor = f"{self.random.getrandbits(48):012x}"
        seen = (country, latitude, longitude, radius, network, prefix)
        self._scan_event(int(at), person.visitor, seen, is_automated=False, is_confirmed=True, channel="camera")

    def fetch(self, at: float) -> None:
        """Let the preview bot of a messenger fetch the link from a data centre."""
        city = EVERYWHERE.draw(self.random)
        prefix = f"{self.random.getrandbits(40):010x}"
        place = (city.country, city.latitude, city.longitude, 50.0, "datacentre", prefix)
        self._scan_event(int(at), None, place, is_automated=True, is_confirmed=False, channel="shared")

    # --- Private -----------------------------------------------------------------------------------------------------

    def _pass_on(self, person: Person, at: int) -> None:
        """Pass the raw link on: bots look first, then a few friends, most of them near."""
        world, random = self.world, self.random
        at += int(random.expovariate(1 / 3600))
        for _ in range(1 + int(2 * random.random())):
            self.fetch(at + random.random() * 10)
        for _ in range(poisson(random, 1.5)):
            city = person.city if random.random() < 0.7 else elsewhere(random, person.city)
            channel: Channel = "shared" if random.random() < world.share_marked else "camera"
            self.scan(Person(self, city), at + 60 + random.expovariate(1 / (0.5 * DAY)), channel=channel)

    def _visitor(self, person: Person, at: int) -> str:
        """Return the pseudonym of the cookie that *person* brings, a new one if it is lost."""
        world, random = self.world, self.random
        is_lost = at - person.cookie_at > world.cookie_days * DAY or (
            person.is_private or (at - person.cookie_at > 1800 and random.random() < world.cookie_loss)
        )
        if person.visitor is None or is_lost:
            person.visitor = f"{random.getrandbits(48):012x}"
        person.cookie_at = at
        return person.visitor

    def _observe(
        self, person: Person, at: int, city: City | None
    ) -> tuple[str, str | None, float | None, float | None, float | None, str]:
        """See a person through the network: its kind, a country, a point, a radius and a prefix, each perhaps wrong."""
        world, random = self.world, self.random
        is_home = city is None
        here = person.city if city is None else city
        if is_home and random.random() < world.fixed_line:
            network, error, wrong, pool = "fixed", world.fixed_error_km, world.wrong_country_fixed, person.prefix
        else:
            network, error, wrong = "mobile", world.mobile_error_km, world.wrong_country_mobile
            if here.country != person.city.country and random.random() < world.home_routed:
                here, is_home = person.city, True
            pool = NUMBERS[here.country] * 300 + int(300 * random.random())
        prefix = f"{_mixed(pool, at // DAY):010x}"
        if random.random() < world.unlocated:
            return "unknown", None, None, None, None, prefix
        if person.is_relayed:
            exit_city = here if random.random() < 0.4 else EVERYWHERE.draw(random)
            prefix = f"{_mixed((NUMBERS[exit_city.country] * 30 + int(30 * random.random())) ^ 0x5EED, at // DAY):010x}"
            if random.random() < world.relay_known:
                return "relay", None, None, None, None, prefix
            here, network, error, is_home = exit_city, "unknown", world.fixed_error_km, False
        elif random.random() < wrong:
            here, is_home = elsewhere(random, here), False
        if random.random() >= world.place_detail:
            return network, here.country, *CENTRES[here.country], prefix
        latitude, longitude = person.anchor if is_home else (here.latitude, here.longitude)
        radii = _MOBILE_RADII if network == "mobile" else _FIXED_RADII
        sigma = 0.88 if network == "mobile" else 1.0
        latitude, longitude = _displaced(random, latitude, longitude, error * random.lognormvariate(0.0, sigma))
        radius = radii[int(random.random() * len(radii))]
        return network, here.country, latitude, longitude, radius, prefix

    def _scan_event(
        self,
        at: int,
        visitor: str | None,
        place: tuple[str | None, float | None, float | None, float | None, str, str],
        *,
        is_automated: bool,
        is_confirmed: bool,
        channel: Channel,
    ) -> None:
        country, latitude, longitude, radius, network, prefix = place
        self._write(
            Event(
                Kind.SCAN,
                at,
                self.gtin,
                self.serial,
                visitor,
                country,
                latitude,
                longitude,
                radius,
                network,
                prefix,
                is_automated,
                is_confirmed,
                channel,
            )
        )

    def _write(self, event: Event) -> None:
        if START <= event.at < self.end:
            self.events.append((event.at, len(self.events), event, self.is_fake))


def elsewhere(random: Random, city: City) -> City:
    """Draw a city of another country."""
    while (other := EVERYWHERE.draw(random)).country == city.country:
        pass
    return other


def nearby(random: Random, city: City) -> City:
    """Draw a city of the same country."""
    return COUNTRIES[city.country].draw(random)


def _displaced(random: Random, latitude: float, longitude: float, km: float) -> tuple[float, float]:
    bearing = 2 * math.pi * random.random()
    km = min(km, 5_000.0)
    latitude_2 = max(-85.0, min(85.0, latitude + km * math.cos(bearing) / 111.2))
    longitude_2 = longitude + km * math.sin(bearing) / (111.2 * max(0.1, math.cos(math.radians(latitude))))
    return round(latitude_2, 2), round((longitude_2 + 180.0) % 360.0 - 180.0, 2)


def _mixed(prefix: int, day: int) -> int:
    """Return the pseudonym of a prefix on one day: the service cannot recognise it on the next one either."""
    return (prefix * 0x9E3779B97F4A7C15 + day * 0xC2B2AE3D27D4EB4F & 0xFFFFFFFFFFFFFFFF) * 0xD6E8FEB86659FD93 >> 24 & (
        2**40 - 1
    )
