"""
Typefaces of what we print: Bitstream Vera, which comes with reportlab and is embedded in every file.

A print shop refuses a file that leaves its fonts to the machine that opens it, and a label that falls back to another
font no longer fits. So nothing printed names a font that is not inside the file.
"""

from functools import cache
from pathlib import Path

import reportlab
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

_MISSING = "?"  # stands for a character that the font cannot draw


def face(*, bold: bool = False) -> str:
    """Return the name by which reportlab knows the font; it is registered when first asked for."""
    return str(_font(bold).fontName)


def drawable(text: str, *, bold: bool = False) -> str:
    """Return *text* on one line with what the font can draw; whatever it cannot shows as a question mark."""
    known = _font(bold).face.charToGlyph
    words = " ".join("".join(c if c.isprintable() or c == "\xa0" else " " for c in text).split())
    return "".join(c if ord(c) in known else _MISSING for c in words)


def width_mm(text: str, size: float, *, bold: bool = False) -> float:
    """Return how wide *text* is in mm at *size* points."""
    return float(pdfmetrics.stringWidth(text, face(bold=bold), size)) * 25.4 / 72


@cache
def _font(bold: bool) -> TTFont:
    name, file = ("VeraBd", "VeraBd.ttf") if bold else ("Vera", "Vera.ttf")
    font = TTFont(name, Path(reportlab.__file__).parent / "fonts" / file)
    pdfmetrics.registerFont(font)
    return font
