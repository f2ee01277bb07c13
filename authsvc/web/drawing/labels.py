"""
Where the tags of a map go: beside their places, on no other tag, on no other pin, within the frame.

Tags keep their size while the map grows and shrinks with its window, so room is judged on a map of ``STAGE`` pixels,
its usual width in the alert page; where the map is narrower, the style sheet hides the tags and the numbers have to do.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from authsvc.web.drawing.projection import Point

STAGE = (560.0, 280.0)
LETTER = 6.9  # Pixels that a letter takes, on the safe side of system fonts at 12.5 px.
HEIGHT = 36.0
GAP = 16.0
FAR = 44.0  # A tag that far from its place gets a line that leads there.


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels; of a tag, from the place that it belongs to."""

    left: float
    top: float
    width: float
    height: float

    @property
    def is_far(self) -> bool:
        """Say whether a tag lies so far off that its place needs to be shown."""
        return self.top >= FAR or self.top + self.height <= -FAR

    def moved(self, x: float, y: float) -> "Box":
        """Return the same rectangle elsewhere."""
        return Box(self.left + x, self.top + y, self.width, self.height)

    def meets(self, other: "Box") -> bool:
        """Say whether two rectangles share any ground."""
        return (
            self.left < other.left + other.width and other.left < self.left + self.width
            and self.top < other.top + other.height and other.top < self.top + self.height
        )  # fmt: skip


def place_labels(wanted: Sequence[tuple[Point, str, str]], *, keep_free: Sequence[Point]) -> list[Box | None]:
    """
    Return a box for each (place, line, line), relative to its place, or None where there is no room.

    Places are shares of the frame. The first come first, so the most important should.
    """
    taken = [Box(spot.x * STAGE[0] - 11, spot.y * STAGE[1] - 11, 22, 22) for spot in keep_free]
    frame = Box(4, 4, STAGE[0] - 8, STAGE[1] - 8)
    boxes: list[Box | None] = []
    for spot, line, note in wanted:
        width = max(len(line), len(note)) * LETTER + 18
        x, y = spot.x * STAGE[0], spot.y * STAGE[1]
        for box in _candidates(width):
            there = box.moved(x, y)
            if _is_within(there, frame) and not any(there.meets(other) for other in taken):
                taken.append(there)
                boxes.append(box)
                break
        else:
            boxes.append(None)
    return boxes


def _candidates(width: float) -> list[Box]:
    """Return the places around a pin, the best first: below, above, slid to a side, beside it, then farther off."""
    lefts = (-width / 2, -width + 24, -24.0)
    near, far = (
        [Box(left, top, width, HEIGHT) for left in lefts for top in (gap, -gap - HEIGHT)] for gap in (GAP, FAR)
    )
    return [*near, Box(GAP, -HEIGHT / 2, width, HEIGHT), Box(-GAP - width, -HEIGHT / 2, width, HEIGHT), *far]


def _is_within(box: Box, frame: Box) -> bool:
    return (
        box.left >= frame.left and box.left + box.width <= frame.left + frame.width
        and box.top >= frame.top and box.top + box.height <= frame.top + frame.height
    )  # fmt: skip
