"""
Links of the resolver: where a brand explains a product, a lot or one item, and the hosts that it may lead to.

A link leads to an https address of a host that the brand has registered, and nowhere else; the tables keep that too.
Links are read by whoever asks for them, in the order that the brand has given them.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from authsvc.core import link_types
from authsvc.core.gs1 import DigitalLink
from authsvc.core.register import Product
from authsvc.errors import BadDigitalLink, BadInput, Conflict, NotFound
from authsvc.models import BrandHost, Link, LinkHost

MOST_OF_A_PRODUCT = 500
MOST_HOSTS = 100
LONGEST_TITLE = 200
LONGEST_HREF = 1500

_is_host = re.compile(
    r"(?=.{4,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+(?::[0-9]{1,5})?"
).fullmatch
# The characters of a URI (RFC 3986) and nothing that a browser would mend on its way, such as a backslash.
_HREF = re.compile(r"https://([^/?#@\\]+)(/[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*)?", re.IGNORECASE)
_is_language = re.compile(r"[a-z]{2}(?:-[A-Z]{2})?").fullmatch
_is_media_type = re.compile(r"[a-z]+/[a-z0-9.+-]{1,100}").fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What somebody writes of a link. Without lot and serial it holds for the product and all below it."""

    link_type: str
    href: str
    title: str
    lot: str | None = None
    serial: str | None = None
    languages: tuple[str, ...] = ()
    media_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkInfo:
    """A link as it is stored."""

    id: UUID
    gtin: str
    lot: str | None
    serial: str | None
    link_type: str
    href: str
    host: str
    title: str
    languages: tuple[str, ...]
    media_type: str | None
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class HostInfo:
    """A host that links may lead to, and how many do."""

    host: str
    links: int


# --- Links -----------------------------------------------------------------------------------------------------------


