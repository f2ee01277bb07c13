"""Followers: those who asked to be told, once, when something becomes known of an item that they have checked."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from authsvc.models.base import Base


class Follower(Base):
    """
    An address that waits for news of one item, sealed; ``email_hash`` tells two questions of one person together.

    Run, index, serial and lot are those of the item, because a recall names these. ``news_at`` is set by triggers, in
    the transaction of what may be news. The row goes when the mail has been queued, and at ``expires_at`` in any case.
    """

    __tablename__ = "followers"
    __table_args__ = (
        Index("uq_followers_token_hash", "token_hash", unique=True),
        Index("ix_followers_news_at", "news_at", postgresql_where=text("news_at IS NOT NULL")),
    )

    sgtin: Mapped[str] = mapped_column(primary_key=True)
    email_hash: Mapped[bytes] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), index=True)
    gtin: Mapped[str] = mapped_column(index=True)
    serial: Mapped[str | None]
    lot: Mapped[str | None]
    run: Mapped[int | None]
    index: Mapped[int | None] = mapped_column(BigInteger)
    sealed: Mapped[bytes]
    token_hash: Mapped[bytes]
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    news_at: Mapped[datetime | None]
