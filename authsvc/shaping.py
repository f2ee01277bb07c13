"""
Shaping: text in, glyphs out, for a font that a PDF carries inside.

Arabic letters join and change their form, marks stand above and below, and scripts of both directions meet in a line.
HarfBuzz finds the glyphs of a run, ``core/bidi.py`` the order of the runs, reportlab writes both down.

What must stay true: whoever reads a file back gets what was written. The glyph of a joined letter has no character of
its own, so each gets a code of a private plane, and the map to Unicode that the font carries names the letters that it
stands for.
"""

import re
import threading
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

import uharfbuzz
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import ShapeData, ShapedStr, TTFont

from authsvc.core import bidi

JOINERS = "\u200c\u200d\u200e\u200f\u061c\u2066\u2067\u2068\u2069"
"""What says how letters join and lines run, and is not seen itself."""

_LEFTWARD = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff"
_MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
has_leftward = re.compile(f"[{_LEFTWARD}]").search
must_be_shaped = re.compile(f"[{_LEFTWARD}{_MARKS}]").search
_NOTHING = "\u200b"  # what a glyph says whose letter another glyph has said
_PRIVATE = 0xF0000
_rightward = re.compile(r"(?:\([0-9]{2,4}\))?[0-9A-Za-z](?:[ -~]*[0-9A-Za-z])?").sub
_is_number = re.compile(r"[0-9.,]+").fullmatch
_BLOCK = 100  # lines of one section of a map, as the format has it

_Glyph = tuple[int, tuple[int, int, int, int]]
"""The number of a glyph, and its advance and offset."""
Point = tuple[float, float]


class Font(TTFont):  # type: ignore[misc]  # reportlab has no types
    """A TrueType font that shapes; it registers itself under its name."""

    def __init__(self, name: str, file: Path) -> None:
        super().__init__(name, file)
        self._shaper = uharfbuzz.Font(uharfbuzz.Face(uharfbuzz.Blob(file.read_bytes())))
        self._codes: dict[tuple[int, str], int] = {}
        self._texts: dict[int, str] = {}
        self._lock = threading.Lock()  # pages are drawn by several threads
        self._shape = lru_cache(maxsize=1024)(self._shape_line)
        pdfmetrics.registerFont(self)

    def shape(self, text: str, *, leftward: bool | None = None) -> str:
        """
        Return a line of drawable text as reportlab draws it, from left to right; most lines are that as they are.

        In which direction the line as a whole reads is found from its first letter where it is not given.
        """
        if text.isascii() or not must_be_shaped(text):
            return text
        shaped: str = self._shape(text, bidi.is_leftward(text) if leftward is None else leftward)
        return shaped

    def width(self, text: str, size: float) -> float:
        """Return how wide a line is in points at *size* points."""
        shaped = self.shape(text)
        if isinstance(shaped, ShapedStr):
            return float(sum(one.x_advance for one in shaped.__shapeData__)) * size / 1000
        return float(pdfmetrics.stringWidth(shaped, self.fontName, size))

    def outlines(self, text: str, *, steps: int) -> list[list[Point]]:
        """Return the contours of a line, each curve in *steps* straight pieces, in thousandths of an em."""
        pen = _Pen(steps, self.pdfScale(1))
        shaped = self.shape(text)
        places = shaped.__shapeData__ if isinstance(shaped, ShapedStr) else [None] * len(shaped)
        at = 0.0
        for code, place in zip(map(ord, shaped), places, strict=True):
            pen.x, pen.y = at + (place.x_offset if place else 0), float(place.y_offset if place else 0)
            self._shaper.draw_glyph(self.face.charToGlyph[code], pen.ways)
            at += place.x_advance if place else self.face.charWidths[code]
        return pen.contours

    def addObjects(self, doc: Any) -> None:  # noqa: N802  reportlab's name
        """Write the font into a document, with maps to Unicode that know what joined letters stand for."""
        subsets = list(self.state[doc].subsets)
        names = [self.getSubsetInternalName(number, doc)[1:] for number in range(len(subsets))]
        with self._lock:  # to cut a font down, reportlab reads on from where it was in the file
            super().addObjects(doc)
        for name, subset in zip(names, subsets, strict=True):
            base = doc.idToObject["BasicFonts"].dict[name].BaseFont
            doc.idToObject[f"toUnicodeCMap:{base}"].content = _unicode_map(base, map(self._text_of, subset))

    def _text_of(self, code: int) -> str:
        return self._texts[code] if code in self._texts else chr(code)

    def _shape_line(self, text: str, leftward: bool) -> ShapedStr:
        if has_leftward(text):
            text = _rightward(_isolated, text)
        codes: list[str] = []
        data: list[ShapeData] = []
        for run in bidi.runs(text, leftward=leftward):
            for code, place in self._shape_run(text[run.start : run.end], leftward=run.is_leftward):
                codes.append(chr(code))
                data.append(place)
        return ShapedStr("".join(codes), data)

    def _shape_run(self, text: str, *, leftward: bool) -> Iterator[tuple[int, ShapeData]]:
        buffer = uharfbuzz.Buffer()
        buffer.cluster_level = uharfbuzz.BufferClusterLevel.MONOTONE_CHARACTERS
        buffer.add_str(text)
        buffer.direction = "rtl" if leftward else "ltr"
        buffer.guess_segment_properties()
        # Latin, Greek and Cyrillic stand as they do where nothing is shaped.
        uharfbuzz.shape(self._shaper, buffer, {"kern": leftward, "liga": leftward})
        blank = self.face.charToGlyph[ord(" ")]
        for letters, glyphs in _clusters(text, buffer):
            if not letters.strip(JOINERS):
                continue
            while len(glyphs) < len(letters):
                # A ligature shares its width with blanks, so that each letter is read where it stands: most readers
                # turn what they read from right to left around letter by letter.
                glyphs.append((blank, (0, 0, 0, 0)))
            width = sum(measures[0] for _, measures in glyphs) / len(glyphs)
            is_shared = glyphs[-1][0] == blank
            for letter, (glyph, measures) in zip(_shared_out(letters, len(glyphs), leftward), glyphs, strict=True):
                code = self._code(glyph, letter)
                scaled = map(self.pdfScale, (width, *measures[1:]) if is_shared else measures)
                yield code, ShapeData(0, *scaled, self.face.charWidths[code])

    def _code(self, glyph: int, letters: str) -> int:
        """Return the code by which reportlab knows a glyph that stands for some letters."""
        if len(letters) == 1 and self.face.charToGlyph.get(ord(letters)) == glyph:
            return ord(letters)
        with self._lock:
            code = self._codes.get((glyph, letters))
            if code is None:
                code = self._codes[glyph, letters] = _PRIVATE + len(self._codes)
                self._texts[code] = letters
                self.face.charWidths[code] = self.pdfScale(self._shaper.get_glyph_h_advance(glyph))
                self.face.charToGlyph[code] = glyph
        return code


