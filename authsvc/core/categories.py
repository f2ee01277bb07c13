"""
Product categories as the advisor knows them: what one usually answers about such a product, and which law speaks of it.

An answer that a person gives beats the usual one. Adding a category is one line in ``CATEGORIES`` and its test.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from authsvc.core.laws import (
    CONSTRUCTION,
    DETERGENTS,
    ELECTRONICS,
    PLANNED,
    TEXTILES,
    TOYS,
    WINE_LABEL,
    BatteryKind,
    Rule,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """
    One kind of product. *needs* are the answers that hold unless somebody says otherwise, by the names of ``Case``.

    *because* says in a sentence why such products usually carry what they do; *law* is a text that speaks of them and
    forces nothing; *known_as* is the name by which ``laws.find_rule`` knows it.
    """

    title: str
    because: str
    needs: Mapping[str, object]
    law: Rule | None = None
    known_as: str | None = None
    battery: BatteryKind | None = None


CATEGORIES: Final[Mapping[str, Category]] = {
    "wine": Category(
        title="wine",
        because="Nutrition, ingredients and production are the same for a whole vintage.",
        needs={},
        law=WINE_LABEL,
    ),
    "battery": Category(
        title="battery",
        because="What decides about a battery is its kind and its energy.",
        needs={},
        known_as="battery",
    ),
    "ev-battery": Category(
        title="electric vehicle battery",
        because="State of health, charge cycles, maintenance and warranty differ from one battery to the next.",
        needs={"unit_data": "per-unit", "traceability": "unit", "resale": True},
        known_as="ev battery",
        battery=BatteryKind.EV,
    ),
    "textile": Category(
        title="textile",
        because="Material, care and origin are shared by all pieces of a lot.",
        needs={},
        law=TEXTILES,
    ),
    "t-shirt": Category(
        title="T-shirt",
        because="Material, care and origin are shared by all pieces of a lot.",
        needs={},
        law=TEXTILES,
    ),
    "luxury-textile": Category(
        title="luxury textile",
        because="High-value textiles are copied and resold, and their buyers want to check the one piece.",
        needs={"authentication": True, "resale": True},
        law=TEXTILES,
    ),
    "smartphone": Category(
        title="smartphone",
        because="Each has an IMEI anyway, and a warranty, a software history and a date of purchase of its own.",
        needs={"unit_data": "per-unit", "reports_by_serial": True, "resale": True},
        law=ELECTRONICS,
    ),
    "electronics-accessory": Category(
        title="electronics accessory",
        because="Pieces of a lot are alike, cheap, and replaced rather than followed.",
        needs={},
        law=ELECTRONICS,
    ),
    "prescription-medicine": Category(
        title="prescription medicine",
        because="Each pack is verified before it is dispensed.",
        needs={"authentication": True, "traceability": "unit", "recall": "lot"},
        known_as="prescription medicine",
    ),
    "watch": Category(
        title="watch or jewellery",
        because="They are copied, insured and resold one by one.",
        needs={"authentication": True, "resale": True, "unit_data": "at-registration"},
    ),
    "cosmetics": Category(
        title="cosmetics",
        because="Ingredients and use-by date belong to the lot.",
        needs={"recall": "lot"},
    ),
    "food": Category(
        title="food",
        because="Ingredients, origin and use-by date belong to the lot.",
        needs={"recall": "lot"},
    ),
    "toy": Category(
        title="toy", because="Safety documents belong to the model or the lot.", needs={"recall": "lot"}, law=TOYS
    ),
    "detergent": Category(
        title="detergent", because="The recipe belongs to the lot.", needs={"recall": "lot"}, law=DETERGENTS
    ),
    "construction": Category(
        title="construction product",
        because="Declarations of performance belong to the type or the lot.",
        needs={},
        law=CONSTRUCTION,
    ),
    "furniture": Category(
        title="furniture, mattress or tyre", because="Pieces of a lot are alike.", needs={}, law=PLANNED
    ),
    "other": Category(
        title="other product", because="Nothing is known about such products; your answers decide.", needs={}
    ),
}
