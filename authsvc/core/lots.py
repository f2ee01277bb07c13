"""
Rules across items: a lot, a run or a network that is conspicuous though none of its codes is.

The attacker who copies thousands of codes a few times each stays below every limit of a single item. What gives them
away is the company: too many items of one lot meet new people in one country at once. Nothing here judges an item,
and nothing of it runs while somebody waits: a job reads counts, and these rules weigh them.

Every weight is how much likelier the count is when things are as they look than when they are as usual: the natural
logarithm of a Poisson likelihood ratio. Adding a rule is a function here, a line in ``RULES`` and a test. Names of
rules are stored: never rename or reuse one. The docstring of a rule is what the console shows.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from authsvc.core.amounts import amount, begin, number, within
from authsvc.core.clones import Part
from authsvc.core.countries import named

WINDOW_DAYS = 28
"""A lot is judged by what was seen of it within so many days, beside everything before."""
KNOWN_DAYS = 7
"""An item is known once it was first checked so many days ago: its shop and its buyer have had their time."""
NEAR = 64
"""Codes of a run that were printed next to each other: what lies together in a box, a photograph or a stolen file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LotPlace:
    """
    How many items of one lot were seen in one country, within the window and before.

    An item is seen in a country when a new visitor confirms it there; again only ``WINDOW_DAYS`` later. Within the
    window, ``known`` are those that somebody had checked ``KNOWN_DAYS`` earlier, ``fresh`` the others. ``before``
    counts both together before the window, ``first`` those that were seen here first of all, before the window.
    """

    gtin: str
    lot: str
    country: str
    known: int
    fresh: int
    before: int
    first: int
    markets: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class LotWindow:
    """One lot in one country, beside the rest of the lot and beside the other lots of the brand."""

    place: LotPlace
    lot_now: int
    """Items of the lot seen within the window, over all countries."""
    lot_before: int
    """The same before the window."""
    usual_known: float
    """Known items that would be seen here within a window, if this lot were like the others."""
    usual_share: float
    """Share of the lot that would be seen here, by its own past and the brand's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbourhood:
    """The flagged codes near a flagged code of one run, and the share of flagged ones among all checked codes."""

    run: int
    index: int
    flagged: Sequence[int]
    usual_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Codes that were refused on one day: forged or never issued, all from one network prefix."""

    forged: int
    not_issued: int
    hours: float
    usual: float
    """Different refused codes that a network brings on a day, over the brand's other networks."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A stored name, the score from which an alert is opened, what it reads and how it weighs that."""

    name: str
    threshold: float
    reads: type
    weigh: Callable[[Any], tuple[Part, ...]]


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule found something: its score, and the parts that add up to it."""

    rule: str
    score: float
    parts: tuple[Part, ...]


def windows(places: Iterable[LotPlace]) -> Iterator[LotWindow]:
    """
    Set each place of each lot of one brand beside what is usual.

    What is usual never includes the lot that is judged, and the product counts more than the brand.
    """
    rows = list(places)
    lots, known_of, countries, brand = _Sums(), _Sums(), _Sums(), _Total()
    for row in rows:
        lots.add((row.gtin, row.lot), row)
        known_of.add(row.gtin, row)
        countries.add(row.country, row)
        brand.add(row)
    for row in rows:
        if row.known + row.fresh < _FEWEST:
            continue
        lot = lots.of[row.gtin, row.lot]
        product, country = known_of.of[row.gtin], countries.of[row.country]
        others_known, others_first = product.known - lot.known, product.first - lot.first
        rest_known, rest_first = brand.known - lot.known, brand.first - lot.first
        brand_rate = (rest_known + 1) / (rest_first + _STRENGTH)
        rate = (others_known + _STRENGTH * brand_rate) / (others_first + _STRENGTH)
        of_known = (country.known - row.known + 0.5) / (rest_known + _STRENGTH)
        of_all = (country.before - row.before + 0.5) / (brand.before - lot.before + _STRENGTH)
        yield LotWindow(
            place=row,
            lot_now=lot.known + lot.fresh,
            lot_before=lot.before,
            usual_known=lot.first * rate * (row.before + _STRENGTH * of_known) / (lot.before + _STRENGTH),
            usual_share=(row.before + _STRENGTH * of_all) / (lot.before + _STRENGTH),
        )


def known_items_meet_new_people(found: LotWindow) -> tuple[Part, ...]:
    """
    Many items of one lot that had been checked long ago meet new people in one country at once.

    Each of them may have met one or two people only: copies of many codes, a few of each. Goods that are merely sold
    somewhere else were not checked before, and do not count here.
    """
    place = found.place
    usual = max(found.usual_known, _LEAST_USUAL)
    weight = surprise(place.known, _SPREAD * usual)
    return (
        Part(
            "known-items",
            weight,
            f"{_items(place.known)} of batch {place.lot} that somebody had checked at least {KNOWN_DAYS} days earlier "
            f"met new people in {named(place.country)} within {WINDOW_DAYS} days; {_about(usual)} would be usual",
        ),
    )


def lot_in_a_far_place(found: LotWindow) -> tuple[Part, ...]:
    """
    Suddenly a lot appears in a country where hardly any of it had been seen.

    It may have been copied, or traded past its market: the share of items that had been checked elsewhere before tells
    one from the other, and is told with it.
    """
    place = found.place
    seen, others = place.known + place.fresh, found.lot_now - place.known - place.fresh
    if found.lot_before < _ESTABLISHED or found.usual_share > _FAR or place.country in place.markets:
        return ()
    # How much of the lot is about at all is taken from what is seen of it elsewhere: a campaign moves both.
    usual = max((others + 1) * found.usual_share / (1 - found.usual_share), _LEAST_USUAL)
    parts = [
        Part(
            "far-place",
            surprise(seen, usual),
            f"{_items(seen)} of batch {place.lot} appeared in {named(place.country)} within {WINDOW_DAYS} days, where "
            f"{number(place.before)} of {found.lot_before:,} had been seen before; {_about(usual)} would be usual; "
            f"{number(place.known)} of them had been checked elsewhere at least {KNOWN_DAYS} days earlier"
            + (_LIKE_TRADE if place.known * 20 < seen else ""),
        )
    ]
    if place.markets:
        parts.append(Part("market", _OUTSIDE, f"{begin(named(place.country))} is no market of this product"))
    return tuple(parts)


def neighbours_of_a_copy(found: Neighbourhood) -> tuple[Part, ...]:
    """Codes that were printed next to a copied one look copied too: whoever had one may have had the whole box."""
    near = [index for index in found.flagged if index != found.index and abs(index - found.index) <= NEAR]
    if len(near) < _FEWEST_NEIGHBOURS:
        return ()
    usual = max(2 * NEAR * found.usual_share, 0.05)
    return (
        Part(
            "neighbours",
            surprise(len(near), usual),
            f"{_items(len(near))} printed next to a copied one look copied too (within {NEAR} codes of number "
            f"{found.index:,} in run {found.run}); "
            f"{_about(usual)} would be usual",
        ),
    )


def codes_refused_from_one_network(found: Refused) -> tuple[Part, ...]:
    """Somebody tries one invented code after the other: many forged or never issued codes come from one network."""
    codes = found.forged + found.not_issued
    if codes < _FEWEST_REFUSED:
        return ()
    usual = max(found.usual, 1.0)
    parts = [
        Part(
            "refused-codes",
            surprise(codes, usual),
            f"{begin(amount(codes, 'different code'))} from one network were refused "
            f"{within(timedelta(hours=max(1.0, found.hours)))}; {_about(usual)} would be usual",
        )
    ]
    if found.not_issued:
        text = f"{begin(number(found.not_issued))} of them carried a good signature though they were never issued"
        parts.append(Part("good-signatures", _LEAKED, text))
    return tuple(parts)


RULES: tuple[Rule, ...] = (
    Rule("known-items-meet-new-people", 13.0, LotWindow, known_items_meet_new_people),
    Rule("lot-in-a-far-place", 20.0, LotWindow, lot_in_a_far_place),
    Rule("neighbours-of-a-copy", 5.0, Neighbourhood, neighbours_of_a_copy),
    Rule("codes-refused-from-one-network", 20.0, Refused, codes_refused_from_one_network),
)


def examine(facts: LotWindow | Neighbourhood | Refused) -> tuple[Finding, ...]:
    """Return what the rules that read such facts find in them."""
    found = []
    for rule in RULES:
        if rule.reads is type(facts):
            parts = rule.weigh(facts)
            score = sum(part.weight for part in parts)
            if score >= rule.threshold:
                found.append(Finding(rule.name, score, parts))
    return tuple(found)


def surprise(count: int, usual: float) -> float:
    """Return the logarithm of how much likelier *count* is than if *usual* were its mean; fewer is no surprise."""
    return count * math.log(count / usual) - (count - usual) if count > usual else 0.0


# --- Private ---------------------------------------------------------------------------------------------------------

_STRENGTH = 20.0
"""How many items what is usual elsewhere stands for, beside a lot's own past."""
_FEWEST = 6
_FEWEST_NEIGHBOURS = 2
_FEWEST_REFUSED = 20
_SPREAD = 1.6
"""Lots of one product differ: a young one meets two and a half times as many new people as usual, and is genuine."""
_ESTABLISHED = 100
"""Items of a lot that must have been seen before its places mean anything."""
_FAR = 0.05
_LEAST_USUAL = 0.5
_OUTSIDE = 3.0
_LEAKED = 10.0


_LIKE_TRADE = ", so few that goods traded past their market are likelier than copies"


class _Total:
    __slots__ = ("before", "first", "fresh", "known")

    def __init__(self) -> None:
        self.known = self.fresh = self.before = self.first = 0

    def add(self, row: LotPlace) -> None:
        self.known += row.known
        self.fresh += row.fresh
        self.before += row.before
        self.first += row.first


class _Sums:
    def __init__(self) -> None:
        self.of: defaultdict[Any, _Total] = defaultdict(_Total)

    def add(self, key: object, row: LotPlace) -> None:
        self.of[key].add(row)


def _items(count: int) -> str:
    return begin(amount(count, "item"))


def _about(usual: float) -> str:
    return f"about {usual:.1f}" if usual < 10 else f"about {usual:,.0f}"
