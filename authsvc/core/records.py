"""
Records of an item over time: what may be written down of one, and the series that charts are drawn of.

A record is of a kind; the kind says which values it takes and who sees it unless somebody says otherwise. Kinds and
names of values are stored: never rename one.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from authsvc.core.unit_data import Audience
from authsvc.errors import BadInput

LONGEST_TEXT, MOST_VALUES = 500, 20
_is_name = re.compile(r"[a-z][a-z0-9_]{0,39}").fullmatch

Value = float | str


@dataclass(frozen=True, slots=True)
class Series:
    """A number that records of a kind carry: its label, its unit, and between what it lies."""

    label: str
    unit: str
    least: float
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of record. ``takes_any`` lets it carry measures that have no name here, as tests do."""

    label: str
    audience: Audience
    series: Mapping[str, Series] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    takes_any: bool = False


KINDS: Mapping[str, Kind] = {
    "test": Kind(
        label="Test", audience=Audience.PARTNER, texts={"test": "Test", "result": "Result"}, takes_any=True
    ),
    "battery": Kind(
        label="Battery",
        audience=Audience.OWNER,
        series={
            "state_of_health": Series("State of health", "%", 0, 100),
            "charge_cycles": Series("Charge cycles", "cycles", 0, 1e6),
            "capacity_kwh": Series("Capacity", "kWh", 0, 1e5),
            "temperature_max": Series("Highest temperature", "°C", -100, 1000),
        },
        texts={"status": "Status", "event": "Event"},
    ),
    "maintenance": Kind(label="Maintenance", audience=Audience.OWNER, texts={"part": "Part", "work": "Work"}),
    "software": Kind(label="Software", audience=Audience.OWNER, texts={"version": "Version", "from": "From version"}),
    "service": Kind(
        label="Service", audience=Audience.OWNER,
        texts={"work": "Work", "part": "Part", "done_by": "Done by", "withdrawn": "Taken back"},
    ),
    "warranty": Kind(label="Warranty", audience=Audience.OWNER, texts={"status": "Status", "until": "Until"}),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record; *corrects* names an earlier one that was wrong, which stays."""

    id: UUID
    kind: str
    at: datetime
    values: Mapping[str, Value]
    text: str
    audience: Audience
    by: str
    recorded_at: datetime
    corrects: UUID | None = None
    is_corrected: bool = False

    @property
    def label(self) -> str:
        """The word for its kind."""
        return KINDS[self.kind].label if self.kind in KINDS else self.kind

    def worded(self, *, without: str = "") -> list[tuple[str, str]]:
        """Return name and value of what it says, for people, in the order of its kind; one value can be left out."""
        kind = KINDS.get(self.kind)
        known = [*kind.series, *kind.texts] if kind else []
        said = []
        for name in sorted(
            self.values.keys() - {without}, key=lambda name: known.index(name) if name in known else len(known)
        ):
            value = self.values[name]
            series = kind.series.get(name) if kind else None
            label = series.label if series else (kind.texts.get(name) if kind else None) or name.replace("_", " ")
            text = value if isinstance(value, str) else number(value)
            said.append((label, f"{text} {series.unit}" if series and series.unit else text))
        return said


@dataclass(frozen=True, slots=True)
class Course:
    """How one number of an item went: times, rising, and values."""

    name: str
    label: str
    unit: str
    points: tuple[tuple[datetime, float], ...]


def check_values(kind: str, values: Mapping[str, Any]) -> dict[str, Value]:
    """
    Accept the values of a record of this kind.

    Raises:
        BadInput: The kind is unknown, or it takes no such value, and which it takes.
    """
    known = KINDS.get(kind)
    if known is None:
        raise BadInput(f"A record is one of {', '.join(KINDS)}, got {kind!r}.")
    if len(values) > MOST_VALUES:
        raise BadInput(f"A record has {MOST_VALUES} values at most.")
    return {name: _value(known, name, value) for name, value in values.items()}


def courses(records: Sequence[Record]) -> list[Course]:
    """Return the series of records that have at least two points; what was corrected does not count."""
    found: dict[tuple[str, str], list[tuple[datetime, float]]] = {}
    for each in sorted(records, key=lambda record: (record.at, record.recorded_at)):
        if each.is_corrected:
            continue
        for name, value in each.values.items():
            if not isinstance(value, str):
                found.setdefault((each.kind, name), []).append((each.at, float(value)))
    return [
        Course(f"{kind}-{name}", series.label if series else name.replace("_", " ").capitalize(),
               series.unit if series else "", tuple(points))
        for (kind, name), points in found.items()
        if len(points) > 1
        for series in (KINDS[kind].series.get(name) if kind in KINDS else None,)
    ]  # fmt: skip


def number(value: float) -> str:
    """Write a number as people do: 93.1, 1,204."""
    return f"{int(value):,}" if value == int(value) else f"{value:,.2f}".rstrip("0")


# --- Private ---------------------------------------------------------------------------------------------------------


def _value(kind: Kind, name: str, value: Any) -> Value:
    if (series := kind.series.get(name)) is not None:
        if isinstance(value, bool) or not isinstance(value, int | float) or not series.least <= value <= series.most:
            raise BadInput(
                f"{name} is a number from {series.least:g} to {series.most:g}{f' {series.unit}' * bool(series.unit)}, "
                f"got {value!r}."
            )
        return value
    if isinstance(value, str) and (name in kind.texts or kind.takes_any):
        if not _is_name(name) or len(value) > LONGEST_TEXT or not value.isprintable():
            raise BadInput(f"{name} is one line of at most {LONGEST_TEXT} characters.")
        return value
    if kind.takes_any and _is_name(name) and isinstance(value, int | float) and not isinstance(value, bool):
        if not -1e12 < value < 1e12:
            raise BadInput(f"{name} is a number that an instrument could show, got {value!r}.")
        return value
    takes = ", ".join([*kind.series, *kind.texts]) or "nothing"
    raise BadInput(f"A record of this kind takes {takes}; got {name}: {value!r}.")
