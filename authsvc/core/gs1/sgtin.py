"""
Item identities as people write and read them: GTINs of every length, "gtin.serial", and "(01)...(21)...".

Everything ends in the strict rules of the AI table; this module only unpacks the text.
"""

import re
from collections.abc import Mapping

from authsvc.errors import BadDigitalLink

from .ai_table import RULES, check_value
from .digital_link import MAX_LENGTH, DigitalLink
from .values import has_check_digit, shown

_GTIN = re.compile(r"[0-9]{8}|[0-9]{12,14}")
_ELEMENT = re.compile(r"\(([0-9]{2,4})\)((?:[^(\\]|\\[(\\])++)")


def normalise_gtin(text: str) -> str:
    """
    Return the GTIN-14 of a GTIN-8, -12, -13 or -14: zeros on the left change nothing, not even the check digit.

    Raises:
        BadDigitalLink: The text has another length, other characters or a wrong check digit.
    """
    if _GTIN.fullmatch(text) is None:
        raise BadDigitalLink(f"A GTIN has 8, 12, 13 or 14 digits, got {shown(text)}. Check the number and correct it.")
    if not has_check_digit(text):
        raise BadDigitalLink(
            f"The last digit of a GTIN must be its check digit, got {shown(text)}. Check the number for a typing error."
        )
    return text.zfill(14)


def human_readable(ais: Mapping[str, str]) -> str:
    """Write AIs as GS1's human readable interpretation, in the order of the mapping: ``(01)...(21)...``."""
    return "".join(f"({ai}){value}" for ai, value in ais.items())


def parse_sgtin(text: str) -> tuple[str, str]:
    r"""
    Read the identity of one item; return its GTIN-14 and its serial.

    Takes "gtin.serial", a Digital Link, or AIs in brackets. In brackets a ``(`` inside a value is written ``\(``:
    GS1's tools do the same, because ``A(10)B`` could otherwise mean two things.

    Raises:
        BadDigitalLink: The text is none of these, or names no single item.
    """
    text = text.strip()  # A serial never holds a space, so what surrounds it was typed or copied by accident.
    if len(text) > MAX_LENGTH:
        raise BadDigitalLink(f"An item has at most {MAX_LENGTH} characters, got {len(text)}. Paste a single item.")
    if text.startswith("("):
        link = parse_bracketed(text)
    elif text.startswith("/") or text[:4].lower() == "http":
        link = DigitalLink.parse(text, strict=False)
    else:
        gtin, dot, serial = text.partition(".")
        if not dot:
            raise BadDigitalLink(
                f"An item is written GTIN.SERIAL or as its link, got {shown(text)}. Add what is missing."
            )
        gtin = normalise_gtin(gtin)
        check_value("21", serial)
        return gtin, serial
    if link.gtin is None or link.serial is None:
        raise BadDigitalLink(
            f"An item has a GTIN (01) and a serial (21), got {shown(human_readable(link.ais))}. Add what is missing."
        )
    return link.gtin, link.serial


def parse_bracketed(text: str) -> DigitalLink:
    r"""
    Read AIs in brackets, as labels print them: those of an item, of a batch or of a case.

    Raises:
        BadDigitalLink: An AI is none, stands twice, or its value is not accepted.
    """
    return DigitalLink.build(_bracketed(text))


def _bracketed(text: str) -> dict[str, str]:
    ais: dict[str, str] = {}
    end = 0
    while end < len(text):
        element = _ELEMENT.match(text, end)
        if element is None or element[1] not in RULES or element[1] in ais:
            raise BadDigitalLink(
                f"Each AI stands once, in brackets before its value, like (01)09506000134352(21)ABC; "
                f"got {shown(text[end:])}. Write a bracket inside a value as \\(."
            )
        ai, value = element.groups()
        value = re.sub(r"\\(.)", r"\1", value)
        ais[ai] = normalise_gtin(value) if ai == "01" else value
        end = element.end()
    return ais
