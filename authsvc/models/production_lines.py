"""Production lines: what each expects to read next, and the batches that it has sent."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from authsvc.models.base import Base


class ProductionLine(Base):
    """A line and the run on it; ``expected`` is the index that its camera should read next."""

    __tablename__ = "production_lines"
    __table_args__ = (ForeignKeyConstraint(["brand_id", "run"], ["runs.brand_id", "runs.number"]),)

    brand_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    gtin: Mapped[str]
    run: Mapped[int]
    expected: Mapped[int] = mapped_column(BigInteger)
    reads: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    misreads: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    changed_at: Mapped[datetime]


class LineBatch(Base):
    """A batch of codes that a line has sent under a number of its own, and what came of it."""

    __tablename__ = "line_batches"
    __table_args__ = (Index("ix_line_batches_brand_id_at", "brand_id", "at"),)

    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    line: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    act: Mapped[str]
    digest: Mapped[bytes]
    at: Mapped[datetime]
    done: Mapped[int]
    repeated: Mapped[int]
    refused: Mapped[int]
    alarms: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
