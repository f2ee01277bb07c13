"""
Search: from what somebody has in front of them to the items that it may be, or to the batch.

A link, ``GTIN.SERIAL``, AIs in brackets and an SSCC name one item; it need not have been scanned. A serial alone is
tried under every product of the brand: a derived serial decodes to its run under one GTIN only, and needs no row. The
first characters of a serial find stored items, product by product, in the order of bytes: by the primary key, or by an
index of its own where the database sorts in another way.

What a person quotes is found too: the reference of a check, and the number of a certificate. It leads to the item, and
says nothing of the person.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ARRAY, Text, any_, func, literal, select
from sqlalchemy import text as text_of
from sqlalchemy.orm import Session

from authsvc import receipts
from authsvc.core import serials
from authsvc.core.gs1 import DigitalLink, parse_sgtin
from authsvc.core.register import Brand, Product
from authsvc.core.serials import SerialKey
from authsvc.core.verdicts import Disposition
from authsvc.errors import BadDigitalLink
from authsvc.issuing import Mode
from authsvc.models import Item, Lot, Rejection, Run, Scan

MOST = 50
LEAST_PREFIX = 3
MOST_DECODED = 5_000
"""Under how many products a serial alone is decoded: a fifth of a second. A brand with more is told so."""
MOST_CHECKS = 20

_is_sscc = re.compile(r"(?:00\.|\(00\))?([0-9]{18})").fullmatch
_is_derived = re.compile(r"[0-9A-HJKMNP-TV-Z]{16}").fullmatch
_is_certificate = re.compile(r"([0-9A-Fa-f]{4})-([0-9A-Fa-f]{4})-([0-9A-Fa-f]{4})").fullmatch
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
class CheckHit:
    """A check that bears a reference; without ``sgtin`` what was shown names no item."""

    at: datetime
    sgtin: str | None
    answer: str | None
    country: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """
    What fits, and what somebody might do where nothing does. ``named`` is the item that the text names itself.

    ``is_partial`` says that more products have codes than a serial was tried under.
    """

    named: str | None = None
    items: tuple[Hit, ...] = ()
    lots: tuple[LotHit, ...] = ()
    checks: tuple[CheckHit, ...] = ()
    hint: str | None = None
    is_cut: bool = False
    is_partial: bool = False


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
    own = {product.gtin: product for product in products if product.brand_id == brand.id}
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
    session: Session, brand: Brand, products: Mapping[str, Product], keys: Mapping[str, SerialKey], text: str
) -> Found:
    gtins, is_partial = _gtins_to_decode(session, brand, text)
    exact = list(_decoded(session, brand, [gtin for gtin in gtins if gtin in products], keys, text))
    stored = _stored(session, brand, [f"{gtin}.{text}" for gtin in products])
    hits = {hit.sgtin: hit for hit in exact} | {row.sgtin: _hit(row, is_exact=True) for row in stored}
    hits |= {row.sgtin: _hit(row, is_exact=True) for row in _by_certificate(session, brand, text)}
    if len(text) >= LEAST_PREFIX and len(hits) <= MOST:
        begins = _by_prefix(session, brand, list(products), text)
        hits |= {row.sgtin: _hit(row, is_exact=False) for row in begins if row.sgtin not in hits}
    lots, checks = _lots(session, brand, text), _by_reference(session, brand, text)
    hint = None
    if not hits and not lots and not checks:
        hint = (
            "Nothing fits. Upper and lower case are not the same; paste the whole link if you have it."
            if len(text) >= LEAST_PREFIX
            else f"Give {LEAST_PREFIX} characters or more to find serials that begin with them."
        )
    listed = tuple(hits.values())
    return Found(
        items=listed[:MOST], lots=lots, checks=checks, hint=hint, is_cut=len(listed) > MOST, is_partial=is_partial
    )


def _gtins_to_decode(session: Session, brand: Brand, text: str) -> tuple[Sequence[str], bool]:
    """Return the products whose codes carry their run in the serial, issued last first, and whether there are more."""
    if not _is_derived(text):
        return (), False
    query = select(Run.gtin).where(Run.brand_id == brand.id, Run.mode == Mode.DERIVED.value, Run.issued_at.is_not(None))
    query = query.group_by(Run.gtin).order_by(func.max(Run.number).desc()).limit(MOST_DECODED + 1)
    found = session.scalars(query).all()
    return found[:MOST_DECODED], len(found) > MOST_DECODED


def _decoded(
    session: Session, brand: Brand, gtins: Sequence[str], keys: Mapping[str, SerialKey], text: str
) -> Iterator[Hit]:
    """Yield items whose serial says by itself that it was issued: they need no row."""
    for gtin in gtins:
        found = serials.decode(text, gtin, keys)
        run = session.get(Run, (brand.id, found[0])) if found else None
        if found is None or run is None or run.gtin != gtin or run.issued_at is None or found[1] >= run.count:
            continue
        yield Hit(
            sgtin=f"{gtin}.{text}", gtin=gtin, serial=text, lot=run.lot,
            disposition=Disposition.ACTIVE, scans=0, last_at=None, is_flagged=False, is_exact=True,
        )  # fmt: skip


def _stored(session: Session, brand: Brand, sgtins: Sequence[str]) -> Sequence[Item]:
    any_of = Item.sgtin == any_(literal(list(sgtins), ARRAY(Text)))
    query = select(Item).where(any_of, Item.brand_id == brand.id).order_by(Item.sgtin).limit(MOST + 1)
    return session.scalars(query).all()


_SORTS_BY_BYTES = text_of("""
SELECT datlocprovider = 'b' OR datlocprovider = 'c' AND lower(datcollate) IN ('c', 'posix', 'c.utf-8', 'c.utf8')
FROM pg_database WHERE datname = current_database()""")

# Bounds come ready made: a condition that joined strings would be kept from the index by row-level security.
_BEGINS = """
SELECT i.sgtin FROM unnest(CAST(:firsts AS text[]), CAST(:ends AS text[])) AS g (first, ending)
CROSS JOIN LATERAL (SELECT sgtin FROM items WHERE sgtin {from_} g.first AND sgtin {to} g.ending AND brand_id = :brand
  ORDER BY sgtin USING {to} LIMIT :most) AS i
