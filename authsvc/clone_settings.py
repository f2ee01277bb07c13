"""How clone evidence is judged: the target of false alarms and what is recorded, for a brand or for a product."""

from sqlalchemy.orm import Session

from authsvc.core.register import LEAST_RATE, MOST_RATE, Brand
from authsvc.errors import BadInput, NotFound
from authsvc.models import Brand as BrandRow
from authsvc.models import Product as ProductRow


def set_clone_settings(
    session: Session,
    brand: Brand,
    gtin: str | None = None,
    *,
    target_rate: float | None = None,
    has_lifecycle: bool | None = None,
    copy_threshold: int | None = None,
) -> None:
    """
    Set how clone evidence is judged, for a brand or for one of its products; what is None stays as it is.

    *target_rate* is the share of genuine scanned items that may be flagged. *has_lifecycle* says that commissioning and
    sale are recorded. *copy_threshold* is a hard limit on visitors of one item of a product; 0 takes it away.

    Raises:
        BadInput: A value is out of its range.
        NotFound: The brand has no such product.
    """
    if target_rate is not None and not LEAST_RATE <= target_rate <= MOST_RATE:
        raise BadInput(f"The rate of false alarms lies between {LEAST_RATE} and {MOST_RATE}, got {target_rate:g}.")
    if copy_threshold is not None and copy_threshold != 0 and not 2 <= copy_threshold <= 10_000:
        raise BadInput(f"A hard limit is 2 to 10000 visitors, or 0 for none; got {copy_threshold}.")
    row: BrandRow | ProductRow
    if gtin is None:
        if copy_threshold is not None:
            raise BadInput("A hard limit on visitors is set for a product: give its GTIN.")
        row = session.get_one(BrandRow, brand.id)
    else:
        product = session.get(ProductRow, gtin)
        if product is None or product.brand_id != brand.id:
            raise NotFound(f"{brand.name} has no product {gtin}.")
        row = product
        if copy_threshold is not None:
            product.copy_threshold = copy_threshold or None
    if target_rate is not None:
        row.target_rate = target_rate
    if has_lifecycle is not None:
        row.has_lifecycle = has_lifecycle
    session.flush()
