"""
Charts by day and by kind: bars, lines, stacks, shares, sparklines.

A chart is as wide as its place, so positions along the width are percentages and heights are pixels: its letters keep
their size on every screen. The ``svg`` overflows to the left, where the style sheet leaves room for the axis. Colour
is never the only sign: odd days carry a mark, and each piece names itself under the pointer and in the table.
``key`` is unique in the page: the ids of a chart begin with it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from authsvc.core import tongues
from authsvc.web.drawing.svg import Figure, element, join

PLOT = 110.0  # Height of the plotting area, in pixels.
TOP = 12.0
HEIGHT = TOP + PLOT + 24
LABELS = 5  # As many as have room on the narrowest screen.
GAP = 0.22  # The share of a day's width that stays empty.


@dataclass(frozen=True, slots=True)
class Day:
    """What one day came to; odd is what lies beyond the usual."""

    day: date
    value: float
    is_odd: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """One kind of thing counted day by day. The tone is one of ok, warn, bad, info, none."""

    name: str
    tone: str
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Share:
    """One bar of shares: a name and its counts, in the order of the kinds."""

    name: str
    values: Sequence[float]


def day_bars(key: str, title: str, days: Sequence[Day], *, unit: str = "scans", odd: str = "above normal") -> Figure:
    """Draw one bar a day. *odd* says what a marked day is."""
    top = _ceiling(max((day.value for day in days), default=0))
    bars = []
    for n, day in enumerate(days):
        said = f"{tongues.day(day.day)}: {_number(day.value)} {unit}{f', {odd}' if day.is_odd else ''}"
        x, width = _slot(n, len(days))
        height = max(day.value / top * PLOT, 1.0)
        bars.append(_bar(x, width, TOP + PLOT - height, height, "c-bad" if day.is_odd else "c-mute", said))
        if day.is_odd:
            bars.append(_diamond(x + width / 2, TOP + PLOT - height - 6))
    rows = tuple({"cells": [tongues.day(day.day), _number(day.value), odd if day.is_odd else "normal"]} for day in days)
    described = _summary([(day.day, day.value) for day in days], unit)
    if any(day.is_odd for day in days):
        described += f" {sum(day.is_odd for day in days)} days are {odd}."
    return Figure(
        title=title,
        svg=_chart(key, title, described, _axis(top), _days([day.day for day in days]), *bars),
        columns=({"name": "Day"}, {"name": unit.capitalize(), "align": "end"}, {"name": "Judged"}),
        rows=rows,
    )


def stacked_days(
    key: str, title: str, days: Sequence[date], series: Sequence[Series], *, unit: str = "scans"
) -> Figure:
    """Draw one bar a day, made of the kinds from the bottom up."""
    totals = [sum(one.values[n] for one in series) for n in range(len(days))]
    top = _ceiling(max(totals, default=0))
    bars = []
    for n, day in enumerate(days):
        x, width = _slot(n, len(days))
        base = TOP + PLOT
        for one in series:
            height = one.values[n] / top * PLOT
            if height:
                base -= height
                said = f"{tongues.day(day)}: {_number(one.values[n])} {one.name}"
                bars.append(_bar(x, width, base, height, f"c-{one.tone} part", said, round_by=None))
    return Figure(
        title=title,
        svg=_chart(key, title, _summary(list(zip(days, totals, strict=True)), unit), _axis(top), _days(days), *bars),
        columns=_series_columns(series),
        rows=_series_rows(days, series),
        legend=tuple((one.tone, one.name) for one in series),
    )


def day_lines(key: str, title: str, days: Sequence[date], series: Sequence[Series], *, unit: str = "scans") -> Figure:
    """Draw one line for each kind; the last point of each is marked, and named where there is more than one."""
    top = _ceiling(max((value for one in series for value in one.values), default=0))
    drawn = []
    for one in series:
        places = [(_middle(n, len(days)), TOP + PLOT - value / top * PLOT) for n, value in enumerate(one.values)]
        points = " ".join(f"{x:.2f},{y:.1f}" for x, y in places)
        line = element("polyline", class_=f"l-{one.tone}", points=points, vector_effect="non-scaling-stroke")
        drawn.append(
            element("svg", line, width="100%", height=HEIGHT, viewBox=f"0 0 100 {HEIGHT:.0f}",
                    preserveAspectRatio="none", overflow="visible")
        )  # fmt: skip
        for (x, y), day, value in zip(places, days, one.values, strict=True):
            tip = element("title", f"{tongues.day(day)}: {_number(value)} {one.name}")
            drawn.append(element("circle", tip, class_=f"c-{one.tone} dot", cx=_percent(x), cy=y, r=3.0))
    totals = [sum(one.values[n] for one in series) for n in range(len(days))]
    return Figure(
        title=title,
        svg=_chart(key, title, _summary(list(zip(days, totals, strict=True)), unit), _axis(top), _days(days), *drawn),
        columns=_series_columns(series),
        rows=_series_rows(days, series),
        legend=tuple((one.tone, one.name) for one in series),
    )


def share_bars(key: str, title: str, kinds: Sequence[tuple[str, str]], rows: Sequence[Share]) -> Figure:
    """Draw a bar of shares for each row; *kinds* are (name, tone), from the left. Every bar is as long as the next."""
    drawn: list[Markup] = []
    for n, row in enumerate(rows):
        top, total = n * 42.0, sum(row.values)
        drawn.append(element("text", row.name, x=0.0, y=top + 13))
        drawn.append(element("text", _number(total), class_="t2", x="100%", y=top + 13, text_anchor="end"))
        drawn.append(element("rect", class_="c-bg", x=0.0, y=top + 20, width="100%", height=12.0, rx=3.0))
        x = 0.0
        for (kind, tone), value in zip(kinds, row.values, strict=True):
            if value:
                said = f"{row.name}: {_number(value)} {kind} ({value / total:.0%})"
                drawn.append(_bar(x, value / total * 100, top + 20, 12.0, f"c-{tone} part", said, round_by=None))
                x += value / total * 100
    cells = tuple({"cells": [row.name, *(_number(value) for value in row.values)]} for row in rows)
    described = f"{len(rows)} bars of shares: {', '.join(kind for kind, _ in kinds)}. The table has all figures."
    return Figure(
        title=title,
        svg=_chart(key, title, described, *drawn, height=max(len(rows) * 42.0 - 8, 1.0), class_="chart flat"),
        columns=({"name": "Name"}, *({"name": kind, "align": "end"} for kind, _ in kinds)),
        rows=cells,
        legend=tuple((tone, kind) for kind, tone in kinds),
    )


def sparkline(label: str, values: Sequence[float], *, tone: str = "info") -> Markup:
    """Draw the course of a figure, small and without an axis; *label* says what it shows."""
    top, last = max([*values, 1.0]), max(len(values) - 1, 1)
    points = " ".join(f"{n / last * 100:.2f},{26 - value / top * 22:.1f}" for n, value in enumerate(values))
    return element(
        "svg",
        element("polygon", class_=f"a-{tone}", points=f"0,28 {points} 100,28"),
        element("polyline", class_=f"l-{tone}", points=points, vector_effect="non-scaling-stroke"),
        class_="spark", viewBox="0 0 100 28", preserveAspectRatio="none", role="img", aria_label=label,
    )  # fmt: skip


def _chart(
    key: str,
    title: str,
    described: str,
    *parts: Markup,
    height: float = HEIGHT,
    class_: str = "chart",
) -> Markup:
    return element(
        "svg",
        element("title", title, id=f"{key}-t"),
        element("desc", described, id=f"{key}-d"),
        *parts,
        class_=class_, width="100%", height=height, role="img", aria_labelledby=f"{key}-t", aria_describedby=f"{key}-d",
    )  # fmt: skip


def _axis(top: float) -> Markup:
    """Draw the lines of the value axis, with their figures left of the plot."""
    step = _step(top)
    lines = []
    for n in range(round(top / step) + 1):
        y = TOP + PLOT - n * step / top * PLOT
        lines.append(element("line", class_="grid" if n else "base", x1=0.0, x2="100%", y1=y, y2=y))
        lines.append(element("text", _number(n * step), class_="t2", x=-8.0, y=y + 4, text_anchor="end"))
    return join(lines)


def _days(days: Sequence[date]) -> Markup:
    """Name the first and the last day, and some between that leave each other room."""
    if not days:
        return Markup()
    last = len(days) - 1
    count = min(LABELS, len(days))
    chosen = sorted({round(n * last / max(count - 1, 1)) for n in range(count)})
    labels = []
    for n in chosen:
        anchor = "middle" if 0 < n < last else ("start" if n == 0 and last else "end" if last else "middle")
        x = 0.0 if anchor == "start" else 100.0 if anchor == "end" else _middle(n, len(days))
        text = f"{days[n].day} {days[n]:%b}"
        labels.append(element("text", text, class_="t2", x=_percent(x), y=TOP + PLOT + 17, text_anchor=anchor))
    return join(labels)


def _bar(
    x: float, width: float, y: float, height: float, class_: str, said: str, *, round_by: float | None = 2.0
) -> Markup:
    tip = element("title", said)
    return element(
        "rect", tip, class_=class_, x=_percent(x), y=y, width=_percent(width), height=max(height, 0.0), rx=round_by
    )


def _diamond(x: float, y: float) -> Markup:
    """Mark a place: a nested drawing, because a path knows no percentages."""
    path = element("path", d="M0-3.5L3.5 0 0 3.5-3.5 0z")
    return element("svg", path, class_="c-bad", x=_percent(x), y=y, overflow="visible")


def _slot(n: int, count: int) -> tuple[float, float]:
    width = 100 / count
    return n * width + width * GAP / 2, width * (1 - GAP)


def _middle(n: int, count: int) -> float:
    return (n + 0.5) * 100 / count


def _step(top: float) -> float:
    """Return the distance of the axis lines: 1, 2 or 5 times a power of ten, two to four lines above the base."""
    rough = top / 4
    power = 10 ** math.floor(math.log10(rough)) if rough > 0 else 1.0
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * (1 - 1e-9))
    return max(step, 1.0)


def _ceiling(value: float) -> float:
    """Return the top of the axis: a whole number of steps, at least one."""
    step = _step(max(value, 1.0))
    return max(math.ceil(value / step - 1e-9), 1) * step


def _summary(days: Sequence[tuple[date, float]], unit: str) -> str:
    if not days:
        return f"No {unit} in this time."
    most, peak = max(days, key=lambda pair: pair[1])
    total = sum(value for _, value in days)
    return (
        f"{_number(total)} {unit} from {tongues.day(days[0][0])} to {tongues.day(days[-1][0])},"
        f" most on {tongues.day(most)}: {_number(peak)}."
    )


def _series_columns(series: Sequence[Series]) -> tuple[dict[str, str], ...]:
    return ({"name": "Day"}, *({"name": one.name, "align": "end"} for one in series))


def _series_rows(days: Sequence[date], series: Sequence[Series]) -> tuple[dict[str, list[str]], ...]:
    return tuple(
        {"cells": [tongues.day(day), *(_number(one.values[n]) for one in series)]} for n, day in enumerate(days)
    )


def _percent(value: float) -> str:
    return f"{value:.2f}%"


def _number(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else f"{value:,.1f}"
