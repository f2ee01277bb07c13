"""
What a recall is of: in the words of whoever asks, and as the scan reads it.

``Target`` is what somebody asks for; ``resolve`` finds what it stands for, or says what is wrong with it. A typing
error must never recall nothing in silence, so a lot, a serial or a window without any issued code is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Self

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from authsvc.core import serial_lists, serials
from authsvc.core.register import Product
from authsvc.errors import BadInput, NotFound
from authsvc.models import Item, Lot, Recall, Run

_SHOWN_LOTS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """
    What somebody wants recalled; with nothing set, the whole product.

    *between* are the first and the last serial of a range, which may lie in a *lot*. *listed* are row numbers and
    serials. *made* are the first and the last day, in UTC, on which the codes were issued.
    """

    lot: str | None = None
    between: tuple[str, str] | None = None
    listed: tuple[tuple[int, str], ...] = ()
    made: tuple[date, date] | None = None

    def write(self) -> dict[str, Any]:
        """Return the target as a draft keeps it."""
        return {
            "lot": self.lot,
            "between": self.between and list(self.between),
            "listed": [list(row) for row in self.listed],
            "made": self.made and [day.isoformat() for day in self.made],
        }

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> Self:
        """Return what ``write`` wrote."""
        between, made = content["between"], content["made"]
        return cls(
            lot=content["lot"],
            between=(between[0], between[1]) if between else None,
            listed=tuple((number, serial) for number, serial in content["listed"]),
            made=(date.fromisoformat(made[0]), date.fromisoformat(made[1])) if made else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """
    What a recall concerns, as it is stored; *lots* are those it touches, None among them for items of no lot.

    ``listed`` is the number of items of a list, whose names are in *sgtins*.
    """

    lot: str | None = None
    run: int | None = None
    index_from: int | None = None
    index_to: int | None = None
    serial_from: str | None = None
    serial_to: str | None = None
    listed: int | None = None
    made_from: datetime | None = None
    made_until: datetime | None = None
    sgtins: tuple[str, ...] = ()

    @classmethod
    def of(cls, row: Recall, sgtins: Sequence[str] = ()) -> Self:
        """Return the scope of a stored recall; of a list, with its items where the caller needs them."""
        return cls(
            lot=row.lot,
            run=row.run,
            index_from=row.index_from,
            index_to=row.index_to,
            serial_from=row.serial_from,
            serial_to=row.serial_to,
            listed=row.listed,
            made_from=row.made_from,
            made_until=row.made_until,
            sgtins=tuple(sgtins),
        )

    def columns(self) -> dict[str, Any]:
        """Return the values of the columns of a recall."""
        return {name: getattr(self, name) for name in self.__slots__ if name != "sgtins"}


def resolve(
    session: Session, product: Product, target: Target, *, serial_keys: Mapping[str, serials.SerialKey], now: datetime
) -> Scope:
    """
    Find what a target stands for.

    Raises:
        NotFound: The lot, a serial or any run of the window was never issued.
        BadInput: The parts of the target do not go together.
    """
    if sum((target.between is not None, bool(target.listed), target.made is not None)) > 1:
        raise BadInput("Recall a range, a list or a production window: one of them at a time.")
    if target.lot is not None and (target.listed or target.made):
        raise BadInput("A list or a production window names no lot: it says by itself which items it is about.")
    if target.lot is not None and session.get(Lot, (product.gtin, target.lot)) is None:
        known = session.scalars(
            select(Lot.lot).where(Lot.gtin == product.gtin).order_by(Lot.created_at.desc()).limit(_SHOWN_LOTS)
        ).all()
        hint = f"The latest ones are {', '.join(known)}." if known else "It has none yet."
        raise NotFound(f"{product.name} has no lot {target.lot!r}. {hint}")
    if target.between is not None:
        return _range(session, product, target.lot, target.between, serial_keys)
    if target.listed:
        return _list(session, product, target.listed, serial_keys)
    if target.made is not None:
        return _window(session, product, *target.made, now=now)
    return Scope(lot=target.lot)


# --- Private ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _End:
    """One end of a range: an index of a run, or an imported serial."""

    serial: str
    run: int | None
    index: int | None
    lot: str | None


def _range(
    session: Session,
    product: Product,
    lot: str | None,
    between: tuple[str, str],
    keys: Mapping[str, serials.SerialKey],
) -> Scope:
    first, last = (_find_end(session, product, serial, keys) for serial in between)
    for end in first, last:
        if lot is not None and end.lot != lot:
            raise BadInput(f"Serial {end.serial} belongs to lot {end.lot or '(none)'}, and the recall says {lot}.")
    if first.index is not None and last.index is not None:
        if first.run != last.run:
            raise BadInput(
                f"{first.serial} was issued in run {first.run} and {last.serial} in run {last.run}. "
                "A range lies in one run: make one recall for each run."
            )
        is_backwards = first.index > last.index
        found = Scope(lot=lot, run=first.run, index_from=first.index, index_to=last.index)
    elif first.index is None and last.index is None:
        if len(first.serial) != len(last.serial):
            raise BadInput("Both ends of a range must have the same length, or its order would be a matter of opinion.")
        is_backwards = first.serial > last.serial
        found = Scope(lot=lot, serial_from=first.serial, serial_to=last.serial)
    else:
        raise BadInput("One end of the range is a derived serial and the other an imported one: make two recalls.")
    if is_backwards:
        raise BadInput(
            f"The range runs backwards: {last.serial} was issued before {first.serial}. "
            f"Turn it round: from {last.serial} to {first.serial}."
        )
    return found


def _find_end(session: Session, product: Product, serial: str, keys: Mapping[str, serials.SerialKey]) -> _End:
    item = session.get(Item, f"{product.gtin}.{serial}")
    if found := serials.decode(serial, product.gtin, keys):
        run = session.get(Run, (product.brand_id, found[0]))
        if run is not None and run.gtin == product.gtin and run.issued_at is not None and found[1] < run.count:
            return _End(serial, found[0], found[1], run.lot)
    if item is None:
        raise NotFound(f"Serial {serial!r} of {product.name} was never issued. Look for a typing error; case counts.")
    return _End(serial, None, None, item.lot)


# An item is issued as the scan decides it: it has a row, or its index lies within a run of the product.
_NOT_ISSUED = text("""
SELECT u.number, u.serial
FROM unnest(CAST(:numbers AS int[]), CAST(:serials AS text[]), CAST(:runs AS int[]), CAST(:indexes AS bigint[]))
  AS u (number, serial, run, index)
