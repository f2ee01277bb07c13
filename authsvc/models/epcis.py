"""What EPCIS tells that no other table keeps: changes of condition, and events that partners have captured."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from authsvc.models.base import Base


class ItemChange(Base):
    """That the condition of an item was changed, whoever did it. A trigger writes it; nobody changes it."""

    __tablename__ = "item_changes"
    __table_args__ = (
        Index("ix_item_changes_sgtin", "sgtin"),
        Index("ix_item_changes_brand_id_at", "brand_id", "at"),
    )

    brand_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    sgtin: Mapped[str]
    at: Mapped[datetime]
    disposition: Mapped[str]
    previous: Mapped[str]


class EpcisEvent(Base):
    """
    An event that a partner has captured, as it was sent. A correction has the number of the event that it corrects.

    ``epcs`` holds every item, class and parent that the event names, as canonical Digital Links. ``recorded_by_id`` is
    the key that captured it; null, it is nobody's, and the brand alone declares it an error.
    """

    __tablename__ = "epcis_events"
    __table_args__ = (
        Index("ix_epcis_events_brand_id_recorded_at", "brand_id", "recorded_at"),
        Index("ix_epcis_events_capture_id", "capture_id"),
        Index("ix_epcis_events_epcs", "epcs", postgresql_using="gin"),
    )

    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    event_id: Mapped[str] = mapped_column(primary_key=True)
    is_correction: Mapped[bool] = mapped_column(primary_key=True)
    capture_id: Mapped[UUID]
    event_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str]
    recorded_by_id: Mapped[UUID | None]
    type: Mapped[str]
    epcs: Mapped[list[str]]
    document: Mapped[dict[str, Any]]
