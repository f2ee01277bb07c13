"""
The data of one item for people: its own facts, its records and their courses, as a card of a page.

The card is markup that a page is filled with, so that the card of one item is never kept for another.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from markupsafe import Markup

from authsvc import languages
from authsvc.core.records import Record, courses
from authsvc.core.unit_data import Attribute
from authsvc.web.drawing.courses import course
from authsvc.web.drawing.svg import Figure

SHOWN = 12
"""Records that a page lists; charts have all that were read."""


def figures(records: Sequence[Record], *, key: str = "u") -> list[Figure]:
    """Return the courses of records as drawings with their tables; *key* begins the ids of each."""
    return [
        course(f"{key}-{drawn.name}", replace(drawn, label=languages.gettext(drawn.label)))
        for drawn in courses(records)
    ]


def card(
    render: Callable[..., str], item: str, attributes: Sequence[Attribute], records: Sequence[Record]
) -> Markup | None:
    """
    Return the card of an item, or None where nothing is said of it.

    *render* is that of the template ``unit.html``, *item* the word for one unit.
    """
    if not attributes and not records:
        return None
    drawn = render(item=item, attributes=attributes, records=_worded(records), figures=figures(records))
    return Markup(drawn)  # noqa: S704  the engine has escaped every value just now


# --- Private ---------------------------------------------------------------------------------------------------------


def _worded(records: Sequence[Record]) -> list[tuple[Record, str, list[tuple[str, str]]]]:
    """Return the records that are listed, each with the word for its kind and what it says."""
    say = languages.gettext
    return [(each, say(each.label), [(say(name), value) for name, value in each.worded()]) for each in records[:SHOWN]]
