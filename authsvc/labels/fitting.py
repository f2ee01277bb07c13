"""
Symbols in their room: how wide a module may be, whether it can be printed and read, and what to do where it cannot.

The width of a module (its X-dimension) decides whether a phone reads a symbol. It is at most what the label has room
for, and a whole number of the printer's dots where it may be chosen, as modules that differ by a dot cost grades of
ISO/IEC 15415. Grades given here are the best that a good print reaches; only a verifier measures one.
"""

import contextlib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from authsvc import data_matrix, symbols
from authsvc.errors import BadInput
from authsvc.labels.templates import Template, builtin_templates
from authsvc.symbols import Level, Symbol

SMALLEST, LARGEST = 0.25, 0.99
"""mm. GS1's smallest module of a 2D symbol is 0.254 mm, in health care; the largest at points of sale is 0.990 mm."""
RETAIL: Final = 0.396
"""mm. The smallest that GS1 General Specifications 5.12.3.1 allow at retail points of sale."""
FEWEST_DOTS: Final = 3
"""With fewer dots a module, one dot of ink more or less moves an edge by half a module or near."""

_TOKEN, _COMPACT = 90, 20  # characters of the two token formats
_has_long_token = re.compile(rf"[?&]s=[\w-]{{{_TOKEN}}}(?:&|$)").search


class Kind(StrEnum):
    """The kinds of symbols that we print."""

    QR = "qr"
    DATA_MATRIX = "datamatrix"


@dataclass(frozen=True, slots=True)
class Symbology:
    """Which symbols are printed; the error level is of QR codes, as Data Matrix has one only."""

    kind: Kind = Kind.QR
    level: Level = Level.M

    def draw(self, uri: str) -> Symbol:
        """Return the symbol of a link."""
        return data_matrix.symbol(uri) if self.kind is Kind.DATA_MATRIX else symbols.symbol(uri, self.level)

    def side(self, length: int) -> int:
        """Return how many modules the symbol of *length* characters has along one side, with its quiet zone."""
        if self.kind is Kind.DATA_MATRIX:
            return data_matrix.side_for(length)
        return 4 * symbols.version_for(length, self.level) + 17 + 2 * symbols.QUIET

    def __str__(self) -> str:
        """Name it as people do."""
        return "Data Matrix" if self.kind is Kind.DATA_MATRIX else f"QR code, level {self.level}"


@dataclass(frozen=True, slots=True)
class Fit:
    """How wide a module is, in mm and in dots of the printer, and the whole symbol with its quiet zone."""

    module: float
    dots: float
    side: int

    @property
    def width(self) -> float:
        """The symbol with its quiet zone, in mm."""
        return self.module * self.side

    @property
    def is_whole(self) -> bool:
        """Whether a module is a whole number of dots."""
        return abs(self.dots - round(self.dots)) < 0.02


def fit(
    template: Template, uri: str, symbology: Symbology, *, x_dimension: float | None, dpi: int, is_whole: bool = False
) -> Fit:
    """
    Return the module of the symbol of *uri* on a label.

    The widest whole number of dots unless an X-dimension is asked for; *is_whole* makes that whole too, and smaller.

    Raises:
        BadInput: It cannot be printed or read; the sentence offers what can.
    """
    side = symbology.side(len(uri))
    found = _find(template, side, x_dimension, dpi, is_whole=is_whole)
    if found is not None:
        return found
    if x_dimension is not None and not SMALLEST <= x_dimension <= LARGEST:
        raise BadInput(
            f"A module of {x_dimension:g} mm cannot be read: choose an X-dimension from {SMALLEST} to {LARGEST} mm."
        )
    if x_dimension is not None and x_dimension / (25.4 / dpi) < FEWEST_DOTS - 0.02:
        least = FEWEST_DOTS * 25.4 / dpi
        raise BadInput(
            f"At {dpi} dpi a module of {x_dimension:g} mm has {x_dimension * dpi / 25.4:.1f} dots and cannot be read; "
            f"it needs {FEWEST_DOTS}. Choose {least:.3f} mm or more, or a printer of {_finer(x_dimension)} dpi."
        )
    asked = "" if x_dimension is None else f" At {x_dimension:g} mm a module it is {side * x_dimension:.1f} mm wide."
    ways = list(_ways(template, uri, symbology, x_dimension, dpi, is_whole=is_whole))
    raise BadInput(
        f"The {symbology} of this link has {side} modules with its quiet zone and does not fit the {template.room:g} "
        f"mm that the label {template.name} has for it.{asked} {' '.join(ways) or 'Use a shorter address.'}"
    )


def grade(found: Fit) -> str:
    """Return the best grade of ISO/IEC 15415 that a clean print of such modules reaches."""
    best = 3 if found.dots < 3.98 else 4 if found.dots < 4.98 else 5
    if not found.is_whole and found.dots < 10:
        best -= 1
    return "FDCBA"[best - 1]


