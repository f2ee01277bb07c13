"""
Sheets: one page of PDF with a title, rows of label and value, and small print; every font is inside the file.

The same sheet is the same file, byte for byte: whoever keeps one can compare it with another.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from authsvc.typefaces import drawable, face, width_mm

_INK, _GREY, _LINE = (0.07, 0.09, 0.11), (0.29, 0.33, 0.38), (0.87, 0.89, 0.91)
_LEFT, _RIGHT = 25.0, 185.0
_VALUE = 75.0
_FOOT = 18.0
_TOP = 265.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What a sheet says. *subject* is for the properties of the file; a row without a label is a heading."""

    brand: str
    title: str
    number: str
    subject: str
    rows: Sequence[tuple[str, str]]
    small_print: Sequence[str]


def draw(sheet: Sheet) -> bytes:
    """Draw a sheet; what does not fit on one page goes on to the next."""
    target = io.BytesIO()
    page = Canvas(target, pagesize=A4, invariant=True, initialFontName=face())
    page.setTitle(drawable(f"{sheet.title} {sheet.number}"))
    page.setAuthor(drawable(sheet.brand))
    page.setSubject(drawable(sheet.subject))
    _text(page, sheet.brand.upper(), _LEFT, _TOP, 11, bold=True)
    _text(page, sheet.title, _LEFT, 248, 24, bold=True)
    _text(page, f"Number {sheet.number}", _LEFT, 239, 10, ink=_GREY)
    height = 222.0
    for label, value in sheet.rows:
        height = _row(page, label, value, height) if label else _heading(page, value, height)
    height -= 10
    for said in sheet.small_print:
        for line in _lines(drawable(said), 9, _RIGHT - _LEFT, bold=False):
            height = _room(page, height, 5.5)
            _text(page, line, _LEFT, height, 9, ink=_GREY)
            height -= 5.5
    page.showPage()
    page.save()
    return target.getvalue()


# --- Private ---------------------------------------------------------------------------------------------------------


def _room(page: Canvas, height: float, needed: float) -> float:
    """Return where to go on: here, or at the top of a new page when *needed* mm are not left."""
    if height - needed >= _FOOT:
        return height
    page.showPage()
    return _TOP


def _heading(page: Canvas, text: str, height: float) -> float:
    height = _room(page, height - 4, 20)
    _text(page, text, _LEFT, height, 12, bold=True)
    return height - 8


def _row(page: Canvas, label: str, value: str, height: float) -> float:
    lines = _lines(drawable(value, bold=True), 10.5, _RIGHT - _VALUE, bold=True)
    height = _room(page, height, 5.5 * min(len(lines), 30))
    _text(page, label, _LEFT, height, 10, ink=_GREY)
    for line in lines:
        height = _room(page, height, 0)
        _text(page, line, _VALUE, height, 10.5, bold=True)
        height -= 5.5
    page.setStrokeColorRGB(*_LINE)
    page.setLineWidth(0.5)
    page.line(_LEFT * mm, (height + 1.5) * mm, _RIGHT * mm, (height + 1.5) * mm)
    return height - 5.5


def _lines(text: str, size: float, width: float, *, bold: bool) -> list[str]:
    """Break a text where it would leave its column, between words if there are any."""
    lines = [""]
    for word in text.split(" "):
        for piece in _pieces(word, size, width, bold):
            longer = f"{lines[-1]} {piece}".strip()
            if width_mm(longer, size, bold=bold) <= width:
                lines[-1] = longer
            else:
                lines.append(piece)
    return lines


def _pieces(word: str, size: float, width: float, bold: bool) -> list[str]:
    """Cut a word that alone is wider than the column."""
    pieces = [""]
    for letter in word:
        if width_mm(pieces[-1] + letter, size, bold=bold) > width:
            pieces.append("")
        pieces[-1] += letter
    return pieces


def _text(
    page: Canvas,
    text: str,
    x: float,
    y: float,
    size: float,
    *,
    bold: bool = False,
    ink: tuple[float, float, float] = _INK,
) -> None:
    page.setFont(face(bold=bold), size)
    page.setFillColorRGB(*ink)
    page.drawString(x * mm, y * mm, drawable(text, bold=bold))
