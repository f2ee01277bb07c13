"""Alerts: what deserves the look of a person."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from authsvc.models.base import Base


class Alert(Base):
    """A stored signal: at most one open per item and rule. ``evidence`` is kept as it was when raised."""

    __tablename__ = "alerts"
    __table_args__ = (
        Index("uq_alerts_open", "sgtin", "rule", unique=True, postgresql_where=text("closed_at IS NULL")),
        Index("ix_alerts_brand_id_opened_at", "brand_id", "opened_at"),
    )

    sgtin: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID]
    rule: Mapped[str]
    score: Mapped[float]
    evidence: Mapped[dict[str, Any]]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
