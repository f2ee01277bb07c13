"""
Lists of serials as people have them: one a line, or a CSV file with a column of serials, such as an issue writes.

A list is read whole or refused whole, and every fault is named with its row, as people count rows.
"""

import csv

from authsvc.core import codes
from authsvc.errors import BadInput

MOST = 50_000
"""Serials of one list: a larger part of a product is a lot, a range or a production window."""

SHOWN_FAULTS = 20
_SEPARATORS = ",;\t"


def parse(text: str, gtin: str) -> list[tuple[int, str]]:
    """
    Return row numbers and serials of a list for the product *gtin*.

    Raises:
        BadInput: With the faults found, each with its row; or the list is empty or too long.
    """
    lines = text.removeprefix("\ufeff").splitlines()
    head = lines[0] if lines else ""
    delimiter = next((mark for mark in _SEPARATORS if mark in head), ",")
    names = [name.strip().strip('"').lower() for name in head.split(delimiter)]
    try:
        rows = list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise BadInput(f"The list is no CSV: {error}.") from None
    found, faults = [], []
    column = names.index("serial") if "serial" in names else 0
    product = names.index("gtin") if "gtin" in names else None
    if "serial" not in names and len(names) > 1:
        raise BadInput("A list with several columns begins with a line that names them; one must be called serial.")
    seen: dict[str, int] = {}
    for number, cells in enumerate(rows, 1):
        if ("serial" in names and number == 1) or not any(cell.strip() for cell in cells):
            continue
        serial = cells[column].strip() if column < len(cells) else ""
        other = None if product is None or product >= len(cells) else cells[product].strip().zfill(14)
        if fault := codes.find_serial_fault(serial):
            faults.append(f"row {number}: {serial!r}: {fault}")
        elif other not in {None, gtin}:
            faults.append(f"row {number}: {serial!r}: belongs to the product {other}, and the recall is of {gtin}")
        elif serial not in seen:
            # The same item twice is the same item: lists are put together from several sources.
            seen[serial] = number
            found.append((number, serial))
    refuse(faults)
    if not found:
        raise BadInput("The list names no serial.")
    if len(found) > MOST:
        raise BadInput(f"A list names {MOST} serials at most. Recall the lot, a range or a production window instead.")
    return found


def refuse(faults: list[str]) -> None:
    """
    Refuse a list with faults.

    Raises:
        BadInput: There is one.
    """
    if faults:
        more = f"\nand {len(faults) - SHOWN_FAULTS} more" if len(faults) > SHOWN_FAULTS else ""
        raise BadInput("The list is not accepted; nothing was recalled.\n" + "\n".join(faults[:SHOWN_FAULTS]) + more)
