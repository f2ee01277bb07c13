"""
Where a command works: settings, database, secrets, clock and randomness, read here and handed on as values.

A command opens its workplace once. The private signing keys are opened by the commands that sign, and by no other.
"""

import contextlib
import getpass
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from authsvc import audit, db, key_files, signing_keys
from authsvc.config import Config
from authsvc.core.keyring import KeyState, VerificationKey
from authsvc.core.tokens import Signer
from authsvc.core.wrapping import derive_key
from authsvc.errors import BadConfig, Unavailable


@dataclass(frozen=True, slots=True)
class Workplace:
    """What the commands pass to the use cases."""

    config: Config
    url: str = field(repr=False)
    sessions: sessionmaker[Session]
    wrapping_key: bytes = field(repr=False)
    now: Callable[[], datetime]
    random: Callable[[int], bytes]
    actor: audit.Actor

    def record(
        self, session: Session, brand_id: UUID, act: str, subject: str, details: Mapping[str, Any] | None = None
    ) -> None:
        """Note an act of this command in the log of a brand; see ``audit.record``."""
        audit.record(session, brand_id, self.actor, act, subject, details, at=self.now())

    def open_signer(self, key: VerificationKey) -> Signer:
        """Open the signing half of a key; the passphrase is read when a private key needs it."""
        passphrase = b"" if key.mac is not None else key_files.read_passphrase(self.config.passphrase_file)
        return key_files.load_signer(self.config.keys_dir, passphrase, key)

    def make_key(self, brand_id: UUID, form: str, state: KeyState | None) -> signing_keys.KeyInfo:
        """Make a signing key and store its private half: the number first, for it must never come again."""
        passphrase = key_files.read_passphrase(self.config.passphrase_file)
        with self.sessions.begin() as session:
            key_id = signing_keys.reserve_key_id(session, brand_id)
        with self.sessions.begin() as session:
            new = signing_keys.new_key(
                session,
                brand_id,
                key_id,
                format=form,
                state=state,
                now=self.now(),
                wrapping_key=self.wrapping_key,
                random=self.random,
            )
            if new.private is not None:
                # Before the commit: a key that the register knows can always sign.
                key_files.write_private(self.config.keys_dir, passphrase, brand_id, key_id, new.private)
            self.record(session, brand_id, "key.new", str(key_id), {"format": form, "state": new.info.state.value})
        return new.info


@contextlib.contextmanager
def opened(config: Config | None = None) -> Iterator[Workplace]:
    """
    Open the workplace that the environment describes, or *config*.

    Raises:
        BadConfig: The settings are incomplete, or the database has not been set up.
        Unavailable: The database does not answer.
    """
    config = config or Config.from_env(os.environ)
    with db.server(config) as url, refusing_database():
        engine = db.make_engine(url)
        try:
            yield Workplace(
                config,
                url,
                db.make_sessions(engine),
                derive_key(config.secret, "wrapping"),
                lambda: datetime.now(UTC),
                secrets.token_bytes,
                audit.Actor("command", None, _login()),
            )
        finally:
            engine.dispose()


def _login() -> str:
    """Return who runs this command, by the system's word; where it has none, by number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


@contextlib.contextmanager
def refusing_database() -> Iterator[None]:
    """Turn the faults of a database that a person can mend into a sentence; any other is ours and stays as it is."""
    try:
        yield
    except (DBAPIError, psycopg.Error) as error:
        # Most statements go through SQLAlchemy, which wraps what the driver raises; those with COPY go past it.
        cause = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(cause, (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn)):
            raise BadConfig("The database is not set up for this release. Run `authsvc db upgrade`.") from error
        if isinstance(cause, (psycopg.OperationalError, psycopg.InternalError)):
            raise Unavailable(_sentence(cause)) from error
        raise


def _sentence(error: psycopg.Error) -> str:
    said = (str(error).splitlines() or ["it gave no reason"])[0]
    if isinstance(error, psycopg.errors.DiskFull):
        return f"The disk of the database is full: {said}. Make room; nothing was changed."
    # Without a code we never reached it; those of classes 08 and 57 say that the connection has ended.
    if error.sqlstate is None or error.sqlstate[:2] in {"08", "57"}:
        return f"The database does not answer: {said}"
    return f"The database cannot do it now: {said}"