LEFT JOIN items o ON o.sgtin = CAST(:gtin AS text) || '.' || u.serial AND o.brand_id = :brand
LEFT JOIN runs r ON r.brand_id = :brand AND r.number = u.run AND r.gtin = :gtin
WHERE o.sgtin IS NULL AND NOT coalesce(r.issued_at IS NOT NULL AND u.index < r.count, false)
ORDER BY u.number""")


def _list(
    session: Session,
    product: Product,
    listed: tuple[tuple[int, str], ...],
    keys: Mapping[str, serials.SerialKey],
) -> Scope:
    decoded = [serials.decode(serial, product.gtin, keys) or (None, None) for _, serial in listed]
    asked = {
        "numbers": [number for number, _ in listed],
        "serials": [serial for _, serial in listed],
        "runs": [run for run, _ in decoded],
        "indexes": [index for _, index in decoded],
        "gtin": product.gtin,
        "brand": product.brand_id,
    }
    unknown = session.execute(_NOT_ISSUED, asked).all()
    serial_lists.refuse([f"row {row.number}: {row.serial!r}: was never issued for this product" for row in unknown])
    sgtins = sorted({f"{product.gtin}.{serial}" for _, serial in listed})
    return Scope(listed=len(sgtins), sgtins=tuple(sgtins))


def _window(session: Session, product: Product, first: date, last: date, *, now: datetime) -> Scope:
    if last < first:
        raise BadInput(f"The window runs backwards: {last} is before {first}.")
    made_from = datetime.combine(first, time(), UTC)
    # What is issued after the announcement is no part of what somebody has looked at.
    made_until = min(datetime.combine(last, time(), UTC) + timedelta(days=1), now)
    runs = select(Run.number).where(Run.gtin == product.gtin, Run.issued_at >= made_from, Run.issued_at < made_until)
    if session.scalar(runs.limit(1)) is None:
        raise NotFound(f"No code of {product.name} was issued from {first} to {last} (days in UTC).")
    return Scope(made_from=made_from, made_until=made_until)
