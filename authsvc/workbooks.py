"""
Workbooks (XLSX) of plain tables, written row by row.

A cell holds a text, a number or a truth, as ECMA-376 has them, and there is nothing else: no style, no formula, no
shared text. So a row costs little more than to join it; a library that can do everything took ten times as long. A text
says of itself that it is one: no program reads a formula, a date or a number into it.
"""

import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import IO, Any
from xml.sax.saxutils import escape

MOST_ROWS = 1_048_576
LONGEST_CELL = 32_767
"""What a sheet can hold, by the specification of the format."""
MOST_BYTES = 1 << 30
"""What a sheet may take before the next one begins: from 2 GiB on, an archive is of a kind that not all can read."""
_ROWS_AT_ONCE = 500

Row = Sequence[Any]


def write(file: Path, columns: Sequence[str], rows: Iterable[Row], *, title: str, made_at: datetime) -> None:
    """
    Write a table into a new file, with the names of its columns on top.

    What a sheet cannot hold goes on in another one, below the same names; without rows there is one sheet.
    """
    waiting = iter(rows)
    row = next(waiting, None)
    titles: list[str] = []
    with zipfile.ZipFile(file, "w") as archive:

        def part(name: str) -> zipfile.ZipInfo:
            info = zipfile.ZipInfo(name, made_at.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            return info

        while row is not None or not titles:
            titles.append(f"{title} {len(titles) + 1}" if titles else title)
            with archive.open(part(f"xl/worksheets/sheet{len(titles)}.xml"), "w") as sheet:
                row = _write_sheet(sheet, columns, row, waiting)
        for name, content in _parts(titles, made_at).items():
            archive.writestr(part(name), content)


# --- Private ---------------------------------------------------------------------------------------------------------

_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_CORE = "application/vnd.openxmlformats-package.core-properties+xml"
_BEGIN = (
    f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" '
    'activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData>'
)
_END = "</sheetData></worksheet>"
# What XML cannot hold.
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LETTERS = 26


def _write_sheet(sheet: IO[bytes], columns: Sequence[str], row: Row | None, waiting: Iterator[Row]) -> Row | None:
    """Write rows until there is none or the sheet is full; return the first that is not in it."""
    letters = [_letter(number) for number in range(1, len(columns) + 1)]
    texts = [_BEGIN, _row(1, letters, columns)]
    written = 0
    for number in count(2):
        if row is None or number > MOST_ROWS or written > MOST_BYTES:
            break
        texts.append(_row(number, letters, row))
        if len(texts) >= _ROWS_AT_ONCE:
            written += sheet.write("".join(texts).encode())
            texts.clear()
        row = next(waiting, None)
    sheet.write("".join([*texts, _END]).encode())
    return row


def _row(number: int, letters: Sequence[str], row: Row) -> str:
    cells = []
    for letter, value in zip(letters, row, strict=True):
        if value is None:
            continue
        if isinstance(value, str):
            # Most texts are a word or a number, with nothing in them that XML would mind.
            is_plain = value.isalnum() and len(value) <= LONGEST_CELL
            text = value if is_plain else escape(_NO_TEXT.sub("", value)[:LONGEST_CELL])
            cells.append(f'<c r="{letter}{number}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>')
        elif isinstance(value, bool):
            cells.append(f'<c r="{letter}{number}" t="b"><v>{value:d}</v></c>')
        else:
            cells.append(f'<c r="{letter}{number}"><v>{value}</v></c>')
    return f'<row r="{number}">{"".join(cells)}</row>'


def _letter(number: int) -> str:
    """Return the name of a column: A to Z, AA and so on."""
    name = ""
    while number:
        number, rest = divmod(number - 1, _LETTERS)
        name = chr(ord("A") + rest) + name
    return name


def _parts(titles: Sequence[str], made_at: datetime) -> dict[str, str]:
    """Return the parts that tell what the file is and where its sheets are."""
    numbers = range(1, len(titles) + 1)
    sheets = [f'<sheet name="{escape(title)}" sheetId="{n}" r:id="rId{n}"/>' for n, title in enumerate(titles, 1)]
    kinds = [f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_TYPE}.worksheet+xml"/>' for n in numbers]
    made = f"{made_at:%Y-%m-%dT%H:%M:%SZ}"
    return {
        "xl/workbook.xml": (
            f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{"".join(sheets)}</sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": _relations(
            {f"rId{n}": (f"{_OFFICE}/worksheet", f"worksheets/sheet{n}.xml") for n in numbers}
        ),
        "docProps/core.xml": (
            f'{_HEAD}<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" '
            'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
            'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><dc:creator>authsvc</dc:creator>'
            f'<dcterms:created xsi:type="dcterms:W3CDTF">{made}</dcterms:created>'
            f'<dcterms:modified xsi:type="dcterms:W3CDTF">{made}</dcterms:modified></cp:coreProperties>'
        ),
        "_rels/.rels": _relations({
            "rId1": (f"{_OFFICE}/officeDocument", "xl/workbook.xml"),
            "rId2": (f"{_PACKAGE}/relationships/metadata/core-properties", "docProps/core.xml"),
        }),
        "[Content_Types].xml": (
            f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
            f'<Override PartName="/docProps/core.xml" ContentType="{_CORE}"/>{"".join(kinds)}</Types>'
        ),
    }  # fmt: skip


def _relations(of: dict[str, tuple[str, str]]) -> str:
    lines = [f'<Relationship Id="{id_}" Type="{kind}" Target="{target}"/>' for id_, (kind, target) in of.items()]
    return f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{"".join(lines)}</Relationships>'
