"""Evidence: what is known of an item beside its scans, what people made of its alerts, and what may scan unseen."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from authsvc.models.base import SERVER_NOW, Base


class ItemFact(Base):
    """
    Something that happened to an item: commissioned, sold, registered, claimed, offered, transferred, gone, proven.

    ``at`` is when it happened, ``recorded_at`` when we heard. A fact that was withdrawn no longer speaks but stays.
    ``visitor`` and the place are those of the owner.
    """

    __tablename__ = "item_facts"
    __table_args__ = (Index("ix_item_facts_sold", "brand_id", "recorded_at", postgresql_where=text("kind = 'sold'")),)

    sgtin: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID]
    kind: Mapped[str]
    at: Mapped[datetime]
    visitor: Mapped[bytes | None]
    country: Mapped[str | None]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    radius_km: Mapped[float | None]
    markets: Mapped[list[str] | None]
    recorded_by: Mapped[str]
    recorded_at: Mapped[datetime]
    withdrawn_by: Mapped[str | None]
    withdrawn_at: Mapped[datetime | None]


class Resolution(Base):
    """
    What a person made of an alert, and why. One that was undone no longer speaks but stays in the history.

    ``is_evidence`` says that the alert rested on the history of the item, so that the clone rules hear of it.
    """

    __tablename__ = "resolutions"
    __table_args__ = (
        Index("uq_resolutions_in_force", "sgtin", "alert_id", unique=True, postgresql_where=text("undone_at IS NULL")),
    )

    sgtin: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID] = mapped_column(index=True)
    alert_id: Mapped[UUID]
    kind: Mapped[str]
    reason: Mapped[str]
    is_evidence: Mapped[bool]
    resolved_by: Mapped[str]
    at: Mapped[datetime]
    undone_reason: Mapped[str | None]
    undone_by: Mapped[str | None]
    undone_at: Mapped[datetime | None]


class Commission(Base):
    """When the line released a range of a run, by index: the fact of every item in it, without a row for each."""

    __tablename__ = "commissions"
    __table_args__ = (
        ForeignKeyConstraint(["brand_id", "run"], ["runs.brand_id", "runs.number"]),
        CheckConstraint("index_from <= index_to", name="range"),
        Index("ix_commissions_brand_id_at", "brand_id", "at"),
    )

    brand_id: Mapped[UUID] = mapped_column(primary_key=True)
    run: Mapped[int] = mapped_column(primary_key=True)
    index_from: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    index_to: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime]


class TrustedDevice(Base):
    """A browser or program of the brand's own people: its scans are stored, never counted and never judged."""

    __tablename__ = "trusted_devices"
    __table_args__ = (CheckConstraint("kind IN ('browser', 'key')", name="kind"),)

    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    secret_hash: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=SERVER_NOW)
    revoked_at: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]


class BaseRate(Base):
    """
    Checked items of a product and the visitors they met, each item's capped: what is usual for the product.

    Of ``judged`` items that carry no warning, ``high`` score high.
    """

    __tablename__ = "base_rates"
    __table_args__ = (ForeignKeyConstraint(["gtin", "brand_id"], ["products.gtin", "products.brand_id"]),)

    brand_id: Mapped[UUID] = mapped_column(primary_key=True)
    gtin: Mapped[str] = mapped_column(primary_key=True)
    items: Mapped[int] = mapped_column(BigInteger)
    visitors: Mapped[int] = mapped_column(BigInteger)
    learned_at: Mapped[datetime]
    judged: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    high: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
