"""Products, their lots and runs: what is true of many items at once."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import INT8MULTIRANGE
from sqlalchemy.orm import Mapped, mapped_column

from authsvc.models.base import SERVER_NOW, Base


class Image(Base):
    """A picture of a product, addressed by its content."""

    __tablename__ = "images"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    media_type: Mapped[str]
    data: Mapped[bytes]


class Product(Base):
    """
    A trade item; its GTIN belongs to one brand for ever.

    The formats are as ``core/number_formats`` writes them. ``serial_from`` is the day from which a product that had
    one code for each lot has one for each item. ``language`` is that of name, description and facts, where the brand
    says it; ``texts`` has them in others, by their tags.
    """

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
    copy_threshold: Mapped[int | None]
    target_rate: Mapped[float | None]
    has_lifecycle: Mapped[bool | None]
    lot_format: Mapped[str | None]
    serial_format: Mapped[str | None]
    serial_from: Mapped[date | None]
    attributes: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    language: Mapped[str | None]
    texts: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
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
    failed keeps its number and issues nothing. ``commissioned`` holds the index ranges that the line has released,
    ``voided`` those whose codes were withdrawn unused, ``contents`` how many items a case of it holds.
    """

    __tablename__ = "runs"
    __table_args__ = (
        ForeignKeyConstraint(["gtin", "brand_id"], ["products.gtin", "products.brand_id"]),
        ForeignKeyConstraint(["gtin", "lot"], ["lots.gtin", "lots.lot"]),
        Index("ix_runs_gtin_lot", "gtin", "lot"),
        Index("ix_runs_site", "brand_id", "site", postgresql_where=text("site IS NOT NULL")),
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
    contents: Mapped[int | None]
    commissioned: Mapped[Any] = mapped_column(INT8MULTIRANGE, server_default=text("'{}'"))
    voided: Mapped[Any] = mapped_column(INT8MULTIRANGE, server_default=text("'{}'"))
    site: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=SERVER_NOW)
    issued_at: Mapped[datetime | None]
    failure: Mapped[str | None]
