"""``authsvc simulate``: a documented world as a trace, with the truth beside it."""

import time
from pathlib import Path

import click

from authsvc.cli.output import counted, progress
from authsvc.errors import BadInput
from authsvc.simulation import Simulation, World, trace_files


@click.command()
@click.option("--seed", type=click.IntRange(0), required=True, help="The same seed gives the same files everywhere.")
@click.option("--items", type=click.IntRange(1), required=True, help="How many items the brand makes.")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="The folder to write to.")
@click.option("--vary", multiple=True, metavar="RATE=TIMES", help="Make one rate of the world so many times as high.")
@click.option("--force", is_flag=True, help="Write over a trace that is there.")
def simulate(seed: int, items: int, out: Path, vary: tuple[str, ...], force: bool) -> None:
    """
    Simulate a brand's items, their owners and their counterfeiters.

    Writes trace.jsonl (what the service gets to see, for `authsvc replay`), truth.jsonl (which events came from fakes)
    and world.json (every rate, all of them assumed). No database is needed.
    """
    start = time.monotonic()
    world = World()
    for change in vary:
        world = world.scaled(*_read_change(change))
    with progress(items, "item") as tell:
        count = trace_files.write(Simulation(seed, world), items, out, may_replace=force, progress=tell)
    seconds = time.monotonic() - start
    made = f"{counted(count, 'event')} of {counted(items, 'item')}"
    click.echo(f"{made} written to {out / trace_files.TRACE} in {seconds:.1f} s.")


def _read_change(text: str) -> tuple[str, float]:
    name, _, factor = text.partition("=")
    try:
        times = float(factor)
    except ValueError:
        times = -1.0
    if not 0 <= times <= 1_000:
        raise BadInput(f"--vary takes a rate and a factor from 0 to 1000, as in resale=2; got {text!r}.")
    return name, times
