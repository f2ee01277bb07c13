"""
The runtime: everything a request needs, made once by the composition root and handed on.

Frozen: what changes (the holdings) sits behind ``Keeper``, which replaces one immutable state by the next.
"""

import contextlib
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import structlog

from authsvc import holdings, mails, owners
from authsvc.config import Config
from authsvc.connections import Connections
from authsvc.core.clones import Network, Place
from authsvc.core.wrapping import derive_key
from authsvc.errors import BadKey, Unavailable
from authsvc.holdings import Holdings
from authsvc.owner_decisions import Post

log = structlog.get_logger()

Locate = Callable[[str], tuple[Place, Network]]
FindAsn = Callable[[str], int | None]


class Keeper:
    """Holds the present ``Holdings`` and brings them up to date in a thread of its own."""

    def __init__(self, connections: Connections, wrapping_key: bytes, *, poll_s: float) -> None:
        self._connections = connections
        self._wrapping_key = wrapping_key
        self._poll_s = poll_s
        self._stopped = threading.Event()
        self._loading = threading.Lock()
        self._thread: threading.Thread | None = None
        self.held: Holdings = holdings.NOTHING

    @property
    def is_loaded(self) -> bool:
        """Whether the register was read at least once."""
        return self.held is not holdings.NOTHING

    def start(self) -> None:
        """Load now if the database answers, and look for changes from then on."""
        with contextlib.suppress(Unavailable):
            self.refresh()
        self._thread = threading.Thread(target=self._watch, name="authsvc-holdings", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; the present state stays."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(holdings.LOADING_S)

    def refresh(self) -> None:
        """
        Load anew if the register has changed.

        Raises:
            Unavailable: The database does not answer; the present state stays in use.
        """
        with self._loading:
            if holdings.find_version(self._connections) != self.held.version:
                self.held = holdings.load(self._connections, self._wrapping_key)
                log.info("register-loaded", version=self.held.version)

    def _watch(self) -> None:
        while not self._stopped.wait(self._poll_s):
            try:
                self.refresh()
            except Unavailable:
                continue
            except BadKey as error:
                log.error("register-refused", detail=str(error))  # noqa: TRY400  the sentence says all
            except Exception:
                # Whatever it was: without this thread a revoked key would be good for ever.
                log.exception("register-refused")


def new_id() -> UUID:
    """Return 128 random bits: unlike a version 4 UUID, none of them is fixed."""
    return UUID(bytes=secrets.token_bytes(16))


def utc_now() -> datetime:
    """Return the time, for the edge to read once for each request."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """
    What a request needs.

    ``visitor_key`` makes pseudonyms, ``nonce_key`` the one-time confirmations, ``mail_key`` seals what is mailed,
    ``people_key`` wraps the keys of owners and ``wrapping_key`` those of brands.
    ``find_asn`` is None without a database of autonomous systems; ``devices_seen`` remembers when a trusted device was
    last noted. Time, randomness and place are fields, so that a test can pass its own.
    """

    config: Config
    connections: Connections
    keeper: Keeper
    locate: Locate
    visitor_key: bytes = field(repr=False)
    nonce_key: bytes = field(repr=False)
    limit_key: bytes = field(repr=False)
    mail_key: bytes = field(repr=False)
    people_key: bytes = field(repr=False)
    wrapping_key: bytes = field(repr=False)
    find_asn: FindAsn | None = None
    devices_seen: dict[UUID, datetime] = field(default_factory=dict, repr=False)
    now: Callable[[], datetime] = utc_now
    random: Callable[[int], bytes] = secrets.token_bytes
    new_id: Callable[[], UUID] = new_id

    @property
    def post(self) -> Post:
        """What is needed to write to owners."""
        return Post(
            base_url=self.config.base_url, people_key=self.people_key, mail_key=self.mail_key, new_id=self.new_id,
            random=self.random,
        )  # fmt: skip

    @property
    def held(self) -> Holdings:
        """The present register and keys."""
        return self.keeper.held

    @classmethod
    def make(
        cls, config: Config, connections: Connections, locate: Locate, *, find_asn: FindAsn | None = None
    ) -> "Runtime":
        """Make the runtime of one process; the caller starts and stops its keeper."""
        wrapping_key = derive_key(config.secret, "wrapping")
        return cls(
            config=config,
            connections=connections,
            keeper=Keeper(connections, wrapping_key, poll_s=config.poll_s),
            locate=locate,
            find_asn=find_asn,
            visitor_key=derive_key(config.secret, "visitors"),
            nonce_key=derive_key(config.secret, "nonces"),
            limit_key=derive_key(config.secret, "limits"),
            mail_key=derive_key(config.secret, mails.PURPOSE),
            people_key=derive_key(config.secret, owners.PURPOSE),
            wrapping_key=wrapping_key,
        )
