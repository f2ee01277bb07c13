"""
Search: from what somebody has in front of them to the items that it may be, or to the batch.

A link, ``GTIN.SERIAL``, AIs in brackets and an SSCC name one item; it need not have been scanned. A serial alone is
tried under every product of the brand: a derived serial decodes to its run under one GTIN only, and needs no row. The
first characters of a serial find stored items in the order of the primary key, product by product.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from authsvc.core import serials
from authsvc.core.gs1 import DigitalLink, parse_sgtin
from authsvc.core.register import Brand, Product
from authsvc.core.serials import SerialKey
from authsvc.core.verdicts import Disposition
from authsvc.errors import BadDigitalLink
from authsvc.models import Item, Lot, Run

MOST = 50
LEAST_PREFIX = 3
MOST_PRODUCTS = 2_000
"""How many products a serial alone is tried under; a brand with more is asked for the GTIN."""

_is_sscc = re.compile(r"(?:00\.|\(00\))?([0-9]{18})").fullmatch
_is_derived = re.compile(r"[0-9A-HJKMNP-TV-Z]{16}").fullmatch
_is_serial = re.compile(r"[!\"%-?A-Z_a-z]{1,20}").fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """An item that fits; one that nobody has scanned has neither count nor time."""

    sgtin: str
    gtin: str
    serial: str
    lot: str | None
    disposition: Disposition
    scans: int
    last_at: datetime | None
    is_flagged: bool
    is_exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LotHit:
    """A batch that fits."""

    gtin: str
    lot: str
    runs: int
    codes: int
    issued_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What fits, and what somebody might do where nothing does. ``named`` is the item that the text names itself."""

    named: str | None = None
    items: tuple[Hit, ...] = ()
    lots: tuple[LotHit, ...] = ()
    hint: str | None = None
    is_cut: bool = False


def find(
    session: Session, brand: Brand, products: Sequence[Product], keys: Mapping[str, SerialKey], text: str
) -> Found:
    """Return what a text may mean within one brand."""
    text = text.strip()
    if not text:
        return Found()
    named = _parse(text)
    if isinstance(named, DigitalLink):
        return _of_link(session, brand, named)
    if named is not None:
        return Found(named=named)
    if not _is_serial(text):
        return Found(hint="This is no serial, link or batch: it holds characters that none of them may have.")
    own = [product for product in products if product.brand_id == brand.id][:MOST_PRODUCTS]
    return _by_text(session, brand, own, keys, text)


# --- Private ---------------------------------------------------------------------------------------------------------


def _parse(text: str) -> str | DigitalLink | None:
    """Return the key of the one item that a text names, or the link of a batch; None where it may mean several."""
    try:
        if match := _is_sscc(text):
            return f"00.{DigitalLink.build({'00': match[1]}).sscc}"
        if text.startswith("/") or text[:4].lower() == "http":
            link = DigitalLink.parse(text, strict=False)
            if link.sscc is not None:
                return f"00.{link.sscc}"
            return f"{link.gtin}.{link.serial}" if link.serial is not None else link
        return ".".join(parse_sgtin(text))
    except BadDigitalLink:
        return None


def _of_link(session: Session, brand: Brand, link: DigitalLink) -> Found:
    lots = _lots(session, brand, link.lot or "", gtin=link.gtin)
    return Found(lots=lots, hint=None if lots else "The link names a product and no item of yours.")


def _by_text(
    session: Session, brand: Brand, products: Sequence[Product], keys: Mapping[str, SerialKey], text: str
) -> Found:
    exact = list(_decoded(session, brand, products, keys, text))
    exact_keys = [f"{product.gtin}.{text}" for product in products]
    stored = session.scalars(
        select(Item).where(Item.sgtin.in_(exact_keys), Item.brand_id == brand.id).limit(MOST)
    ).all()
    hits = {hit.sgtin: hit for hit in exact} | {row.sgtin: _hit(row, is_exact=True) for row in stored}
    if len(text) >= LEAST_PREFIX and len(hits) <= MOST:
        hits |= {row.sgtin: _hit(row, is_exact=False) for row in _by_prefix(session, brand, products, text, hits)}
    lots = _lots(session, brand, text)
    hint = None
    if not hits and not lots:
        hint = (
            "Nothing fits. Upper and lower case are not the same; paste the whole link if you have it."
            if len(text) >= LEAST_PREFIX
            else f"Give {LEAST_PREFIX} characters or more to find serials that begin with them."
        )
    listed = tuple(hits.values())
    return Found(items=listed[:MOST], lots=lots, hint=hint, is_cut=len(listed) > MOST)


def _decoded(
    session: Session, brand: Brand, products: Sequence[Product], keys: Mapping[str, SerialKey], text: str
) -> Iterator[Hit]:
    """Yield items whose serial says by itself that it was issued: they need no row."""
    if not _is_derived(text):
        return
    for product in products:
        found = serials.decode(text, product.gtin, keys)
        run = session.get(Run, (brand.id, found[0])) if found else None
        if found is None or run is None or run.gtin != product.gtin or run.issued_at is None or found[1] >= run.count:
            continue
        yield Hit(
            sgtin=f"{product.gtin}.{text}", gtin=product.gtin, serial=text, lot=run.lot,
            disposition=Disposition.ACTIVE, scans=0, last_at=None, is_flagged=False, is_exact=True,
        )  # fmt: skip


def _by_prefix(
    session: Session, brand: Brand, products: Sequence[Product], text: str, known: Iterable[str]
) -> Iterator[Item]:
    """Yield stored items whose serial begins so: a short range of the primary key for each product."""
    seen, left = set(known), MOST + 1
    for product in products:
        first = f"{product.gtin}.{text}"
        rows = session.scalars(
            select(Item)
            .where(Item.sgtin >= first, Item.sgtin < _end(first), Item.brand_id == brand.id)
            .order_by(Item.sgtin)
            .limit(left)
        )
        for row in rows:
            if row.sgtin not in seen and row.sgtin.startswith(first):
                left -= 1
                yield row
        if left <= 0:
            return


def _end(first: str) -> str:
    return first[:-1] + chr(ord(first[-1]) + 1)


def _lots(session: Session, brand: Brand, text: str, gtin: str | None = None) -> tuple[LotHit, ...]:
    query = select(Lot).where(Lot.brand_id == brand.id).order_by(Lot.created_at.desc(), Lot.gtin, Lot.lot).limit(20)
    query = query.where(Lot.lot.startswith(text, autoescape=True)) if text else query
    query = query.where(Lot.gtin == gtin) if gtin else query
    found = []
    for lot in session.scalars(query).all():
        runs = session.scalars(
            select(Run).where(Run.gtin == lot.gtin, Run.lot == lot.lot, Run.brand_id == brand.id)
        ).all()
        issued = [run for run in runs if run.issued_at is not None]
        dates = [run.issued_at for run in issued if run.issued_at is not None]
        found.append(
            LotHit(
                gtin=lot.gtin, lot=lot.lot, runs=len(issued), codes=sum(run.count for run in issued),
                issued_at=max(dates, default=lot.issued_at),
            )
        )  # fmt: skip
    return tuple(found)


def _hit(row: Item, *, is_exact: bool) -> Hit:
    gtin, _, serial = row.sgtin.partition(".")
    return Hit(
        sgtin=row.sgtin, gtin=gtin, serial=serial, lot=row.lot, disposition=Disposition(row.disposition),
        scans=row.counted, last_at=row.last_at, is_flagged=row.flagged_at is not None, is_exact=is_exact,
    )  # fmt: skip
