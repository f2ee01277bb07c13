"""Sites: printers and places that codes are issued for, each with a quota where the brand wants one."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from authsvc.models.base import Base


class Site(Base):
    """A printer or site: at most ``quota`` codes per day, month or in all (``per``). A closed one gets no more."""

    __tablename__ = "sites"
    __table_args__ = (
        CheckConstraint("per IN ('day', 'month', 'all')", name="per"),
        CheckConstraint("quota >= 0", name="quota"),
    )

    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    quota: Mapped[int | None] = mapped_column(BigInteger)
    per: Mapped[str]
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
