"""
Raw connections for the hot path: one for each thread, with a deadline on the socket and a breaker before them all.

A frozen server answers no timeout of the driver or of its own, so the deadline works on the socket: a watchdog shuts
it down, the driver sees the end of the stream, and the scan goes on without a history. After that the breaker is open:
every call is refused at once until a probe reaches the server again. What was running when the deadline struck may
have been stored, so callers say "not confirmed", never "not recorded".
"""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
import structlog
from psycopg import errors as pg
from psycopg.rows import namedtuple_row

from authsvc import db, prepared
from authsvc.errors import Unavailable

LOCK_WAIT_MS = 250
_WATCH_S = 0.05
_IDLE = float("inf")

BUSY = (pg.LockNotAvailable, pg.QueryCanceled, pg.DeadlockDetected, pg.SerializationFailure)
"""The server is there and would not let this statement go ahead in time; nothing of it was stored."""

_GONE = (psycopg.InterfaceError, pg.AdminShutdown, pg.CrashShutdown, pg.CannotConnectNow)
"""What a server says before it ends a line: the driver may not have seen the end of the stream yet."""

LOST = "The database does not answer. Try again in a few minutes."

log = structlog.get_logger()

Row = prepared.Row
Params = Mapping[str, Any]


class Busy(Unavailable):
    """The database is there but would not let this one go ahead in time: a lock was held or a statement took long."""

    code = "busy"
    title = "Busy"


def is_gone(error: psycopg.Error) -> bool:
    """Whether an error means that the server or the line to it is lost."""
    return isinstance(error, _GONE) or error.sqlstate is None


def note_refusal(error: psycopg.Error) -> None:
    """Log what the server had no room for: a full disk, no partition for this month. Who scans gets the signature."""
    log.error("statement-refused", sqlstate=error.sqlstate, detail=error.diag.message_primary)


class _Line:
    """The connection of one thread, and until when its present statement may run."""

    __slots__ = ("connection", "deadline", "generation", "plug", "ready")

    def __init__(self, connection: psycopg.Connection[Row], generation: int) -> None:
        self.connection = connection
        self.generation = generation
        self.deadline = _IDLE
        self.ready: prepared.Ready = {}
        # A duplicate of the descriptor: shutting it down reaches the socket, and it cannot be reused under us.
        try:
            self.plug = socket.socket(fileno=os.dup(connection.fileno()))
        except (OSError, psycopg.Error):
            connection.close()  # It was lost as soon as it was made.
            raise

    def cut(self) -> None:
        """Shut the socket down under a statement that overran."""
        self.deadline = _IDLE
        with contextlib.suppress(OSError):
            self.plug.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.deadline = _IDLE
        self.plug.close()
        with contextlib.suppress(psycopg.Error):
            self.connection.close()


