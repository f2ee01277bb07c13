"""
Stations: where an item is in its life, as far as its records say.

A fact speaks from its own moment on. Between facts only time passes, and that is asked for seldom: whoever walks
through the life of an item is told when anything changes next.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable

from authsvc.core.clones.histories import Fact, FactKind

DAY = 86_400.0

MADE_EDGES = (15 * DAY, 45 * DAY, 90 * DAY, 150 * DAY, 240 * DAY, 365 * DAY, 500 * DAY)
SOLD_EDGES = (10 * DAY, 30 * DAY, 90 * DAY, 180 * DAY, 365 * DAY)

UNMADE, MADE, SOLD, REGISTERED, CLAIMED, TRANSFERRED = range(6)
STATIONS = 6

OFFER_S = 14 * DAY
"""How long an offered transfer explains a new visitor: 72 hours to accept, and the way of the parcel."""


class Life:
    """What facts have said so far of where the item is in its life, and since when."""

    __slots__ = (
        "_ahead", "_facts", "_has_markets", "_is_registered", "_made_at", "_moments", "_sold_at",
        "made", "markets", "offered_at", "owner", "owner_country", "sold", "station",
    )  # fmt: skip

    def __init__(self, facts: Iterable[Fact]) -> None:
        self._facts = sorted(facts, key=_time_of_fact)
        self._moments = [fact.at.timestamp() for fact in self._facts]
        self._moments.append(math.inf)
        self._ahead = 0
        self._has_markets = True
        self._is_registered = False
        self._made_at: float | None = None
        self._sold_at: float | None = None
        self.made = self.sold = 0
        self.station = UNMADE
        self.offered_at = -math.inf
        self.markets: frozenset[str] | None = None
        self.owner: bytes | None = None
        self.owner_country: str | None = None

    def move_to(self, at: float) -> float:
        """Take in the facts up to a moment, and return when anything in here changes next."""
        while self._moments[self._ahead] <= at:
            self._take(self._facts[self._ahead])
            self._ahead += 1
        changes_at = self._moments[self._ahead]
        if self._made_at is not None:
            self.made = 1 + bisect_right(MADE_EDGES, at - self._made_at)
            changes_at = min(changes_at, self._made_at + _NEXT_MADE[self.made - 1])
        if self._sold_at is not None:
            self.sold = 1 + bisect_right(SOLD_EDGES, at - self._sold_at)
            changes_at = min(changes_at, self._sold_at + _NEXT_SOLD[self.sold - 1])
        return changes_at

    def _take(self, fact: Fact) -> None:
        kind, at = fact.kind, fact.at.timestamp()
        if kind is FactKind.COMMISSIONED:
            self._made_at = at
            self.markets = fact.markets if self._has_markets else None
            self.station = max(self.station, MADE)
        elif kind is FactKind.SOLD:
            self._sold_at = at
            self.station = max(self.station, SOLD)
        elif kind is FactKind.REGISTERED:
            if not self._is_registered:
                self._own(fact)
            self._is_registered = True
            self.station = max(self.station, REGISTERED)
        elif kind is FactKind.CLAIMED:
            self.station = max(self.station, CLAIMED)
        elif kind is FactKind.OFFERED:
            self.offered_at = at
        elif kind is FactKind.TRANSFERRED:
            self._own(fact)
            self.station, self.offered_at = TRANSFERRED, -math.inf
        elif kind is FactKind.GREY_MARKET:
            # The item is known to have left its market: from here on that says nothing more.
            self._has_markets, self.markets = False, None

    def _own(self, fact: Fact) -> None:
        self.owner, self.owner_country = fact.visitor, fact.place.country


# --- Private ---------------------------------------------------------------------------------------------------------

_NEXT_MADE, _NEXT_SOLD = ((*edges, math.inf) for edges in (MADE_EDGES, SOLD_EDGES))


def _time_of_fact(fact: Fact) -> tuple[float, str]:
    return fact.at.timestamp(), fact.kind
