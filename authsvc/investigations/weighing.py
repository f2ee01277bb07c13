"""
Weighing: the score of an item after people have spoken, and the one way in which it falls.

A scan only ever raises a score. A resolution or a proof explains what came before it; then the history is weighed anew,
and the item carries what is left. Its row is locked throughout, and the counter of its facts has moved: a scan that was
under way judges again.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from authsvc import scan_statements as sql
from authsvc.core import clones
from authsvc.core.register import Brand, Product
from authsvc.errors import NotFound
from authsvc.holdings import Holdings
from authsvc.investigations import judging
from authsvc.investigations.judging import Judged
from authsvc.item_rows import ItemName
from authsvc.models import Alert, Item

OTHER_RULES = frozenset({"signed-not-issued", "receipt-copied"})
"""Alerts that do not rest on the history of the item, so that what is said of them says nothing of it."""


@dataclass(frozen=True, slots=True)
class Subject:
    """
    The item that an investigation is about, and its product (None for a case).

    ``other`` is the key of what is no item: a lot, a run, a network. Nothing of an item follows from its alerts.
    """

    name: ItemName
    product: Product | None
    other: str | None = None

    @property
    def sgtin(self) -> str:
        """The key under which the item, or what it is, is stored."""
        return self.name.sgtin if self.other is None else self.other

    @classmethod
    def of_stored(cls, held: Holdings, brand: Brand, sgtin: str) -> "Subject":
        """Return what an alert of *brand* is about, by the key under which it is stored."""
        key, _, serial = sgtin.partition(".")
        is_case = key == "00"
        if is_case or (len(key) == 14 and key.isdigit() and serial and not serial.startswith(".")):
            name = ItemName(
                brand=brand,
                key=serial if is_case else key,
                serial=None if is_case else serial,
                serial_keys=held.serial_keys_of(brand.id),
            )
            return cls(name, None if is_case else held.register.find_product(key))
        return cls(ItemName(brand=brand, key=sgtin, serial=None, serial_keys={}), None, other=sgtin)

    @classmethod
    def of(cls, held: Holdings, key: str, serial: str | None) -> "Subject":
        """
        Return the item of a GTIN with a *serial*, or of an SSCC without one, as a process knows its brand and product.

        Raises:
            NotFound: The key is no brand's.
        """
        brand = held.register.find_brand(key)
        if brand is None:
            raise NotFound(f"{key} belongs to no brand here.")
        name = ItemName(brand=brand, key=key, serial=serial, serial_keys=held.serial_keys_of(brand.id))
        return cls(name, None if serial is None else held.register.find_product(key))


def weigh(session: Session, subject: Subject) -> Judged:
    """Judge an item by what is stored of it at this moment."""
    session.flush()
    run, index = subject.name.decode()
    row = session.connection().exec_driver_sql(
        sql.EVIDENCE, {"sgtin": subject.sgtin, "run": run, "index": index}
    ).one_or_none()  # fmt: skip
    return Judged(clones.NOTHING) if row is None else judging.examine(row, subject.product)


def settle(session: Session, item: Item, subject: Subject, *, now: datetime) -> Judged:
    """Weigh an item whose row is locked, and let it carry the result, be it less than before."""
    judged = weigh(session, subject)
    item.score = judged.examination.score
    if not judged.examination.is_flagged:
        item.flagged_at = None
    elif item.flagged_at is None:
        item.flagged_at = now
    session.flush()
    return judged


def close_alerts(session: Session, item: Item, *, now: datetime) -> None:
    """Close every open alert that rests on the history of an item."""
    session.execute(
        update(Alert)
        .where(
            Alert.sgtin == item.sgtin,
            Alert.brand_id == item.brand_id,
            Alert.closed_at.is_(None),
            Alert.rule.not_in(OTHER_RULES),
        )
        .values(closed_at=now)
    )
