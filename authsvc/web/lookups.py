"""
Look-ups: what is known of a code, for whoever only asks. They count nothing, store nothing, are nobody's first check.

The API and the page of resellers ask here, so both read a text in the same way: a link, or a number as labels print it.
"""

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


def read(text: str) -> DigitalLink:
    """
    Read a link, or a number in any spelling that labels and people have for it.

    Raises:
        BadDigitalLink: The text is neither.
    """
    if not text:
        raise BadDigitalLink("Type the number from the label, or paste the link behind the square code.")
    if is_link(text):
        return DigitalLink.parse(text, strict=False)
    # Labels print a serial in groups; people copy the gaps.
    compact = "".join(text.split())
    if compact.isascii() and compact.isdigit():
        return DigitalLink.build({"01": gs1.normalise_gtin(compact)})
    gtin, serial = gs1.parse_sgtin(compact)
    if len(serial) == DERIVED_LENGTH and serial.islower():
        serial = serial.upper()  # Serials that we derive have capitals only; a phone's keyboard starts small.
    return DigitalLink.build({"01": gtin, "21": serial})


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
