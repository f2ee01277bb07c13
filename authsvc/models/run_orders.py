"""Orders of runs: what somebody of a brand wants to be issued, and who has approved it."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from authsvc.models.base import Base


class RunOrder(Base):
    """
    One order. Its errand has the same ``id``; ``run`` is the number that its latest turn took.

    ``replaces`` is the item that a single code is to be the new label of, for a ``reason``; ``serials`` is the errand
    whose file has the serials. ``state`` is awaiting, approved or refused; ``result`` is set in the transaction that
    lets the codes count.
    """

    __tablename__ = "run_orders"
    __table_args__ = (
        ForeignKeyConstraint(["gtin", "brand_id"], ["products.gtin", "products.brand_id"]),
        CheckConstraint("state IN ('awaiting', 'approved', 'refused')", name="state"),
        CheckConstraint("(state = 'awaiting') = (decided_by IS NULL)", name="decided"),
        CheckConstraint("state <> 'approved' OR NOT needs_two OR decided_by <> ordered_by", name="two_people"),
        Index("ix_run_orders_brand_id_ordered_at", "brand_id", "ordered_at"),
    )

    brand_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    gtin: Mapped[str]
    lot: Mapped[str | None]
    count: Mapped[int] = mapped_column(BigInteger)
    mode: Mapped[str]
    is_lot_level: Mapped[bool]
    contents: Mapped[int | None]
    expires_on: Mapped[date | None]
    state: Mapped[str]
    needs_two: Mapped[bool]
    ordered_by: Mapped[UUID]
    ordered_name: Mapped[str]
    ordered_at: Mapped[datetime]
    decided_by: Mapped[UUID | None]
    decided_name: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    run: Mapped[int | None]
    site: Mapped[str | None]
    replaces: Mapped[str | None]
    reason: Mapped[str | None]
    serials: Mapped[UUID | None]
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
