"""
Draw the world for the console from Natural Earth's countries, as the npm package world-atlas carries them (1:50m).

``tools/vendor.py`` calls it. Two drawings come out, one for the whole world and one for frames that show a region. Each
is an SVG file with one outline per country under its ISO 3166-1 code (``#DE``) and one of all land (``#land``), in the
map units of ``authsvc/web/drawing/projection.py``; pages refer to them with ``<use>``, so a browser fetches each once.

Borders are simplified arc by arc, and neighbours share their arcs: no gap opens between them. Antarctica is left out:
a map that shows it has less room for places where people live.
"""

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from authsvc.core.gs1.code_lists import COUNTRY_LETTERS
from authsvc.web.drawing.projection import HEIGHT, WIDTH, Point, project

Place = tuple[float, float]
"""Longitude and latitude, in the order of the source."""

DETAILS = {"world.svg": (14.0, 260.0), "region.svg": (1.6, 6.0)}
"""File name: tolerance of a border and least area of an island, in map units of 2 km and their squares."""

SHORT_NAMES = {
    "BN": "Brunei", "CD": "Congo (Kinshasa)", "CG": "Congo (Brazzaville)", "CI": "Côte d'Ivoire", "CN": "China",
    "CZ": "Czechia", "FK": "Falkland Islands", "FM": "Micronesia", "GM": "Gambia", "IR": "Iran", "LA": "Laos",
    "MD": "Moldova", "MK": "North Macedonia", "PS": "Palestine", "RE": "Réunion", "RU": "Russia", "SY": "Syria",
    "TW": "Taiwan", "TZ": "Tanzania", "US": "United States", "VA": "Vatican City", "VG": "British Virgin Islands",
    "VI": "U.S. Virgin Islands",
}  # fmt: skip
"""What a table shows where the source has a name of ceremony."""

KOSOVO = "XK"
ANTARCTICA = "010"


def draw(atlas: Path, codes: Path, folder: Path) -> list[Path]:
    """Write the drawings into *folder* from world-atlas's topology and a list of country codes; return the files."""
    topology = json.loads(atlas.read_text(encoding="utf-8"))
    letters = {numeric: alpha for alpha, _, numeric, *_ in json.loads(codes.read_text(encoding="utf-8"))}
    arcs = list(_arcs(topology))
    files = []
    for name, (tolerance, least_area) in DETAILS.items():
        simple = [_simplify(arc, tolerance) for arc in arcs]
        countries: dict[str, list[list[Point]]] = {}
        for geometry in topology["objects"]["countries"]["geometries"]:
            if geometry.get("id") != ANTARCTICA:
                rings = [
                    part
                    for ring in _rings(geometry)
                    for part in _cut(_assemble(ring, simple, arcs))
                ]  # fmt: skip
                countries.setdefault(_code(geometry, letters), []).extend(rings)
        files.append(folder / name)
        files[-1].write_text(_svg(countries, least_area), encoding="ascii")
    return files


def write_names(names: Path, file: Path) -> None:
    """Write the English name of every country of ISO 3166-1, and of Kosovo, as CSV."""
    listed: dict[str, str | list[str]] = json.loads(names.read_text(encoding="utf-8"))["countries"]
    lines = ["country,name\n"]
    for code in sorted(COUNTRY_LETTERS | {KOSOVO}):
        name = SHORT_NAMES.get(code) or listed[code]
        text = name if isinstance(name, str) else name[0]
        lines.append(f'{code},"{text}"\n' if "," in text else f"{code},{text}\n")
    file.write_text("".join(lines), encoding="utf-8")


def _arcs(topology: dict[str, Any]) -> Iterator[list[Place]]:
    """Undo the quantisation and the deltas of TopoJSON."""
    (scale_x, scale_y), (move_x, move_y) = topology["transform"]["scale"], topology["transform"]["translate"]
    for arc in topology["arcs"]:
        xs, ys = (itertools.accumulate(deltas) for deltas in zip(*(delta[:2] for delta in arc), strict=True))
        yield [(x * scale_x + move_x, y * scale_y + move_y) for x, y in zip(xs, ys, strict=True)]


def _code(geometry: dict[str, Any], letters: dict[str, str]) -> str:
    """Return the ISO code, or "" for land that ISO gives no code: it is drawn and never shaded."""
    if geometry["properties"]["name"] == "Kosovo":
        return KOSOVO
    return letters.get(geometry.get("id", ""), "")


def _rings(geometry: dict[str, Any]) -> Iterator[list[int]]:
    for polygon in geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]:
        yield from polygon


def _assemble(ring: Sequence[int], simple: list[list[Place]], full: list[list[Place]]) -> list[Place]:
    """Join the arcs of a ring; one that simplified to nothing, a small island, keeps its points."""
    points = _join(ring, simple)
    return points if len(points) >= 4 else _join(ring, full)


