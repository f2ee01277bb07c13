"""A score as parts that add up: each part's bar begins where the one before it ended."""

from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from authsvc.web.drawing.svg import element

WIDTH = 100.0
HEIGHT = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One rule's share: its points, and the sentence that says why. ``bar`` is drawn by ``score``."""

    title: str
    points: float
    text: str = ""
    bar: Markup | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The parts with their bars, and what they come to."""

    parts: tuple[Part, ...]
    total: float
    sentence: str = "The parts above, added up"


def score(parts: Iterable[Part], *, sentence: str = "The parts above, added up", digits: int = 1) -> Score:
    """
    Draw the bars of a score.

    The axis is shared by all bars and reaches from the lowest to the highest sum on the way, zero included. The total
    is the sum of the points as they are shown, rounded to *digits*, so that a reader who adds up gets the same.
    """
    shown = [(part, _round(part.points, digits)) for part in parts]
    sums = [0.0]
    for _, points in shown:
        sums.append(sums[-1] + points)
    low, span = min(sums), (max(sums) - min(sums)) or 1.0
    drawn = tuple(
        Part(title=part.title, points=points, text=part.text, bar=_bar(before - low, points, span))
        for (part, points), before in zip(shown, sums, strict=False)
    )
    return Score(parts=drawn, total=_round(sums[-1], digits), sentence=sentence)


def _bar(start: float, points: float, span: float) -> Markup:
    left = min(start, start + points) / span * WIDTH
    return element(
        "svg",
        element("rect", class_="bar-bg", width=WIDTH, height=HEIGHT),
        element(
            "rect", class_="bar-less" if points < 0 else "bar-more", x=left,
            width=max(abs(points) / span * WIDTH, 0.5), height=HEIGHT,
        ),
        viewBox="0 0 100 5", preserveAspectRatio="none", aria_hidden="true",
    )  # fmt: skip


def _round(points: float, digits: int) -> float:
    rounded = round(points, digits)
    return int(rounded) if rounded == int(rounded) else rounded
