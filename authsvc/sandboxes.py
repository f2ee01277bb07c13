"""
Sandboxes: the twin of a brand, in which its engineers try everything without touching what is real.

A sandbox is a brand of its own, so whatever keeps brands apart keeps it apart too: its keys see it alone, its scans,
alerts and figures are its own, and every code of it says that it is a test. Its GTINs lie under a company prefix that
GS1 has set aside for examples (952), and under no other, so that no real number is ever lost to it. Wiping takes away
what was tried and leaves what programs were set up with: keys, endpoints, hosts, and the log.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, and_, delete, or_, select, update
from sqlalchemy.orm import Session

from authsvc import catalogue, signing_keys
from authsvc.core.gs1.values import check_digit
from authsvc.core.register import Brand, Product
from authsvc.errors import Conflict
from authsvc.models import Base, BrandPrefix, Errand
from authsvc.models import Brand as BrandRow

EXAMPLES = "9529"
"""Of the prefix that GS1 has for demonstrations and examples, the part from which sandboxes are given theirs."""
_DIGITS = 9
_ITEM_DIGITS = 12

KEPT = frozenset({
    "brand_counters", "brand_hosts", "brand_prefixes", "signing_keys", "serial_keys", "claim_keys", "evidence_keys",
    "api_keys", "api_secrets", "webhook_endpoints", "webhook_secrets", "link_hosts", "sites", "trusted_devices",
    "message_responders", "message_requesters", "alert_mails", "alert_recipients", "staff", "staff_invitations",
    "staff_sso", "staff_identities", "staff_sessions", "audit_events", "audit_heads",
})  # fmt: skip
"""Tables of a brand that a wipe leaves alone: what programs and people were set up with, and the log."""

SAMPLES = (
    {
        "name": "Sample watch",
        "granularity": "serial",
        "category": "watch",
        "claim": "required",
        "warranty_months": "24",
    },
    {"name": "Sample tea", "granularity": "batch"},
    {"name": "Sample shirts, in cases", "granularity": "hybrid"},
)
"""What a new sandbox holds, so that the first call finds something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """A sandbox as the people of its brand see it."""

    id: UUID
    slug: str
    name: str
    created_at: datetime
    wiped_at: datetime | None


def find(session: Session, brand_id: UUID) -> Sandbox | None:
    """Return the sandbox of a brand, or None where it has none yet."""
    row = session.scalar(select(BrandRow).where(BrandRow.sandbox_of == brand_id))
    if row is None:
        return None
    return Sandbox(id=row.id, slug=row.slug, name=row.name, created_at=row.created_at, wiped_at=row.wiped_at)


def make(
    session: Session,
    brand: Brand,
    *,
    id: UUID,  # noqa: A002  the column
    wrapping_key: bytes,
    random: Callable[[int], bytes],
    now: datetime,
) -> Brand:
    """
    Make the sandbox of a brand, with its keys for serials and claim codes and something to begin with.

    Raises:
        Conflict: It has one, or is one.
    """
    if brand.is_sandbox:
        raise Conflict(f"{brand.name} is a sandbox itself.")
    catalogue.lock_register(session)
    if find(session, brand.id) is not None:
        raise Conflict(f"{brand.name} has a sandbox already.")
    made = Brand(
        id=id, slug=f"{brand.slug[:32]}-sandbox", name=f"{brand.name[:192]} Sandbox", is_sandbox=True,
        sandbox_of=brand.id, prefixes=(_free_prefix(session),),
    )  # fmt: skip
    catalogue.add_brand(session, made, now=now)
    signing_keys.add_serial_key(session, made.id, wrapping_key=wrapping_key, random=random)
    signing_keys.add_claim_key(session, made.id, wrapping_key=wrapping_key, random=random)
    _add_samples(session, made, now)
    return made


def wipe(session: Session, sandbox: Brand, *, now: datetime) -> int:
    """
    Take away all that was tried in a sandbox, put the samples back, and return how many rows have gone.

    Codes that were issued there stay tests for ever and are known no more: numbers of runs never come again.

    Raises:
        Conflict: It is the sandbox of no brand.
    """
    if sandbox.sandbox_of is None:
        raise Conflict(f"{sandbox.name} is the sandbox of no brand, so it is not wiped.")
    gone = 0
    for table in reversed(Base.metadata.sorted_tables):
        if "brand_id" in table.c and table.name not in KEPT:
            # The tables were written by hand and are read by nobody in this session: no row of it is left behind.
            gone += session.connection().execute(delete(table).where(_within(table, sandbox))).rowcount
    session.expire_all()
    session.execute(update(BrandRow).where(BrandRow.id == sandbox.id).values(wiped_at=now))
    _add_samples(session, sandbox, now)
    return gone


def label_name(session: Session, product: Product) -> str:
    """Return what a label calls a product: what comes out of a sandbox says so to whoever holds it."""
    is_test = session.scalars(select(BrandRow.is_sandbox).where(BrandRow.id == product.brand_id)).one()
    return f"TEST {product.name}" if is_test else product.name


# --- Private ---------------------------------------------------------------------------------------------------------


def _free_prefix(session: Session) -> str:
    """Return a company prefix for examples that overlaps with nobody's."""
    taken = session.scalars(select(BrandPrefix.prefix).where(BrandPrefix.prefix.startswith(EXAMPLES))).all()
    for number in range(10 ** (_DIGITS - len(EXAMPLES))):
        prefix = f"{EXAMPLES}{number:0{_DIGITS - len(EXAMPLES)}}"
        if not any(prefix.startswith(other) or other.startswith(prefix) for other in taken):
            return prefix
    raise Conflict(f"Every company prefix under {EXAMPLES} is taken.")


def _add_samples(session: Session, sandbox: Brand, now: datetime) -> None:
    rows = []
    for number, sample in enumerate(SAMPLES):
        digits = f"0{sandbox.prefixes[0]}".ljust(_ITEM_DIGITS, "0") + str(number)
        rows.append((number + 1, {"gtin": digits + check_digit(digits), "brand": sandbox.slug, **sample}))
    catalogue.import_products(session, rows, read_image=_no_image, now=now)


def _no_image(_name: str) -> bytes:
    raise FileNotFoundError


def _within(table: Table, sandbox: Brand) -> ColumnElement[bool]:
    """Return what rows of a table are those of a sandbox, so that an index finds them where there are many."""
    own: ColumnElement[bool] = table.c.brand_id == sandbox.id
    if table.name == Errand.__tablename__:
        return and_(own, table.c.kind != "sandbox")
    whole = (index for index in table.indexes if index.dialect_options["postgresql"]["where"] is None)
    indexed = [list(table.primary_key.columns), *(list(index.columns) for index in whole)]
    leading = {columns[0].name for columns in indexed if columns}
    if "brand_id" in leading or "sgtin" not in leading:
        return own
    return and_(own, or_(*_ranges(table.c.sgtin, sandbox)))


def _ranges(sgtin: ColumnElement[Any], sandbox: Brand) -> Iterator[ColumnElement[bool]]:
    """Yield the ranges of keys that carry the prefixes of a sandbox behind any first digit: items, then cases."""
    for prefix in sandbox.prefixes:
        for kind in ("", "00."):
            for first in range(10):
                low, high = f"{kind}{first}{prefix}", f"{kind}{first}{int(prefix) + 1}"
                yield and_(sgtin >= low, sgtin < high)
