"""
Look-ups: what is known of a code, for whoever only asks. They count nothing, store nothing, are nobody's first check.

The API and the page of resellers ask here, so both read a text in the same way: a link, or a number as labels print it.
"""

import re
from dataclasses import replace
from typing import Any

from authsvc import languages, scanning
from authsvc.core import gs1
from authsvc.core.check_lists import is_link
from authsvc.core.gs1 import DigitalLink
from authsvc.core.verdicts import decide
from authsvc.errors import AuthsvcError, BadDigitalLink
from authsvc.languages import gettext as _
from authsvc.runtime import Runtime
from authsvc.scanning import Checked
from authsvc.web import documents, presenting

DERIVED_LENGTH = 16
MOST_TYPED = 200

_is_gtin = re.compile(r"(?:gtin|ean|upc)?[:.#]*([0-9]+)", re.IGNORECASE).fullmatch
_GTIN_LENGTHS = (8, 12, 13, 14)
_is_sscc = re.compile(r"(?:sscc|00\.)?[:.#]*([0-9]{18})", re.IGNORECASE).fullmatch
_named = re.compile(
    r"(?:gtin|ean|upc)?[\s:.#]*([0-9][0-9 ]*[0-9])[\s,;/]+(?:s/?n|serial(?:\s+(?:number|no\.?))?)[\s:.#]+(\S.*)",
    re.IGNORECASE,
).fullmatch
_in_turn = re.compile(r"(?:gtin|ean|upc)?[\s:.#]*([0-9]{12,14})[\s,;/]+(\S.*)", re.IGNORECASE).fullmatch
_names_something = re.compile(r"/0[01]/").search
_is_part_of_link = re.compile(r"(?:^|/)[0-9]{8,18}/(?:10|21|22)/|(?:^|/)0[01]/[0-9]{8,18}").search


def read(text: str) -> DigitalLink:
    """
    Read a link, or a number in any spelling that labels and people have for it.

    Raises:
        BadDigitalLink: The text is neither.
    """
    if not text:
        raise BadDigitalLink("Type the number from the label, or paste the link behind the square code.")
    return _of_link(text) if is_link(text) else _of_number(text)


def item_of(text: str) -> str | None:
    """Return what a text names that is there once: an item or a case; None for a batch. What is no code is itself."""
    try:
        link = read(text)
    except BadDigitalLink:
        return text
    if link.sscc is not None:
        return f"00.{link.sscc}"
    return None if link.serial is None else f"{link.gtin}.{link.serial}"


def look_up(rt: Runtime, text: str) -> Checked:
    """
    Answer for one text.

    Raises:
        BadDigitalLink: It is neither a link nor a number.
    """
    link = read(text)
    checked = scanning.scan(rt.held, rt.connections, link, link.extension("s"), None, at=rt.now(), new_id=rt.new_id)
    if not is_link(text):
        # A number has no seal to lack: it gets the words of a typed one.
        checked = replace(checked, verdict=decide(replace(checked.verdict.facts, is_typed=True)))
    presenting.count(checked)
    return checked


def document(rt: Runtime, text: str) -> dict[str, Any]:
    """Return the verdict document of one text, or ``{"error": …}`` where it cannot be read: it stops no other."""
    try:
        return documents.verdict(look_up(rt, text))
    except AuthsvcError as error:
        return {"error": {"code": error.code, "title": _(error.title), "detail": languages.of_error(error)}}


def _of_link(text: str) -> DigitalLink:
    try:
        return DigitalLink.parse(text, strict=False)
    except BadDigitalLink as error:
        if _names_something(text):
            raise
        # What is wrong with its spelling helps nobody who has pasted the address of a shop.
        raise BadDigitalLink(languages.UNREADABLE) from error


def _of_number(text: str) -> DigitalLink:
    # Labels print a serial in groups; people copy the gaps.
    compact = "".join(text.split())
    if _is_part_of_link(compact):
        # The end of a link is no serial, and its host no GTIN: nobody shall hear that such an item is unknown.
        raise BadDigitalLink(languages.UNREADABLE)
    gtin = _is_gtin(compact)
    if gtin and len(gtin[1]) in _GTIN_LENGTHS:
        return DigitalLink.build({"01": gs1.normalise_gtin(gtin[1])})
    if len(text) <= MOST_TYPED and (match := _named(text) or _in_turn(text)):
        return _of_item(gs1.normalise_gtin("".join(match[1].split())), "".join(match[2].split()))
    if match := _is_sscc(compact):
        return DigitalLink.build({"00": match[1]})
    if gtin:
        return DigitalLink.build({"01": gs1.normalise_gtin(gtin[1])})
    if compact.startswith("("):
        link = gs1.parse_bracketed(compact)
        return link if link.gtin is None or link.serial is None else _of_item(link.gtin, link.serial)
    if "." not in compact:
        raise BadDigitalLink(languages.UNREADABLE)
    return _of_item(*gs1.parse_sgtin(compact))


def _of_item(gtin: str, serial: str) -> DigitalLink:
    if len(serial) == DERIVED_LENGTH and serial.islower():
        serial = serial.upper()  # Serials that we derive have capitals only; a phone's keyboard starts small.
    return DigitalLink.build({"01": gtin, "21": serial})
