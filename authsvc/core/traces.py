"""
Traces: what happened to items, one JSON object a line, in the order of time.

A trace is what ``authsvc simulate`` writes and ``authsvc replay`` judges, and other programs may make one of their own:
names and meanings here are a promise. Members may be added, none is removed, and any of them may be null or left out
but ``event``, ``at``, ``gtin`` and ``serial``, without which there is nothing to judge.
"""

import json
from calendar import timegm
from datetime import UTC, datetime
from enum import StrEnum
from time import gmtime
from typing import Any, NamedTuple

from authsvc.errors import BadInput


class Kind(StrEnum):
    """
    What happened. A scan is somebody's check; the others are facts about the life of the item.

    The last six are what people made of an alert: proof of possession, and the resolutions.
    """

    SCAN = "scan"
    COMMISSIONED = "commissioned"
    SOLD = "sold"
    REGISTERED = "registered"
    TRANSFERRED = "transferred"
    CLAIMED = "claimed"
    OFFERED = "offered"
    GONE = "gone"
    PROVEN = "proven"
    CONFIRMED_CLONE = "confirmed-clone"
    FALSE_ALARM = "false-alarm"
    OWNER_ERROR = "owner-error"
    GREY_MARKET = "grey-market"
    TEST = "test"


class Event(NamedTuple):
    """
    One line of a trace. ``at`` is in whole seconds since 1970, UTC.

    ``visitor`` is a pseudonym of who scanned, registered or took over, different for every item. ``prefix`` is a
    pseudonym of the network prefix that is good for one day, ``asn`` the AS number of the network's operator, where the
    service is told it. ``markets`` stands on *commissioned* only: the countries for which the item is meant.
    """

    kind: str
    at: int
    gtin: str
    serial: str
    visitor: str | None = None
    country: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    radius_km: float | None = None
    network: str | None = None
    prefix: str | None = None
    is_automated: bool = False
    is_confirmed: bool = False
    channel: str | None = None
    markets: tuple[str, ...] | None = None
    lot: str | None = None
    asn: int | None = None


def read_line(line: str | bytes) -> Event:
    """
    Read one line of a trace.

    Raises:
        BadInput: It is no JSON object, names no known event, or lacks its time or its item.
    """
    try:
        row = json.loads(line)
    except ValueError as error:
        raise BadInput(f"A line of a trace is a JSON object; this one is not: {error}.") from None
    except RecursionError:
        raise BadInput("A line of a trace is a JSON object; this one is nested too deeply.") from None
    if not isinstance(row, dict):
        raise BadInput(f"A line of a trace is a JSON object, got {type(row).__name__}.")
    kind = row.get("event")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise BadInput(f"An event is one of {', '.join(Kind)}; got {kind!r}.")
    return Event(
        kind,
        _read_time(row.get("at")),
        _text(row, "gtin", needed=True) or "",
        _text(row, "serial", needed=True) or "",
        _text(row, "visitor"),
        _text(row, "country"),
        _number(row, "latitude", -90.0, 90.0),
        _number(row, "longitude", -180.0, 180.0),
        _number(row, "radius_km", 0.0, 20_100.0),
        _text(row, "network"),
        _text(row, "prefix"),
        row.get("automated") is True,
        row.get("confirmed") is True,
        _text(row, "channel"),
        _read_markets(row.get("markets")),
        _text(row, "lot"),
        _read_asn(row.get("asn")),
    )


def write_line(event: Event) -> str:
    """Write *event* as one line of a trace, without the line's end. Lines of one trace sort by their text."""
    row: dict[str, Any] = {
        "event": event.kind,
        "at": write_time(event.at),
        "gtin": event.gtin,
        "serial": event.serial,
    }
    if event.kind == Kind.SCAN:
        row |= {
            "visitor": event.visitor,
            "country": event.country,
            "latitude": event.latitude,
            "longitude": event.longitude,
            "radius_km": event.radius_km,
            "network": event.network,
            "prefix": event.prefix,
            "automated": event.is_automated,
            "confirmed": event.is_confirmed,
            "channel": event.channel,
        }
        if event.asn is not None:
            row["asn"] = event.asn
    elif event.kind == Kind.COMMISSIONED:
        row |= {"markets": event.markets, "lot": event.lot}
    elif event.kind in _WITH_VISITOR:
        row["visitor"] = event.visitor
    return json.dumps(row, separators=(",", ":"))


def write_time(at: int) -> str:
    """Write seconds since 1970 as ``2026-01-05T10:11:12Z``."""
    now = gmtime(at)
    return f"{now[0]:04}-{now[1]:02}-{now[2]:02}T{now[3]:02}:{now[4]:02}:{now[5]:02}Z"


# --- Private ---------------------------------------------------------------------------------------------------------

_KINDS = frozenset(Kind)
_WITH_VISITOR = frozenset({Kind.REGISTERED, Kind.TRANSFERRED, Kind.PROVEN})


def _read_time(text: object) -> int:
    if not isinstance(text, str):
        raise BadInput(f"at is a time like 2026-01-05T10:11:12Z, got {text!r}.")
    if len(text) == 20 and text[-1] == "Z" and text[10] == "T" and text.isascii():
        # The form that we write, ten times as fast as the general one.
        try:
            year, month, day = int(text[:4]), int(text[5:7]), int(text[8:10])
            clock = (int(text[11:13]), int(text[14:16]), int(text[17:19]))
            datetime(year, month, day, *clock)  # noqa: DTZ001  only asked whether there is such a day
            return timegm((year, month, day, *clock))
        except ValueError:
            raise BadInput(f"at is a time like 2026-01-05T10:11:12Z, got {text!r}.") from None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"at is a time like 2026-01-05T10:11:12Z, got {text!r}.") from None
    if moment.tzinfo is None:
        raise BadInput(f"at needs its offset from UTC, as the Z of 2026-01-05T10:11:12Z; got {text!r}.")
    try:
        return int(moment.astimezone(UTC).timestamp())
    except OverflowError:
        raise BadInput(f"at is a time of the years 1 to 9999 in UTC, got {text!r}.") from None


def _text(row: dict[str, Any], name: str, *, needed: bool = False) -> str | None:
    value = row.get(name)
    if isinstance(value, str) and (value or not needed):
        return value
    if value is None and not needed:
        return None
    raise BadInput(f"{name} of an event is a text, got {value!r}.")


def _number(row: dict[str, Any], name: str, least: float, most: float) -> float | None:
    value = row.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        raise BadInput(f"{name} of an event is a number from {least:g} to {most:g}, got {value!r}.")
    return float(value)


def _read_asn(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**32:
        raise BadInput(f"asn of an event is a whole number below 2^32, got {value!r}.")
    return value


def _read_markets(value: object) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(country, str) for country in value):
        raise BadInput(f"markets is a list of countries or null, got {value!r}.")
    return tuple(value)
