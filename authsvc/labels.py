"""
Printed labels: the CSV of issued codes in, A4 sheets of labels out.

What must stay true: symbols are vectors, black on white, with their quiet zone clear of text, and no module is smaller
than 0.4 mm; the claim code stands apart in a field that a scratch layer covers, because it proves possession and
whoever reads it could register the item.
"""

import csv
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain, islice
from os import PathLike, fspath
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import reportlab
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.pdfdoc import PDFDictionary, PDFName, PDFStream
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from authsvc.core import claim_codes
from authsvc.errors import BadInput
from authsvc.symbols import QUIET, Symbol, symbol

COLUMNS: Final = ("uri", "gtin", "lot", "serial", "claim_code")

# The format sold as L7160 and under many other names: 3 x 7 on A4, rows without a gap.
WIDTH, HEIGHT, ACROSS, DOWN = 63.5, 38.1, 3, 7
_LEFT, _TOP, _PITCH = 7.21, 15.15, 66.04

_MODULE, _SMALLEST = 0.5, 0.4  # mm; GS1 asks for 0.396 mm or more
_ROOM = 33.0  # mm for a symbol with its quiet zone: leaves 2.5 mm above and below for a printer's tolerance
_EDGE = 1.0  # mm beside the symbol, whose quiet zone is margin enough; 2.5 mm beside text
_BLACK, _GREY = 0.0, 0.38
_LONGEST = 300  # characters of a name: more than two lines ever hold
_MISSING = "?"  # stands for a character that no font here can draw

_is_gtin = re.compile(r"[0-9]{14}").fullmatch
_is_address = re.compile(r"https?://[!-~]+").fullmatch


class Code(NamedTuple):
    """One row of the file that ``authsvc issue`` writes."""

    uri: str
    gtin: str
    lot: str
    serial: str
    claim_code: str


@dataclass(frozen=True, slots=True)
class Label:
    """What one label shows. An empty lot, serial or claim code leaves its line out."""

    uri: str
    name: str
    gtin: str
    lot: str = ""
    serial: str = ""
    claim_code: str = ""


def read_codes(lines: Iterable[str]) -> Iterator[Code]:
    """
    Yield the codes of a CSV file, one at a time; *lines* is an open text file.

    Raises:
        BadInput: The header or a row is not as ``authsvc issue`` writes it; the message names the row.
    """
    reader = csv.reader(lines, strict=True)
    try:
        header = next(reader, [])
        # Spreadsheets put a byte order mark in front.
        if [name.removeprefix("\ufeff") for name in header] != list(COLUMNS):
            raise BadInput(f"Row 1: expected the header {','.join(COLUMNS)}, got {','.join(header)[:80]!r}.")
        for number, row in enumerate(reader, start=2):
            if row:
                yield _code(row, number)
    except csv.Error as error:
        raise BadInput(f"Line {reader.line_num}: this is not CSV ({error}).") from None
    except UnicodeDecodeError:
        raise BadInput(f"After line {reader.line_num}: the file is not text in UTF-8.") from None


def sheet(target: str | PathLike[str] | BinaryIO, labels: Iterable[Label], *, title: str) -> int:
    """
    Print *labels* on A4 sheets as PDF, 3 x 7 of 63.5 x 38.1 mm, and return how many there are.

    Labels are drawn as they come and never held together; what grows is the file, which reportlab keeps until the end
    at about 5 kB a label. Print a run of tens of thousands as several files, a slice of *labels* for each.

    Raises:
        BadInput: There is no label, or a link needs more modules than fit at 0.4 mm.
    """
    source = iter(labels)
    first = next(source, None)
    if first is None:
        raise BadInput("There are no codes to print: the list is empty.")
    source = chain([first], source)
    pages = _Pages(fspath(target) if isinstance(target, PathLike) else target, pagesize=A4, pageCompression=1)
    pages.setTitle(title)
    pages.setCreator("authsvc")
    count = number = 0
    while page := list(islice(source, ACROSS * DOWN)):
        number += 1
        modules = set()
        for place, label in enumerate(page):
            row, column = divmod(place, ACROSS)
            modules.add(_label(pages, label, _LEFT + column * _PITCH, _TOP + row * HEIGHT))
        _margins(pages, title, number, modules)
        pages.showPage()
        count += len(page)
    pages.save()
    return count


