"""
Files of serials as people have them: CSV, XLSX or JSON Lines with a column ``serial``, which may name gtin and lot too.

Rows are numbered as people count them: the header of a table is row 1. Every other column is left aside; but a row that
names another product or another lot belongs to another file, and is a fault.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any

from authsvc import product_files
from authsvc.errors import BadInput

_TABLES = (".xlsx", ".jsonl", ".ndjson")


@dataclass(slots=True)
class SerialFile:
    """A file that is read once for each ``rows``; *faults* is what was found while it was read, beside the serials."""

    name: str
    gtin: str
    lot: str | None
    faults: list[str] = field(default_factory=list)

    def rows(self, file: IO[bytes]) -> Iterator[tuple[int, str]]:
        """
        Yield row numbers and serials.

        Raises:
            BadInput: The file is not what its name says, or has no column serial.
        """
        self.faults.clear()
        for number, serial, gtin, lot in _cells(self.name, file):
            if gtin and gtin.zfill(14) != self.gtin:
                self.faults.append(f"row {number}, column gtin: {gtin!r}: these are serials of {self.gtin}")
            elif lot and lot != (self.lot or ""):
                wanted = f"of the lot {self.lot}" if self.lot else "of no lot"
                self.faults.append(f"row {number}, column lot: {lot!r}: these are serials {wanted}")
            yield number, serial


# --- Private ---------------------------------------------------------------------------------------------------------


def _cells(name: str, file: IO[bytes]) -> Iterator[tuple[int, str, str, str]]:
    if name.lower().endswith(_TABLES):
        for number, row in product_files.read_rows(name, file, needs="serial"):
            yield number, _text(row.get("serial")), _text(row.get("gtin")), _text(row.get("lot"))
        return
    lines = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        yield from _csv_cells(name, csv.reader(lines))
    except UnicodeDecodeError:
        raise BadInput(f"{name} is not in UTF-8; serials are plain ASCII.") from None
    except csv.Error as error:
        raise BadInput(f"{name} is no CSV file: {error}.") from None
    finally:
        lines.detach()


def _csv_cells(name: str, reader: Any) -> Iterator[tuple[int, str, str, str]]:
    header: list[str] = next(reader, [])
    if "serial" not in header:
        raise BadInput(f"{name} must begin with a header that names the column serial.")
    serial = header.index("serial")
    others = [header.index(each) if each in header else len(header) for each in ("gtin", "lot")]
    if len(header) == 1:
        # The file of a million: nothing else to look at.
        yield from ((reader.line_num, row[0], "", "") for row in reader if row)
        return
    for row in reader:
        if row:
            cells = [*row, *[""] * (len(header) + 1 - len(row))]
            yield reader.line_num, cells[serial], cells[others[0]], cells[others[1]]


def _text(cell: object) -> str:
    return "" if cell is None else str(cell)
