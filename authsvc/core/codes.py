"""
Printed codes: from a run and an index to a line of the file that goes to the printer.

A ``Recipe`` is everything that the codes of one run share. It is plain bytes and text, so that it can be sent to other
processes; they import this ring and nothing else, and start fast. The file's header is a promise to people who read it
with their own programs: ``uri,gtin,lot,serial,claim_code``, in this order.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from authsvc.core import serials, tokens
from authsvc.core.claim_codes import claim_code
from authsvc.core.gs1 import check_digit
from authsvc.errors import BadInput

HEADER = "uri,gtin,lot,serial,claim_code\r\n"
SSCC_BODY_DIGITS = 17

_is_serial = re.compile(r"[!\"%-?A-Z_a-z]{1,20}").fullmatch  # CSET 82, GS1 General Specifications, figure 7.11-1


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """
    What the codes of one run share.

    *head* and *tail* stand around the serial (or SSCC) in the URI; *tail* ends where the token begins. *ais* are the
    AIs of every code but the one that numbers it, which *numbered_by* names: 21, 00, or none for the code of a lot.
    """

    brand_id: UUID
    gtin: str
    lot: str | None
    head: str
    tail: str
    ais: dict[str, str]
    numbered_by: str | None
    run: int
    sscc_first: int | None = None
    key_id: int | None = None
    private: bytes | None = field(default=None, repr=False)
    mac: bytes | None = field(default=None, repr=False)
    epoch: str | None = None
    serial_key: bytes | None = field(default=None, repr=False)
    claim_key: bytes | None = field(default=None, repr=False)

    def signer(self) -> tokens.Signer | None:
        """Return the key that signs these codes, or None for a product whose codes carry no token."""
        if self.key_id is None:
            return None
        if self.mac is not None:
            return tokens.MacSigner(self.brand_id, self.key_id, self.mac)
        assert self.private is not None  # a key id comes with the half that signs
        return tokens.Ed25519Signer(self.brand_id, self.key_id, Ed25519PrivateKey.from_private_bytes(self.private))


def numbers(recipe: Recipe, indexes: range) -> Iterable[str]:
    """Return the serials or SSCCs of *indexes*; one empty number for the code of a lot."""
    if recipe.numbered_by is None:
        return [""] * len(indexes)
    if recipe.sscc_first is not None:
        return (sscc(recipe.sscc_first + index) for index in indexes)
    assert recipe.epoch is not None  # a derived run has a serial key
    assert recipe.serial_key is not None
    return serials.derive(serials.SerialKey(recipe.epoch, recipe.serial_key), recipe.gtin, recipe.run, indexes)


def lines(recipe: Recipe, items: range | Sequence[str]) -> Iterator[str]:
    """Make the lines for a range of indexes, or for serials that came from elsewhere."""
    signer = recipe.signer()
    ais = dict(recipe.ais)
    head, tail, ai = recipe.head, recipe.tail, recipe.numbered_by
    middle = f",{recipe.gtin},{_cell(recipe.lot or '')},"
    is_plain = isinstance(items, range)
    for number in numbers(recipe, items) if isinstance(items, range) else items:
        if ai is not None:
            ais[ai] = number
        token = "" if signer is None else tokens.issue(signer, ais)
        escaped, cell = (number, number) if is_plain else (quote(number, safe=""), _cell(number))
        secret = "" if recipe.claim_key is None else claim_code(recipe.claim_key, recipe.brand_id, recipe.gtin, number)
        # A URI of ours holds no comma and no quote: both are escaped in it.
        yield f"{head}{escaped}{tail}{token}{middle}{cell},{secret}\r\n"


def sscc(body: int) -> str:
    """Return the SSCC whose first 17 digits are *body*."""
    digits = f"{body:0{SSCC_BODY_DIGITS}}"
    return digits + check_digit(digits)


def sscc_body(prefix: str, reference: int) -> int:
    """
    Return the first 17 digits of an SSCC: extension digit 0, company prefix, serial reference.

    Raises:
        BadInput: The prefix has no room for this reference.
    """
    room = SSCC_BODY_DIGITS - 1 - len(prefix)
    if not 0 <= reference < 10**room:
        raise BadInput(f"The company prefix {prefix} has room for {10**room} cases, and all of them are used.")
    return int(f"0{prefix}{reference:0{room}}")


def find_serial_fault(serial: str) -> str | None:
    """Say what is wrong with a serial that somebody brings along, or return None."""
    if not serial:
        return "the serial is empty"
    if len(serial) > 20:
        return f"a serial has at most 20 characters, this one has {len(serial)}"
    if not _is_serial(serial):
        return "a serial has letters, digits and !\"%&'()*+,-./:;<=>?_ only"
    if serial in {".", ".."}:
        return "browsers remove . and .. from an address, so no code can carry it"
    return None


def _cell(text: str) -> str:
    """Write a cell of a CSV file (RFC 4180)."""
    return '"' + text.replace('"', '""') + '"' if "," in text or '"' in text else text
