"""
Files of exports: rows in, bytes out, a piece at a time.

A spreadsheet takes no cell for a formula: CSV has an apostrophe before what looks like one, XLSX says of every text
that it is text. Pieces are packed and encrypted for the time that a file is kept, each bound to its file and its place.
"""

import json
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from authsvc.core import csv_cells
from authsvc.core.wrapping import unwrap, wrap
from authsvc.errors import NotFound
from authsvc.exports import Format, Row
from authsvc.models import ErrandPart

PIECE = 1 << 20
"""Bytes of a file in one part, before it is packed."""
PURPOSE = "export"
TYPES = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.JSONL: "application/jsonl; charset=utf-8",
}
MOST_ROWS_OF_A_SHEET = 1_048_576
LONGEST_CELL = 32_767
"""What a sheet can hold, by the specification of the format."""


def write(
    form: Format, columns: Sequence[str], rows: Iterable[Row], *, title: str, made_at: datetime
) -> Iterator[bytes]:
    """Yield a file in pieces of about ``PIECE`` bytes; memory does not grow with the rows."""
    if form is Format.XLSX:
        return _xlsx(columns, rows, title=title, made_at=made_at)
    return _gather(_csv(columns, rows) if form is Format.CSV else _json_lines(columns, rows))


def store(session: Session, errand_id: UUID, brand_id: UUID, number: int, piece: bytes, *, key: bytes,
          random: Callable[[int], bytes]) -> None:  # fmt: skip
    """Keep one piece of a file, packed and encrypted."""
    content = wrap(
        key, zlib.compress(piece, 6), random(12), brand_id=brand_id, purpose=PURPOSE, number=f"{errand_id}/{number}"
    )
    session.execute(
        insert(ErrandPart), [{"errand_id": errand_id, "number": number, "brand_id": brand_id, "content": content}]
    )


def read(session: Session, errand_id: UUID, brand_id: UUID, number: int, *, key: bytes) -> bytes:
    """
    Return one piece of a file.

    Raises:
        NotFound: It is not there any more.
    """
    content = session.scalar(
        select(ErrandPart.content).where(
            ErrandPart.errand_id == errand_id, ErrandPart.number == number, ErrandPart.brand_id == brand_id
        )
    )
    if content is None:
        raise NotFound("This file is not kept any more. Make it anew.")
    packed = unwrap(key, content, brand_id=brand_id, purpose=PURPOSE, number=f"{errand_id}/{number}")
    return zlib.decompress(packed)


def remove(session: Session, errand_id: UUID) -> None:
    """Remove every piece of a file."""
    session.execute(delete(ErrandPart).where(ErrandPart.errand_id == errand_id))


# --- Private ---------------------------------------------------------------------------------------------------------


def _gather(texts: Iterable[str]) -> Iterator[bytes]:
    held: list[bytes] = []
    size = 0
    for text in texts:
        raw = text.encode("utf-8", "replace")
        held.append(raw)
        size += len(raw)
        if size >= PIECE:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


def _csv(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    # The mark at the beginning tells spreadsheets that this is UTF-8.
    yield "\ufeff" + csv_cells.row(columns)
    for row in rows:
        yield csv_cells.data_row(_plain(value) for value in row)


def _json_lines(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    for row in rows:
        yield json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False, separators=(",", ":")) + "\n"


def _plain(value: Any) -> Any:
    return ("true" if value else "false") if isinstance(value, bool) else value


def _xlsx(columns: Sequence[str], rows: Iterable[Row], *, title: str, made_at: datetime) -> Iterator[bytes]:
    """Write a workbook beside the database: its parts are put together at the end, on disk and not in memory."""
    book = Workbook(write_only=True)
    book.properties.created = book.properties.modified = made_at.replace(tzinfo=None)
    book.properties.creator = "authsvc"
    sheet, left = None, 0
    for row in _at_least_once(rows):
        if sheet is None or left == 0:
            number = len(book.sheetnames) + 1
            sheet = book.create_sheet(title if number == 1 else f"{title} {number}")
            sheet.freeze_panes = "A2"
            sheet.append([_cell(sheet, name) for name in columns])
            left = MOST_ROWS_OF_A_SHEET - 1
        if row is not None:
            sheet.append([_cell(sheet, value) for value in row])
            left -= 1
    with tempfile.TemporaryDirectory(prefix="authsvc-export-") as folder:
        file = Path(folder) / "book.xlsx"
        book.save(file)
        with file.open("rb") as opened:
            while piece := opened.read(PIECE):
                yield piece


def _at_least_once(rows: Iterable[Row]) -> Iterator[Row | None]:
    """Yield the rows after a None: a sheet without rows has its header too."""
    yield None
    yield from rows


def _cell(sheet: Any, value: Any) -> Any:
    """Return a value as the library takes it for what it is: it would read a formula or a fault into some texts."""
    if not isinstance(value, str) or (
        value[:1] not in _READ_INTO and value.isprintable() and len(value) <= LONGEST_CELL
    ):
        return value
    cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", value)[:LONGEST_CELL])
    cell.data_type = "s"
    return cell


_READ_INTO = {"=", "#"}
