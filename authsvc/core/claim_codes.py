"""
Claim codes: the secret under the scratch field that proves that somebody holds the item.

Eight Crockford characters, the first 40 bits of an HMAC over the item's identity. They are not in the symbol and not
stored, so neither a photograph of the label nor a copy of the database yields them; the claim key does, and it is never
deleted, because printed codes outlive everything else. The message opens with its purpose, so that no other HMAC of
this service can be a claim code. ``tests/vectors/claim_codes.json`` holds the bytes fast.
"""

import hmac
import re
from uuid import UUID

from authsvc.core.serials import ALPHABET, crockford
from authsvc.errors import BadInput

LENGTH = 8

_PURPOSE = b"authsvc/claim/1"
_ALIKE = str.maketrans("OIL", "011")  # Crockford: letters that people read for digits
_GAPS = re.compile(r"[\s\-\u2010-\u2015\u2212]+")  # what people and their keyboards put between groups
_is_code = re.compile(f"[{ALPHABET}]{{{LENGTH}}}").fullmatch


def claim_code(key: bytes, brand_id: UUID, gtin: str, serial: str) -> str:
    """Return the claim code of one item; *gtin* has 14 digits, which keeps it apart from the serial behind it."""
    if len(gtin) != 14:
        raise BadInput(f"A claim code belongs to a GTIN of 14 digits, got {gtin!r}.")
    message = _PURPOSE + brand_id.bytes + gtin.encode("ascii") + serial.encode("ascii")
    return crockford(int.from_bytes(hmac.digest(key, message, "sha256")[:5], "big"), LENGTH)


def normalise(text: str) -> str:
    """
    Read a claim code as people type it: any case, hyphens or spaces anywhere, O for 0, I or L for 1.

    Raises:
        BadInput: It is no claim code. The text itself is not repeated: a near miss would be a secret in a log.
    """
    compact = _GAPS.sub("", text)
    # Only ASCII is upper-cased: the dotless i of Turkish would become an I, and so a 1 that nobody printed.
    code = compact.upper().translate(_ALIKE) if compact.isascii() else ""
    if not _is_code(code):
        raise BadInput(
            "A claim code has {length} letters and digits, such as 7K3M-9QX2, and never the letter U.", length=LENGTH
        )
    return code


def matches(code: str, *, key: bytes, brand_id: UUID, gtin: str, serial: str) -> bool:
    """
    Say whether *code*, as typed, is the claim code of this item, in a time that tells nothing about it.

    Raises:
        BadInput: It is no claim code.
    """
    return hmac.compare_digest(normalise(code), claim_code(key, brand_id, gtin, serial))


def display(code: str) -> str:
    """Write a code in two groups of four, as it is printed."""
    return f"{code[: LENGTH // 2]}-{code[LENGTH // 2 :]}"
