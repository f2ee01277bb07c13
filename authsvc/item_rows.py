"""
Rows of items: made at the first exception, for a code that was issued: a row makes its serial count as issued.

Whoever changes an item locks its row first and counts ``seq``, so that a scan that was under way knows of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from authsvc.core import serials, units
from authsvc.core.register import Brand
from authsvc.errors import NotFound
from authsvc.languages import later
from authsvc.models import Item, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemName:
    """One item or case of a brand: *key* is its GTIN with a *serial*, or the SSCC of a case without one."""

    brand: Brand
    key: str
    serial: str | None
    serial_keys: Mapping[str, serials.SerialKey]

    @property
    def sgtin(self) -> str:
        """The key under which the item is stored."""
        return f"00.{self.key}" if self.serial is None else f"{self.key}.{self.serial}"

    def decode(self) -> tuple[int | None, int | None]:
        """Return the run and the index in it that a derived serial stands for; neither for any other code."""
        if self.serial is None:
            return None, None
        return serials.decode(self.serial, self.key, self.serial_keys) or (None, None)


def lock(session: Session, name: ItemName) -> Item:
    """
    Return the row of an item, locked until the transaction ends; one that nobody has scanned is made.

    Raises:
        NotFound: The code was never issued, or is another brand's.
    """
    row = _find(session, name)
    if row is None:
        run = _get_run(session, name)
        # A function of the database, because a console may not insert items. A scan may have made it since.
        session.execute(select(func.authsvc_make_item(name.sgtin, name.brand.id, run.number)))
        row = _find(session, name)
    if row is None or row.brand_id != name.brand.id:
        raise NotFound(later("{brand} has no item {number}."), brand=name.brand.name, number=name.sgtin)
    return row


# --- Private ---------------------------------------------------------------------------------------------------------


def _find(session: Session, name: ItemName) -> Item | None:
    return session.get(Item, name.sgtin, with_for_update=True, populate_existing=True)


def _get_run(session: Session, name: ItemName) -> Run:
    """Return the run that issued a code without a row of its own."""
    key, serial, brand = name.key, name.serial, name.brand
    if serial is None:
        body = int(key[:-1])
        run = session.scalar(
            select(Run).where(Run.brand_id == brand.id, Run.sscc_first <= body, body < Run.sscc_first + Run.count)
        )
        what = f"Case {key}"
    elif (unit := units.split(serial)) is not None:
        # A unit has no code of its own: that of its batch was issued, and nobody has counted the units.
        run = session.scalar(
            select(Run)
            .where(Run.brand_id == brand.id, Run.gtin == key, Run.lot == unit[0], Run.issued_at.is_not(None))
            .where(Run.mode == "lot")
            .order_by(Run.number)
            .limit(1)
        )
        what = f"Batch {unit[0]} of {key}"
    else:
        number, index = name.decode()
        run = None if number is None else session.get(Run, (brand.id, number))
        if run is not None and index is not None and not (run.gtin == key and index < run.count):
            run = None
        what = f"Item {key}.{serial}"
    if run is None or run.issued_at is None:
        said = later("{number} was never issued. Look for a typing error; upper and lower case are not the same.")
        raise NotFound(said, number=what)
    return run