def advise(template: Template, uri: str, symbology: Symbology, found: Fit, dpi: int) -> list[str]:
    """Return sentences about how the symbol will print and read, and what would be better."""
    quiet = data_matrix.QUIET if symbology.kind is Kind.DATA_MATRIX else symbols.QUIET
    said = [
        (
            f"{symbology}: {found.side - 2 * quiet} modules of {found.module:.3f} mm ({found.dots:.3g} dots at {dpi} "
            f"dpi), {found.width:.1f} mm wide with a quiet zone of {quiet * found.module:.1f} mm."
        ),
        (
            f"A clean print reaches grade {grade(found)} of ISO/IEC 15415 at best. GS1 asks for 1.5 (C) or better, "
            f"measured with an aperture of {0.8 * found.module:.2f} mm (80 % of the module) at 660 nm."
        ),
    ]
    dot = 25.4 / dpi
    if not found.is_whole:
        lower, upper = math.floor(found.dots) * dot, math.ceil(found.dots) * dot
        said.append(
            f"{found.module:.3f} mm is no whole number of dots at {dpi} dpi, so modules differ by a dot: {lower:.3f} "
            f"or {upper:.3f} mm print cleaner."
        )
    if found.module < RETAIL:
        said.append(
            f"GS1 asks for {RETAIL} to 0.990 mm at retail points of sale. This is for phones, which have to come as "
            f"near as {found.width * 8 / 10:.0f} cm; print it on smooth white stock."
        )
    if symbology.kind is Kind.QR:
        said += _about_level(template, len(uri), symbology, found)
    return said


def _about_level(template: Template, length: int, symbology: Symbology, found: Fit) -> Iterator[str]:
    if symbology.level is Level.L:
        yield "Level L bears 7 % of damage: for labels that are rubbed, bent or scratched take M or more."
    for level in (Level.H, Level.Q):
        if list(Level).index(level) <= list(Level).index(symbology.level):
            return
        if Symbology(Kind.QR, level).side(length) * found.module <= template.room + 1e-9:
            yield f"The label has room for level {level} at the same module, which bears more damage: --level {level}."
            return


def _find(template: Template, side: int, x_dimension: float | None, dpi: int, *, is_whole: bool) -> Fit | None:
    dot = 25.4 / dpi
    if x_dimension is None or is_whole:
        widest = min(template.x_dimension if x_dimension is None else x_dimension, template.room / side, LARGEST)
        if x_dimension is not None and x_dimension * side > template.room + 1e-9:
            return None
        module = math.floor(widest / dot + 1e-6) * dot
    else:
        module = x_dimension
    dots = module / dot
    if module < SMALLEST - 1e-9 or module > LARGEST + 1e-9 or dots < FEWEST_DOTS - 0.02:
        return None
    return Fit(module, dots, side) if module * side <= template.room + 1e-9 else None


def _ways(
    template: Template, uri: str, symbology: Symbology, x_dimension: float | None, dpi: int, *, is_whole: bool
) -> Iterator[str]:
    """Yield what would fit in place of what does not: first as asked for, then with smaller modules, then elsewhere."""
    options = _options(uri, symbology)

    def fitting(asked: float | None) -> Iterator[tuple[str, Fit]]:
        for name, size, kind in options:
            # A link may be too long for any Data Matrix.
            with contextlib.suppress(BadInput):
                if found := _find(template, kind.side(size), asked, dpi, is_whole=is_whole):
                    yield name, found

    as_asked = dict(fitting(x_dimension))
    if as_asked:
        yield (
            "What fits: "
            + "; ".join(f"{name}, {found.module:.3f} mm a module" for name, found in as_asked.items())
            + "."
        )
    if x_dimension is not None:
        options.insert(0, ("the same symbol", len(uri), symbology))
        smaller = [f"{name}, {found.module:.3f} mm" for name, found in fitting(None) if name not in as_asked]
        if smaller:
            yield f"With smaller modules: {'; '.join(smaller)}."
    side = symbology.side(len(uri))
    larger = sorted(builtin_templates().values(), key=lambda each: each.width * each.height)
    other = next((each for each in larger if _find(each, side, x_dimension, dpi, is_whole=is_whole)), None)
    if other is not None:
        yield f"Or a larger label: {other.name}."


def _options(uri: str, symbology: Symbology) -> list[tuple[str, int, Symbology]]:
    """Return what has fewer modules than the symbol of a link: its name, its characters, its kind."""
    matrix, length = Symbology(Kind.DATA_MATRIX), len(uri)
    is_qr = symbology.kind is Kind.QR
    found = []
    if is_qr:
        found.append(("a Data Matrix (--symbol datamatrix)", length, matrix))
    if _has_long_token(uri):
        compact, shorter = "the compact token format (issue --format compact)", length - _TOKEN + _COMPACT
        found.insert(0, (compact, shorter, symbology))
        if is_qr:
            found.append((f"both, {compact} as a Data Matrix", shorter, matrix))
    if is_qr and symbology.level is not Level.L:
        found.append(("level L (--level L)", length, Symbology(Kind.QR, Level.L)))
    return found


def _finer(x_dimension: float) -> int:
    return next((dpi for dpi in (203, 300, 600, 1200) if x_dimension * dpi / 25.4 >= FEWEST_DOTS), 2400)
