"""
The way of the console and the owner pages to the database: a transaction in a role, taken on for that one alone.

Where a page is about a brand, the transaction sees the rows of that brand.

The login behind it inherits no right, so a statement outside of these may do nothing at all. The scan path has
connections of its own, under a login of its own; nothing here can slow or stop it.
"""

import contextlib
from collections.abc import Iterator
from uuid import UUID

import psycopg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.orm import Session

from authsvc import db
from authsvc.errors import Unavailable

_TAKE_ON = text("SELECT set_config('role', :role, true), set_config('authsvc.brand', :brand, true)")
_CHANGE = text("SELECT set_config('role', :role, true)")
_SETTINGS = {"statement_timeout": 10_000, "lock_timeout": 3_000, "idle_in_transaction_session_timeout": 60_000}


class Desk:
    """Sessions of one process; nothing is connected before the first is opened."""

    def __init__(self, url: str) -> None:
        self._engine = db.make_engine(url, settings=_SETTINGS)
        self._sessions = db.make_sessions(self._engine)

    @contextlib.contextmanager
    def as_brand(self, brand_id: UUID) -> Iterator[Session]:
        """
        Open a transaction that sees the rows of one brand; it commits at the end of the block.

        Raises:
            Unavailable: The database does not answer, or not to this login.
        """
        with self._transaction(db.CONSOLE_ROLE, str(brand_id)) as session:
            yield session

    @contextlib.contextmanager
    def as_auth(self) -> Iterator[Session]:
        """Open a transaction that sees accounts and sessions; raises as ``as_brand`` does."""
        with self._transaction(db.AUTH_ROLE, "") as session:
            yield session

    @contextlib.contextmanager
    def as_owners(self, brand_id: UUID | None) -> Iterator[Session]:
        """
        Open a transaction of the owner pages: it sees owners and their links, and the items of *brand_id* where given.

        Raises as ``as_brand`` does.
        """
        with self._transaction(db.OWNER_ROLE, "" if brand_id is None else str(brand_id)) as session:
            yield session

    @contextlib.contextmanager
    def as_owners_within(self, session: Session) -> Iterator[Session]:
        """
        Let a transaction of the console act as the owner pages do for a block, for the same brand.

        What a person wrote, and where they are told, opens in that role alone; and it all commits or none of it does.
        """
        session.flush()
        session.execute(_CHANGE, {"role": db.OWNER_ROLE})
        yield session
        session.flush()
        # After an error the transaction is over, and its role with it.
        session.execute(_CHANGE, {"role": db.CONSOLE_ROLE})

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextlib.contextmanager
    def _transaction(self, role: str, brand: str) -> Iterator[Session]:
        try:
            with self._sessions.begin() as session:
                try:
                    session.execute(_TAKE_ON, {"role": role, "brand": brand})
                except DBAPIError as error:
                    if isinstance(error.orig, psycopg.errors.InsufficientPrivilege):
                        raise Unavailable(
                            "This part has no login to the database. `authsvc doctor` says what to do."
                        ) from error
                    raise
                yield session
        except DBAPIError as error:
            if isinstance(error.orig, psycopg.OperationalError | psycopg.InterfaceError):
                raise Unavailable("The database does not answer. Try again in a few minutes.") from error
            raise
        except NoConnection as error:
            raise Unavailable("Too much is asked at once. Try again in a moment.") from error