class Connections:
    """
    Connections of one process to one database under one role.

    ``wait_s`` is how long a statement may take before its socket is cut; ``probe_s`` how often a lost server is tried.
    """

    def __init__(self, url: str, *, role: str | None = None, wait_s: float = 1.0, probe_s: float = 0.25) -> None:
        self._url = db.driver_url(url)
        self._role = role
        self._wait_s = wait_s
        self._probe_s = probe_s
        self._local = threading.local()
        self._lines: set[_Line] = set()
        self._guard = threading.Lock()
        self._generation = 0
        self._is_open = False  # of the breaker: open means that no call passes
        self._has_watchdog = False
        self._closed = threading.Event()

    @property
    def is_available(self) -> bool:
        """Whether the last that was heard of the database is good."""
        return not self._is_open

    def fetch(self, statement: str, params: Params) -> Row:
        """
        Run one statement in its own transaction and return its first row, or None when it returns none.

        Raises:
            Busy: A lock or the statement took too long; nothing was stored.
            Unavailable: The database does not answer; the statement may have been stored.
        """
        rows = self.fetch_all(statement, params)
        return rows[0] if rows else None

    def fetch_all(self, statement: str, params: Params) -> list[Row]:
        """Run one statement in its own transaction and return all its rows; raises as ``fetch`` does."""
        line = self._line()
        line.deadline = time.monotonic() + self._wait_s
        try:
            return prepared.run(line.connection.pgconn, line.ready, statement, params)
        except BUSY:
            raise Busy("The database did not let this go ahead in time. Try again.") from None
        except (psycopg.OperationalError, psycopg.InterfaceError, pg.CheckViolation) as error:
            self._judge(line, error)
            raise Unavailable(LOST) from None
        finally:
            line.deadline = _IDLE

    @contextlib.contextmanager
    def transaction(self, *, wait_s: float | None = None) -> Iterator[psycopg.Connection[Row]]:
        """Run several statements in one transaction, within *wait_s* all together; raises as ``fetch`` does."""
        line = self._line()
        line.deadline = time.monotonic() + (wait_s or self._wait_s)
        try:
            with line.connection.transaction():
                yield line.connection
        except BUSY:
            raise Busy("The database did not let this go ahead in time. Try again.") from None
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            self._judge(line, error)
            raise Unavailable(LOST) from None
        finally:
            line.deadline = _IDLE

    def close(self) -> None:
        """Close every connection and stop the watchdog."""
        self._closed.set()
        with self._guard:
            lines, self._lines = self._lines, set()
        for line in lines:
            line.close()

    @property
    def wait_s(self) -> float:
        """How long a statement may take."""
        return self._wait_s

    @property
    def generation(self) -> int:
        """The number of times that the database was lost: what was connected before is not to be trusted."""
        return self._generation

    def lose(self, generation: int) -> None:
        """Hear that a connection of *generation* is broken: every other one of it is suspect too."""
        self._trip(generation)

    def connect(self) -> psycopg.Connection[Row]:
        """Make a connection as all here are, for the caller to watch and to close."""
        # The settings travel in the start-up packet, because a statement to a frozen server would wait for ever here.
        # Plans for point look-ups do not depend on the values: planning each time costs as much as running.
        settings = {
            "lock_timeout": LOCK_WAIT_MS,
            "statement_timeout": max(int(self._wait_s * 1000) - 100, 100),
            "plan_cache_mode": "force_generic_plan",
            "jit": "off",
            # Nor on how large the tables were when a statement was planned: over one that was empty then, a flight of
            # scans would read the whole table each time, until it is analysed.
            "enable_seqscan": "off",
            "enable_hashjoin": "off",
            "enable_mergejoin": "off",
            "timezone": "UTC",
            "datestyle": "ISO",
        } | ({"role": self._role} if self._role else {})
        return psycopg.connect(
            self._url,
            autocommit=True,
            row_factory=namedtuple_row,
            connect_timeout=2,
            application_name="authsvc",
            options=" ".join(f"-c {name}={value}" for name, value in settings.items()),
        )

    def _line(self) -> _Line:
        if self._is_open or self._closed.is_set():
            raise Unavailable(LOST)
        line: _Line | None = getattr(self._local, "line", None)
        if line is not None and line.generation == self._generation:
            return line
        if line is not None:
            self._forget(line)
        generation = self._generation
        try:
            line = _Line(self.connect(), generation)
        except (psycopg.OperationalError, OSError):
            self._trip(generation)
            raise Unavailable(LOST) from None
        self._local.line = line
        with self._guard:
            self._lines.add(line)
            is_late = self._closed.is_set()
            if not self._has_watchdog:
                self._has_watchdog = True
                threading.Thread(target=self._watch, name="authsvc-deadlines", daemon=True).start()
        if is_late:
            # Closed while this was being connected: nobody would close it any more.
            self._forget(line)
            raise Unavailable("The service is being stopped. Try again in a moment.")
        return line

    def _forget(self, line: _Line) -> None:
        with self._guard:
            self._lines.discard(line)
        line.close()
        self._local.line = None

    def _judge(self, line: _Line, error: psycopg.Error) -> None:
        """Lose a line that is gone; one that is good stays, for the server only had no room for this statement."""
        if is_gone(error) or line.connection.closed:
            self._lose(line)
        else:
            note_refusal(error)

    def _lose(self, line: _Line) -> None:
        """Drop a broken line; every other line of its generation is suspect too."""
        self._forget(line)
        self._trip(line.generation)

    def _trip(self, generation: int) -> None:
        with self._guard:
            if self._is_open or generation != self._generation or self._closed.is_set():
                return
            self._is_open = True
            self._generation += 1
        threading.Thread(target=self._probe, name="authsvc-probe", daemon=True).start()

    def _probe(self) -> None:
        """Try to reach the server until it answers, then close the breaker."""
        while not self._closed.is_set():
            with contextlib.suppress(psycopg.Error, OSError):
                line = _Line(self.connect(), self._generation)
                with self._guard:
                    self._lines.add(line)
                line.deadline = time.monotonic() + self._wait_s
                try:
                    line.connection.execute("SELECT 1")
                    self._is_open = False
                    return
                finally:
                    with self._guard:
                        self._lines.discard(line)
                    line.close()
            self._closed.wait(self._probe_s)

    def _watch(self) -> None:
        while not self._closed.wait(_WATCH_S):
            now = time.monotonic()
            with self._guard:
                late = [line for line in self._lines if line.deadline < now]
            for line in late:
                line.cut()
