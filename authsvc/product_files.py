"""
Product files as people have them: CSV, JSON Lines or the first sheet of a workbook (XLSX), row by row.

Rows are numbered as people count them: the header of a table is row 1, a line of JSON is itself. What a cell holds is
for ``core/product_rows`` to judge.
"""

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import IO, Any

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from authsvc.errors import BadInput

_JSON_LINES = (".jsonl", ".ndjson")
_MOST_UNPACKED = 200 * 2**20
_GTIN_DIGITS = 14

Row = tuple[int, Mapping[str, Any]]


def read_rows(name: str, file: IO[bytes], *, needs: str = "gtin") -> Iterator[Row]:
    """
    Yield the rows of a product file with their numbers; *needs* is the column without which it is none.

    Raises:
        BadInput: The file is not what its name says.
    """
    if name.lower().endswith(".xlsx"):
        yield from _sheet_rows(name, file, needs)
        return
    # utf-8-sig: spreadsheets begin their CSV files with a byte order mark.
    lines = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        yield from _json_rows(lines) if name.lower().endswith(_JSON_LINES) else _csv_rows(lines, needs)
    except UnicodeDecodeError:
        raise BadInput(f"{name} is not in UTF-8. Save it as CSV UTF-8, XLSX or JSON Lines.") from None
    except csv.Error as error:
        raise BadInput(f"{name} is no CSV file: {error}.") from None
    finally:
        lines.detach()


# --- Private ---------------------------------------------------------------------------------------------------------


def _csv_rows(lines: Iterable[str], needs: str) -> Iterator[Row]:
    reader = csv.DictReader(lines, restkey="(no header)")
    _check_header(reader.fieldnames or (), needs)
    for row in reader:
        # A cell that is missing at the end of a row is an empty one.
        yield reader.line_num, {name: "" if cell is None else cell for name, cell in row.items()}


def _check_header(names: Sequence[str], needs: str) -> None:
    if needs not in names:
        raise BadInput(f"The first row must name the columns, {needs} among them, separated by commas.")
    if twice := {name for name in names if names.count(name) > 1}:
        raise BadInput(f"The first row names a column twice: {', '.join(sorted(twice))}.")


def _json_rows(lines: Iterable[str]) -> Iterator[Row]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise BadInput(f"Row {number} is no JSON: {error}.") from None
        if not isinstance(row, dict):
            raise BadInput(f"Row {number} must be a JSON object, one a line.")
        yield number, row


def _sheet_rows(name: str, file: IO[bytes], needs: str) -> Iterator[Row]:
    try:
        with zipfile.ZipFile(file) as packed:
            if sum(part.file_size for part in packed.infolist()) > _MOST_UNPACKED:
                raise BadInput(f"{name} is too large when unpacked.")
        file.seek(0)
        book = load_workbook(file, read_only=True, data_only=True)
        rows = book.worksheets[0].iter_rows(values_only=True)
        names = [str(cell or "").strip() for cell in next(rows, ())]
        while names and not names[-1]:
            names.pop()
        _check_header(names, needs)
        for number, cells in enumerate(rows, start=2):
            values = [_text(cell) for cell in cells]
            if any(values):
                found = dict(zip(names, values, strict=False))
                if any(values[len(names) :]):
                    found["(no header)"] = " ".join(filter(None, values[len(names) :]))
                yield number, found | _padded(found)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, IndexError, ValueError):
        raise BadInput(f"{name} is no workbook that can be read. Save it as XLSX again, or as CSV UTF-8.") from None


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return cell.isoformat() if isinstance(cell, date) else str(cell).strip()


def _padded(row: Mapping[str, str]) -> dict[str, str]:
    """Give a GTIN back the zeros that a spreadsheet drops of a number; the check digit tells whether it was these."""
    gtin = row.get("gtin", "")
    return {"gtin": gtin.zfill(_GTIN_DIGITS)} if gtin.isascii() and gtin.isdigit() else {}
