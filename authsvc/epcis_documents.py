"""
Documents of EPCIS that partners send: held against GS1's schema, at a cost that no document can drive up.

To hold a document against the schema costs a hundred times what it costs to read it, and a broken one costs more than a
good one. So what it holds is counted before, event is checked by event, and the first that are broken end it.
"""

import functools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import jsonschema

from authsvc.core import epcis, moments
from authsvc.errors import BadInput, TooLarge

MOST = 1000
"""Events of one document."""
MOST_VALUES = 50_000
"""Members and values of one document, over all its levels."""

_SCHEMA = Path(__file__).parent / "data" / "gs1" / "epcis-json-schema.json"
_SHOWN = 10

Event = Mapping[str, Any]


def read(document: Mapping[str, Any]) -> Sequence[Event]:
    """
    Return the events of a document, or the one that it is.

    Raises:
        BadInput: The document breaks GS1's schema, or holds what cannot be kept.
        TooLarge: It holds too much.
    """
    kind = document.get("type")
    if not isinstance(kind, str) or kind not in {"EPCISDocument", *epcis.EVENT_TYPES}:
        raise BadInput("An EPCISDocument or one event is captured; this is neither.")
    _measure(document)
    whole, events = document, [document]
    if kind == "EPCISDocument":
        body = document.get("epcisBody")
        found = body.get("eventList") if isinstance(body, dict) else None
        events = found if isinstance(found, list) else []
        if len(events) > MOST:
            raise TooLarge(f"At most {MOST} events are captured at once, got {len(events)}. Send them in parts.")
        if found is events:
            whole = {**document, "epcisBody": {**body, "eventList": []}}  # type: ignore[dict-item]  # as asked above
    faults = list(_faults("", whole, "document"))
    if not faults and whole is not document:
        each = (_faults(f"epcisBody/eventList/{n}/", event, "event") for n, event in enumerate(events))
        faults = list(islice((fault for one in each for fault in one), _SHOWN))
    if faults:
        raise BadInput("The document breaks the schema of EPCIS 2.0.\n" + "\n".join(faults))
    for position, event in enumerate(events, 1):
        time_of(event, position)
    return events


def time_of(event: Event, position: int) -> datetime:
    """
    Return when an event was.

    Raises:
        BadInput: It is no time that anybody means.
    """
    what = f"The eventTime of event {position}"
    try:
        at = datetime.fromisoformat(event["eventTime"])
    except (KeyError, TypeError, ValueError):
        raise BadInput(f"{what} cannot be read; write it as 2026-05-01T12:00:00Z.") from None
    return moments.check(at, what)


def check_text(text: str) -> None:
    """
    Refuse a text that the database cannot keep.

    Raises:
        BadInput: It holds NUL, or half of a character.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadInput("A text holds half of a character.") from None
    if "\0" in text:
        raise BadInput("A text holds the character NUL, which is part of no text.")


# --- Private ---------------------------------------------------------------------------------------------------------


@functools.cache
def _validator(kind: str) -> jsonschema.Draft7Validator:
    schema = json.loads(_SCHEMA.read_text("utf-8"))
    if kind == "event":
        schema = {"definitions": schema["definitions"], "$ref": "#/definitions/EPCIS-Document-Event"}
    return jsonschema.Draft7Validator(schema, format_checker=jsonschema.Draft7Validator.FORMAT_CHECKER)


def _faults(before: str, part: Any, kind: str) -> Iterator[str]:
    for fault in islice(_validator(kind).iter_errors(part), _SHOWN):
        best = jsonschema.exceptions.best_match([fault]) or fault
        where = "/".join(map(str, best.absolute_path))
        yield f"{before + where or 'the document'}: {best.message[:200]}"


def _measure(document: Mapping[str, Any]) -> None:
    """Refuse a document that holds too much, or what the database cannot keep, however deep it lies."""
    left: list[Any] = [document]
    count = 0
    while left:
        value = left.pop()
        count += 1
        if isinstance(value, dict):
            left += [*value, *value.values()]
        elif isinstance(value, list):
            left += value
        elif isinstance(value, str):
            check_text(value)
        elif isinstance(value, float) and not math.isfinite(value):
            raise BadInput("A number of the document is none, or too large for any reader.")
        if count + len(left) > MOST_VALUES:
            raise TooLarge(f"A document holds at most {MOST_VALUES:,} members and values. Send it in parts.")
