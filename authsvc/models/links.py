"""Links of the resolver, and the hosts that they may lead to."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from authsvc.models.base import SERVER_NOW, Base


class LinkHost(Base):
    """A host that a brand's links may lead to."""

    __tablename__ = "link_hosts"

    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    host: Mapped[str] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=SERVER_NOW)


class Link(Base):
    """
    Where a product is explained, one of its lots, or one item of it; what says of a product is said of all below it.

    ``host`` is that of ``href``, and one that the brand has registered: the database sees to both.
    """

    __tablename__ = "links"
    __table_args__ = (
        ForeignKeyConstraint(["gtin", "brand_id"], ["products.gtin", "products.brand_id"]),
        ForeignKeyConstraint(["brand_id", "host"], ["link_hosts.brand_id", "link_hosts.host"]),
        CheckConstraint("lot IS NULL OR serial IS NULL", name="level"),
        CheckConstraint("starts_with(href, 'https://' || host || '/')", name="host"),
        Index("ix_links_gtin", "gtin", "lot", "serial"),
    )

    brand_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    gtin: Mapped[str]
    lot: Mapped[str | None]
    serial: Mapped[str | None]
    position: Mapped[int]
    link_type: Mapped[str]
    href: Mapped[str]
    host: Mapped[str]
    title: Mapped[str]
    languages: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    media_type: Mapped[str | None]
    changed_at: Mapped[datetime] = mapped_column(server_default=SERVER_NOW)
