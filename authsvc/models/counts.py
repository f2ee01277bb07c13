"""Counts by day: what the overview draws, kept so that no page reads millions of scans."""

from datetime import date
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from authsvc.models.base import Base


class DailyCount(Base):
    """
    How often something happened on one day (UTC); what a dimension does not tell apart is empty.

    ``dimension`` is day, country, product, lot or cell (product and country): ``kind`` is then the reason of a verdict.
    It is alert where alerts were opened, and ``kind`` their rule.
    """

    __tablename__ = "daily_counts"
    __table_args__ = (
        CheckConstraint("dimension IN ('day', 'country', 'product', 'lot', 'cell', 'alert')", name="dimension"),
    )

    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    dimension: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    gtin: Mapped[str] = mapped_column(primary_key=True)
    lot: Mapped[str] = mapped_column(primary_key=True)
    country: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
