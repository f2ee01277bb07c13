"""
What a recall says, in each language in which the brand has written it.

A reader gets the text in the language of the page, else the one that was written first, the original. Every text has
the parts of the original, so nobody is told less than others: a reason, and what to do where the original says it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LONGEST = 1_000
"""Characters of each part: people read them on a phone."""


@dataclass(frozen=True, slots=True)
class Text:
    """What a recall says in one language."""

    language: str
    reason: str
    remedy: str | None = None


def read(stored: Mapping[str, Mapping[str, Any]] | None) -> tuple[Text, ...]:
    """Return the further texts of a recall as it keeps them, in the order of their languages."""
    if not stored:
        return ()
    return tuple(Text(tag, text["reason"], text.get("remedy")) for tag, text in sorted(stored.items()))


def write(texts: tuple[Text, ...]) -> dict[str, Any]:
    """Return texts as a recall keeps them."""
    return {
        text.language: {"reason": text.reason, **({"remedy": text.remedy} if text.remedy else {})} for text in texts
    }


def choose(original: Text, texts: tuple[Text, ...], language: str) -> Text:
    """Return the text for a reader of *language*."""
    return next((text for text in texts if text.language == language), original)
