"""Scans: every presentation of a code, and what the clone rules see of it."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from authsvc.models.base import Base


class Sighting(Base):
    """What the clone rules see: one row per item and visitor. ``confirmed_id`` is the scan that confirmed it first."""

    __tablename__ = "sightings"
    __table_args__ = (
        Index("ix_sightings_sgtin_first_at", "sgtin", text("first_at DESC"), postgresql_where=text("is_evidence")),
        Index("ix_sightings_first_at", "first_at"),
        {"postgresql_with": {"fillfactor": "80"}},
    )

    sgtin: Mapped[str] = mapped_column(primary_key=True)
    visitor: Mapped[bytes] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID]
    prefix: Mapped[bytes]
    first_at: Mapped[datetime]
    counted_at: Mapped[datetime]
    counted_id: Mapped[UUID]
    confirmed_id: Mapped[UUID | None]
    is_evidence: Mapped[bool]
    is_weak: Mapped[bool]
    country: Mapped[str | None]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    radius_km: Mapped[float | None]
    network: Mapped[str]
    asn: Mapped[bytes | None]


class Scan(Base):
    """
    One presentation of a code with a valid signature (or of a product without tokens). ``id`` is its receipt.

    The columns from ``scan_number`` on are the facts that the verdict rested on: a receipt judges them again.
    """

    __tablename__ = "scans"
    __table_args__ = (
        Index("ix_scans_id", "id"),
        Index(
            "ix_scans_at",
            "at",
            postgresql_using="brin",
            postgresql_with={"pages_per_range": 16, "autosummarize": "on"},
        ),
        {"postgresql_partition_by": "RANGE (at)"},
    )

    sgtin: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID]
    gtin: Mapped[str | None]
    visitor: Mapped[bytes]
    prefix: Mapped[bytes]
    country: Mapped[str | None]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    radius_km: Mapped[float | None]
    network: Mapped[str]
    channel: Mapped[str]
    automated: Mapped[str | None]
    is_weak: Mapped[bool]
    is_counted: Mapped[bool]
    confirmed_at: Mapped[datetime | None]
    key_id: Mapped[int | None]
    format: Mapped[str | None]
    run: Mapped[int | None]
    lot: Mapped[str | None]
    scan_number: Mapped[int | None]
    first_at: Mapped[datetime | None]
    mine_at: Mapped[datetime | None]
    disposition: Mapped[str | None]
    disposition_at: Mapped[datetime | None]
    recall_id: Mapped[int | None] = mapped_column(BigInteger)
    expires_on: Mapped[date | None]
    is_released: Mapped[bool]
    is_flagged: Mapped[bool]
    asn: Mapped[bytes | None]
    device: Mapped[UUID | None]


class Rejection(Base):
    """A presentation that proved nothing: forged, unsigned, typed, unknown or never issued. ``id`` is its receipt."""

    __tablename__ = "rejections"
    __table_args__ = (
        Index("ix_rejections_id", "id"),
        Index(
            "ix_rejections_at",
            "at",
            postgresql_using="brin",
            postgresql_with={"pages_per_range": 16, "autosummarize": "on"},
        ),
        Index("ix_rejections_brand_id_at", "brand_id", "at"),
        Index("ix_rejections_serial", "gtin", "serial", postgresql_where=text("serial IS NOT NULL")),
        Index("ix_rejections_sscc", "sscc", postgresql_where=text("sscc IS NOT NULL")),
        {"postgresql_partition_by": "RANGE (at)"},
    )

    at: Mapped[datetime] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID | None]
    reason: Mapped[str]
    detail: Mapped[str | None]
    gtin: Mapped[str | None]
    serial: Mapped[str | None]
    sscc: Mapped[str | None]
    lot: Mapped[str | None]
    key_id: Mapped[int | None]
    format: Mapped[str | None]
    is_typed: Mapped[bool]
    is_issued: Mapped[bool | None]
    disposition: Mapped[str | None]
    disposition_at: Mapped[datetime | None]
    recall_id: Mapped[int | None] = mapped_column(BigInteger)
    is_flagged: Mapped[bool]
    visitor: Mapped[bytes]
    prefix: Mapped[bytes]
    country: Mapped[str | None]
    network: Mapped[str]
    channel: Mapped[str]
    automated: Mapped[str | None]


class ReceiptOpen(Base):
    """Somebody opened a receipt: counted apart from scans, because a printed receipt is a fake's seal."""

    __tablename__ = "receipt_opens"

    receipt: Mapped[UUID] = mapped_column(primary_key=True)
    visitor: Mapped[bytes] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID | None]
    at: Mapped[datetime]
