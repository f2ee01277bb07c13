"""
Data at the right level: what is true of a product, of a lot, of one item, and who may see it.

The nearest level wins: a fact of an item hides the one of the same name of its lot, and that the one of its product.
Of a product and of a lot the facts stand in ``attributes``: ``facts`` are pairs for everybody, ``data`` is a list of
objects with ``name``, ``value`` and ``audience``. A name that only a narrower circle may see hides the wider one for
that circle alone: nobody learns from what they do not see.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from authsvc.errors import BadInput

LONGEST_NAME, LONGEST_VALUE, MOST = 60, 2_000, 100

LOT_FACTS: Mapping[str, str] = {
    "origin": "Origin",
    "ingredients": "Ingredients",
    "nutrition": "Nutrition",
    "certificates": "Certificates",
}
"""The facts of a lot that a form asks for, by their key in ``attributes``; everybody may see them."""


class Audience(StrEnum):
    """
    Who may see something, from everybody to the few. Each sees what those before it see.

    ``partner`` is who services or tests items for the brand; ``authority`` who watches the market. The brand's own
    people see everything.
    """

    PUBLIC = "public"
    OWNER = "owner"
    PARTNER = "partner"
    AUTHORITY = "authority"

    def sees(self, other: "Audience") -> bool:
        """Say whether this circle sees what is for *other*."""
        return _CIRCLES.index(other) <= _CIRCLES.index(self)

    @property
    def seen(self) -> tuple[str, ...]:
        """The audiences that this circle sees, as they are stored."""
        return tuple(each.value for each in _CIRCLES[: _CIRCLES.index(self) + 1])


_CIRCLES = (Audience.PUBLIC, Audience.OWNER, Audience.PARTNER, Audience.AUTHORITY)


class Level(StrEnum):
    """Of what a fact is true."""

    PRODUCT = "product"
    LOT = "lot"
    ITEM = "item"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One fact: its name, what it says, of what it is true, and who may see it."""

    name: str
    value: str
    level: Level
    audience: Audience = Audience.PUBLIC


def of_product(attributes: Mapping[str, Any]) -> list[Attribute]:
    """Read the facts of a product from its ``attributes``; what is none is left out."""
    return [*_pairs(attributes, Level.PRODUCT), *_data(attributes, Level.PRODUCT)]


def of_lot(attributes: Mapping[str, Any]) -> list[Attribute]:
    """Read the facts of a lot from its ``attributes``; what is none is left out."""
    known = [
        Attribute(label, str(attributes[name]), Level.LOT)
        for name, label in LOT_FACTS.items()
        if isinstance(attributes.get(name), str) and attributes[name]
    ]
    return [*known, *_pairs(attributes, Level.LOT), *_data(attributes, Level.LOT)]


def resolve(attributes: Iterable[Attribute], viewer: Audience) -> list[Attribute]:
    """
    Return what *viewer* sees, the nearest level of each name; they come in the order product, lot, item.

    A name keeps the place in which it was first said.
    """
    found: dict[str, Attribute] = {}
    for each in attributes:
        if viewer.sees(each.audience):
            found[each.name] = each
    return list(found.values())


def check(name: str, value: str, audience: str) -> Attribute:
    """
    Accept one fact of an item.

    Raises:
        BadInput: A text is empty or too long, or nobody is called so.
    """
    name, value = " ".join(name.split()), value.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise BadInput(f"A fact has a name of 1 to {LONGEST_NAME} printable characters.")
    if not 1 <= len(value) <= LONGEST_VALUE or "\0" in value:
        raise BadInput(f"The fact {name!r} has 1 to {LONGEST_VALUE} characters.")
    return Attribute(name, value, Level.ITEM, audience_of(audience))


def audience_of(text: str) -> Audience:
    """
    Read who may see something.

    Raises:
        BadInput: Nobody is called so.
    """
    try:
        return Audience(text)
    except ValueError:
        raise BadInput(f"Who may see it is one of {', '.join(_CIRCLES)}, got {text!r}.") from None


def read_list(given: Any) -> list[dict[str, str]]:
    """
    Check the ``data`` of a product or lot, as a file or a program brings it.

    Raises:
        BadInput: It is no list of facts, and what instead.
    """
    if not isinstance(given, list) or len(given) > MOST:
        raise BadInput(f'"data" must be a list of at most {MOST} objects with name, value and audience.')
    found = []
    for each in given:
        if not isinstance(each, dict) or not {"name", "value"} <= set(each) <= {"name", "value", "audience"}:
            raise BadInput(
                'Each of "data" must be an object with name, value and, where not everybody may see it, audience.'
            )
        if not all(isinstance(text, str) for text in each.values()):
            raise BadInput('Name, value and audience in "data" are texts.')
        fact = check(each["name"], each["value"], each.get("audience", "public"))
        found.append({"name": fact.name, "value": fact.value, "audience": fact.audience.value})
    return found


def parse_lines(text: str) -> list[dict[str, str]]:
    """
    Read facts as a form has them: one a line, ``Name: value``, ending with ``[owner]`` where not everybody may see it.

    Raises:
        BadInput: A line is none, and which.
    """
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        name, mark, value = line.partition(":")
        if not mark:
            raise BadInput(f"Write a fact as Name: value, got {line!r}.")
        audience = Audience.PUBLIC.value
        if value.rstrip().endswith("]"):
            value, _, audience = value.rstrip()[:-1].rpartition("[")
        fact = check(name, value, audience.strip().lower())
        found.append({"name": fact.name, "value": fact.value, "audience": fact.audience.value})
    if len(found) > MOST:
        raise BadInput(f"There is room for {MOST} facts.")
    return found


def write_lines(attributes: Mapping[str, Any]) -> str:
    """Write the ``data`` of a product or lot as a form has it."""
    return "\n".join(
        f"{each.name}: {each.value}" + (f" [{each.audience}]" if each.audience is not Audience.PUBLIC else "")
        for each in _data(attributes, Level.PRODUCT)
    )


# --- Private ---------------------------------------------------------------------------------------------------------


def _pairs(attributes: Mapping[str, Any], level: Level) -> list[Attribute]:
    listed = attributes.get("facts")
    if not isinstance(listed, list | tuple):
        return []
    return [
        Attribute(str(pair[0]), str(pair[1]), level)
        for pair in listed
        if isinstance(pair, list | tuple) and len(pair) == 2
    ]


def _data(attributes: Mapping[str, Any], level: Level) -> list[Attribute]:
    listed = attributes.get("data")
    if not isinstance(listed, list | tuple):
        return []
    return [
        Attribute(str(each["name"]), str(each["value"]), level, Audience(each.get("audience", "public")))
        for each in listed
        if isinstance(each, Mapping) and "name" in each and "value" in each
        and each.get("audience", "public") in _CIRCLES
    ]  # fmt: skip
