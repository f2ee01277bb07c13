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

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from authsvc import workbooks
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
    """Write a workbook beside the database, on disk and not in memory: an archive is known at its end only."""
    with tempfile.TemporaryDirectory(prefix="authsvc-export-") as folder:
        file = Path(folder) / "book.xlsx"
        workbooks.write(file, columns, rows, title=title, made_at=made_at)
        with file.open("rb") as opened:
            while piece := opened.read(PIECE):
                yield piece
