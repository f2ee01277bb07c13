"""
Labels as PDF: sheets of label stock, or a page for each label, as vectors, with fonts inside.

Pages are compressed as they end and labels are drawn as they come. reportlab keeps the pages until it saves the file,
about 3 kB a label, so a long run is cut into files of ``MOST`` labels by whoever calls this.
"""

import io
import zlib
from collections.abc import Callable, Iterable
from itertools import chain, islice
from os import PathLike, fspath
from typing import Any, BinaryIO, Final

from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase.pdfdoc import PDFDictionary, PDFName, PDFStream
from reportlab.pdfgen.canvas import Canvas

from authsvc.errors import BadInput
from authsvc.labels import setting
from authsvc.labels.codes import Label
from authsvc.labels.layouts import Layout
from authsvc.labels.templates import Stock
from authsvc.symbols import Symbol
from authsvc.typefaces import drawable, face, shaped

MOST: Final = 10_000
"""Labels in one file: some 30 MB of memory while it is written."""

_BLACK, _GREY = 0.0, 0.38


def write(
    target: str | PathLike[str] | BinaryIO,
    labels: Iterable[Label],
    layout: Layout,
    stock: Stock | None,
    *,
    title: str,
    progress: Callable[[int], None] = lambda _done: None,
) -> int:
    """
    Print *labels* and return how many there are; without *stock* each label is a page of its own size.

    Raises:
        BadInput: There is no label, the stock has other labels, or a symbol does not fit.
    """
    source = iter(labels)
    first = next(source, None)
    if first is None:
        raise BadInput("There are no codes to print: the list is empty.")
    template = layout.template
    if stock is None:
        size, corners = (template.width, template.height), [(0.0, 0.0)]
    else:
        stock.check(template)
        size = stock.size
        corners = [
            (stock.left + column * stock.pitch_x, stock.top + row * stock.pitch_y)
            for row in range(stock.down)
            for column in range(stock.across)
        ]
    pages = _Pages(
        fspath(target) if isinstance(target, PathLike) else target,
        pagesize=(size[0] * mm, size[1] * mm),
        initialFontName=face(),
    )
    pages.setTitle(title)
    pages.setCreator("authsvc")
    draw = _Painter(pages, layout, size[1])
    source = chain([first], source)
    count = number = 0
    while page := list(islice(source, len(corners))):
        number += 1
        modules = {draw.label(label, *corner) for label, corner in zip(page, corners, strict=False)}
        if stock is not None:
            draw.margins(stock, title, number, modules)
        pages.showPage()
        count += len(page)
        progress(count)
    pages.save()
    return count


class _Pages(Canvas):  # type: ignore[misc]  # reportlab has no types
    """A canvas that compresses each page when it ends; reportlab would keep the drawing commands of all until save."""

    def showPage(self) -> None:  # noqa: N802  reportlab's name
        super().showPage()
        page = self._doc.Pages[-1]
        commands = zlib.compress(page.stream.encode("latin-1"))
        page.Contents = PDFStream(PDFDictionary({"Filter": PDFName("FlateDecode")}), commands)
        page.stream = None


