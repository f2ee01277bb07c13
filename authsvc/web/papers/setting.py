"""
How our papers are set: headings, paragraphs, tables and the line at the foot of every page.

Texts are text: a paragraph of reportlab reads markup, so everything is escaped here and nowhere else.
"""

import io
from collections.abc import Sequence
from html import escape
from typing import Any

from reportlab.lib.colors import Color, HexColor, black
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Table, TableStyle

from authsvc.typefaces import drawable, face, width_mm

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
        page.setFont(face(), 7)
        page.setFillColor(GREY)
        page.drawString(20 * mm, 11 * mm, drawable(foot))
        page.drawRightString(A4[0] - 20 * mm, 11 * mm, f"Page {page.getPageNumber()}")
        page.restoreState()

    document.build(list(story), onFirstPage=draw_foot, onLaterPages=draw_foot)
    return target.getvalue()


def heading(text: str) -> Paragraph:
    """Return a heading that stays with what follows it."""
    found = paragraph(text, 12, bold=True, before=5 * mm)
    found.style.keepWithNext = 1
    return found


def subheading(text: str) -> Paragraph:
    """Return a heading within a part."""
    found = paragraph(text, 10, bold=True, before=3 * mm)
    found.style.keepWithNext = 1
    return found


def paragraph(
    text: str, size: float = 9, *, bold: bool = False, colour: Color = black, before: float = 0, indent: float = 0
) -> Paragraph:
    """Return text as a paragraph; its lines are kept."""
    name = face(bold=bold)
    style = ParagraphStyle(
        name, fontName=name, fontSize=size, leading=size * 1.4, textColor=colour, spaceBefore=before,
        spaceAfter=1.2 * mm, leftIndent=indent, wordWrap="CJK" if _has_long_word(text) else None,
    )  # fmt: skip
    lines = [escape(drawable(line, bold=bold)) for line in text.split("\n")]
    return Paragraph("<br/>".join(lines), style)


def small(text: str) -> Paragraph:
    """Return a grey line in small type."""
    return paragraph(text, 8, colour=GREY)


def definitions(rows: Sequence[tuple[str, str | None]]) -> Table:
    """Return names with their values; what is unknown says so."""
    cells = [[paragraph(name, 8.5, colour=GREY), paragraph(_short(value or "not known"), 8.5)] for name, value in rows]
    return _styled(Table(cells, [42 * mm, WIDTH - 42 * mm], hAlign="LEFT"))


def table(head: Sequence[str], rows: Sequence[Sequence[str | None]], widths: Sequence[float]) -> Table:
    """Return a table whose head comes again on every page; *widths* are in mm."""
    cells: list[list[Paragraph | str]] = [[paragraph(name, _CELL, bold=True) for name in head]]
    cells += [[_cell(cell or "–", width) for cell, width in zip(row, widths, strict=True)] for row in rows]  # noqa: RUF001  the dash is meant
    return _styled(Table(cells, [width * mm for width in widths], repeatRows=1, hAlign="LEFT"))


def _cell(text: str, width: float) -> Paragraph | str:
    """Return what fits its cell as it is: a paragraph takes a hundred times as long, and a case has thousands."""
    if "\n" not in text and len(text) < 60 and width_mm(line := drawable(text), _CELL) < width - 2:
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


def _has_long_word(text: str) -> bool:
    return any(len(word) > 24 for word in text.split())
