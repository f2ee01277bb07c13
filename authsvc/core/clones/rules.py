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

from authsvc.core.amounts import amount, begin, number
from authsvc.core.clones.courses import ELSEWHERE, FIXED, HIDDEN, OUTSIDE, Course
from authsvc.core.clones.histories import Sighting
from authsvc.core.clones.stations import SOLD
from authsvc.core.countries import named
from authsvc.core.tongues import day


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
    text = f"{begin(amount(found.steps.stop, 'different phone'))} checked this code"
    if opened:
        text += f", {number(opened)} of them without our page having run"
    if step:
        text += f". What counts most: a new one on {day(seen[step].first_at)}"
        text += f", {_gap(seen[step - 1], seen[step])} after another"
    return text


def new_visitors_in_other_places(found: Weighed) -> str:
    """People check this item where nobody had checked it before, or further off than they can have carried it."""
    seen, step = found.course.sightings, found.strongest
    countries = list(dict.fromkeys(c for n in found.steps if (c := seen[n].place.country) is not None))
    if not countries:
        return "No place is known"
    if len(countries) < 2:
        return f"Every phone whose place is known was{_in(countries[0])}"
    listed = ", ".join(map(named, countries[:_LISTED])) + (" and more" if len(countries) > _LISTED else "")
    text = f"New phones appeared in {amount(len(countries), 'country', 'countries')}: {listed}"
    if step and seen[step].place.country is not None:
        text += f". What counts most: one{_in(seen[step].place.country)}, {_gap(seen[step - 1], seen[step])} after one"
        text += _in(seen[step - 1].place.country) or " whose place is not known"
    return text


def outside_its_market(found: Weighed) -> str:
    """People check the item in countries for which it was not made."""
    outside = found.where("market", 0, OUTSIDE)
    if not outside:
        return "No phone is known to be where the item is not sold"
    latest = found.course.sightings[outside[-1]]
    phones = begin(amount(len(outside), "new phone"))
    return f"{phones} checked it where it is not sold, the latest{_in(latest.place.country)}"


def out_of_step_with_its_life(found: Weighed) -> str:
    """People check the item when few still should: before it was commissioned, long after, or after its sale."""
    seen = found.course.sightings[found.strongest]
    station = found.course.circumstance("life", found.strongest, 1)
    sold = sum(found.course.circumstance("life", step, 1) >= SOLD for step in found.steps)
    text = f"A new phone{_in(seen.place.country)} on {day(seen.first_at)}, {_STATIONS[station]}"
    return f"{text}. {begin(amount(sold, 'new phone'))} since the sale or registration" if sold else text


def away_from_its_owner(found: Weighed) -> str:
    """Somebody other than the registered owner checks the item, in another country than the owner's."""
    away = found.where("owner", 0, ELSEWHERE)
    if not away:
        return "No new phone is known to be away from a registered owner"
    latest = found.course.sightings[away[-1]]
    phones = begin(amount(len(away), "new phone"))
    return f"{phones} checked it in another country than its registered owner's, the latest{_in(latest.place.country)}"


def kinds_of_network(found: Weighed) -> str:
    """People on fixed lines are in different homes; on a shelf an item is checked by phone. Relays tell us little."""
    homes, hidden = (len(found.where("network", 0, kind)) for kind in (FIXED, HIDDEN))
    shared = len(found.where("network", 1, 1))
    phones = amount(len(found.steps), "new phone")
    told = ((homes, "over a fixed line, as at home"), (hidden, "over a relay or VPN"), (shared, "by a shared link"))
    came = ", ".join(f"{number(count)} {how}" for count, how in told if count)
    return f"Of {phones} there came {came or 'none over a fixed line, a relay or a shared link'}"


RULES: tuple[Rule, ...] = (
    Rule("more-new-visitors-than-its-like", ("crowd", "steady"), more_new_visitors_than_its_like),
    Rule("new-visitors-in-other-places", ("country", "place"), new_visitors_in_other_places),
    Rule("outside-its-market", ("market",), outside_its_market),
    Rule("out-of-step-with-its-life", ("life", "since_sale"), out_of_step_with_its_life),
    Rule("away-from-its-owner", ("owner",), away_from_its_owner),
    Rule("kinds-of-network", ("network",), kinds_of_network),
)


# --- Private ---------------------------------------------------------------------------------------------------------

_LISTED = 8
_STATIONS = (
    "before it was commissioned",
    "with no sale on record",
    "after its sale",
    "after its registration",
    "after its owner had proved possession",
    "after its transfer",
)


def _in(country: str | None) -> str:
    return f" in {named(country)}" if country else ""


def _gap(one: Sighting, other: Sighting) -> str:
    hours = round((other.first_at - one.first_at).total_seconds() / 3600)
    if not hours:
        return "less than an hour"
    return amount(hours, "hour") if hours < 48 else amount(round(hours / 24), "day")
