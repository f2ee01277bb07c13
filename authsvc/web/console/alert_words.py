"""
How alerts are worded and drawn: from what is stored of one to what the templates of the queue and the page take.

Evidence is shown as it was when raised. A speed is never a number: two places that are each known to some radius lie
between a least and a greatest distance apart, and the least speed is the one that somebody must have travelled.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from authsvc.core import alerts
from authsvc.core.alerts import LEAST_GAP, PLANE_KMH, span
from authsvc.core.distances import distance_km
from authsvc.web import rendering
from authsvc.web.drawing import maps
from authsvc.web.drawing.svg import Figure

ROAD_KMH = 200.0
NETWORKS = {
    "fixed": "fixed line", "mobile": "mobile", "relay": "relay or VPN", "datacentre": "data centre",
    "unknown": "unknown network",
}  # fmt: skip
_TAGS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One sighting or scan, as the page tells it. ``is_later`` says that it came after the alert was raised."""

    at: datetime
    visitor: str
    country: str | None
    latitude: float | None
    longitude: float | None
    radius_km: float | None
    network: str
    is_confirmed: bool
    is_later: bool = False
    is_owner: bool = False


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast somebody must have been between two sightings: at least and at most, by their radii."""

    least: float
    most: float
    distance_km: float
    gap: timedelta

    @property
    def verdict(self) -> str:
        """What the least speed needs."""
        if self.least > PLANE_KMH:
            return "Not possible"
        if self.least > ROAD_KMH:
            return "By plane"
        return "Expected" if self.most <= ROAD_KMH else "Possible"

    @property
    def text(self) -> str:
        """The range in words: 2,700 to 3,100 km/h."""
        least, most = f"{self.least:,.0f}", f"{self.most:,.0f}"
        return f"{least} km/h" if least == most else f"{least} to {most} km/h"


def headline(rule: str, evidence: Mapping[str, Any]) -> str:
    """Say what an alert found."""
    return alerts.headline(rule, evidence, rendering.country_names())


def age(opened_at: datetime, now: datetime) -> str:
    """Say how long ago: 4 min, 3 h, 5 days."""
    gone = now - opened_at
    if gone < timedelta(hours=1):
        minutes = int(gone.total_seconds() // 60)
        return f"{minutes} min" if minutes > 0 else "just now"
    if gone < timedelta(days=2):
        return f"{int(gone.total_seconds() // 3600)} h"
    return f"{gone.days} days"


def place_name(country: str | None) -> str:
    """Name a country, or say that none is known."""
    return rendering.country_names().get(country, country) if country else "Unknown place"


def places(evidence: Mapping[str, Any]) -> str:
    """Name the countries that the evidence speaks of."""
    return alerts.places(evidence, rendering.country_names())


def sightings(evidence: Mapping[str, Any]) -> list[Seen]:
    """Return what the alert rested on, the newest first."""
    owners = {fact.get("visitor") for fact in evidence.get("facts") or () if fact.get("visitor")}
    seen = [
        Seen(
            at=datetime.fromisoformat(one["first_at"]), visitor=one["visitor"], country=one.get("country"),
            latitude=one.get("latitude"), longitude=one.get("longitude"), radius_km=one.get("radius_km"),
            network=one.get("network") or "unknown", is_confirmed=bool(one.get("is_confirmed")),
            is_owner=one["visitor"] in owners,
        )
        for one in evidence.get("sightings") or ()
    ]  # fmt: skip
    return sorted(seen, key=lambda one: (one.at, one.visitor), reverse=True)


def speed(before: Seen, after: Seen) -> Speed | None:
    """Return how fast somebody was between two sightings; None where a place is not known."""
    places = [one for one in (before, after) if one.latitude is not None and one.longitude is not None]
    if len(places) < 2:
        return None
    start, end = ((one.latitude or 0.0, one.longitude or 0.0) for one in places)
    distance = distance_km(start, end)
    slack = (before.radius_km or 0.0) + (after.radius_km or 0.0)
    hours = max(after.at - before.at, LEAST_GAP) / timedelta(hours=1)
    return Speed(max(0.0, distance - slack) / hours, (distance + slack) / hours, distance, after.at - before.at)


def fastest(seen: Sequence[Seen]) -> tuple[Seen, Seen, Speed] | None:
    """Return the two sightings, one after the other, between which the least speed is greatest."""
    ordered = sorted((one for one in seen if one.is_confirmed), key=lambda one: one.at)
    found = [(before, after, pace) for before, after in pairwise(ordered) if (pace := speed(before, after))]
    return max(found, key=lambda trio: trio[2].least, default=None)


def rows(seen: Sequence[Seen]) -> list[dict[str, Any]]:
    """Return the rows of the timeline; *seen* has the newest first."""
    told = []
    for n, one in enumerate(seen):
        before = seen[n + 1] if n + 1 < len(seen) else None
        pace = speed(before, one) if before is not None else None
        who = "Owner" if one.is_owner else "Visitor"
        told.append({
            "cells": [
                f"{rendering.day(one.at)[:-5]} {rendering.clock(one.at)}",
                {"text": place_name(one.country), "small": _within(one)},
                {"text": Markup('{} <span class="mono t2">{}</span>').format(who, one.visitor[:4]),
                 "small": _marks(one)},
                {"text": pace.text, "small": pace.verdict} if pace else "not known",
            ],
            "tone": "bad" if pace is not None and pace.least > PLANE_KMH else None,
        })  # fmt: skip
    return told


COLUMNS = (
    {"name": "Time (UTC)", "is_tight": True}, {"name": "Place"}, {"name": "Phone"},
    {"name": "Speed from last scan", "align": "end"},
)  # fmt: skip


def evidence_map(key: str, seen: Sequence[Seen], home: str | None) -> Figure | None:
    """Draw where the evidence comes from: one pin for each place, circles as large as it is uncertain."""
    placed = [one for one in seen if one.latitude is not None and one.longitude is not None]
    if not placed:
        return None
    spots: dict[tuple[float, float], list[Seen]] = {}
    for one in placed:
        spots.setdefault((round(one.latitude or 0, 1), round(one.longitude or 0, 1)), []).append(one)
    # The newest place is number 1, so that the map reads as the timeline does.
    ordered = sorted(spots.values(), key=lambda some: some[0].at, reverse=True)
    pins = [
        maps.Pin(
            label=f"{place_name(some[0].country)} · {rendering.clock(some[0].at)}", note=_people(some),
            latitude=some[0].latitude or 0.0, longitude=some[0].longitude or 0.0,
            radius_km=max(some[0].radius_km or 1.0, 1.0), is_odd=some[0].country != home, has_tag=n < _TAGS,
        )
        for n, some in enumerate(ordered)
    ]  # fmt: skip
    return maps.evidence(key, "Map of where the serial was scanned", pins, _ways(ordered, placed))


def home_of(seen: Sequence[Seen], evidence: Mapping[str, Any]) -> str | None:
    """Return the country where the item was to be expected: its owner's, or the one where it was checked first."""
    for fact in reversed(evidence.get("facts") or ()):
        if fact.get("kind") in {"registered", "transferred"} and fact.get("country"):
            return str(fact["country"])
    return next((one.country for one in reversed(seen) if one.country), None)


# --- Private ---------------------------------------------------------------------------------------------------------


def _within(one: Seen) -> str:
    return f"within {one.radius_km:,.0f} km" if one.radius_km else ""


def _marks(one: Seen) -> str:
    said = [NETWORKS.get(one.network, one.network)]
    return ", ".join(said if one.is_confirmed else [*said, "not confirmed"])


def _people(some: Sequence[Seen]) -> str:
    people = len({one.visitor for one in some})
    if some[0].is_owner:
        return "owner's phone" if people == 1 else f"owner and {people - 1} more"
    return f"{people} {'person' if people == 1 else 'people'}, {rendering.day(some[0].at)}"


def _ways(ordered: Sequence[Sequence[Seen]], placed: Sequence[Seen]) -> list[maps.Way]:
    quickest = fastest(placed)
    if quickest is None or quickest[2].least <= ROAD_KMH:
        return []
    before, after, pace = quickest
    start, end = (next(n for n, some in enumerate(ordered) if one in some) for one in (before, after))
    if start == end:
        return []
    return [maps.Way(start=start, end=end, label=f"{pace.least:,.0f} km/h or more",
                     note=f"about {pace.distance_km:,.0f} km in {span(pace.gap)}")]  # fmt: skip
