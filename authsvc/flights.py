"""
Flights: what is asked of the database at the same moment goes there in one statement.

Most of what a scan costs PostgreSQL does not depend on its row: setting the statement up, the way there and back, and
forcing the commit to disk. Alone a scan takes 280 us of a backend; of four together each takes 110 us, of eight 80 us.

Who comes while no flight is under way leaves at once, with whom the same turn of the event loop has brought. Who comes
meanwhile leaves with the next one, and where people come together, flights follow each other no sooner than
``GATHER_S``. So flights are as large as the load makes them, and a quiet service has none.

What must stay true:

* A flight is one transaction, and everybody aboard is answered after its commit.
* No two aboard have the same key, and the statement gets them in ascending order of it: rows that are locked in one
  order do not deadlock, and one statement must not touch a row twice.
* When the database refuses a flight, nothing of it was stored, and each passenger goes again alone: one held row or
  one bad value fails one scan. When the connection is lost, nobody aboard knows, and nobody tries again.
* A flight that hangs holds up nobody who comes later: after ``PATIENCE_S`` the next one leaves without it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any

from authsvc.connections import LOST
from authsvc.errors import Unavailable
from authsvc.lines import Refused

MOST = 32
"""Passengers of one flight: beyond that, one more saves the others next to nothing, and all wait longer."""

PATIENCE_S = 0.02
"""How long a flight may take before others leave without waiting for it; ten times what one takes as a rule."""

GATHER_S = 0.005
"""
From one flight of several to the next, at least. Without it flights are small where the load is high but not full, and
each scan takes as much of the processors as if there were more of them: of 100 answers at 70 % of the full load, 99
came within 59 to 190 ms; with it, within 46. Ten milliseconds brought no more.
"""

Params = Mapping[str, Any]


class _Seat:
    """One passenger: what it brings, and where it is told what came of it."""

    __slots__ = ("key", "params", "told")

    def __init__(self, key: str, params: Params, told: "asyncio.Future[Any]") -> None:
        self.key = key
        self.params = params
        self.told = told

    def tell(self, row: Any) -> None:
        if not self.told.done():  # Whoever asked may be gone.
            self.told.set_result(row)

    def fail(self, error: Exception) -> None:
        if not self.told.done():
            self.told.set_exception(error)


class Flights:
    """
    Brings calls of one event loop together; *alone* runs one, *together* several, with their rows in the same order.

    *together* raises ``Refused`` where nothing was stored.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        alone: Callable[[Params], Awaitable[Any]],
        together: Callable[[Sequence[Params]], Awaitable[Sequence[Any]]],
    ) -> None:
        self._loop = loop
        self._alone = alone
        self._together = together
        self._waiting: list[_Seat] = []
        self._under_way: set[asyncio.Task[None]] = set()
        self._latest: asyncio.Task[None] | None = None  # the flight that lets the next one go when it lands
        self._called: asyncio.Handle | None = None  # what lets the next one go when none is under way
        self._patience: asyncio.TimerHandle | None = None
        self._rest_until = 0.0

    def go(self, key: str, params: Params) -> "asyncio.Future[Any]":
        """Return where the row for *params* will be; it raises what *alone* and *together* raise."""
        seat = _Seat(key, params, self._loop.create_future())
        self._waiting.append(seat)
        if self._latest is None and (self._called is None or len(self._waiting) == MOST):
            self._call()
        return seat.told

    def _call(self) -> None:
        """Let the next flight go at the end of this turn of the loop, or a moment later after one of several."""
        if self._called is not None:
            self._called.cancel()
        if self._rest_until > self._loop.time() and len(self._waiting) < MOST:
            self._called = self._loop.call_at(self._rest_until, self._leave)
        else:
            self._called = self._loop.call_soon(self._leave)

    def _leave(self) -> None:
        """Let a flight go with who has come, first come first served."""
        for handle in (self._called, self._patience):
            if handle is not None:
                handle.cancel()
        self._called = self._patience = None
        aboard: dict[str, _Seat] = {}
        for seat in self._waiting:
            if len(aboard) < MOST:
                aboard.setdefault(seat.key, seat)
        self._waiting = [seat for seat in self._waiting if aboard.get(seat.key) is not seat]
        self._latest = self._start(self._fly([aboard[key] for key in sorted(aboard)]))
        self._rest_until = self._loop.time() + GATHER_S if len(aboard) > 1 else 0.0
        self._patience = self._loop.call_later(PATIENCE_S, self._pass_by)

    def _start(self, flight: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = self._loop.create_task(flight)
        self._under_way.add(task)
        task.add_done_callback(self._land)
        return task

    def _pass_by(self) -> None:
        """Wait no longer for the flight that is under way."""
        self._latest = None
        if self._waiting:
            self._leave()

    def _land(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        if task is self._latest:
            # Otherwise it took so long that another one left meanwhile, which takes on who is waiting.
            self._latest = None
            if self._waiting:
                self._call()

    async def _fly(self, aboard: list[_Seat]) -> None:
        if len(aboard) == 1:
            await self._go_alone(aboard[0])
            return
        try:
            rows = await self._together([seat.params for seat in aboard])
        except Refused:
            for seat in aboard:
                self._start(self._go_alone(seat))
        except Exception as error:  # noqa: BLE001  whatever it is, nobody aboard may wait for ever
            aboard[0].fail(error)
            for seat in aboard[1:]:
                seat.fail(Unavailable(LOST))  # What was sent may have been stored.
        else:
            for seat, row in zip(aboard, rows, strict=True):
                seat.tell(row)

    async def _go_alone(self, seat: _Seat) -> None:
        try:
            seat.tell(await self._alone(seat.params))
        except Exception as error:  # noqa: BLE001  it is for whoever asked
            seat.fail(error)
