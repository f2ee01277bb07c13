"""
EPCIS: what happened to items, lots and cases, told to partners in GS1's words; and what partners tell.

Nothing is stored twice: an event is made from the fact that is kept anyway. A scan is no event, since it changes
nothing and says where somebody was. What partners capture is held against GS1's schema and kept as it came.
"""

import functools
import json
import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from authsvc import epcis_documents
from authsvc import epcis_statements as sql
from authsvc.audit import Actor
from authsvc.core import epcis, epcis_facts, moments, serials
from authsvc.core.gs1 import DigitalLink
from authsvc.core.serials import SerialKey
from authsvc.epcis_documents import MOST
from authsvc.errors import BadDigitalLink, BadInput, Conflict, Forbidden, NotFound
from authsvc.models import AuditEvent, EpcisEvent

PAGE = 100
CAPTURED = "epcis.capture"
"""The act under which the log has a capture, by its number."""
LONGEST_NAME = 500
"""Of an item or an event: an index holds no longer ones."""

_NAMES = ("epcList", "childEPCs", "inputEPCList", "outputEPCList")
_CLASSES = ("quantityList", "childQuantityList", "inputQuantityList", "outputQuantityList")

IsOurs = Callable[[str], bool]
"""Says whether a GTIN or SSCC is the brand's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is asked for. ``epc`` is an item, a case, a lot or a product, as a Digital Link on any host."""

    epc: str | None = None
    types: Sequence[str] = ()
    event_from: datetime | None = None
    event_before: datetime | None = None
    recorded_from: datetime | None = None
    recorded_before: datetime | None = None
    after: str | None = None
    limit: int = PAGE


@dataclass(frozen=True, slots=True)
class Page:
    """Events as they are told, and what asks for those behind them."""

    events: list[dict[str, Any]]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """What was captured at once: how many events were new, and how many were known."""

    id: UUID
    at: datetime
    added: int
    known: int


def find_events(session: Session, brand_id: UUID, query: Query, *, serial_keys: Mapping[str, SerialKey]) -> Page:
    """
    Return a page of events in the order in which they were recorded.

    Raises:
        BadInput: The item or the mark of a page cannot be read.
    """
    limit = max(1, min(query.limit, MOST))
    params = {
        "brand_id": brand_id, "type": list(query.types) or None, "limit": limit + 1,
        "event_from": query.event_from, "event_before": query.event_before,
        "recorded_from": query.recorded_from, "recorded_before": query.recorded_before,
        **_of_epc(session, query.epc, serial_keys), **_after(query.after),
    }  # fmt: skip
    rows = list(session.execute(_statement(), params))
    events = [_tell(row, serial_keys) for row in rows[:limit]]
    more = len(rows) > limit
    return Page(events, _mark(rows[limit - 1]) if more else None)


def capture(
    session: Session,
    brand_id: UUID,
    told: Sequence[Mapping[str, Any]],
    *,
    is_ours: IsOurs,
    by: Actor,
    corrects_others: bool,
    id: UUID,  # noqa: A002  the word of the standard
    now: datetime,
) -> Capture:
    """
    Keep events, all of them or none; one that was captured before is not kept twice. They come from ``read``.

    A document of which nothing is new is the capture that kept its first event. Whoever *corrects others* may declare
    every event an error, and anybody else what they have captured themselves.

    Raises:
        BadInput: An event is about nothing of the brand.
        Forbidden: An event is declared an error that somebody else captured, or nobody.
        Conflict: Another event was captured under the same number.
    """
    before: list[UUID] = []
    for position, event in enumerate(told, 1):
        names = _names(event, position)
        if not any(_is_of_brand(name, is_ours) for name in names):
            raise BadInput(f"Event {position} names no item, lot or case of this brand.")
        at = epcis_documents.time_of(event, position)
        if "errorDeclaration" in event and not corrects_others:
            _check_author(session, brand_id, event, position, by, id)
        if (known := _keep(session, brand_id, event, names, at, by=by.name, capture_id=id, now=now)) is not None:
            before.append(known)
    is_new = len(before) < len(told) or not told
    return Capture(id=id if is_new else before[0], at=now, added=len(told) - len(before), known=len(before))


def get_capture(session: Session, brand_id: UUID, capture_id: UUID) -> Capture:
    """
    Return what a capture has added.

    Raises:
        NotFound: The brand knows of none with this number, or it has added nothing.
    """
    count, at = session.execute(
        select(func.count(), func.min(EpcisEvent.recorded_at)).where(
            EpcisEvent.brand_id == brand_id, EpcisEvent.capture_id == capture_id
        )
    ).one()
    if not count:
        raise NotFound("No events were captured under this number.")
    return Capture(id=capture_id, at=at, added=count, known=0)


# --- From facts to events --------------------------------------------------------------------------------------------


@functools.cache
def _statement() -> Any:
    # text() marks parameters with a colon, and would take one of a cast for another.
    statement = sql.EVENTS
    for name in ("brand_id", "type", "limit", "event_from", "event_before", "recorded_from", "recorded_before", "sgtin",
                 "gtin", "lot", "item_lot", "run", "index", "epcs", "after_at", "after_kind", "after_key"):  # fmt: skip
        statement = statement.replace(f"%({name})s", f":{name}")
    return text(statement.replace("::", r"\:\:"))


def _tell(row: Any, serial_keys: Mapping[str, SerialKey]) -> dict[str, Any]:
    if row.kind == "captured":
        found: dict[str, Any] = {**row.fact, "recordTime": epcis.moment(row.at)}
        return found
    return epcis.document(epcis_facts.TELLERS[row.kind](row.fact, row.at, serial_keys))


# --- What is asked for -----------------------------------------------------------------------------------------------


