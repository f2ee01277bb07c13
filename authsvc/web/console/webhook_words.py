"""The words of webhooks: how an endpoint and a delivery are doing, and what to do where something was refused."""

from collections.abc import Sequence
from typing import Any

from authsvc.core import webhooks as standard
from authsvc.web import rendering as words
from authsvc.webhook_history import AttemptInfo, DeliveryInfo
from authsvc.webhooks import EndpointInfo

HERE = "/console/webhooks"
COLUMNS = (
    {"name": "Event"}, {"name": "Made", "is_tight": True}, {"name": "State"}, {"name": "Tries", "align": "end"},
    {"name": "Last answer"}, {"name": "Next try", "is_tight": True}, {"name": "Size", "align": "end", "is_tight": True},
)  # fmt: skip
TRIES = (
    {"name": "Time", "is_tight": True}, {"name": "Answer"}, {"name": "Took", "align": "end", "is_tight": True},
    {"name": "Body of the answer", "align": "end", "is_tight": True},
)  # fmt: skip
STATES = {"waiting": ("Waiting", "info"), "delivered": ("Delivered", "ok"), "dead": ("Given up", "bad")}

_ADVICE = (
    ("not public", "Requests go to the public internet only, so that nobody reaches the inside of a network by them."),
    ("not public", "A network of your own can be named by whoever runs this service, in AUTHSVC_WEBHOOK_ALLOW."),
    ("https on port", "Give the receiver a certificate and one of these ports."),
    ("begin with https", "What is sent names items and alerts: it travels encrypted only."),
    ("port must be", "Put the receiver behind one of these ports."),
    ("user, password or fragment", "The signature says that it is us; no password is needed."),
    ("certificate is not good", "Renew it, or send the whole chain of certificates."),
    ("name of the host is not found", "Look for a typing error, and whether the name is in the public DNS."),
    ("No answer within", "Take the event in, answer 204, and work on it afterwards."),
)  # fmt: skip


def advise(fault: str) -> str:
    """Return why something was refused or failed, with what helps."""
    return " ".join([fault, *(more for part, more in _ADVICE if part in fault)])


def tabs(current: str) -> list[dict[str, Any]]:
    """Return the three parts of the page."""
    parts = (("endpoints", "Endpoints", HERE), ("deliveries", "Deliveries", f"{HERE}/deliveries"),
             ("mails", "Alert mails", f"{HERE}/mails"))  # fmt: skip
    return [{"name": name, "href": href, "is_current": key == current} for key, name, href in parts]


def events(types: Sequence[str]) -> str:
    """Say which events an endpoint is told of."""
    return ", ".join(title(kind) for kind in types) if types else "Every event"


def title(kind: str) -> str:
    """Name an event."""
    return standard.EVENT_TYPES[kind].title if kind in standard.EVENT_TYPES else "Test"


def state_of(info: EndpointInfo) -> tuple[str, str, str]:
    """Return the state of an endpoint: word, tone, sentence."""
    if info.disabled_at is not None:
        return "Paused", "none", f"{info.disabled_reason or ''} Since {words.moment(info.disabled_at)}."
    if info.failing_since is not None:
        return "Failing", "bad", f"It has taken nothing since {words.moment(info.failing_since)}."
    return "On", "ok", "It is told of events as they happen."


def count(number: int) -> str:
    """Write a count that was stopped at 1,000."""
    return "more than 1,000" if number > 1000 else words.number(number)


def facts(info: EndpointInfo) -> list[tuple[Any, ...]]:
    """Return what is known of an endpoint, for a list of definitions."""
    rows: list[tuple[Any, ...]] = [
        ("Address", info.url, True),
        ("Told of", events(info.types)),
        ("Added", words.moment(info.created_at)),
    ]
    for secret in info.secrets:
        until = f", signs until {words.moment(secret.expires_at)}" if secret.expires_at else ""
        rows.append((f"Secret {secret.number}", f"made {words.moment(secret.created_at)}{until}"))
    return rows


def row(delivery: DeliveryInfo, url: str | None = None) -> dict[str, Any]:
    """Return a delivery as a row of ``COLUMNS``."""
    name, _ = STATES[delivery.state]
    last = delivery.attempts[-1] if delivery.attempts else None
    return {
        "cells": [
            {"text": title(delivery.type), "href": f"{HERE}/deliveries/{delivery.id}", "small": url},
            words.moment(delivery.created_at),
            name,
            words.number(delivery.tries),
            answer(last) if last else words.NOTHING,
            words.moment(delivery.next_at) if delivery.state == "waiting" else words.NOTHING,
            size(delivery.body_bytes),
        ],
        "tone": "bad" if delivery.state == "dead" else None,
    }


def attempt(one: AttemptInfo) -> dict[str, Any]:
    """Return a try as a row of ``TRIES``."""
    said = advise(one.fault) if one.fault else answer(one)
    return {
        "cells": [
            words.moment(one.at),
            said,
            f"{one.duration_ms:,} ms",
            words.NOTHING if one.answer_bytes is None else size(one.answer_bytes),
        ]
    }


def answer(one: AttemptInfo) -> str:
    """Say what came back."""
    return one.fault or f"HTTP {one.status}"


def size(number: int) -> str:
    """Write a size."""
    return f"{number:,} B" if number < 10_000 else f"{number / 1000:,.1f} kB"
