"""
The clients: wrk as a closed loop for throughput, a client of our own at a constant rate for latency.

A closed loop waits for answers and so never asks faster than the server can; what it measures is the most that passes.
Latency at a given load needs the opposite: requests leave at their times whatever the server does, and each one is
timed from when it was meant to leave, so that a stall counts for everybody who would have come meanwhile.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks.stand import BROWSER, HOST, ROOT, WebServer, cpu_seconds, end_group

CONNECTIONS = 64
"""In flight at a time. With 16 the processors stand idle while a flight is forced to disk."""

JSON = "application/json"
HTML = "text/html,application/xhtml+xml"


@dataclass(frozen=True, slots=True)
class Burst:
    """What one closed-loop measurement saw; processor time is in microseconds for each request."""

    rate: float
    requests: int
    p50_ms: float
    p99_ms: float
    web_us: float
    database_us: float
    client_us: float
    client_share: float


@dataclass(frozen=True, slots=True)
class Latency:
    """What one open-loop measurement saw."""

    rate: float
    requests: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    client_share: float


@dataclass(slots=True)
class Workload:
    """A list of links, each with the address that asks for it; consecutive bursts go on where the last one stopped."""

    file: Path
    count: int
    position: int = field(default=0)

    @classmethod
    def write(cls, file: Path, pairs: Sequence[tuple[str, str]]) -> "Workload":
        """Write the list for the clients to read."""
        file.write_text("".join(f"{target}\t{address}\n" for target, address in pairs), encoding="ascii")
        return cls(file, len(pairs))

    def pairs(self) -> list[tuple[str, str]]:
        """Read the list back, from the present position on."""
        lines = self.file.read_text(encoding="ascii").splitlines()
        turned = lines[self.position :] + lines[: self.position]
        return [(line.split("\t")[0], line.split("\t")[1]) for line in turned]


def burst(
    server: WebServer, work: Workload, accept: str, seconds: float, *, database: psutil.Process | None = None
) -> Burst:
    """
    Ask as fast as the answers come and return what passed.

    Raises:
        RuntimeError: An answer was a refusal or a connection broke; then the figures would mean something else.
    """
    web_before, database_before = cpu_seconds(server.process), cpu_seconds(database) if database else 0.0
    client_before = _children_cpu()
    command = [
        "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(round(seconds), 1)}s", "--timeout", "10s",
        "-s", "benchmarks/load.lua",
        "-H", f"Host: {HOST}", "-H", f"User-Agent: {BROWSER}", f"http://127.0.0.1:{server.port}/", "--",
        str(work.file), accept, str(work.position),
    ]  # fmt: skip
    seen = json.loads(_run(command, seconds + 30).splitlines()[-1])
    web = cpu_seconds(server.process) - web_before
    client = _children_cpu() - client_before
    base = cpu_seconds(database) - database_before if database else 0.0
    if seen["refused"] or seen["broken"] or not seen["requests"]:
        raise RuntimeError(f"The measurement is void: {seen}.")
    work.position = (work.position + seen["requests"] + CONNECTIONS) % work.count
    requests = seen["requests"]
    return Burst(
        rate=requests / seen["seconds"],
        requests=requests,
        p50_ms=seen["p50_ms"],
        p99_ms=seen["p99_ms"],
        web_us=web / requests * 1e6,
        database_us=base / requests * 1e6,
        client_us=client / requests * 1e6,
        client_share=client / (web + base + client),
    )


def steady(server: WebServer, work: Workload, accept: str, rate: float, seconds: float) -> Latency:
    """Ask *rate* times a second, whatever comes back, and return how long people waited."""
    arguments = {
        "port": server.port,
        "file": str(work.file),
        "position": work.position,
        "accept": accept,
        "rate": rate,
        "seconds": seconds,
    }
    command = [sys.executable, "-m", "benchmarks.open_loop", json.dumps(arguments)]
    web_before = cpu_seconds(server.process)
    seen = json.loads(_run(command, seconds + 30))
    web = cpu_seconds(server.process) - web_before
    work.position = (work.position + seen["requests"]) % work.count
    return Latency(
        rate=seen["requests"] / seconds,
        requests=seen["requests"],
        p50_ms=seen["p50_ms"],
        p99_ms=seen["p99_ms"],
        max_ms=seen["max_ms"],
        client_share=seen["client_s"] / (web + seen["client_s"]),
    )


def _run(command: list[str], limit_s: float) -> str:
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        out, _ = process.communicate(timeout=limit_s)
    except BaseException:
        end_group(process)
        raise
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}: {out[-500:]}")
    return out


def _children_cpu() -> float:
    """Return the processor time of the processes that have ended: here, the clients."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
