"""
Units of a batch: one piece whose label is that of its whole batch, told apart by a number that stands on it.

Such a piece is stored under ``{gtin}..{lot}#{unit}``: where an item has its serial, it has a dot, the lot, a mark that
no GS1 value may hold, and the number. So no code that anybody can print or scan is ever taken for it, and whatever is
keyed by an item is keyed by a unit too. Its verdict stays that of its batch.
"""

import re

from authsvc.errors import BadInput

_MARK = "#"
_read_number = re.compile(r"[A-Z0-9][A-Z0-9./-]{0,19}").fullmatch


def parse(text: str) -> str:
    """
    Read the number of a unit as somebody types it.

    Raises:
        BadInput: It is none: letters and digits, 20 at most.
    """
    number = "".join(text.split()).upper()
    if not number.isascii() or _read_number(number) is None:
        raise BadInput("Type the unit number that stands on the item: letters and digits, 20 at most.")
    return number


def serial_of(lot: str, number: str) -> str:
    """Return what stands for the serial of a unit."""
    return f".{lot}{_MARK}{number}"


def split(serial: str | None) -> tuple[str, str] | None:
    """Return lot and number of a unit, or None for the serial of an item."""
    if serial is None or not serial.startswith(".") or _MARK not in serial:
        return None
    lot, _, number = serial[1:].rpartition(_MARK)
    return lot, number


def shown(serial: str) -> str:
    """Word a unit for people, and leave the serial of an item as it is."""
    found = split(serial)
    return serial if found is None else f"{found[1]} of batch {found[0]}"
