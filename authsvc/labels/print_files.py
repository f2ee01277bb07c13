"""
A file for a print server that has label designs of its own: every text of a label as a column, ready to be placed.

The symbol is made by the server from ``uri``, byte for byte; what people read is spelled as on our own labels.
"""

import csv
from collections.abc import Callable, Iterable
from typing import Final, TextIO

from authsvc.errors import BadInput
from authsvc.labels.codes import Label, groups

COLUMNS: Final = (
    "uri", "name", "gtin", "lot", "expiry", "serial", "serial_groups", "claim_code", "hri"
)  # fmt: skip


def write(target: TextIO, labels: Iterable[Label], *, progress: Callable[[int], None] = lambda _done: None) -> int:
    """
    Write a header and a row for each label, and return how many there are.

    Raises:
        BadInput: There is no label.
    """
    rows = csv.writer(target)
    rows.writerow(COLUMNS)
    count = 0
    for label in labels:
        rows.writerow(
            (label.uri, label.name, label.gtin, label.lot, label.expiry, label.serial, groups(label.serial),
             label.claim_code, " ".join(label.hri))
        )  # fmt: skip
        count += 1
        progress(count)
    if not count:
        raise BadInput("There are no codes to print: the list is empty.")
    return count
