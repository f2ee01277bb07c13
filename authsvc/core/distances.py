"""Distances on the Earth, taken as a ball."""

import math

EARTH_RADIUS_KM = 6371.0088  # of a ball with the same volume as the Earth: IUGG 1980, R1


def distance_km(start: tuple[float, float], end: tuple[float, float]) -> float:
    """Return the distance of two places (latitude, longitude)."""
    (lat1, lon1), (lat2, lon2) = ((math.radians(a), math.radians(b)) for a, b in (start, end))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(half)))
