"""
Products of a console, checked and registered by the worker: whose GTIN is whose only a look at all brands can tell.

A dry run does all that a registration does and takes it back, so what it finds is what would be found.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from authsvc import audit, catalogue
from authsvc.deliveries import Courier
from authsvc.errands import Errand

MOST_ROWS = 5_000
FORM = "form"
"""The name of the file where there is none: somebody has filled in a form."""


def asked(rows: Sequence[tuple[int, Mapping[str, Any]]], *, file: str, is_dry: bool) -> dict[str, Any]:
    """Return what an errand of this kind keeps."""
    return {"file": file, "is_dry": is_dry, "rows": [[number, dict(cells)] for number, cells in rows]}


def register(courier: Courier, errand: Errand) -> Mapping[str, Any]:
    """
    Register or change the products of an errand, or only say what that would do.

    Raises:
        BadInput: With every fault, its row and its column; nothing is changed.
    """
    by = audit.Actor("staff", errand.asked_by, errand.asked_name)
    with courier.sessions() as session:
        slug = catalogue.get_slug(session, errand.brand_id)
        rows = [(number, {"brand": slug, **_given(cells, slug)}) for number, cells in errand.asked["rows"]]
        found = catalogue.import_products(session, rows, read_image=_no_image, now=courier.now())
        if errand.asked["is_dry"]:
            session.rollback()
        else:
            for _, cells in rows:
                details = {"file": errand.asked["file"], "columns": sorted(set(cells) - {"gtin", "brand"})}
                gtin = str(cells.get("gtin"))
                audit.record(session, errand.brand_id, by, "product.import", gtin, details, at=courier.now())
            session.commit()
    return {"created": found.created, "updated": found.updated}


# --- Private ---------------------------------------------------------------------------------------------------------


def _given(cells: Mapping[str, Any], slug: str) -> Mapping[str, Any]:
    """Leave out an empty brand; that of somebody else becomes a fault of its row."""
    brand = cells.get("brand")
    if brand in {None, "", slug}:
        return {name: cell for name, cell in cells.items() if name != "brand"}
    return {**cells, "brand": f"{brand} (not yours)"}


def _no_image(name: str) -> bytes:
    raise FileNotFoundError(2, "pictures come with `authsvc products import`, from the folder of the file", name)