def add_link(session: Session, product: Product, draft: Draft, *, id: UUID, now: datetime) -> LinkInfo:  # noqa: A002  the column
    """
    Add a link behind those of the product.

    Raises:
        BadInput: Something in the draft is not well-formed.
        Conflict: The brand has not registered the host, or the product has too many links.
    """
    checked, host = _check(session, product, draft)
    count, last = session.execute(
        select(func.count(), func.max(Link.position)).where(
            Link.brand_id == product.brand_id, Link.gtin == product.gtin
        )
    ).one()
    if count >= MOST_OF_A_PRODUCT:
        raise Conflict(f"A product has at most {MOST_OF_A_PRODUCT} links. Remove one first.")
    row = Link(
        brand_id=product.brand_id, id=id, gtin=product.gtin, lot=checked.lot, serial=checked.serial,
        position=(last or 0) + 1, link_type=checked.link_type, href=checked.href, host=host, title=checked.title,
        languages=list(checked.languages), media_type=checked.media_type, changed_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return _info(row)


def change_link(session: Session, product: Product, id: UUID, draft: Draft, *, now: datetime) -> LinkInfo:  # noqa: A002  as above
    """
    Change a link; what it speaks of stays: for another lot or item, add another link. Raises as ``add_link`` does.

    Raises:
        NotFound: The product has no such link.
    """
    row = _get(session, product.brand_id, id)
    if row.gtin != product.gtin:
        raise NotFound("The product has no such link.")
    checked, host = _check(session, product, draft)
    row.link_type, row.href, row.host, row.title = checked.link_type, checked.href, host, checked.title
    row.languages, row.media_type, row.changed_at = list(checked.languages), checked.media_type, now
    session.flush()
    return _info(row)


def move_link(session: Session, brand_id: UUID, id: UUID, *, up: bool, now: datetime) -> LinkInfo:  # noqa: A002  as above
    """
    Let a link change places with the one before it, or after it; at the end of the list nothing changes.

    Raises:
        NotFound: The brand has no such link.
    """
    row = _get(session, brand_id, id)
    rows = list(
        session.scalars(
            select(Link).where(Link.brand_id == brand_id, Link.gtin == row.gtin).order_by(Link.position, Link.id)
            .with_for_update()
        )
    )  # fmt: skip
    at = rows.index(row)
    to = at - 1 if up else at + 1
    if 0 <= to < len(rows):
        rows[at], rows[to] = rows[to], rows[at]
        for position, each in enumerate(rows, 1):
            each.position = position
        row.changed_at = now
        session.flush()
    return _info(row)


def remove_link(session: Session, brand_id: UUID, id: UUID) -> LinkInfo:  # noqa: A002  as above
    """
    Take a link away.

    Raises:
        NotFound: The brand has no such link.
    """
    row = _get(session, brand_id, id)
    session.delete(row)
    session.flush()
    return _info(row)


def get_link(session: Session, brand_id: UUID, id: UUID) -> LinkInfo:  # noqa: A002  as above
    """
    Return one link.

    Raises:
        NotFound: The brand has no such link.
    """
    return _info(_get(session, brand_id, id))


def list_links(session: Session, brand_id: UUID, gtin: str | None = None) -> list[LinkInfo]:
    """Return the links of a product, or of the brand, in their order."""
    query = select(Link).where(Link.brand_id == brand_id).order_by(Link.gtin, Link.position, Link.id)
    if gtin is not None:
        query = query.where(Link.gtin == gtin)
    return [_info(row) for row in session.scalars(query)]


# --- Hosts -----------------------------------------------------------------------------------------------------------


def add_host(session: Session, brand_id: UUID, host: str, *, now: datetime) -> str:
    """
    Let links of the brand lead to a host; return it as it is written from now on.

    Raises:
        BadInput: It is no host name.
        Conflict: The brand has too many.
    """
    host = host.strip().lower().removeprefix("https://").removesuffix("/")
    if not _is_host(host):
        raise BadInput(f"A host is a full name such as www.example.com, without a path, got {host!r:.100}.")
    if len(list_hosts(session, brand_id)) >= MOST_HOSTS:
        raise Conflict(f"A brand has at most {MOST_HOSTS} hosts. Remove one first.")
    session.execute(insert(LinkHost).values(brand_id=brand_id, host=host, created_at=now).on_conflict_do_nothing())
    return host


def remove_host(session: Session, brand_id: UUID, host: str) -> None:
    """
    Let no link lead to a host any more.

    Raises:
        NotFound: The brand has no such host.
        Conflict: A link leads there.
    """
    used = session.scalar(select(func.count()).select_from(Link).where(Link.brand_id == brand_id, Link.host == host))
    if used:
        raise Conflict(f"{used} {'link leads' if used == 1 else 'links lead'} to {host}. Change or remove them first.")
    gone = session.execute(delete(LinkHost).where(LinkHost.brand_id == brand_id, LinkHost.host == host))
    if not gone.rowcount:  # type: ignore[attr-defined]  # of a DELETE
        raise NotFound(f"The brand has registered no host {host!r:.100}.")


def list_hosts(session: Session, brand_id: UUID) -> list[HostInfo]:
    """Return the hosts that links of the brand may lead to; those of its own codes need no entry."""
    found = session.execute(
        select(LinkHost.host, func.count(Link.id))
        .outerjoin(Link, (Link.brand_id == LinkHost.brand_id) & (Link.host == LinkHost.host))
        .where(LinkHost.brand_id == brand_id)
        .group_by(LinkHost.host)
        .order_by(LinkHost.host)
    )
    return [HostInfo(host, count) for host, count in found]


# --- Private ---------------------------------------------------------------------------------------------------------


def _check(session: Session, product: Product, draft: Draft) -> tuple[Draft, str]:
    """Return the draft as it is stored, and the host that it leads to."""
    name = link_types.find_name(draft.link_type) or draft.link_type
    if name not in link_types.LINK_TYPES:
        raise BadInput(f"A link has a type of the GS1 Web Vocabulary, such as gs1:pip, got {draft.link_type!r:.60}.")
    title = " ".join(draft.title.split())
    if not 0 < len(title) <= LONGEST_TITLE or not title.isprintable():
        raise BadInput(f"A link has a title of 1 to {LONGEST_TITLE} printable characters: people read it in a list.")
    for language in draft.languages:
        if not _is_language(language):
            raise BadInput(f"A language is written like en or pt-BR, got {language!r:.20}.")
    media_type = (draft.media_type or "").strip().lower() or None
    if media_type and not _is_media_type(media_type):
        raise BadInput(f"A media type is written like text/html or application/pdf, got {media_type!r:.60}.")
    lot, serial = draft.lot or None, draft.serial or None
    if lot and serial:
        raise BadInput("A link holds for a batch or for one item, not for both: an item is named by its serial alone.")
    _check_level(product, lot, serial)
    href, host = _split(draft.href.strip())
    _check_host(session, product.brand_id, host)
    return Draft(
        link_type=name, href=href, title=title, lot=lot, serial=serial,
        languages=tuple(dict.fromkeys(draft.languages)), media_type=media_type,
    ), host  # fmt: skip


def _check_level(product: Product, lot: str | None, serial: str | None) -> None:
    ais = {"01": product.gtin} | ({"10": lot} if lot else {}) | ({"21": serial} if serial else {})
    try:
        DigitalLink.build(ais)
    except BadDigitalLink as error:
        raise BadInput(str(error)) from None


def _split(href: str) -> tuple[str, str]:
    match = _HREF.fullmatch(href) if len(href) <= LONGEST_HREF else None
    host = match[1].lower() if match else ""
    if match is None or not _is_host(host):
        raise BadInput(
            f"A link leads to an address such as https://www.example.com/manual.pdf of at most {LONGEST_HREF} "
            f"characters, got {href!r:.100}."
        )
    return f"https://{host}{match[2] or '/'}", host


def _check_host(session: Session, brand_id: UUID, host: str) -> None:
    """Refuse a host that the brand has not registered; one of its codes is registered by that."""
    if session.get(LinkHost, (brand_id, host)) is not None:
        return
    if session.scalar(select(BrandHost.host).where(BrandHost.brand_id == brand_id, BrandHost.host == host)) is None:
        raise Conflict(f"Links of this brand may not lead to {host}. An admin can register the host first.")
    session.add(LinkHost(brand_id=brand_id, host=host))
    session.flush()


def _get(session: Session, brand_id: UUID, id: UUID) -> Link:  # noqa: A002  as above
    row = session.get(Link, (brand_id, id), with_for_update=True)
    if row is None:
        raise NotFound("The brand has no such link.")
    return row


def _info(row: Link) -> LinkInfo:
    return LinkInfo(
        id=row.id, gtin=row.gtin, lot=row.lot, serial=row.serial, link_type=row.link_type, href=row.href,
        host=row.host, title=row.title, languages=tuple(row.languages), media_type=row.media_type,
        changed_at=row.changed_at,
    )  # fmt: skip
