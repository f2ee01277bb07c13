"""
New labels: a damaged code is replaced by a new one for the same item, and the old one answers that it is withdrawn.

The new code is a serial of its own, so it is the name of the item from then on. What belongs to the item goes over to
it: who owns it, offers of it, its attributes and records, and what happened to it. What belongs to the code stays where
it is: scans, alerts, cases. Whoever reads the history of either finds the other.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, cast, func, select, text, update
from sqlalchemy.orm import Session

from authsvc import audit, item_rows
from authsvc.audit import Actor
from authsvc.core.codes import Recipe, numbers
from authsvc.core.register import Brand
from authsvc.core.serials import SerialKey
from authsvc.core.verdicts import Disposition
from authsvc.errors import BadInput, Conflict
from authsvc.issuing import Order
from authsvc.item_rows import ItemName
from authsvc.models import (
    Alert,
    DealerItem,
    Item,
    LabelReplacement,
    OwnerRequest,
    Permit,
    Registration,
    Run,
    RunOrder,
    Transfer,
    TransferCode,
    TransferKey,
)

MOVED = (Registration, Transfer, TransferCode, TransferKey, DealerItem, Permit, OwnerRequest)
"""What belongs to an item: the rows take its new name."""
COPIED = ("item_attributes", "item_records", "item_facts")
"""Tables that are only added to, or that speak for the old code too: their rows are there under both names."""
STAYS = (
    "items", "scans", "sightings", "alerts", "alert_countries", "alert_decisions", "resolutions", "case_alerts",
    "consumer_reports", "recall_items", "followers", "item_changes", "api_checks", "label_replacements",
)  # fmt: skip
"""Tables of what belongs to a code."""


def find_new(session: Session, sgtin: str) -> str | None:
    """Return the code that has replaced another one, or None."""
    return session.scalar(select(LabelReplacement.new_sgtin).where(LabelReplacement.sgtin == sgtin))


def find_old(session: Session, sgtin: str) -> str | None:
    """Return the code that another one has replaced, or None."""
    return session.scalar(select(LabelReplacement.sgtin).where(LabelReplacement.new_sgtin == sgtin))


def order_of(session: Session, name: ItemName, *, reason: str, is_recalled: bool, site: str | None = None) -> Order:
    """
    Return the order of one code that is to replace that of an item.

    Raises:
        BadInput: It is the code of a case, or there is no reason.
        NotFound: The code was never issued.
        Conflict: The item is not in a condition for a new label, or one is on its way.
    """
    if name.serial is None:
        raise BadInput("Only the label of an item is replaced. The code of a lot can be printed again at any time.")
    if not reason.strip():
        raise BadInput("Give the reason: whoever looks at the item later has nothing else to go by.")
    if is_recalled:
        raise Conflict("The item is recalled, and a new label would not say so.")
    row = item_rows.lock(session, name)
    _check(session, row)
    waiting = select(RunOrder.id).where(
        RunOrder.brand_id == row.brand_id, RunOrder.replaces == row.sgtin, RunOrder.state != "refused",
        RunOrder.result.is_(None), RunOrder.ordered_at > func.now() - _FORGOTTEN,
    )  # fmt: skip
    if session.scalar(waiting.limit(1)) is not None:
        raise Conflict("A new label of this item is ordered already.")
    return Order(
        count=1, lot=row.lot, expires_on=row.expires_on, site=site, replaces=row.sgtin, reason=reason.strip()
    )  # fmt: skip


def complete(
    session: Session,
    brand: Brand,
    order: Order,
    recipe: Recipe,
    by: Actor,
    *,
    serial_keys: Mapping[str, SerialKey],
    now: datetime,
) -> None:
    """
    Let the one code of a run take the place of the one that it was ordered for; the run was closed just now.

    Raises:
        Conflict: The item is no longer in a condition for a new label.
    """
    serials = str(order.replaces).partition(".")[2], next(iter(numbers(recipe, range(1))))
    old, new = (ItemName(brand=brand, key=recipe.gtin, serial=each, serial_keys=serial_keys) for each in serials)
    row = item_rows.lock(session, old)
    _check(session, row)
    fresh = item_rows.lock(session, new)
    for table in MOVED:
        session.execute(
            update(table)
            .where(table.sgtin == row.sgtin, table.brand_id == row.brand_id)
            .values(sgtin=fresh.sgtin)
            .execution_options(synchronize_session=False)
        )
    for statement in _COPY:
        session.execute(statement, {"old": row.sgtin, "new": fresh.sgtin, "brand": row.brand_id})
    reason = order.reason or ""
    row.disposition, row.disposition_at = Disposition.INACTIVE.value, now
    row.disposition_reason, row.seq = f"The label was replaced: {reason}", row.seq + 1
    fresh.records, fresh.facts, fresh.seq = fresh.records + row.records, fresh.facts + row.facts, fresh.seq + 1
    fresh.commissioned_at = row.commissioned_at or (now if _is_commissioned(session, old) else None)
    session.add(
        LabelReplacement(
            sgtin=row.sgtin, new_sgtin=fresh.sgtin, brand_id=row.brand_id, reason=reason, replaced_by=by.name, at=now
        )
    )
    session.flush()
    for sgtin in (row.sgtin, fresh.sgtin):
        details = {"reason": reason, "old": old.serial, "new": new.serial}
        audit.record(session, brand.id, by, "item.relabel", sgtin, details, at=now)


# --- Private ---------------------------------------------------------------------------------------------------------

_FORGOTTEN = timedelta(hours=1)
"""How long an order that came to nothing stands in the way of another one."""
_COPY = (
    text("""
