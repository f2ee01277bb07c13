"""
Serials that are rows: imported ones (IMEI, pharmaceutical, existing stock) and drawn ones.

A file is loaded whole or not at all, and every fault in it is named with its row. The check runs in the database, over
a temporary table, so that memory does not grow with the file. Two serials that differ only in case are refused: people
who read one aloud or type it would reach the other item.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from itertools import islice

import psycopg
from sqlalchemy.orm import Session

from authsvc.core import codes, serials
from authsvc.core.register import Brand, Product
from authsvc.errors import BadInput
from authsvc.models import Run

SHOWN_FAULTS = 20
_BLOCK = 2048


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
) -> None:
    """
    Make an item of every serial; *rows* are row numbers, as people count them, and serials.

    Raises:
        BadInput: With the faults found, each with its row; nothing is loaded.
    """
    connection = _driver(session)
    connection.execute('CREATE TEMP TABLE new_serials (number bigint, serial text COLLATE "C") ON COMMIT DROP')
    faults: list[str] = []
    suspects: list[tuple[int, str, int]] = []
    with connection.cursor().copy("COPY new_serials FROM STDIN") as copy:
        for number, serial in rows:
            if fault := codes.find_serial_fault(serial):
                faults.append(f"row {number}: {serial!r}: {fault}")
                continue
            # A derived serial has no row to clash with, but it tells its run. Case aside, as below.
            if found := serials.decode(serial.upper(), product.gtin, serial_keys):
                suspects.append((number, serial, found[0]))
            copy.write_row((number, serial))
    faults += _derived_clashes(session, brand, suspects)
    faults += [
        f"row {number}: {serial!r}: {what}"
        for number, serial, what in connection.execute(
            _CLASHES, {"gtin": product.gtin, "limit": SHOWN_FAULTS + 1, "skip": len(product.gtin) + 2}
        )
    ]
    if faults:
        shown = "\n".join(faults[:SHOWN_FAULTS])
        more = "\nand more, which show when these are right" if len(faults) > SHOWN_FAULTS else ""
        raise BadInput(f"The serials are not accepted; nothing was loaded.\n{shown}{more}")
    connection.execute(
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


def _derived_clashes(session: Session, brand: Brand, suspects: list[tuple[int, str, int]]) -> Iterator[str]:
    for number, serial, run in suspects:
        if session.get(Run, (brand.id, run)) is not None:
            yield f"row {number}: {serial!r}: was issued already, in run {run}"


def _driver(session: Session) -> "psycopg.Connection[tuple[object, ...]]":
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)  # the only driver there is
    return connection
