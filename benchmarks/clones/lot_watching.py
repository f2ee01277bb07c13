"""
Our lot watch as the benchmark sees it: the rules of ``core.lots``, fed with the counts that the job keeps.

The job counts in SQL what is counted here in memory, and judges once a day what is judged here once a day.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from authsvc.core.lots import KNOWN_DAYS, WINDOW_DAYS, Finding, LotPlace, LotWindow, examine, windows
from authsvc.core.traces import Event
from authsvc.simulation import DAY
from benchmarks.clones.lots import LotAlert

Key = tuple[str, str, str]
"""A product, a lot and a country."""


def watch(scans: Iterable[tuple[str, Event]]) -> Iterator[LotAlert]:
    """Yield an alert for each lot and rule, at the end of the day on which it is found."""
    for at, window, found in findings(scans):
        del found
        yield LotAlert(at, window.place.lot)


def findings(scans: Iterable[tuple[str, Event]]) -> Iterator[tuple[int, LotWindow, Finding]]:
    """Yield what the rules find, the first of each lot and rule."""
    counts, raised = Counts(), set()
    day: int | None = None
    for lot, event in scans:
        if day is not None and event.at // DAY > day:
            for window in windows(counts.places(day)):
                for found in examine(window):
                    if (window.place.lot, found.rule) not in raised:
                        raised.add((window.place.lot, found.rule))
                        yield (day + 1) * DAY, window, found
        day = event.at // DAY
        counts.take(lot, event)


class Counts:
    """How many items of each lot were seen in each country on each day."""

    def __init__(self) -> None:
        self._visitors: set[tuple[str, str | None]] = set()
        self._first: dict[str, int] = {}
        self._here: dict[tuple[str, str], int] = {}
        self._recent: dict[Key, dict[int, list[int]]] = defaultdict(dict)
        self._before: dict[Key, list[int]] = defaultdict(lambda: [0, 0])

    def take(self, lot: str, event: Event) -> None:
        """Count one scan, if it is a new visitor whose page ran and who is somewhere."""
        country = event.country
        if not event.is_confirmed or country is None or event.network in {"relay", "datacentre"}:
            return
        if (event.serial, event.visitor) in self._visitors:
            return
        self._visitors.add((event.serial, event.visitor))
        first = self._first.setdefault(event.serial, event.at)
        here = self._here.get((event.serial, country))
        self._here[event.serial, country] = event.at
        if here is not None and event.at - here < WINDOW_DAYS * DAY:
            return
        row = self._recent[event.gtin, lot, country].setdefault(event.at // DAY, [0, 0, 0])
        row[0 if event.at - first >= KNOWN_DAYS * DAY else 1] += 1
        row[2] += here is None and first == event.at

    def places(self, day: int) -> Iterator[LotPlace]:
        """Yield the counts of the window that ends with *day*, which must not be earlier than the last one."""
        for key, days in self._recent.items():
            before = self._before[key]
            for old in [each for each in days if each <= day - WINDOW_DAYS]:
                known, fresh, first = days.pop(old)
                before[0] += known + fresh
                before[1] += first
            known, fresh = (sum(row[n] for row in days.values()) for n in (0, 1))
            gtin, lot, country = key
            yield LotPlace(
                gtin=gtin, lot=lot, country=country, known=known, fresh=fresh, before=before[0], first=before[1]
            )
