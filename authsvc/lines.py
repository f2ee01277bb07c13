"""
Lines: the connections of an event loop, which must not wait. Statements go out on bare libpq, and answers are awaited.

They belong to the same ``Connections`` as those of the threads: one breaker and one generation for all of a process.
A statement that overruns its time loses its line, and with it the database, exactly as the watchdog does for threads.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import psycopg
from psycopg import errors as pg

from authsvc import prepared
from authsvc.connections import BUSY, Busy, Connections, is_gone, note_refusal
from authsvc.errors import Unavailable
from authsvc.prepared import Row

MOST = 8
"""Lines of one loop. One is enough as a rule; others are made when a statement waits for a row that somebody holds."""

Params = Mapping[str, Any]


class Refused(Exception):
    """The database refused a statement as a whole: nothing of it was stored."""


class _Line:
    """One connection, on which one statement at a time is under way."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, connection: psycopg.Connection[Row], generation: int, ready: prepared.Ready
    ) -> None:
        self.generation = generation
        self._loop = loop
        self._connection = connection
        self._pgconn = connection.pgconn
        self._pgconn.nonblocking = 1
        self._ready = ready
        self._socket = self._pgconn.socket
        self._answer: asyncio.Future[None] | None = None
        loop.add_reader(self._socket, self._hear)

    async def ask(self, statement: str, params: Params) -> list[Row]:
        """Run a statement that is prepared; raises what the driver raises."""
        pgconn = self._pgconn
        name = prepared.compiled(statement)[0]
        self._answer = answer = self._loop.create_future()
        pgconn.send_query_prepared(name, prepared.dumped(statement, params))
        if pgconn.flush():
            self._loop.add_writer(self._socket, self._push)
        await answer
        result = pgconn.get_result()
        while pgconn.get_result() is not None:
            pass  # Only the end follows, which is there already.
        if result is None:
            raise psycopg.OperationalError("the connection is lost")
        return prepared.read(pgconn, self._ready, name, result)

    def close(self) -> None:
        """End it; what is under way is not waited for."""
        if self._pgconn.status is not None and not self._connection.closed:
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
        with contextlib.suppress(psycopg.Error):
            self._connection.close()

    def _hear(self) -> None:
        """Take in what has come; wake whoever asked once the answer is whole, or the line is lost."""
        try:
            self._pgconn.consume_input()
            is_whole = not self._pgconn.is_busy()
        except psycopg.Error as error:
            self._loop.remove_reader(self._socket)
            self._tell(error)
        else:
            if is_whole:
                self._tell(None)

    def _push(self) -> None:
        try:
            if not self._pgconn.flush():
                self._loop.remove_writer(self._socket)
        except psycopg.Error as error:
            self._loop.remove_writer(self._socket)
            self._tell(error)

    def _tell(self, error: psycopg.Error | None) -> None:
        answer, self._answer = self._answer, None
        if answer is None or answer.done():
            return
        if error is None:
            answer.set_result(None)
        else:
            answer.set_exception(error)


class Lines:
    """The lines of one loop; *statements* are prepared on each as it is made."""

    def __init__(self, loop: asyncio.AbstractEventLoop, connections: Connections, statements: Sequence[str]) -> None:
        self._loop = loop
        self._connections = connections
        self._statements = statements
        self._idle: list[_Line] = []
        self._room = asyncio.Semaphore(MOST)

    async def fetch(self, statement: str, params: Params) -> Row:
        """Run one statement in its own transaction and return its first row, or None; raises as ``Connections`` does."""
        try:
            rows = await self._run(statement, params)
        except BUSY:
            raise Busy("The database did not let this go ahead in time. Try again.") from None
        except (psycopg.OperationalError, psycopg.InterfaceError, pg.CheckViolation) as error:
            note_refusal(error)
            raise Unavailable("The database does not answer. Try again in a few minutes.") from None
        return rows[0] if rows else None

    async def fetch_each(self, statement: str, many: Sequence[Params], key: str) -> list[Row]:
        """
        Run a statement for several: an array for each parameter, and one row for each with *key* in it.

        Raises:
            Refused: Nothing was stored.
            Unavailable: The database does not answer; the statement may have been stored.
        """
        arrays = {name: prepared.Array(params[name] for params in many) for name in many[0]}
        try:
            rows = await self._run(statement, arrays)
        except psycopg.Error as error:
            raise Refused from error
        by_key = {getattr(row, key): row for row in rows}
        return [by_key[params[key]] for params in many]

    def close(self) -> None:
        """Close what nobody uses."""
        while self._idle:
            self._idle.pop().close()

    async def _run(self, statement: str, params: Params) -> list[Row]:
        try:
            async with asyncio.timeout(self._connections.wait_s), self._room:
                line = await self._take()
                is_good = False
                try:
                    rows = await line.ask(statement, params)
                    is_good = True
                except psycopg.Error as error:
                    if is_gone(error):
                        raise _lost() from None
                    is_good = not isinstance(error, pg.FeatureNotSupported)  # of a plan that a migration has outdated
                    raise
                finally:
                    self._give_back(line, is_good=is_good)
                return rows
        except TimeoutError:
            raise _lost() from None

    async def _take(self) -> _Line:
        while self._idle:
            line = self._idle.pop()
            if line.generation == self._connections.generation:
                return line
            line.close()
        if not self._connections.is_available:
            raise _lost()
        generation = self._connections.generation
        making = self._loop.run_in_executor(None, self._make)
        try:
            connection, ready = await asyncio.shield(making)
        except asyncio.CancelledError:
            making.add_done_callback(_close_late)
            self._connections.lose(generation)
            raise
        except (psycopg.Error, OSError):
            self._connections.lose(generation)
            raise _lost() from None
        return _Line(self._loop, connection, generation, ready)

    def _make(self) -> tuple[psycopg.Connection[Row], prepared.Ready]:
        connection, ready = self._connections.connect(), prepared.Ready()
        for statement in self._statements:
            prepared.prepare(connection.pgconn, ready, statement)
        return connection, ready

    def _give_back(self, line: _Line, *, is_good: bool) -> None:
        if is_good:
            self._idle.append(line)
            return
        line.close()
        self._connections.lose(line.generation)


def _lost() -> Unavailable:
    return Unavailable("The database does not answer. Try again in a few minutes.")


def _close_late(making: "asyncio.Future[Any] | Future[Any]") -> None:
    """Close a connection that nobody waited for."""
    if not making.cancelled() and making.exception() is None:
        making.result()[0].close()
