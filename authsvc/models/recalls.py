"""Recalls: what is recalled, the drafts that somebody looks at first, and which owners were told."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Identity, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from authsvc.models.base import SERVER_NOW, Base


class Recall(Base):
    """
    A recall: of a product, a lot, a range of a run by index, a range of imported serials as text, a list or a window.

    In force until ``lifted_at``. A range of derived serials is stored as run and indexes: serials are permuted. With
    ``listed``, it concerns that many rows of ``recall_items``; with ``made_from``, the runs issued from then until
    before ``made_until``. ``reason`` and ``remedy`` are in ``language``; ``texts`` has them in others, by their tags.
    """

    __tablename__ = "recalls"
    __table_args__ = (
        ForeignKeyConstraint(["gtin", "brand_id"], ["products.gtin", "products.brand_id"]),
        Index("ix_recalls_gtin", "gtin", postgresql_where=text("lifted_at IS NULL")),
        CheckConstraint("num_nonnulls(run, serial_from, listed, made_from) <= 1", name="one_scope"),
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
    listed: Mapped[int | None]
    made_from: Mapped[datetime | None]
    made_until: Mapped[datetime | None]
    tells_owners: Mapped[bool] = mapped_column(server_default=text("false"))
    draft_id: Mapped[UUID | None] = mapped_column(unique=True)
    language: Mapped[str] = mapped_column(server_default=text("'en'"))
    texts: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))


class RecallItem(Base):
    """One item that the list of a recall names. No foreign key: the row lies where its item lies."""

    __tablename__ = "recall_items"

    sgtin: Mapped[str] = mapped_column(primary_key=True)
    recall_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, index=True)
    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"))


class RecallDraft(Base):
    """A recall that somebody has written and not announced: what they asked for, in their words."""

    __tablename__ = "recall_drafts"

    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    gtin: Mapped[str]
    target: Mapped[dict[str, Any]]
    reason: Mapped[str]
    remedy: Mapped[str | None]
    tells_owners: Mapped[bool]
    made_by: Mapped[str]
    created_at: Mapped[datetime]
    language: Mapped[str] = mapped_column(server_default=text("'en'"))
    texts: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))


class RecallNotice(Base):
    """That an owner was told of a recall. ``kind`` is announced or lifted, ``items`` how many of theirs it concerns."""

    __tablename__ = "recall_notices"
    __table_args__ = (CheckConstraint("kind IN ('announced', 'lifted')", name="kind"),)

    recall_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("recalls.id"), primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"))
    items: Mapped[int]
    at: Mapped[datetime]