def _join(ring: Sequence[int], arcs: list[list[Place]]) -> list[Place]:
    points: list[Place] = []
    for index in ring:
        arc = arcs[index] if index >= 0 else arcs[~index][::-1]  # TopoJSON: ~i is arc i, walked backwards.
        points += arc[1:] if points else arc
    return points[:-1]


def _simplify(arc: list[Place], tolerance: float) -> list[Place]:
    """Leave out points that lie nearer than *tolerance* to the line without them (Ramer, Douglas, Peucker)."""
    flat = [project(latitude, longitude) for longitude, latitude in _unwrap(arc)]
    keep = {0, len(arc) - 1}
    if arc[0] == arc[-1]:  # A ring has no line between its ends: begin with the point farthest away.
        keep.add(max(range(len(arc)), key=lambda i: abs(flat[i].x - flat[0].x) + abs(flat[i].y - flat[0].y)))
    spans = list(itertools.pairwise(sorted(keep)))
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        far = max(range(first + 1, last), key=lambda i: _off(flat[i], flat[first], flat[last]))
        if _off(flat[far], flat[first], flat[last]) > tolerance:
            keep.add(far)
            spans += [(first, far), (far, last)]
    return [arc[i] for i in sorted(keep)]


def _off(point: Point, start: Point, end: Point) -> float:
    dx, dy = end.x - start.x, end.y - start.y
    length = dx * dx + dy * dy
    share = 0.0 if not length else max(0.0, min(1.0, ((point.x - start.x) * dx + (point.y - start.y) * dy) / length))
    return float(((point.x - start.x - share * dx) ** 2 + (point.y - start.y - share * dy) ** 2) ** 0.5)


def _unwrap(places: Iterable[Place]) -> list[Place]:
    """Let longitudes run on over the antimeridian, where the source jumps from 180 to -180."""
    out: list[Place] = []
    for longitude, latitude in places:
        turns = round((out[-1][0] - longitude) / 360) if out else 0
        out.append((longitude + 360 * turns, latitude))
    return out


def _cut(ring: list[Place]) -> Iterator[list[Point]]:
    """Cut a ring at the antimeridian, and put every piece on the map."""
    ring = _unwrap(ring)
    for turn in (-360, 0, 360):
        shifted = [(longitude + turn, latitude) for longitude, latitude in ring]
        west = min(longitude for longitude, _ in shifted)
        east = max(longitude for longitude, _ in shifted)
        if east > -180 and west < 180:
            if west < -180 or east > 180:
                shifted = _clip(_clip(shifted, -180, 1), 180, -1)
            yield [project(latitude, longitude) for longitude, latitude in shifted]


def _clip(ring: list[Place], edge: float, side: int) -> list[Place]:
    """Keep what lies on one side of a meridian (Sutherland, Hodgman); the cut follows the meridian in small steps."""
    out: list[Place] = []
    for (x1, y1), (x2, y2) in itertools.pairwise([ring[-1], *ring]):
        inside_1, inside_2 = (x1 - edge) * side >= 0, (x2 - edge) * side >= 0
        if inside_1 != inside_2:
            out.append((edge, y1 + (y2 - y1) * (edge - x1) / (x2 - x1)))
        if inside_2:
            out.append((x2, y2))
    return out


def _svg(countries: dict[str, list[list[Point]]], least_area: float) -> str:
    outlines = {code: _path(rings, least_area) for code, rings in sorted(countries.items())}
    shapes = "\n".join(
        f'<path{f" id={chr(34)}{code}{chr(34)}" if code else ""} vector-effect="non-scaling-stroke" d="{outline}"/>'
        for code, outline in outlines.items()
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}">\n'
        "<!-- Made with Natural Earth (public domain) by tools/world.py. Equal Earth projection. -->\n"
        f'<g id="land">\n{shapes}\n</g>\n</svg>\n'
    )


def _path(rings: list[list[Point]], least_area: float) -> str:
    """Write the outline of one country; its largest part stays, however small, so that no country is missing."""
    sized = sorted(((abs(_area(ring)), ring) for ring in rings if len(ring) >= 3), key=lambda pair: -pair[0])
    return "".join(_ring(ring) for n, (area, ring) in enumerate(sized) if n == 0 or area >= least_area)


def _area(ring: list[Point]) -> float:
    return sum(a.x * b.y - b.x * a.y for a, b in itertools.pairwise([*ring, ring[0]])) / 2


def _ring(ring: list[Point]) -> str:
    """Write relative whole steps: the shortest form, and its rounding never adds up."""
    whole = [(round(point.x), round(point.y)) for point in ring]
    steps = [(b[0] - a[0], b[1] - a[1]) for a, b in itertools.pairwise(whole) if a != b]
    return f"M{whole[0][0]},{whole[0][1]}l" + " ".join(f"{dx},{dy}" for dx, dy in steps).replace(",-", "-") + "z"
