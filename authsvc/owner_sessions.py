"""
How an owner gets in: a link in a mail, good once, and the session that it opens.

What a link is about is encrypted under the secret in the link itself; the table holds a hash of that secret and can
open nothing. A link is looked at as often as somebody opens it, because mail filters do, and used up by a button.
"""

import json
from base64 import urlsafe_b64decode
from binascii import Error as BadBase64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from authsvc.core.wrapping import derive_key, unwrap, wrap
from authsvc.errors import LinkSpent
from authsvc.models import OwnerLink, OwnerSession
from authsvc.staff import SECRET_BYTES, hash_secret, spell

SIGN_IN, REGISTER, TAKE, PROOF, DEALER = "sign-in", "register", "take", "proof", "dealer"
ASK, RECOVER, STOP, CHANGE = "ask", "recover", "stop", "change"
LIVES = {
    SIGN_IN: timedelta(minutes=15), REGISTER: timedelta(hours=24), TAKE: timedelta(hours=24),
    PROOF: timedelta(minutes=15), ASK: timedelta(hours=24), RECOVER: timedelta(hours=24), CHANGE: timedelta(hours=24),
    STOP: timedelta(days=180), DEALER: timedelta(hours=24),
}  # fmt: skip
"""
A sign-in is waited for; a registration may meet a mail server that lets a stranger's first mail wait; who is asked
whether they have lost their mailbox can say no for as long as the request may wait.
"""

IDLE, ABSOLUTE = timedelta(hours=2), timedelta(hours=12)
_TOUCH = timedelta(minutes=1)

Random = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Link:
    """What a link is about."""

    brand_id: UUID
    content: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Signed:
    """Who is signed in."""

    owner_id: UUID
    brand_id: UUID


def make_link(
    session: Session, brand_id: UUID, kind: str, content: dict[str, Any], *, now: datetime, random: Random
) -> str:
    """Keep what a link is about and return its secret."""
    session.execute(delete(OwnerLink).where(OwnerLink.expires_at < now))
    raw = random(SECRET_BYTES)
    secret = spell(raw)
    sealed = wrap(
        derive_key(raw, "owner-link"), json.dumps(content).encode(), random(12), brand_id=brand_id,
        purpose="owner-link", number=kind,
    )  # fmt: skip
    session.add(
        OwnerLink(
            token_hash=hash_secret(secret), brand_id=brand_id, kind=kind, sealed=sealed, created_at=now,
            expires_at=now + LIVES[kind],
        )
    )  # fmt: skip
    session.flush()
    return secret


def get_link(session: Session, kind: str, secret: str, *, now: datetime) -> Link:
    """
    Return what a link is about, without using it up.

    Raises:
        LinkSpent: It was used, has expired, or never was one.
    """
    row = session.execute(
        select(OwnerLink.brand_id, OwnerLink.sealed).where(*_is_good(kind, secret, now))
    ).one_or_none()
    return _read(row, kind, secret)


def take_link(session: Session, kind: str, secret: str, *, now: datetime) -> Link:
    """
    Use a link up and return what it is about; of two who do it at once, one does.

    Raises:
        LinkSpent: It was used, has expired, or never was one.
    """
    row = session.execute(
        delete(OwnerLink).where(*_is_good(kind, secret, now)).returning(OwnerLink.brand_id, OwnerLink.sealed)
    ).one_or_none()
    return _read(row, kind, secret)


def start(session: Session, brand_id: UUID, owner_id: UUID, *, now: datetime, random: Random) -> str:
    """Sign an owner in and return the secret of the session."""
    session.execute(delete(OwnerSession).where(OwnerSession.created_at < now - ABSOLUTE))
    secret = spell(random(SECRET_BYTES))
    session.add(
        OwnerSession(token_hash=hash_secret(secret), brand_id=brand_id, owner_id=owner_id, created_at=now, seen_at=now)
    )
    session.flush()
    return secret


def find(session: Session, secret: str, *, now: datetime) -> Signed | None:
    """Return whose session a secret opens, if it holds; its use is noted."""
    row = session.execute(
        select(OwnerSession.owner_id, OwnerSession.brand_id, OwnerSession.seen_at).where(
            OwnerSession.token_hash == hash_secret(secret),
            OwnerSession.seen_at > now - IDLE,
            OwnerSession.created_at > now - ABSOLUTE,
        )
    ).one_or_none()
    if row is None:
        return None
    if now - row.seen_at > _TOUCH:
        session.execute(
            update(OwnerSession)
            .where(OwnerSession.token_hash == hash_secret(secret))
            .values(seen_at=now)
            .execution_options(synchronize_session=False)
        )
    return Signed(row.owner_id, row.brand_id)


def end(session: Session, secret: str) -> None:
    """End a session."""
    session.execute(delete(OwnerSession).where(OwnerSession.token_hash == hash_secret(secret)))


# --- Private ---------------------------------------------------------------------------------------------------------


def _is_good(kind: str, secret: str, now: datetime) -> tuple[Any, ...]:
    return (OwnerLink.token_hash == hash_secret(secret), OwnerLink.kind == kind, OwnerLink.expires_at > now)


def _read(row: Any, kind: str, secret: str) -> Link:
    try:
        raw = urlsafe_b64decode(secret + "=")
    except (BadBase64, ValueError):
        row = None
    if row is None:
        raise LinkSpent("This link was used already, or it is too old. Ask for a new one.")
    content = json.loads(
        unwrap(derive_key(raw, "owner-link"), row.sealed, brand_id=row.brand_id, purpose="owner-link", number=kind)
    )
    return Link(row.brand_id, content)
