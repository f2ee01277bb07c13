"""``authsvc line``: production lines that leave files in a folder, and what came of them."""

import threading
from collections.abc import Callable
from pathlib import Path

import click
from sqlalchemy.exc import OperationalError

from authsvc import catalogue, line_cameras, line_files, production_lines, signing_keys
from authsvc.cli.output import counted, json_option, note, print_json
from authsvc.cli.workplace import Workplace, opened, refusing_database
from authsvc.errors import Unavailable
from authsvc.production_lines import Batch, Outcome

brand_option = click.option("--brand", "slug", required=True, metavar="SLUG", help="The brand of the codes.")
line_option = click.option("--line", "name", required=True, metavar="NAME", help="The line, by a name of your own.")


@click.group("line")
def line_group() -> None:
    """Commission codes as lines report them, and see how the lines are doing."""


@line_group.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@brand_option
@line_option
@click.option("--once", is_flag=True, help="Do what waits, and end.")
@click.option("--every", "pause_s", type=click.FloatRange(0.1, 3600), default=1.0, show_default=True, metavar="S",
              help="How often to look, in seconds.")  # fmt: skip
def watch(folder: Path, slug: str, name: str, once: bool, pause_s: float) -> None:
    """
    Do the CSV files that a machine puts into FOLDER, in the order of their names.

    A file has a column uri (as the file of issue has it) or code, and perhaps a column act: commission or decommission.
    Write it under another ending and rename it to .csv when it is whole. What was done is moved to FOLDER/done with
    what came of it; while the database does not answer, files wait.
    """
    stopped = threading.Event()
    while not stopped.is_set():
        try:
            with opened() as place:
                brand = _take(place, slug, name)
                for path in line_files.waiting(folder):
                    _tell(line_files.do_file(path, name, brand))
        except (Unavailable, OperationalError) as error:
            if once:
                raise
            note(f"The files wait: {error}")
        if once:
            return
        stopped.wait(pause_s)


@line_group.command("set")
@brand_option
@line_option
@click.option("--run", required=True, type=click.IntRange(1), help="The run on the line.")
@click.option("--next", "expected", type=click.IntRange(0), default=0, show_default=True, help="The code to come.")
def set_line(slug: str, name: str, run: int, expected: int) -> None:
    """Put a run on a line, for its camera."""
    with opened() as place, place.sessions.begin() as session:
        brand = catalogue.get_brand(session, slug)
        info = line_cameras.set_line(session, brand, name, run, expected, now=place.now())
        place.record(session, brand.id, "line.set", name, {"run": run, "next": expected})
    click.echo(f"Line {name} expects code {info.expected} of run {run}.")


@line_group.command()
@brand_option
@line_option
@json_option
def show(slug: str, name: str, as_json: bool) -> None:
    """Show the counts of a line."""
    with opened() as place, place.sessions() as session:
        info = line_cameras.get_line(session, catalogue.get_brand(session, slug), name)
    if as_json:
        print_json(info)
        return
    click.echo(
        f"{counted(info.done, 'code')} done in {info.batches:,} batches; {info.repeated:,} were done before, "
        f"{info.refused:,} refused."
    )
    if info.run is not None:
        click.echo(
            f"On it is run {info.run} of {info.gtin}, next is code {info.expected}. "
            f"The camera has read {info.reads:,}, {info.misreads:,} of them not as expected."
        )


def _take(place: Workplace, slug: str, name: str) -> Callable[[Batch], Outcome]:
    """Return what does a batch in a transaction of its own, and notes it."""
    with place.sessions() as session:
        brand = catalogue.get_brand(session, slug)
        keys = signing_keys.load_serial_keys(session, brand.id, wrapping_key=place.wrapping_key)

    def take(batch: Batch) -> Outcome:
        with refusing_database(), place.sessions.begin() as session:
            told = production_lines.take_batch(session, brand, batch, serial_keys=keys, now=place.now())
            if not told.is_repeated:
                counts = {"number": batch.number, "done": told.done, "refused": told.refused}
                place.record(session, brand.id, f"line.{batch.act}", name, counts)
        return told

    return take


def _tell(found: line_files.FileOutcome) -> None:
    if found.fault is not None:
        note(f"{found.name}: {found.fault}")
        return
    click.echo(f"{found.name}: {found.done:,} done, {found.repeated:,} done before, {found.refused:,} refused")
    for alarm in found.alarms[:20]:
        note(f"{found.name}, row {alarm['position'] + 2}: {alarm['kind']}: {alarm['code']}")
