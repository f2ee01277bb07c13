"""
What labels are made of: the CSV of issued codes in, one checked value for each label out.

A row must agree with itself: the link is parsed, and a serial beside it that is another one would be printed on the
wrong item for good.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple, Self

from authsvc.core import claim_codes
from authsvc.core.gs1 import DigitalLink, use_by
from authsvc.errors import BadDigitalLink, BadInput

COLUMNS: Final = ("uri", "gtin", "lot", "serial", "claim_code")

_SHOWN_AIS = ("00", "01", "02", "37", "10", "17", "21")


class Code(NamedTuple):
    """One row of the file that ``authsvc issue`` writes, and the AIs of its link."""

    uri: str
    gtin: str
    lot: str
    serial: str
    claim_code: str
    ais: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Label:
    """What one label shows. An empty lot, serial, expiry or claim code leaves its line out."""

    uri: str
    name: str
    gtin: str
    lot: str = ""
    serial: str = ""
    claim_code: str = ""
    expiry: str = ""
    hri: tuple[str, ...] = ()

    @classmethod
    def of(cls, code: Code, name: str, today: date) -> Self:
        """Return the label of a code for a product called *name*; *today* tells the century of its expiry."""
        ais = dict(code.ais)
        if "00" not in ais:
            # A lot that the link does not carry is known to whoever reads the label all the same.
            ais.setdefault("10", code.lot)
        expiry = use_by(ais["17"], today) if "17" in ais else None
        return cls(
            uri=code.uri,
            name=name,
            gtin=code.gtin,
            lot=code.lot,
            serial=code.serial,
            claim_code=claim_codes.display(claim_codes.normalise(code.claim_code)) if code.claim_code else "",
            expiry="" if expiry is None else expiry.isoformat(),
            hri=tuple(f"({ai}) {ais[ai]}" for ai in _SHOWN_AIS if ais.get(ai)),
        )


def read_codes(lines: Iterable[str]) -> Iterator[Code]:
    """
    Yield the codes of a CSV file, one at a time; *lines* is an open text file.

    Raises:
        BadInput: The header or a row is not as ``authsvc issue`` writes it; the message names the row.
    """
    reader = csv.reader(lines, strict=True)
    try:
        header = next(reader, [])
        # Spreadsheets put a byte order mark in front.
        if [name.removeprefix("\ufeff") for name in header] != list(COLUMNS):
            raise BadInput(f"Row 1: expected the header {','.join(COLUMNS)}, got {','.join(header)[:80]!r}.")
        for number, row in enumerate(reader, start=2):
            if row:
                yield _code(row, number)
    except csv.Error as error:
        raise BadInput(f"Line {reader.line_num}: this is not CSV ({error}).") from None
    except UnicodeDecodeError:
        raise BadInput(f"After line {reader.line_num}: the file is not text in UTF-8.") from None


def groups(text: str) -> str:
    """Write a serial in groups of four, as people read it aloud."""
    return " ".join(text[k : k + 4] for k in range(0, len(text), 4))


def _code(row: list[str], number: int) -> Code:
    if len(row) != len(COLUMNS):
        raise BadInput(f"Row {number}: expected {len(COLUMNS)} columns, got {len(row)}.")
    uri, gtin, lot, serial, claim_code = row
    code = Code(uri, gtin, lot, serial, claim_code)
    for name, value in (("lot", code.lot), ("serial", code.serial)):
        if len(value) > 20 or not value.isascii():
            raise BadInput(f"Row {number}: {name} has at most 20 ASCII characters, got {value[:80]!r}.")
    try:
        link = DigitalLink.parse(code.uri)
    except BadDigitalLink as error:
        raise BadInput(f"Row {number}: uri: {error}") from None
    ais = dict(link.ais)
    own = {
        "gtin": ais.get("01") or ais.get("02") or "",
        "lot": ais.get("10") or code.lot,
        "serial": ais.get("21") or ais.get("00") or "",
    }
    for name, value in own.items():
        if getattr(code, name) != value:
            raise BadInput(f"Row {number}: {name} is {getattr(code, name)[:80]!r}, and the link says {value!r}.")
    if code.claim_code:
        try:
            claim_codes.normalise(code.claim_code)
        except BadInput as error:
            raise BadInput(f"Row {number}: {error}") from None
    return code._replace(ais=tuple(ais.items()))