class _Pen:
    """Takes down the contours that a font draws."""

    def __init__(self, steps: int, scale: float) -> None:
        self.contours: list[list[Point]] = []
        self.x = self.y = 0.0
        self._steps = steps
        self._scale = scale
        self.ways = uharfbuzz.DrawFuncs()
        self.ways.set_move_to_func(self._move)
        self.ways.set_line_to_func(self._line)
        self.ways.set_quadratic_to_func(self._curve)

    def _move(self, x: float, y: float, _data: object) -> None:
        self.contours.append([self._placed(x, y)])

    def _line(self, x: float, y: float, _data: object) -> None:
        self.contours[-1].append(self._placed(x, y))

    def _curve(self, over_x: float, over_y: float, x: float, y: float, _data: object) -> None:
        (x0, y0), (x1, y1), (x2, y2) = self.contours[-1][-1], self._placed(over_x, over_y), self._placed(x, y)
        for step in range(1, self._steps + 1):
            t = step / self._steps
            a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t**2
            self.contours[-1].append((a * x0 + b * x1 + c * x2, a * y0 + b * y1 + c * y2))

    def _placed(self, x: float, y: float) -> Point:
        return self.x + x * self._scale, self.y + y * self._scale


def _isolated(found: re.Match[str]) -> str:
    """
    Keep together what reads rightward: a serial, an address, a date.

    Among Arabic the algorithm would take 7K3M for a figure and a word, and turn the parts of 2026-11-25 around.
    """
    return found[0] if _is_number(found[0]) else f"\u2066{found[0]}\u2069"


def _clusters(text: str, buffer: Any) -> Iterator[tuple[str, list[_Glyph]]]:
    """Yield from left to right the letters that belong together, with the glyphs that they became."""
    placed = zip(buffer.glyph_infos, buffer.glyph_positions, strict=True)
    groups = [(start, list(group)) for start, group in groupby(placed, key=lambda one: one[0].cluster)]
    starts = sorted(start for start, _ in groups)
    ends = dict(zip(starts, [*starts[1:], len(text)], strict=True))
    for start, group in groups:
        yield (
            text[start : ends[start]],
            [(info.codepoint, (at.x_advance, at.y_advance, at.x_offset, at.y_offset)) for info, at in group],
        )


def _shared_out(letters: str, number: int, leftward: bool) -> list[str]:
    """Share letters out among at least as many glyphs; where there are more, the first to be read says all of them."""
    parts = list(letters) if len(letters) == number else [letters, *[_NOTHING] * (number - 1)]
    return parts[::-1] if leftward else parts


def _unicode_map(name: str, texts: Iterator[str]) -> bytes:
    """Write a map of the codes of a subset to text, as a PDF has it (ISO 32000-1, 9.10.3)."""
    lines = [
        f"<{code:02X}> <{text.encode('utf-16-be').hex().upper()}>"
        for code, text in enumerate(texts)
        if text and text != "\0"
    ]
    parts = [
        "/CIDInit /ProcSet findresource begin", "12 dict begin", "begincmap", "/CIDSystemInfo",
        f"<< /Registry ({name}) /Ordering ({name}) /Supplement 0 >> def", f"/CMapName /{name} def",
        "/CMapType 2 def", "1 begincodespacerange", "<00> <FF>", "endcodespacerange",
    ]  # fmt: skip
    for start in range(0, len(lines), _BLOCK):
        block = lines[start : start + _BLOCK]
        parts += [f"{len(block)} beginbfchar", *block, "endbfchar"]
    parts += ["endcmap", "CMapName currentdict /CMap defineresource pop", "end", "end"]
    return "\n".join(parts).encode("ascii")
