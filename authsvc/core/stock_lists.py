"""
Lists of a dealer: which items, and of a sale its day and country. Text in, lines out.

Codes are read as in any list of codes (``check_lists``). A CSV with a header may have the columns ``sold_on`` and
``country``; what a line leaves empty is what was given for the whole list.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from authsvc.core import check_lists
from authsvc.errors import BadInput, TooLarge

MOST = 1000
"""Items that one list may hold."""

_DAY, _COUNTRY = "sold_on", "country"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: its place in the list from 1, the code as it came, and of a sale the day and country as they came."""

    place: int
    code: str
    sold_on: str = ""
    country: str = ""


def read(text: str, *, sold_on: str = "", country: str = "") -> list[Line]:
    """
    Return the lines of a list.

    Raises:
        BadInput: It is empty, or holds a code twice.
        TooLarge: It holds more than a thousand items.
    """
    codes = check_lists.read(text)
    if not codes:
        raise BadInput("The list is empty. Paste codes, one a line, or choose a CSV file.")
    if len(codes) > MOST:
        raise TooLarge("A list holds at most {most} items, got {count}. Send it in parts.", most=MOST, count=len(codes))
    if repeated := check_lists.repeats(codes):
        again, first = next(iter(repeated.items()))
        raise BadInput(
            "Line {line} has the code of line {first} again. Name each item once.", line=again + 1, first=first + 1
        )
    own = _sales(text, len(codes))
    return [
        Line(place=place, code=code, sold_on=day or sold_on, country=where or country)
        for place, (code, (day, where)) in enumerate(zip(codes, own, strict=True), 1)
    ]


def day(text: str) -> date:
    """
    Read the day of a sale.

    Raises:
        BadInput: It is no day.
    """
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise BadInput('The day of a sale is written as 2026-05-31, got "{given}".', given=text.strip()[:20]) from None


def _sales(text: str, count: int) -> Sequence[tuple[str, str]]:
    """Return day and country of each line of a CSV that has such columns, else of none."""
    lines = [line for line in text.lstrip("\ufeff").splitlines() if line.strip()]
    delimiter = max(",;\t", key=lines[0].count)
    head = [cell.strip().lower() for cell in next(csv.reader(lines[:1], delimiter=delimiter))]
    if _DAY not in head and _COUNTRY not in head:
        return [("", "")] * count
    rows = [
        dict(zip(head, map(str.strip, cells), strict=False)) for cells in csv.reader(lines[1:], delimiter=delimiter)
    ]
    found = [(row.get(_DAY, ""), row.get(_COUNTRY, "")) for row in rows]
    if len(found) != count:
        raise BadInput("Each line of the file needs the code of an item, and these do not all have one.")
    return found
