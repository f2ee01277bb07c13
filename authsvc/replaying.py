"""
Replaying a trace: every event in order, judged with the code that judges scans, and an alert for each serial flagged.

Nothing is read from a database. What is known of an item is its ``Dossier``; the dossiers touched last are held in
memory, the others are put aside in a scratch file (SQLite, deleted at the end), so that a trace of any length needs the
same memory. An item that was flagged needs no dossier any more: only that it was.
"""

import json
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

from authsvc.core.clones import Examination, History, Part, examine
from authsvc.core.dossiers import Dossier
from authsvc.core.traces import Event, Kind, read_line, write_time
from authsvc.errors import BadInput

HELD = 20_000
"""Dossiers in memory: some 60 MB."""
LONGEST_LINE = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """
    What a brand decides.

    ``has_lifecycle`` says whether records of commissioning and sale are kept; None finds out: from the first such
    record of a product on, its items are judged by them too.
    """

    target_rate: float = 0.001
    has_lifecycle: bool | None = None
    copy_threshold: int | None = None


class Alert(NamedTuple):
    """A serial was flagged for the first time."""

    at: int
    gtin: str
    serial: str
    score: float
    reasons: tuple[Part, ...]

    def line(self) -> str:
        """Write the alert as one line of JSON."""
        reasons = [{"rule": r.rule, "weight": round(r.weight, 3), "text": r.text} for r in self.reasons]
        row = {"at": write_time(self.at), "gtin": self.gtin, "serial": self.serial, "score": round(self.score, 3)}
        return json.dumps(row | {"reasons": reasons}, separators=(",", ":"))


@dataclass(slots=True, kw_only=True)
class Tally:
    """What a replay has gone through."""

    events: int = 0
    scans: int = 0
    items: int = 0
    alerts: int = 0
    first_at: int | None = None
    last_at: int | None = None


def read_trace(lines: Iterable[bytes]) -> Iterator[Event]:
    """
    Read the lines of a trace; empty ones are skipped.

    Raises:
        BadInput: A line is no event, or earlier than the one before it. The sentence begins with the line's number.
    """
    latest: int | None = None
    for number, line in enumerate(lines, 1):
        if len(line) > LONGEST_LINE:
            raise BadInput(f"Line {number}: longer than {LONGEST_LINE:,} bytes.")
        if not line.strip():
            continue
        try:
            event = read_line(line)
        except BadInput as error:
            raise BadInput(f"Line {number}: {error}") from None
        if latest is not None and event.at < latest:
            raise BadInput(
                f"Line {number}: a trace ascends in time, but {write_time(event.at)} comes after {write_time(latest)}. "
                "Sort it by time first."
            )
        latest = event.at
        yield event


class Replay:
    """Goes through events in the order of time and yields alerts."""

    def __init__(self, policy: Policy, scratch: Path, *, held: int = HELD) -> None:
        """Begin with nothing known; what does not fit in memory goes to a file in the folder *scratch*."""
        self.tally = Tally()
        self._policy = policy
        self._recorded: set[str] = set()
        self._dossiers = _Dossiers(scratch / "dossiers.sqlite3", held)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._dossiers.close()

    def run(self, events: Iterable[Event]) -> Iterator[Alert]:
        """Yield an alert whenever an event gets a serial flagged for the first time."""
        for event in events:
            if alert := self.take(event):
                yield alert

    def take(self, event: Event) -> Alert | None:
        """Take in one event, which must not be earlier than the last one."""
        tally = self.tally
        tally.events += 1
        tally.scans += event.kind == Kind.SCAN
        tally.first_at = event.at if tally.first_at is None else tally.first_at
        tally.last_at = event.at
        if event.kind in _RECORDS:
            self._recorded.add(event.gtin)
        key = f"{event.gtin}.{event.serial}"
        dossier, is_new = self._dossiers.open(key)
        tally.items += is_new
        # What nothing has changed in since it was last judged would be judged the same.
        if dossier is None or not dossier.take(event) or not (event.kind == Kind.SCAN or dossier.counted):
            return None
        found = self._examine(event.gtin, dossier)
        if not found.is_flagged:
            return None
        self._dossiers.settle(key)
        tally.alerts += 1
        return Alert(event.at, event.gtin, event.serial, found.score, found.parts)

    def _examine(self, gtin: str, dossier: Dossier) -> Examination:
        policy = self._policy
        has_lifecycle = gtin in self._recorded if policy.has_lifecycle is None else policy.has_lifecycle
        return examine(
            History(
                sightings=dossier.sightings,
                facts=dossier.facts,
                has_lifecycle=has_lifecycle,
                target_rate=policy.target_rate,
                copy_threshold=policy.copy_threshold,
            )
        )


def read_lines(file: Any, tell: Callable[[int], None] = lambda _bytes: None) -> Iterator[bytes]:
    """Read the lines of a binary file, none further than it may be long; *tell* hears how many bytes were read."""
    done, since = 0, 0
    while line := file.readline(LONGEST_LINE + 1):
        yield line
        done += len(line)
        if done - since >= _TELL_EVERY:
            tell(done)
            since = done


# --- Private ---------------------------------------------------------------------------------------------------------

_RECORDS = frozenset({Kind.COMMISSIONED, Kind.SOLD})
_TELL_EVERY = 1_000_000
_BATCH = 2_000


class _Dossiers:
    """The dossiers of all items: some in memory, the longest untouched in a file. None stands for a flagged item."""

    def __init__(self, file: Path, held: int) -> None:
        self._held = held
        self._open: OrderedDict[str, Dossier | None] = OrderedDict()
        self._file = sqlite3.connect(file, isolation_level=None)
        # The file is scratch: nothing of it is worth keeping when the program dies.
        for setting in ("journal_mode=OFF", "synchronous=OFF", "locking_mode=EXCLUSIVE", "cache_size=-16000"):
            self._file.execute(f"PRAGMA {setting}")
        self._file.execute("CREATE TABLE dossiers (key BLOB PRIMARY KEY, packed TEXT) WITHOUT ROWID")

    def open(self, key: str) -> tuple[Dossier | None, bool]:
        """Return the dossier of an item, None if it is settled, and whether the item was never seen before."""
        if key in self._open:
            self._open.move_to_end(key)
            return self._open[key], False
        row = self._file.execute("SELECT packed FROM dossiers WHERE key = ?", (_raw(key),)).fetchone()
        packed = json.loads(row[0]) if row else None
        dossier = None if row and packed is None else Dossier.unpack(packed) if packed is not None else Dossier()
        self._open[key] = dossier
        if len(self._open) > self._held:
            self._put_aside()
        return dossier, row is None

    def settle(self, key: str) -> None:
        """Keep of an item no more than that it was flagged."""
        self._open[key] = None

    def close(self) -> None:
        self._file.close()

    def _put_aside(self) -> None:
        untouched = [self._open.popitem(last=False) for _ in range(min(_BATCH, self._held))]
        rows = [(_raw(key), json.dumps(dossier and dossier.pack())) for key, dossier in untouched]
        rows.sort()
        self._file.execute("BEGIN")
        self._file.executemany("INSERT OR REPLACE INTO dossiers VALUES (?, ?)", rows)
        self._file.execute("COMMIT")


def _raw(key: str) -> bytes:
    return key.encode("utf-8", "surrogatepass")
