"""
Exports: what of a brand's data can be taken away as a file, and the rows of such a file.

Rows come through a cursor of the server, a few thousand at a time, in the role of a console: row-level security stands
between two brands here too. A scan is told by the pseudonym of its visitor, which is another one for every item.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

import psycopg

from authsvc import count_statements, db
from authsvc import export_statements as sql
from authsvc.core.verdicts import OUTCOMES, Outcome, Reason
from authsvc.daily_counts import COUNTED
from authsvc.errors import BadInput

Connection = psycopg.Connection[Any]
Row = tuple[Any, ...]

ROWS = 5_000
"""Rows that the cursor brings at a time."""
EARLIEST = date(2000, 1, 1)


class Kind(StrEnum):
    """What is exported. The values are stored with the errands."""

    ALERTS = "alerts"
    SCANS = "scans"
    COUNTS = "counts"


class Format(StrEnum):
    """As what."""

    CSV = "csv"
    XLSX = "xlsx"
    JSONL = "jsonl"


COLUMNS: Mapping[Kind, tuple[tuple[str, str], ...]] = {
    Kind.ALERTS: (
        ("alert", "its number"),
        ("opened_at", "when it was raised"),
        ("closed_at", "when it was closed; empty while open"),
        ("subject", "item, lot, run, network or shop"),
        ("gtin", "the product"),
        ("product", "its name"),
        ("serial", "the item"),
        ("lot", "its batch"),
        ("about", "what it is about, where that is no item"),
        ("rule", "the rule that found it"),
        ("severity", "high, medium or low"),
        ("score", "how strong the evidence is"),
        ("countries", "of which the evidence speaks, separated by blanks"),
        ("assignee", "who works on it"),
        ("resolution", "what was decided: confirmed-clone, confirmed, false-alarm, owner-error, grey-market, test"),
        ("resolved_at", "when"),
        ("resolved_by", "by whom"),
        ("reason", "and why"),
    ),
    Kind.SCANS: (
        ("at", "when it was shown to the service"),
        ("gtin", "the product"),
        ("product", "its name"),
        ("serial", "the item"),
        ("sscc", "the case, where it is one"),
        ("lot", "the batch"),
        ("verdict", "why it was answered as it was: first-check, forged, possible-copy …"),
        ("outcome", "authentic, informational, suspect, withdrawn or invalid"),
        ("country", "where it seems to come from"),
        ("latitude", "the middle of a circle"),
        ("longitude", "the same"),
        ("radius_km", "how wide the circle is"),
        ("network", "fixed, mobile, relay, datacentre or unknown"),
        ("channel", "how it came: a page, the API, the brand's own devices …"),
        ("automated", "what kind of program it was; empty for people"),
        ("counted", "whether it counts: no program and no repeat"),
        ("confirmed_at", "when its page ran"),
        ("scan_number", "which counted scan of the item it was"),
        ("visitor", "a pseudonym that is another one for every item"),
        ("key_id", "the key that signed the code"),
        ("format", "the format of its token"),
    ),
    Kind.COUNTS: (
        ("day", "UTC"),
        ("gtin", "the product"),
        ("product", "its name"),
        ("country", "where it seems to come from"),
        ("verdict", "how it was answered"),
        ("count", "how often"),
    ),
}
"""The columns of each kind, in their order, each with what it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody wants as a file: the days are UTC, the last one included."""

    kind: Kind
    format: Format
    first: date
    last: date
    gtin: str | None = None

    @classmethod
    def read(cls, form: Mapping[str, str | None], *, today: date) -> Self:
        """
        Read what a form says, or what was stored of one.

        Raises:
            BadInput: Something is missing or makes no sense.
        """
        try:
            kind, form_at = Kind(form.get("kind") or ""), Format(form.get("format") or "")
        except ValueError:
            raise BadInput("Say what you want, and as what: CSV, XLSX or JSON Lines.") from None
        try:
            first, last = (date.fromisoformat(form.get(name) or "") for name in ("first", "last"))
        except ValueError:
            raise BadInput("Give the first and the last day, such as 2026-05-01.") from None
        if not EARLIEST <= first <= last:
            raise BadInput("The first day is not later than the last one, and not before the year 2000.")
        if last > today:
            raise BadInput(f"The last day is today at the latest: {today}.")
        return cls(kind=kind, format=form_at, first=first, last=last, gtin=form.get("gtin") or None)

    def stored(self) -> dict[str, str | None]:
        """Return it as ``read`` takes it."""
        return {
            "kind": self.kind.value,
            "format": self.format.value,
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "gtin": self.gtin,
        }

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(name for name, _ in COLUMNS[self.kind])

    @property
    def name(self) -> str:
        """How the file is called."""
        of = f"-{self.gtin}" if self.gtin else ""
        return f"{self.kind}{of}-{self.first:%Y%m%d}-{self.last:%Y%m%d}.{self.format}"


class Reading:
    """The rows of one export, read in one transaction that sees one state of the database."""

    def __init__(self, connection: Connection, brand_id: UUID, asked: Asked, *, now: datetime) -> None:
        """Begin the transaction, in the role of the console of *brand_id*; it ends with the connection."""
        self._connection = connection
        self._asked = asked
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.execute("SET LOCAL statement_timeout = 0")
        connection.execute(
            "SELECT set_config('role', %s, true), set_config('authsvc.brand', %s, true)",
            (db.CONSOLE_ROLE, str(brand_id)),
        )
        self._values = {
            "brand_id": brand_id,
            "gtin": asked.gtin,
            "first": asked.first,
            "last": asked.last,
            "since": datetime.combine(asked.first, time(), UTC),
            "until": datetime.combine(asked.last, time(), UTC) + timedelta(days=1),
            "mark": self._first(count_statements.MARK, {"job": COUNTED}) or datetime.fromtimestamp(0, UTC),
            "upto": now,
        }

    @property
    def total(self) -> int | None:
        """How many rows there are, where that is known before they are read."""
        statement = {Kind.ALERTS: sql.COUNT_ALERTS, Kind.SCANS: sql.COUNT_SCANS}.get(self._asked.kind)
        return None if statement is None else int(self._first(statement, self._values))

    def rows(self) -> Iterator[Row]:
        """Yield the rows, in the order of time."""
        statement = {Kind.ALERTS: sql.ALERTS, Kind.SCANS: sql.SCANS, Kind.COUNTS: sql.COUNTS}[self._asked.kind]
        with self._connection.cursor("export") as cursor:
            cursor.itersize = ROWS
            cursor.execute(statement, self._values)
            yield from map(_with_outcome, cursor) if self._asked.kind is Kind.SCANS else cursor

    def _first(self, statement: str, values: Mapping[str, Any]) -> Any:
        row = self._connection.execute(statement, values).fetchone()
        return row and row[0]


# --- Private ---------------------------------------------------------------------------------------------------------

_OUTCOMES = {reason.value: outcome.value for reason, outcome in OUTCOMES.items()}
_REASON, _FORMAT = 6, 19


def _with_outcome(row: Row) -> Row:
    """Tell the outcome after the verdict; a product without tokens is never more than information."""
    reason = row[_REASON]
    outcome = _OUTCOMES.get(reason, _OUTCOMES[Reason.UNKNOWN.value])
    if outcome == Outcome.AUTHENTIC and row[_FORMAT] is None:
        outcome = Outcome.INFORMATIONAL.value
    return (*row[: _REASON + 1], outcome, *row[_REASON + 1 :])
