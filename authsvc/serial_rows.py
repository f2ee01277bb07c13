"""
Serials that are rows: imported ones (IMEI, pharmaceutical, existing stock) and drawn ones.

A file is loaded whole or not at all, and every fault in it is named with its row and column. The check runs in the
database, over a temporary table, so that memory does not grow with the file. Two serials that differ only in case are
refused: people who read one aloud or type it would reach the other item.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import islice

import psycopg
from sqlalchemy.orm import Session

from authsvc.core import codes, serials
from authsvc.core.number_formats import Source, serial_format
from authsvc.core.register import Brand, Product
from authsvc.errors import BadInput
from authsvc.models import Run

SHOWN_FAULTS = 1_000
_BLOCK = 2048
_PIECE = 8192
_DERIVED = 16
"""Characters of a derived serial."""


def load(
    session: Session,
    brand: Brand,
    product: Product,
    rows: Iterable[tuple[int, str]],
    *,
    run: int,
    lot: str | None,
    claim_key: int | None,
    expires_on: date | None,
    serial_keys: Mapping[str, serials.SerialKey],
    noted: Sequence[str] = (),
) -> None:
    """
    Make an item of every serial; *rows* are row numbers, as people count them, and serials.

    *noted* are faults that whoever reads the rows finds on the way.

    Raises:
        BadInput: With the faults found, each with its row and column; nothing is loaded.
    """
    check(session, brand, product, rows, serial_keys=serial_keys, noted=noted)
    _driver(session).execute(
        _INSERT,
        {
            "gtin": product.gtin,
            "brand_id": brand.id,
            "run": run,
            "lot": lot,
            "claim_key": claim_key,
            "expires_on": expires_on,
        },
    )


def check(
    session: Session,
    brand: Brand,
    product: Product,
    rows: Iterable[tuple[int, str]],
    *,
    serial_keys: Mapping[str, serials.SerialKey],
    noted: Sequence[str] = (),
) -> int:
    """
    Find out whether serials could be loaded, and return how many there are; no item is made of them.

    Raises:
        BadInput: With the faults found, each with its row and column.
    """
    connection = _driver(session)
    connection.execute('CREATE TEMP TABLE new_serials (number bigint, serial text COLLATE "C") ON COMMIT DROP')
    reading = _Reading(product, serial_keys)
    with connection.cursor().copy("COPY new_serials FROM STDIN") as copy:
        for piece in reading.pieces(rows):
            copy.write(piece)
    found = [*reading.faults, *noted, *_derived_clashes(session, brand, reading.suspects)]
    values = {"gtin": product.gtin, "limit": SHOWN_FAULTS + 1, "skip": len(product.gtin) + 2}
    # Sorted and joined on the whole table by the database: its statistics of a moment ago know of no row.
    connection.execute("ANALYZE new_serials")
    found += [
        f"row {number}, column serial: {serial!r}: {what}"
        for number, serial, what in connection.execute(_CLASHES, values)
    ]
    if found:
        shown = "\n".join(sorted(found, key=_row_of)[:SHOWN_FAULTS])
        more = "\nand more, which show when these are right" if len(found) > SHOWN_FAULTS else ""
        raise BadInput(f"The serials are not accepted; nothing was loaded.\n{shown}{more}")
    if not reading.count:
        raise BadInput("The file has no serial.")
    return reading.count


def drawn(product: Product, count: int, random: Callable[[int], bytes]) -> Iterator[tuple[int, str]]:
    """Draw serials for a product, in its format where it has one for this."""
    form = serial_format(product.serial_format)
    if form is None or form.source is not Source.RANDOM:
        return ((number, serials.random_serial(random)) for number in range(1, count + 1))
    return ((number, form.draw(random)) for number in range(1, count + 1))


def blocks(session: Session) -> Iterator[list[str]]:
    """Yield the serials that ``load`` took in this transaction, in the order of their rows, a block at a time."""
    with _driver(session).cursor("new_serials") as cursor:
        cursor.itersize = _BLOCK
        cursor.execute("SELECT serial FROM new_serials ORDER BY number")
        serials_in_order = (str(row[0]) for row in cursor)
        while block := list(islice(serials_in_order, _BLOCK)):
            yield block


# The same serial twice, or one that differs only in case: in the file (the later row is at fault) or in the database.
_CLASHES = """
SELECT number, serial, CASE WHEN serial = other THEN 'is in the file already, in row ' || other_number
  ELSE 'differs only in case from ' || quote_literal(other) || ' in row ' || other_number END
FROM (SELECT number, serial, first_value(serial) OVER w AS other, first_value(number) OVER w AS other_number
  FROM new_serials WINDOW w AS (PARTITION BY lower(serial) ORDER BY number)) n
WHERE number <> other_number
UNION ALL
SELECT n.number, n.serial, CASE WHEN n.serial = o.serial THEN 'is an item of this product already'
  ELSE 'differs only in case from ' || quote_literal(o.serial) || ', which is an item of this product' END
FROM new_serials n
JOIN (SELECT substr(sgtin, %(skip)s::int) AS serial FROM items WHERE gtin = %(gtin)s AND sgtin NOT LIKE '00.%%') o
  ON lower(o.serial) = lower(n.serial)
ORDER BY 1 LIMIT %(limit)s"""

_INSERT = """
INSERT INTO items (sgtin, brand_id, gtin, run, lot, claim_key, expires_on)
SELECT %(gtin)s || '.' || serial, %(brand_id)s, %(gtin)s, %(run)s, %(lot)s, %(claim_key)s, %(expires_on)s
FROM new_serials ORDER BY serial"""


class _Reading:
    """One reading of rows: pieces for COPY, and the faults that show in a serial alone."""

    def __init__(self, product: Product, serial_keys: Mapping[str, serials.SerialKey]) -> None:
        self._gtin = product.gtin
        self._keys = serial_keys
        self._form = serial_format(product.serial_format)
        self.faults: list[str] = []
        self.suspects: list[tuple[int, str, int]] = []
        self.count = 0

    def pieces(self, rows: Iterable[tuple[int, str]]) -> Iterator[str]:
        source = iter(rows)
        # A serial that has passed holds neither a tab nor a backslash, so it is a line of COPY as it stands.
        while block := list(islice(source, _PIECE)):
            self.count += len(block)
            yield "".join([f"{number}\t{serial}\n" for number, serial in block if self._is_good(number, serial)])

    def _is_good(self, number: int, serial: str) -> bool:
        fault = codes.find_serial_fault(serial) or (self._form and self._form.find_fault(serial))
        if fault:
            if len(self.faults) <= SHOWN_FAULTS:
                self.faults.append(f"row {number}, column serial: {serial!r}: {fault}")
            return False
        # A derived serial has no row to clash with, but it tells its run. Case aside, as below.
        if len(serial) == _DERIVED and (found := serials.decode(serial.upper(), self._gtin, self._keys)):
            self.suspects.append((number, serial, found[0]))
        return True


def _derived_clashes(session: Session, brand: Brand, suspects: list[tuple[int, str, int]]) -> Iterator[str]:
    for number, serial, run in suspects:
        if session.get(Run, (brand.id, run)) is not None:
            yield f"row {number}, column serial: {serial!r}: was issued already, in run {run}"


def _row_of(fault: str) -> int:
    return int(fault.removeprefix("row ").partition(",")[0])


def _driver(session: Session) -> "psycopg.Connection[tuple[object, ...]]":
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)  # the only driver there is
    return connection
