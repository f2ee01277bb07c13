"""Alerts: what deserves the look of a person, and what people did about it."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from authsvc.models.base import Base

OPEN, CLOSED = text("closed_at IS NULL"), text("closed_at IS NOT NULL")


class Alert(Base):
    """
    A stored signal: at most one open per subject and rule. ``evidence`` is kept as it was when raised.

    ``subject`` is item, lot, run, network or shop. What is no item has its key in ``sgtin``: ``lot/{gtin}/{lot}``,
    ``run/{brand}/{number}``, ``network/{brand}/{prefix}`` or ``shop/{brand}/{hash}``: no item's number has a slash.

    ``gtin``, ``serial``, ``lot`` and ``severity`` (3 is high) follow from the item, the evidence and the
    score; a trigger fills them in, so that a list of a million can be filtered. ``assignee`` is an account. A snoozed
    alert comes back at ``snoozed_until``, or earlier when the score of its item reaches ``wakes_at_score``: then that
    is noted in ``woken_at``.
    """

    __tablename__ = "alerts"
    __table_args__ = (
        Index("uq_alerts_open", "sgtin", "rule", unique=True, postgresql_where=OPEN),
        Index("ix_alerts_brand_id_opened_at", "brand_id", "opened_at"),
        Index("ix_alerts_brand_id_id", "brand_id", "id"),
        Index("ix_alerts_new", "brand_id", "opened_at", "id", "snoozed_until",
              postgresql_where=text("closed_at IS NULL AND assignee IS NULL")),
        Index("ix_alerts_assigned", "brand_id", "assignee", "opened_at", "id",
              postgresql_where=text("closed_at IS NULL AND assignee IS NOT NULL")),
        Index("ix_alerts_snoozed", "brand_id", "snoozed_until",
              postgresql_where=text("closed_at IS NULL AND snoozed_until IS NOT NULL")),
        Index("ix_alerts_closed", "brand_id", "opened_at", "id", postgresql_where=CLOSED),
        Index("ix_alerts_worst_open", "brand_id", "severity", "score", "id", postgresql_where=OPEN),
        Index("ix_alerts_worst_closed", "brand_id", "severity", "score", "id", postgresql_where=CLOSED),
        Index("ix_alerts_gtin", "brand_id", "gtin", "opened_at", "id"),
        Index("ix_alerts_lot", "brand_id", "lot", "opened_at", "id"),
        Index("ix_alerts_rule", "brand_id", "rule", "opened_at", "id"),
        Index("ix_alerts_serial", "brand_id", "serial"),
        Index("ix_alerts_woken", "brand_id", "woken_at",
              postgresql_where=text("closed_at IS NULL AND woken_at IS NOT NULL")),
        Index("ix_alerts_open_rule", "brand_id", "rule", postgresql_where=OPEN),
    )  # fmt: skip

    sgtin: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID]
    subject: Mapped[str] = mapped_column(server_default="item")
    rule: Mapped[str]
    score: Mapped[float]
    evidence: Mapped[dict[str, Any]]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    gtin: Mapped[str | None]
    serial: Mapped[str | None]
    lot: Mapped[str | None]
    severity: Mapped[int] = mapped_column(SmallInteger, server_default=text("2"))
    assignee: Mapped[UUID | None]
    snoozed_until: Mapped[datetime | None]
    wakes_at_score: Mapped[float | None]
    woken_at: Mapped[datetime | None]


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


class AlertCountry(Base):
    """A country that the evidence of an alert speaks of."""

    __tablename__ = "alert_countries"
    __table_args__ = (Index("ix_alert_countries_country", "brand_id", "country", "opened_at", "alert_id"),)

    sgtin: Mapped[str] = mapped_column(primary_key=True)
    alert_id: Mapped[UUID] = mapped_column(primary_key=True)
    country: Mapped[str] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID]
    opened_at: Mapped[datetime]


class AlertDecision(Base):
    """
    What a decision on an alert did beside its resolution, whose ``id`` it shares: what an undo has to restore.

    The disposition is that of the item before it was blocked, and null where the decision blocked nothing.
    """

    __tablename__ = "alert_decisions"
    __table_args__ = (Index("ix_alert_decisions_brand_id_alert_id", "brand_id", "alert_id"),)

    sgtin: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID]
    alert_id: Mapped[UUID]
    choice: Mapped[str]
    at: Mapped[datetime]
    disposition: Mapped[str | None]
    disposition_reason: Mapped[str | None]
    disposition_at: Mapped[datetime | None]
