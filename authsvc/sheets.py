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

from authsvc.shaping import has_leftward
from authsvc.typefaces import Align, broken, draw_line, drawable, face, width_mm

_INK, _GREY, _LINE = (0.07, 0.09, 0.11), (0.29, 0.33, 0.38), (0.87, 0.89, 0.91)
_WIDTH = 210.0
_LEFT, _RIGHT = 25.0, 185.0
_VALUE = 75.0
_FOOT = 18.0
_TOP = 265.0
_TITLE = 24.0  # points, or what fits the line


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """
    What a sheet says. *subject* is for the properties of the file; a row without a label is a heading.

    A sheet in a language that is written *leftward*, such as Arabic, begins at the right.
    """

    brand: str
    title: str
    number: str
    subject: str
    rows: Sequence[tuple[str, str]]
    small_print: Sequence[str]
    number_words: str = "Number {}"
    language: str = "en"
    leftward: bool = False


def draw(sheet: Sheet) -> bytes:
    """Draw a sheet; what does not fit on one page goes on to the next."""
    target = io.BytesIO()
    page = Canvas(target, pagesize=A4, invariant=True, initialFontName=face(), lang=sheet.language)
    page.setTitle(drawable(f"{sheet.title} {sheet.number}"))
    page.setAuthor(drawable(sheet.brand))
    page.setSubject(drawable(sheet.subject))
    pen = _Pen(page, leftward=sheet.leftward)
    pen.text(sheet.brand.upper(), _LEFT, _TOP, 11, bold=True)
    title = width_mm(drawable(sheet.title, bold=True), _TITLE, bold=True)
    pen.text(sheet.title, _LEFT, 248, _TITLE * min(1.0, (_RIGHT - _LEFT) / max(title, 1.0)), bold=True)
    pen.text(sheet.number_words.format(sheet.number), _LEFT, 239, 10, ink=_GREY)
    height = 222.0
    for label, value in sheet.rows:
        height = _row(pen, label, value, height) if label else _heading(pen, value, height)
    height -= 10
    for said in sheet.small_print:
        for line in broken(drawable(said), 9, _RIGHT - _LEFT):
            height = _room(page, height, 5.5)
            pen.text(line, _LEFT, height, 9, ink=_GREY)
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


def _heading(pen: "_Pen", text: str, height: float) -> float:
    height = _room(pen.page, height - 4, 20)
    pen.text(text, _LEFT, height, 12, bold=True)
    return height - 8


def _row(pen: "_Pen", label: str, value: str, height: float) -> float:
    lines = broken(drawable(value, bold=True), 10.5, _RIGHT - _VALUE, bold=True)
    height = _room(pen.page, height, 5.5 * min(len(lines), 30))
    pen.text(label, _LEFT, height, 10, ink=_GREY)
    for line in lines:
        height = _room(pen.page, height, 0)
        pen.text(line, _VALUE, height, 10.5, bold=True)
        height -= 5.5
    pen.page.setStrokeColorRGB(*_LINE)
    pen.page.setLineWidth(0.5)
    pen.page.line(_LEFT * mm, (height + 1.5) * mm, _RIGHT * mm, (height + 1.5) * mm)
    return height - 5.5


class _Pen:
    """Writes on a page from the side where its language begins."""

    def __init__(self, page: Canvas, *, leftward: bool) -> None:
        self.page = page
        self._leftward = leftward

    def text(
        self, text: str, x: float, y: float, size: float, *, bold: bool = False, ink: tuple[float, float, float] = _INK
    ) -> None:
        """Write a line *x* mm from where lines begin and *y* mm from the foot."""
        self.page.setFillColorRGB(*ink)
        # What has no letter of a leftward script, an address or a serial, reads rightward on any sheet.
        leftward = self._leftward and bool(has_leftward(text))
        align: Align = "right" if self._leftward else "left"
        x = _WIDTH - x if self._leftward else x
        draw_line(self.page, x * mm, y * mm, text, size, bold=bold, align=align, leftward=leftward)
