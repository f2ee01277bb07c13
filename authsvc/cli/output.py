"""What commands print: tables for people, JSON for programs, progress for the patient."""

import contextlib
import dataclasses
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from authsvc.core.register import LEAST_RATE, MOST_RATE

PATIENCE_S = 1.0
"""After how long a command shows that it is alive."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program.")

false_alarms_option = click.option(
    "--false-alarms",
    "target_rate",
    type=click.FloatRange(LEAST_RATE, MOST_RATE),
    metavar="RATE",
    help=f"The share of genuine scanned items that may be flagged, {LEAST_RATE} to {MOST_RATE}; 0.001 is usual.",
)
records_option = click.option(
    "--records/--no-records",
    "has_lifecycle",
    default=None,
    help="Whether commissioning and sale of every item are recorded here, so that a missing record means something.",
)


def print_json(value: Any) -> None:
    """Print a value, or a list of values, of ours as JSON."""
    click.echo(json.dumps(_plain(value), indent=2, ensure_ascii=False))


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows in columns that are as wide as their widest cell."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    for row in [list(header), *cells]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def note(sentence: str) -> None:
    """Say something to the person and not to the program that reads our output."""
    click.echo(sentence, err=True)


def counted(number: int, noun: str) -> str:
    """Write a number with its noun: 1 code, 3,000 codes."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


@contextlib.contextmanager
def progress(total: int, noun: str, doing: str = "Making") -> Iterator[Callable[[int], None]]:
    """
    Yield a function that takes the number done; it draws a bar once that is worth while, and on a terminal only.

    *noun* says what is made, in the singular, and *doing* what is done with it.
    """
    start = time.monotonic()
    with contextlib.ExitStack() as stack:
        bar: Any = None
        shown = 0

        def tell(done: int) -> None:
            nonlocal bar, shown
            if bar is None:
                if not sys.stderr.isatty() or time.monotonic() - start < PATIENCE_S:
                    return
                label = f"{doing} {counted(total, noun)}"
                bar = stack.enter_context(click.progressbar(length=total, label=label, file=sys.stderr))
            bar.update(done - shown)
            shown = done

        yield tell


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, (tuple, list, frozenset)):
        return ", ".join(map(str, value)) or "-"
    return str(value)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, frozenset):
        return sorted(_plain(part) for part in value)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return str(value) if isinstance(value, (UUID, Path)) else value
