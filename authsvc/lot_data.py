"""Lots as operations define them: their number, dates and facts, before or after codes are issued for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from authsvc.core.gs1 import DigitalLink
from authsvc.core.number_formats import lot_format
from authsvc.core.register import Product
from authsvc.core.unit_data import LOT_FACTS
from authsvc.errors import BadInput
from authsvc.models import Lot, Run

FACTS = LOT_FACTS
"""The facts of a lot that a form asks for, as ``attributes`` has them."""
LONGEST_FACT = 2_000
LISTED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class LotInfo:
    """A lot; *codes* is how many were issued for it."""

    lot: str
    made_on: date | None
    expires_on: date | None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime | None = None
    codes: int = 0


def list_lots(
    session: Session, product: Product, *, before: tuple[datetime, str] | None = None, limit: int = LISTED
) -> list[LotInfo]:
    """Return the latest lots of a product; *before* is time and number of the last that is known already."""
    issued = (
        select(func.coalesce(func.sum(Run.count), 0))
        .where(Run.gtin == Lot.gtin, Run.lot == Lot.lot, Run.issued_at.is_not(None))
        .scalar_subquery()
    )
    query = select(Lot, issued).where(Lot.gtin == product.gtin)
    if before is not None:
        at, lot = before
        query = query.where(or_(Lot.created_at < at, and_(Lot.created_at == at, Lot.lot > lot)))
    rows = session.execute(query.order_by(Lot.created_at.desc(), Lot.lot).limit(limit))
    return [_info(row, int(count)) for row, count in rows]


def find_lot(session: Session, product: Product, lot: str, *, locks: bool = False) -> LotInfo | None:
    """Return one lot of a product; locked until the transaction ends, where it is to be changed by what it says."""
    row = session.get(Lot, (product.gtin, lot), with_for_update=locks or None)
    if row is None:
        return None
    issued = select(func.coalesce(func.sum(Run.count), 0)).where(
        Run.gtin == product.gtin, Run.lot == lot, Run.issued_at.is_not(None)
    )
    return _info(row, int(session.scalar(issued) or 0))


def save_lot(session: Session, product: Product, given: LotInfo, *, now: datetime) -> LotInfo | None:
    """
    Add a lot, or change what is said of it; return what was said before.

    Raises:
        BadInput: The number makes no valid link or is not of the product's format, the dates run backwards, or a fact
            is too long.
    """
    DigitalLink.build({"01": product.gtin, "10": given.lot})
    if given.made_on is not None and given.expires_on is not None and given.expires_on < given.made_on:
        raise BadInput(f"The lot would expire on {given.expires_on}, before it was made on {given.made_on}.")
    if any(len(str(given.attributes.get(name, ""))) > LONGEST_FACT for name in FACTS):
        raise BadInput(f"A fact of a lot has at most {LONGEST_FACT} characters.")
    if session.get(Lot, (product.gtin, given.lot)) is None:
        check_number(product, given.lot)
    values = {"gtin": product.gtin, "lot": given.lot, "brand_id": product.brand_id, "created_at": now}
    # Somebody else may add it at the same moment: the second of the two changes what the first has said.
    made = session.execute(insert(Lot).values(**values).on_conflict_do_nothing().returning(Lot.lot)).one_or_none()
    row = session.get_one(Lot, (product.gtin, given.lot), with_for_update=True, populate_existing=True)
    before = None if made is not None else _info(row, 0)
    row.made_on, row.expires_on = given.made_on, given.expires_on
    # Facts that others have put there stay.
    others = {name: value for name, value in row.attributes.items() if name not in given.attributes}
    row.attributes = {**others, **{name: text for name, text in given.attributes.items() if text}}
    session.flush()
    return before


def check_number(product: Product, lot: str) -> None:
    """
    Refuse the number of a new lot that does not follow the format of its product.

    Raises:
        BadInput: It does not, and what one looks like.
    """
    if product.lot_format is not None and (fault := lot_format(product.lot_format).find_fault(lot)):
        raise BadInput(f"The lot number {lot!r} {fault}.")


# --- Private ---------------------------------------------------------------------------------------------------------


def _info(row: Lot, codes: int) -> LotInfo:
    return LotInfo(
        lot=row.lot,
        made_on=row.made_on,
        expires_on=row.expires_on,
        attributes=row.attributes,
        created_at=row.created_at,
        codes=codes,
    )
