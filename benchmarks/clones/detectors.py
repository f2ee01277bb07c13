"""What a detector is to this benchmark, and the tuning that every one of them gets alike."""

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from authsvc.core.traces import Event
from authsvc.simulation import Life, counted


class Tier(StrEnum):
    """What a detector gets to see."""

    A = "scans only"
    B = "scans and lifecycle"


def visible(life: Life, tier: Tier) -> tuple[tuple[Event, ...], tuple[bool, ...]]:
    """Return the events that *tier* shows, with the truth beside them."""
    if tier is Tier.B:
        return life.events, life.is_fake
    kept = [n for n, event in enumerate(life.events) if event.kind == "scan"]
    return tuple(life.events[n] for n in kept), tuple(life.is_fake[n] for n in kept)


Seen = tuple[str, Sequence[Event]]
"""An item of a brand's traffic: its lot, which whoever issues the codes knows, and its events."""


def seen(lives: Iterable[Life], tier: Tier) -> Iterator[Seen]:
    """Yield what a brand sees of its items in *tier*."""
    for life in lives:
        yield life.truth.lot, visible(life, tier)[0]


class Detector(Protocol):
    """
    Something that reads the events of one item in the order of time and says how much it looks copied.

    A score speaks after its event and never of what comes later. Higher is worse; an item is flagged when the score
    first reaches the threshold, and stays flagged.
    """

    @property
    def name(self) -> str:
        """What the report calls it."""
        ...

    def train(self, lives: Sequence[Life], tier: Tier) -> None:
        """Learn from labelled lives of the training seeds, as far as it learns at all."""
        ...

    def settle(self, traffic: Iterable[Seen]) -> None:
        """Learn base rates from a brand's own traffic, of which nobody knows what was copied."""
        ...

    def score(self, events: Sequence[Event]) -> Iterable[tuple[int, float]]:
        """Yield positions in *events* and the score after each; positions where nothing changed may be left out."""
        ...


@dataclass(slots=True)
class Curve:
    """The course of one copied item's score: how high before the first fake scan, and each new high after it."""

    fake_scans: int
    before: float
    highs: list[tuple[int, float]] = field(default_factory=list)
    """Counted fake scans so far, and the highest score up to there."""

    def alarm(self, threshold: float) -> int | None:
        """
        Return at which fake scan the item was flagged, None if it never was.

        An item that was flagged before any fake was scanned is a false alarm, not a find, and counts as never found.
        """
        if self.before >= threshold or not self.highs or self.highs[-1][1] < threshold:
            return None
        return self.highs[bisect_left(self.highs, threshold, key=lambda high: high[1])][0]


def top_score(detector: Detector, events: Sequence[Event]) -> float:
    """Return the highest score that an item ever has; minus infinity where the detector says nothing."""
    return max((score for _, score in detector.score(events)), default=-math.inf)


def curve(detector: Detector, events: Sequence[Event], is_fake: Sequence[bool]) -> Curve:
    """Follow the score of a copied item."""
    positions = [index for index, _ in counted(events) if is_fake[index]]
    first = next((index for index, fake in enumerate(is_fake) if fake and events[index].kind == "scan"), len(events))
    found = Curve(len(positions), -math.inf)
    high = -math.inf
    for index, score in detector.score(events):
        if score <= high:
            continue
        high = score
        if index < first:
            found.before = high
        else:
            seen = max(1, bisect_left(positions, index + 1))
            found.highs.append((seen, high))
    return found


def threshold(genuine: Sequence[float], rate: float) -> float:
    """
    Return the lowest threshold at which, of *genuine* top scores, no more than *rate* are flagged.

    Tuned one standard error to the safe side, for every detector alike: half of all that are tuned exactly to a rate on
    one sample exceed it on the next.
    """
    expected = len(genuine) * rate
    allowed = max(0, int(expected - math.sqrt(expected)))
    return math.nextafter(sorted(genuine, reverse=True)[min(allowed, len(genuine) - 1)], math.inf)


class Unsettled:
    """A detector that takes nothing from a brand's own traffic."""

    def settle(self, traffic: Iterable[Seen]) -> None:
        """Learn nothing."""


@dataclass(frozen=True, slots=True)
class Family:
    """One baseline with its settings; the setting that does best on the training seeds speaks for it."""

    name: str
    settings: tuple[Callable[[], Detector], ...]


def people(events: Sequence[Event]) -> Iterator[tuple[int, Event]]:
    """Yield what every detector here begins with: the scans that count."""
    return counted(events)
