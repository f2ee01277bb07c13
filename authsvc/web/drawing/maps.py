"""
Maps: the world shaded by country, and the places of a few scans with what is known of them.

The land is a file made ahead (``tools/world.py``), which a page refers to with ``<use>`` and a browser keeps; only the
points, circles and ways of a page are written here, in the same projection and units. A scan is never a point: its
circle is as large as the place is uncertain. Circles and ways are cut at the antimeridian, as the land is.
"""

import functools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from authsvc.core.clones import UNKNOWN_PLACE, Place
from authsvc.places import read_countries
from authsvc.web import vendored
from authsvc.web.drawing.labels import Box, place_labels
from authsvc.web.drawing.projection import WIDTH, Point, circle, great_circle, project
from authsvc.web.drawing.svg import Figure, coordinate, element

TINY_KM = 90.0
"""A country whose circle is smaller gets a dot as well: it could not be seen."""

CLASSES = 5
RATIO = 2.0  # Width of the evidence map over its height; the style sheet says the same.
LEAST_FRAME = 1_300.0  # Map units: no nearer than 2,600 km across, for places are not known better.
REGION_BELOW = 7_000.0  # Map units: a nearer frame shows the finer land.
MARGIN = 1.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """
    One place on the evidence map.

    ``label`` and ``note`` are the two lines of its tag; ``radius_km`` is how far off it may be. ``is_odd`` sets it
    apart by shape and colour from what was to be expected. ``has_tag`` is false where the number has to do.
    """

    label: str
    note: str
    latitude: float
    longitude: float
    radius_km: float
    is_odd: bool = False
    has_tag: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """The shortest way between two pins, by their place in the list; its tag says what the way would have taken."""

    start: int
    end: int
    label: str
    note: str


@dataclass(frozen=True, slots=True)
class Frame:
    """The part of the map that is shown, in map units."""

    left: float
    top: float
    width: float

    @property
    def height(self) -> float:
        """The height that the ratio asks for."""
        return self.width / RATIO

    def share(self, point: Point) -> Point:
        """Return a point as shares of the frame: 0 to 1 within it."""
        return Point((point.x - self.left) / self.width, (point.y - self.top) / self.height)


def world(key: str, title: str, counts: Mapping[str, int], names: Mapping[str, str], *, unit: str = "scans") -> Figure:
    """Shade countries by a count, in classes that grow by a factor; the most is the darkest."""
    top = max(counts.values(), default=0)
    land = vendored.url("world")
    shapes = [element("use", href=f"{land}#land", class_="land")]
    dots = []
    ranked = sorted(
        ((count, code) for code, count in counts.items() if count > 0), key=lambda pair: (-pair[0], pair[1])
    )
    for count, code in ranked:
        tip = element("title", f"{names.get(code, code)}: {count:,} {unit}")
        shade = f"h{_shade(count, top)}"
        if code in _outlined():
            shapes.append(element("use", tip, href=f"{land}#{code}", class_=shade))
        if (centre := _centre_of_a_tiny(code)) is not None:
            dots.append(element("circle", tip, class_=f"{shade} dot", cx=centre.x, cy=centre.y, r=110.0))
    north, south = project(78, 0).y, project(-56, 0).y
    total = sum(counts.values())
    described = f"{total:,} {unit} in {len(ranked)} countries."
    if ranked:
        most = ranked[0][1]
        described += f" Most in {names.get(most, most)}: {ranked[0][0]:,}."
    return Figure(
        title=title,
        svg=element(
            "svg", element("title", title, id=f"{key}-t"), element("desc", described, id=f"{key}-d"), *shapes, *dots,
            class_="map", viewBox=f"0 {north:.0f} {WIDTH:.0f} {south - north:.0f}", role="img",
            aria_labelledby=f"{key}-t", aria_describedby=f"{key}-d",
        ),
        columns=({"name": "Country"}, {"name": unit.capitalize(), "align": "end"}, {"name": "Share", "align": "end"}),
        rows=tuple({"cells": [names.get(code, code), f"{n:,}", f"{n / total:.1%}"]} for n, code in ranked),
        legend=_classes(top),
    )  # fmt: skip


