"""
Issuing codes: ``authsvc issue`` against a loop that does nothing but sign, on as many cores.

The loop is the floor: a code cannot cost less than its signature. Both are timed without the start of the interpreter
and with everything else: the command's time includes its worker processes, the file and the transactions.
"""

import json
import subprocess
import time
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import psutil
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.figures import Figure, Report, median
from benchmarks.stand import AUTHSVC, GTIN, ROOT, WORKERS, Stand, end_group

MESSAGE_BYTES = 75  # as long as what a token of one GTIN and serial signs


def measure(at: Stand, codes: Path, report: Report, *, count: int, rounds: int) -> None:
    """Issue *count* codes into *codes*, a few times, each beside a bare loop; look at memory and database too."""
    small = issue(at, codes, count // 2)
    size_before = _database_bytes(at)
    rates, floors, peaks = [], [], []
    for _ in range(rounds):
        floors.append(_sign_rate(max(count // 10, 5_000)))
        issued = issue(at, codes, count)
        floors.append(_sign_rate(max(count // 10, 5_000)))
        rates.append(count / issued["seconds"])
        peaks.append(issued["peak_bytes"])
    grown = (_database_bytes(at) - size_before) / rounds
    # Each issue is compared with the loops just before and after it.
    ratios = [rate / ((floors[2 * i] + floors[2 * i + 1]) / 2) for i, rate in enumerate(rates)]
    report.raw["issuing"] = {"rates": rates, "floors": floors, "ratios": ratios, "peaks": [small["peak_bytes"], *peaks]}
    report.add(
        Figure(
            f"issuing {count:,} codes",
            median(rates),
            "/s",
            reference=f"{median(floors):,.0f} signatures/s",
            ratio=median(ratios),
            target=0.65,
            detail=f"{WORKERS} processes each",
        ),
        Figure(
            "memory while issuing, at its peak",
            median(peaks) / 2**20,
            "MiB",
            reference=f"{small['peak_bytes'] / 2**20:.0f} MiB for half of it",
            target=300,
            is_ceiling=True,
            detail="all processes together, shared pages counted in each",
        ),
        Figure("growth of the database for it", grown / 1024, "KiB", target=1024, is_ceiling=True),
    )


def issue(at: Stand, out: Path, count: int) -> dict[str, Any]:
    """Issue *count* codes by the command; return what it said of itself, and ``peak_bytes``."""
    command = [
        *AUTHSVC, "issue", "--gtin", GTIN, "--lot", "L1", "--count", str(count), "--out", str(out), "--force", "--json"
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT, env=at.env, stdout=subprocess.PIPE, start_new_session=True)
    try:
        peak = 0
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            peak = max(peak, _memory(watched))
            time.sleep(0.05)
        answer = process.communicate()[0]
    except BaseException:
        end_group(process)
        raise
    if process.returncode:
        raise RuntimeError(f"authsvc issue ended with {process.returncode}.")
    return {**json.loads(answer), "peak_bytes": peak}


def _memory(process: psutil.Process) -> int:
    """Return what a process and its children hold in memory at this moment."""
    total = 0
    try:
        for each in [process, *process.children(recursive=True)]:
            total += each.memory_info().rss
    except psutil.NoSuchProcess:
        return 0
    return total


def _database_bytes(at: Stand) -> int:
    at.ask("CHECKPOINT")
    return int(at.ask("SELECT pg_database_size(current_database())"))


def _sign_rate(each: int) -> float:
    """Return how many signatures a second all cores make together, once all processes are up."""
    context = get_context("spawn")
    barrier = context.Barrier(WORKERS)
    times = context.SimpleQueue()
    processes = [context.Process(target=_sign, args=(each, barrier, times), daemon=True) for _ in range(WORKERS)]
    for process in processes:
        process.start()
    spans: list[tuple[float, float]] = [times.get() for _ in processes]
    for process in processes:
        process.join()
    return WORKERS * each / (max(end for _, end in spans) - min(start for start, _ in spans))


def _sign(count: int, barrier: Barrier, times: Any) -> None:
    private = Ed25519PrivateKey.generate()
    message = bytes(MESSAGE_BYTES)
    barrier.wait()
    start = time.monotonic()
    for _ in range(count):
        private.sign(message)
    times.put((start, time.monotonic()))
