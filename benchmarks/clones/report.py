"""What the benchmark says: tables for people, JSON for programs, charts for both."""

import dataclasses
import json
import math
from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.clones.charts import Axis, Series, line_chart
from benchmarks.clones.detectors import Tier
from benchmarks.clones.evaluation import FEW, MANY, Figure, Judgement, Scores, recall_at

_LETTERS = {Tier.A: "a", Tier.B: "b"}


def table(title: str, rows: Mapping[str, Judgement]) -> str:
    """Write one table, ours first; a margin is ours minus theirs, and its interval must not hold zero."""
    lines = [
        f"### {title}",
        "",
        (
            f"| detector | false alarms | found, ≥{FEW} fake scans | found, ≥{MANY} | fake scans to alarm (median) "
            f"| ours better by, ≥{FEW} | ≥{MANY} |"
        ),
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        cells = [
            name,
            _percent(row.false_alarms, 3),
            _percent(row.recall[FEW]),
            _percent(row.recall[MANY]),
            _count(row.scans_to_alarm),
            _percent(row.margin[FEW]) if row.margin else "",
            _percent(row.margin[MANY]) if row.margin else "",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    sizes = next(iter(rows.values()))
    lines.append("")
    lines.append(
        f"{sizes.false_alarms.size:,} genuine items with a scan; {sizes.recall[FEW].size:,} copied items with at least "
        f"{FEW} fake scans, {sizes.recall[MANY].size:,} with at least {MANY}. In brackets: 95 % bootstrap intervals."
    )
    return "\n".join([*lines, ""])


def draw(folder: Path, tier: Tier, detectors: Mapping[str, Sequence[Scores]], thresholds: Mapping[str, float]) -> None:
    """Draw the ROC and the scans to the alarm of one tier."""
    rates = [10 ** (-5 + n / 12) for n in range(49)]
    share = Axis("found", 0.0, 1.0, [(n / 5, f"{20 * n} %") for n in range(6)])
    alarms = Axis(
        "genuine items ever flagged",
        1e-5,
        0.1,
        [(1e-5, "0.001 %"), (1e-4, "0.01 %"), (1e-3, "0.1 %"), (1e-2, "1 %"), (0.1, "10 %")],
        is_log=True,
    )
    curves = [Series(name, _roc(seeds, rates)) for name, seeds in detectors.items()]
    title = f"Copied items found (at least {FEW} fake scans), {tier.value}"
    (folder / f"roc-{_LETTERS[tier]}.svg").write_text(line_chart(title, alarms, share, curves), encoding="utf-8")
    scans = Axis("scans of fakes", 1, 60, [(n, str(n)) for n in (1, 10, 20, 30, 40, 50, 60)])
    courses = [Series(name, _course(seeds, thresholds[name])) for name, seeds in detectors.items()]
    title = f"Found after so many scans of fakes, at 0.10 % false alarms, {tier.value}"
    (folder / f"alarm-{_LETTERS[tier]}.svg").write_text(line_chart(title, scans, share, courses), encoding="utf-8")


def varied(rows: Sequence[tuple[str, float, Judgement]], count: int = 12) -> str:
    """Write the worst of the worlds in which one rate is another."""
    lines: list[str] = []
    orders: tuple[tuple[str, Callable[[Judgement], float]], ...] = (
        (f"found, ≥{FEW} fake scans", lambda judgement: judgement.recall[FEW].value),
        (f"found, ≥{MANY} fake scans", lambda judgement: judgement.recall[MANY].value),
        ("false alarms", lambda judgement: -judgement.false_alarms.value),
    )
    for title, key in orders:
        lines += [f"#### Worst by: {title}", "", "| rate | times | false alarms | found, ≥5 | found, ≥20 | median |"]
        lines.append("|---|---|---|---|---|---|")
        for name, factor, judgement in _ranked(rows, key)[:count]:
            lines.append(
                f"| `{name}` | {factor:g} | {_percent(judgement.false_alarms, 3)} "
                f"| {_percent(judgement.recall[FEW])} | {_percent(judgement.recall[MANY])} "
                f"| {_count(judgement.scans_to_alarm)} |"
            )
        lines.append("")
    return "\n".join(lines)


def _ranked(
    rows: Sequence[tuple[str, float, Judgement]], key: Callable[[Judgement], float]
) -> list[tuple[str, float, Judgement]]:
    return sorted(rows, key=lambda row: key(row[2]))


def write_json(file: Path, value: Any) -> None:
    """Write figures for a program; what is infinite becomes null."""
    file.write_text(json.dumps(_plain(value), indent=1) + "\n", encoding="utf-8")


def _roc(seeds: Sequence[Scores], rates: Sequence[float]) -> list[tuple[float, float]]:
    scores = array("d")
    for seed in seeds:
        scores.extend(seed.genuine)
    ranked = sorted(scores, reverse=True)
    points = []
    for rate in rates:
        allowed = int(len(ranked) * rate)
        if allowed < len(ranked):
            points.append((rate, recall_at(seeds, math.nextafter(ranked[allowed], math.inf))))
    return points


def _course(seeds: Sequence[Scores], at: float) -> list[tuple[float, float]]:
    alarms = [c.alarm(at) for seed in seeds for c in seed.copied if c.fake_scans >= FEW]
    counts = Counter(n for n in alarms if n is not None)
    points, found = [], 0
    for scans in range(1, 61):
        found += counts[scans]
        points.append((float(scans), found / max(1, len(alarms))))
    return points


def _percent(figure: Figure, digits: int = 1) -> str:
    low, high = figure.interval
    return f"{100 * figure.value:.{digits}f} % ({100 * low:.{digits}f} to {100 * high:.{digits}f})"


def _count(figure: Figure) -> str:
    if math.isinf(figure.value):
        return "never"
    return f"{figure.value:g} ({figure.interval[0]:g} to {figure.interval[1]:g})"


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
