"""
From the facts that are kept to EPCIS events: which words of CBV say that a code was put on an item, or an item stolen.

A fact is what the statement of ``epcis_statements`` returns for its kind. Where many items are meant, an event names
their class and how many they are; where few, each of them.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from authsvc.core import epcis, serials
from authsvc.core.epcis import Event
from authsvc.core.gs1 import check_digit
from authsvc.core.serials import SerialKey
from authsvc.core.verdicts import Disposition

MOST_EPCS = 100
"""Items that one event names one by one; of more, it names the class and how many."""

MOST_CASES = 1000
"""Cases that one event names: they have no class."""

Fact = Mapping[str, Any]
Keys = Mapping[str, SerialKey]


def _issued(fact: Fact, at: datetime, _keys: Keys) -> Event:
    own: dict[str, str | int] = {"run": fact["run"]}
    if fact["mode"] == "sscc":
        first, count = fact["sscc_first"], min(fact["count"], MOST_CASES)
        epcs = [epcis.case(f"{number:017}{check_digit(f'{number:017}')}") for number in range(first, first + count)]
        return Event(
            action="ADD", step="commissioning", disposition="active", at=at, recorded_at=at, epcs=epcs, own=own
        )
    # A batch code is one symbol, printed as often as there are goods: nobody has said how often.
    count = None if fact["mode"] == "lot" else fact["count"]
    return Event(
        action="ADD", step="commissioning", disposition="active", at=at, recorded_at=at,
        quantities=[(epcis.lot(fact["gtin"], fact["lot"]), count)], own=own, ilmd=_ilmd(fact),
    )  # fmt: skip


def _packed(fact: Fact, at: datetime, _keys: Keys) -> Event:
    body = f"{fact['case']:017}"
    return Event(
        type="AggregationEvent", action="ADD", step="packing", disposition="in_progress", at=at, recorded_at=at,
        parent=epcis.case(body + check_digit(body)), own={"run": fact["run"]},
        quantities=[(epcis.lot(fact["gtin"], fact["lot"]), fact["contents"])],
    )  # fmt: skip


def _commissioned(fact: Fact, at: datetime, keys: Keys) -> Event:
    first, last = fact["first"], fact["last"]
    epcs = _derived(fact, keys)
    return Event(
        action="ADD", step="commissioning", disposition="active", at=at, recorded_at=at, epcs=epcs,
        quantities=() if epcs else [(epcis.lot(fact["gtin"], fact["lot"]), last - first + 1)],
        own={"run": fact["run"], "first": first, "last": last}, ilmd=_ilmd(fact),
    )  # fmt: skip


_CHANGES: Mapping[Disposition, tuple[str, str, str]] = {
    Disposition.ACTIVE: ("OBSERVE", "inspecting", "active"),
    Disposition.INACTIVE: ("DELETE", "decommissioning", "inactive"),
    Disposition.DESTROYED: ("DELETE", "destroying", "destroyed"),
    Disposition.RECALLED: ("OBSERVE", "holding", "recalled"),
    Disposition.STOLEN: ("OBSERVE", "other", "stolen"),
    Disposition.LOST: ("OBSERVE", "other", epcis.word("Disp-lost")),
    Disposition.BLOCKED: ("OBSERVE", "holding", epcis.word("Disp-blocked")),
}
"""For each condition: action, business step and disposition."""

_LASTING = frozenset({Disposition.RECALLED, Disposition.STOLEN, Disposition.LOST, Disposition.BLOCKED})
"""What stays true of an item until an event says that it is over."""


def _changed(fact: Fact, at: datetime, _keys: Keys) -> Event:
    now, before = Disposition(fact["disposition"]), Disposition(fact["previous"])
    action, step, disposition = _CHANGES[now]
    return Event(
        action=action, step=step, disposition=disposition, at=at, recorded_at=at, epcs=[epcis.of_key(fact["sgtin"])],
        set=[disposition] if now in _LASTING else (), unset=[_CHANGES[before][2]] if before in _LASTING else (),
    )  # fmt: skip


def _recalled(fact: Fact, at: datetime, _keys: Keys) -> Event:
    return _recall(fact, at, disposition="recalled", set=["recalled"])


def _lifted(fact: Fact, at: datetime, _keys: Keys) -> Event:
    return _recall(fact, at, disposition="active", unset=["recalled"])


def _recall(fact: Fact, at: datetime, **said: Any) -> Event:
    epcs = [epcis.of_key(sgtin) for sgtin in fact["items"] or ()]
    own = {name: fact[name] for name in ("recall", "run", "first", "last", "serial_from", "serial_to", "listed",
                                         "made_from", "made_until") if fact[name] is not None}  # fmt: skip
    quantities = [] if epcs else [(epcis.lot(fact["gtin"], fact["lot"]), None)]
    return Event(
        action="OBSERVE", step="holding", at=at, recorded_at=at, epcs=epcs, quantities=quantities, own=own, **said
    )


def _released(fact: Fact, at: datetime, _keys: Keys) -> Event:
    own = {"run": fact["run"]} if fact["run"] is not None else {}
    return Event(
        action="ADD", step="commissioning", disposition="active", at=at, recorded_at=at,
        epcs=[epcis.of_key(fact["sgtin"])], own=own, ilmd=_ilmd(fact),
    )  # fmt: skip


def _sold(fact: Fact, at: datetime, _keys: Keys) -> Event:
    # A shop may tell of a sale days later; whoever registers has bought it by then.
    sold_at = datetime.fromisoformat(fact["at"]) if "at" in fact else at
    return Event(
        action="OBSERVE", step="retail_selling", disposition="retail_sold", at=sold_at, recorded_at=at,
        epcs=[epcis.of_key(fact["sgtin"])],
    )  # fmt: skip


def _transferred(fact: Fact, at: datetime, _keys: Keys) -> Event:
    return Event(
        type="TransactionEvent", action="ADD", step="accepting", at=at, recorded_at=at,
        epcs=[epcis.of_key(fact["sgtin"])], transaction=f"urn:uuid:{fact['transfer']}",
        owners=(f"urn:uuid:{fact['from']}", f"urn:uuid:{fact['to']}"),
    )  # fmt: skip


def _derived(fact: Fact, keys: Keys) -> list[str]:
    """Return the items of a short range of derived serials, one by one."""
    first, last = fact["first"], fact["last"]
    key = keys.get(fact["epoch"] or "")
    if fact["mode"] != "derived" or key is None or last - first >= MOST_EPCS:
        return []
    made = serials.derive(key, fact["gtin"], fact["run"], range(first, last + 1))
    return [epcis.item(fact["gtin"], serial) for serial in made]


def _ilmd(fact: Fact) -> dict[str, str]:
    found = {"lotNumber": fact["lot"], "itemExpirationDate": fact["expires_on"]}
    return {name: value for name, value in found.items() if value}


TELLERS: Mapping[str, Callable[[Fact, datetime, Keys], Event]] = {
    "issued": _issued,
    "packed": _packed,
    "commissioned": _commissioned,
    "changed": _changed,
    "recalled": _recalled,
    "lifted": _lifted,
    "released": _released,
    "sold": _sold,
    "registered": _sold,
    "transferred": _transferred,
}
