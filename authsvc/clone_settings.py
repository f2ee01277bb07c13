"""How clone evidence is judged: the target of false alarms and what is recorded, for a brand or for a product."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from authsvc.core.register import LEAST_RATE, MOST_RATE, Brand
from authsvc.errors import BadInput, NotFound
from authsvc.models import Brand as BrandRow
from authsvc.models import Product as ProductRow


@dataclass(frozen=True, slots=True)
class CloneSettings:
    """What a brand, or a product after its brand, is judged by."""

    target_rate: float
    has_lifecycle: bool
    copy_threshold: int | None = None


def set_clone_settings(
    session: Session,
    brand: Brand,
    gtin: str | None = None,
    *,
    target_rate: float | None = None,
    has_lifecycle: bool | None = None,
    copy_threshold: int | None = None,
) -> CloneSettings:
    """
    Set how clone evidence is judged, for a brand or for one of its products, and return what holds then.

    What is None stays as it is. *target_rate* is the share of genuine scanned items that may be flagged.
    *has_lifecycle* says that commissioning and sale are recorded. *copy_threshold* is a hard limit on visitors of one
    item of a product; 0 takes it away.

    Raises:
        BadInput: A value is out of its range.
        NotFound: The brand has no such product.
    """
    if target_rate is not None and not LEAST_RATE <= target_rate <= MOST_RATE:
        raise BadInput(f"The rate of false alarms lies between {LEAST_RATE} and {MOST_RATE}, got {target_rate:g}.")
    if copy_threshold is not None and copy_threshold != 0 and not 2 <= copy_threshold <= 10_000:
        raise BadInput(f"A hard limit is 2 to 10000 visitors, or 0 for none; got {copy_threshold}.")
    if gtin is None and copy_threshold is not None:
        raise BadInput("A hard limit on visitors is set for a product: give its GTIN.")
    whole = session.get_one(BrandRow, brand.id)
    product = None if gtin is None else session.get(ProductRow, gtin)
    if gtin is not None and (product is None or product.brand_id != brand.id):
        raise NotFound(f"{brand.name} has no product {gtin}.")
    row = whole if product is None else product
    if target_rate is not None:
        row.target_rate = target_rate
    if has_lifecycle is not None:
        row.has_lifecycle = has_lifecycle
    if product is not None and copy_threshold is not None:
        product.copy_threshold = copy_threshold or None
    session.flush()
    if product is None:
        return CloneSettings(whole.target_rate, whole.has_lifecycle)
    return CloneSettings(
        whole.target_rate if product.target_rate is None else product.target_rate,
        whole.has_lifecycle if product.has_lifecycle is None else product.has_lifecycle,
        product.copy_threshold,
    )
