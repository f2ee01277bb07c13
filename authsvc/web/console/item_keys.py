"""
How an item is named in the addresses of the console.

Its key, where that can stand in a path as it is. A serial may hold a slash or a percent sign, which a path would lose;
such a key is written in base64url after a tilde, which no key begins with.
"""

import re
from binascii import Error as BadBase64

from authsvc.core import base64url
from authsvc.errors import NotFound
from authsvc.investigations import Subject
from authsvc.web.console import guard
from authsvc.web.site import runtime

_is_plain = re.compile(r"[0-9]{2,14}\.[A-Za-z0-9._-]*[A-Za-z0-9_-]").fullmatch
_UNKNOWN = "The brand has no such item. Look for a typing error; upper and lower case are not the same."


def spell(sgtin: str) -> str:
    """Write the key of an item as it stands in an address."""
    return sgtin if _is_plain(sgtin) else "~" + base64url.encode(sgtin.encode())


def get_subject(spelled: str) -> Subject:
    """
    Return the item of an address, if it is one of the brand that was chosen.

    Raises:
        NotFound: It names none, or one of another brand.
    """
    try:
        key = base64url.decode(spelled[1:]).decode() if spelled.startswith("~") else spelled
    except (BadBase64, ValueError):
        raise NotFound(_UNKNOWN) from None
    kind, _, serial = key.partition(".")
    if not serial or serial.startswith(".") or "\0" in serial or (kind == "00" and not serial.isdecimal()):
        raise NotFound(_UNKNOWN)
    gs1_key, serial_or_none = (serial, None) if kind == "00" else (kind, serial)
    brand = runtime().held.register.find_brand(gs1_key)
    if brand is None or brand.id != guard.me().brand_id or spell(key) != spelled:
        raise NotFound(_UNKNOWN)
    return Subject.of(runtime().held, gs1_key, serial_or_none)
