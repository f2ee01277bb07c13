"""
The bridge: from the server's own protocol (RSGI) to what the application speaks (WSGI), and back.

The application runs in a thread and may wait there; all that touches the connection happens on the event loop. A body
is taken in as it is read, and an answer goes out as it is made, so neither is ever held as a whole: pages send news for
a minute, and the limits on bodies are the application's own.
"""

import asyncio
import io
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from functools import lru_cache
from typing import Any, Protocol

from werkzeug.exceptions import ServiceUnavailable

from authsvc.web.wire import Answer, Environ, StartResponse

PATIENCE_S = 60.0
"""How long a thread waits for the next part of a body, or for a client to take a part of an answer."""

GRACE_S = 1.0
"""How long the rest of a body may take when the worker ends: less than it is given before it is killed."""

AT_ONCE = 1 << 20
"""The longest answer that is sent in one piece, in bytes."""

_EMPTY = frozenset({204, 304})

Headers = Sequence[tuple[str, str]]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class Stream(Protocol):
    """An answer that is sent in parts."""

    def send_bytes(self, data: bytes) -> Coroutine[Any, Any, None]:
        """Send a part; raises when the client is gone."""


class Exchange(Protocol):
    """What the server lets us do with one request."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Take in the body, part by part."""

    def response_empty(self, status: int, headers: Headers) -> None:
        """Answer without a body."""

    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None:
        """Answer at once."""

    def response_stream(self, status: int, headers: Headers) -> Stream:
        """Answer in parts."""


def environ(scope: Any) -> Environ:
    """
    Return the head of a request as WSGI has it (PEP 3333).

    A header that comes twice is joined, so that what a proxy has added last still stands last. A name with an
    underscore is left out, because it would pass for the one with a hyphen that a proxy has set.
    """
    host, port = _split(scope.server)
    asked: Environ = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path if scope.path.isascii() else scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "REMOTE_ADDR": _split(scope.client)[0],
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "wsgi.url_scheme": scope.scheme,
    }
    for name, value in scope.headers.items():
        key = _key(name)
        if key is None:
            continue
        asked[key] = f"{asked[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{value}" if key in asked else value
    if scope.authority and "HTTP_HOST" not in asked:
        asked["HTTP_HOST"] = scope.authority  # HTTP/2 has it in the place of the header.
    return asked


def send(exchange: Exchange, answer: Answer, *, is_secure: bool, is_head: bool) -> None:
    """Send one of our own answers."""
    headers = answer.whole_headers(is_secure=is_secure)
    if is_head:
        exchange.response_empty(answer.status, headers)
    else:
        exchange.response_bytes(answer.status, headers, answer.body)


def serve(
    app: Application, asked: Environ, exchange: Exchange, loop: asyncio.AbstractEventLoop, ending: "Future[float]"
) -> None:
    """
    Let *app* answer, in this thread; a client that goes away ends it.

    *ending* is done when the worker is told to end: it holds until when, by the monotonic clock, bodies may come.
    """
    begun: list[tuple[int, Headers]] = []
    early: list[bytes] = []

    def start_response(status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], None]:
        del exc_info  # Nothing was sent yet: a second call replaces the first.
        begun[:] = [(int(status[:3]), headers)]
        return early.append

    asked |= {
        "wsgi.version": (1, 0),
        "wsgi.input": io.BufferedReader(_Body(exchange, loop, ending)),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if "HTTP_TRANSFER_ENCODING" in asked:
        asked["wsgi.input_terminated"] = True  # It has no length, and ends where the stream does.
    parts = app(asked, start_response)
    try:
        status, headers = begun[0]
        if asked["REQUEST_METHOD"] == "HEAD" or status in _EMPTY:
            exchange.response_empty(status, headers)
        elif _length(headers) <= AT_ONCE:
            exchange.response_bytes(status, headers, b"".join([*early, *parts]))
        else:
            stream = exchange.response_stream(status, headers)
            for part in (*early, *parts) if early else parts:
                if part and not _is_taken(stream, part, loop):
                    break
    finally:
        if hasattr(parts, "close"):
            parts.close()


class _Body(io.RawIOBase):
    """The body of a request, taken in as it is read."""

    def __init__(self, exchange: Exchange, loop: asyncio.AbstractEventLoop, ending: "Future[float]") -> None:
        self._exchange = exchange
        self._loop = loop
        self._ending = ending
        self._parts: AsyncIterator[bytes] | None = None
        self._rest = memoryview(b"")
        self._is_over = False

    def readable(self) -> bool:
        return True

    def readinto(self, room: Any) -> int:
        """
        Fill *room* with what is there; 0 at the end.

        Raises:
            ServiceUnavailable: The worker ends, and the client has not sent the rest.
        """
        while not self._rest and not self._is_over:
            part = self._wait(asyncio.run_coroutine_threadsafe(self._next(), self._loop))
            self._is_over = part is None  # To ask once more is not foreseen by the server.
            self._rest = memoryview(part or b"")
        size = min(len(room), len(self._rest))
        room[:size], self._rest = self._rest[:size], self._rest[size:]
        return size

    def _wait(self, coming: "Future[bytes | None]") -> bytes | None:
        either: tuple[Future[Any], ...] = (coming, self._ending)
        wait(either, PATIENCE_S, FIRST_COMPLETED)
        if coming.done() or not self._ending.done():
            return coming.result(0)
        try:
            return coming.result(max(self._ending.result() - time.monotonic(), 0))
        except TimeoutError:
            coming.cancel()
            # No error of a file: those are taken for a client that has gone away, who is told nothing.
            raise ServiceUnavailable from None

    async def _next(self) -> bytes | None:
        if self._parts is None:
            self._parts = aiter(self._exchange)
        try:
            # Without a default, for which the interpreter wraps what it awaits: the server's own, wrapped so, ends the
            # whole process when the client goes away in the middle of a body (granian 2.8.7).
            return await anext(self._parts)
        except StopAsyncIteration:
            return None


def _is_taken(stream: Stream, part: bytes, loop: asyncio.AbstractEventLoop) -> bool:
    """Send a part and say whether the client is still there to take it."""
    sending = asyncio.run_coroutine_threadsafe(_send(stream, part), loop)
    try:
        sending.result(PATIENCE_S)
    except TimeoutError:
        sending.cancel()
        return False
    except RuntimeError:  # RSGIProtocolClosed is one
        return False
    return True


async def _send(stream: Stream, part: bytes) -> None:
    await stream.send_bytes(part)


def _length(headers: Headers) -> float:
    """Return how long an answer is; infinitely, where it does not say."""
    return next((float(value) for name, value in headers if name.lower() == "content-length"), float("inf"))


@lru_cache(maxsize=256)
def _key(name: str) -> str | None:
    if "_" in name:
        return None
    key = name.upper().replace("-", "_")
    return key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"


def _split(address: str) -> tuple[str, str]:
    """Return host and port, the host without the brackets of IPv6."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), port
