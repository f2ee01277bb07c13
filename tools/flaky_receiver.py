"""A receiver of webhooks that fails as the id of what comes tells it, and checks every signature by code of its own."""

import base64
import contextlib
import hashlib
import hmac
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HANG_S = 17.0
"""Longer than a worker waits."""


@dataclass(slots=True)
class Book:
    """What the receiver saw."""

    secrets: dict[str, list[bytes]] = field(default_factory=dict)
    tries: Counter[tuple[str, str]] = field(default_factory=Counter)
    taken: Counter[tuple[str, str]] = field(default_factory=Counter)
    alerts: set[str] = field(default_factory=set)
    faults: Counter[str] = field(default_factory=Counter)
    wrong: int = 0
    has_hangs: bool = True
    lock: threading.Lock = field(default_factory=threading.Lock)


class Receiver(ThreadingHTTPServer):
    """A receiver that fails as it is told by the id of what comes."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, book: Book) -> None:
        self.book = book
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a worker that is killed hangs up."""


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        content = self.rfile.read(size)
        if len(content) < size:
            return  # The worker was killed while it sent: nothing has come, and there is nothing to judge.
        book, identity, endpoint = self.server.book, self.headers["webhook-id"], self.path[1:]
        with book.lock:
            book.tries[identity, endpoint] += 1
            number = book.tries[identity, endpoint]
            book.wrong += not self._is_signed(endpoint, content)
            book.alerts.add(json.loads(content)["data"]["alert"])
            fault = _fault(identity, endpoint, number, has_hangs=book.has_hangs)
            book.faults[fault or "none"] += 1
            book.taken[identity, endpoint] += fault in {None, "slow", "cut"}
        if fault == "drop":
            return
        if fault in {"slow", "hang"}:
            time.sleep(0.5 if fault == "slow" else HANG_S)
        status = {None: 204, "slow": 200, "cut": 200, "500": 500, "503": 503, "redirect": 302, "hang": 500}[fault]
        if fault == "cut":
            self.wfile.write(b"HTTP/1.0 2")  # Taken, and the answer is lost.
            return
        self.send_response(status)
        if fault == "503":
            self.send_header("Retry-After", "1")
        if fault == "redirect":
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/redirected")
        self.end_headers()

    def _is_signed(self, endpoint: str, content: bytes) -> bool:
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + content
        right = {
            "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
            for secret in self.server.book.secrets.get(endpoint, ())
        }
        found = set(self.headers["webhook-signature"].split(" "))
        is_fresh = abs(time.time() - int(self.headers["webhook-timestamp"])) < 60
        return bool(found) and found <= right and is_fresh

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _fault(identity: str, endpoint: str, number: int, *, has_hangs: bool) -> str | None:
    """Say what happens to a try: 60 % are taken at once, 1 % never, the rest after one to four faults."""
    digest = hashlib.sha256(f"{identity}/{endpoint}".encode()).digest()
    if is_never(identity, endpoint):
        return ("500", "drop", "redirect")[number % 3]
    if digest[0] < 154 or number > 1 + digest[1] % 4:
        return None
    if has_hangs and number == 1 and digest[3] == 0:
        return "hang"
    return ("drop", "500", "503", "slow", "redirect", "cut")[(digest[2] + number) % 6]


def is_never(identity: str, endpoint: str) -> bool:
    """Whether the receiver never takes this one."""
    return hashlib.sha256(f"never/{identity}/{endpoint}".encode()).digest()[0] < 3


@contextlib.contextmanager
def receiving(book: Book) -> Iterator[int]:
    """Receive on a port of this machine, and return its number."""
    receiver = Receiver(book)
    thread = threading.Thread(target=receiver.serve_forever)
    thread.start()
    try:
        yield receiver.server_port
    finally:
        receiver.shutdown()
        thread.join()
        receiver.server_close()