def evidence(key: str, title: str, pins: Sequence[Pin], ways: Sequence[Way] = ()) -> Figure:
    """Show where the scans of one item seem to come from, so near that all pins and their circles just fit."""
    frame = _frame(pins)
    land = vendored.url("region" if frame.width < REGION_BELOW else "world")
    inner = [element("use", href=f"{land}#land", class_="land")]
    for pin in pins:
        kind = "odd" if pin.is_odd else "known"
        inner += [element("path", class_=f"halo {kind}", d=_path(ring, closed=True)) for ring in _circles(pin)]
    for way in ways:
        inner += [element("path", class_="way", d=_path(part), vector_effect="non-scaling-stroke")
                  for part in _way(pins[way.start], pins[way.end])]  # fmt: skip
    box = " ".join(coordinate(value) for value in (frame.left, frame.top, frame.width, frame.height))
    drawn = [element("svg", *inner, width="100%", height="100%", viewBox=box)]
    spots = [frame.share(project(pin.latitude, pin.longitude)) for pin in pins]
    drawn += _tags(pins, ways, spots, frame)
    # The last pins are drawn first, so that number 1 lies on top.
    drawn += [_pin(n, pins[n - 1], spots[n - 1]) for n in range(len(pins), 0, -1)]
    odd = sum(pin.is_odd for pin in pins)
    described = f"{len(pins)} places, {odd} of them unusual. " + " ".join(
        f"{n}: {pin.label}, {pin.note}." for n, pin in enumerate(pins, 1)
    )
    return Figure(
        title=title,
        svg=element(
            "svg", element("title", title, id=f"{key}-t"), element("desc", described, id=f"{key}-d"), *drawn,
            class_="map framed", role="img", aria_labelledby=f"{key}-t", aria_describedby=f"{key}-d",
        ),
        columns=({"name": "No."}, {"name": "Place"}, {"name": "Seen"}, {"name": "Judged"},
                 {"name": "Within", "align": "end"}),
        rows=tuple(
            {"cells": [str(n), pin.label, pin.note, "unusual" if pin.is_odd else "expected",
                       f"{pin.radius_km:,.0f} km"]}
            for n, pin in enumerate(pins, 1)
        ),
        legend=(("known", "Expected"), ("odd", "Unusual")),
    )  # fmt: skip


@functools.cache
def _places() -> Mapping[str, Place]:
    return read_countries()


@functools.cache
def _outlined() -> frozenset[str]:
    """Return the countries that have an outline of their own; the drawing is read once."""
    return frozenset(re.findall(r' id="([A-Z]{2})"', vendored.read("world").decode("ascii")))


def _centre_of_a_tiny(country: str) -> Point | None:
    """Return where a dot stands in for an outline that is too small to be seen, or that there is none of."""
    place = _places().get(country, UNKNOWN_PLACE)
    if place.latitude is None or place.longitude is None or place.radius_km is None:
        return None
    if place.radius_km > TINY_KM and country in _outlined():
        return None
    return project(place.latitude, place.longitude)


def _frame(pins: Sequence[Pin]) -> Frame:
    points = [point for pin in pins for ring in _circles(pin) for point in ring] or [Point(0, 0), Point(WIDTH, 0)]
    left, right = max(min(p.x for p in points), 0.0), min(max(p.x for p in points), WIDTH)
    top, bottom = min(p.y for p in points), max(p.y for p in points)
    width = min(max((right - left) * MARGIN, (bottom - top) * RATIO * MARGIN, LEAST_FRAME), WIDTH)
    middle_x, middle_y = (left + right) / 2, (top + bottom) / 2
    # The frame never looks beyond the edge of the world to the east or west: there is nothing to see.
    return Frame(max(0.0, min(middle_x - width / 2, WIDTH - width)), middle_y - width / RATIO / 2, width)


