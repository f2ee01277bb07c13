"""
Products of a console, checked and registered by the worker: whose GTIN is whose only a look at all brands can tell.

A dry run does all that a registration does and takes it back, so what it finds is what would be found.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from authsvc import audit, catalogue
from authsvc.core import versions
from authsvc.core.register import Product
from authsvc.deliveries import Courier
from authsvc.errands import Errand
from authsvc.errors import ChangedMeanwhile

MOST_ROWS = 5_000
FORM = "form"
"""The name of the file where there is none: somebody has filled in a form."""
API = "api"
"""The same, where a program has sent the products."""


def asked(
    rows: Sequence[tuple[int, Mapping[str, Any]]],
    *,
    file: str,
    is_dry: bool,
    by: str = "staff",
    seen: str | None = None,
) -> dict[str, Any]:
    """
    Return what an errand of this kind keeps.

    *by* is the kind of whoever asks; *seen* is the version of the one product that they have seen, where it must not
    have changed since.
    """
    kept = {"file": file, "is_dry": is_dry, "rows": [[number, dict(cells)] for number, cells in rows]}
    return {**kept, "by": by, "seen": seen}


def version(product: Product) -> str:
    """Return the version of what a file or a program says of a product."""
    names = (
        "gtin", "name", "granularity", "category", "description", "warranty_months", "claim", "token", "release",
        "is_tracked", "markets", "attributes", "language", "texts",
    )  # fmt: skip
    return versions.version({name: getattr(product, name) for name in names})


def register(courier: Courier, errand: Errand) -> Mapping[str, Any]:
    """
    Register or change the products of an errand, or only say what that would do.

    Raises:
        BadInput: With every fault, its row and its column; nothing is changed.
        ChangedMeanwhile: The product is not as it was seen.
    """
    by = audit.Actor(errand.asked.get("by", "staff"), errand.asked_by, errand.asked_name)
    with courier.sessions() as session:
        if seen := errand.asked.get("seen"):
            # Under the lock that every change of a product takes, so nobody comes in between.
            catalogue.lock_register(session)
            if version(catalogue.get_product(session, errand.asked["rows"][0][1]["gtin"])) != seen:
                raise ChangedMeanwhile("It was changed since you read it. Read it again, and decide anew.")
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
