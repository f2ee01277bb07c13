"""
How a lot or an item is named in an address.

As it is, where it can stand in a path. A serial may hold a slash or a percent sign, which a path would lose; such a
name is written in base64url after a tilde, which no name begins with.
"""

import re

from authsvc.core import base64url
from authsvc.errors import NotFound

PATTERN = r"~[A-Za-z0-9_-]{2,200}|(?!\.)[A-Za-z0-9._-]{0,99}[A-Za-z0-9_-]"
_is_plain = re.compile(r"(?!\.)[A-Za-z0-9._-]{0,99}[A-Za-z0-9_-]").fullmatch


def spell(name: str) -> str:
    """Write a name as it stands in an address."""
    return name if _is_plain(name) else "~" + base64url.encode(name.encode())


def read(spelled: str) -> str:
    """
    Return the name behind a part of an address.

    Raises:
        NotFound: It is no such name, or another spelling of one.
    """
    try:
        name = base64url.decode(spelled[1:]).decode() if spelled.startswith("~") else spelled
    except ValueError:
        raise NotFound("There is nothing at this address.") from None
    if spell(name) != spelled or "\0" in name:
        raise NotFound("There is nothing at this address.")
    return name
