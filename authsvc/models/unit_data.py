"""Data of single items beside their scans: attributes, records over time, labels that were replaced."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from authsvc.models.base import Base

_AUDIENCES = "audience IN ('public', 'owner', 'partner', 'authority')"


class ItemAttribute(Base):
    """What is true of one item and not of its whole lot; the log of the brand has what it was before."""

    __tablename__ = "item_attributes"
    __table_args__ = (CheckConstraint(_AUDIENCES, name="audience"),)

    sgtin: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID]
    value: Mapped[str]
    audience: Mapped[str]
    set_at: Mapped[datetime]
    set_by: Mapped[str]


class ItemRecord(Base):
    """
    Something measured of an item or done to it: only added, never changed; ``corrects`` names a record that was wrong.

    ``at`` is when it was so, ``recorded_at`` when we heard. ``by_id`` is the key or the account that
    has added it, if any.
    """

    __tablename__ = "item_records"
    __table_args__ = (CheckConstraint(_AUDIENCES, name="audience"), Index("ix_item_records_sgtin_at", "sgtin", "at"))

    sgtin: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID]
    kind: Mapped[str]
    at: Mapped[datetime]
    values: Mapped[dict[str, Any]]
    text: Mapped[str]
    audience: Mapped[str]
    by_name: Mapped[str]
    by_id: Mapped[UUID | None]
    corrects: Mapped[UUID | None]
    recorded_at: Mapped[datetime]


class LabelReplacement(Base):
    """The code of an item that was replaced by a new one, which is the item from then on."""

    __tablename__ = "label_replacements"
    __table_args__ = (Index("ix_label_replacements_new_sgtin", "new_sgtin"),)

    sgtin: Mapped[str] = mapped_column(primary_key=True)
    new_sgtin: Mapped[str]
    brand_id: Mapped[UUID]
    reason: Mapped[str]
    replaced_by: Mapped[str]
    at: Mapped[datetime]
