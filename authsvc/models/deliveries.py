"""
Deliveries: what is told to the systems and people of a brand, and how each telling went.

A row that waits (``state`` is waiting) always has a job: triggers of the database queue one in the very transaction
that makes it wait, whoever does that. ``version`` counts how often it was made to wait, so that a job which was left
over does nothing. ``events`` says what happened; ``webhook_deliveries`` is one event for one endpoint, under the id of
the event for every try.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from authsvc.models.base import SERVER_NOW, Base


class Event(Base):
    """
    Something that happened to a brand. With ``endpoint_id`` it is a test of that endpoint alone.

    ``awaits_mail`` is true while the next alert mail is to tell of it and false when one did: it is told of once.
    """

    __tablename__ = "events"
    __table_args__ = (
        Index("ix_events_at", "at"),
        Index("ix_events_brand_id", "brand_id", postgresql_where=text("awaits_mail")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID]
    type: Mapped[str]
    at: Mapped[datetime]
    data: Mapped[dict[str, Any]]
    endpoint_id: Mapped[UUID | None]
    awaits_mail: Mapped[bool | None]


class WebhookEndpoint(Base):
    """
    Where a brand wants to be told; without ``types`` of everything. A disabled one gets nothing.

    A removed one is disabled for good and stays for the sake of its deliveries.
    """

    __tablename__ = "webhook_endpoints"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), index=True)
    url: Mapped[str]
    description: Mapped[str] = mapped_column(server_default=text("''"))
    types: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    created_at: Mapped[datetime] = mapped_column(server_default=SERVER_NOW)
    failing_since: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    disabled_reason: Mapped[str | None]
    removed_at: Mapped[datetime | None]


class WebhookSecret(Base):
    """What deliveries are signed with, wrapped; the older ones live on until ``expires_at``."""

    __tablename__ = "webhook_secrets"

    endpoint_id: Mapped[UUID] = mapped_column(ForeignKey("webhook_endpoints.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"))
    wrapped: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=SERVER_NOW)
    expires_at: Mapped[datetime | None]


class WebhookDelivery(Base):
    """One event for one endpoint: waiting, delivered or dead."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        # An event is spread once, however often a worker dies while it does so.
        UniqueConstraint("event_id", "endpoint_id"),
        Index("ix_webhook_deliveries_brand_id_created_at_id", "brand_id", "created_at", "id"),
        Index("ix_webhook_deliveries_endpoint_id_created_at_id", "endpoint_id", "created_at", "id"),
        Index("ix_webhook_deliveries_dead", "brand_id", "created_at", "id", postgresql_where=text("state = 'dead'")),
        Index(
            "ix_webhook_deliveries_dead_endpoint",
            "endpoint_id",
            "created_at",
            "id",
            postgresql_where=text("state = 'dead'"),
        ),
        Index(
            "ix_webhook_deliveries_waiting", "brand_id", "created_at", "id", postgresql_where=text("state = 'waiting'")
        ),
        Index("ix_webhook_deliveries_next_at", "next_at", postgresql_where=text("state = 'waiting'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"))
    endpoint_id: Mapped[UUID] = mapped_column(ForeignKey("webhook_endpoints.id"))
    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id"))
    state: Mapped[str] = mapped_column(server_default="waiting")
    tries: Mapped[int] = mapped_column(server_default=text("0"))
    version: Mapped[int] = mapped_column(server_default=text("0"))
    next_at: Mapped[datetime]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class WebhookAttempt(Base):
    """
    One try of a delivery and what came back: a status, or the fault that kept one from coming.

    ``answer_bytes`` is what was read of the body of the answer, which is not more than ``outbound.MAX_ANSWER``.
    """

    __tablename__ = "webhook_attempts"

    delivery_id: Mapped[UUID] = mapped_column(ForeignKey("webhook_deliveries.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"))
    at: Mapped[datetime]
    duration_ms: Mapped[int]
    status: Mapped[int | None] = mapped_column(SmallInteger)
    fault: Mapped[str | None]
    answer_bytes: Mapped[int | None]


class Mail(Base):
    """
    A mail: waiting, sent or dead. ``sealed`` is recipient and values, encrypted, and goes when the mail has gone.

    The text is made when it is sent, from ``template``: whoever may queue mails can send none but ours.
    """

    __tablename__ = "mails"
    __table_args__ = (
        Index("ix_mails_next_at", "next_at", postgresql_where=text("state = 'waiting'")),
        Index("ix_mails_ended_at", "ended_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"))
    template: Mapped[str]
    sealed: Mapped[bytes | None]
    state: Mapped[str] = mapped_column(server_default="waiting")
    tries: Mapped[int] = mapped_column(server_default=text("0"))
    version: Mapped[int] = mapped_column(server_default=text("0"))
    next_at: Mapped[datetime]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    fault: Mapped[str | None]


class AlertMail(Base):
    """When a brand wants mail about new alerts: ``mode`` is at-once, daily or off, ``hour`` is in UTC."""

    __tablename__ = "alert_mails"
    __table_args__ = (CheckConstraint("hour BETWEEN 0 AND 23", name="hour"),)

    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    mode: Mapped[str] = mapped_column(server_default="at-once")
    hour: Mapped[int] = mapped_column(SmallInteger, server_default=text("8"))
    due_at: Mapped[datetime | None]
    mailed_at: Mapped[datetime | None]


class AlertRecipient(Base):
    """Somebody who gets the alert mails of a brand."""

    __tablename__ = "alert_recipients"

    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    address: Mapped[str] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=SERVER_NOW)
