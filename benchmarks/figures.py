"""
What a run found: figures with their reference and target, the machine, and the ways to show them.

A figure of this project is a ratio of two things measured in the same run on the same machine; absolute numbers stand
beside it to be understood, not to be compared.
"""

import importlib.metadata
import json
import os
import platform
import re
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

PACKAGES = ("cryptography", "Flask", "granian", "psycopg", "segno", "zxing-cpp", "PyJWT")

_BLOCK = re.compile(r"(<!-- results -->\n).*?(<!-- end of results -->)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Figure:
    """
    One line of the table.

    *target* bounds *ratio*: from below, or from above where *is_ceiling*. Without a target it is for information.
    """

    name: str
    value: float
    unit: str
    reference: str | None = None
    ratio: float | None = None
    target: float | None = None
    is_ceiling: bool = False
    detail: str = ""

    @property
    def is_met(self) -> bool | None:
        """Whether the target is met, or None where there is none."""
        if self.target is None:
            return None
        bounded = self.value if self.ratio is None else self.ratio
        return bounded <= self.target if self.is_ceiling else bounded >= self.target


@dataclass(slots=True)
class Report:
    """All figures of one run."""

    is_quick: bool
    machine: dict[str, Any]
    figures: list[Figure] = field(default_factory=list)
    raw: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    at: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")

    def add(self, *figures: Figure) -> None:
        """Add figures and show them at once."""
        for figure in figures:
            self.figures.append(figure)
            print("  " + "  ".join(cell for cell in _cells(figure) if cell), flush=True)

    def as_json(self) -> str:
        """Return everything, for programs."""
        document = {
            "at": self.at,
            "seconds": round(self.seconds, 1),
            "quick": self.is_quick,
            "machine": self.machine,
            "figures": [{**asdict(figure), "met": figure.is_met} for figure in self.figures],
            "raw": self.raw,
        }
        return json.dumps(_rounded(document), indent=1, ensure_ascii=False) + "\n"

    def as_markdown(self) -> str:
        """Return the table and the machine, for the documentation."""
        rows = [_cells(figure) for figure in self.figures]
        header = ("what", "measured", "against", "ratio", "target", "met", "notes")
        table = [header, ("---",) * len(header), *rows]
        machine = self.machine
        versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
        place = (
            f"Measured {self.at[:10]} on {machine['cores']} cores ({machine['processor']}), "
            f"{machine['memory_gib']:.0f} GiB of memory, {machine['system']}; a forced write of 8 KiB took "
            f"{machine['fdatasync_us']:.0f} us, load before the run {machine['load_before']:.1f}. {versions}."
        )
        return "\n".join([*("| " + " | ".join(row) + " |" for row in table), "", place, ""])

    def write_into(self, document: Path) -> None:
        """Replace the results block of a document, where it has one."""
        text = document.read_text(encoding="utf-8")
        document.write_text(_BLOCK.sub(lambda match: match[1] + self.as_markdown() + match[2], text), encoding="utf-8")


def median(values: Sequence[float]) -> float:
    """Return the middle value; of an even number, the lower middle one, which was really measured."""
    return sorted(values)[(len(values) - 1) // 2]


def look_at_machine() -> dict[str, Any]:
    """Say what the figures were measured on."""
    versions = {"Python": platform.python_version()}
    versions |= {name: importlib.metadata.version(name) for name in PACKAGES}
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "memory_gib": psutil.virtual_memory().total / 2**30,
        "system": f"{platform.system()} {platform.release()}",
        "load_before": os.getloadavg()[0],
        "fdatasync_us": _fdatasync_us(),
        "versions": versions,
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    names = (
        re.findall(r"^model name\s*:\s*(.+)$", info.read_text(encoding="utf-8"), re.MULTILINE) if info.exists() else []
    )
    return str(names[0]) if names else platform.processor() or platform.machine()


def _fdatasync_us() -> float:
    """Return what it takes to force a page to the disk that the database will lie on."""
    block = bytes(8192)
    waits = []
    with tempfile.TemporaryFile() as file:
        file.write(block * 64)
        file.flush()
        os.fsync(file.fileno())
        for at in range(200):
            os.pwrite(file.fileno(), block, at % 64 * len(block))
            start = time.perf_counter()
            os.fdatasync(file.fileno())
            waits.append(time.perf_counter() - start)
    return median(waits) * 1e6


def _cells(figure: Figure) -> tuple[str, ...]:
    sign = "≤" if figure.is_ceiling else "≥"
    return (
        figure.name,
        f"{_short(figure.value)} {figure.unit}",
        figure.reference or "",
        "" if figure.ratio is None else f"{figure.ratio:.2f}",
        "" if figure.target is None else f"{sign} {figure.target:g}",
        {None: "", True: "yes", False: "**no**"}[figure.is_met],
        figure.detail,
    )


def _short(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _rounded(value: Any) -> Any:
    match value:
        case float():
            return float(f"{value:.5g}")
        case dict():
            return {key: _rounded(each) for key, each in value.items()}
        case list() | tuple():
            return [_rounded(each) for each in value]
    return value
