"""
The tables, as mapped classes: columns, constraints and relationships; no behaviour and no queries.

Every brand-owned table has ``brand_id`` and stands under row-level security (see the first migration). Hot tables have
``sgtin`` first in their primary key and no foreign key that crosses it, so that the set can be distributed by that
column. ``sgtin`` is ``{gtin14}.{serial}``, or ``00.{sscc}`` for a logistic unit. Kinds and states are text, never
database enums: they grow. ``scans`` and ``rejections`` are range-partitioned by month.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, INT8MULTIRANGE, JSONB, REAL
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SERVER_NOW = func.now()


class Base(DeclarativeBase):
    """Root of the mapped classes, with named constraints so that migrations can address them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012  SQLAlchemy reads this very name
        str: Text,
        bytes: LargeBinary,
        datetime: DateTime(timezone=True),
        date: Date,
        UUID: Uuid,
        float: REAL,
        dict[str, Any]: JSONB,
        list[str]: ARRAY(Text),
        list[int]: ARRAY(Integer),
    }


class Brand(Base):
    """A tenant."""

    __tablename__ = "brands"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    is_sandbox: Mapped[bool] = mapped_column(server_default=text("false"))
    contact: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=SERVER_NOW)


class BrandCounter(Base):
    """The next numbers of a brand; a number that was taken is never given again, whatever happened after."""

    __tablename__ = "brand_counters"

    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    next_run: Mapped[int] = mapped_column(server_default=text("1"))
    next_key_id: Mapped[int] = mapped_column(server_default=text("1"))
    next_claim_key: Mapped[int] = mapped_column(server_default=text("1"))
    next_epoch: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    next_sscc: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))


class BrandPrefix(Base):
    """A GS1 company prefix: unique over all brands, because the brand of a code follows from it."""

    __tablename__ = "brand_prefixes"

    prefix: Mapped[str] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), index=True)


class BrandHost(Base):
    """A host of a brand's links: unique over all brands. The one at position 0 is printed."""

    __tablename__ = "brand_hosts"

    host: Mapped[str] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), index=True)
    position: Mapped[int] = mapped_column(SmallInteger)


class Image(Base):
    """A picture of a product, addressed by its content."""

    __tablename__ = "images"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    media_type: Mapped[str]
    data: Mapped[bytes]


class Product(Base):
    """A trade item; its GTIN belongs to one brand for ever."""

    __tablename__ = "products"
    __table_args__ = (
        CheckConstraint("gtin ~ '^[0-9]{14}$'", name="gtin"),
        # What is said of a GTIN names its brand too, and this lets the database see that it is the right one.
        UniqueConstraint("gtin", "brand_id"),
    )

    gtin: Mapped[str] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), index=True)
    name: Mapped[str]
    granularity: Mapped[str]
    category: Mapped[str | None]
    description: Mapped[str | None]
    image: Mapped[str | None]
    warranty_months: Mapped[int | None]
    claim: Mapped[str] = mapped_column(server_default="none")
    token: Mapped[str] = mapped_column(server_default="ed25519")
    release: Mapped[str] = mapped_column(server_default="on-issue")
    tracking: Mapped[str] = mapped_column(server_default="scans")
    markets: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    copy_threshold: Mapped[int] = mapped_column(server_default=text("10"))
    attributes: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    created_at: Mapped[datetime] = mapped_column(server_default=SERVER_NOW)


class Lot(Base):
    """A production lot (AI 10) of a product. ``issued_at`` is set when its static code was issued."""

    __tablename__ = "lots"
    __table_args__ = (ForeignKeyConstraint(["gtin", "brand_id"], ["products.gtin", "products.brand_id"]),)

    gtin: Mapped[str] = mapped_column(primary_key=True)
    lot: Mapped[str] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), index=True)
    made_on: Mapped[date | None]
    expires_on: Mapped[date | None]
    attributes: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    run: Mapped[int | None]
    issued_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=SERVER_NOW)


class Run(Base):
    """
    One issue of codes for a product and lot: one row, however many codes.

    ``mode`` is derived, random, imported, lot or sscc. A code counts as issued once ``issued_at`` is set; a run that
    failed keeps its number and issues nothing. ``commissioned`` holds the index ranges that the line has released.
    """

    __tablename__ = "runs"
    __table_args__ = (
        ForeignKeyConstraint(["gtin", "brand_id"], ["products.gtin", "products.brand_id"]),
        ForeignKeyConstraint(["gtin", "lot"], ["lots.gtin", "lots.lot"]),
        Index("ix_runs_gtin_lot", "gtin", "lot"),
        Index("ix_runs_brand_id_sscc_first", "brand_id", "sscc_first", postgresql_where=text("sscc_first IS NOT NULL")),
    )

    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    gtin: Mapped[str]
    lot: Mapped[str | None]
    mode: Mapped[str]
    count: Mapped[int] = mapped_column(BigInteger)
    epoch: Mapped[str | None]
    format: Mapped[str | None]
    key_id: Mapped[int | None]
    claim_key: Mapped[int | None]
    expires_on: Mapped[date | None]
    sscc_first: Mapped[int | None] = mapped_column(BigInteger)
    commissioned: Mapped[Any] = mapped_column(INT8MULTIRANGE, server_default=text("'{}'"))
    created_at: Mapped[datetime] = mapped_column(server_default=SERVER_NOW)
    issued_at: Mapped[datetime | None]
    failure: Mapped[str | None]


