"""Keys: what signs, permutes and claims; private halves are never in here, secret keys only wrapped."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column

from authsvc.models.base import SERVER_NOW, Base


class SigningKey(Base):
    """The public half of a signing key, or a wrapped MAC key, with its state. Private keys are never in here."""

    __tablename__ = "signing_keys"
    __table_args__ = (
        CheckConstraint("key_id BETWEEN 1 AND 65535", name="key_id"),
        # A key that nobody could verify with must not exist.
        CheckConstraint("num_nonnulls(public_key, wrapped_mac) = 1", name="one_key"),
    )

    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    key_id: Mapped[int] = mapped_column(primary_key=True)
    format: Mapped[str]
    state: Mapped[str]
    public_key: Mapped[bytes | None]
    wrapped_mac: Mapped[bytes | None]
    created_at: Mapped[datetime] = mapped_column(server_default=SERVER_NOW)
    retired_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revocation_mode: Mapped[str | None]
    revoked_from: Mapped[datetime | None]
    revoked_runs: Mapped[list[int]] = mapped_column(server_default=text("'{}'"))
    revocation_reason: Mapped[str | None]


class SerialKey(Base):
    """The key behind derived serials of one epoch, wrapped. A retired epoch still decodes."""

    __tablename__ = "serial_keys"

    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    epoch: Mapped[str] = mapped_column(primary_key=True)
    wrapped: Mapped[bytes]
    is_active: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(server_default=SERVER_NOW)


class ClaimKey(Base):
    """The key behind claim codes, wrapped; never deleted."""

    __tablename__ = "claim_keys"

    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    id: Mapped[int] = mapped_column(primary_key=True)
    wrapped: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=SERVER_NOW)
