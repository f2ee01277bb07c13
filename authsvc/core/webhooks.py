"""
Webhooks as Standard Webhooks 1.0 writes them: secrets, signatures, bodies, and the events that there are.

A receiver checks ``webhook-signature`` over ``{webhook-id}.{webhook-timestamp}.{body}``; while a secret is being
rotated there are two signatures and one of them is enough. Types of events are stored by receivers: never rename one or
take a member of its data away; add new ones.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from authsvc.errors import BadInput

SECRET_BYTES = 32
_PREFIX = "whsec_"
_LEAST, _MOST = 24, 64
"""How many bytes a secret may have by the standard."""

TEST = "webhook.test"

PURPOSE = "webhook"
"""What a secret is wrapped for; see ``wrapping``."""


@dataclass(frozen=True, slots=True)
class EventType:
    """A kind of event: what happened, and its data by an example. A member may be null where it does not apply."""

    title: str
    example: Mapping[str, Any]


_ITEM = {"gtin": "09506000134352", "serial": "7K3M9QX2V4TD1RZ8", "sscc": None}
_ALERT = {
    **_ITEM,
    "subject": "item",
    "lot": None,
    "alert": "3f0c8a1e-5a0b-4c1d-9e2f-0a1b2c3d4e5f",
    "rule": "more-visitors-than-usual",
    "score": 12.5,
    "reasons": ["12 people in 12 countries hold this code"],
    "opened_at": "2026-05-01T12:00:00+00:00",
    "closed_at": None,
    "about": "item",
    "headline": "12 phones in three countries checked this code within nine days, more than you allow for one item",
    "severity": "high",
    "how_sure": "3 times what you allow",
    "where": "Italy, Germany, France",
    "strongest": [
        {"rule": "more-visitors-than-usual", "weight": 12.5, "text": "12 people in 12 countries hold this code"}
    ],
    "decision": None,
}
_CLOSED = {
    **_ALERT,
    "closed_at": "2026-05-02T09:30:00+00:00",
    "decision": {"choice": "false-alarm", "reason": "Shown at a fair"},
}
_RECALL = {
    "recall": 7,
    "gtin": "09506000134352",
    "lot": "B260801",
    "run": None,
    "index_from": None,
    "index_to": None,
    "serial_from": None,
    "serial_to": None,
    "listed": None,
    "made_from": None,
    "made_until": None,
    "reason": "The crown can come off",
    "remedy": "Bring it to any shop",
    "language": "en",
    "texts": {"de": {"reason": "Die Krone kann sich lösen", "remedy": "Bringen Sie es in ein Geschäft"}},
    "recalled_at": "2026-05-01T12:00:00+00:00",
    "lifted_at": None,
}

_REGISTRATION = {
    **_ITEM,
    "registration": "0197a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b",
    "version": 1,
    "state": "confirmed",
    "has_claim": True,
    "pending_until": None,
    "warranty_from": "2026-05-01",
    "warranty_until": "2028-05-01",
}

EVENT_TYPES: Mapping[str, EventType] = {
    "alert.opened": EventType("An alert was raised", _ALERT),
    "alert.closed": EventType("An alert was closed", _CLOSED),
    "alert.reopened": EventType("The closing of an alert was undone", _ALERT),
    "item.disposition_changed": EventType(
        "The condition of an item was set",
        {**_ITEM, "lot": "B260915", "disposition": "stolen", "previous": "active", "reason": "Reported by its owner"},
    ),
    "item.registered": EventType("An item was registered", _REGISTRATION),
    "item.registration_changed": EventType(
        "A registration was confirmed or has ended", {**_REGISTRATION, "state": "released"}
    ),
    "line.alarm": EventType(
        "A production line has sent wrong codes",
        {
            "line": "Line 3, Biel",
            "batch": "17",
            "act": "commission",
            "done": 498,
            "repeated": 1,
            "refused": 1,
            "alarms": [{"kind": "duplicate", "position": 12, "code": "09506000134352.7K3M9QX2V4TD1RZ8"}],
        },
    ),
    "recall.created": EventType("A recall was announced", _RECALL),
    "recall.lifted": EventType("A recall was lifted", {**_RECALL, "lifted_at": "2026-06-01T08:00:00+00:00"}),
}


def write_secret(raw: bytes) -> str:
    """Write a secret as receivers are given it."""
    return _PREFIX + base64.b64encode(raw).decode("ascii")


def parse_secret(text: str) -> bytes:
    """
    Read a secret as ``write_secret`` wrote it.

    Raises:
        BadInput: It is not of this form.
    """
    try:
        raw = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not text.startswith(_PREFIX) or not _LEAST <= len(raw) <= _MOST:
        raise BadInput(f"A secret is {_PREFIX} and the base64 of {_LEAST} to {_MOST} bytes.")
    return raw


def message_id(event_id: UUID) -> str:
    """Return the ``webhook-id`` of an event: the same at every endpoint, for every try and every replay."""
    return f"evt_{event_id.hex}"


def body(kind: str, at: datetime, data: Mapping[str, Any], *, is_sandbox: bool = False) -> bytes:
    """Write the body of an event, marked where a sandbox sends it; the same event has the same bytes every time."""
    document: dict[str, Any] = {"type": kind, "timestamp": at.astimezone(UTC).isoformat(), "data": data}
    if is_sandbox:
        document["sandbox"] = True
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def sign(secret: bytes, identity: str, timestamp: str, content: bytes) -> str:
    """Return the signature of one try by one secret."""
    signed = b".".join((identity.encode(), timestamp.encode(), content))
    return "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode("ascii")


def headers(secrets: Sequence[bytes], event_id: UUID, content: bytes, *, at: datetime) -> dict[str, str]:
    """Return the three headers of a try made at a time, with a signature by each secret."""
    assert secrets, "an unsigned delivery would teach receivers to take one"
    identity, timestamp = message_id(event_id), str(int(at.timestamp()))
    return {
        "webhook-id": identity,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(sign(secret, identity, timestamp, content) for secret in secrets),
    }
