"""
Line charts as SVG, drawn by hand: no library, no script, readable in light and dark and without colour.

A series is told from the others by its dash as much as by its colour, and named at the side where no lines cross.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 860, 460
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 250, 44, 56
_COLOURS = ("#b3261e", "#1a5fb4", "#26731e", "#8a5a00", "#613583", "#0b6b75", "#555555", "#a0487c", "#3a3a8c")
_DASHES = ("", "7 3", "2 3", "9 3 2 3", "4 4", "12 4", "1 4", "6 2 1 2", "3 1")


@dataclass(frozen=True, slots=True)
class Series:
    """One line: its name, and points from left to right."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Axis:
    """A scale with its label and the marks on it."""

    label: str
    least: float
    most: float
    marks: Sequence[tuple[float, str]]
    is_log: bool = False

    def at(self, value: float) -> float:
        """Return where *value* lies between 0 and 1."""
        value = min(max(value, self.least), self.most)
        if self.is_log:
            return math.log(value / self.least) / math.log(self.most / self.least)
        return (value - self.least) / (self.most - self.least)


def line_chart(title: str, x: Axis, y: Axis, series: Sequence[Series]) -> str:
    """Draw *series*; the first is ours and is drawn thickest, on top."""
    wide, high = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def across(value: float) -> float:
        return round(_LEFT + wide * x.at(value), 1)

    def down(value: float) -> float:
        return round(_TOP + high * (1 - y.at(value)), 1)

    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
            f'aria-label="{escape(title)}" font-family="system-ui, sans-serif" font-size="13">'
        ),
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        f'<text x="{_LEFT}" y="24" font-size="16" font-weight="600">{escape(title)}</text>',
    ]
    for value, label in x.marks:
        parts.append(_line(across(value), _TOP, across(value), _TOP + high))
        parts.append(f'<text x="{across(value)}" y="{_TOP + high + 18}" text-anchor="middle">{escape(label)}</text>')
    for value, label in y.marks:
        parts.append(_line(_LEFT, down(value), _LEFT + wide, down(value)))
        parts.append(f'<text x="{_LEFT - 8}" y="{down(value) + 4}" text-anchor="end">{escape(label)}</text>')
    parts.append(
        f'<text x="{_LEFT + wide / 2}" y="{_HEIGHT - 12}" text-anchor="middle">{escape(x.label)}</text>'
        f'<text transform="translate(16 {_TOP + high / 2}) rotate(-90)" text-anchor="middle">{escape(y.label)}</text>'
    )
    for number, each in reversed(list(enumerate(series))):
        points = " ".join(f"{across(a)},{down(b)}" for a, b in each.points)
        parts.append(f'<polyline points="{points}" {_stroke(number)}/>')
    for number, each in enumerate(series):
        row = _TOP + 10 + 22 * number
        start = _LEFT + wide + 16
        parts.append(f'<line x1="{start}" y1="{row}" x2="{start + 34}" y2="{row}" {_stroke(number)}/>')
        parts.append(f'<text x="{start + 42}" y="{row + 4}">{escape(each.name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="#dddddd"/>'


def _stroke(number: int) -> str:
    dash = _DASHES[number % len(_DASHES)]
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return f'fill="none" stroke="{_COLOURS[number % len(_COLOURS)]}" stroke-width="{2 if number else 3.2}"{dashes}'
