"""
API keys: how their secrets are written, what is kept of one, and what a key may do.

A secret is ``authsvc_`` + prefix + ``_`` + 43 characters, and that of a sandbox ``authsvc_test_`` and the same. The
prefix is public: it finds the row, and tells people in a log or a leaked file which key they look at. The rest has 256
random bits, so a plain hash is safe to store. A scope is a permission; ``write`` of a family holds its ``read``,
and the narrow ones hold nothing else.
"""

import hashlib
import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from authsvc.core import base64url

PREFIX_BYTES = 5
SECRET_BYTES = 32
REAL, TEST = "authsvc_", "authsvc_test_"
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_is_key = re.compile(r"authsvc_(?:test_)?([0-9A-HJKMNP-TV-Z]{8})_([A-Za-z0-9_-]{43})").fullmatch

SCOPES: Mapping[str, str] = {
    "verify": "Check codes; each check is counted under the key",
    "products:read": "See products and their imports",
    "products:write": "Register and change products",
    "lots:read": "See batches",
    "lots:write": "Add and change batches",
    "runs:read": "See runs and orders of codes",
    "runs:write": "Order codes, and cancel an order",
    "codes:download": "Download the codes of a run, claim codes with them",
    "items:read": "See items: condition, facts, alerts, recalls",
    "items:write": "Block, unblock, report stolen, lost or found",
    "items:append": "Only add facts to items, such as a sale; see and change nothing",
    "items:commission": "Only commission codes on the line, or take them off",
    "recalls:read": "See recalls and their drafts",
    "recalls:write": "Announce and lift recalls",
    "epcis:read": "See what happened, as EPCIS events",
    "epcis:capture": "Capture EPCIS events of partners",
    "alerts:read": "See alerts and what was decided",
    "alerts:write": "Decide alerts, and take decisions back",
    "cases:read": "See cases, with their alerts and comments",
    "cases:write": "Open cases, add to them, move and close them",
    "registrations:read": "See registrations of items, and nothing of who registered",
    "registrations:write": "Decide registrations that wait for the brand",
    "transfers:read": "See transfers and disputes, with masked addresses",
    "transfers:write": "Decide disputed transfers",
    "webhooks:read": "See where the brand is told of events",
    "webhooks:write": "Let events be sent to new places, and stop them",
}
"""Every scope, in the order in which people look for them, with what it lets a program do."""


class Spelled(NamedTuple):
    """A secret in its parts; ``is_test`` where it says that it opens a sandbox, which its hash vouches for."""

    prefix: str
    text: str
    is_test: bool


def spell(prefix: bytes, secret: bytes, *, is_test: bool = False) -> str:
    """Write a secret as programs send it, from 5 and 32 random bytes; that of a sandbox says so."""
    number = int.from_bytes(prefix, "big")
    letters = "".join(_ALPHABET[number >> shift & 31] for shift in range(35, -1, -5))
    return f"{TEST if is_test else REAL}{letters}_{base64url.encode(secret)}"


def parse(text: str) -> Spelled | None:
    """Return a secret with its prefix; None for a text that cannot be one."""
    match = _is_key(text)
    return Spelled(match[1], text, text.startswith(TEST)) if match else None


def digest(text: str) -> bytes:
    """Return what is stored of a secret."""
    return hashlib.sha256(b"authsvc/api-key/1" + text.encode("ascii")).digest()


def allows(scopes: Collection[str], needed: str) -> bool:
    """Say whether a key with these scopes may do what needs one of them."""
    family, _, verb = needed.partition(":")
    return needed in scopes or (verb == "read" and f"{family}:write" in scopes)


def is_of_brand(scopes: Collection[str]) -> bool:
    """Say whether a key speaks for the brand itself, so that it may correct what partners wrote."""
    return allows(scopes, "items:write")
