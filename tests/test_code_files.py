import errno
import multiprocessing
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID

import pytest

from authsvc import code_files
from authsvc.core import codes
from authsvc.errors import BadInput, Conflict, Unavailable

RECIPE = codes.Recipe(
    brand_id=UUID(int=5),
    gtin="09506000134352",
    lot=None,
    head="https://id.example.com/01/09506000134352/21/",
    tail="?s=",
    ais={"01": "09506000134352"},
    numbered_by="21",
    run=1,
    key_id=1,
    private=bytes(32),
    epoch="0",
    serial_key=bytes(32),
)


def write(path, *, count=10, blocks=None, cores=1, recipe=RECIPE, progress=lambda _done: None):
    blocks = code_files.index_blocks(count) if blocks is None else blocks
    with code_files.reserved(path, may_replace=False) as partial:
        code_files.write(partial, recipe, blocks, count, cores=cores, progress=progress)
    return partial


@pytest.fixture
def out(tmp_path):
    return tmp_path / "codes.csv"


def test_a_file_has_its_name_only_when_it_is_whole(out):
    partial = write(out)
    assert not out.exists()
    code_files.publish(partial, out, may_replace=False)

    assert out.read_bytes().startswith(codes.HEADER.encode())
    assert len(out.read_bytes().splitlines()) == 11
    assert [path.name for path in out.parent.iterdir()] == ["codes.csv"]


def test_many_processes_write_what_one_writes(tmp_path):
    count = code_files.SMALL_RUN + 1
    one, many = (write(tmp_path / f"{cores}.csv", count=count, cores=cores) for cores in (1, 2))

    assert one.read_bytes() == many.read_bytes()


def test_progress_is_told_after_every_block(out):
    told = []
    write(out, count=2 * code_files.BLOCK + 1, progress=told.append)

    assert told == [code_files.BLOCK, 2 * code_files.BLOCK, 2 * code_files.BLOCK + 1]


@pytest.mark.parametrize("cores", [1, 2])
def test_an_interrupt_leaves_no_file(out, cores):
    def interrupt(_done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(out, count=code_files.SMALL_RUN + 1, cores=cores, progress=interrupt)
    assert list(out.parent.iterdir()) == []


def test_a_process_that_dies_is_a_refusal(out):
    def kill(_done):
        multiprocessing.active_children()[0].kill()

    with pytest.raises(Unavailable, match="ended from outside"):
        write(out, count=20 * code_files.BLOCK, cores=2, progress=kill)
    assert list(out.parent.iterdir()) == []


def test_no_process_outlives_the_one_that_issues(out):
    """The processes of the pool hold the private key; kill -9 gives nobody the time to end them."""
    program = f"""
from test_code_files import code_files, multiprocessing, write, Path

def tell(_done):
    print(*[process.pid for process in multiprocessing.active_children()], flush=True)

write(Path({str(out)!r}), count=10**7, cores=2, progress=tell)
"""
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as issue:
        workers = [int(pid) for pid in issue.stdout.readline().split()]
        issue.kill()
    deadline = time.monotonic() + 10
    while (alive := [pid for pid in workers if is_alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in alive:
        os.kill(pid, signal.SIGKILL)

    assert (len(workers), alive) == (2, [])


def is_alive(pid):
    """Whether it runs: a process that nobody has buried yet holds nothing any more."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_too_few_numbers_leave_no_file(out):
    with pytest.raises(BadInput, match="order is for 3, and the numbers that there are make 2"):
        write(out, count=3, blocks=[["A", "B"]])
    assert list(out.parent.iterdir()) == []


def test_codes_that_do_not_read_back_are_refused(out):
    wrong = codes.Recipe(**{f: getattr(RECIPE, f) for f in RECIPE.__slots__} | {"ais": {"01": "09506000134369"}})

    with pytest.raises(BadInput, match="would not read back"):
        write(out, recipe=wrong)
    assert list(out.parent.iterdir()) == []


def test_a_place_that_cannot_be_written_is_a_refusal(tmp_path):
    with pytest.raises(Unavailable, match="cannot be written: File name too long"):
        write(tmp_path / ("x" * 250))


def test_two_issues_do_not_write_one_file(out):
    other = write(out)
    before = other.read_bytes()

    with pytest.raises(Conflict, match="another issue is writing it"):
        write(out)
    assert other.read_bytes() == before


def test_the_name_is_looked_for_again_once_it_is_held(out, monkeypatch):
    """The other issue gave the file its name between our look and our taking of the partial file."""
    real = os.open

    def finish_first(path, *arguments):
        out.write_text("precious")
        return real(path, *arguments)

    monkeypatch.setattr(os, "open", finish_first)
    with pytest.raises(Conflict, match="is there already"):
        write(out)
    monkeypatch.undo()

    assert [path.name for path in out.parent.iterdir()] == ["codes.csv"]


@pytest.mark.parametrize("has_second_names", [True, False])
def test_a_file_that_appeared_meanwhile_keeps_its_name(out, monkeypatch, has_second_names):
    partial = write(out)
    if not has_second_names:
        monkeypatch.setattr(Path, "hardlink_to", refuse_second_name)
    out.write_text("precious")

    with pytest.raises(Conflict, match="They count, and lie in"):
        code_files.publish(partial, out, may_replace=False)
    assert out.read_text() == "precious"
    assert partial.exists()
    code_files.publish(partial, out, may_replace=True)
    assert len(out.read_bytes().splitlines()) == 11


def refuse_second_name(_path, _target):
    raise PermissionError(errno.EPERM, "Operation not permitted")


def test_a_memory_stick_has_no_second_names(out, monkeypatch):
    partial = write(out)
    monkeypatch.setattr(Path, "hardlink_to", refuse_second_name)

    code_files.publish(partial, out, may_replace=False)
    assert [path.name for path in out.parent.iterdir()] == ["codes.csv"]


def test_a_folder_that_is_gone_says_where_the_codes_are(out):
    partial = write(out)

    with pytest.raises(Unavailable, match=r"cannot be named: No such file or directory\. They count, and lie in"):
        code_files.publish(partial, out.parent / "gone" / "codes.csv", may_replace=True)
    assert partial.exists()


def test_claim_codes_are_for_the_owner_of_the_file(out):
    assert stat.S_IMODE(write(out).stat().st_mode) == 0o600


def test_a_file_is_written_over_only_by_force(out):
    out.write_text("precious")

    with pytest.raises(Conflict, match="--force"):
        code_files.check_free(out, may_replace=False)
    code_files.check_free(out, may_replace=True)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(BadInput, match="no folder"):
        code_files.check_free(tmp_path / "none" / "codes.csv", may_replace=False)
