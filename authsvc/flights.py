"""
Flights: what several threads want of the database at the same moment goes there in one statement.

Most of what a scan costs PostgreSQL does not depend on its row: setting the statement up, the way there and back, and
forcing the commit to disk. Alone a scan takes 280 us of a backend; of four together each takes 110 us, of eight 80 us.

Who comes while nobody else is at work leaves at once and alone. Who comes while a flight is under way leaves with the
next one, and that waits a moment for threads that are on their way already. So flights are as large as the load makes
them, and a quiet service has none.

What must stay true:

* A flight is one transaction, and everybody aboard is answered after its commit.
* No two aboard have the same key, and the statement gets them in ascending order of it: rows that are locked in one
  order do not deadlock, and one statement must not touch a row twice.
* When the database refuses a flight, nothing of it was stored, and each passenger goes again alone: one held row or
  one bad value fails one scan. When the connection is lost, nobody aboard knows, and nobody tries again.
* A flight that hangs holds up nobody who comes later: after ``PATIENCE_S`` a newcomer starts another one.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from authsvc.errors import Unavailable

MOST = 16
"""Passengers of one flight: beyond that, one more saves the others less than 5 us."""

PATIENCE_S = 0.02
"""How long a flight may take before others leave without waiting for it; forty times what one takes as a rule."""

GATHERING_S = 0.001
"""The longest that a flight waits for those who are on their way."""

Params = Mapping[str, Any]


class Refused(Exception):
    """The database refused a flight as a whole: nothing of it was stored."""


class _Seat:
    """One passenger: what it brings, the gate at which its thread waits, and what it is told there."""

    __slots__ = ("gate", "goes_alone", "is_told", "key", "leads", "params", "row")

    def __init__(self, key: str, params: Params) -> None:
        self.key = key
        self.params = params
        self.gate = threading.Lock()
        self.gate.acquire()
        self.row: Any = None
        self.is_told = False
        self.leads = False
        self.goes_alone = False


class Flights:
    """
    Brings calls together; *alone* runs one, *together* several and returns their rows in the same order.

    *together* raises ``Refused`` where nothing was stored.
    """

    def __init__(self, alone: Callable[[Params], Any], together: Callable[[Sequence[Params]], Sequence[Any]]) -> None:
        self._alone = alone
        self._together = together
        self._guard = threading.Lock()
        self._here = threading.local()
        self._coming = 0  # threads that are on their way and have not come yet
        self._waiting: list[_Seat] = []
        self._gathering: _Seat | None = None  # the leader of the flight that waits for those on their way
        self._latest: object = None  # the flight that takes on, when it lands, who is waiting then
        self._left_at = 0.0

    @contextlib.contextmanager
    def expected(self) -> Iterator[None]:
        """Say that this thread is on its way to ``go``, so that a flight may wait a moment for it."""
        with self._guard:
            self._coming += 1
        self._here.is_coming = True
        try:
            yield
        finally:
            if self._here.is_coming:
                with self._guard:
                    self._arrive()

    def go(self, key: str, params: Params) -> Any:
        """
        Return the row for *params*; raises what *alone* and *together* raise.

        One thread of each flight runs the statement for all aboard, over its own connection; the others sleep.
        """
        seat = _Seat(key, params)
        with self._guard:
            waits = self._latest is not None and time.monotonic() - self._left_at < PATIENCE_S
            if waits:
                self._waiting.append(seat)
            else:
                self._latest, self._left_at = seat, time.monotonic()
            if getattr(self._here, "is_coming", False):
                self._arrive()
        if waits:
            seat.gate.acquire()
            if seat.goes_alone:
                return self._alone(params)
            if not seat.leads:
                return _told(seat)
        return self._fly(seat, self._board(seat))

    def _arrive(self) -> None:
        """Take this thread off those on their way; the last of them lets the flight go."""
        self._here.is_coming = False
        self._coming -= 1
        if self._gathering is not None and (self._coming == 0 or len(self._waiting) >= MOST - 1):
            self._gathering.gate.release()
            self._gathering = None

    def _board(self, leader: _Seat) -> list[_Seat]:
        """Wait a moment for those on their way, take on who has come, first come first served, and leave."""
        with self._guard:
            gathers = self._coming > 0 and self._gathering is None and len(self._waiting) < MOST - 1
            if gathers:
                self._gathering = leader
        if gathers:
            leader.gate.acquire(timeout=GATHERING_S)
        with self._guard:
            if self._gathering is leader:
                self._gathering = None
            aboard = {leader.key: leader}
            for seat in self._waiting:
                if len(aboard) < MOST:
                    aboard.setdefault(seat.key, seat)
            self._waiting = [seat for seat in self._waiting if aboard.get(seat.key) is not seat]
            seats = [aboard[key] for key in sorted(aboard)]
            self._latest, self._left_at = seats, time.monotonic()
        return seats

    def _fly(self, leader: _Seat, aboard: list[_Seat]) -> Any:
        try:
            if len(aboard) == 1:
                return self._alone(leader.params)
            rows = self._together([seat.params for seat in aboard])
            for seat, row in zip(aboard, rows, strict=True):
                seat.row, seat.is_told = row, True
        except Refused:
            for seat in aboard:
                seat.goes_alone = True
        finally:
            self._land(leader, aboard)
        return self._alone(leader.params) if leader.goes_alone else _told(leader)

    def _land(self, leader: _Seat, aboard: list[_Seat]) -> None:
        """Let everybody off, and give the next flight to who has waited longest."""
        for seat in aboard:
            if seat is not leader:
                seat.gate.release()
        with self._guard:
            if self._latest is not aboard:
                return  # It took so long that another one left meanwhile, which takes on who is waiting.
            if not self._waiting:
                self._latest = None
                return
            following = self._waiting.pop(0)
            following.leads = True
            self._left_at = time.monotonic()
        following.gate.release()


def _told(seat: _Seat) -> Any:
    if not seat.is_told:
        # The thread that asked for all was not answered: what it sent may have been stored.
        raise Unavailable("The database does not answer. Try again in a few minutes.")
    return seat.row
