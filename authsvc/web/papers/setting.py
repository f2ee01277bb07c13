"""How our papers are set: headings, paragraphs, tables and the line at the foot of every page."""

import io
from collections.abc import Sequence
from typing import Any

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, SimpleDocTemplate, Table, TableStyle

from authsvc.paragraphs import paragraph
from authsvc.typefaces import draw_line, drawable, face, is_plain, width_mm

WIDTH = A4[0] - 40 * mm
GREY, LINE = HexColor("#595959"), HexColor("#c8c8c8")
_CELL = 7.5  # points
_LONGEST_CELL = 1_500
"""Letters in one cell: a row that is taller than a page cannot be set at all."""


def build(story: Sequence[Flowable], *, title: str, author: str, foot: str) -> bytes:
    """Set a paper; *foot* and the page number stand at the foot of every page."""
    target = io.BytesIO()
    document = SimpleDocTemplate(
        target,
        pagesize=A4,
        leftMargin=20 * mm,
        rightMargin=20 * mm,
        topMargin=18 * mm,
        bottomMargin=20 * mm,
        title=drawable(title),
        author=drawable(author),
        creator="authsvc",
        initialFontName=face(),
        lang="en",
    )

    def draw_foot(page: Canvas, _document: Any) -> None:
        page.saveState()
        page.setFillColor(GREY)
        draw_line(page, 20 * mm, 11 * mm, foot, 7)
        draw_line(page, A4[0] - 20 * mm, 11 * mm, f"Page {page.getPageNumber()}", 7, align="right")
        page.restoreState()

    document.build(list(story), onFirstPage=draw_foot, onLaterPages=draw_foot)
    return target.getvalue()


def heading(text: str) -> Flowable:
    """Return a heading that stays with what follows it."""
    found = paragraph(text, 12, bold=True, before=5 * mm)
    found.style.keepWithNext = 1
    return found


def subheading(text: str) -> Flowable:
    """Return a heading within a part."""
    found = paragraph(text, 10, bold=True, before=3 * mm)
    found.style.keepWithNext = 1
    return found


def small(text: str) -> Flowable:
    """Return a grey line in small type."""
    return paragraph(text, 8, colour=GREY)


def definitions(rows: Sequence[tuple[str, str | None]]) -> Table:
    """Return names with their values; what is unknown says so."""
    cells = [[paragraph(name, 8.5, colour=GREY), paragraph(_short(value or "not known"), 8.5)] for name, value in rows]
    return _styled(Table(cells, [42 * mm, WIDTH - 42 * mm], hAlign="LEFT"))


def table(head: Sequence[str], rows: Sequence[Sequence[str | None]], widths: Sequence[float]) -> Table:
    """Return a table whose head comes again on every page; *widths* are in mm."""
    cells: list[list[Flowable | str]] = [[paragraph(name, _CELL, bold=True) for name in head]]
    cells += [[_cell(cell or "–", width) for cell, width in zip(row, widths, strict=True)] for row in rows]  # noqa: RUF001  the dash is meant
    return _styled(Table(cells, [width * mm for width in widths], repeatRows=1, hAlign="LEFT"))


def _cell(text: str, width: float) -> Flowable | str:
    """Return what fits its cell as it is: a paragraph takes a hundred times as long, and a case has thousands."""
    line = drawable(text)
    if "\n" not in text and len(text) < 60 and is_plain(line) and width_mm(line, _CELL) < width - 2:
        return line
    return paragraph(_short(text), _CELL)


def _styled(found: Table) -> Table:
    found.spaceBefore = 1.5 * mm
    found.setStyle(
        TableStyle(
            [
                ("FONTNAME", (0, 0), (-1, -1), face()),
                ("FONTSIZE", (0, 0), (-1, -1), _CELL),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 4),
                ("TOPPADDING", (0, 0), (-1, -1), 1.5),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
            ]
        )
    )
    return found


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_CELL else f"{text[:_LONGEST_CELL]} … (whole in evidence.json)"
