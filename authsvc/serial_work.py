"""
Serials of a console, checked by the worker: what an issue would refuse, and how many there are.

A check does all that loading does up to the first item, and takes it back. The serials stay with the errand, from where
the run that is ordered of them takes them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from authsvc import catalogue, issuing, serial_rows, signing_keys
from authsvc.deliveries import Courier
from authsvc.errands import Errand
from authsvc.issuing import Mode, Order

MOST_ROWS = 100_000


def asked(
    rows: Sequence[tuple[int, str]], *, gtin: str, lot: str | None, expiry: str | None, site: str | None, file: str,
    faults: Sequence[str],
) -> dict[str, Any]:  # fmt: skip
    """Return what an errand of this kind keeps."""
    return {
        "gtin": gtin, "lot": lot, "expiry": expiry, "site": site, "file": file, "faults": list(faults),
        "rows": [list(row) for row in rows],
    }  # fmt: skip


def check(courier: Courier, errand: Errand) -> Mapping[str, Any]:
    """
    Find out whether the serials of an errand could be issued.

    Raises:
        BadInput: With every fault, its row and its column; nothing is loaded.
    """
    wanted = errand.asked
    with courier.sessions() as session:
        product = catalogue.get_product(session, wanted["gtin"])
        brand = catalogue.get_brand_by_id(session, product.brand_id)
        order = Order(count=max(len(wanted["rows"]), 1), lot=wanted["lot"], mode=Mode.IMPORTED, site=wanted["site"])
        issuing.check_order(session, product, order, now=courier.now())
        keys = signing_keys.load_serial_keys(session, brand.id, wrapping_key=courier.wrapping_key)
        rows = ((number, serial) for number, serial in wanted["rows"])
        count = serial_rows.check(session, brand, product, rows, serial_keys=keys, noted=wanted["faults"])
        session.rollback()
    return {"serials": count}
