"""
Limits: on failures, writes and floods, never on honest reads, and never an input of the clone score.

Counted by ``limits`` (the engine behind Flask-Limiter) in memory, or in Redis where several hosts share the counts.
A Redis that is down or frozen must not take the service with it: after one short time-out each process counts for
itself, and looks for Redis again every few seconds.
"""

import threading
import time
from dataclasses import dataclass
from typing import Any

import structlog
from limits import RateLimitItem, parse
from limits.errors import ConfigurationError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from authsvc.errors import BadConfig

log = structlog.get_logger()

REDIS_WAIT_S = 0.2
RETRY_AFTER_S = 3.0
MOST_KEYS = 200_000
"""Networks and codes that one process remembers, at about half a kilobyte each."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit: its name in the store, and how much in which time for one key."""

    name: str
    item: RateLimitItem


SOFT_READS = Limit("soft", parse("300/minute"))
HARD_READS = Limit("hard", parse("1200/minute"))
INVALID = Limit("invalid", parse("30/10 minutes"))
ONE_CODE = Limit("code", parse("120/minute"))
WRITES = Limit("writes", parse("60/minute"))


class Limits:
    """Counts hits against limits; every method answers in memory when the shared store does not."""

    def __init__(self, url: str) -> None:
        self._memory = MemoryStorage()
        self._local = MovingWindowRateLimiter(self._memory)
        self._shared: MovingWindowRateLimiter | None = None
        self._resting_until = 0.0
        self._guard = threading.Lock()
        if not url.startswith("memory:"):
            self._shared = MovingWindowRateLimiter(_shared_storage(url))

    def is_within(self, limit: Limit, key: str) -> bool:
        """Count one hit of *key* and say whether it is within *limit*."""
        return bool(self._ask("hit", limit, key))

    def is_exhausted(self, limit: Limit, key: str) -> bool:
        """Say whether *key* has used up *limit*, without a hit."""
        return not self._ask("test", limit, key)

    def _ask(self, verb: str, limit: Limit, key: str) -> Any:
        if self._shared is not None and time.monotonic() >= self._resting_until:
            try:
                return getattr(self._shared, verb)(limit.item, limit.name, key)
            except Exception as error:  # noqa: BLE001  each store has errors of its own, and none may reach a visitor
                self._rest(error)
        if len(self._memory.events) > MOST_KEYS:
            # A flood from more networks than any of them can be told from: start over, rather than grow without end.
            self._memory.reset()
            log.warning("limits-forgotten", keys=MOST_KEYS)
        return getattr(self._local, verb)(limit.item, limit.name, key)

    def _rest(self, error: Exception) -> None:
        with self._guard:
            if time.monotonic() >= self._resting_until:
                log.warning("limits-store-lost", error=type(error).__name__, retry_s=RETRY_AFTER_S)
            self._resting_until = time.monotonic() + RETRY_AFTER_S


def _shared_storage(url: str) -> Storage:
    fault = "AUTHSVC_RATELIMIT_URL must name a store such as redis://host:6379/0"
    try:
        storage = storage_from_string(
            url, socket_connect_timeout=REDIS_WAIT_S, socket_timeout=REDIS_WAIT_S, key_prefix="authsvc-limits"
        )
    except ConfigurationError:
        # The address may hold a password, so only its first word is repeated.
        raise BadConfig(f"{fault}, got {url.partition(':')[0]!r}.") from None
    if not isinstance(storage, Storage):
        raise BadConfig(f"{fault}; this kind is for asynchronous programs.")
    return storage
