"""
Histories: what the clone rules may know of one item, and nothing else.

Sightings say who held a phone over the code; facts say what happened to the item itself. Only these come in here: a
limit that was hit, an automated fetch or a forged code is not evidence. Both are told in the order of time, whatever
the order in which they are given, and a fact speaks from its own moment on, never of what came before it.
"""

from datetime import datetime
from enum import IntEnum, StrEnum

from authsvc.core.values import lean_dataclass

RECENT = 64
"""Sightings that the scan statement returns: enough for any threshold, and bounded for a code that went viral."""


class Network(StrEnum):
    """What kind of network a scan came from: how much its place can be trusted."""

    FIXED = "fixed"
    MOBILE = "mobile"
    RELAY = "relay"
    DATACENTRE = "datacentre"
    UNKNOWN = "unknown"


@lean_dataclass(frozen=True, slots=True)
class Place:
    """Where a scan seems to come from: a country and, where known, a point; always with a radius in km."""

    country: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    radius_km: float | None = None


UNKNOWN_PLACE = Place()


@lean_dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """
    The part of a scan that clone rules may see: the first scan of one visitor.

    ``visitor`` is a pseudonym that differs for every item, ``prefix`` a pseudonym of the network prefix.
    ``is_evidence`` is false where an earlier sighting from the same prefix had already counted that day.
    ``is_shared`` says that the link had been passed on, so that the visitor need not hold the item.
    """

    visitor: bytes
    first_at: datetime
    is_confirmed: bool
    is_evidence: bool = True
    is_shared: bool = False
    prefix: bytes | None = None
    place: Place = UNKNOWN_PLACE
    network: Network = Network.UNKNOWN


class FactKind(StrEnum):
    """
    What can happen to an item apart from being scanned. The values are stored: never rename or reuse one.

    ``PROVEN`` is a proof of possession while an alert was open: the claim code, or the registered owner's own visitor.
    The last five are the resolutions of an alert.
    """

    COMMISSIONED = "commissioned"
    SOLD = "sold"
    REGISTERED = "registered"
    CLAIMED = "claimed"
    OFFERED = "offered"
    TRANSFERRED = "transferred"
    GONE = "gone"
    PROVEN = "proven"
    CONFIRMED_CLONE = "confirmed-clone"
    FALSE_ALARM = "false-alarm"
    OWNER_ERROR = "owner-error"
    GREY_MARKET = "grey-market"
    TEST = "test"


@lean_dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """
    Something that happened to the item at a known time.

    ``visitor`` and ``place`` are those of the owner and stand on *registered* and *transferred*; ``markets`` stands on
    *commissioned*, the countries for which the item is meant. *Gone* is stolen, lost, destroyed or taken back.
    """

    kind: FactKind
    at: datetime
    visitor: bytes | None = None
    place: Place = UNKNOWN_PLACE
    markets: frozenset[str] | None = None


class Bustle(IntEnum):
    """How many visitors a checked item of this product usually meets, beside the other products of the world."""

    QUIET = 0
    USUAL = 1
    BUSY = 2


@lean_dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """
    What is known of one item when its latest sighting is judged.

    ``has_lifecycle`` says that the brand keeps records of commissioning and sale, so that a scan before them is worth
    noting; without it the absence of a fact says nothing. ``target_rate`` is the share of genuine scanned items that
    the brand accepts to see flagged. ``copy_threshold`` is a brand's own hard limit on visitors, if it wants one.
    ``shift`` is by how much genuine items of the brand are known to score higher than those that the thresholds were
    set with.
    """

    sightings: tuple[Sighting, ...]
    facts: tuple[Fact, ...] = ()
    has_lifecycle: bool = False
    bustle: Bustle = Bustle.USUAL
    target_rate: float = 0.001
    copy_threshold: int | None = None
    shift: float = 0.0
