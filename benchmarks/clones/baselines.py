"""
The usual detectors: counts, windows and speed.

Each is given the best of what its idea allows: automated fetches are left out for all, repeats for all but the raw
count, and where an idea has a setting, the training seeds choose it.
"""

from collections import deque
from collections.abc import Iterator, Sequence

from authsvc.core.traces import Event
from authsvc.simulation import DAY, Life
from authsvc.simulation.geography import distance_km
from benchmarks.clones.detectors import Tier, Unsettled, people


class _Untrained(Unsettled):
    """A detector that has nothing to learn."""

    def train(self, lives: Sequence[Life], tier: Tier) -> None:
        """Learn nothing."""


class RawCount(_Untrained):
    """Every scan counts one, reloads too."""

    name = "raw count"

    def score(self, events: Sequence[Event]) -> Iterator[tuple[int, float]]:
        """Count."""
        count = 0
        for index, event in enumerate(events):
            if event.kind == "scan" and not event.is_automated:
                count += 1
                yield index, count


class DistinctVisitors(_Untrained):
    """Every visitor counts one."""

    name = "distinct visitors"

    def score(self, events: Sequence[Event]) -> Iterator[tuple[int, float]]:
        """Count visitors."""
        seen: set[str | None] = set()
        for index, event in people(events):
            if event.visitor not in seen:
                seen.add(event.visitor)
                yield index, len(seen)


class SessionsInWindow(_Untrained):
    """The number of sessions within so many days."""

    def __init__(self, days: int) -> None:
        self.name = f"sessions in {days} days"
        self._span = days * DAY

    def score(self, events: Sequence[Event]) -> Iterator[tuple[int, float]]:
        """Count the sessions of the window that ends here."""
        window: deque[int] = deque()
        for index, event in people(events):
            window.append(event.at)
            while window[0] <= event.at - self._span:
                window.popleft()
            yield index, len(window)


class Velocity(_Untrained):
    """
    How fast the item would have had to travel from scan to scan.

    The naive form believes every point. With radius, only what both circles cannot explain counts as way, the circles
    are at least as wide as the kind of network errs, and relays have no place.
    """

    def __init__(self, *, has_radius: bool, kmh: float | None) -> None:
        form = "with radius" if has_radius else "naive"
        self.name = f"velocity {form}, " + ("highest speed" if kmh is None else f"moves above {kmh:g} km/h")
        self._has_radius, self._kmh = has_radius, kmh

    def score(self, events: Sequence[Event]) -> Iterator[tuple[int, float]]:
        """Follow the highest speed, or count the moves that are too fast."""
        last: Event | None = None
        top, fast = 0.0, 0
        for index, event in people(events):
            if event.latitude is None or (self._has_radius and event.network == "relay"):
                continue
            if last is not None:
                speed = self._way(last, event) / max(1 / 60, (event.at - last.at) / 3600)
                if self._kmh is None:
                    top = max(top, speed)
                elif speed > self._kmh:
                    fast += 1
                yield index, top if self._kmh is None else fast
            last = event

    def _way(self, a: Event, b: Event) -> float:
        assert a.latitude is not None
        assert a.longitude is not None
        assert b.latitude is not None
        assert b.longitude is not None
        way = distance_km(a.latitude, a.longitude, b.latitude, b.longitude)
        return max(0.0, way - _radius(a) - _radius(b)) if self._has_radius else way


def _radius(event: Event) -> float:
    least = 600.0 if event.network in {"mobile", "unknown"} else 50.0
    return max(least, event.radius_km or 0.0)
