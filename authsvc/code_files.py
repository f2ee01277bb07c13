"""
The file of codes: made by all cores, written in order, and there only when it is whole.

Memory does not grow with the number of codes: a block is a few hundred kilobytes, and only a few wait at any time. The
file grows under the name ``FILE.partial``, is forced to disk, and gets its name when the caller says so.

Whoever holds ``FILE.partial`` is the only one who may give FILE its name. It is taken before the run is opened, so of
two issues into one file one is refused while its codes do not count yet; a file is never written over in silence.
"""

import contextlib
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import connection, get_context, parent_process, resource_tracker
from pathlib import Path

from authsvc.core import codes
from authsvc.core.gs1 import DigitalLink
from authsvc.errors import BadInput, Conflict, Unavailable

BLOCK = 2048
SMALL_RUN = 4 * BLOCK
"""Up to here, other processes would take longer to start than the codes to make."""

_WAITING_BLOCKS = 3  # for each process: enough to keep it busy while we write, little enough to stay small

Block = range | Sequence[str]


def index_blocks(count: int) -> Iterator[range]:
    """Cut the indexes of a run into blocks."""
    return (range(first, min(first + BLOCK, count)) for first in range(0, count, BLOCK))


def check_free(path: Path, *, may_replace: bool) -> None:
    """
    Refuse to write over a file: it may hold the only copy of codes that are printed already.

    Raises:
        Conflict: The file is there.
        BadInput: There is no such folder.
    """
    if not path.parent.is_dir():
        raise BadInput(f"There is no folder {path.parent} to write {path.name} to.")
    if os.path.lexists(path) and not may_replace:
        raise Conflict(f"{path} is there already and may hold codes that are in use. Choose another name, or --force.")


@contextlib.contextmanager
def reserved(path: Path, *, may_replace: bool) -> Iterator[Path]:
    """
    Take the name of a file for one issue; yield the partial file, which is gone if the block fails.

    Raises:
        Conflict: The file is there, or somebody else is writing it.
        BadInput: There is no such folder.
        Unavailable: The folder may not be written.
    """
    partial = path.with_name(path.name + ".partial")
    check_free(path, may_replace=may_replace)
    try:
        # Claim codes are secrets: nobody else reads the file before its owner says so.
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise Conflict(
            f"{partial} is there already: another issue is writing it, or one was cut off. "
            "Wait for it; if none is at work, remove that file."
        ) from None
    except OSError as error:
        raise _unwritable(partial, error) from error
    try:
        # Once more: the issue that held the name until a moment ago may have finished the file.
        check_free(path, may_replace=may_replace)
        yield partial
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write(
    partial: Path,
    recipe: codes.Recipe,
    blocks: Iterable[Block],
    count: int,
    *,
    cores: int,
    progress: Callable[[int], None],
) -> None:
    """
    Write the codes of *blocks* into a file that was taken by ``reserved``, and force them to disk.

    *progress* is told the number of codes written after each block.

    Raises:
        Unavailable: The disk is full, or a process was ended from outside.
        BadInput: The codes are not those that were asked for.
    """
    try:
        with partial.open("w", encoding="ascii", newline="") as file:
            for text, written in texts(recipe, blocks, count, cores=cores):
                file.write(text)
                if written:
                    progress(written)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _unwritable(partial, error) from error


def texts(recipe: codes.Recipe, blocks: Iterable[Block], count: int, *, cores: int) -> Iterator[tuple[str, int]]:
    """
    Yield the text of a file of codes, a block at a time, and how many codes there were so far; the header is first.

    Raises:
        Unavailable: A process was ended from outside.
        BadInput: The codes are not those that were asked for.
    """
    yield codes.HEADER, 0
    written = 0
    try:
        for text, size in _texts(recipe, blocks, count, cores):
            if written == 0:
                _check_first(recipe, text)
            written += size
            yield text, written
    except BrokenProcessPool as error:
        raise Unavailable("A process that made codes was ended from outside, perhaps for want of memory.") from error
    _check_count(written, count)


def publish(partial: Path, path: Path, *, may_replace: bool) -> None:
    """
    Give a whole file its name, so that the name outlasts a power cut.

    Its codes count by now, so what cannot get its name stays where it is, and the refusal says where.

    Raises:
        Conflict: A file of this name has appeared meanwhile.
        Unavailable: The folder refuses.
    """
    where = f"They count, and lie in {partial}: give that file a name that is free."
    try:
        if may_replace:
            partial.replace(path)
        else:
            _name_if_free(partial, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except FileExistsError:
        raise Conflict(f"{path} has appeared while the codes were made. {where}") from None
    except OSError as error:
        raise Unavailable(f"{path} cannot be named: {error.strerror or error}. {where}") from error


def _name_if_free(partial: Path, path: Path) -> None:
    try:
        # A second name and not a renaming, which would write over whatever has the name.
        path.hardlink_to(partial)
    except FileExistsError:
        raise
    except OSError:
        # A file system without second names, such as that of a memory stick: look, then rename.
        if os.path.lexists(path):
            raise FileExistsError(path) from None
        partial.rename(path)
    else:
        partial.unlink()


def _unwritable(partial: Path, error: OSError) -> Unavailable:
    return Unavailable(f"{partial} cannot be written: {error.strerror or error}.")


def _texts(recipe: codes.Recipe, blocks: Iterable[Block], count: int, cores: int) -> Iterator[tuple[str, int]]:
    if cores < 2 or count <= SMALL_RUN:
        for block in blocks:
            yield "".join(codes.lines(recipe, block)), len(block)
        return
    # Spawned, not forked: a fork would take the database connection and the threads of the progress bar along.
    with ProcessPoolExecutor(cores, get_context("spawn"), initializer=_receive, initargs=(recipe,)) as pool:
        waiting: deque[tuple[Future[str], int]] = deque()
        source = iter(blocks)
        try:
            with _deaf_to_ctrl_c():
                for block in islice(source, cores * _WAITING_BLOCKS):
                    waiting.append((pool.submit(_make, block), len(block)))
            while waiting:
                future, size = waiting.popleft()
                text = future.result()
                for block in islice(source, 1):
                    waiting.append((pool.submit(_make, block), len(block)))
                yield text, size
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@contextlib.contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Start processes that never hear Ctrl-C, not even while they import; for us it comes at the end of the block."""
    resource_tracker.ensure_running()  # Its own start would lift the block.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


_received: list[codes.Recipe] = []
"""The recipe of the run, in a process of the pool: sent once, not with every block."""


def _receive(recipe: codes.Recipe) -> None:
    _received[:] = [recipe]
    threading.Thread(target=_end_with_parent, name="end-with-parent", daemon=True).start()


def _end_with_parent() -> None:
    """End at once when the process that issues is gone, killed perhaps: we hold its private key in memory."""
    parent = parent_process()
    assert parent is not None  # only a process of the pool runs this
    connection.wait([parent.sentinel])
    os._exit(1)


def _make(block: Block) -> str:
    return "".join(codes.lines(_received[0], block))


def _check_first(recipe: codes.Recipe, text: str) -> None:
    """Read the first code back with the parser that will meet it: a fault of the recipe is a fault of every code."""
    link = DigitalLink.parse(text.partition(",")[0])
    number = {} if recipe.numbered_by is None else {recipe.numbered_by: link.ais.get(recipe.numbered_by)}
    if dict(link.ais) != {**recipe.ais, **number}:
        raise BadInput("The codes of this run would not read back as what was asked for. Is the base address right?")


def _check_count(written: int, count: int) -> None:
    if written != count:
        raise BadInput(f"The order is for {count:,}, and the numbers that there are make {written:,}.")