def _of_epc(session: Session, epc: str | None, keys: Mapping[str, SerialKey]) -> dict[str, Any]:
    """Return the filters that find what was said of an item, a case, a lot or a product."""
    found: dict[str, Any] = dict.fromkeys(("sgtin", "gtin", "lot", "item_lot", "run", "index", "epcs"))
    if epc is None:
        return found
    try:
        link = DigitalLink.parse(epc)
    except BadDigitalLink as error:
        raise BadInput(f"An item, lot or case is named by its GS1 Digital Link. {error}") from None
    if link.sscc is not None:
        return found | {"sgtin": f"00.{link.sscc}", "epcs": [epcis.case(link.sscc)]}
    if link.gtin is None:
        raise BadInput("An item, lot or case is named by its GTIN or SSCC.")
    if link.serial is None:
        return found | {"gtin": link.gtin, "lot": link.lot, "epcs": [epcis.lot(link.gtin, link.lot)]}
    run, index = serials.decode(link.serial, link.gtin, keys) or (None, None)
    row = session.execute(
        text("SELECT coalesce(i.run, :run) AS run, coalesce(i.lot, r.lot) AS lot FROM (SELECT) AS one "
             "LEFT JOIN items i ON i.sgtin = :sgtin LEFT JOIN runs r ON r.number = coalesce(i.run, :run)"),
        {"sgtin": link.sgtin, "run": run},
    ).one()  # fmt: skip
    return found | {
        "sgtin": link.sgtin, "run": row.run, "index": index, "item_lot": row.lot,
        "epcs": [epcis.item(link.gtin, link.serial)],
    }  # fmt: skip


def _after(mark: str | None) -> dict[str, Any]:
    if mark is None:
        return dict.fromkeys(("after_at", "after_kind", "after_key"))
    try:
        at, kind, key = json.loads(urlsafe_b64decode(mark + "=" * (-len(mark) % 4)))
        after_at = moments.check(datetime.fromisoformat(at), "A page")
        epcis_documents.check_text(f"{kind}{key}")
        return {"after_at": after_at, "after_kind": str(kind), "after_key": str(key)}
    except (BadInput, ValueError, TypeError, RecursionError):
        raise BadInput("nextPageToken is not one that was given here.") from None


def _mark(row: Any) -> str:
    raw = json.dumps([row.at.isoformat(), row.kind, row.key]).encode()
    return urlsafe_b64encode(raw).decode().rstrip("=")


# --- Capture ---------------------------------------------------------------------------------------------------------


def _names(event: Mapping[str, Any], position: int) -> list[str]:
    """Return what an event names, as canonical links where it is a Digital Link; anything else as it stands."""
    found = [name for member in _NAMES for name in event.get(member, ())]
    found += [each["epcClass"] for member in _CLASSES for each in event.get(member, ())]
    found += [event["parentID"]] if "parentID" in event else []
    if any(len(name) > LONGEST_NAME for name in (*found, event.get("eventID", ""))):
        raise BadInput(f"Event {position} has a name of more than {LONGEST_NAME} characters.")
    names = []
    for name in found:
        try:
            link = DigitalLink.parse(name, strict=False)
        except BadDigitalLink:
            names.append(name)
            continue
        if link.extensions:
            raise BadInput(f"Event {position} names an item with a query, which is no part of an identity.")
        names.append(link.canonical())
    return sorted(set(names))


def _is_of_brand(name: str, is_ours: IsOurs) -> bool:
    try:
        link = DigitalLink.parse(name)
    except BadDigitalLink:
        return False
    return is_ours(link.gtin or link.sscc or "")


def _check_author(
    session: Session, brand_id: UUID, event: Mapping[str, Any], position: int, by: Actor, capture_id: UUID
) -> None:
    """Refuse to declare an event an error to whoever has not captured it: the log says which key that was."""
    said = session.get(EpcisEvent, (brand_id, event.get("eventID", ""), False))
    if said is not None and said.capture_id == capture_id:
        return
    captured = select(AuditEvent.actor_id).where(
        AuditEvent.brand_id == brand_id, AuditEvent.act == CAPTURED,
        AuditEvent.subject == ("" if said is None else str(said.capture_id)),
    )  # fmt: skip
    if by.id is None or session.scalars(captured).first() != by.id:
        raise Forbidden(
            f"Event {position} declares an error in what this key has not captured. Only whoever captured an event, or "
            "the brand, declares it an error; ask the brand."
        )


def _keep(
    session: Session, brand_id: UUID, event: Mapping[str, Any], names: list[str], at: datetime, *, by: str,
    capture_id: UUID, now: datetime,
) -> UUID | None:  # fmt: skip
    """Keep an event that is new, or return the capture that has kept it."""
    # An event without a number gets one from what it says: sent again, it is the same event.
    plain = json.dumps(event, sort_keys=True, separators=(",", ":"))
    given = event.get("eventID") or f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, plain)}"
    is_correction = "errorDeclaration" in event
    document = {name: part for name, part in event.items() if name != "@context"} | {"eventID": given}
    row = {
        "brand_id": brand_id, "event_id": given, "is_correction": is_correction, "capture_id": capture_id,
        "event_at": at, "recorded_at": now, "recorded_by": by,
        "type": event["type"], "epcs": names, "document": document,
    }  # fmt: skip
    done = session.execute(insert(EpcisEvent).values(row).on_conflict_do_nothing().returning(EpcisEvent.event_id))
    if done.first() is not None:
        return None
    before = session.get_one(EpcisEvent, (brand_id, given, is_correction))
    if before.document != document:
        raise Conflict(f"Another event was captured as {given:.120}. An event is never replaced; declare it an error.")
    return before.capture_id
