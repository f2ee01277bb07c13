"""
Courses: a history retold step by step, one step for each new visitor, with what was known of the item at that moment.

A step is a row of small numbers, its positions in the tables that the rules read: how long after the last visitor, in
how new a country, at which station of the item's life. Nothing in here judges. A step depends on what came before it
and on nothing after, so a longer history retells its beginning unchanged; and on no pseudonym but the owner's.

This is the hot path: it runs at every scan over as many as ``RECENT`` sightings, so it is one loop over plain lists.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from operator import add

from authsvc.core.clones.evidence import LONGEST, in_order
from authsvc.core.clones.histories import Bustle, History, Network, Sighting
from authsvc.core.clones.stations import DAY, MADE_EDGES, OFFER_S, SOLD, SOLD_EDGES, STATIONS, Life

_MONTH = 30 * DAY

COUNT_EDGES = (1, 2, 3, 4, 5, 7, 10, 15, 25)
LATELY_EDGES = (1, 2, 3, 4, 6, 10)
EPISODE_EDGES = (1, 2, 3, 5, 8, 12)
"""Times so far that somebody new came after a pause; a crowd comes at once, buyers of copies one by one."""
PAUSE = 3 * DAY
GAP_EDGES = (DAY / 24, DAY, 3 * DAY, 10 * DAY, 30 * DAY, 90 * DAY)
AGE_EDGES = (DAY / 100, 10 * DAY, 30 * DAY, 90 * DAY, 180 * DAY, 365 * DAY)
NEAR_EDGES = (60.0, 250.0, 600.0, 1500.0)
"""Kilometres. Half of all mobile addresses are placed more than 190 off, and one in twenty more than 800."""
OUTSIDE_EDGES = (1, 2, 4)

COUNTS = len(COUNT_EDGES) + 1
LATELYS = len(LATELY_EDGES) + 1
EPISODES = len(EPISODE_EDGES) + 1
GAPS = len(GAP_EDGES) + 2
"""One more than its edges make, for the first visitor, before whom there was nobody."""
AGES = len(AGE_EDGES) + 1
MADES = len(MADE_EDGES) + 2
SOLDS = len(SOLD_EDGES) + 2
OUTSIDES = len(OUTSIDE_EDGES) + 1
COUNTRIES = 5

UNPLACED, FIRST_COUNTRY, HOME, KNOWN, NEW = range(5)
"""How a visitor's country stands to those before: home is the one that most visitors came from."""
COUNTRY_KINDS = 5

NOWHERE, FIRST_PLACE, ON_A_LINE = range(3)
NEARS = len(NEAR_EDGES) + 1
ON_THE_MOVE = ON_A_LINE + NEARS
"""How far a visitor is from the nearest one before, told apart by whether a fixed line says so or something vaguer."""
PLACE_KINDS = ON_THE_MOVE + NEARS
PLACES = 6

UNKNOWN_MARKET, INSIDE, OUTSIDE = range(3)
MARKETS = 3

NO_OWNER, OWNER, SOMEWHERE, OWNERS_COUNTRY, ELSEWHERE = range(5)
"""How a visitor stands to the registered owner."""
OWNERS = 5

FIXED, MOBILE, HIDDEN, OTHER = range(4)
NETWORKS = 4

BUSTLES = len(Bustle)

APART = 3
"""From this position in ``NEAR_EDGES`` on, a visitor is in another place."""
VAGUE_KM = 500.0
"""A wider circle is a country and no place."""
LINE_KM = 100.0
"""A wider circle is no fixed line's, whatever the network is called."""
REMEMBERED = 4
"""Places that a course compares the next one with: enough to know a household and a shop again, and soon looked at."""


SHAPES = {
    "crowd": (COUNTS, LATELYS, BUSTLES, EPISODES),
    "steady": (GAPS, AGES, LATELYS),
    "country": (COUNTRY_KINDS, COUNTRIES, GAPS),
    "place": (PLACE_KINDS, PLACES, GAPS, COUNTS),
    "market": (MARKETS, STATIONS, OUTSIDES),
    "life": (MADES, STATIONS, LATELYS, COUNTS),
    "since_sale": (SOLDS, COUNTS, COUNTS, GAPS),
    "owner": (OWNERS, STATIONS, COUNTS),
    "network": (NETWORKS, 2),
}
"""The circumstances that a position in each table is made of, the last one running fastest."""

LIFECYCLE_TABLES = ("market", "life", "since_sale", "owner")
"""The tables that only records of commissioning, sale and ownership can fill."""
SCAN_TABLES = tuple(name for name in SHAPES if name not in LIFECYCLE_TABLES)

Tables = Mapping[str, Sequence[float]]
"""Something for each position of each table."""


