"""
Our detector as the benchmark sees it: the very code of the hot path, fed with the events of a trace.

Nothing is judged here; this only turns events into what ``core.clones`` takes, keeping of an item what the service
keeps: the newest ``RECENT`` sightings that are evidence, one from a network prefix in 24 hours.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from authsvc.core.clones import (
    RECENT,
    UNKNOWN_PLACE,
    Bustle,
    Fact,
    FactKind,
    History,
    Network,
    Place,
    Sighting,
    examine,
    weights,
)
from authsvc.core.clones.base_rates import HIGH, Lot, Tail, Traffic, brand_of, bustle, shift, usual_tails
from authsvc.core.traces import Event
from authsvc.simulation import DAY, REPEAT_S, Life
from benchmarks.clones.detectors import Seen, Tier, Unsettled
from benchmarks.clones.lot_watching import watch
from benchmarks.clones.lots import LotWatch

RESERVE = 0.65
"""
What ships is calibrated to so much of the rate asked for, baselines to all: it must hold in worlds of other habits.

Chosen by how far worlds of other rates lie apart; less would cost what is found in them.
"""


def shipped(tier: Tier, rate: float) -> float:
    """Return the threshold that the service has for a rate; what a brand's traffic moves it by is in the scores."""
    return (weights.LIFECYCLE if tier is Tier.B else weights.SCANS).threshold(rate)


class Ours(Unsettled):
    """The clone evidence of authsvc."""

    name = "authsvc"

    def __init__(self) -> None:
        self._has_lifecycle = False
        self._bustle: dict[str, Bustle] = {}
        self.traffic = Traffic()
        """What has been learned of the brand as a whole."""
        self.shift = 0.0

    def train(self, lives: Sequence[Life], tier: Tier) -> None:
        """Learn nothing: weights are part of the product. Only what a brand records differs."""
        del lives
        self._has_lifecycle = tier is Tier.B

    def settle(self, traffic: Iterable[Seen]) -> None:
        """Learn what is usual for the brand, as the service does in two nights: from all that is not flagged."""
        items = [(events[0].gtin, lot, _seen(events)) for lot, events in traffic if events]
        items = [each for each in items if each[2].evidence]
        self._bustle, self.shift = {}, 0.0
        unflagged = [each for each in items if not examine(self._history(each[0], each[2])).is_flagged]
        products: dict[str, Traffic] = {}
        for gtin, _, item in unflagged:
            products[gtin] = products.get(gtin, Traffic()).with_item(len(item.evidence))
        brand = brand_of(products)
        self._bustle = {gtin: bustle(product, brand) for gtin, product in products.items()}
        judged: Counter[Lot] = Counter()
        high: Counter[Lot] = Counter()
        for gtin, lot, item in unflagged:
            found = examine(self._history(gtin, item))
            if not found.is_flagged:
                judged[gtin, lot] += 1
                high[gtin, lot] += found.score >= HIGH
        tails = usual_tails({lot: Tail(count, high[lot]) for lot, count in judged.items()})
        self.traffic = brand_of({
            gtin: replace(product, judged=tail.judged, high=tail.high)
            for gtin, product in products.items()
            for tail in (tails.get(gtin, Tail()),)
        })  # fmt: skip
        self.shift = shift(self.traffic, weights.LIFECYCLE if self._has_lifecycle else weights.SCANS)

    def score(self, events: Sequence[Event]) -> Iterator[tuple[int, float]]:
        """
        Yield the score after each scan that brings evidence, less by what the threshold is raised.

        A threshold that is fixed then stands for the one that moves with the brand.
        """
        item = Item()
        for index, event in enumerate(events):
            if item.take(event):
                yield index, examine(self._history(event.gtin, item)).score - self.shift

    def _history(self, gtin: str, item: "Item") -> History:
        return History(
            sightings=tuple(item.evidence),
            facts=tuple(item.facts),
            has_lifecycle=self._has_lifecycle,
            bustle=self._bustle.get(gtin, Bustle.USUAL),
            shift=self.shift,
        )


def _seen(events: Sequence[Event]) -> "Item":
    item = Item()
    for event in events:
        item.take(event)
    return item


class Item:
    """What the service keeps of one item; with *recent* None, all evidence there ever was."""

    def __init__(self, recent: int | None = RECENT) -> None:
        self.scans = 0
        self._recent = recent
        self.evidence: list[Sighting] = []
        self.facts: list[Fact] = []
        self._places: dict[str | None, Place] = {}
        self._counted_at: dict[str | None, int] = {}
        self._prefix_at: dict[str | None, int] = {}

    def take(self, event: Event) -> bool:
        """Take in one event; return whether there is new evidence."""
        if event.kind != "scan":
            self.facts.append(self._fact(event))
            return False
        visitor = event.visitor
        if event.is_automated or event.at - self._counted_at.get(visitor, -REPEAT_S) < REPEAT_S:
            return False
        self._counted_at[visitor] = event.at
        self.scans += 1
        if visitor in self._places:
            return event.is_confirmed and self._confirm(visitor)
        seen = _sighting(event)
        self._places[visitor] = UNKNOWN_PLACE if seen.network is Network.RELAY else seen.place
        if event.at - self._prefix_at.get(event.prefix, -DAY) < DAY:
            return False
        self._prefix_at[event.prefix] = event.at
        self.evidence.append(seen)
        if self._recent is not None and len(self.evidence) > self._recent:
            del self.evidence[0]
        return True

    def _confirm(self, visitor: str | None) -> bool:
        """Note that a page ran at last for a visitor who was seen before."""
        for n, seen in enumerate(self.evidence):
            if seen.visitor == (visitor or "").encode() and not seen.is_confirmed:
                self.evidence[n] = replace(seen, is_confirmed=True)
                return True
        return False

    def _fact(self, event: Event) -> Fact:
        return Fact(
            kind=FactKind(event.kind),
            at=datetime.fromtimestamp(event.at, UTC),
            visitor=event.visitor.encode() if event.visitor else None,
            place=self._places.get(event.visitor, UNKNOWN_PLACE),
            markets=frozenset(event.markets) if event.markets else None,
        )


def _sighting(event: Event) -> Sighting:
    return Sighting(
        visitor=(event.visitor or "").encode(),
        first_at=datetime.fromtimestamp(event.at, UTC),
        is_confirmed=event.is_confirmed,
        is_shared=event.channel == "shared",
        prefix=(event.prefix or "").encode(),
        place=Place(event.country, event.latitude, event.longitude, event.radius_km),
        network=Network(event.network or "unknown"),
    )


LOT_WATCH: LotWatch | None = watch
"""Our watch over lots."""
