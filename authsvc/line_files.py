"""
Files of a line: a folder into which a machine puts CSV files, each of which is done once and in order.

The folder is the buffer: while the database does not answer, files stay where they are, and are done in the order of
their names when it answers again. A file is moved to ``done`` after its last batch, with what came of it beside it; one
that cannot be read is moved to ``failed``. The numbers of its batches follow from what is in the file, so that one that
was half done when the power went is done to its end, and nothing of it twice.
"""

import csv
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from authsvc.errors import BadInput
from authsvc.production_lines import Act, Batch, Outcome

BATCH = 500
_COLUMNS = ("uri", "code")
_LARGEST = 64 * 2**20

Take = Callable[[Batch], Outcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOutcome:
    """What came of one file; ``fault`` says why it could not be read."""

    name: str
    done: int = 0
    repeated: int = 0
    refused: int = 0
    alarms: Sequence[dict[str, Any]] = ()
    fault: str | None = None


def waiting(folder: Path) -> list[Path]:
    """Return the files that wait, in the order in which they are done: that of their names."""
    return sorted(path for path in folder.glob("*.csv") if path.is_file())


def do_file(path: Path, line: str, take: Take) -> FileOutcome:
    """
    Do the batches of a file and move it; an error of *take* leaves it where it is, to be done again.

    A machine writes under another ending and renames the file when it is whole.
    """
    try:
        batches = list(read(path, line))
    except BadInput as error:
        found = FileOutcome(name=path.name, fault=str(error))
        _move(path, "failed", found)
        return found
    done = repeated = refused = 0
    alarms: list[dict[str, Any]] = []
    for first, batch in enumerate(batches):
        told = take(batch)
        done, repeated, refused = done + told.done, repeated + told.repeated, refused + told.refused
        alarms += [{**alarm, "position": alarm["position"] + first * BATCH} for alarm in told.alarms]
    found = FileOutcome(name=path.name, done=done, repeated=repeated, refused=refused, alarms=alarms)
    _move(path, "done", found)
    return found


def read(path: Path, line: str) -> Iterator[Batch]:
    """
    Yield the batches of a file: a column ``uri`` or ``code``, and perhaps ``act``, which is the same in every row.

    Raises:
        BadInput: It is no such file.
    """
    if path.stat().st_size > _LARGEST:
        raise BadInput(f"A file has at most {_LARGEST // 2**20} MB.")
    raw = path.read_bytes()
    try:
        rows = list(csv.DictReader(raw.decode("utf-8-sig").splitlines()))
    except (UnicodeDecodeError, csv.Error):
        raise BadInput("The file is no CSV in UTF-8.") from None
    column = next((name for name in _COLUMNS if rows and name in rows[0]), None)
    if column is None:
        raise BadInput("The first line names a column uri or code, and rows follow.")
    acts = {(row.get("act") or Act.COMMISSION.value).strip() for row in rows}
    if len(acts) != 1 or not acts <= set(Act):
        raise BadInput(f"The column act says the same in every row: {' or '.join(Act)}.")
    codes = [(row[column] or "").strip() for row in rows]
    whole = hashlib.sha256(path.name.encode() + b"\0" + raw).digest()
    for first in range(0, len(codes), BATCH):
        digest = hashlib.sha256(whole + first.to_bytes(8, "big")).digest()
        # 63 bits: a number that the database stores, and that no two files share.
        number = int.from_bytes(digest[:8], "big") >> 1
        yield Batch(line=line, number=number, act=Act(acts.copy().pop()), codes=codes[first : first + BATCH])


def _move(path: Path, to: str, found: FileOutcome) -> None:
    folder = path.parent / to
    folder.mkdir(exist_ok=True)
    told = {name: getattr(found, name) for name in ("done", "repeated", "refused", "alarms", "fault")}
    (folder / f"{path.name}.json").write_text(json.dumps(told, ensure_ascii=False, indent=2), "utf-8")
    path.replace(folder / path.name)
