"""
Limits: on failures, writes and floods, never on honest reads, and never an input of the clone score.

Counted in memory, or by ``limits`` in Redis where several hosts share the counts. A Redis that is down or frozen must
not take the service with it: after one short time-out each process counts for itself, and looks for Redis again every
few seconds. Keys are hashed before they are counted: neither an address nor a token is kept, or shown by an error.

The memory store is our own, because that of ``limits`` 5.8 walks all keys that it ever saw after every call.
"""

import hashlib
import math
import threading
import time
from dataclasses import dataclass, field

import structlog
from limits import RateLimitItem, parse
from limits.errors import ConfigurationError
from limits.storage import Storage, storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter

from authsvc.errors import BadConfig

log = structlog.get_logger()

REDIS_WAIT_S = 0.2
RETRY_AFTER_S = 3.0
MOST_KEYS = 100_000
"""Keys of one limit that one process remembers in one window, at about a hundred bytes each."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit: its name in the store, and how much in which time for one key."""

    name: str
    item: RateLimitItem
    amount: int = field(init=False)
    length_s: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "amount", self.item.amount)
        object.__setattr__(self, "length_s", self.item.get_expiry())


@dataclass(frozen=True, slots=True)
class Room:
    """What is left of a limit after a hit: how many more in this window, and in how many seconds it is over."""

    is_within: bool
    left: int
    reset_s: int


Hidden = bytes
"""
A key as it is counted: hashed, and so told from one that is not yet. Not a class of its own: the collector of garbage
would walk each one that is kept, and with those of a minute it stopped all scans of a worker for up to 245 ms.
"""


SOFT_READS = Limit("soft", parse("300/minute"))
HARD_READS = Limit("hard", parse("1200/minute"))
INVALID = Limit("invalid", parse("30/10 minutes"))
ONE_CODE = Limit("code", parse("120/minute"))
ONE_CODE_FROM_HERE = Limit("code-from-here", parse("40/minute"))
UNTRACKED = Limit("untracked", parse("12000/minute"))
WRITES = Limit("writes", parse("60/minute"))
LINKS = Limit("links", parse("5000/minute"))
DEALER = Limit("dealer", parse("600/minute"))


class Limits:
    """Counts hits against limits; every method answers in memory when the shared store does not."""

    def __init__(self, url: str, key: bytes) -> None:
        """Count at *url*; *key* hashes what is counted, alike in all processes that share a store."""
        self._hash = hashlib.blake2b(key=key, digest_size=12)
        self._memory = Memory()
        self._shared: SlidingWindowCounterRateLimiter | None = None
        self._resting_until = 0.0
        self._guard = threading.Lock()
        if not url.startswith("memory:"):
            self._shared = SlidingWindowCounterRateLimiter(_shared_storage(url))

    @property
    def is_shared(self) -> bool:
        """Whether other hosts share the counts, so that an answer must be waited for."""
        return self._shared is not None

    def is_within(self, limit: Limit, key: str | Hidden, cost: int = 1) -> bool:
        """Count *cost* hits of *key* and say whether they are within *limit*."""
        hidden = self.hide(key)
        if self._shared is not None and (shared := self._find_shared()):
            try:
                return shared.hit(limit.item, limit.name, hidden.hex(), cost=cost)
            except Exception as error:  # noqa: BLE001  each store has errors of its own, and none may reach a visitor
                self._rest(error)
        return self._memory.hit(limit, hidden, cost)

    def is_exhausted(self, limit: Limit, key: str | Hidden) -> bool:
        """Say whether *key* has used up *limit*, without a hit."""
        hidden = self.hide(key)
        if self._shared is not None and (shared := self._find_shared()):
            try:
                return not shared.test(limit.item, limit.name, hidden.hex())
            except Exception as error:  # noqa: BLE001  as above
                self._rest(error)
        return not self._memory.test(limit, hidden)

    def take(self, limit: Limit, key: str | Hidden) -> Room:
        """Count one hit of *key*, and say what is left."""
        hidden = self.hide(key)
        if self._shared is not None and (shared := self._find_shared()):
            try:
                is_within = shared.hit(limit.item, limit.name, hidden.hex())
                stats = shared.get_window_stats(limit.item, limit.name, hidden.hex())
                return Room(is_within, max(stats.remaining, 0), max(math.ceil(stats.reset_time - time.time()), 1))
            except Exception as error:  # noqa: BLE001  as above
                self._rest(error)
        is_within = self._memory.hit(limit, hidden, 1)
        return Room(is_within, *self._memory.left(limit, hidden))

    def hide(self, key: str | Hidden) -> Hidden:
        """Return *key* as it is counted."""
        if isinstance(key, Hidden):
            return key
        hashed = self._hash.copy()
        hashed.update(key.encode())
        return hashed.digest()

    def _find_shared(self) -> SlidingWindowCounterRateLimiter | None:
        return self._shared if time.monotonic() >= self._resting_until else None

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


class Memory:
    """
    Counts in this process: this window and the one before, weighted by how much of it still reaches into the present.

    Nothing is walked and nothing lingers: at the turn of a window its counts are dropped as a whole. Each limit has a
    bounded room of its own, so a flood of made-up codes cannot make it forget addresses; in a full room newcomers
    are let through uncounted, and whoever is known already stays limited.
    """

    def __init__(self) -> None:
        self._windows: dict[str, _Window] = {}

    def hit(self, limit: Limit, key: Hidden, cost: int = 1) -> bool:
        """Count *cost* hits where they are within the limit, and say whether they are."""
        at = time.monotonic()
        window = self._windows.get(limit.name)
        if window is None or at >= window.until:
            window = self._turn(limit, at)
        now = window.now
        count = now.get(key, 0)
        if count + window.rest(key, at) + cost > limit.amount:
            return False
        if count or len(now) < MOST_KEYS:
            now[key] = count + cost
        return True

    def test(self, limit: Limit, key: Hidden) -> bool:
        """Say whether one more hit would be within the limit."""
        at = time.monotonic()
        window = self._window(limit, at)
        return window.now.get(key, 0) + window.rest(key, at) + 1 <= limit.amount

    def left(self, limit: Limit, key: Hidden) -> tuple[int, int]:
        """Return how many more hits are within the limit, and in how many seconds its window turns."""
        at = time.monotonic()
        window = self._window(limit, at)
        used = window.now.get(key, 0) + window.rest(key, at)
        return max(int(limit.amount - used), 0), max(math.ceil(window.until - at), 1)

    def _window(self, limit: Limit, at: float) -> "_Window":
        window = self._windows.get(limit.name)
        return self._turn(limit, at) if window is None or at >= window.until else window

    def _turn(self, limit: Limit, at: float) -> "_Window":
        # Two threads may both turn: the counts of a moment are lost, and no limit needs them exactly.
        window = self._windows.get(limit.name)
        if window is not None and at < window.until:
            return window
        until = (at // limit.length_s + 1) * limit.length_s
        last = window.now if window is not None and at < window.until + limit.length_s else {}
        window = self._windows[limit.name] = _Window(until, limit.length_s, last)
        return window


class _Window:
    """The counts of one limit until a time, and those of the window before."""

    __slots__ = ("_last", "_length_s", "now", "until")

    def __init__(self, until: float, length_s: int, last: dict[Hidden, int]) -> None:
        self.until = until
        self.now: dict[Hidden, int] = {}
        self._length_s = length_s
        self._last = last

    def rest(self, key: Hidden, at: float) -> float:
        """Return how much of the window before still reaches into the present."""
        count = self._last.get(key)
        return 0.0 if count is None else count * (self.until - at) / self._length_s
