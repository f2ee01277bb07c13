"""How clone evidence is judged: the target of false alarms and what is recorded, for a brand or for a product."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductSettings:
    """How the items of one product are judged: its own rate where it has one, and its brand's."""

    gtin: str
    name: str
    own_rate: float | None
    brand_rate: float
    copy_threshold: int | None

    @property
    def target_rate(self) -> float:
        """The rate in force."""
        return self.brand_rate if self.own_rate is None else self.own_rate


def set_clone_settings(
    session: Session,
    brand: Brand,
    gtin: str | None = None,
    *,
    target_rate: float | None = None,
    has_lifecycle: bool | None = None,
    copy_threshold: int | None = None,
    follows_brand: bool = False,
) -> CloneSettings:
    """
    Set how clone evidence is judged, for a brand or for one of its products, and return what holds then.

    What is None stays as it is. *target_rate* is the share of genuine scanned items that may be flagged; a product that
    *follows_brand* has none of its own any more. *has_lifecycle* says that commissioning and sale are recorded.
    *copy_threshold* is a hard limit on visitors of one item of a product; 0 takes it away.

    Raises:
        BadInput: A value is out of its range.
        NotFound: The brand has no such product.
    """
    _check(gtin, target_rate, copy_threshold, follows_brand=follows_brand)
    whole = session.get_one(BrandRow, brand.id)
    product = None if gtin is None else session.get(ProductRow, gtin)
    if gtin is not None and (product is None or product.brand_id != brand.id):
        raise NotFound(f"{brand.name} has no product {gtin}.")
    row = whole if product is None else product
    if target_rate is not None:
        row.target_rate = target_rate
    if follows_brand and product is not None:
        product.target_rate = None
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


def get_brand_rate(session: Session, brand_id: UUID) -> float:
    """Return the rate for products that have none of their own."""
    return session.scalars(select(BrandRow.target_rate).where(BrandRow.id == brand_id)).one()


def get_product_settings(session: Session, brand_id: UUID, gtin: str) -> ProductSettings:
    """
    Return how the items of a product are judged.

    Raises:
        NotFound: The brand has no such product.
    """
    row = session.execute(_products(brand_id).where(ProductRow.gtin == gtin)).one_or_none()
    if row is None:
        raise NotFound("There is no such product.")
    return _settings(row)


def find_product_settings(
    session: Session, brand_id: UUID, words: str | None = None, *, limit: int
) -> Sequence[ProductSettings]:
    """Return the products whose name or GTIN has *words* in it; without words, those that have a rate of their own."""
    query = _products(brand_id).order_by(ProductRow.name, ProductRow.gtin).limit(limit)
    if words is None:
        query = query.where(ProductRow.target_rate.is_not(None))
    else:
        query = query.where(
            or_(ProductRow.gtin.contains(words, autoescape=True),
                func.lower(ProductRow.name).contains(words.lower(), autoescape=True))
        )  # fmt: skip
    return [_settings(row) for row in session.execute(query)]


# --- Private ---------------------------------------------------------------------------------------------------------


def _check(gtin: str | None, target_rate: float | None, copy_threshold: int | None, *, follows_brand: bool) -> None:
    if target_rate is not None and not LEAST_RATE <= target_rate <= MOST_RATE:
        raise BadInput(f"The rate of false alarms lies between {LEAST_RATE} and {MOST_RATE}, got {target_rate:g}.")
    if copy_threshold is not None and copy_threshold != 0 and not 2 <= copy_threshold <= 10_000:
        raise BadInput(f"A hard limit is 2 to 10000 visitors, or 0 for none; got {copy_threshold}.")
    if gtin is None and copy_threshold is not None:
        raise BadInput("A hard limit on visitors is set for a product: give its GTIN.")
    if follows_brand and (gtin is None or target_rate is not None):
        raise BadInput("A product follows its brand or has a rate of its own: name the product and one of the two.")


def _products(brand_id: UUID) -> Any:
    return (
        select(ProductRow.gtin, ProductRow.name, ProductRow.target_rate.label("own"),
               BrandRow.target_rate.label("whole"), ProductRow.copy_threshold)
        .join(BrandRow, BrandRow.id == ProductRow.brand_id)
        .where(ProductRow.brand_id == brand_id)
    )  # fmt: skip


def _settings(row: Any) -> ProductSettings:
    return ProductSettings(
        gtin=row.gtin, name=row.name, own_rate=row.own, brand_rate=row.whole, copy_threshold=row.copy_threshold
    )
