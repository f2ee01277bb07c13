"""Items: what is true of one."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from authsvc.models.base import Base


class Item(Base):
    """
    One physical item or case: exists from its first scan, its first exception or its import.

    ``seq`` counts the statements that touched the row and tells a scan whether it read an old snapshot; ``counted``
    and ``confirmed`` count scans; ``facts`` counts the changes of what is known beside scans, and ``records`` those of
    its data, so 0 means that there is nothing to read; ``first_valid_at`` is database time. The warranty is that of
    the registrations, written by a trigger, and counts from ``held_at``. No counter or last time is indexed, so that
    updates stay on the page (HOT).
    """

    __tablename__ = "items"
    __table_args__ = (
        Index(
            "ix_items_flagged_run",
            "brand_id",
            "run",
            postgresql_where=text("flagged_at IS NOT NULL AND run IS NOT NULL"),
        ),
        Index(
            "ix_items_commissioned",
            "brand_id",
            "commissioned_at",
            postgresql_where=text("commissioned_at IS NOT NULL"),
        ),
        Index(
            "ix_items_gone", "brand_id", "disposition_at", postgresql_where=text("disposition IN ('stolen', 'lost')")
        ),
        {"postgresql_with": {"fillfactor": "80"}},
    )

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
    facts: Mapped[int] = mapped_column(server_default=text("0"))
    records: Mapped[int] = mapped_column(server_default=text("0"))
    score: Mapped[float] = mapped_column(server_default=text("0"))
    warranty_from: Mapped[date | None]
    warranty_until: Mapped[date | None]
    held_at: Mapped[datetime | None]