def _code(row: list[str], number: int) -> Code:
    if len(row) != len(COLUMNS):
        raise BadInput(f"Row {number}: expected {len(COLUMNS)} columns, got {len(row)}.")
    code = Code(*row)
    if not _is_address(code.uri):
        raise BadInput(f"Row {number}: uri must be a web address in ASCII, got {code.uri[:80]!r}.")
    if not _is_gtin(code.gtin):
        raise BadInput(f"Row {number}: gtin must have 14 digits, got {code.gtin[:80]!r}.")
    for name, value in (("lot", code.lot), ("serial", code.serial)):
        if len(value) > 20 or not value.isascii():
            raise BadInput(f"Row {number}: {name} has at most 20 ASCII characters, got {value[:80]!r}.")
    if code.claim_code:
        try:
            claim_codes.normalise(code.claim_code)
        except BadInput as error:
            raise BadInput(f"Row {number}: {error}") from None
    return code


class _Pages(Canvas):  # type: ignore[misc]  # reportlab has no types
    """A canvas that compresses each page when it ends; reportlab would keep the drawing commands of all until save."""

    def showPage(self) -> None:  # noqa: N802  reportlab's name
        super().showPage()
        page = self._doc.Pages[-1]
        commands = zlib.compress(page.stream.encode("latin-1"))
        page.Contents = PDFStream(PDFDictionary({"Filter": PDFName("FlateDecode")}), commands)
        page.stream = None


def _label(pages: Canvas, label: Label, left: float, top: float) -> float:
    """Draw one label, whose corner is *left* and *top* mm from that of the page; return its module in mm."""
    code = symbol(label.uri)
    side = code.size + 2 * QUIET
    module = min(_MODULE, int(_ROOM / side * 20) / 20)  # in steps of 0.05 mm
    if module < _SMALLEST:
        raise BadInput(
            f"The link of {label.gtin} {label.serial} makes a symbol of {code.size} modules, too many for this label at"
            f" {_SMALLEST} mm a module: use a shorter address, or the compact token format."
        )
    _draw(pages, code, left + _EDGE, top + (HEIGHT - side * module) / 2, module)

    x = left + _EDGE + max(side * module, 27.0) + 0.5
    width = left + WIDTH - 2.5 - x
    y = top + 5.2
    for line in _wrapped(label.name, 7.6, width, 2):
        _text(pages, (x, y), line, 7.6, width, bold=True)
        y += 3.2
    y += 0.4
    if label.lot:
        _text(pages, (x, y), f"Batch {label.lot}", 6, width)
        y += 3
    if label.serial:
        _text(pages, (x, y), "Serial number", 5, width, grey=_GREY)
        y += 2.7
        _text(pages, (x, y), _groups(label.serial), 7, width, bold=True)
        y += 2.9
    for ai, value in (("01", label.gtin), ("10", label.lot), ("21", label.serial)):
        if value:
            _text(pages, (x, y), f"({ai}) {value}", 4.8, width, grey=_GREY)
            y += 2.05
    if label.claim_code:
        _claim(pages, claim_codes.display(claim_codes.normalise(label.claim_code)), x, top + 27.6, width)
    return module


def _draw(pages: Canvas, code: Symbol, left: float, top: float, module: float) -> None:
    """Fill all dark modules as one path: neighbours then leave no hairline between them on a screen."""
    pages.saveState()
    pages.setFillGray(_BLACK)
    pages.transform(module * mm, 0, 0, -module * mm, left * mm, A4[1] - top * mm)
    bars = "\n".join(f"{x + QUIET} {y + QUIET} {n} 1 re" for x, y, n in code.bars())
    pages.addLiteral(f"{bars}\nf")
    pages.restoreState()


def _claim(pages: Canvas, code: str, x: float, top: float, width: float) -> None:
    """Draw the field that the scratch layer covers, and what it is called above it."""
    pages.saveState()
    _text(pages, (x, top + 1.4), "Scratch to claim", 5, width, grey=_GREY)
    pages.setStrokeGray(_BLACK)
    pages.setLineWidth(0.5)
    pages.setDash(1.5, 1.5)
    pages.roundRect(x * mm, A4[1] - (top + 7.9) * mm, width * mm, 5.6 * mm, 0.8 * mm)
    pages.restoreState()
    size = 9
    inset = (width - pdfmetrics.stringWidth(code, "Courier-Bold", size) / mm) / 2
    pages.setFillGray(_BLACK)
    pages.setFont("Courier-Bold", size)
    pages.drawString((x + inset) * mm, A4[1] - (top + 6.2) * mm, code)


