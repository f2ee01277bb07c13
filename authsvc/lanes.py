"""
Lanes: receivers that let us wait must not hold the workers up for all others.

A try waits for 15 seconds at the most, and a worker makes 16 at a time: one endpoint that hangs could have them all. So
one whose last tries were all slow gets two at a time, and the rest of what waits for it steps aside. One quick answer
makes it good again. This is kept in the memory of each process; one that starts anew learns it anew.
"""

import threading
from collections import Counter
from uuid import UUID

SLOW_S = 5.0
STRIKES = 3
WIDTH = 2


class Lanes:
    """Who has how many tries under way, and how often each was slow of late."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._inside: Counter[UUID] = Counter()
        self._strikes: Counter[UUID] = Counter()

    def enter(self, endpoint: UUID) -> bool:
        """Begin a try, if this endpoint may have another; who is let in must leave."""
        with self._guard:
            if self._strikes[endpoint] >= STRIKES and self._inside[endpoint] >= WIDTH:
                return False
            self._inside[endpoint] += 1
            return True

    def leave(self, endpoint: UUID, took_s: float) -> None:
        """End a try that took so long."""
        with self._guard:
            self._inside[endpoint] -= 1
            if took_s > SLOW_S:
                self._strikes[endpoint] += 1
            else:
                del self._strikes[endpoint]
            if not self._inside[endpoint]:
                del self._inside[endpoint]
