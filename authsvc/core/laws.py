"""
What law says about batch and serial: for which products it asks for a code on each unit, and where it says nothing yet.

A rule names its text, its source and its date, because whoever relies on it has to be able to look it up; none is legal
advice. Rules that force serials are checked wherever somebody chooses a granularity; the others only speak in the
advisor. Where guides are coarser than law, law holds: the threshold of 2 kWh concerns industrial batteries alone, and
it is "more than", not "at least".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from authsvc.core.register import Granularity

STATE_OF_LAW: Final = "November 2026"
"""When the texts below were last read."""

INDUSTRIAL_KWH: Final = 2.0

# fmt: off
EU_COUNTRIES: Final = frozenset({
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV",
    "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
})
# fmt: on


class BatteryKind(StrEnum):
    """The kinds of Regulation (EU) 2023/1542, Article 3."""

    EV = "ev"
    LMT = "lmt"
    INDUSTRIAL = "industrial"
    PORTABLE = "portable"
    STARTING = "sli"


@dataclass(frozen=True, slots=True)
class Rule:
    """
    One text of law; *granularity* is what it forces, or None where it leaves the choice.

    *says* is a whole sentence, *date* says since when or from when it holds.
    """

    id: str
    title: str
    source: str
    date: str
    says: str
    granularity: Granularity | None = None

    @property
    def citation(self) -> str:
        """The text with its source and date, and that it is no legal advice."""
        return f"{self.source}; {self.date} (read {STATE_OF_LAW}; not legal advice)"


BATTERY_PASSPORT: Final = Rule(
    "eu-battery-passport",
    "EU battery passport",
    "Regulation (EU) 2023/1542, Articles 13 and 77, Annex XIII",
    "applies from 18 February 2027",
    "Each electric vehicle battery, each battery of a light means of transport and each industrial battery of more "
    "than 2 kWh has a passport of its own, with data of that one battery: a batch or model code does not comply.",
    Granularity.SERIAL,
)
FALSIFIED_MEDICINES: Final = Rule(
    "eu-falsified-medicines",
    "EU Falsified Medicines Directive",
    "Delegated Regulation (EU) 2016/161",
    "in force",
    "Each pack of a prescription medicine has a unique identifier and an anti-tampering device.",
    Granularity.SERIAL,
)
DSCSA: Final = Rule(
    "us-dscsa",
    "US Drug Supply Chain Security Act",
    "Drug Supply Chain Security Act (US)",
    "in force",
    "Each package of a prescription medicine has a product identifier: GTIN, serial, lot and expiry date.",
    Granularity.SERIAL,
)
WINE_LABEL: Final = Rule(
    "eu-wine-e-label",
    "EU wine e-label",
    "Regulation (EU) 2021/2117, which amends Article 119 of Regulation (EU) 1308/2013",
    "for wines produced after 8 December 2023",
    "The code of the e-label may lead to ingredients and nutrition; it must not collect data about users nor show "
    "marketing. It asks for no serial.",
)
TEXTILES: Final = Rule(
    "eu-textiles",
    "EU product passport for textiles",
    "Regulation (EU) 2024/1781, Article 9, and Working Plan COM(2025) 187 of 16 April 2025",
    "adoption expected in 2027, application 18 months later at the earliest",
    "A delegated act will decide whether the passport is for a model, a batch or an item. It is not decided, so the "
    "choice is yours.",
)
TOYS: Final = Rule(
    "eu-toys",
    "EU product passport for toys",
    "Regulation (EU) 2025/2509, Article 19",
    "applies from 1 August 2030",
    "The passport is for the model by default. A batch code is finer than that, and a serial is finer still.",
)
DETERGENTS: Final = Rule(
    "eu-detergents",
    "EU product passport for detergents",
    "Regulation (EU) 2026/405, Article 21",
    "foreseen; the level follows in later acts",
    "A product passport is foreseen. No text asks for serials.",
)
CONSTRUCTION: Final = Rule(
    "eu-construction",
    "EU product passport for construction products",
    "Regulation (EU) 2024/3110, Article 76",
    "foreseen; the level follows in a later act",
    "A product passport is foreseen. No text asks for serials.",
)
PLANNED: Final = Rule(
    "eu-ecodesign-plan",
    "EU ecodesign working plan",
    "Regulation (EU) 2024/1781, Article 9, and Working Plan COM(2025) 187 of 16 April 2025",
    "planned for 2027 to 2029, as an indication",
    "A product passport is planned for this group. Its level (model, batch or item) is not decided.",
)
ELECTRONICS: Final = Rule(
    "eu-electronics",
    "EU product passport for electronics",
    "Regulation (EU) 2024/1781, Article 9",
    "no date is in force",
    "No product passport is in force for electronics. Serials are a matter of warranty and resale here, not of law.",
)

RULES: Final = (
    BATTERY_PASSPORT, FALSIFIED_MEDICINES, DSCSA, WINE_LABEL, TEXTILES, TOYS, DETERGENTS, CONSTRUCTION, PLANNED,
    ELECTRONICS,
)  # fmt: skip

_BATTERIES: Final[Mapping[str, BatteryKind | None]] = {
    "battery": None,
    "batteries": None,
    "ev battery": BatteryKind.EV,
    "ev batteries": BatteryKind.EV,
    "electric vehicle battery": BatteryKind.EV,
    "electric vehicle batteries": BatteryKind.EV,
    "traction battery": BatteryKind.EV,
    "traction batteries": BatteryKind.EV,
    "lmt battery": BatteryKind.LMT,
    "lmt batteries": BatteryKind.LMT,
    "e-bike battery": BatteryKind.LMT,
    "e-bike batteries": BatteryKind.LMT,
    "e-scooter battery": BatteryKind.LMT,
    "e-scooter batteries": BatteryKind.LMT,
    "industrial battery": BatteryKind.INDUSTRIAL,
    "industrial batteries": BatteryKind.INDUSTRIAL,
    "portable battery": BatteryKind.PORTABLE,
    "portable batteries": BatteryKind.PORTABLE,
    "starter battery": BatteryKind.STARTING,
    "starter batteries": BatteryKind.STARTING,
}
_MEDICINES: Final = frozenset(
    {"pharmaceutical", "pharmaceuticals", "prescription medicine", "prescription medicines", "prescription drug",
     "prescription drugs"}
)  # fmt: skip


class UnclearBattery(ValueError):
    """The kind of a battery, or its energy, decides, and is not given; the text is the end of a sentence."""


def is_sold_in_eu(markets: Sequence[str]) -> bool:
    """Say whether a product reaches the European Union; without a list of markets it may be sold anywhere."""
    return not markets or "EU" in markets or not EU_COUNTRIES.isdisjoint(markets)


def is_sold_in_us(markets: Sequence[str]) -> bool:
    """Say whether a product reaches the United States; without a list of markets it may be sold anywhere."""
    return not markets or "US" in markets


def needs_passport(kind: BatteryKind, kwh: float | None) -> bool:
    """
    Say whether a battery has a passport of its own under Regulation (EU) 2023/1542.

    Raises:
        UnclearBattery: It is an industrial one, and its energy is not known.
    """
    if kind in {BatteryKind.EV, BatteryKind.LMT}:
        return True
    if kind is not BatteryKind.INDUSTRIAL:
        return False
    if kwh is None:
        raise UnclearBattery("an industrial battery of more than 2 kWh must be serial: give its energy in kWh")
    return kwh > INDUSTRIAL_KWH


def find_rule(category: str | None, attributes: Mapping[str, Any], markets: Sequence[str]) -> Rule | None:
    """
    Return the rule that makes serials compulsory for a product, or None.

    *category* is free text, of which the usual names are known; *attributes* may say more, as in
    ``{"battery": {"kind": "industrial", "kwh": 5}}``, and beats it.

    Raises:
        UnclearBattery: It is a battery, and what decides about it is not given.
    """
    name = " ".join((category or "").casefold().split())
    if name in _MEDICINES:
        if is_sold_in_eu(markets):
            return FALSIFIED_MEDICINES
        return DSCSA if is_sold_in_us(markets) else None
    battery = _battery(attributes)
    if battery is None and name not in _BATTERIES:
        return None
    kind, kwh = battery or (_BATTERIES[name], None)
    if not is_sold_in_eu(markets):
        return None
    if kind is None:
        raise UnclearBattery(
            "some batteries must be serial: say in the attributes which kind it is, as in "
            '{"battery": {"kind": "portable", "kwh": 0.1}}; the kinds are ' + ", ".join(BatteryKind)
        )
    return BATTERY_PASSPORT if needs_passport(kind, kwh) else None


def _battery(attributes: Mapping[str, Any]) -> tuple[BatteryKind, float | None] | None:
    """Return kind and energy; None where the attributes say nothing that law knows: products older than it may."""
    battery = attributes.get("battery")
    if not isinstance(battery, Mapping) or battery.get("kind") not in list(BatteryKind):
        return None
    return BatteryKind(battery["kind"]), battery.get("kwh")


def refusal(rule: Rule, chosen: Granularity) -> str:
    """Return the sentences that refuse a choice: the rule, where it stands, and what to do."""
    return (
        f"{chosen} is not allowed for this product: {rule.says} {rule.title}: {rule.citation}. "
        f"Choose {rule.granularity}, or name the markets if it is sold elsewhere"
    )