@dataclass(slots=True)
class Course:
    """The steps of a history: who was seen and when, and for each table the position of every step."""

    sightings: list[Sighting]
    times: list[float]
    positions: dict[str, list[int]] = field(default_factory=dict)

    def circumstance(self, table: str, step: int, axis: int) -> int:
        """Return one of the circumstances of a step, taken out of its position in a table again."""
        return self.positions[table][step] // _STRIDES[table][axis] % SHAPES[table][axis]


_STRIDES = {name: tuple(math.prod(shape[n + 1 :]) for n in range(len(shape))) for name, shape in SHAPES.items()}


def retell(history: History, since: float = -math.inf, *, longest: int = LONGEST) -> Course:
    """
    Return the course of *history*; the tables of the lifecycle are filled where the brand keeps records.

    What was seen until *since* has been explained: the course begins after it, and a network seen before adds nothing.
    """
    kept = in_order(history.sightings, longest)
    if since > -math.inf:
        kept = [timed for timed in kept if timed[0] > since]
    course = Course([seen for _, seen in kept], [at for at, _ in kept])
    sums, steps = _walk_scans(course, int(history.bustle), _POSITIONS)
    _part(course, SCAN_TABLES, sums)
    if history.has_lifecycle:
        _part(course, LIFECYCLE_TABLES, _walk_lifecycle(course, history, steps, _POSITIONS))
    return course


def weigh(history: History, tables: Tables, since: float = -math.inf) -> list[float]:
    """
    Return for each step of the course of *history* the sum of what stands at its positions in the *tables*.

    It is what ``retell`` would find, looked up on the way: a scan needs the sum, and no position before it is told.
    """
    kept = in_order(history.sightings)
    if since > -math.inf:
        kept = [timed for timed in kept if timed[0] > since]
    course = Course([seen for _, seen in kept], [at for at, _ in kept])
    sums, steps = _walk_scans(course, int(history.bustle), tables)
    if history.has_lifecycle:
        return list(map(add, sums, _walk_lifecycle(course, history, steps, tables)))
    return sums


# --- Private ---------------------------------------------------------------------------------------------------------

# An attribute of an enum class is looked up in Python; a constant of the module is not.
_FIXED, _MOBILE, _RELAY, _DATACENTRE = Network.FIXED, Network.MOBILE, Network.RELAY, Network.DATACENTRE

_COUNTED = tuple(bisect_right(COUNT_EDGES, count) for count in range(COUNT_EDGES[-1]))
_LATELY = tuple(bisect_right(LATELY_EDGES, count) for count in range(LATELY_EDGES[-1]))
_AGES = (*AGE_EDGES, math.inf)

_WIDTHS = [math.cos(math.radians(degree)) for degree in (*range(91), *range(-91, 0))]
"""How wide a degree of longitude is at a latitude, beside one at the equator; south is counted from the end."""


_SIZES = {name: math.prod(shape) for name, shape in SHAPES.items()}
_SCALES = {
    name: math.prod(_SIZES[other] for other in SHAPES if list(SHAPES).index(other) < list(SHAPES).index(name))
    for name in SHAPES
}
_POSITIONS = {name: range(0, _SIZES[name] * _SCALES[name], _SCALES[name]) for name in SHAPES}
"""Tables that hold their own positions, each in digits of its own, so that from a sum they can be told apart again."""


