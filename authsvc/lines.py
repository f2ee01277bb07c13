"""
Lines: the connections of an event loop, which must not wait. Statements go out on bare libpq, and answers are awaited.

They belong to the same ``Connections`` as those of the threads: one breaker and one generation for all of a process.
A statement that overruns its time loses its line, and with it the database, as the watchdog does for threads.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import psycopg
from psycopg import errors as pg
from psycopg import pq

from authsvc import prepared
from authsvc.connections import BUSY, LOST, Busy, Connections, is_gone, note_refusal
from authsvc.errors import Unavailable
from authsvc.prepared import Row

MOST = 8
"""Lines of one loop. One or two are enough as a rule; the others are for statements that wait for a held row."""

Params = Mapping[str, Any]
Values = Sequence[bytes | None]


class Refused(Exception):
    """The database refused a statement as a whole: nothing of it was stored."""


class Line:
    """One connection, on which one statement at a time is under way."""

    def __init__(self, loop: asyncio.AbstractEventLoop, connection: psycopg.Connection[Row], generation: int) -> None:
        self.generation = generation
        self.is_broken = False
        self._loop = loop
        self._connection = connection
        self._pgconn = connection.pgconn
        self._pgconn.nonblocking = 1
        self._ready: prepared.Ready = {}
        self._answer: asyncio.Future[list[pq.abc.PGresult]] | None = None
        self._results: list[pq.abc.PGresult] = []
        # A duplicate: libpq closes its own as soon as it sees the end, and the loop would watch somebody else's.
        self._socket = socket.socket(fileno=os.dup(connection.fileno()))
        loop.add_reader(self._socket, self._hear)

    async def prepare(self, statements: Sequence[str]) -> None:
        """Prepare every statement that will be asked; raises what the driver raises."""
        for statement in statements:
            name, text, _ = prepared.compiled(statement)
            self._pgconn.send_prepare(name, text)
            for result in await self._await_answer():
                prepared.check(self._pgconn, result)
            self._ready[name] = None

    async def ask(self, statement: str, values: Values) -> list[Row]:
        """Run a statement that is prepared and return its rows, once it is committed; raises what the driver raises."""
        name = prepared.compiled(statement)[0]
        self._pgconn.send_query_prepared(name, values)
        first, *others = await self._await_answer()
        for each in others:
            prepared.check(self._pgconn, each)  # what a commit is refused with comes after the rows
        return prepared.read(self._pgconn, self._ready, name, first)

    def close(self) -> None:
        """End it; what is under way is not waited for."""
        self._stop_watching()
        self._socket.close()
        with contextlib.suppress(psycopg.Error):
            self._connection.close()

    async def _await_answer(self) -> list[pq.abc.PGresult]:
        self._answer = self._loop.create_future()
        self._results = []
        if self._pgconn.flush():
            self._loop.add_writer(self._socket, self._push)
        results = await self._answer
        if not results:
            raise psycopg.OperationalError("the connection is lost")
        return results

    def _hear(self) -> None:
        """Take in what has come; wake whoever asked when the server is ready again, which is after the commit."""
        try:
            self._pgconn.consume_input()
            while self._answer is not None and not self._pgconn.is_busy():
                result = self._pgconn.get_result()
                if result is None:
                    self._tell(None)
                else:
                    self._results.append(result)
        except psycopg.Error as error:
            self._break(error)

    def _push(self) -> None:
        """Send what the socket had no room for."""
        try:
            if not self._pgconn.flush():
                self._loop.remove_writer(self._socket)
        except psycopg.Error as error:
            self._break(error)

    def _break(self, error: psycopg.Error) -> None:
        self.is_broken = True
        self._stop_watching()
        self._tell(error)

    def _stop_watching(self) -> None:
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)

    def _tell(self, error: psycopg.Error | None) -> None:
        answer, self._answer = self._answer, None
        if answer is None or answer.done():
            return  # Nobody asked, or nobody waits any more.
        if error is None:
            answer.set_result(self._results)
        else:
            answer.set_exception(error)


class Lines:
    """The lines of one loop; *statements* are prepared on each as it is made."""

    def __init__(self, loop: asyncio.AbstractEventLoop, connections: Connections, statements: Sequence[str]) -> None:
        self._loop = loop
        self._connections = connections
        self._statements = statements
        self._idle: list[Line] = []
        self._room = asyncio.Semaphore(MOST)

    async def fetch(self, statement: str, params: Params) -> Row:
        """
        Run one statement in its own transaction and return its first row, or None when it returns none.

        Raises:
            Busy: A lock or the statement took too long; nothing was stored.
            Unavailable: The database does not answer; the statement may have been stored.
        """
        try:
            rows = await self._run(statement, prepared.dumped(statement, params))
        except BUSY:
            raise Busy("The database did not let this go ahead in time. Try again.") from None
        except (psycopg.OperationalError, psycopg.InterfaceError, pg.CheckViolation) as error:
            note_refusal(error)
            raise Unavailable(LOST) from None
        return rows[0] if rows else None

    async def fetch_each(self, statement: str, many: Sequence[Params], key: str) -> list[Row]:
        """
        Run a statement for several: it takes an array for each parameter, and returns a row for each, with *key* in it.

        Raises:
            Refused: Nothing was stored.
            Unavailable: The database does not answer; the statement may have been stored.
        """
        written = (
            each.elements if isinstance(each, prepared.Parcel) else prepared.elements(statement, each) for each in many
        )
        try:
            rows = await self._run(statement, prepared.joined(written))
        except psycopg.Error as error:
            raise Refused from error
        by_key = {getattr(row, key): row for row in rows}
        return [by_key[params[key]] for params in many]

    def close(self) -> None:
        """Close what nobody uses."""
        while self._idle:
            self._idle.pop().close()

    async def _run(self, statement: str, values: Values) -> list[Row]:
        """Run a statement; a lost line is Unavailable, any other refusal what the driver raises."""
        try:
            return await self._ask(statement, values)
        except pg.FeatureNotSupported:
            # A migration has changed a table under us, and the plans made before are of no use. Nothing was stored,
            # and lines made from now on know the new shape.
            self.close()
            return await self._ask(statement, values)

    async def _ask(self, statement: str, values: Values) -> list[Row]:
        async with self._room_in_time():
            line = await self._take()
            is_good = False
            try:
                async with asyncio.timeout(self._connections.wait_s):
                    rows = await line.ask(statement, values)
                is_good = True
            except TimeoutError:
                self._connections.lose(line.generation)
                raise Unavailable(LOST) from None
            except psycopg.Error as error:
                if is_gone(error) or line.is_broken:
                    self._connections.lose(line.generation)
                    raise Unavailable(LOST) from None
                is_good = not isinstance(error, pg.FeatureNotSupported)
                raise
            finally:
                if is_good:
                    self._idle.append(line)
                else:
                    line.close()
            return rows

    @contextlib.asynccontextmanager
    async def _room_in_time(self) -> AsyncIterator[None]:
        """Wait for one of the lines, but no longer than for a statement."""
        if self._room.locked():
            try:
                async with asyncio.timeout(self._connections.wait_s):
                    await self._room.acquire()
            except TimeoutError:
                raise Unavailable(LOST) from None
        else:
            await self._room.acquire()  # at once
        try:
            yield
        finally:
            self._room.release()

    async def _take(self) -> Line:
        if not self._connections.is_available:
            raise Unavailable(LOST)
        while self._idle:
            line = self._idle.pop()
            if line.generation == self._connections.generation and not line.is_broken:
                return line
            line.close()
        return await self._make(self._connections.generation)

    async def _make(self, generation: int) -> Line:
        connecting = self._loop.run_in_executor(None, self._connections.connect)
        line: Line | None = None
        try:
            async with asyncio.timeout(self._connections.wait_s):
                line = Line(self._loop, await asyncio.shield(connecting), generation)
                await line.prepare(self._statements)
        except BaseException as error:
            if line is None:
                connecting.add_done_callback(_close_late)
            else:
                line.close()
            if isinstance(error, psycopg.Error | OSError):  # TimeoutError is one
                if isinstance(error, psycopg.Error) and not is_gone(error):
                    note_refusal(error)
                self._connections.lose(generation)
                raise Unavailable(LOST) from None
            raise
        return line


def _close_late(connecting: "asyncio.Future[psycopg.Connection[Row]]") -> None:
    """Close a connection for which nobody waits any more."""
    if not connecting.cancelled() and connecting.exception() is None:
        connecting.result().close()
