"""``authsvc replay``: judge a recorded trace with the code that judges scans, without a database."""

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import click

from authsvc.cli.output import counted, json_option, note, print_json, progress
from authsvc.core.traces import write_time
from authsvc.errors import BadInput
from authsvc.replaying import Policy, Replay, Tally, read_lines, read_trace

_MEGABYTE = 1_000_000


@click.command()
@click.argument("trace", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option(
    "--alerts",
    required=True,
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="Where alerts go, one JSON object a line; - is standard output.",
)
@click.option(
    "--target-rate",
    type=click.FloatRange(1e-6, 0.5),
    default=0.001,
    show_default=True,
    help="The share of genuine scanned items that may be flagged.",
)
@click.option(
    "--lifecycle/--no-lifecycle",
    default=None,
    help="Whether records of commissioning and sale are kept (default: by product, from its first such record on).",
)
@click.option("--copy-threshold", type=click.IntRange(2), help="Flag every item with so many confirmed visitors, too.")
@click.option(
    "--scratch",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder for what does not fit in memory (default: the system's for temporary files).",
)
@json_option
def replay(
    trace: Path,
    alerts: Path,
    target_rate: float,
    lifecycle: bool | None,
    copy_threshold: int | None,
    scratch: Path | None,
    as_json: bool,
) -> None:
    """
    Judge a recorded TRACE (JSON lines, ascending in time; - is standard input) and write alerts.

    Each serial gets one alert, when it is first flagged. The code is that of the service; no database is needed, and
    memory does not grow with the trace. `authsvc simulate` makes a trace to try it on.
    """
    start = time.monotonic()
    policy = Policy(target_rate=target_rate, has_lifecycle=lifecycle, copy_threshold=copy_threshold)
    if _is_same(trace, alerts):
        raise BadInput(f"{alerts} is the trace itself; name another file for the alerts.")
    with (
        tempfile.TemporaryDirectory(dir=scratch, prefix="authsvc-replay-") as folder,
        _reading(trace) as (source, size),
        _writing(alerts) as out,
        progress(max(1, size // _MEGABYTE), "megabyte", "Reading") as tell,
        Replay(policy, Path(folder)) as work,
    ):
        lines = read_lines(source, (lambda done: tell(done // _MEGABYTE)) if size else lambda _: None)
        for alert in work.run(read_trace(lines)):
            out.write(alert.line() + "\n")
    _report(work.tally, alerts, time.monotonic() - start, as_json=as_json)


def _report(tally: Tally, alerts: Path, seconds: float, *, as_json: bool) -> None:
    rate = round(tally.events / max(seconds, 1e-6))
    if as_json:
        first, last = (None if at is None else write_time(at) for at in (tally.first_at, tally.last_at))
        print_json({
            "events": tally.events, "scans": tally.scans, "items": tally.items, "alerts": tally.alerts,
            "first_at": first, "last_at": last, "seconds": round(seconds, 3), "events_per_second": rate,
        })  # fmt: skip
        return
    read = f"{counted(tally.events, 'event')} of {counted(tally.items, 'item')}"
    written = f"{counted(tally.alerts, 'alert')} written to {alerts}"
    say = note if str(alerts) == "-" else click.echo
    say(f"{read} read in {seconds:.1f} s ({rate:,} a second); {written}.")


def _is_same(trace: Path, alerts: Path) -> bool:
    return "-" not in {str(trace), str(alerts)} and alerts.is_file() and alerts.samefile(trace)


@contextlib.contextmanager
def _reading(trace: Path) -> Iterator[tuple[IO[bytes], int]]:
    """Open the trace; the size is 0 where nobody can know it."""
    if str(trace) == "-":
        yield sys.stdin.buffer, 0
        return
    with trace.open("rb") as source:
        yield source, trace.stat().st_size


@contextlib.contextmanager
def _writing(alerts: Path) -> Iterator[IO[str]]:
    """Open the file of alerts; it gets its name last, so where it stands it is complete."""
    if str(alerts) == "-":
        yield sys.stdout
        return
    if alerts.exists() and not alerts.is_file():  # A pipe or a device: there is nothing to put in its place.
        with alerts.open("w", encoding="utf-8") as out:
            yield out
        return
    if not alerts.parent.is_dir():
        raise BadInput(f"There is no folder {alerts.parent} for the alerts.")
    partial = alerts.with_name(f".{alerts.name}.{os.getpid()}")
    try:
        with partial.open("w", encoding="utf-8") as out:
            yield out
        partial.replace(alerts)
    finally:
        partial.unlink(missing_ok=True)