def _part(course: Course, names: Iterable[str], sums: Sequence[float]) -> None:
    for name in names:
        scale, size = _SCALES[name], _SIZES[name]
        course.positions[name] = [int(each) // scale % size for each in sums]


_Seen = tuple[int, int, str | None]
"""What the tables of the lifecycle need of a step: visitors of the month before it, gap, and country where placed."""


def _walk_scans(course: Course, bustle: int, tables: Tables) -> tuple[list[float], list[_Seen]]:
    """Sum up the tables that need only sightings; return what those of the lifecycle need of each step, too."""
    times = course.times
    crowds, steadies, lands, sites, nets = (tables[name] for name in SCAN_TABLES)
    sums: list[float] = []
    steps: list[_Seen] = []
    countries: dict[str, int] = {}
    home: str | None = None
    places: list[tuple[float, float]] = []
    apart = pauses = episodes = 0
    first = previous = times[0] if times else 0.0
    gap, recent = GAPS - 1, 0
    age, many = 0, len(_LATELY)
    for count, (at, seen, counted) in enumerate(zip(times, course.sightings, _counted(), strict=False)):
        place, network = seen.place, seen.network
        month = at - _MONTH
        while times[recent] <= month:
            recent += 1
        lately = count - recent
        lately = _LATELY[lately] if lately < many else LATELYS - 1
        if count:
            pause = at - previous
            gap = bisect_right(GAP_EDGES, pause)
            if pause > PAUSE:
                pauses += 1
                episodes = bisect_right(EPISODE_EDGES, pauses)
        previous = at
        # An age only grows: one comparison with the next edge does what a search would.
        while at - first >= _AGES[age]:
            age += 1

        is_placed = network is not _RELAY and network is not _DATACENTRE
        country = place.country if is_placed else None
        steps.append((lately, gap, country))
        kind = UNPLACED
        spread = len(countries)
        if country is not None:
            number = countries.get(country, 0)
            kind = FIRST_COUNTRY if home is None else HOME if country == home else KNOWN if number else NEW
            countries[country] = number = number + 1
            if home is None or number > countries[home]:
                home = country
        land = (kind * COUNTRIES + (spread if spread < COUNTRIES else COUNTRIES - 1)) * GAPS + gap

        near = distance = NOWHERE
        radius = place.radius_km or 0.0
        if is_placed and (latitude := place.latitude) is not None and radius <= VAGUE_KM:
            longitude = place.longitude or 0.0
            distance = _nearest(latitude, longitude, places)
            near = distance + (ON_A_LINE if network is _FIXED and radius <= LINE_KM else ON_THE_MOVE)
            if distance == _FIRST:
                near, distance = FIRST_PLACE, NOWHERE
        kind = FIXED if network is _FIXED else MOBILE if network is _MOBILE else OTHER if is_placed else HIDDEN
        sums.append(
            crowds[((counted * LATELYS + lately) * BUSTLES + bustle) * EPISODES + episodes]
            + steadies[(gap * AGES + age) * LATELYS + lately]
            + lands[land]
            + sites[((near * PLACES + apart) * GAPS + gap) * COUNTS + counted]
            + nets[kind * 2 + seen.is_shared]
        )
        apart += distance >= APART and apart < PLACES - 1
    return sums, steps


def _counted() -> Iterator[int]:
    """Count visitors from nobody on, in ``COUNT_EDGES``."""
    return chain(_COUNTED, repeat(COUNTS - 1))


def _nearest(latitude: float, longitude: float, places: list[tuple[float, float]]) -> int:
    """Return in which of ``NEAR_EDGES`` the nearest of *places* is, and remember a place that is new among few."""
    if not places:
        places.append((latitude, longitude))
        return _FIRST
    # Degrees choose and one distance is measured: across the date line that may be the second nearest.
    least, north, east = math.inf, 0.0, 0.0
    for point in places:
        way_north, way_east = latitude - point[0], longitude - point[1]
        span = way_north * way_north + way_east * way_east
        if span < least:
            if span < _SURELY_NEAR:
                return 0
            least = span
            north, east = point
    way_east = abs(longitude - east)
    if way_east > 180.0:
        way_east = 360.0 - way_east
    way_east *= _WIDTHS[int(latitude + north) // 2]
    distance = bisect_right(_SQUARES, (latitude - north) ** 2 + way_east * way_east)
    if distance > 1 and len(places) < REMEMBERED:
        places.append((latitude, longitude))
    return distance


_FIRST = -1
"""Before the first place there is none to be near to."""
_SURELY_NEAR = (NEAR_EDGES[0] / 112) ** 2
_SQUARES = tuple((edge / 111.2) ** 2 for edge in NEAR_EDGES)
"""The edges in squared degrees, so that no root is drawn."""


def _walk_lifecycle(course: Course, history: History, steps: list[_Seen], tables: Tables) -> list[float]:
    """Sum up the tables of the lifecycle. A fact speaks from its own moment on."""
    at_market, at_life, at_sale, at_owner = (tables[name] for name in LIFECYCLE_TABLES)
    sums: list[float] = []
    life, changes_at, outside, outsides = Life(history.facts), -math.inf, 0, 0
    since = _counted()
    after = next(since)
    for at, seen, (lately, gap, country), counted in zip(
        course.times, course.sightings, steps, _counted(), strict=False
    ):
        if changes_at <= at:
            changes_at = life.move_to(at)
            station, markets, made, sold = life.station, life.markets, life.made, life.sold
            owner, owner_country, offer_ends = life.owner, life.owner_country, life.offered_at + OFFER_S
        market = UNKNOWN_MARKET
        if markets is not None and country is not None:
            market = INSIDE if country in markets else OUTSIDE
        traded = (market * STATIONS + station) * OUTSIDES + outsides
        if market == OUTSIDE:
            outside += 1
            outsides = bisect_right(OUTSIDE_EDGES, outside)
        relation = (
            NO_OWNER if owner is None
            else OWNER if seen.visitor == owner
            else SOMEWHERE if country is None or owner_country is None or at < offer_ends
            else OWNERS_COUNTRY if country == owner_country
            else ELSEWHERE
        )  # fmt: skip
        sums.append(
            at_market[traded]
            + at_life[((made * STATIONS + station) * LATELYS + lately) * COUNTS + counted]
            + at_sale[((sold * COUNTS + counted) * COUNTS + after) * GAPS + gap]
            + at_owner[(relation * STATIONS + station) * COUNTS + after]
        )
        if station >= SOLD:
            after = next(since)
    return sums