def _circles(pin: Pin) -> list[list[Point]]:
    """Return the outline of a pin, and the same from the other edge of the map where it crosses the antimeridian."""
    rings = [circle(pin.latitude, pin.longitude, pin.radius_km)]
    reach = math.degrees(pin.radius_km / 6371) / max(math.cos(math.radians(pin.latitude)), 0.1)
    if pin.longitude + reach > 180:
        rings.append(circle(pin.latitude, pin.longitude - 360, pin.radius_km))
    if pin.longitude - reach < -180:
        rings.append(circle(pin.latitude, pin.longitude + 360, pin.radius_km))
    return rings


def _way(start: Pin, end: Pin) -> list[list[Point]]:
    """Return the shortest way on the map, in two parts where it crosses the antimeridian."""
    way = great_circle((start.latitude, start.longitude), (end.latitude, end.longitude))
    turns = {round(longitude / 360) for _, longitude in way}
    return [
        [project(latitude, longitude - 360 * turn) for latitude, longitude in way if round(longitude / 360) == turn]
        for turn in sorted(turns)
    ]


def _path(points: Iterable[Point], *, closed: bool = False) -> str:
    return "M" + "L".join(f"{p.x:.0f} {p.y:.0f}" for p in points) + ("z" if closed else "")


def _pin(number: int, pin: Pin, spot: Point) -> Markup:
    shape = (
        element("path", d="M0-13L13 0 0 13-13 0z")
        if pin.is_odd
        else element("circle", r=10.0)
    )  # fmt: skip
    tip = element("title", f"{number}: {pin.label}, {pin.note}, within {pin.radius_km:,.0f} km")
    return element(
        "svg", tip, shape, element("text", str(number), y=4.0, text_anchor="middle"),
        class_=f"pin {'odd' if pin.is_odd else 'known'}", x=f"{spot.x:.2%}", y=f"{spot.y:.2%}", overflow="visible",
    )  # fmt: skip


def _tags(pins: Sequence[Pin], ways: Sequence[Way], spots: Sequence[Point], frame: Frame) -> list[Markup]:
    """Put a tag beside each pin and on each way, where there is room; the table says the same."""
    wanted = [(spots[n], pin.label, pin.note, "odd" if pin.is_odd else "known") for n, pin in enumerate(pins)
              if pin.has_tag]  # fmt: skip
    for way in ways:
        longest = max(_way(pins[way.start], pins[way.end]), key=len)
        wanted.append((frame.share(longest[len(longest) // 2]), way.label, way.note, "speed"))
    boxes = place_labels([(spot, label, note) for spot, label, note, _ in wanted], keep_free=spots)
    return [
        _tag(box, spot, label, note, kind)
        for (spot, label, note, kind), box in zip(wanted, boxes, strict=True)
        if box is not None
    ]


def _tag(box: Box, spot: Point, label: str, note: str, kind: str) -> Markup:
    lead = element("line", x1=0.0, y1=0.0, x2=0.0, y2=box.top if box.top > 0 else box.top + box.height)
    return element(
        "svg",
        lead if box.is_far else "",
        element("rect", x=box.left, y=box.top, width=box.width, height=box.height, rx=6.0),
        element("text", label, x=box.left + 9, y=box.top + 15),
        element("text", note, class_="t2", x=box.left + 9, y=box.top + 29),
        class_=f"tb {kind}", x=f"{spot.x:.2%}", y=f"{spot.y:.2%}", overflow="visible", aria_hidden="true",
    )  # fmt: skip


def _shade(count: int, top: int) -> int:
    return min(CLASSES, 1 + int(CLASSES * math.log(count) / math.log(top + 1))) if top > 1 else CLASSES


def _classes(top: int) -> tuple[tuple[str, str], ...]:
    """Name the classes that have room for at least one whole number."""
    if top < 1:
        return ()
    bounds = [(shade, _edge(shade, top), _edge(shade + 1, top) - 1) for shade in range(1, CLASSES + 1)]
    return tuple(
        (f"h{shade}", f"{low:,}" if low == high else f"{low:,} to {high:,}")
        for shade, low, high in bounds
        if low <= high
    )


def _edge(shade: int, top: int) -> int:
    """Return the least count of a class, or one more than the most: the inverse of ``_shade``."""
    count: int = max(1, math.floor((top + 1) ** ((shade - 1) / CLASSES)) - 1)
    while count <= top and _shade(count, top) < shade:
        count += 1
    return count
