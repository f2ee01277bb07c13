"""A map on paper: the land and the projection of the pages, and a circle for each place that is not known better."""

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from reportlab.lib.colors import Color, HexColor, white
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable

from authsvc.typefaces import face
from authsvc.web import vendored
from authsvc.web.drawing.projection import HEIGHT, WIDTH, Point, circle, project

_SEA, _LAND, _LINE = HexColor("#f4f6f9"), HexColor("#d3d9e2"), HexColor("#ffffff")
_INK = HexColor("#1b4dd6")
_HALO = Color(0.11, 0.3, 0.84, 0.16)
_FORM = "land"
_NORTH, _SOUTH = project(78, 0).y, project(-56, 0).y
_LEAST, _MARGIN, _RATIO = 2_600.0, 1.4, 2.1
_steps = re.compile(r"([MLlmz])|(-?[0-9]+),?(-?[0-9]+)").finditer


@dataclass(frozen=True, slots=True)
class Spot:
    """A place with its number in the table, and how far off it may be."""

    number: int
    latitude: float
    longitude: float
    radius_km: float


class Map(Flowable):  # type: ignore[misc]  # reportlab has no types
    """The world around some spots, so near that all circles just fit."""

    def __init__(self, spots: Sequence[Spot], width: float) -> None:
        super().__init__()
        self._spots = spots
        self.width, self.height = width, width / _RATIO
        self._left, self._top, self._span = _frame(spots)

    def draw(self) -> None:
        """Draw land, circles and numbers; called by reportlab."""
        page: Canvas = self.canv
        page.saveState()
        clip = page.beginPath()
        clip.rect(0, 0, self.width, self.height)
        page.setFillColor(_SEA)
        page.drawPath(clip, stroke=0, fill=1)
        page.clipPath(clip, stroke=0, fill=0)
        self._land(page)
        for spot in self._spots:
            self._circle(page, circle(spot.latitude, spot.longitude, spot.radius_km))
        page.setFont(face(bold=True), 6.5)
        for spot in reversed(self._spots):
            x, y = self._at(project(spot.latitude, spot.longitude))
            page.setFillColor(_INK)
            page.circle(x, y, 1.9 * mm, stroke=0, fill=1)
            page.setFillColor(white)
            page.drawCentredString(x, y - 2.2, str(spot.number))
        page.restoreState()

    def _land(self, page: Canvas) -> None:
        """Draw the land, which the file holds once for all of its maps, in map units."""
        if not page.hasForm(_FORM):
            page.beginForm(_FORM, 0, 0, WIDTH, HEIGHT)
            page.addLiteral(_outlines())
            page.endForm()
        scale = self.width / self._span
        page.saveState()
        page.transform(scale, 0, 0, -scale, -self._left * scale, self.height + self._top * scale)
        page.setFillColor(_LAND)
        page.setStrokeColor(_LINE)
        page.setLineWidth(0.3 / scale)
        page.doForm(_FORM)
        page.restoreState()

    def _at(self, point: Point) -> tuple[float, float]:
        scale = self.width / self._span
        return (point.x - self._left) * scale, self.height - (point.y - self._top) * scale

    def _circle(self, page: Canvas, ring: Sequence[Point]) -> None:
        points = [self._at(point) for point in ring]
        path = page.beginPath()
        path.moveTo(*points[0])
        for point in points[1:]:
            path.lineTo(*point)
        path.close()
        page.setFillColor(_HALO)
        page.setStrokeColor(_INK)
        page.setLineWidth(0.6)
        page.drawPath(path, stroke=1, fill=1)


def _frame(spots: Sequence[Spot]) -> tuple[float, float, float]:
    points = [point for spot in spots for point in circle(spot.latitude, spot.longitude, spot.radius_km)]
    if not points:
        points = [Point(0, _NORTH), Point(WIDTH, _SOUTH)]
    left, right = min(p.x for p in points), max(p.x for p in points)
    top, bottom = min(p.y for p in points), max(p.y for p in points)
    span = min(max((right - left) * _MARGIN, (bottom - top) * _RATIO * _MARGIN, _LEAST), WIDTH)
    return max(0.0, min((left + right - span) / 2, WIDTH - span)), (top + bottom - span / _RATIO) / 2, span


@functools.cache
def _outlines() -> str:
    """Write the outlines of the land as a PDF does, from the drawing that the pages refer to."""
    commands: list[str] = []
    for d in re.findall(r' d="([^"]*)"', vendored.read("world").decode("ascii")):
        x, y, is_relative, is_start = 0, 0, False, True
        for step in _steps(d):
            if step[1] in {"M", "m"}:
                is_start, is_relative = True, step[1] == "m"
            elif step[1] in {"l", "L"}:
                is_relative = step[1] == "l"
            elif step[1] == "z":
                commands.append("h")
            else:
                x, y = (x + int(step[2]), y + int(step[3])) if is_relative else (int(step[2]), int(step[3]))
                commands.append(f"{x} {y} {'m' if is_start else 'l'}")
                is_start = False
        commands.append("B*")
    return "\n".join(commands)
