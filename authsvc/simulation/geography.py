"""
A small atlas for the simulation: cities with a weight, their countries, and regions that share a market.

Only relations matter here (how far, which border, how busy), so positions are rounded to a tenth of a degree and the
weights are guesses at how much trade and how many phones a city stands for.
"""

import math
from bisect import bisect
from collections.abc import Mapping, Sequence
from itertools import accumulate
from random import Random
from typing import NamedTuple

_ATLAS = """
europe IT Milan 45.5 9.2 6, IT Rome 41.9 12.5 4, IT Naples 40.9 14.3 2, FR Paris 48.9 2.4 9
europe FR Lyon 45.8 4.8 2
europe DE Berlin 52.5 13.4 4, DE Munich 48.1 11.6 4, DE Cologne 50.9 7.0 4, ES Madrid 40.4 -3.7 4
europe ES Barcelona 41.4 2.2 3
europe NL Amsterdam 52.4 4.9 3, BE Brussels 50.9 4.4 2, AT Vienna 48.2 16.4 2, CH Zurich 47.4 8.5 2
europe PT Lisbon 38.7 -9.1 1
europe GB London 51.5 -0.1 9, GB Manchester 53.5 -2.2 3, IE Dublin 53.3 -6.3 1, SE Stockholm 59.3 18.1 2
europe DK Copenhagen 55.7 12.6 1
europe PL Warsaw 52.2 21.0 2, PL Krakow 50.1 19.9 1, CZ Prague 50.1 14.4 1, RO Bucharest 44.4 26.1 1
europe GR Athens 38.0 23.7 1
levant TR Istanbul 41.0 29.0 4, TR Ankara 39.9 32.9 1, AE Dubai 25.2 55.3 3, SA Riyadh 24.7 46.7 2
levant EG Cairo 30.0 31.2 2
africa ZA Johannesburg -26.2 28.0 2, NG Lagos 6.5 3.4 2, MA Casablanca 33.6 -7.6 1, KE Nairobi -1.3 36.8 1
north-america US New-York 40.7 -74.0 8, US Los-Angeles 34.1 -118.2 7, US Chicago 41.9 -87.6 4, US Houston 29.8 -95.4 3
north-america US Miami 25.8 -80.2 3, CA Toronto 43.7 -79.4 2, CA Vancouver 49.3 -123.1 1
latin-america MX Mexico-City 19.4 -99.1 3, BR Sao-Paulo -23.6 -46.6 4
latin-america BR Recife -8.1 -34.9 1, AR Buenos-Aires -34.6 -58.4 1
east-asia CN Shanghai 31.2 121.5 8, CN Guangzhou 23.1 113.3 6, CN Beijing 39.9 116.4 6, CN Chengdu 30.7 104.1 3
east-asia HK Hong-Kong 22.3 114.2 3, TW Taipei 25.0 121.6 1, JP Tokyo 35.7 139.7 6, JP Osaka 34.7 135.5 3
east-asia KR Seoul 37.6 127.0 4
south-asia SG Singapore 1.4 103.8 2, MY Kuala-Lumpur 3.1 101.7 1, TH Bangkok 13.8 100.5 2, VN Hanoi 21.0 105.9 1
south-asia VN Saigon 10.8 106.7 1, ID Jakarta -6.2 106.8 2, PH Manila 14.6 121.0 1, IN Mumbai 19.1 72.9 3
south-asia IN Delhi 28.7 77.1 3
oceania AU Sydney -33.9 151.2 2, AU Melbourne -37.8 145.0 2, NZ Auckland -36.8 174.8 1
"""


class City(NamedTuple):
    """A city of the atlas."""

    region: str
    country: str
    name: str
    latitude: float
    longitude: float


class Choice:
    """Cities drawn by weight."""

    def __init__(self, weighted: Sequence[tuple[City, float]]) -> None:
        self.cities = [city for city, _ in weighted]
        self._sums = list(accumulate(weight for _, weight in weighted))

    def draw(self, random: Random) -> City:
        """Draw one city."""
        return self.cities[bisect(self._sums, random.random() * self._sums[-1], 0, len(self.cities) - 1)]


def _read() -> list[tuple[City, float]]:
    found = []
    for line in _ATLAS.strip().splitlines():
        region, _, rest = line.partition(" ")
        for entry in rest.split(", "):
            country, name, latitude, longitude, weight = entry.split()
            found.append((City(region, country, name, float(latitude), float(longitude)), float(weight)))
    return found


_WEIGHTED = _read()

EVERYWHERE = Choice(_WEIGHTED)
REGIONS: Mapping[str, Choice] = {
    region: Choice([pair for pair in _WEIGHTED if pair[0].region == region])
    for region in dict.fromkeys(city.region for city, _ in _WEIGHTED)
}
COUNTRIES: Mapping[str, Choice] = {
    country: Choice([pair for pair in _WEIGHTED if pair[0].country == country])
    for country in dict.fromkeys(city.country for city, _ in _WEIGHTED)
}

CENTRES: Mapping[str, tuple[float, float, float]] = {
    country: (
        round(sum(city.latitude for city in choice.cities) / len(choice.cities), 1),
        round(sum(city.longitude for city in choice.cities) / len(choice.cities), 1),
        800.0 if country in {"US", "CA", "CN", "BR", "IN", "AU", "ID", "MX", "AR", "SA"} else 300.0,
    )
    for country, choice in COUNTRIES.items()
}
"""What a database that knows countries only would say: centre and radius in km."""


NUMBERS: Mapping[str, int] = {country: number for number, country in enumerate(COUNTRIES, 1)}
"""A number for each country that is the same in every process, which hash() of a text is not."""


def distance_km(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Return the length of the shortest way between two points on the globe."""
    a, b = math.radians(latitude), math.radians(other_latitude)
    half = math.radians(other_longitude - longitude) / 2
    chord = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(half) ** 2
    return 12_742.0 * math.asin(min(1.0, math.sqrt(chord)))
