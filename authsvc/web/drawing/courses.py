"""
Courses: how one number of an item went over time, as a line whose places along the width are true to the time.

For the console and for public pages alike: classes only, and both style sheets give them their colours. All letters
stand inside of the drawing, so that it fits a phone.
"""

import math
from datetime import datetime

from markupsafe import Markup

from authsvc import languages
from authsvc.core.records import Course, number
from authsvc.languages import gettext as _
from authsvc.web.drawing.svg import Figure, element

WIDTH, HEIGHT = 300.0, 136.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 40.0, 296.0, 10.0, 108.0
LINES = 4
"""Lines of the axis at most, beside its base."""


def course(key: str, drawn: Course) -> Figure:
    """Draw one course; its table has every point, the newest first. *key* is unique in the page."""
    values = [value for _at, value in drawn.points]
    low, high, step = _bounds(min(values), max(values))
    places = [(_x(drawn, at), _y(value, low, high)) for at, value in drawn.points]
    line = element("polyline", class_="l-info", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in places))
    dots = [
        element("circle", element("title", f"{languages.day(at)}: {_said(value, drawn.unit)}"), class_="c-info dot",
                cx=x, cy=y, r=3.0)
        for (x, y), (at, value) in zip(places, drawn.points, strict=True)
    ]  # fmt: skip
    first, last = drawn.points[0], drawn.points[-1]
    described = _("{label}, {count} values: {first} on {begin}, {last} on {end}.").format(
        label=drawn.label, count=len(values), first=_said(first[1], drawn.unit), begin=languages.day(first[0]),
        last=_said(last[1], drawn.unit), end=languages.day(last[0]),
    )  # fmt: skip
    return Figure(
        title=drawn.label,
        svg=element(
            "svg",
            element("title", drawn.label, id=f"{key}-t"),
            element("desc", described, id=f"{key}-d"),
            *_axis(low, high, step),
            *_days(first[0], last[0]),
            line,
            *dots,
            class_="course", viewBox=f"0 0 {WIDTH:.0f} {HEIGHT:.0f}", role="img",
            aria_labelledby=f"{key}-t", aria_describedby=f"{key}-d",
        ),
        columns=({"name": _("Day")}, {"name": drawn.label, "align": "end"}),
        rows=tuple({"cells": [languages.day(at), _said(value, drawn.unit)]} for at, value in reversed(drawn.points)),
    )  # fmt: skip


# --- Private ---------------------------------------------------------------------------------------------------------


def _bounds(low: float, high: float) -> tuple[float, float, float]:
    """Return the ends of the axis and the distance of its lines, which is 1, 2 or 5 times a power of ten."""
    span = high - low or max(abs(high) * 0.1, 1.0)
    rough = span / (LINES - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * (1 - 1e-9))
    below = math.floor(low / step + 1e-9) * step
    return below, max(math.ceil(high / step - 1e-9) * step, below + step), step


def _x(drawn: Course, at: datetime) -> float:
    first, last = drawn.points[0][0], drawn.points[-1][0]
    whole = (last - first).total_seconds()
    share = (at - first).total_seconds() / whole if whole else 0.5
    return _LEFT + 6 + share * (_RIGHT - _LEFT - 12)


def _y(value: float, low: float, high: float) -> float:
    return _BOTTOM - (value - low) / (high - low) * (_BOTTOM - _TOP)


def _axis(low: float, high: float, step: float) -> list[Markup]:
    drawn = []
    for n in range(round((high - low) / step) + 1):
        value = low + n * step
        y = _y(value, low, high)
        drawn.append(element("line", class_="grid" if n else "base", x1=_LEFT, x2=_RIGHT, y1=y, y2=y))
        drawn.append(element("text", _rough(value), class_="t2", x=_LEFT - 6, y=y + 4, text_anchor="end"))
    return drawn


def _days(first: datetime, last: datetime) -> list[Markup]:
    y = _BOTTOM + 18
    return [
        element("text", languages.day(first), class_="t2", x=_LEFT, y=y),
        element("text", languages.day(last), class_="t2", x=_RIGHT, y=y, text_anchor="end"),
    ]


def _rough(value: float) -> str:
    return f"{value / 1000:.3g}k" if abs(value) >= 10_000 else f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def _said(value: float, unit: str) -> str:
    return f"{number(value)} {unit}".strip()
