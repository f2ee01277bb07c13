"""
Warranties: from which day to which, by the months that a product grants.

A period of months ends on the day that bears the number of the day it began on, or on the last day of a month that has
no such day (Regulation 1182/71, article 3); that day still belongs to it.
"""

import calendar
from dataclasses import dataclass
from datetime import date

from authsvc.errors import BadInput

OLDEST_YEARS = 30
"""How far back a purchase may lie: further is a slip of the pen."""


@dataclass(frozen=True, slots=True)
class Warranty:
    """The days of a warranty; the last one still counts."""

    begins_on: date
    ends_on: date

    def days_left(self, today: date) -> int:
        """Return how many days are left, this one included; 0 when it is over."""
        return max(0, (self.ends_on - today).days + 1)


def warranty(months: int | None, begins_on: date) -> Warranty | None:
    """Return the warranty of a product that grants *months*, or None where it grants none."""
    return None if not months else Warranty(begins_on, add_months(begins_on, months))


def add_months(day: date, months: int) -> date:
    """Return the day that many months later, or the last day of a month that is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def parse_purchase(text: str, today: date) -> date | None:
    """
    Read the day of a purchase as a date field sends it; nothing was said where the text is empty.

    Raises:
        BadInput: It is no date, or one on which nobody can have bought the item.
    """
    if not text.strip():
        return None
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        raise BadInput("Write the date of purchase as year, month and day, such as 2026-05-31.") from None
    if day > today:
        raise BadInput("The date of purchase lies in the future.")
    if day.year < today.year - OLDEST_YEARS:
        raise BadInput("The date of purchase lies more than {years} years back.", years=OLDEST_YEARS)
    return day
