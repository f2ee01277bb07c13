"""
Typefaces of what we print: DejaVu Sans, which comes with the package and is embedded in every file.

It has the letters of Latin, Greek, Cyrillic and Arabic script, as wide as Bitstream Vera has those that it knows. A
print shop refuses a file that leaves its fonts to the machine that opens it, and a label that falls back to another
font no longer fits. So nothing printed names a font that is not inside the file.
"""

import threading
import unicodedata
from bisect import bisect_right
from functools import cache
from pathlib import Path
from typing import Literal

from reportlab.pdfgen.canvas import Canvas

from authsvc.shaping import JOINERS, Font, has_leftward, must_be_shaped

_MISSING = "?"  # stands for a character that the font cannot draw
_FOLDER = Path(__file__).parent / "data" / "fonts"
_POINT = 25.4 / 72  # mm
_LONGEST = 256  # letters; no line of ours holds more
_making = threading.Lock()

Align = Literal["left", "centre", "right"]


def face(*, bold: bool = False) -> str:
    """Return the name by which reportlab knows the font; it is registered when first asked for."""
    return str(_font(bold).fontName)


def drawable(text: str, *, bold: bool = False) -> str:
    """Return *text* on one line with what the font can draw; whatever it cannot shows as a question mark."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    kept = JOINERS if has_leftward(text) else ""
    known = _font(bold).face.charToGlyph
    letters = unicodedata.normalize("NFC", text)
    words = " ".join("".join(c if c.isprintable() or c == "\xa0" or c in kept else " " for c in letters).split())
    return "".join(c if ord(c) in known or c in kept else _MISSING for c in words)


def is_plain(text: str) -> bool:
    """Whether drawable text is drawn letter by letter, as it is."""
    return text.isascii() or must_be_shaped(text) is None


def shaped(text: str, *, bold: bool = False, leftward: bool | None = None) -> str:
    """
    Return a line of drawable text as reportlab draws it: from left to right, letters joined.

    Whether the line as a whole reads from right to left is told by its first letter where it is not given.
    """
    return _font(bold).shape(text, leftward=leftward)


def width_mm(text: str, size: float, *, bold: bool = False) -> float:
    """Return how wide drawable text on one line is in mm at *size* points."""
    return _font(bold).width(text, size) * _POINT


def draw_line(
    page: Canvas,
    x: float,
    y: float,
    text: str,
    size: float,
    *,
    bold: bool = False,
    align: Align = "left",
    leftward: bool | None = None,
) -> None:
    """Draw a line of any text on a page, its base line at *y*; *x* and *y* in points, as reportlab counts them."""
    line = drawable(text, bold=bold)
    font = _font(bold)
    if align != "left":
        x -= font.width(line, size) / (2 if align == "centre" else 1)
    page.setFont(font.fontName, size)
    page.drawString(x, y, font.shape(line, leftward=leftward))


def broken(text: str, size: float, width: float, *, bold: bool = False) -> list[str]:
    """Break drawable text where it would be wider than *width* mm: between words, and within one that alone is."""
    lines = [""]
    for word in text.split(" "):
        for piece in _pieces(word, size, width, bold):
            longer = f"{lines[-1]} {piece}".strip()
            if not lines[-1] or width_mm(longer, size, bold=bold) <= width:
                lines[-1] = longer
            else:
                lines.append(piece)
    return lines


def outlines(text: str, *, bold: bool = False, steps: int) -> list[list[tuple[float, float]]]:
    """Return the contours of a line of drawable text, in thousandths of an em from where its base line begins."""
    return _font(bold).outlines(text, steps=steps)


# --- Private ---------------------------------------------------------------------------------------------------------


def _pieces(word: str, size: float, width: float, bold: bool) -> list[str]:
    pieces = []
    while len(word) > _LONGEST or width_mm(word, size, bold=bold) > width:
        room = bisect_right(
            range(1, min(len(word), _LONGEST) + 1), width, key=lambda end: width_mm(word[:end], size, bold=bold)
        )
        pieces.append(word[: max(room, 1)])
        word = word[max(room, 1) :]
    return [*pieces, word] if word or not pieces else pieces


def _font(bold: bool) -> Font:
    with _making:  # two of one name would give their glyphs different codes
        return _made(bold)


@cache
def _made(bold: bool) -> Font:
    name = "DejaVuSans-Bold" if bold else "DejaVuSans"
    return Font(name, _FOLDER / f"{name}.ttf")
