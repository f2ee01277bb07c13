"""
Transfer codes: the one-time secret of an offer, which the seller hands to the buyer as a link, a symbol or in writing.

Sixteen Crockford characters, the first 80 bits of an HMAC over the offer's identity: the owner page can show the code
for as long as the offer is open, and the database holds nothing that yields it. What is stored is a second HMAC of the
code, under which it is found.
"""

import hmac
import re
from uuid import UUID

from authsvc.core.serials import ALPHABET, crockford
from authsvc.core.wrapping import derive_key
from authsvc.errors import BadInput

LENGTH = 16

_ALIKE = str.maketrans("OIL", "011")  # Crockford: letters that people read for digits
_GAPS = re.compile(r"[\s\-\u2010-\u2015\u2212]+")  # what people and their keyboards put between groups
_is_code = re.compile(f"[{ALPHABET}]{{{LENGTH}}}").fullmatch


def transfer_code(key: bytes, brand_id: UUID, transfer_id: UUID) -> str:
    """Return the code of an offer."""
    message = b"authsvc/transfer/1" + brand_id.bytes + transfer_id.bytes
    digest = hmac.digest(derive_key(key, "transfer-codes"), message, "sha256")
    return crockford(int.from_bytes(digest[:10], "big"), LENGTH)


def hash_code(key: bytes, code: str) -> bytes:
    """Return what a code is found by; without the key of the service nobody can try codes against it."""
    return hmac.digest(derive_key(key, "transfer-code-hashes"), code.encode("ascii"), "sha256")


def normalise(text: str) -> str:
    """
    Read a transfer code as people type it: any case, hyphens or spaces anywhere, O for 0, I or L for 1.

    Raises:
        BadInput: It is no transfer code. The text itself is not repeated: a near miss would be a secret in a log.
    """
    compact = _GAPS.sub("", text)
    code = compact.upper().translate(_ALIKE) if compact.isascii() else ""
    if not _is_code(code):
        raise BadInput("A transfer code has {length} letters and digits, such as 7K3M-9QX2-V4TD-1RZ8.", length=LENGTH)
    return code


def display(code: str) -> str:
    """Write a code in groups of four, as it is read out."""
    return "-".join(code[at : at + 4] for at in range(0, LENGTH, 4))
