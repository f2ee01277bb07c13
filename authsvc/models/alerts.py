"""Alerts: what deserves the look of a person."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from authsvc.models.base import Base


class Alert(Base):
    """
    A stored signal: at most one open per subject and rule. ``evidence`` is kept as it was when raised.

    ``subject`` is item, lot, run or network. What is no item has its key in ``sgtin``: ``lot/{gtin}/{lot}``,
    ``run/{brand}/{number}`` or ``network/{brand}/{prefix}``, which no number of an item can be.
    """

    __tablename__ = "alerts"
    __table_args__ = (
        Index("uq_alerts_open", "sgtin", "rule", unique=True, postgresql_where=text("closed_at IS NULL")),
        Index("ix_alerts_brand_id_opened_at", "brand_id", "opened_at"),
        Index("ix_alerts_open_rule", "brand_id", "rule", postgresql_where=text("closed_at IS NULL")),
    )

    sgtin: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID]
    subject: Mapped[str] = mapped_column(server_default="item")
    rule: Mapped[str]
    score: Mapped[float]
    evidence: Mapped[dict[str, Any]]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class LotDay(Base):
    """
    How many items of a lot were seen in one country on one day; see ``core.lots.LotPlace``.

    ``known`` had been checked a week before, ``fresh`` had not; ``first`` of them were checked for the first time.
    """

    __tablename__ = "lot_days"

    brand_id: Mapped[UUID] = mapped_column(primary_key=True)
    gtin: Mapped[str] = mapped_column(primary_key=True)
    lot: Mapped[str] = mapped_column(primary_key=True)
    country: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    known: Mapped[int]
    fresh: Mapped[int]
    first: Mapped[int]


class JobMark(Base):
    """Up to when a job has read what it reads bit by bit."""

    __tablename__ = "job_marks"

    job: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