def _margins(pages: Canvas, title: str, number: int, modules: set[float]) -> None:
    """Say above the labels what this is, and below them how to print it to size."""
    right = 210 - _LEFT
    _text(pages, (_LEFT, 9), title, 8, 150, bold=True)
    pages.setFont("Helvetica", 7)
    pages.setFillGray(_GREY)
    pages.drawRightString(right * mm, A4[1] - 9 * mm, f"Sheet {number}")
    sizes = " and ".join(f"{size:.2f}" for size in sorted(modules))
    y = A4[1] - 289 * mm
    pages.drawString(
        _LEFT * mm,
        y,
        f"Labels {WIDTH} \u00d7 {HEIGHT} mm, {ACROSS} \u00d7 {DOWN} (L7160)   \u00b7   module {sizes} mm, level M"
        "   \u00b7   print at 100 %",
    )
    # A rule to check that the printer did not scale the page.
    pages.setStrokeGray(_GREY)
    pages.setLineWidth(0.4)
    pages.line((right - 50) * mm, y, right * mm, y)
    for end in (right - 50, right):
        pages.line(end * mm, y - 1 * mm, end * mm, y + 1 * mm)
    pages.setFont("Helvetica", 5)
    pages.drawCentredString((right - 25) * mm, y + 0.8 * mm, "50 mm")


def _groups(serial: str) -> str:
    return " ".join(serial[k : k + 4] for k in range(0, len(serial), 4))


@cache
def _vera() -> dict[bool, TTFont]:
    """Register the fonts that reportlab brings with it, regular and bold."""
    folder = Path(reportlab.__file__).parent / "fonts"
    fonts = {False: TTFont("Vera", folder / "Vera.ttf"), True: TTFont("VeraBd", folder / "VeraBd.ttf")}
    for font in fonts.values():
        pdfmetrics.registerFont(font)
    return fonts


def _set(text: str, *, bold: bool) -> tuple[str, str]:
    """Return the text as it can be drawn, and the font: Helvetica for Western text, else Vera, which is embedded."""
    text = " ".join(text.split())
    try:
        text.encode("cp1252")
    except UnicodeEncodeError:
        font = _vera()[bold]
        known = font.face.charToGlyph
        return "".join(c if ord(c) in known else _MISSING for c in text), font.fontName
    return "".join(
        c if c.isprintable() or c == "\xa0" else " " for c in text
    ), "Helvetica-Bold" if bold else "Helvetica"


def _text(
    pages: Canvas,
    at: tuple[float, float],
    text: str,
    size: float,
    width: float,
    *,
    bold: bool = False,
    grey: float = _BLACK,
) -> None:
    """Write one line, its base *at* mm from the left and the top of the page, smaller where it would not fit."""
    text, font = _set(text, bold=bold)
    length = pdfmetrics.stringWidth(text, font, size) / mm
    pages.setFont(font, size * min(1, width / length) if length else size)
    pages.setFillGray(grey)
    pages.drawString(at[0] * mm, A4[1] - at[1] * mm, text)


def _wrapped(text: str, size: float, width: float, most: int) -> list[str]:
    """Break *text* into at most *most* lines; what does not fit ends in an ellipsis."""

    def fits(line: str) -> bool:
        shown, font = _set(line, bold=True)
        return bool(pdfmetrics.stringWidth(shown, font, size) <= width * mm)

    lines: list[str] = []
    rest = " ".join(text[:_LONGEST].split())
    while rest:
        last = len(lines) == most - 1
        tail = "\u2026" if last else ""
        if fits(rest):
            return [*lines, rest]
        cut = next((k for k in range(2, len(rest)) if not fits(rest[:k] + tail)), len(rest)) - 1
        space = rest.rfind(" ", 0, cut + 1)
        cut = space if space > 0 and not last else cut
        lines.append(rest[:cut].rstrip() + tail)
        if last:
            return lines
        rest = rest[cut:].lstrip()
    return lines
