"""
The feed: one connection of a process that listens for new alerts, and whoever waits for those of one brand.

The database calls a brand, and tells nothing else. Whoever is woken reads with the rights of the person who looks, so
no row of one brand can reach another through here; and a call that got lost while the connection was made anew costs
nothing, because then everybody is woken.
"""

import contextlib
import threading
from collections.abc import Iterator
from uuid import UUID

import psycopg
import structlog

from authsvc import db

log = structlog.get_logger()

CHANNEL = "authsvc_alerts"
_RETRY_S = 2.0
_LOOK_S = 1.0


class Feed:
    """See the module. Nothing is connected before somebody waits."""

    def __init__(self, url: str, *, most: int) -> None:
        self._url = url
        self._free = threading.BoundedSemaphore(most)
        self._changed = threading.Condition()
        self._calls: dict[UUID, int] = {}
        self._of_all = 0
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def place(self) -> Iterator[bool]:
        """Take a place among those who wait, if one is free; say whether it was."""
        has_place = self._free.acquire(blocking=False)
        try:
            yield has_place
        finally:
            if has_place:
                self._free.release()

    def mark(self, brand_id: UUID) -> int:
        """Return how often a brand was called; start to listen."""
        with self._changed:
            if self._thread is None and not self._stopped.is_set():
                self._thread = threading.Thread(target=self._listen, name="authsvc-alert-feed", daemon=True)
                self._thread.start()
            return self._number(brand_id)

    def wait(self, brand_id: UUID, mark: int, timeout_s: float) -> int:
        """Return the number of calls once it is no longer *mark*, or when the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped.is_set() or self._number(brand_id) != mark, timeout_s)
            return self._number(brand_id)

    def close(self) -> None:
        """Wake everybody and listen no more."""
        self._stopped.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(2 * _LOOK_S + _RETRY_S)

    @property
    def is_stopped(self) -> bool:
        """Whether the process ends."""
        return self._stopped.is_set()

    def _number(self, brand_id: UUID) -> int:
        return self._of_all + self._calls.get(brand_id, 0)

    def _listen(self) -> None:
        while not self._stopped.is_set():
            try:
                with psycopg.connect(db.driver_url(self._url), autocommit=True, connect_timeout=5) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    self._call(None)
                    while not self._stopped.is_set():
                        for called in connection.notifies(timeout=_LOOK_S, stop_after=1):
                            self._call(called.payload)
            except psycopg.Error as error:
                log.warning("alert-feed-lost", detail=str(error).partition("\n")[0])
                self._stopped.wait(_RETRY_S)

    def _call(self, payload: str | None) -> None:
        with self._changed:
            try:
                brand_id = None if payload is None else UUID(payload)
            except ValueError:
                return
            if brand_id is None:
                self._of_all += 1
            else:
                self._calls[brand_id] = self._calls.get(brand_id, 0) + 1
            self._changed.notify_all()
