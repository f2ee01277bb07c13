"""
Shops: the one spelling under which reports of the same shop or listing are found.

A listing is its host and path: what comes after a question mark tells one visitor from another more often than one
listing from another. A shop without an address on the web is its name, without regard to case, width and blanks.
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit
from uuid import UUID

from authsvc.errors import BadInput

LONGEST = 500
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+")


@dataclass(frozen=True, slots=True)
class Listing:
    """The address of an offer: as people may open it, and as the key under which it is found."""

    url: str
    key: str

    @classmethod
    def parse(cls, given: str) -> "Listing":
        """
        Read an address as people paste it, with or without ``https://``.

        Raises:
            BadInput: It is no address of a page on the web.
        """
        given = "".join(given.split())
        if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", given) or re.match(r"[^/]*:[0-9]", given):
            given = f"https://{given}"
        try:
            parts = urlsplit(given)
            host = (parts.hostname or "").rstrip(".").encode("idna").decode("ascii").lower()
            port = parts.port
        except ValueError:  # also of the codec: UnicodeError
            host, port, parts = "", None, urlsplit("")
        if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(host) or parts.username is not None:
            raise BadInput("Write the address of the offer as the browser shows it, such as https://example.com/offer.")
        path = quote(unquote(parts.path, errors="replace"), safe="/-._~!$&'()*+,;=:@")
        at = host if port in {None, 80, 443} else f"{host}:{port}"
        query = quote(parts.query, safe="/-._~!$&'()*+,;=:@?%")
        url = f"{parts.scheme}://{at}{path}" + (f"?{query}" if query else "")
        if len(url) > LONGEST:
            raise BadInput(f"An address has {LONGEST} characters at most. Leave out what follows the question mark.")
        return cls(url, f"web:{at.removeprefix('www.')}{re.sub('/+', '/', path).rstrip('/')}")


def name_key(name: str) -> str | None:
    """Return the key of a shop that has a name alone, or None where nothing is left of it."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    words = "".join(letter if unicodedata.category(letter)[0] in "LNM" else " " for letter in folded).split()
    return f"name:{' '.join(words)}" if words else None


def subject_key(brand_id: UUID, shop: str) -> str:
    """Return what stands for a shop where an alert has the number of its item; no such number has a slash."""
    return f"shop/{brand_id}/{hashlib.sha256(shop.encode()).hexdigest()[:32]}"
