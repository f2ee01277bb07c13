"""
Clone evidence: from the sightings of one item to a score with parts that a person can read.

A copied label carries a valid signature, so only its history can give it away. Rules are plain functions in one
visible tuple; each returns at most one part, the parts add up, and an item is flagged at a score of 1.0. A rule's
name is stored with the alerts it raised: never rename or reuse one.

Only sightings come in here. A limit that was hit, an automated fetch or a forged code is not evidence.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

RECENT = 64
"""Sightings that the scan statement returns: enough for any threshold, and bounded for a code that went viral."""

FLAGGED = 1.0
"""The score at which an item is flagged."""


class Network(StrEnum):
    """What kind of network a scan came from: how much its place can be trusted."""

    FIXED = "fixed"
    MOBILE = "mobile"
    RELAY = "relay"
    DATACENTRE = "datacentre"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a scan seems to come from: a country and, where known, a point; always with a radius in km."""

    country: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    radius_km: float | None = None


UNKNOWN_PLACE = Place()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """
    The part of a scan that clone rules may see.

    ``visitor`` is a pseudonym that differs for every item, ``prefix`` a pseudonym of the network prefix.
    ``is_evidence`` is false where an earlier sighting from the same prefix had already counted that day.
    """

    visitor: bytes
    first_at: datetime
    is_confirmed: bool
    is_evidence: bool = True
    prefix: bytes | None = None
    place: Place = UNKNOWN_PLACE
    network: Network = Network.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What is known of one item when its latest sighting is judged: recent sightings and the product's threshold."""

    sightings: tuple[Sighting, ...]
    copy_threshold: int


@dataclass(frozen=True, slots=True)
class Part:
    """One finding: the rule, what it adds to the score, and the sentence an analyst reads."""

    rule: str
    weight: float
    text: str


@dataclass(frozen=True, slots=True)
class Examination:
    """The parts and their sum."""

    parts: tuple[Part, ...] = ()

    @property
    def score(self) -> float:
        """The sum of the parts."""
        return sum(part.weight for part in self.parts)

    @property
    def is_flagged(self) -> bool:
        """Whether the evidence is strong enough to warn."""
        return self.score >= FLAGGED


Rule = Callable[[History], Part | None]


def more_visitors_than_usual(history: History) -> Part | None:
    """More different people confirmed that they hold this item than one item usually meets."""
    visitors = {s.visitor for s in history.sightings if s.is_confirmed and s.is_evidence}
    if len(visitors) < history.copy_threshold:
        return None
    weight = len(visitors) / history.copy_threshold
    return Part(
        "more-visitors-than-usual",
        weight,
        f"{len(visitors)} different visitors confirmed this code; one item of this product meets fewer than "
        f"{history.copy_threshold}",
    )


RULES: tuple[Rule, ...] = (more_visitors_than_usual,)


def examine(history: History, rules: Iterable[Rule] = RULES) -> Examination:
    """Apply every rule to *history* and return the findings."""
    if len(history.sightings) < history.copy_threshold:
        return NOTHING  # No rule can speak on fewer sightings than the threshold: the usual scan ends here.
    return Examination(tuple(part for rule in rules if (part := rule(history))))


NOTHING = Examination()
