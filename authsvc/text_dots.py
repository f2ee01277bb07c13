"""
Lines of text as dots, for printers whose own fonts do not know a script: shaped as on paper, one bit a dot.

Outlines are filled by their direction, as TrueType has it: clockwise is ink, the other way round is a hole.
"""

from functools import lru_cache
from itertools import pairwise

from PIL import Image, ImageDraw

from authsvc import typefaces

_FINER = 4  # times: drawn so much larger, and then each dot is dark if half of it is
_STEPS = 6  # straight pieces of one curve

Point = tuple[float, float]


@lru_cache(maxsize=512)
def dots(text: str, size: float, *, bold: bool = False) -> tuple[Image.Image, int]:
    """Return a line with *size* dots an em, 1 is dark, and how many dots its base line lies below the upper edge."""
    scale = size * _FINER / 1000
    ascent = round(size * 0.95)
    width, height = round(typefaces.width_mm(text, size * 72 / 25.4, bold=bold)) + 2, ascent + round(size * 0.3)
    fine = Image.new("L", (width * _FINER, height * _FINER), 0)
    pen = ImageDraw.Draw(fine)
    contours = [
        [(x * scale, ascent * _FINER - y * scale) for x, y in contour]
        for contour in typefaces.outlines(text, bold=bold, steps=_STEPS)
    ]
    for is_hole in (False, True):
        for contour in contours:
            if (_area(contour) < 0) == is_hole and len(contour) > 2:
                pen.polygon(contour, fill=0 if is_hole else 255)
    return fine.resize((width, height), Image.Resampling.BOX).point(lambda value: 255 * (value > 127)).convert(
        "1"
    ), ascent


def _area(contour: list[Point]) -> float:
    return sum(x * next_y - next_x * y for (x, y), (next_x, next_y) in pairwise([*contour, contour[0]]))