class SigningKey(Base):
    """The public half of a signing key, or a wrapped MAC key, with its state. Private keys are never in here."""

    __tablename__ = "signing_keys"
    __table_args__ = (
        CheckConstraint("key_id BETWEEN 1 AND 65535", name="key_id"),
        # A key that nobody could verify with must not exist.
        CheckConstraint("num_nonnulls(public_key, wrapped_mac) = 1", name="one_key"),
    )

    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    key_id: Mapped[int] = mapped_column(primary_key=True)
    format: Mapped[str]
    state: Mapped[str]
    public_key: Mapped[bytes | None]
    wrapped_mac: Mapped[bytes | None]
    created_at: Mapped[datetime] = mapped_column(server_default=SERVER_NOW)
    retired_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revocation_mode: Mapped[str | None]
    revoked_from: Mapped[datetime | None]
    revoked_runs: Mapped[list[int]] = mapped_column(server_default=text("'{}'"))
    revocation_reason: Mapped[str | None]


class SerialKey(Base):
    """The key behind derived serials of one epoch, wrapped. A retired epoch still decodes."""

    __tablename__ = "serial_keys"

    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    epoch: Mapped[str] = mapped_column(primary_key=True)
    wrapped: Mapped[bytes]
    is_active: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(server_default=SERVER_NOW)


class ClaimKey(Base):
    """The key behind claim codes, wrapped; never deleted."""

    __tablename__ = "claim_keys"

    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    id: Mapped[int] = mapped_column(primary_key=True)
    wrapped: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=SERVER_NOW)


class Recall(Base):
    """
    A recall: of a product, a lot, a range of a run by index, or a range of imported serials as text.

    In force until ``lifted_at``. A range of derived serials is stored as run and indexes: serials are permuted.
    """

    __tablename__ = "recalls"
    __table_args__ = (
        ForeignKeyConstraint(["gtin", "brand_id"], ["products.gtin", "products.brand_id"]),
        Index("ix_recalls_gtin", "gtin", postgresql_where=text("lifted_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), index=True)
    gtin: Mapped[str]
    lot: Mapped[str | None]
    run: Mapped[int | None]
    index_from: Mapped[int | None] = mapped_column(BigInteger)
    index_to: Mapped[int | None] = mapped_column(BigInteger)
    serial_from: Mapped[str | None] = mapped_column(Text(collation="C"))
    serial_to: Mapped[str | None] = mapped_column(Text(collation="C"))
    reason: Mapped[str]
    remedy: Mapped[str | None]
    recalled_at: Mapped[datetime] = mapped_column(server_default=SERVER_NOW)
    lifted_at: Mapped[datetime | None]


class Item(Base):
    """
    One physical item or case: exists from its first scan, its first exception or its import.

    ``seq`` counts the statements that touched the row and tells a scan whether it read an old snapshot; ``counted``
    and ``confirmed`` count scans; ``first_valid_at`` is database time. No counter or last time is indexed, so that
    updates stay on the page (HOT).
    """

    __tablename__ = "items"
    __table_args__ = {"postgresql_with": {"fillfactor": "80"}}  # noqa: RUF012  SQLAlchemy reads this very name

    sgtin: Mapped[str] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID]
    gtin: Mapped[str | None]
    run: Mapped[int | None]
    lot: Mapped[str | None]
    claim_key: Mapped[int | None]
    expires_on: Mapped[date | None]
    disposition: Mapped[str] = mapped_column(server_default="active")
    disposition_reason: Mapped[str | None]
    disposition_at: Mapped[datetime | None]
    commissioned_at: Mapped[datetime | None]
    seq: Mapped[int] = mapped_column(server_default=text("0"))
    counted: Mapped[int] = mapped_column(server_default=text("0"))
    confirmed: Mapped[int] = mapped_column(server_default=text("0"))
    first_at: Mapped[datetime | None]
    last_at: Mapped[datetime | None]
    first_valid_at: Mapped[datetime | None]
    flagged_at: Mapped[datetime | None]
    score: Mapped[float] = mapped_column(server_default=text("0"))


class Sighting(Base):
    """What the clone rules see: one row per item and visitor. ``confirmed_id`` is the scan that confirmed it first."""

    __tablename__ = "sightings"
    __table_args__ = (
        Index("ix_sightings_sgtin_first_at", "sgtin", text("first_at DESC"), postgresql_where=text("is_evidence")),
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


class Scan(Base):
    """
    One presentation of a code with a valid signature (or of a product without tokens). ``id`` is its receipt.

    The columns from ``scan_number`` on are the facts that the verdict rested on: a receipt judges them again.
    """

    __tablename__ = "scans"
    __table_args__ = (
        Index("ix_scans_id", "id"),
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


class Rejection(Base):
    """A presentation that proved nothing: forged, unsigned, typed, unknown or never issued. ``id`` is its receipt."""

    __tablename__ = "rejections"
    __table_args__ = (
        Index("ix_rejections_id", "id"),
        Index("ix_rejections_brand_id_at", "brand_id", "at"),
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


class RegisterVersion(Base):
    """One row, bumped by triggers: tells a running process that brands, products or keys have changed."""

    __tablename__ = "register_version"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