class _Painter:
    """Draws labels of one layout on the pages; measures are mm from the upper left corner of a page."""

    def __init__(self, pages: Canvas, layout: Layout, height: float) -> None:
        self._pages = pages
        self._layout = layout
        self._height = height
        self._dot = 25.4 / layout.dpi
        self._logo: Any = ImageReader(io.BytesIO(layout.logo)) if layout.logo else None

    def label(self, label: Label, left: float, top: float) -> float:
        """Draw one label with its corner at (*left*, *top*) and return the width of its modules."""
        template = self._layout.template
        if self._layout.has_outline:
            self._outline(left, top)
        symbol, found = self._layout.draw(label.uri)
        x, y = self._layout.place(found)
        self._symbol(symbol, left + x, top + y, found.module)
        for box in setting.boxes(template, label):
            self._box(box, left, top)
        for line in setting.lines(template, label):
            self._text(left + line.x, top + line.y, line.text, line.size, bold=line.bold, is_faint=line.is_faint)
        for field in template.fields:
            if field.show == "logo" and self._logo is not None:
                y_below = (self._height - top - field.y - field.height) * mm
                self._pages.drawImage(
                    self._logo, (left + field.x) * mm, y_below, field.width * mm, field.height * mm,
                    mask="auto", preserveAspectRatio=True, anchor="w",
                )  # fmt: skip
        return found.module

    def margins(self, stock: Stock, title: str, number: int, modules: set[float]) -> None:
        """Say above the labels what this is, and below them how to print it to size, where there is room for it."""
        width, height = stock.size
        right = width - max(stock.left, 7)
        bottom = stock.top + (stock.down - 1) * stock.pitch_y + self._layout.template.height
        if stock.top >= 10:
            self._text(max(stock.left, 7), stock.top - 4, drawable(title[:100], bold=True), 8, bold=True)
            self._text(right - 18, stock.top - 4, f"Sheet {number}", 7, is_faint=True)
        if height - bottom < 10:
            return
        y = bottom + 6
        sizes = " and ".join(f"{size:.2f}" for size in sorted(modules))
        what = (
            f"{stock.title}   \u00b7   module {sizes} mm   \u00b7   {self._layout.symbology}   \u00b7   print at 100 %"
        )
        self._text(max(stock.left, 7), y, what, 6, is_faint=True)
        # A rule to check that the printer did not scale the page.
        pages, base = self._pages, (height - y) * mm
        pages.setStrokeGray(_GREY)
        pages.setLineWidth(0.4)
        pages.line((right - 50) * mm, base, right * mm, base)
        for end in (right - 50, right):
            pages.line(end * mm, base - 1 * mm, end * mm, base + 1 * mm)
        self._text(right - 28, y - 0.8, "50 mm", 5, is_faint=True)

    def _symbol(self, symbol: Symbol, left: float, top: float, module: float) -> None:
        """Fill all dark modules as one path: neighbours then leave no hairline between them on a screen."""
        pages, quiet = self._pages, symbol.quiet
        # Its corner on the grid of the printer, so that whole dots stay whole.
        x, y = (round(at / self._dot) * self._dot for at in (left, self._height - top))
        pages.saveState()
        pages.setFillGray(_BLACK)
        pages.transform(module * mm, 0, 0, -module * mm, x * mm, y * mm)
        bars = "\n".join(f"{x + quiet} {y + quiet} {n} 1 re" for x, y, n in symbol.bars())
        pages.addLiteral(f"{bars}\nf")
        pages.restoreState()

    def _box(self, box: setting.Box, left: float, top: float) -> None:
        pages = self._pages
        pages.saveState()
        pages.setStrokeGray(_BLACK)
        pages.setLineWidth(0.5)
        pages.setDash(1.5, 1.5)
        y = (self._height - top - box.y - box.height) * mm
        pages.roundRect((left + box.x) * mm, y, box.width * mm, box.height * mm, 0.8 * mm)
        pages.restoreState()

    def _outline(self, left: float, top: float) -> None:
        """Draw where to cut."""
        pages, template = self._pages, self._layout.template
        pages.setStrokeGray(0.7)
        pages.setLineWidth(0.2)
        if template.is_round:
            radius = template.width / 2
            pages.circle((left + radius) * mm, (self._height - top - radius) * mm, radius * mm)
        else:
            y = (self._height - top - template.height) * mm
            pages.rect(left * mm, y, template.width * mm, template.height * mm)

    def _text(self, x: float, y: float, text: str, size: float, *, bold: bool = False, is_faint: bool = False) -> None:
        pages = self._pages
        pages.setFont(face(bold=bold), size)
        pages.setFillGray(_GREY if is_faint else _BLACK)
        pages.drawString(x * mm, (self._height - y) * mm, shaped(text, bold=bold))
