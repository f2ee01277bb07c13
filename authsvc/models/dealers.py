"""Dealers: businesses that a brand sells through, and the items they hold. Permits, which owners give to platforms."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from authsvc.models.base import Base


class Dealer(Base):
    """A business that the brand has let in. One that has ended keeps its name in the history of its items."""

    __tablename__ = "dealers"
    __table_args__ = (
        Index(
            "uq_dealers_email", "brand_id", text("lower(email)"), unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country"),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"))
    name: Mapped[str]
    country: Mapped[str]
    email: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    ended_at: Mapped[datetime | None]


class DealerAccess(Base):
    """
    What lets somebody act for a dealer, by the hash of its secret: the session of a browser, or the key of a program.

    A key has a name and lives until it is revoked; a session has none.
    """

    __tablename__ = "dealer_accesses"
    __table_args__ = (CheckConstraint("kind IN ('session', 'key')", name="kind"),)

    secret_hash: Mapped[bytes] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(unique=True)
    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"))
    dealer_id: Mapped[UUID] = mapped_column(ForeignKey("dealers.id"), index=True)
    kind: Mapped[str]
    name: Mapped[str | None]
    hint: Mapped[str | None]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class DealerItem(Base):
    """
    That a dealer held an item for a time. ``version`` counts; at most one of an item is held.

    ``state`` is held, handed (to another dealer), sold, returned (sent back, or entered in error) or undone (the sale
    of this version was taken back). ``fact_id`` is the sale as the clone rules know it. ``offered_to`` is the dealer
    who may take it over.
    """

    __tablename__ = "dealer_items"
    __table_args__ = (
        Index("uq_dealer_items_held", "sgtin", unique=True, postgresql_where=text("state = 'held'")),
        Index("ix_dealer_items_stock", "dealer_id", "state", "sgtin"),
        Index("ix_dealer_items_offered", "offered_to", "sgtin", postgresql_where=text("offered_to IS NOT NULL")),
        CheckConstraint("state IN ('held', 'handed', 'sold', 'returned', 'undone')", name="state"),
        CheckConstraint("(ended_at IS NULL) = (state = 'held')", name="ended"),
        CheckConstraint("num_nulls(sold_on, sold_in, fact_id) IN (0, 3)", name="sale"),
        CheckConstraint("(state IN ('sold', 'undone')) = (sold_on IS NOT NULL)", name="sold"),
        CheckConstraint("offered_to IS NULL OR state = 'held'", name="offered"),
    )

    sgtin: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID]
    dealer_id: Mapped[UUID]
    state: Mapped[str]
    received_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    offered_to: Mapped[UUID | None]
    sold_on: Mapped[date | None]
    sold_in: Mapped[str | None]
    fact_id: Mapped[UUID | None]


class Permit(Base):
    """What an owner lets a platform do with one item, until when. The token itself is not stored."""

    __tablename__ = "permits"
    __table_args__ = (
        Index("ix_permits_registration_id", "registration_id"),
        CheckConstraint("scope IN ('status', 'transfer')", name="scope"),
    )

    sgtin: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID]
    owner_id: Mapped[UUID] = mapped_column(index=True)
    registration_id: Mapped[UUID]
    scope: Mapped[str]
    platform: Mapped[str]
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
