"""
Followers: those who asked to be told, once, if an item that they checked is blocked, recalled or found to be copied.

An address counts only after the link in a mail was followed (double opt-in). It is sealed at rest and is forgotten when
the one mail has been queued, when the person says so by the same link, or after twelve months. What may be news is
marked by triggers, in the transaction of the act itself, and waits for ``WAIT``. Then the item is read as a scan reads
it: what was undone in the meantime, or concerns others, tells nobody.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import case, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from authsvc import languages, mails
from authsvc.core.verdicts import Disposition
from authsvc.core.wrapping import derive_key, unwrap, wrap
from authsvc.errors import LinkSpent
from authsvc.languages import later
from authsvc.models import Brand, Follower, Product, Resolution
from authsvc.scan_statements import READ_ITEM
from authsvc.staff import SECRET_BYTES, hash_secret, spell

UNCONFIRMED, CONFIRMED = timedelta(hours=48), timedelta(days=365)
"""How long an address is kept that was never confirmed, and one that was."""

WAIT = timedelta(minutes=15)
MOST = 500
"""Mails that one transaction queues."""

_PURPOSE = "follower"
_NONCE_BYTES = 12

NEWS = {
    "blocked": later("{brand} has blocked this code. It should no longer be used, and the item may be a copy."),
    "recalled": later("{brand} has recalled this item. Stop using it, and ask {brand} or the shop how to return it."),
    "copied": later(
        "{brand} has found that this code was copied. If you own the real item, you have done nothing wrong."
    ),
}
"""What a mail says of each kind of news."""

Random = Callable[[int], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The item that somebody wants to hear of, with all by which a recall may name it."""

    brand_id: UUID
    sgtin: str
    gtin: str
    serial: str | None
    lot: str | None
    run: int | None
    index: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """What a link in a mail is about."""

    brand_id: UUID
    gtin: str
    serial: str | None
    is_confirmed: bool
    expires_at: datetime
    email: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Of how many followers it was asked whether there is news for them, and how many were mailed."""

    looked_at: int
    mailed: int


def ask(
    session: Session,
    wanted: Wanted,
    email: str,
    *,
    key: bytes,
    random: Random,
    now: datetime,
    language: str = languages.DEFAULT,
) -> str:
    """
    Note that an address wants to hear of an item, in a language, and return the secret of the link that confirms it.

    Who asks again gets a new link, and nobody can tell from the answer whether an address was there before.
    """
    hidden = _hash(key, wanted.brand_id, email)
    secret = spell(random(SECRET_BYTES))
    sealed = wrap(
        derive_key(key, "followers"), f"{language} {email}".encode(), random(_NONCE_BYTES), brand_id=wanted.brand_id,
        purpose=_PURPOSE, number=_place(wanted.sgtin, hidden),
    )  # fmt: skip
    row = insert(Follower).values(
        sgtin=wanted.sgtin, email_hash=hidden, brand_id=wanted.brand_id, gtin=wanted.gtin, serial=wanted.serial,
        lot=wanted.lot, run=wanted.run, index=wanted.index, sealed=sealed, token_hash=hash_secret(secret),
        created_at=now, expires_at=now + UNCONFIRMED,
    )  # fmt: skip
    session.execute(
        row.on_conflict_do_update(
            index_elements=["sgtin", "email_hash"],
            set_={
                "token_hash": row.excluded.token_hash,
                "sealed": row.excluded.sealed,
                "created_at": row.excluded.created_at,
                "expires_at": case(
                    (Follower.confirmed_at.is_(None), row.excluded.expires_at), else_=Follower.expires_at
                ),
            },
        )
    )
    return secret


def get(session: Session, secret: str, *, key: bytes, now: datetime) -> Following:
    """
    Return what a link is about.

    Raises:
        LinkSpent: It never was one, or the address was forgotten.
    """
    row = session.execute(select(*_SHOWN).where(Follower.token_hash == hash_secret(secret))).one_or_none()
    if row is None or row.expires_at <= now:
        raise LinkSpent("This link is no longer good: its address was forgotten. Scan the item to ask again.")
    return Following(
        brand_id=row.brand_id, gtin=row.gtin, serial=row.serial, is_confirmed=row.confirmed_at is not None,
        expires_at=row.expires_at, email=_open(row, key)[1],
    )  # fmt: skip


def confirm(session: Session, secret: str, *, now: datetime) -> None:
    """Let an address count, for twelve months from now; one that counts already stays as it is."""
    session.execute(
        update(Follower)
        .where(Follower.token_hash == hash_secret(secret), Follower.confirmed_at.is_(None), Follower.expires_at > now)
        .values(confirmed_at=now, expires_at=now + CONFIRMED)
    )


def forget(session: Session, secret: str) -> None:
    """Forget an address, because the person with its mails says so."""
    session.execute(delete(Follower).where(Follower.token_hash == hash_secret(secret)))


def forget_address(session: Session, brand_id: UUID, email: str, *, key: bytes) -> None:
    """Forget all that an address follows of a brand, because its person is erased there."""
    session.execute(
        delete(Follower).where(Follower.brand_id == brand_id, Follower.email_hash == _hash(key, brand_id, email))
    )


def tell(
    session: Session,
    *,
    key: bytes,
    seal_key: bytes,
    base_url: str,
    random: Random,
    now: datetime,
    most: int = MOST,
) -> Told:
    """Queue the mail of each follower for whom there is news, and forget them."""
    due = session.execute(
        select(*_SHOWN, Follower.run, Follower.index, Brand.name.label("brand"), Product.name.label("product"))
        .join(Brand, Brand.id == Follower.brand_id)
        .join(Product, Product.gtin == Follower.gtin)
        .where(Follower.news_at <= now - WAIT, Follower.expires_at > now)
        .order_by(Follower.news_at)
        .limit(most)
        .with_for_update(skip_locked=True, of=Follower)
    ).all()
    told = 0
    for row in due:
        is_this = (Follower.sgtin == row.sgtin) & (Follower.email_hash == row.email_hash)
        news = _find_news(session, row, now)
        if news is None:
            session.execute(update(Follower).where(is_this).values(news_at=None))
            continue
        language, email = _open(row, key)
        draft = mails.Draft(
            id=UUID(bytes=random(16)),
            brand_id=row.brand_id,
            template="follow-news",
            to=email,
            language=language,
            values={
                "product": row.product, "serial": row.serial or "",
                "news": languages.get(language).gettext(NEWS[news]).format(brand=row.brand),
                "link": f"{base_url}/",
            },
        )  # fmt: skip
        mails.enqueue(session, draft, seal_key=seal_key, nonce=random(_NONCE_BYTES), now=now)
        session.execute(delete(Follower).where(is_this))
        told += 1
    return Told(looked_at=len(due), mailed=told)


# --- Private ---------------------------------------------------------------------------------------------------------

_SHOWN = (
    Follower.sgtin, Follower.email_hash, Follower.brand_id, Follower.gtin, Follower.serial, Follower.sealed,
    Follower.confirmed_at, Follower.expires_at,
)  # fmt: skip


def _find_news(session: Session, row: Any, now: datetime) -> str | None:
    """Say what the next scan of an item would find, the worst first, or None where all is well."""
    asked = {
        "sgtin": row.sgtin, "brand_id": row.brand_id, "gtin": row.gtin, "serial": row.serial, "link_lot": None,
        "link_expires_on": None, "at": now, "id": None, "run": row.run, "index": row.index, "key_id": None,
    }  # fmt: skip
    state = session.connection().exec_driver_sql(READ_ITEM, asked).one()
    if state.disposition == Disposition.BLOCKED:
        return "blocked"
    if state.recall_id is not None or state.disposition == Disposition.RECALLED:
        return "recalled"
    is_copied = select(Resolution.id).where(
        Resolution.sgtin == row.sgtin, Resolution.brand_id == row.brand_id, Resolution.kind == "confirmed-clone",
        Resolution.undone_at.is_(None),
    )  # fmt: skip
    return "copied" if session.execute(is_copied.limit(1)).one_or_none() else None


def _open(row: Any, key: bytes) -> tuple[str, str]:
    """Return language and address of a follower; an address that was stored alone is written to in English."""
    opened = unwrap(
        derive_key(key, "followers"), row.sealed, brand_id=row.brand_id, purpose=_PURPOSE,
        number=_place(row.sgtin, row.email_hash),
    ).decode()  # fmt: skip
    language, _, email = opened.rpartition(" ")
    return language or languages.DEFAULT, email


def _hash(key: bytes, brand_id: UUID, email: str) -> bytes:
    message = brand_id.bytes + email.lower().encode()
    return hmac.digest(derive_key(key, "follower-emails"), message, "sha256")


def _place(sgtin: str, hidden: bytes) -> str:
    return f"{sgtin}/{hidden.hex()}"
