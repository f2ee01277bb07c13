"""
Issuing codes: a run is opened, its codes are written to a file, and the run is closed.

What must stay true:

* ``open_run`` is committed before the first code is made, so a run number, a serial or an SSCC is never given twice,
  also when the issue fails half-way.
* A code counts only once its run is closed. Close before the file gets its name: a lost file wastes codes, while a
  printed code that was never issued is the loudest alarm that there is.
* A derived run is one row, however many codes. Imported and random serials are rows in ``items``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from authsvc import lot_data, sites
from authsvc.core import codes, serials, tokens
from authsvc.core.gs1 import DigitalLink
from authsvc.core.keyring import FORMAT_NAMES, KeyState, VerificationKey
from authsvc.core.number_formats import serial_format
from authsvc.core.register import Brand, Granularity, Product
from authsvc.errors import BadInput, Conflict, KeyNotUsable, NotFound
from authsvc.models import BrandCounter, ClaimKey, Lot, Run, SerialKey, SigningKey

_FORMAT_WORDS = {number: word for word, number in FORMAT_NAMES.items()}
_SAMPLE = "SERIAL"


class Mode(StrEnum):
    """Where the numbers of a run come from. Stored; never rename one."""

    DERIVED = "derived"
    RANDOM = "random"
    IMPORTED = "imported"
    LOT = "lot"
    SSCC = "sscc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """
    What somebody asks to be issued.

    *mode* is derived, random or imported and concerns serials only. *is_lot_level* asks for the code of the lot of a
    hybrid product, or of one that gets serials from a later day; *contents* is the number of items in a case. *site*
    is the printer or site that the codes are for. *replaces* is the item that a single code is to be the new label of,
    and *reason* why.
    """

    count: int
    lot: str | None = None
    mode: Mode = Mode.DERIVED
    is_lot_level: bool = False
    contents: int | None = None
    expires_on: date | None = None
    site: str | None = None
    replaces: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRun:
    """A run whose number is taken and whose codes do not count yet."""

    number: int
    mode: Mode
    order: Order
    epoch: str | None
    claim_key: int | None
    sscc_first: int | None


def usual_mode(product: Product) -> Mode:
    """Return where the serials of a product come from unless somebody says otherwise."""
    form = serial_format(product.serial_format)
    return Mode.DERIVED if form is None else Mode(form.source.value)


def check_fit(product: Product, order: Order, *, now: datetime) -> None:
    """
    Refuse an order that does not fit its product, whatever the database holds.

    Raises:
        BadInput: It does not, or a value makes no valid link.
    """
    _check_order(product, order, _mode(product, order), now.date())


def check_order(session: Session, product: Product, order: Order, *, now: datetime) -> None:
    """
    Refuse an order that could not be issued, before anybody has to approve it.

    Raises:
        BadInput: The order does not fit the product, or a value makes no valid link.
        Conflict: It is more than its site may have.
    """
    check_fit(product, order, now=now)
    if order.lot is not None and session.get(Lot, (product.gtin, order.lot)) is None:
        lot_data.check_number(product, order.lot)
    sites.check(session, product.brand_id, order.site, order.count, now=now)


def open_run(
    session: Session, brand: Brand, product: Product, order: Order, *, key: VerificationKey | None, now: datetime
) -> OpenRun:
    """
    Take a run number, create the lot if it is new, and record what is about to be issued. Commit it at once.

    Raises:
        BadInput: The order does not fit the product, or a number does not fit its code or its format.
        KeyNotUsable: The key is not the active one of its format, or there is none though the codes carry a token.
        Conflict: The lot has another expiry date, or the numbers of the brand or its site are used up.
    """
    mode = _mode(product, order)
    check_order(session, product, order, now=now)
    _check_key(session, product, key)
    is_serial = mode in {Mode.DERIVED, Mode.RANDOM, Mode.IMPORTED}
    number = _take(session, brand, "next_run", 1, serials.MAX_RUN)
    if order.lot is not None:
        _name_lot(session, product, order, mode, now)
    epoch, claim_key, sscc_first = None, None, None
    if mode is Mode.DERIVED:
        epoch = session.scalar(
            select(SerialKey.epoch).where(SerialKey.brand_id == brand.id, SerialKey.is_active.is_(True))
        )
        if epoch is None:
            raise NotFound(f"The brand {brand.slug} has no serial key; `authsvc brands add` makes one with the brand.")
    if is_serial and product.claim != "none":
        claim_key = session.scalar(select(func.max(ClaimKey.id)).where(ClaimKey.brand_id == brand.id))
        if claim_key is None:
            raise NotFound(f"The brand {brand.slug} has no claim key; `authsvc brands add` makes one with the brand.")
    if mode is Mode.SSCC:
        prefix = _case_prefix(brand, product)
        reference = _take(session, brand, "next_sscc", order.count, 10 ** (16 - len(prefix)) - 1)
        sscc_first = codes.sscc_body(prefix, reference)
    session.add(
        Run(
            brand_id=brand.id,
            number=number,
            gtin=product.gtin,
            lot=order.lot,
            mode=mode.value,
            count=order.count,
            epoch=epoch,
            format=None if key is None else _FORMAT_WORDS[key.format],
            key_id=None if key is None else key.key_id,
            claim_key=claim_key,
            expires_on=order.expires_on,
            sscc_first=sscc_first,
            contents=order.contents,
            site=order.site,
            created_at=now,
        )
    )
    session.flush()
    return OpenRun(number=number, mode=mode, order=order, epoch=epoch, claim_key=claim_key, sscc_first=sscc_first)


def close_run(session: Session, brand: Brand, product: Product, run: OpenRun, *, now: datetime) -> None:
    """
    Let the codes of a run count, for all of them are safely in a file.

    Raises:
        KeyNotUsable: The key was withdrawn while the codes were made.
    """
    row = session.get_one(Run, (brand.id, run.number))
    if row.key_id is not None:
        signing = session.get_one(SigningKey, (brand.id, row.key_id), with_for_update={"read": True})
        if signing.state == KeyState.REVOKED:
            raise KeyNotUsable(f"Key {row.key_id} was revoked while its codes were made; none of them counts.")
    row.issued_at = now
    if run.mode is Mode.LOT:
        lot = session.get_one(Lot, (product.gtin, run.order.lot))
        lot.run, lot.issued_at = run.number, lot.issued_at or now
    session.flush()


def fail_run(session: Session, brand: Brand, run: OpenRun, failure: str) -> None:
    """Record why a run issued nothing; its number stays taken."""
    fail_number(session, brand, run.number, failure)


def fail_number(session: Session, brand: Brand, number: int, failure: str) -> None:
    """Record of a run that somebody else has opened why it issued nothing; what was recorded before stays."""
    session.execute(
        update(Run)
        .where(Run.brand_id == brand.id, Run.number == number, Run.issued_at.is_(None), Run.failure.is_(None))
        .values(failure=failure)
    )


def make_recipe(
    brand: Brand,
    product: Product,
    run: OpenRun,
    *,
    base_url: str,
    signer: tokens.Signer | None,
    serial_keys: Mapping[str, serials.SerialKey],
    claim_key: bytes | None,
    is_lot_in_link: bool = False,
) -> codes.Recipe:
    """
    Compose what the codes of a run share.

    Raises:
        BadDigitalLink: The base, the lot or the expiry date makes no valid link.
    """
    order = run.order
    ais = {"17": f"{order.expires_on:%y%m%d}"} if order.expires_on is not None else {}
    numbered_by: str | None
    if run.sscc_first is not None:
        numbered_by, sample = "00", codes.sscc(run.sscc_first)
        ais |= {"02": product.gtin, "37": str(order.contents)}
    else:
        numbered_by, sample = (None, "") if run.mode is Mode.LOT else ("21", _SAMPLE)
        ais |= {"01": product.gtin}
    if order.lot is not None and (is_lot_in_link or numbered_by != "21"):
        ais["10"] = order.lot
    link = DigitalLink.build(ais if numbered_by is None else {**ais, numbered_by: sample})
    path, mark, query = link.uri(base_url).partition("?")
    head, tail = path.removesuffix(sample), mark + query  # the number is the last segment of the path
    if signer is not None:
        tail += "&s=" if tail else "?s="
    return codes.Recipe(
        brand_id=brand.id,
        gtin=product.gtin,
        lot=order.lot,
        head=head,
        tail=tail,
        ais=ais,
        numbered_by=numbered_by,
        run=run.number,
        sscc_first=run.sscc_first,
        epoch=run.epoch,
        serial_key=None if run.epoch is None else serial_keys[run.epoch].key,
        claim_key=claim_key,
        **_signing_half(signer),
    )


# --- Private ---------------------------------------------------------------------------------------------------------


def _signing_half(signer: tokens.Signer | None) -> dict[str, Any]:
    """Take a signer apart, so that it can be sent to other processes."""
    match signer:
        case None:
            return {}
        case tokens.Ed25519Signer():
            return {"key_id": signer.key_id, "private": signer.private.private_bytes_raw()}
        case tokens.MacSigner():
            return {"key_id": signer.key_id, "mac": signer.key}
    raise KeyNotUsable("This kind of key cannot be shared among processes.")


def _mode(product: Product, order: Order) -> Mode:
    if product.granularity is Granularity.SERIAL and not order.is_lot_level:
        return order.mode
    is_lot = product.granularity is Granularity.BATCH or order.is_lot_level
    return Mode.LOT if is_lot else Mode.SSCC


def _check_order(product: Product, order: Order, mode: Mode, today: date) -> None:
    words = f"{product.name} ({product.gtin}) has one code for each"
    if order.is_lot_level and product.granularity is Granularity.SERIAL:
        _check_older_stock(product, words, today)
    _check_source(product, order, mode)
    if mode in {Mode.LOT, Mode.SSCC}:
        what = "lot" if mode is Mode.LOT else "case"
        if order.mode is not Mode.DERIVED:
            raise BadInput(f"{words} {what}, so no serials can be imported or drawn.")
        if order.lot is None:
            raise BadInput(f"{words} {'lot' if mode is Mode.LOT else 'case of a lot'}. Name the lot: --lot L.")
    if mode is Mode.LOT and order.count != 1:
        raise BadInput(f"{words} lot: print it as often as you like, but issue it once, with --count 1.")
    if mode is Mode.SSCC and not 1 <= (order.contents or 0) <= 99_999_999:
        raise BadInput(f"{words} case. Say how many items a case holds: --contents K, 1 to 99999999.")
    if mode is not Mode.SSCC and order.contents is not None:
        raise BadInput("Only a case has contents. Leave out --contents.")
    if not 1 <= order.count <= serials.MAX_CODES:
        raise BadInput(f"A run has 1 to {serials.MAX_CODES} codes, got {order.count}.")
    # Every value that stands in a link is checked before a number is taken.
    DigitalLink.build({"01": product.gtin} | ({"10": order.lot} if order.lot is not None else {}))


def _check_older_stock(product: Product, words: str, today: date) -> None:
    """Let a product whose items get codes of their own from a later day have codes of lots until then."""
    if product.serial_from is None:
        raise BadInput(f"{words} item and none for a lot. Leave out --level lot.")
    if today >= product.serial_from:
        raise BadInput(f"{words} item since {product.serial_from}, and no lot gets a code any more.")


def _check_source(product: Product, order: Order, mode: Mode) -> None:
    form = serial_format(product.serial_format)
    # A new label gets a derived serial whatever the product has: nobody can make a further IMEI.
    if form is None or mode in {Mode.LOT, Mode.SSCC} or order.replaces is not None:
        return
    if mode.value != form.source.value:
        raise BadInput(f"The serials of {product.name} ({product.gtin}) are {form.source}, not {mode.value}.")


def _check_key(session: Session, product: Product, key: VerificationKey | None) -> None:
    if product.token == "none":
        if key is not None:
            raise BadInput(f"The codes of {product.name} carry no token; leave out --format.")
        return
    if key is None:
        raise KeyNotUsable(f"The codes of {product.name} carry a token, and no key was given to sign it.")
    row = session.get(SigningKey, (key.brand_id, key.key_id), with_for_update={"read": True}, populate_existing=True)
    if row is None or row.state != KeyState.ACTIVE or key.brand_id != product.brand_id:
        state = "not a key of this brand" if row is None or key.brand_id != product.brand_id else row.state
        raise KeyNotUsable(f"Key {key.key_id} is {state}; only an active key signs.")


def _take(session: Session, brand: Brand, counter: str, count: int, last: int) -> int:
    """Take *count* numbers, none beyond *last*, and return the first."""
    column = getattr(BrandCounter, counter)
    first = session.scalar(
        update(BrandCounter)
        .where(BrandCounter.brand_id == brand.id, column + (count - 1) <= last)
        .values({column: column + count})
        .returning(column - count)
    )
    if first is None:
        what = "run" if counter == "next_run" else "case"
        raise Conflict(f"The brand {brand.slug} has no {count} {what} number{'s' * (count > 1)} left.")
    return int(first)


def _name_lot(session: Session, product: Product, order: Order, mode: Mode, now: datetime) -> None:
    values: dict[str, Any] = {"gtin": product.gtin, "lot": order.lot, "brand_id": product.brand_id, "created_at": now}
    session.execute(insert(Lot).values(**values).on_conflict_do_nothing())
    lot = session.get_one(Lot, (product.gtin, order.lot), with_for_update=True, populate_existing=True)
    if order.expires_on is None:
        return
    if lot.expires_on is not None and lot.expires_on != order.expires_on:
        raise Conflict(f"Lot {order.lot} expires on {lot.expires_on}, and this issue says {order.expires_on}.")
    if mode is Mode.LOT:
        lot.expires_on = order.expires_on


def _case_prefix(brand: Brand, product: Product) -> str:
    """Return the company prefix that numbers cases: the longest one that covers the GTIN, or else the first."""
    covering = sorted((p for p in brand.prefixes if product.gtin.startswith(p, 1)), key=len, reverse=True)
    prefixes = covering or sorted(brand.prefixes)
    if not prefixes:
        raise BadInput(
            f"A case is numbered with the company prefix of its brand, and {brand.slug} has none. "
            "Add the one that GS1 gave to the brand."
        )
    return prefixes[0]
