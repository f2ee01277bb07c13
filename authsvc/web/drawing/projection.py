"""
Places on a flat map: the Equal Earth projection, in which areas compare fairly.

Šavrič, Patterson, Jenny: The Equal Earth map projection, International Journal of Geographical Information Science 33
(2018), equations 7 and 8. Map units: the equator is ``WIDTH`` long, so that one unit is 2.0 km there; x grows to the
east, y to the south, and both are 0 at the top left corner of the world.
"""

import math
from typing import NamedTuple

from authsvc.core.distances import EARTH_RADIUS_KM, distance_km

WIDTH = 20_000.0

_A1, _A2, _A3, _A4 = 1.340264, -0.081106, 0.000893, 0.003796
_M = math.sqrt(3) / 2
_EDGE_X = math.pi / (_M * _A1)
_POLE_THETA = math.asin(_M)
_EDGE_Y = _POLE_THETA * (_A1 + _A2 * _POLE_THETA**2 + _POLE_THETA**6 * (_A3 + _A4 * _POLE_THETA**2))
_SCALE = WIDTH / (2 * _EDGE_X)
HEIGHT = 2 * _EDGE_Y * _SCALE


class Point(NamedTuple):
    """A place on the map, in map units."""

    x: float
    y: float


def project(latitude: float, longitude: float) -> Point:
    """Return where a place lies on the map. A longitude beyond 180 degrees lies beyond the edge, without a jump."""
    theta = math.asin(_M * math.sin(math.radians(latitude)))
    square, sixth = theta * theta, theta**6
    x = math.radians(longitude) * math.cos(theta)
    x /= _M * (_A1 + 3 * _A2 * square + sixth * (7 * _A3 + 9 * _A4 * square))
    y = theta * (_A1 + _A2 * square + sixth * (_A3 + _A4 * square))
    return Point((x + _EDGE_X) * _SCALE, (_EDGE_Y - y) * _SCALE)


def circle(latitude: float, longitude: float, radius_km: float, steps: int = 48) -> list[Point]:
    """
    Return the outline of all places at one distance, as the map shows it: no circle, where the map stretches.

    Points run on beyond the map's edge where the circle crosses the antimeridian, so the outline never jumps. A circle
    that holds a pole is no closed line on this map: its widest sensible outline is that of the circle beside the pole.
    """
    angle = min(radius_km / EARTH_RADIUS_KM, math.pi / 2)
    room = math.pi / 2 - angle - 1e-6  # Farther from the equator, the circle would hold the pole.
    phi = max(-room, min(room, math.radians(latitude))) if room > 0 else 0.0
    outline = []
    for step in range(steps):
        bearing = 2 * math.pi * step / steps
        sin_phi = math.sin(phi) * math.cos(angle) + math.cos(phi) * math.sin(angle) * math.cos(bearing)
        turn = math.atan2(
            math.sin(bearing) * math.sin(angle) * math.cos(phi), math.cos(angle) - math.sin(phi) * sin_phi
        )
        outline.append(project(math.degrees(math.asin(max(-1.0, min(1.0, sin_phi)))), longitude + math.degrees(turn)))
    return outline


def great_circle(start: tuple[float, float], end: tuple[float, float], steps: int = 32) -> list[tuple[float, float]]:
    """Return places (latitude, longitude) along the shortest way; longitudes run on over the antimeridian."""
    (lat1, lon1), (lat2, lon2) = ((math.radians(a), math.radians(b)) for a, b in (start, end))
    angle = distance_km(start, end) / EARTH_RADIUS_KM
    if math.sin(angle) < 1e-9:  # The same place, or opposite ones, between which no way is the shortest.
        return [start, end]
    way: list[tuple[float, float]] = []
    for step in range(steps + 1):
        a = math.sin(angle * (1 - step / steps)) / math.sin(angle)
        b = math.sin(angle * step / steps) / math.sin(angle)
        x = a * math.cos(lat1) * math.cos(lon1) + b * math.cos(lat2) * math.cos(lon2)
        y = a * math.cos(lat1) * math.sin(lon1) + b * math.cos(lat2) * math.sin(lon2)
        z = a * math.sin(lat1) + b * math.sin(lat2)
        longitude = math.degrees(math.atan2(y, x))
        if way:
            longitude += 360 * round((way[-1][1] - longitude) / 360)
        way.append((math.degrees(math.atan2(z, math.hypot(x, y))), longitude))
    return way
