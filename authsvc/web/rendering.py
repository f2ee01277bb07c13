"""
How templates of the console are set up: the application's own Jinja environment, its filters and its globals.

Templates are given values and turn them into text here and nowhere else: a moment, a number, a serial reads the same on
every page. A name that a page forgot is an error as soon as it is printed; asking whether a part is there is allowed,
because the named pieces in ``console/parts.html`` have parts that may be left out.
"""

import csv
import functools
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Flask
from jinja2 import Undefined, UndefinedError

from authsvc import reports
from authsvc.core import tongues
from authsvc.places import DATA
from authsvc.web import assets, vendored

MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EN DASH}"
"""What stands where there is no value."""


class Optional(Undefined):
    """A value that was not given: false when asked and equal to no other, an error when shown or walked through."""

    __slots__ = ()

    def __str__(self) -> str:
        """Refuse to be shown."""
        raise UndefinedError(self._undefined_message)

    def __iter__(self) -> Iterator[Any]:
        """Refuse to be walked through: a list that was forgotten is not an empty list."""
        raise UndefinedError(self._undefined_message)


def equip(app: Flask) -> None:
    """Give the application's templates their filters and globals. Call it before the first template is loaded."""
    app.jinja_options = {"undefined": Optional, "trim_blocks": True, "lstrip_blocks": True}
    app.jinja_env.filters |= {
        "clock": clock,
        "compact": compact,
        "day": day,
        "grouped": grouped,
        "iso": iso,
        "moment": moment,
        "quoted": reports.grouped,
        "number": number,
        "signed": signed,
    }
    app.jinja_env.globals |= {"asset": assets.url, "vendored": vendored.script}


def warm(app: Flask) -> None:
    """Compile every template of the console now, so that no visitor of a page waits for it later."""
    for name in app.jinja_env.list_templates(filter_func=lambda name: name.startswith("console/")):
        app.jinja_env.get_template(name)


@functools.cache
def country_names() -> Mapping[str, str]:
    """Return the English name of every country by its ISO 3166-1 code, Kosovo as XK."""
    with (DATA / "country_names.csv").open(encoding="utf-8", newline="") as lines:
        return {row["country"]: row["name"] for row in csv.DictReader(lines)}


def moment(at: datetime) -> str:
    """Word a time in full: 23 Nov 2026, 10:14 UTC."""
    return f"{day(at)}, {clock(at)} UTC"


def day(at: datetime) -> str:
    """Word the day of a time: 23 Nov 2026."""
    return tongues.day(at.astimezone(UTC))


def clock(at: datetime) -> str:
    """Word the time of day: 10:14."""
    return at.astimezone(UTC).strftime("%H:%M")


def iso(at: datetime) -> str:
    """Write a time for machines, as the attribute datetime wants it."""
    return at.astimezone(UTC).isoformat(timespec="seconds")


def number(value: float) -> str:
    """Write a number with thousands apart: 3,041."""
    return f"{value:,}".replace("-", MINUS)


def compact(value: int) -> str:
    """Write a count for a narrow place: 7, 999, 12k, 3M."""
    for size, letter in ((10**6, "M"), (10**3, "k")):
        if value >= size:
            return f"{value // size}{letter}"
    return str(value)


def signed(value: float) -> str:
    """Write what is added or taken away: +40, and a minus as wide as the plus."""
    return f"{value:+,}".replace("-", MINUS)


def grouped(code: Any) -> str:
    """Write a serial in groups of four, as it is easiest to compare by eye."""
    text = str(code)
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))
