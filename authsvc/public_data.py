"""
What everybody may see of a lot and of an item, as the statement of a scan brings it along: values out of its JSON.

Most rows bring nothing, and for them nothing is made.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from authsvc.core import unit_data
from authsvc.core.records import Record
from authsvc.core.unit_data import Attribute, Audience, Level

_NOTHING: tuple[tuple[Attribute, ...], tuple[Record, ...]] = (), ()


def of_lot(stored: Mapping[str, Any] | None) -> tuple[Attribute, ...]:
    """Return the facts of a lot that everybody may see."""
    if stored is None:
        return ()
    return tuple(each for each in unit_data.of_lot(stored) if each.audience is Audience.PUBLIC)


def read(lot: Mapping[str, Any] | None, unit: Sequence[Any] | None) -> tuple[tuple[Attribute, ...], tuple[Record, ...]]:
    """Return the facts of an item's lot and its own, and its records, the newest first."""
    if unit is None:
        return (of_lot(lot), ()) if lot is not None else _NOTHING
    attributes, records = unit
    own = tuple(Attribute(name, value, Level.ITEM) for name, value in attributes or ())
    corrected = {row[5] for row in records or ()}
    return (*of_lot(lot), *own), tuple(_record(row, corrected) for row in records or ())


# --- Private ---------------------------------------------------------------------------------------------------------


def _record(row: Sequence[Any], corrected: set[str | None]) -> Record:
    number, kind, at, values, text, corrects = row
    moment = datetime.fromtimestamp(at, UTC)
    return Record(
        id=UUID(number),
        kind=kind,
        at=moment,
        values=values,
        text=text,
        audience=Audience.PUBLIC,
        by="",
        recorded_at=moment,
        corrects=None if corrects is None else UUID(corrects),
        is_corrected=number in corrected,
    )
