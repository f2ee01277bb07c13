"""
What a product is called and said to be, in each language in which the brand has written it.

Name, description and facts can each be there or not: what a language lacks is shown as it was written first. The facts
of a language are pairs in the order of the product's own, so that a fact of a batch still hides the one it overrides.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from authsvc.core import tongues, unit_data
from authsvc.core.register import Product
from authsvc.core.unit_data import Attribute, Audience
from authsvc.errors import BadInput

PARTS = ("name", "description", "facts")
Said = tuple[str, str | None]
"""A text, and its language where that is known."""


def part_of(column: str) -> tuple[str, str] | None:
    """Return the part and the language of a column such as ``name.de``; None for any other."""
    part, dot, tag = str(column).partition(".")
    return (part, tag) if dot and part in PARTS and tag in tongues.NAMES else None


def by_language(columns: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return columns such as ``name.de`` by their language, empty ones too."""
    found: dict[str, dict[str, Any]] = {}
    for column, value in columns.items():
        if split := part_of(column):
            found.setdefault(split[1], {})[split[0]] = value
    return found


def columns(texts: Mapping[str, Mapping[str, Any] | None]) -> dict[str, Any]:
    """Return texts as columns; a language that is None empties each of its."""
    return {
        f"{part}.{tag}": value
        for tag, parts in texts.items()
        for part, value in (dict.fromkeys(PARTS) if parts is None else parts).items()
    }


def merged(stored: Mapping[str, Mapping[str, Any]] | None, given: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return stored texts with what is given in its place; an empty part goes, and with its last part a language."""
    found = {tag: dict(parts) for tag, parts in (stored or {}).items()}
    for tag, parts in given.items():
        found[tag] = {part: value for part, value in {**found.get(tag, {}), **parts}.items() if value}
    return {tag: parts for tag, parts in sorted(found.items()) if parts}


def refitted(
    stored: Mapping[str, Mapping[str, Any]] | None, before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, Any]:
    """
    Return stored texts with the facts of each language in step with the product's own, which have changed.

    What was said of a fact that stays goes where the fact is now. One that is new or says something else stands as it
    was written, until somebody says it anew: nobody reads that a case is of steel which is of bronze by now.
    """
    was, now = (
        [(fact.name, fact.value) for fact in public_facts(attributes)] for attributes in (before or {}, after or {})
    )
    found = {tag: dict(parts) for tag, parts in (stored or {}).items()}
    for parts in found.values():
        said = parts.get("facts") or ()
        if was != now and len(said) == len(was):
            known = dict(zip(was, said, strict=True))
            parts["facts"] = [known.get(fact, list(fact)) for fact in now] if known.keys() & set(now) else None
    return found


def read_facts(cell: Any) -> list[list[str]]:
    """
    Read facts: a list of pairs, as JSON too, or lines such as "Case: Steel".

    Raises:
        BadInput: They are neither.
    """
    if isinstance(cell, str) and not cell.lstrip().startswith("["):
        return _pairs(unit_data.parse_lines(cell))
    try:
        pairs = json.loads(cell) if isinstance(cell, str) else cell
    except (json.JSONDecodeError, RecursionError):
        raise BadInput("is no JSON") from None
    if not isinstance(pairs, list) or not all(_is_pair(pair) for pair in pairs):
        raise BadInput('must be pairs of texts, such as [["Gehäuse", "Stahl, 40 mm"]]')
    return _pairs(unit_data.read_list([{"name": name, "value": value} for name, value in pairs]))


def name_of(product: Product, language: str) -> Said:
    """Return what a product is called for readers of a language."""
    said = product.texts.get(language, {}).get("name")
    return (said, language) if said else (product.name, product.language)


def description_of(product: Product, language: str) -> tuple[str | None, str | None]:
    """Return how a product is described for readers of a language."""
    said = product.texts.get(language, {}).get("description")
    return (said, language) if said else (product.description, product.language)


def facts_of(product: Product, language: str) -> dict[str, tuple[str, str]]:
    """Return what stands for each public fact of a product, by its own name; nothing where the language has none."""
    said = product.texts.get(language, {}).get("facts") or ()
    own = public_facts(product.attributes)
    if len(said) != len(own):
        return {}  # Whatever they were said of, it was not these.
    pairs = zip(own, said, strict=True)
    return {fact.name: (pair[0], pair[1]) for fact, pair in pairs if tuple(pair) != (fact.name, fact.value)}


def public_facts(attributes: Mapping[str, Any]) -> list[Attribute]:
    """Return the facts of a product that everybody may see, in their order."""
    return unit_data.resolve(_public(unit_data.of_product(attributes)), Audience.PUBLIC)


# --- Private ---------------------------------------------------------------------------------------------------------


def _pairs(facts: Iterable[Mapping[str, str]]) -> list[list[str]]:
    if any(fact["audience"] != Audience.PUBLIC for fact in facts):
        raise BadInput("are for everybody: facts for a narrower circle have one language")
    return [[fact["name"], fact["value"]] for fact in facts]


def _public(facts: Iterable[Attribute]) -> list[Attribute]:
    return [fact for fact in facts if fact.audience is Audience.PUBLIC]


def _is_pair(pair: Any) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, str) and part.strip() for part in pair)
