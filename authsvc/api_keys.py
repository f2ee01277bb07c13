"""
API keys of a brand: made with a secret that is shown once, rotated, revoked, found by what a program sends.

Rotating makes a second secret and lets the first live on for a stated time, so that programs change over without a gap;
more than two never live at a time. A key is found in the role that finds sessions; what it then does runs within its
brand. Use is noted at most once a minute, so that a busy program is not slowed down by being watched.
"""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from authsvc.audit import Actor
from authsvc.core import api_keys as spelling
from authsvc.core.api_keys import SCOPES
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.models import ApiKey, ApiSecret, Brand

LONGEST_NAME = 100
PER_MINUTE = 600
MOST_PER_MINUTE = 60_000
OVERLAP = timedelta(days=7)
"""How long the secret before lives on, where nobody says otherwise."""
MOST_DAYS = 3_650
MOST_KEYS = 50
_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretInfo:
    """A secret as it is shown: by its prefix."""

    prefix: str
    created_at: datetime
    ends_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyInfo:
    """A key as it is shown, with those of its secrets that live, the newest first."""

    id: UUID
    name: str
    scopes: tuple[str, ...]
    per_minute: int
    made_by: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    is_live: bool
    secrets: tuple[SecretInfo, ...]
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSecret:
    """A key with a new secret, which is shown now and never again."""

    key: KeyInfo
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls: a key, within its brand; ``is_test`` where that is a sandbox."""

    brand_id: UUID
    id: UUID
    name: str
    prefix: str
    scopes: frozenset[str]
    per_minute: int
    is_test: bool

    @property
    def actor(self) -> Actor:
        """Who the log names."""
        return Actor("key", self.id, f"{self.name} ({self.prefix})")


def make_key(
    session: Session,
    brand_id: UUID,
    name: str,
    scopes: Sequence[str],
    *,
    id: UUID,  # noqa: A002  the column
    made_by: str,
    per_minute: int = PER_MINUTE,
    days: int | None = None,
    random: Callable[[int], bytes],
    now: datetime,
) -> NewSecret:
    """
    Make a key with its first secret; it ends after *days*, where they are given.

    Raises:
        BadInput: The name, a scope, the limit or the days are wrong.
        Conflict: The brand has too many keys.
    """
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise BadInput(f"Give the key a name of 1 to {LONGEST_NAME} characters, such as: ERP, Biel.")
    if not scopes:
        raise BadInput("Give the key at least one permission: without any it may do nothing.")
    if unknown := [scope for scope in scopes if scope not in SCOPES]:
        raise BadInput(f"There is no permission {unknown[0]!r}. There are {', '.join(SCOPES)}.")
    if not 1 <= per_minute <= MOST_PER_MINUTE:
        raise BadInput(f"A key has a limit of 1 to {MOST_PER_MINUTE:,} requests a minute, got {per_minute:,}.")
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise BadInput(f"A key lives for 1 to {MOST_DAYS:,} days, or until it is revoked; got {days:,}.")
    live = session.scalars(select(ApiKey.id).where(ApiKey.brand_id == brand_id, ApiKey.revoked_at.is_(None))).all()
    if len(live) >= MOST_KEYS:
        raise Conflict(f"The brand has {MOST_KEYS} keys. Revoke one that nobody uses.")
    row = ApiKey(
        brand_id=brand_id, id=id, name=name, scopes=[scope for scope in SCOPES if scope in scopes],
        per_minute=per_minute, made_by=made_by, created_at=now,
        expires_at=None if days is None else now + timedelta(days=days),
    )  # fmt: skip
    session.add(row)
    session.flush()
    text = _add_secret(session, brand_id, id, random=random, now=now)
    return NewSecret(key=get_key(session, brand_id, id, now=now), text=text)


def rotate(
    session: Session,
    brand_id: UUID,
    key_id: UUID,
    *,
    overlap: timedelta = OVERLAP,
    random: Callable[[int], bytes],
    now: datetime,
) -> NewSecret:
    """
    Give a key a second secret; the one before ends after *overlap*, and any older one at once.

    Raises:
        NotFound: The brand has no such key.
        Conflict: The key is revoked or has expired.
        BadInput: The overlap is too long.
    """
    if not timedelta(0) <= overlap <= timedelta(days=90):
        raise BadInput("The secret before may live on for 0 to 90 days.")
    _lock(session, brand_id, key_id, now)
    ends = [secret.prefix for secret in _secrets(session, brand_id, key_id, now)]
    for prefixes, at in ((ends[:1], now + overlap), (ends[1:], now)):
        session.execute(
            update(ApiSecret)
            .where(ApiSecret.prefix.in_(prefixes), or_(ApiSecret.ends_at.is_(None), ApiSecret.ends_at > at))
            .values(ends_at=at)
            .execution_options(synchronize_session=False)
        )
    text = _add_secret(session, brand_id, key_id, random=random, now=now)
    return NewSecret(key=get_key(session, brand_id, key_id, now=now), text=text)


def revoke(session: Session, brand_id: UUID, key_id: UUID, *, now: datetime) -> KeyInfo:
    """
    End a key with all of its secrets, at once and for good.

    Raises:
        NotFound: The brand has no such key.
        Conflict: It was revoked before.
    """
    row = session.get(ApiKey, (brand_id, key_id), with_for_update=True)
    if row is None:
        raise NotFound("The brand has no such API key.")
    if row.revoked_at is not None:
        raise Conflict("This API key was revoked before.")
    row.revoked_at = now
    session.flush()
    return _info(session, row, now)


def get_key(session: Session, brand_id: UUID, key_id: UUID, *, now: datetime) -> KeyInfo:
    """
    Return one key.

    Raises:
        NotFound: The brand has no such key.
    """
    row = session.get(ApiKey, (brand_id, key_id))
    if row is None:
        raise NotFound("The brand has no such API key.")
    return _info(session, row, now)


def list_keys(session: Session, brand_id: UUID, *, now: datetime) -> list[KeyInfo]:
    """Return the keys of a brand, the newest first; those that ended among them."""
    rows = session.scalars(
        select(ApiKey).where(ApiKey.brand_id == brand_id).order_by(ApiKey.created_at.desc(), ApiKey.id)
    )
    return [_info(session, row, now) for row in rows.all()]


def find_caller(session: Session, text: str, *, now: datetime) -> Caller | None:
    """Return whose secret a text is, and note its use; None where it opens nothing, whatever the cause."""
    spelled = spelling.parse(text)
    if spelled is None:
        return None
    found = session.execute(
        select(ApiKey, ApiSecret)
        .join(ApiKey, (ApiKey.brand_id == ApiSecret.brand_id) & (ApiKey.id == ApiSecret.key_id))
        .where(ApiSecret.prefix == spelled.prefix)
    ).one_or_none()
    if found is None:
        return None
    key, secret = found
    if not hmac.compare_digest(secret.secret_hash, spelling.digest(text)):
        return None
    if not _is_live(key, now) or (secret.ends_at is not None and secret.ends_at <= now):
        return None
    if secret.last_used_at is None or secret.last_used_at <= now - _NOTED_EVERY:
        session.execute(
            update(ApiSecret)
            .where(ApiSecret.prefix == spelled.prefix)
            .values(last_used_at=now)
            .execution_options(synchronize_session=False)
        )
    return Caller(
        brand_id=key.brand_id, id=key.id, name=key.name, prefix=spelled.prefix, scopes=frozenset(key.scopes),
        per_minute=key.per_minute, is_test=spelled.is_test,
    )  # fmt: skip


# --- Private ---------------------------------------------------------------------------------------------------------


def _is_live(key: ApiKey, now: datetime) -> bool:
    return key.revoked_at is None and (key.expires_at is None or key.expires_at > now)


def _lock(session: Session, brand_id: UUID, key_id: UUID, now: datetime) -> None:
    row = session.get(ApiKey, (brand_id, key_id), with_for_update=True)
    if row is None:
        raise NotFound("The brand has no such API key.")
    if not _is_live(row, now):
        raise Conflict("This API key has ended. Make a new one.")


def _add_secret(
    session: Session, brand_id: UUID, key_id: UUID, *, random: Callable[[int], bytes], now: datetime
) -> str:
    is_test = session.scalars(select(Brand.is_sandbox).where(Brand.id == brand_id)).one()
    text = spelling.spell(random(spelling.PREFIX_BYTES), random(spelling.SECRET_BYTES), is_test=is_test)
    spelled = spelling.parse(text)
    assert spelled is not None
    session.add(
        ApiSecret(
            prefix=spelled.prefix, brand_id=brand_id, key_id=key_id, secret_hash=spelling.digest(text), created_at=now
        )
    )
    session.flush()
    return text


def _secrets(session: Session, brand_id: UUID, key_id: UUID, now: datetime) -> list[SecretInfo]:
    # Column by column: a console may not read the hash.
    rows = session.execute(
        select(ApiSecret.prefix, ApiSecret.created_at, ApiSecret.ends_at, ApiSecret.last_used_at)
        .where(ApiSecret.brand_id == brand_id, ApiSecret.key_id == key_id)
        .order_by(ApiSecret.created_at.desc(), ApiSecret.prefix)
    )
    found = [SecretInfo(**row._mapping) for row in rows]  # noqa: SLF001  the public name of SQLAlchemy
    return [secret for secret in found if secret.ends_at is None or secret.ends_at > now]


def _info(session: Session, row: ApiKey, now: datetime) -> KeyInfo:
    secrets = tuple(_secrets(session, row.brand_id, row.id, now))
    used = [secret.last_used_at for secret in secrets if secret.last_used_at is not None]
    return KeyInfo(
        id=row.id,
        name=row.name,
        scopes=tuple(row.scopes),
        per_minute=row.per_minute,
        made_by=row.made_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        is_live=_is_live(row, now),
        secrets=secrets,
        last_used_at=max(used, default=None),
    )
