"""
EPCIS 2.0 events as this service tells them: state changes of items, lots and cases, in the terms of CBV 2.0.

An event is a value; ``document`` writes it as JSON-LD. What it speaks of is a canonical GS1 Digital Link without any
query: a token is no part of an identity. Its number is a hash of what it says (CBV 2.0, 8.9), so the same event has
the same number wherever it is written. Owners appear as the numbers of their registrations, which name nobody.

Where CBV has no word, ours stands as a URI below ``NAMESPACE``: that an item is lost or blocked, the run of a code.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from authsvc.core.gs1 import DigitalLink

GS1_CONTEXT: Final = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
NAMESPACE: Final = "urn:authsvc:voc:"
PREFIX: Final = "authsvc"
MASTER_DATA: Final = "urn:epcglobal:cbv:mda:"
CONTEXT: Final[list[Any]] = [GS1_CONTEXT, {PREFIX: NAMESPACE, "cbvmda": MASTER_DATA}]
VERSION: Final = "2.0"
HASHED: Final = "ni:///sha-256;"
"""How the numbers of events begin that are hashes of what they say, ours among them."""
EVENT_TYPES: Final = (
    "ObjectEvent",
    "AggregationEvent",
    "AssociationEvent",
    "TransactionEvent",
    "TransformationEvent",
)

TRANSFER: Final = f"{NAMESPACE}BTT-transfer"
"""The kind of transaction behind a change of owner; the kinds of CBV are papers of trade."""

_CBV: Final = "https://ref.gs1.org/cbv/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """
    One event.

    ``quantities`` are classes with how many of them, or None where that is not known; a ``parent`` is what they are in.
    ``own`` holds what we add under our prefix, ``ilmd`` what was true from the beginning, by its CBV name.
    """

    type: str = "ObjectEvent"
    action: str
    step: str
    at: datetime
    recorded_at: datetime
    disposition: str | None = None
    epcs: Sequence[str] = ()
    parent: str | None = None
    quantities: Sequence[tuple[str, int | None]] = ()
    set: Sequence[str] = ()
    unset: Sequence[str] = ()
    transaction: str | None = None
    owners: tuple[str, str] | None = None
    own: Mapping[str, str | int] = field(default_factory=dict)
    ilmd: Mapping[str, str] = field(default_factory=dict)


def item(gtin: str, serial: str) -> str:
    """Return the identity of an item."""
    return DigitalLink.build({"01": gtin, "21": serial}).canonical()


def lot(gtin: str, number: str | None) -> str:
    """Return the identity of a class: a lot, or all of a product."""
    return DigitalLink.build({"01": gtin} | ({"10": number} if number else {})).canonical()


def case(sscc: str) -> str:
    """Return the identity of a case."""
    return f"https://id.gs1.org/00/{sscc}"


def of_key(sgtin: str) -> str:
    """Return the identity behind the name under which items and cases are stored."""
    gtin, _, serial = sgtin.partition(".")
    return case(serial) if gtin == "00" else item(gtin, serial)


def word(name: str) -> str:
    """Return a word of our own vocabulary."""
    return f"{NAMESPACE}{name}"


def document(event: Event) -> dict[str, Any]:
    """Write an event, its number included, as a part of a document."""
    found: dict[str, Any] = {
        "type": event.type,
        "eventID": number(event),
        "eventTime": moment(event.at),
        "eventTimeZoneOffset": "+00:00",
        "recordTime": moment(event.recorded_at),
    }
    if event.transaction:
        found["bizTransactionList"] = [{"type": TRANSFER, "bizTransaction": event.transaction}]
    if event.epcs:
        found["epcList"] = list(event.epcs)
    if event.parent:
        found["parentID"] = event.parent
    if event.quantities:
        found["childQuantityList" if event.parent else "quantityList"] = [
            {"epcClass": name} | ({} if count is None else {"quantity": count}) for name, count in event.quantities
        ]
    found |= {"action": event.action, "bizStep": event.step}
    if event.disposition:
        found["disposition"] = event.disposition
    if event.set or event.unset:
        found["persistentDisposition"] = {
            name: list(words) for name, words in (("set", event.set), ("unset", event.unset)) if words
        }
    if event.owners:
        found["sourceList"] = [{"type": "owning_party", "source": event.owners[0]}]
        found["destinationList"] = [{"type": "owning_party", "destination": event.owners[1]}]
    if event.ilmd:
        found["ilmd"] = {f"cbvmda:{name}": value for name, value in event.ilmd.items()}
    found |= {f"{PREFIX}:{name}": value for name, value in event.own.items()}
    return found


def query_document(events: Iterable[Mapping[str, Any]], *, now: datetime) -> dict[str, Any]:
    """Return the answer to a query."""
    return _envelope("EPCISQueryDocument", now) | {
        "epcisBody": {
            "queryResults": {"queryName": "SimpleEventQuery", "resultsBody": {"eventList": list(events)}},
        }
    }


def event_document(events: Iterable[Mapping[str, Any]], *, now: datetime) -> dict[str, Any]:
    """Return a document of events, as one partner gives it to another."""
    return _envelope("EPCISDocument", now) | {"epcisBody": {"eventList": list(events)}}


def moment(at: datetime) -> str:
    """Write a time in UTC, to the millisecond."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"


def number(event: Event) -> str:
    """Return the number of an event: the hash of what it says, without the time when it was recorded."""
    return f"{HASHED}{hashlib.sha256(plain(event).encode()).hexdigest()}?ver=CBV2.0"


def plain(event: Event) -> str:
    """Return what is hashed: names and values in the order that CBV gives, lists sorted, terms written out."""
    parts = [f"eventType={event.type}", f"eventTime={moment(event.at)}", "eventTimeZoneOffset=+00:00"]
    if event.epcs:
        parts += ["epcList", *sorted(f"epc={epc}" for epc in event.epcs)]
    if event.parent:
        parts.append(f"parentID={event.parent}")
    if event.quantities:
        listed = "childQuantityList" if event.parent else "quantityList"
        parts += [listed, *sorted(_quantity(name, count) for name, count in event.quantities)]
    parts += [f"action={event.action}", f"bizStep={_term('BizStep', event.step)}"]
    if event.disposition:
        parts.append(f"disposition={_term('Disp', event.disposition)}")
    if event.set or event.unset:
        parts.append("persistentDisposition")
        parts += sorted(f"set={_term('Disp', name)}" for name in event.set)
        parts += sorted(f"unset={_term('Disp', name)}" for name in event.unset)
    if event.transaction:
        parts += ["bizTransactionList", f"type={TRANSFER}bizTransaction={event.transaction}"]
    if event.owners:
        parts += ["sourceList", f"type={_term('SDT', 'owning_party')}source={event.owners[0]}"]
        parts += ["destinationList", f"type={_term('SDT', 'owning_party')}destination={event.owners[1]}"]
    if event.ilmd:
        inner = "".join(sorted(f"{{{MASTER_DATA}}}{name}={value}" for name, value in event.ilmd.items()))
        parts.append(f"ilmd{inner}")
    parts += sorted(f"{{{NAMESPACE}}}{name}={value}" for name, value in event.own.items())
    return "".join(parts)


def _envelope(kind: str, now: datetime) -> dict[str, Any]:
    return {"@context": CONTEXT, "type": kind, "schemaVersion": VERSION, "creationDate": moment(now)}


def _quantity(name: str, count: int | None) -> str:
    return f"quantityElementepcClass={name}" + ("" if count is None else f"quantity={count}")


def _term(family: str, name: str) -> str:
    return name if ":" in name else f"{_CBV}{family}-{name}"