INSERT INTO item_attributes (sgtin, name, brand_id, value, audience, set_at, set_by)
SELECT :new, name, brand_id, value, audience, set_at, set_by FROM item_attributes
WHERE sgtin = :old AND brand_id = :brand"""),
    text("""
INSERT INTO item_records (sgtin, id, brand_id, kind, at, values, text, audience, by_name, by_id, corrects, recorded_at)
SELECT :new, id, brand_id, kind, at, values, text, audience, by_name, by_id, corrects, recorded_at FROM item_records
WHERE sgtin = :old AND brand_id = :brand"""),
    text("""
INSERT INTO item_facts (sgtin, id, brand_id, kind, at, visitor, country, latitude, longitude, radius_km, markets,
  recorded_by, recorded_at, withdrawn_by, withdrawn_at)
SELECT :new, id, brand_id, kind, at, NULL, country, latitude, longitude, radius_km, markets, recorded_by, recorded_at,
  withdrawn_by, withdrawn_at FROM item_facts WHERE sgtin = :old AND brand_id = :brand"""),
)


def _check(session: Session, row: Item) -> None:
    if row.disposition != Disposition.ACTIVE.value:
        raise Conflict(f"The item is {row.disposition}. Only an active item gets a new label.")
    still_open = select(Alert.id).where(
        Alert.sgtin == row.sgtin, Alert.brand_id == row.brand_id, Alert.closed_at.is_(None)
    )
    if session.scalar(still_open.limit(1)) is not None:
        raise Conflict("An alert about this item is open, and a new label would hide it. Decide on the alert first.")
    offered = select(Transfer.id).where(Transfer.sgtin == row.sgtin, Transfer.state.in_(("offered", "accepted")))
    if session.scalar(offered.limit(1)) is not None:
        raise Conflict("The owner is passing the item on just now. Replace the label when that has ended.")


def _is_commissioned(session: Session, name: ItemName) -> bool:
    number, index = name.decode()
    released = select(Run.number).where(
        Run.brand_id == name.brand.id, Run.number == number, Run.commissioned.op("@>")(cast(index, BigInteger))
    )
    return number is not None and session.scalar(released) is not None
