"""
Brands and their GS1 company prefixes; products and their pictures.

The brand of a code follows from its GTIN, for ever. So no prefix may equal, extend or be extended by another brand's,
and no GTIN may lie under another brand's prefix: a lock around every change keeps that true, for no constraint can say
it. A host belongs to one brand too. A file of products is taken whole or not at all, and every fault in it is named
with its row and column.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from authsvc.core import product_texts
from authsvc.core.looks import Look
from authsvc.core.product_rows import MAX_IMAGE_BYTES, CheckedRow, Fault, check_row, check_together, media_type
from authsvc.core.register import PREFIX_DIGITS, Brand, Granularity, Product, Release, carries_prefix, reaches_gtin_8
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.models import Brand as BrandRow
from authsvc.models import BrandCounter, BrandHost, BrandPrefix, Image, Lot, Run
from authsvc.models import Product as ProductRow

SHOWN_FAULTS = 50

_LOCK = 0x61757468  # "auth": one number for all changes of brands, prefixes and GTINs
_is_slug = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?").fullmatch
_is_prefix = re.compile(rf"[0-9]{{{PREFIX_DIGITS.start},{PREFIX_DIGITS.stop - 1}}}").fullmatch
_is_host = re.compile(
    r"(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*(?::[0-9]{1,5})?"
).fullmatch

ReadImage = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Imported:
    """How many products an import made and changed."""

    created: int
    updated: int


def add_brand(session: Session, brand: Brand, *, now: datetime) -> None:
    """
    Register a brand with its company prefixes and hosts. Its serial and claim keys are for ``signing_keys`` to make.

    Raises:
        BadInput: The slug, a prefix or a host is not well-formed.
        Conflict: The slug or a host is taken, or a prefix belongs to another brand, in whole or in part.
    """
    _check_brand(brand)
    lock_register(session)
    if session.scalar(select(BrandRow.id).where(BrandRow.slug == brand.slug)) is not None:
        raise Conflict(f"There is a brand {brand.slug!r} already; `authsvc brands list` shows all.")
    for prefix in brand.prefixes:
        _refuse_taken(session, prefix)
    for host in brand.hosts:
        _refuse_taken_host(session, host)
    session.add(
        BrandRow(
            id=brand.id,
            slug=brand.slug,
            name=brand.name,
            is_sandbox=brand.is_sandbox,
            sandbox_of=brand.sandbox_of,
            contact=brand.contact,
            created_at=now,
        )
    )
    session.flush()
    session.add(BrandCounter(brand_id=brand.id))
    session.add_all(BrandPrefix(prefix=prefix, brand_id=brand.id) for prefix in brand.prefixes)
    session.add_all(BrandHost(host=host, brand_id=brand.id, position=n) for n, host in enumerate(brand.hosts))
    session.flush()


def list_brands(session: Session) -> list[Brand]:
    """Return all brands, in the order of their slugs."""
    return [_brand(session, row) for row in session.scalars(select(BrandRow).order_by(BrandRow.slug))]


def get_brand(session: Session, slug: str) -> Brand:
    """
    Return the brand with this slug.

    Raises:
        NotFound: There is none.
    """
    row = session.scalar(select(BrandRow).where(BrandRow.slug == slug))
    if row is None:
        raise NotFound(f"There is no brand {slug!r}; `authsvc brands list` shows all.")
    return _brand(session, row)


def get_brand_by_id(session: Session, brand_id: UUID) -> Brand:
    """Return the brand that owns a row."""
    return _brand(session, session.get_one(BrandRow, brand_id))


def get_slug(session: Session, brand_id: UUID) -> str:
    """Return the short name of a brand."""
    return session.scalars(select(BrandRow.slug).where(BrandRow.id == brand_id)).one()


def get_product(session: Session, gtin: str) -> Product:
    """
    Return the product with a GTIN of 14 digits.

    Raises:
        NotFound: No brand has registered it.
    """
    row = session.get(ProductRow, gtin)
    if row is None:
        raise NotFound(f"No product has the GTIN {gtin}. Register it first: `authsvc products import FILE`.")
    return _product(row)


def list_products(
    session: Session, brand_id: UUID | None = None, *, after: str | None = None, limit: int | None = None
) -> list[Product]:
    """Return the products of a brand, or of all, in the order of their GTINs; those *after* one where it is given."""
    query = select(ProductRow).order_by(ProductRow.gtin).limit(limit)
    if after is not None:
        query = query.where(ProductRow.gtin > after)
    if brand_id is not None:
        query = query.where(ProductRow.brand_id == brand_id)
    return [_product(row) for row in session.scalars(query)]


def find_case_brand(session: Session, sscc: str) -> Brand | None:
    """Return the brand whose company prefix an SSCC carries, or None."""
    return _find_prefix_brand(session, sscc)


def import_products(
    session: Session, rows: Iterable[tuple[int, Mapping[str, Any]]], *, read_image: ReadImage, now: datetime
) -> Imported:
    """
    Register the products of a file, or change those that the same brand registered before.

    *rows* are row numbers and cells; a column that a row does not have is left as it was, and so is a choice whose
    cell is empty. *read_image* opens the picture that a row names, and raises OSError where it cannot.

    Raises:
        BadInput: With every fault, its row and its column; nothing is changed.
    """
    lock_register(session)
    brands = {brand.slug: brand for brand in list_brands(session)}
    faults: list[Fault] = []
    seen: dict[str, int] = {}
    created = updated = 0
    for number, cells in rows:
        row, wrong = check_row(number, cells)
        faults += wrong
        if row is None:
            continue
        if row.gtin in seen:
            faults.append(Fault(number, "gtin", f"{row.gtin} is in the file already, in row {seen[row.gtin]}"))
            continue
        seen[row.gtin] = number
        brand = brands.get(row.brand)
        if brand is None:
            faults.append(Fault(number, "brand", f"there is no brand {row.brand!r}; `authsvc brands list` shows all"))
            continue
        old = session.get(ProductRow, row.gtin)
        image, wrong = _check_image(row, read_image)
        wrong += _check_owner(session, row, brand, old)
        if old is not None:
            wrong += _check_change(session, row, old)
        faults += wrong
        if not faults:
            _store(session, row, brand, old, image, now)
            created, updated = created + (old is None), updated + (old is not None)
    if faults:
        shown = "\n".join(str(fault) for fault in faults[:SHOWN_FAULTS])
        more = f"\nand {len(faults) - SHOWN_FAULTS} more" if len(faults) > SHOWN_FAULTS else ""
        raise BadInput(f"The products are not accepted; nothing was changed.\n{shown}{more}")
    session.flush()
    return Imported(created, updated)


def lock_register(session: Session) -> None:
    """Let nobody else change brands, prefixes or products until this transaction ends."""
    session.execute(select(func.pg_advisory_xact_lock(_LOCK)))


# --- Brands ----------------------------------------------------------------------------------------------------------


def _check_brand(brand: Brand) -> None:
    if not _is_slug(brand.slug):
        raise BadInput(f"A slug has lower-case letters, digits and inner hyphens, 40 at most, got {brand.slug!r}.")
    if not brand.name.strip() or len(brand.name) > 200 or not brand.name.isprintable():
        raise BadInput(f"A brand has a name of 1 to 200 printable characters, got {brand.name!r}.")
    for prefix in brand.prefixes:
        if not _is_prefix(prefix):
            raise BadInput(f"A GS1 company prefix has 4 to 12 digits, got {prefix!r}.")
        if reaches_gtin_8(prefix):
            raise BadInput(f"{prefix} is no company prefix: it would claim every GTIN-8. Register each as a product.")
    for host in brand.hosts:
        if not _is_host(host):
            raise BadInput(f"A host is a name in lower case without https:// or a path, got {host!r}.")
    for value, count in Counter(brand.prefixes + brand.hosts).items():
        if count > 1:
            raise BadInput(f"{value} is given more than once.")


def _refuse_taken(session: Session, prefix: str) -> None:
    """Refuse a prefix that would make the brand of some code ambiguous."""
    shorter = [prefix[:length] for length in range(PREFIX_DIGITS.start, len(prefix) + 1)]
    holder = session.execute(
        select(BrandPrefix.prefix, BrandRow.slug)
        .join(BrandRow)
        .where(BrandPrefix.prefix.in_(shorter) | BrandPrefix.prefix.startswith(prefix))
        .limit(1)
    ).first()
    if holder is not None:
        raise Conflict(
            f"The company prefix {prefix} overlaps with {holder.prefix}, which brand {holder.slug} holds: "
            "a code would belong to both."
        )
    covered = session.execute(
        select(ProductRow.gtin, BrandRow.slug)
        .join(BrandRow, BrandRow.id == ProductRow.brand_id)
        .where(func.substr(ProductRow.gtin, 2, len(prefix)) == prefix)
        .limit(1)
    ).first()
    if covered is not None:
        raise Conflict(f"The company prefix {prefix} covers the GTIN {covered.gtin}, which brand {covered.slug} holds.")


def _refuse_taken_host(session: Session, host: str) -> None:
    holder = session.scalar(select(BrandRow.slug).join(BrandHost).where(BrandHost.host == host))
    if holder is not None:
        raise Conflict(f"The host {host} belongs to brand {holder}: its links would lead to two.")


def _find_prefix_brand(session: Session, gs1_key: str) -> Brand | None:
    if not carries_prefix(gs1_key):
        return None
    prefixes = [gs1_key[1 : 1 + length] for length in PREFIX_DIGITS]
    row = session.scalar(
        select(BrandRow)
        .join(BrandPrefix)
        .where(BrandPrefix.prefix.in_(prefixes))
        .order_by(func.length(BrandPrefix.prefix).desc())
        .limit(1)
    )
    return None if row is None else _brand(session, row)


def _brand(session: Session, row: BrandRow) -> Brand:
    prefixes: Sequence[str] = session.scalars(
        select(BrandPrefix.prefix).where(BrandPrefix.brand_id == row.id).order_by(BrandPrefix.prefix)
    ).all()
    hosts: Sequence[str] = session.scalars(
        select(BrandHost.host).where(BrandHost.brand_id == row.id).order_by(BrandHost.position)
    ).all()
    return Brand(
        id=row.id,
        slug=row.slug,
        name=row.name,
        is_sandbox=row.is_sandbox,
        sandbox_of=row.sandbox_of,
        prefixes=tuple(prefixes),
        hosts=tuple(hosts),
        contact=row.contact,
        look=Look(row.colour, row.colour_dark, row.logo) if row.colour and row.colour_dark else None,
    )


# --- Products --------------------------------------------------------------------------------------------------------


def _check_owner(session: Session, row: CheckedRow, brand: Brand, old: ProductRow | None) -> list[Fault]:
    if old is not None and old.brand_id != brand.id:
        holder = session.get_one(BrandRow, old.brand_id).slug
        return [Fault(row.row, "gtin", f"{row.gtin} belongs to brand {holder}, and a GTIN keeps its brand for ever")]
    holder_of_prefix = _find_prefix_brand(session, row.gtin)
    if holder_of_prefix is not None and holder_of_prefix.id != brand.id:
        return [Fault(row.row, "gtin", f"{row.gtin} lies under a company prefix of brand {holder_of_prefix.slug}")]
    if brand.sandbox_of is not None and holder_of_prefix is None:
        # A real number that was tried here would belong to the sandbox for ever.
        own = " or ".join(f"0{prefix}" for prefix in brand.prefixes)
        return [Fault(row.row, "gtin", f"a sandbox has numbers of its own, beginning with {own}")]
    return []


def _check_change(session: Session, row: CheckedRow, old: ProductRow) -> list[Fault]:
    """Refuse what would change the meaning of codes that are printed, and what does not fit the values that stay."""
    kept = ("claim", "token", "release", "category", "attributes", "markets", "serial_format", "serial_from")
    values = {**{name: getattr(old, name) for name in kept}, **row.values}
    if unfit := check_together(row.row, values):
        return unfit
    faults = _check_day(session, row, old, values["serial_from"])
    if faults:
        return faults
    granularity, token, release = values["granularity"], values["token"], values["release"]
    if granularity != old.granularity and not (granularity == Granularity.SERIAL and values["serial_from"]):
        what = f"codes were issued as {old.granularity}, which cannot change"
        if granularity == Granularity.SERIAL:
            what = f"codes were issued as {old.granularity}: say in serial_from from which day each item has its own"
        faults.append(Fault(row.row, "granularity", what))
    if (token == "none") != (old.token == "none"):
        was = "without" if old.token == "none" else "with"
        faults.append(
            Fault(row.row, "token", f"codes were issued {was} a token, and the printed ones stay as they are")
        )
    if release != old.release:
        what = f"codes were issued with {old.release}, and a change would turn the verdict of those that are out there"
        faults.append(Fault(row.row, "release", what))
    if faults and session.scalar(select(Run.number).where(Run.gtin == row.gtin, Run.issued_at.is_not(None)).limit(1)):
        return faults
    return []


def _check_day(session: Session, row: CheckedRow, old: ProductRow, serial_from: date | None) -> list[Fault]:
    """Refuse a day that would make what the page says of older stock untrue."""
    if serial_from == old.serial_from:
        return []
    issued_at = session.scalar(select(func.max(Lot.issued_at)).where(Lot.gtin == row.gtin))
    if issued_at is None or (serial_from is not None and serial_from >= issued_at.date()):
        return []
    what = f"codes of lots were issued on {issued_at:%Y-%m-%d}, and each has to stay older stock: a later day is needed"
    return [Fault(row.row, "serial_from", what)]


def _check_image(row: CheckedRow, read_image: ReadImage) -> tuple[bytes | None, list[Fault]]:
    if row.image is None:
        return None, []
    try:
        data = read_image(row.image)
    except OSError as error:
        return None, [Fault(row.row, "image", f"{row.image} cannot be read: {error.strerror or error}")]
    if len(data) > MAX_IMAGE_BYTES:
        # Its true size is not known: whoever reads it need not read on.
        size = f"{MAX_IMAGE_BYTES // 1024} KB"
        return None, [Fault(row.row, "image", f"{row.image} is too large: a picture has at most {size}")]
    if media_type(data) is None:
        return None, [Fault(row.row, "image", f"{row.image} is no WebP, AVIF, PNG or JPEG picture")]
    return data, []


def _store(
    session: Session, row: CheckedRow, brand: Brand, old: ProductRow | None, image: bytes | None, now: datetime
) -> None:
    product = old or ProductRow(gtin=row.gtin, brand_id=brand.id, created_at=now)
    values = dict(row.values)
    said = product_texts.merged(
        product_texts.refitted(product.texts, product.attributes, values.get("attributes", product.attributes)),
        values.pop("texts", {}),
    )
    for name, value in values.items():
        setattr(product, name, value)
    product.texts = said
    if image is not None:
        kind = media_type(image)
        assert kind is not None  # _check_image saw to it
        digest = hashlib.sha256(image).hexdigest()
        session.execute(
            insert(Image).values(sha256=digest, brand_id=brand.id, media_type=kind, data=image).on_conflict_do_nothing()
        )
        product.image = f"{digest}.{kind.removeprefix('image/')}"
    session.add(product)
    session.flush()


def _product(row: ProductRow) -> Product:
    return Product(
        gtin=row.gtin,
        brand_id=row.brand_id,
        name=row.name,
        granularity=Granularity(row.granularity),
        category=row.category,
        description=row.description,
        image=row.image,
        warranty_months=row.warranty_months,
        claim=row.claim,
        token=row.token,
        release=Release(row.release),
        is_tracked=row.tracking != "none",
        markets=tuple(row.markets),
        copy_threshold=row.copy_threshold,
        lot_format=row.lot_format,
        serial_format=row.serial_format,
        serial_from=row.serial_from,
        attributes=row.attributes,
        language=row.language,
        texts=row.texts,
    )
