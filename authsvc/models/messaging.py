"""GS1 Lightweight Messaging: under which number a brand answers, and who may ask."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from authsvc.models.base import Base


class MessageResponder(Base):
    """That a brand answers, and as whom. ``admits`` is all, or listed: then only requesters that it knows."""

    __tablename__ = "message_responders"
    __table_args__ = (CheckConstraint("admits IN ('all', 'listed')", name="admits"),)

    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    gln: Mapped[str]
    admits: Mapped[str]
    changed_at: Mapped[datetime]


class MessageRequester(Base):
    """A company that asks, by its GLN, and whether it is answered."""

    __tablename__ = "message_requesters"

    brand_id: Mapped[UUID] = mapped_column(
        ForeignKey("message_responders.brand_id", ondelete="CASCADE"), primary_key=True
    )
    gln: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    is_permitted: Mapped[bool]
    added_at: Mapped[datetime]
