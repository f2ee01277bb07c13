"""
Advice: whether a product should carry batch codes, serial codes, or both.

What decides, in this order: law; whether single units are followed; whether they are authenticated or resold; data of
their own; cost and value. Each factor is a plain function in ``FACTORS`` that says what it speaks for and why, in a
sentence that a brand manager reads; the strongest wins, and law wins over all. What a choice gives up is said as well.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from authsvc.core import laws
from authsvc.core.categories import CATEGORIES, Category
from authsvc.core.code_costs import Assumptions, Comparison, compare
from authsvc.core.laws import BatteryKind, Rule
from authsvc.core.register import Granularity
from authsvc.errors import BadInput

HIGH_VALUE: Final = 250.0
"""From what a unit is worth on, in the currency of the costs, a code of its own is the rule."""


class Traceability(StrEnum):
    """What is followed on its way."""

    NONE = "none"
    LOT = "lot"
    CASE = "case"
    UNIT = "unit"


class RecallPrecision(StrEnum):
    """The least that can be called back."""

    PRODUCT = "product"
    LOT = "lot"
    UNIT = "unit"


class UnitData(StrEnum):
    """Whether units have data of their own, and when it comes to be known."""

    NONE = "none"
    AT_REGISTRATION = "at-registration"
    PER_UNIT = "per-unit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What somebody tells about a product. What is None follows what is usual in its category."""

    category: str
    value: float
    volume: int
    traceability: Traceability | None = None
    recall: RecallPrecision | None = None
    authentication: bool | None = None
    unit_data: UnitData | None = None
    resale: bool | None = None
    reports_by_serial: bool | None = None
    markets: tuple[str, ...] = ()
    battery: BatteryKind | None = None
    kwh: float | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """What one factor speaks for."""

    factor: str
    granularity: Granularity
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """
    The answer: what to print, why, and what it costs.

    *rule* is the law that forces it, or None where the choice is free; *notes* say what else to know.
    """

    case: Case
    granularity: Granularity
    rule: Rule | None
    reasons: tuple[Reason, ...]
    notes: tuple[str, ...]
    costs: Comparison = field(repr=False)

    @property
    def headline(self) -> str:
        """The answer in one sentence."""
        title = CATEGORIES[self.case.category].title
        if self.rule is not None:
            return f"Serial codes are mandatory for this product ({title})."
        return f"{self.granularity.capitalize()} codes suit this product ({title})."


def advise(case: Case, assumptions: Assumptions) -> Advice:
    """
    Return what codes a product should carry.

    Raises:
        BadInput: The case cannot be judged: an unknown category, or a battery whose kind or energy is not given.
    """
    category = CATEGORIES.get(case.category)
    if category is None:
        raise BadInput(f"There is no category {case.category!r}; they are {', '.join(CATEGORIES)}.")
    if not (math.isfinite(case.value) and case.value >= 0):
        raise BadInput("The value of a unit is a number that is not negative.")
    costs = compare(case.volume, assumptions)
    rule = _find_rule(case, category)
    told = _filled(case, category)
    reasons = [reason for factor in FACTORS if (reason := factor(told, costs)) is not None]
    if rule is not None:
        assert rule.granularity is not None  # find_rule returns what forces one
        reasons.insert(0, Reason("law", rule.granularity, rule.says))
        granularity = rule.granularity
    else:
        granularity = max((reason.granularity for reason in reasons), key=_STRENGTH.index, default=Granularity.BATCH)
        if granularity is Granularity.BATCH:
            reasons.insert(0, Reason("what is usual", Granularity.BATCH, category.because))
        elif any(getattr(case, name) is None for name in category.needs):
            reasons.insert(0, Reason("what is usual", granularity, category.because))
    return Advice(
        case=told,
        granularity=granularity,
        rule=rule,
        reasons=tuple(reasons),
        notes=tuple(_notes(told, category, granularity, rule)),
        costs=costs,
    )


def check_choice(advice: Advice, chosen: Granularity) -> None:
    """
    Accept a choice that law allows.

    Raises:
        BadInput: Law serialises the product; the sentence names the rule, its source, and what to do.
    """
    if advice.rule is not None and chosen is not advice.rule.granularity:
        raise BadInput(laws.refusal(advice.rule, chosen) + ".")


# --- Factors: each says what it speaks for and why, or nothing ------------------------------------------------------


def units_are_followed(case: Case, _costs: Comparison) -> Reason | None:
    """Put a code on what is followed: on each unit, on the case, or on the lot."""
    if case.traceability is Traceability.UNIT:
        return Reason("traceability", Granularity.SERIAL, "Single units are followed, so each needs a code of its own.")
    if case.traceability is Traceability.CASE:
        text = "Cases are followed on their way: a serial on the case and the code of the lot on the unit do that."
        return Reason("traceability", Granularity.HYBRID, text)
    if case.traceability is Traceability.LOT:
        return Reason("traceability", Granularity.BATCH, "Lots are followed, and the code of a lot does that.")
    return None


def recall_is_precise(case: Case, _costs: Comparison) -> Reason | None:
    """Ask for serials where a recall has to tell units apart."""
    if case.recall is RecallPrecision.UNIT:
        text = "A recall should reach the affected units alone; a batch code can only recall the whole lot."
        return Reason("recall", Granularity.SERIAL, text)
    if case.recall is RecallPrecision.LOT:
        return Reason("recall", Granularity.BATCH, "Recalling a whole lot is precise enough, and a batch code does it.")
    return None


