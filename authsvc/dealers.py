"""
Dealers: businesses that a brand sells through, who may act for them, and how that ends.

The brand lets a dealer in by its address and can end it at any time. A browser gets in by a link in a mail, a program
by a key that is shown once; both are stored as hashes. Nothing of a dealer is a person's: the name and the address are
those of a business. What a dealer holds is in ``dealer_stock``. Refusals that a dealer reads are marked as texts; those
that only the brand reads are not.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from authsvc import mails
from authsvc.errors import ApiKeyNeeded, BadInput, Conflict, NotFound
from authsvc.languages import later
from authsvc.models import Dealer, DealerAccess, DealerItem
from authsvc.staff import SECRET_BYTES, hash_secret, spell

IDLE, ABSOLUTE = timedelta(hours=2), timedelta(hours=12)
KEY_PREFIX = "adk_"
"""How the key of a dealer's program begins, so that one that leaks into a repository is found by whoever searches."""
MOST_KEYS = 2
"""Keys of a dealer at a time: the one in use and the one that replaces it."""

_TOUCH = timedelta(minutes=1)
_LONGEST_NAME = 100

Random = Callable[[int], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class DealerInfo:
    """A dealer as lists show it."""

    id: UUID
    brand_id: UUID
    name: str
    country: str
    email: str = field(repr=False)
    created_at: datetime
    ended_at: datetime | None = None
    held: int = 0
    sold: int = 0


class Key(NamedTuple):
    """A key as lists show it: its *hint* is how it begins."""

    id: UUID
    name: str
    hint: str
    created_at: datetime
    seen_at: datetime | None


def add(
    session: Session, brand_id: UUID, *, name: str, country: str, email: str, by: str, countries: Collection[str],
    now: datetime, new_id: Callable[[], UUID],
) -> DealerInfo:  # fmt: skip
    """
    Let a dealer in. *countries* are the codes that there are, ISO 3166-1 alpha-2.

    Raises:
        BadInput: The name, the country or the address is none.
        Conflict: The brand has a dealer with this address.
    """
    address = mails.parse_address(email)
    name = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    if not 0 < len(name) <= _LONGEST_NAME:
        raise BadInput(f"Give the dealer a name of 1 to {_LONGEST_NAME} characters.")
    country = check_country(country, countries)
    has_one = select(Dealer.id).where(
        Dealer.brand_id == brand_id, func.lower(Dealer.email) == address.lower(), Dealer.ended_at.is_(None)
    )
    if session.scalar(has_one) is not None:
        raise Conflict("There is a dealer with this address already. End that one first, or take another address.")
    row = Dealer(
        id=new_id(), brand_id=brand_id, name=name, country=country, email=address, created_at=now, created_by=by
    )
    session.add(row)
    session.flush()
    return _info(row)


def check_country(text: str, countries: Collection[str]) -> str:
    """
    Read the code of a country.

    Raises:
        BadInput: It is none of *countries*.
    """
    code = text.strip().upper()
    if code not in countries:
        raise BadInput(
            later('A country is two letters such as DE or JP (ISO 3166-1), got "{given}".'), given=text.strip()[:20]
        )
    return code


def end(session: Session, brand_id: UUID, dealer_id: UUID, *, now: datetime) -> DealerInfo:
    """
    End a dealer: nobody acts for it any more. What it holds stays with its name until the brand or another takes it.

    Raises:
        NotFound: The brand has none such.
        Conflict: It has ended already.
    """
    row = session.scalar(select(Dealer).where(Dealer.id == dealer_id, Dealer.brand_id == brand_id).with_for_update())
    if row is None:
        raise NotFound("The brand has no such dealer.")
    if row.ended_at is not None:
        raise Conflict("This dealer has ended already.")
    row.ended_at = now
    session.execute(
        update(DealerAccess)
        .where(DealerAccess.dealer_id == dealer_id, DealerAccess.brand_id == brand_id)
        .values(revoked_at=now)
        .execution_options(synchronize_session=False)
    )
    session.flush()
    return _info(row)


def get(session: Session, dealer_id: UUID) -> DealerInfo:
    """
    Return a dealer that may act.

    Raises:
        NotFound: There is none, or it has ended.
    """
    row = session.get(Dealer, dealer_id)
    if row is None or row.ended_at is not None:
        raise NotFound(later("This dealer is not known any more. Ask the brand."))
    return _info(row)


def name_of(session: Session, dealer_id: UUID) -> str:
    """Return the name of a dealer, also of one that has ended."""
    return session.get_one(Dealer, dealer_id).name


def list_of(session: Session, brand_id: UUID) -> list[DealerInfo]:
    """Return the dealers of a brand by name, those that have ended last, with what they hold and have sold."""
    counted = (
        select(
            DealerItem.dealer_id,
            func.count().filter(DealerItem.state == "held").label("held"),
            func.count().filter(DealerItem.state == "sold").label("sold"),
        )
        .where(DealerItem.brand_id == brand_id)
        .group_by(DealerItem.dealer_id)
        .subquery()
    )
    rows = session.execute(
        select(Dealer, counted.c.held, counted.c.sold)
        .outerjoin(counted, counted.c.dealer_id == Dealer.id)
        .where(Dealer.brand_id == brand_id)
        .order_by(Dealer.ended_at.is_not(None), func.lower(Dealer.name), Dealer.id)
    )
    return [_info(row, held=held or 0, sold=sold or 0) for row, held, sold in rows]


def find_by_address(session: Session, email: str) -> list[DealerInfo]:
    """Return the dealers with this address, of every brand that has let it in."""
    found = select(Dealer).where(func.lower(Dealer.email) == email.lower(), Dealer.ended_at.is_(None))
    return [_info(row) for row in session.scalars(found.order_by(Dealer.id))]


def colleagues(session: Session, dealer: DealerInfo) -> list[DealerInfo]:
    """Return the brand's other dealers, to whom items can be offered."""
    found = select(Dealer).where(Dealer.brand_id == dealer.brand_id, Dealer.id != dealer.id, Dealer.ended_at.is_(None))
    return [_info(row) for row in session.scalars(found.order_by(func.lower(Dealer.name), Dealer.id))]


# --- Who acts --------------------------------------------------------------------------------------------------------


def start(session: Session, dealer: DealerInfo, *, now: datetime, new_id: Callable[[], UUID], random: Random) -> str:
    """Sign a browser in for a dealer and return the secret of the session."""
    session.execute(delete(DealerAccess).where(DealerAccess.expires_at < now))
    secret = spell(random(SECRET_BYTES))
    _add(session, dealer, secret, id=new_id(), kind="session", now=now, expires_at=now + ABSOLUTE)
    return secret


def leave(session: Session, secret: str) -> None:
    """End the session of a browser."""
    session.execute(delete(DealerAccess).where(DealerAccess.secret_hash == hash_secret(secret)))


def find(session: Session, secret: str, *, now: datetime) -> DealerInfo | None:
    """Return for which dealer a session or a key may act, if it holds; its use is noted."""
    row = session.scalar(
        select(DealerAccess).where(
            DealerAccess.secret_hash == hash_secret(secret), DealerAccess.revoked_at.is_(None),
            func.coalesce(DealerAccess.expires_at > now, True),
        )
    )  # fmt: skip
    if row is None or (row.kind == "session" and (row.seen_at or row.created_at) <= now - IDLE):
        return None
    dealer = session.get(Dealer, row.dealer_id)
    if dealer is None or dealer.ended_at is not None:
        return None
    if row.seen_at is None or now - row.seen_at > _TOUCH:
        row.seen_at = now
        session.flush()
    return _info(dealer)


def make_key(
    session: Session, dealer: DealerInfo, name: str, *, now: datetime, new_id: Callable[[], UUID], random: Random
) -> tuple[Key, str]:
    """
    Make a key for a program of the dealer, and return it: it is shown once.

    Raises:
        BadInput: It has no name.
        Conflict: There are two already: replace one, and revoke the other.
    """
    name = name.strip()
    if not 0 < len(name) <= _LONGEST_NAME:
        raise BadInput(
            later("Give the key a name of 1 to {most} characters: the program that will hold it."), most=_LONGEST_NAME
        )
    if len(keys_of(session, dealer)) >= MOST_KEYS:
        raise Conflict(later("There are {most} keys already. Revoke the one that is no longer used."), most=MOST_KEYS)
    secret = KEY_PREFIX + spell(random(SECRET_BYTES))
    row = _add(session, dealer, secret, id=new_id(), kind="key", now=now, name=name, hint=secret[:8])
    return _key(row), secret


def keys_of(session: Session, dealer: DealerInfo) -> list[Key]:
    """Return the keys that hold, the oldest first."""
    found = select(DealerAccess).where(
        DealerAccess.dealer_id == dealer.id, DealerAccess.kind == "key", DealerAccess.revoked_at.is_(None)
    )
    return [_key(row) for row in session.scalars(found.order_by(DealerAccess.created_at, DealerAccess.id))]


def revoke_key(session: Session, dealer: DealerInfo, key_id: UUID, *, now: datetime) -> Key:
    """
    Revoke a key.

    Raises:
        NotFound: The dealer has none such.
    """
    row = session.scalar(
        select(DealerAccess).where(
            DealerAccess.id == key_id, DealerAccess.dealer_id == dealer.id, DealerAccess.kind == "key",
            DealerAccess.revoked_at.is_(None),
        )
    )  # fmt: skip
    if row is None:
        raise NotFound(later("There is no such key, or it was revoked already."))
    row.revoked_at = now
    session.flush()
    return _key(row)


def bearer(header: str) -> str:
    """
    Return the key in an ``Authorization`` header.

    Raises:
        ApiKeyNeeded: It holds none of a dealer.
    """
    kind, _, secret = header.partition(" ")
    if kind.lower() != "bearer" or not secret.strip().startswith(KEY_PREFIX):
        raise ApiKeyNeeded(
            f"Send the dealer's key: Authorization: Bearer {KEY_PREFIX}… It is made on the dealer's page."
        )
    return secret.strip()


# --- Private ---------------------------------------------------------------------------------------------------------


def _add(
    session: Session, dealer: DealerInfo, secret: str, *, id: UUID, kind: str, now: datetime,  # noqa: A002  the word of the column
    expires_at: datetime | None = None, name: str | None = None, hint: str | None = None,
) -> DealerAccess:  # fmt: skip
    row = DealerAccess(
        secret_hash=hash_secret(secret), id=id, brand_id=dealer.brand_id, dealer_id=dealer.id, kind=kind, name=name,
        hint=hint, created_at=now, seen_at=None, expires_at=expires_at, revoked_at=None,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def _info(row: Dealer, *, held: int = 0, sold: int = 0) -> DealerInfo:
    return DealerInfo(
        id=row.id, brand_id=row.brand_id, name=row.name, country=row.country, email=row.email,
        created_at=row.created_at, ended_at=row.ended_at, held=held, sold=sold,
    )  # fmt: skip


def _key(row: DealerAccess) -> Key:
    return Key(row.id, row.name or "", row.hint or "", row.created_at, row.seen_at)
