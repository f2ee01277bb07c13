"""
A client at a constant rate: requests leave at their times, and each is timed from when it was meant to leave.

One thread, one request in flight on each connection, as many connections as the throughput was measured with and more
as they are needed. They take turns, as behind a proxy, so that every worker of the server gets its share. It is started
as a process of its own, so that its processor time can be told from the server's.
"""

import json
import resource
import select
import socket
import sys
import time
from collections import deque
from itertools import cycle
from pathlib import Path

from benchmarks.load import CONNECTIONS, Workload
from benchmarks.stand import BROWSER, HOST

MOST_CONNECTIONS = 400
_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length: "
_GOOD = b"HTTP/1.1 200 "


class _Line:
    """One connection and the request that is on it."""

    __slots__ = ("fd", "meant_at", "received", "socket", "wanted")

    def __init__(self, port: int, poll: select.epoll) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.fd = self.socket.fileno()
        poll.register(self.fd, select.EPOLLIN)
        self.meant_at = 0.0
        self.received = b""
        self.wanted = 0

    def send(self, request: bytes, meant_at: float) -> None:
        self.meant_at, self.received, self.wanted = meant_at, b"", 0
        self.socket.sendall(request)

    def is_done(self) -> bool:
        """Read what is there; say whether the answer is whole."""
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the server closed the connection")
        self.received = received = self.received + data if self.received else data
        if not self.wanted:
            end = received.find(_HEAD_END)
            if end < 0:
                return False
            if not received.startswith(_GOOD):
                raise ConnectionError(f"refused: {received[:80]!r}")
            at = received.find(_LENGTH, 0, end) + len(_LENGTH)
            self.wanted = end + len(_HEAD_END) + int(received[at : received.find(b"\r", at)])
        return len(received) >= self.wanted


def run(port: int, requests: list[bytes], rate: float, seconds: float) -> list[float]:
    """Return how long each answer took, in seconds, in the order of arrival."""
    source = cycle(requests)
    total = int(rate * seconds)
    poll = select.epoll()
    free: deque[_Line] = deque(_Line(port, poll) for _ in range(CONNECTIONS))
    busy: dict[int, _Line] = {}
    waits: list[float] = []
    start = time.perf_counter()
    sent = 0
    until = start + seconds + 10.0
    while len(waits) < total:
        now = time.perf_counter()
        if now > until:
            raise TimeoutError(f"{total - len(waits)} of {total} answers were missing after {now - start:.0f} s")
        while sent < total and (meant_at := start + sent / rate) <= now:
            if not free and len(busy) >= MOST_CONNECTIONS:
                break  # it leaves late, and is timed from when it was meant to leave all the same
            line = free.popleft() if free else _Line(port, poll)
            line.send(next(source), meant_at)
            busy[line.fd] = line
            sent += 1
        # With every connection busy there is nothing to send before an answer comes.
        is_full = not free and len(busy) >= MOST_CONNECTIONS
        pause = 0.05 if sent == total or is_full else start + sent / rate - time.perf_counter()
        for each, _ in poll.poll(min(max(pause, 0.0), 0.05)):
            line = busy[each]
            if line.is_done():
                waits.append(time.perf_counter() - line.meant_at)
                del busy[each]
                free.append(line)
    return waits


def _main() -> None:
    asked = json.loads(sys.argv[1])
    pairs = Workload(Path(asked["file"]), 0, asked["position"]).pairs()
    requests = [
        f"GET {target} HTTP/1.1\r\nHost: {HOST}\r\nAccept: {asked['accept']}\r\nUser-Agent: {BROWSER}\r\n"
        f"X-Forwarded-For: {address}\r\n\r\n".encode("ascii")
        for target, address in pairs[: int(asked["rate"] * asked["seconds"]) + 1]
    ]
    before = _own_cpu()
    waits = sorted(run(asked["port"], requests, asked["rate"], asked["seconds"]))
    seen = {
        "requests": len(waits),
        "p50_ms": waits[len(waits) // 2] * 1e3,
        "p99_ms": waits[len(waits) * 99 // 100] * 1e3,
        "max_ms": waits[-1] * 1e3,
        "client_s": _own_cpu() - before,
    }
    print(json.dumps(seen))


def _own_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    _main()
