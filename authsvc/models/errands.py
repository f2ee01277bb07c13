"""Errands: what somebody of a brand has the worker do, and the files that come of it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from authsvc.models.base import Base


class Errand(Base):
    """
    One thing that somebody asked for: a preview of a setting, a file of data or a run of codes.

    An insert queues its job, by a trigger, in the transaction of whoever asks. ``turn`` counts how often a worker began
    it: one that was thought dead and comes back writes nothing any more. What came of it goes at ``expires_at``.
    """

    __tablename__ = "errands"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('preview', 'export', 'issue', 'products', 'serials', 'labels', 'sandbox')", name="kind"
        ),
        CheckConstraint("state IN ('waiting', 'running', 'done', 'failed', 'cancelled')", name="state"),
        Index("ix_errands_brand_id_kind_created_at_id", "brand_id", "kind", "created_at", "id"),
        Index("ix_errands_expires_at", "expires_at"),
        Index("ix_errands_open", "created_at", postgresql_where=text("state IN ('waiting', 'running')")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"))
    kind: Mapped[str]
    asked: Mapped[dict[str, Any]]
    asked_by: Mapped[UUID | None]
    asked_name: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="waiting")
    turn: Mapped[int] = mapped_column(server_default=text("0"))
    done: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    total: Mapped[int | None] = mapped_column(BigInteger)
    fault: Mapped[str | None]
    result: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]


class ErrandPart(Base):
    """A piece of the file of an errand, packed and encrypted: nothing of a file lies open in the database."""

    __tablename__ = "errand_parts"

    errand_id: Mapped[UUID] = mapped_column(ForeignKey("errands.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID]
    content: Mapped[bytes]