def customers_report_by_serial(case: Case, _costs: Comparison) -> Reason | None:
    """Put the number on the unit by which customers report."""
    if case.reports_by_serial:
        text = "Customers report by serial number, so the one on the unit should be the one in its code."
        return Reason("reports", Granularity.SERIAL, text)
    return None


def units_are_authenticated(case: Case, _costs: Comparison) -> Reason | None:
    """Ask for serials where copies should be noticed: all genuine units of a lot carry the same batch code."""
    if case.authentication:
        text = "People should be able to check a unit. All units of a lot share a batch code, so copies go unnoticed."
        return Reason("authentication", Granularity.SERIAL, text)
    return None


def units_are_resold(case: Case, _costs: Comparison) -> Reason | None:
    """Ask for serials where units change hands: ownership is of one unit."""
    if case.resale:
        text = "It is resold: a buyer wants to know about the one unit, and ownership passes on with its serial."
        return Reason("resale", Granularity.SERIAL, text)
    return None


def units_have_data(case: Case, _costs: Comparison) -> Reason | None:
    """Give data of a unit a place: its serial, or a number that its owner registers."""
    if case.unit_data is UnitData.PER_UNIT:
        text = "Units have data of their own, such as test results or state of health: it hangs on a serial."
        return Reason("unit data", Granularity.SERIAL, text)
    if case.unit_data is UnitData.AT_REGISTRATION:
        text = "Data of a unit begins when its owner registers it: the code of the lot can lead there."
        return Reason("unit data", Granularity.HYBRID, text)
    return None


def value_is_high(case: Case, costs: Comparison) -> Reason | None:
    """Give what is worth much a code of its own."""
    if case.value < HIGH_VALUE:
        return None
    more = costs.of(Granularity.SERIAL).per_item - costs.of(Granularity.BATCH).per_item
    text = f"A unit is worth {case.value:,.2f}, and a code of its own costs {more:.4f} more than a batch code."
    return Reason("value", Granularity.SERIAL, text)


Factor = Callable[[Case, Comparison], Reason | None]
FACTORS: Final[tuple[Factor, ...]] = (
    units_are_followed,
    recall_is_precise,
    customers_report_by_serial,
    units_are_authenticated,
    units_are_resold,
    units_have_data,
    value_is_high,
)

_STRENGTH: Final = (Granularity.BATCH, Granularity.HYBRID, Granularity.SERIAL)


def _filled(case: Case, category: Category) -> Case:
    """Return the case with what is usual in its category where nothing was said."""
    usual: Mapping[str, Any] = category.needs
    return Case(
        category=case.category,
        value=case.value,
        volume=case.volume,
        traceability=case.traceability or Traceability(usual.get("traceability", "none")),
        recall=case.recall or RecallPrecision(usual.get("recall", "product")),
        authentication=bool(usual.get("authentication")) if case.authentication is None else case.authentication,
        unit_data=case.unit_data or UnitData(usual.get("unit_data", "none")),
        resale=bool(usual.get("resale")) if case.resale is None else case.resale,
        reports_by_serial=bool(usual.get("reports_by_serial"))
        if case.reports_by_serial is None
        else case.reports_by_serial,
        markets=case.markets,
        battery=case.battery or category.battery,
        kwh=case.kwh,
    )


def _find_rule(case: Case, category: Category) -> Rule | None:
    kind = case.battery or category.battery
    if kind is not None and not (category.known_as or "").endswith("battery"):
        raise BadInput(f"The kind of battery belongs to the category battery, and this is {category.title}.")
    if case.kwh is not None and not (math.isfinite(case.kwh) and case.kwh > 0):
        raise BadInput("The energy of a battery is a number of kWh above 0.")
    attributes = {} if kind is None else {"battery": {"kind": kind, "kwh": case.kwh}}
    try:
        return laws.find_rule(category.known_as, attributes, case.markets)
    except laws.UnclearBattery:
        raise BadInput(
            f"For a battery, law decides by kind and energy. Say its kind ({', '.join(BatteryKind)}), and for an "
            "industrial one its energy in kWh."
        ) from None


def _notes(case: Case, category: Category, granularity: Granularity, rule: Rule | None) -> list[str]:
    """Return what else to know: what other law says, and what the choice gives up."""
    notes = []
    if category.law is not None and laws.is_sold_in_eu(case.markets):
        notes.append(f"{category.law.title}: {category.law.says} {category.law.citation}.")
    if category.law is laws.WINE_LABEL and laws.is_sold_in_eu(case.markets):
        notes.append(
            "The code of the e-label must not be the one that counts scans: register it as a product with "
            "tracking: none, and print another code to authenticate."
        )
    if granularity is not Granularity.SERIAL:
        what = "Copies are noticed among cases only" if granularity is Granularity.HYBRID else "Copies go unnoticed"
        notes.append(f"{what}: a batch code cannot show that a unit is genuine, as all units of its lot carry it.")
    if granularity is Granularity.HYBRID and case.unit_data is UnitData.AT_REGISTRATION:
        notes.append("The code of the lot comes first; the unit gets its number when its owner registers it.")
    if rule is not None and not case.markets:
        notes.append("No markets were named, so the product is taken to be sold everywhere.")
    if category.known_as is not None and rule is None:
        notes.append("No rule that is known here asks for serials in the markets and for the kind that you named.")
    return notes
