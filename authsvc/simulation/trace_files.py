"""
A simulation as files: ``trace.jsonl`` for replay, ``truth.jsonl`` for whoever judges the judge, ``world.json``.

A trace ascends in time while items are played one after the other, so it is sorted on disk: blocks of events are sorted
in memory, put aside and merged. Memory does not grow with the number of items, only the count of blocks does.
"""

import heapq
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO

from authsvc.core.traces import write_line, write_time
from authsvc.errors import BadInput
from authsvc.simulation import Life, Simulation

TRACE, TRUTH, WORLD = "trace.jsonl", "truth.jsonl", "world.json"

_BLOCK = 200_000
_SEPARATOR = "\t"


def write(
    simulation: Simulation,
    items: int,
    folder: Path,
    *,
    may_replace: bool = False,
    progress: Callable[[int], None] = lambda _done: None,
    block: int = _BLOCK,
) -> int:
    """
    Play *items* items into *folder* and return the number of events.

    The trace gets its name last: where it stands, it is complete.

    Raises:
        BadInput: There is a trace already.
    """
    trace = folder / TRACE
    if trace.exists() and not may_replace:
        raise BadInput(f"{trace} is there already; name another folder, or say --force.")
    folder.mkdir(parents=True, exist_ok=True)
    world = {"seed": simulation.seed, "items": items, "source": "assumed", "world": asdict(simulation.world)}
    (folder / WORLD).write_text(json.dumps(world, indent=1) + "\n", encoding="utf-8")
    with tempfile.TemporaryDirectory(dir=folder, prefix="sorting-") as scratch:
        blocks: list[Path] = []
        keyed: list[str] = []
        with (folder / TRUTH).open("w", encoding="utf-8") as truths:
            for index in range(items):
                life = simulation.life(index)
                truths.write(_truth_line(life))
                keyed += _keyed_lines(index, life)
                if len(keyed) >= block:
                    blocks.append(_put_aside(keyed, Path(scratch)))
                    keyed = []
                progress(index + 1)
        blocks.append(_put_aside(keyed, Path(scratch)))
        partial = Path(scratch) / TRACE
        count = _merge(blocks, partial)
        partial.replace(trace)
    return count


# --- Private ---------------------------------------------------------------------------------------------------------


def _keyed_lines(index: int, life: Life) -> Iterator[str]:
    """Yield lines that sort by time, then item, then the item's own order."""
    for position, event in enumerate(life.events):
        yield f"{write_time(event.at)}{index:010}{position:06}{_SEPARATOR}{write_line(event)}\n"


def _truth_line(life: Life) -> str:
    truth = asdict(life.truth)
    # Positions among the item's own events, in the order in which the trace has them.
    truth["fake_events"] = [position for position, is_fake in enumerate(life.is_fake) if is_fake]
    return json.dumps(truth, separators=(",", ":")) + "\n"


def _put_aside(lines: list[str], scratch: Path) -> Path:
    lines.sort()
    file = scratch / f"{len(list(scratch.iterdir())):05}"
    with file.open("w", encoding="utf-8") as out:
        out.writelines(lines)
    return file


def _merge(blocks: list[Path], out: Path) -> int:
    count = 0
    files: list[IO[str]] = []
    try:
        files += [block.open(encoding="utf-8") for block in blocks]
        with out.open("w", encoding="utf-8") as trace:
            for line in heapq.merge(*files):
                trace.write(line.partition(_SEPARATOR)[2])
                count += 1
    finally:
        for file in files:
            file.close()
    return count