LIMIT :most"""
_BY_KEY = text_of(_BEGINS.format(from_=">=", to="<"))
_BY_BYTES = text_of(_BEGINS.format(from_="~>=~", to="~<~"))


def _by_prefix(session: Session, brand: Brand, gtins: Sequence[str], text: str) -> Sequence[Item]:
    """Return stored items whose serial begins so: a short range of an index for each product."""
    firsts = [f"{gtin}.{text}" for gtin in gtins]
    bounds = {"firsts": firsts, "ends": [_end(first) for first in firsts], "brand": brand.id, "most": MOST + 1}
    statement = _BY_KEY if session.scalar(_SORTS_BY_BYTES) else _BY_BYTES
    return _stored(session, brand, session.scalars(statement, bounds).all())


def _end(first: str) -> str:
    return first[:-1] + chr(ord(first[-1]) + 1)


def _by_certificate(session: Session, brand: Brand, text: str) -> Sequence[Item]:
    """Return the item of the certificate with this number."""
    match = _is_certificate(text)
    if match is None:
        return ()
    sgtins = session.scalars(select(func.authsvc_find_certificate("".join(match.groups()).lower()))).all()
    return _stored(session, brand, sgtins)


def _by_reference(session: Session, brand: Brand, text: str) -> tuple[CheckHit, ...]:
    """Return the checks that a person may mean who quotes a reference: it is short, so that there may be several."""
    within = receipts.find_referred(text)
    if within is None:
        return ()
    scans = session.execute(
        select(Scan.at, Scan.sgtin, Scan.country)
        .where(Scan.id.between(*within), Scan.brand_id == brand.id)
        .order_by(Scan.at.desc())
        .limit(MOST_CHECKS)
    )
    refused = session.execute(
        select(Rejection.at, Rejection.gtin, Rejection.serial, Rejection.sscc, Rejection.reason, Rejection.country)
        .where(Rejection.id.between(*within), Rejection.brand_id == brand.id)
        .order_by(Rejection.at.desc())
        .limit(MOST_CHECKS)
    )
    found = [
        # A check of a batch names no item.
        CheckHit(
            at=row.at, sgtin=None if row.sgtin[14:16] == ".." else row.sgtin, answer=None, country=row.country
        )
        for row in scans
    ]  # fmt: skip
    for row in refused:
        sgtin = f"00.{row.sscc}" if row.sscc else f"{row.gtin}.{row.serial}" if row.gtin and row.serial else None
        found.append(CheckHit(at=row.at, sgtin=sgtin, answer=row.reason, country=row.country))
    return tuple(sorted(found, key=lambda hit: hit.at, reverse=True))[:MOST_CHECKS]


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
