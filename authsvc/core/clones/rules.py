"""
Rules: what the circumstances of new visitors say for or against copies, and the sentence an analyst reads.

A rule reads one or more tables. For every step of a course each of them holds the logarithm of how much likelier such a
visitor is when copies are about than over a genuine item. The numbers of a rule add up to its part, the parts to the
score; a part below zero speaks for a genuine item. The tables are learned (``weights``), the rules are written: adding
one is a function here, a line in ``RULES``, its table in ``courses`` and a test. The docstring is what the console
shows. A rule's name is stored with the alerts it raised: never rename or reuse one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from authsvc.core.clones.courses import ELSEWHERE, FIXED, HIDDEN, OUTSIDE, Course
from authsvc.core.clones.histories import Sighting
from authsvc.core.clones.stations import SOLD


@dataclass(frozen=True, slots=True)
class Part:
    """One finding: the rule, what it adds to the score, and the sentence an analyst reads."""

    rule: str
    weight: float
    text: str


@dataclass(frozen=True, slots=True)
class Weighed:
    """What a rule made of the first steps of a course: the weight of each."""

    course: Course
    weights: Sequence[float]

    @property
    def steps(self) -> range:
        """The numbers of the steps in their course."""
        return range(len(self.weights))

    @property
    def strongest(self) -> int:
        """The number of the step that speaks loudest for copies."""
        return max(self.steps, key=self.weights.__getitem__)

    def where(self, table: str, axis: int, value: int) -> list[int]:
        """Return the steps of which one circumstance is *value*."""
        return [step for step in self.steps if self.course.circumstance(table, step, axis) == value]


@dataclass(frozen=True, slots=True)
class Rule:
    """A stored name, the tables that it reads, and how it speaks of the steps that it has weighed."""

    name: str
    tables: tuple[str, ...]
    tell: Callable[[Weighed], str]


def more_new_visitors_than_its_like(found: Weighed) -> str:
    """People keep appearing who check this item, more of them and for longer than is usual for its product."""
    seen, step = found.course.sightings, found.strongest
    opened = sum(not each.is_confirmed for each in seen[: found.steps.stop])
    text = f"{_count(found.steps.stop, 'different visitor')} {'checked' if opened else 'confirmed'} this code"
    if opened:
        text += f", {opened} of them without their page having run"
    if step:
        text += f", most telling the one of {_day(seen[step])}, {_span(seen[step - 1], seen[step])} after another"
    return text


def new_visitors_in_other_places(found: Weighed) -> str:
    """People check this item where nobody had checked it before, or further off than they can have carried it."""
    seen, step = found.course.sightings, found.strongest
    countries = list(dict.fromkeys(c for n in found.steps if (c := seen[n].place.country) is not None))
    if len(countries) < 2:
        return f"all new visitors whose place is known are{_in(countries[0])}" if countries else "no place is known"
    text = f"new visitor{_in(seen[step].place.country)}"
    if step:
        text += f" {_span(seen[step - 1], seen[step])} after one{_in(seen[step - 1].place.country)}"
    return f"{text}; in all {len(countries)} countries: {', '.join(countries[:8])}"


def outside_its_market(found: Weighed) -> str:
    """People check the item in countries for which it was not made."""
    outside = found.where("market", 0, OUTSIDE)
    if not outside:
        return "no visitor is known to be outside the markets of the item"
    latest = found.course.sightings[outside[-1]]
    return (
        f"{_count(len(outside), 'new visitor')} outside the markets of the item, the latest{_in(latest.place.country)}"
    )


def out_of_step_with_its_life(found: Weighed) -> str:
    """People check the item when few still should: before it was commissioned, long after, or after its sale."""
    seen = found.course.sightings[found.strongest]
    station = found.course.circumstance("life", found.strongest, 1)
    sold = sum(found.course.circumstance("life", step, 1) >= SOLD for step in found.steps)
    text = f"new visitor{_in(seen.place.country)} on {_day(seen)}, {_STATIONS[station]}"
    return f"{text}; {_count(sold, 'new visitor')} since the sale or registration" if sold else text


def away_from_its_owner(found: Weighed) -> str:
    """Somebody other than the registered owner checks the item, in another country than the owner's."""
    away = found.where("owner", 0, ELSEWHERE)
    if not away:
        return "no new visitor is known to be away from a registered owner"
    latest = found.course.sightings[away[-1]]
    return f"{_count(len(away), 'new visitor')} away from the registered owner, the latest{_in(latest.place.country)}"


def kinds_of_network(found: Weighed) -> str:
    """People on fixed lines are in different homes; on a shelf an item is checked by phone. Relays tell us little."""
    homes, hidden = (len(found.where("network", 0, kind)) for kind in (FIXED, HIDDEN))
    shared = len(found.where("network", 1, 1))
    visitors = _count(len(found.steps), "new visitor")
    return f"of {visitors}, {homes} over a fixed line, {hidden} over a relay, {shared} by a shared link"


RULES: tuple[Rule, ...] = (
    Rule("more-new-visitors-than-its-like", ("crowd", "steady"), more_new_visitors_than_its_like),
    Rule("new-visitors-in-other-places", ("country", "place"), new_visitors_in_other_places),
    Rule("outside-its-market", ("market",), outside_its_market),
    Rule("out-of-step-with-its-life", ("life", "since_sale"), out_of_step_with_its_life),
    Rule("away-from-its-owner", ("owner",), away_from_its_owner),
    Rule("kinds-of-network", ("network",), kinds_of_network),
)


# --- Private ---------------------------------------------------------------------------------------------------------

_STATIONS = (
    "before it was commissioned",
    "with no sale on record",
    "after its sale",
    "after its registration",
    "after its owner had proved possession",
    "after its transfer",
)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _day(seen: Sighting) -> str:
    return f"{seen.first_at:%Y-%m-%d}"


def _in(country: str | None) -> str:
    return f" in {country}" if country else ""


def _span(one: Sighting, other: Sighting) -> str:
    hours = round((other.first_at - one.first_at).total_seconds() / 3600)
    return _count(hours, "hour") if hours < 48 else f"{round(hours / 24)} days"
