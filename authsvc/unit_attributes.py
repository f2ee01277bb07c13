"""
Attributes of items, and what anybody sees of an item over all levels: its own facts, its lot's, its product's.

An attribute is set anew, not appended: it says what is so. What it was before is in the log of whoever acts.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from authsvc import item_rows
from authsvc.core import unit_data
from authsvc.core.unit_data import Attribute, Audience, Level
from authsvc.errors import Conflict, NotFound
from authsvc.item_rows import ItemName
from authsvc.models import Item, ItemAttribute, Lot, Product


def put(session: Session, name: ItemName, given: Attribute, *, by: str, now: datetime) -> str | None:
    """
    Set one attribute of an item; return what it said before.

    Raises:
        NotFound: The code was never issued.
        Conflict: The item has very many.
    """
    row = item_rows.lock(session, name)
    old = session.get(ItemAttribute, (row.sgtin, given.name), populate_existing=True)
    before = None if old is None else old.value
    count = session.scalar(select(func.count()).where(ItemAttribute.sgtin == row.sgtin)) or 0
    if old is None and count >= unit_data.MOST:
        raise Conflict(f"An item has {unit_data.MOST} facts at most.")
    values = {"value": given.value, "audience": given.audience.value, "set_at": now, "set_by": by}
    session.execute(
        insert(ItemAttribute)
        .values(sgtin=row.sgtin, name=given.name, brand_id=row.brand_id, **values)
        .on_conflict_do_update(index_elements=["sgtin", "name"], set_=values)
    )
    _count(session, row.sgtin)
    return before


def remove(session: Session, name: ItemName, attribute: str) -> str:
    """
    Take one attribute away; return what it said. Then that of the lot or the product shows again.

    Raises:
        NotFound: The item has no such attribute.
    """
    row = item_rows.lock(session, name)
    before = session.scalar(
        delete(ItemAttribute)
        .where(ItemAttribute.sgtin == row.sgtin, ItemAttribute.name == attribute)
        .returning(ItemAttribute.value)
    )
    if before is None:
        raise NotFound(f"The item has no fact {attribute!r} of its own.")
    _count(session, row.sgtin)
    return str(before)


def read(session: Session, name: ItemName, lot: str | None, *, viewer: Audience) -> list[Attribute]:
    """Return what *viewer* sees of an item of this *lot*, the nearest level of each name."""
    if name.serial is None:
        return []
    product = session.get(Product, name.key)
    stored = None if lot is None else session.get(Lot, (name.key, lot))
    found = [] if product is None else unit_data.of_product(product.attributes)
    if stored is not None and stored.brand_id == name.brand.id:
        found += unit_data.of_lot(stored.attributes)
    return unit_data.resolve([*found, *_own(session, name)], viewer)


def read_own(session: Session, name: ItemName, *, viewer: Audience) -> list[Attribute]:
    """Return what *viewer* sees of the facts of an item alone, whatever its lot and its product say."""
    return unit_data.resolve(_own(session, name), viewer)


# --- Private ---------------------------------------------------------------------------------------------------------


def _own(session: Session, name: ItemName) -> Sequence[Attribute]:
    rows = session.scalars(
        select(ItemAttribute)
        .where(ItemAttribute.sgtin == name.sgtin, ItemAttribute.brand_id == name.brand.id)
        .order_by(ItemAttribute.name)
    )
    return [Attribute(row.name, row.value, Level.ITEM, Audience(row.audience)) for row in rows]


def _count(session: Session, sgtin: str) -> None:
    session.execute(update(Item).where(Item.sgtin == sgtin).values(records=Item.records + 1))
