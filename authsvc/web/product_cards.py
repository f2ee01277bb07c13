"""
The card of the product on a verdict page: its name, its picture, and the rows that a person can compare.

What is true of one item alone stands in a card of its own (``unit_cards``), because the rest of a page is made once for
many checks (``frames``).
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from markupsafe import Markup

from authsvc import languages
from authsvc.core import product_texts, unit_data
from authsvc.core.register import Product
from authsvc.core.unit_data import Attribute, Audience, Level
from authsvc.core.verdicts import Facts, Reason
from authsvc.core.warranties import Warranty
from authsvc.languages import gettext as _
from authsvc.web.frames import mark
from authsvc.web.leaves import ENVIRONMENT, groups, in_language, picture, picture_text
from authsvc.web.unit_cards import card

NO_PRODUCT: dict[str, Any] = {
    "product_name": ("", None),
    "product_description": (None, None),
    "picture": None,
    "picture_alt": "",
    "rows": (),
}


def product_card(product: Product, facts: Facts, reason: Reason) -> dict[str, Any]:
    """Return what the card shows of a product."""
    spoken = languages.spoken().code
    return {
        "product_name": product_texts.name_of(product, spoken),
        "product_description": product_texts.description_of(product, spoken),
        "picture": picture(product.image),
        "picture_alt": picture_text(product),
        "rows": tuple(_rows(product, facts, reason)),
    }


def _rows(product: Product, facts: Facts, reason: Reason) -> list[tuple[str, str, bool]]:
    """Return label, value, and whether the value is a code, for each fact that a person can compare."""
    rows: list[tuple[str, str, bool]] = []
    if facts.serial:
        rows.append((_("Serial number"), mark("serial"), True))
    if facts.sscc:
        rows.append((_("Case number"), groups(facts.sscc), True))
    if not facts.is_item or facts.is_typed:
        rows.append((_("Product number"), product.gtin, True))
    if reason is Reason.UNSIGNED:
        # A bare number has proved nothing: it gets no fact that only the real label carries.
        return rows
    known = unit_data.resolve((*unit_data.of_product(product.attributes), *facts.data), Audience.PUBLIC)
    # What is true of this one item stands in a card of its own: a frame is for many.
    said = product_texts.facts_of(product, languages.spoken().code)
    rows += [_row(fact, said, product.language) for fact in known if fact.level is not Level.ITEM]
    if facts.contents:
        rows.append((_("Items in this case"), languages.number(facts.contents), False))
    if facts.lot:
        rows.append((_("Batch"), facts.lot, True))
    if facts.expires_on:
        rows.append((_("Use by"), languages.day(facts.expires_on), False))
    if facts.warranty:
        rows.append((_("Warranty"), mark("warranty"), False))
    return rows


def _row(fact: Attribute, said: Mapping[str, tuple[str, str]], language: str | None) -> tuple[str, str, bool]:
    if fact.level is not Level.PRODUCT:
        return fact.name, _with_level(fact), False
    if fact.name in said:
        return (*said[fact.name], False)
    return in_language(fact.name, language), in_language(fact.value, language), False


def _with_level(fact: Attribute) -> str:
    return _("{value} (this batch)").format(value=fact.value) if fact.level is Level.LOT else fact.value


def unit_card(product: Product, facts: Facts) -> Markup | None:
    """Return the card of what is said of this one item alone; for most items nothing is."""
    if not facts.records and not facts.data:
        return None
    own = [fact for fact in facts.data if fact.level is Level.ITEM]
    return card(ENVIRONMENT.get_template("unit.html").render, product.noun, own, facts.records)


def warranty_words(granted: Warranty, today: date) -> str:
    """Say how long a warranty runs: its days, and nothing of whose it is."""
    said = _("until {day}") if granted.days_left(today) else _("ended on {day}")
    return said.format(day=languages.day(granted.ends_on))
