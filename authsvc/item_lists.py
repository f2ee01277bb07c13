"""Items that have a row, product by product, in the order of their key."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from authsvc.core.verdicts import Disposition
from authsvc.models import Item


def find(
    session: Session,
    brand_id: UUID,
    gtin: str,
    *,
    after: str | None = None,
    disposition: Disposition | None = None,
    limit: int,
) -> Sequence[Item]:
    """Return items of a product whose key comes *after* the one given, in one condition where it is named."""
    # A dot comes after every digit and before every letter, and a slash is the next character after it.
    query = select(Item).where(Item.brand_id == brand_id, Item.sgtin > (after or f"{gtin}."), Item.sgtin < f"{gtin}/")
    if disposition is not None:
        query = query.where(Item.disposition == disposition.value)
    return session.scalars(query.order_by(Item.sgtin).limit(limit)).all()
