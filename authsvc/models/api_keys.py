"""API keys: the programs of a brand and its partners, their secrets, what they asked before, what they checked."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from authsvc.models.base import Base


class ApiKey(Base):
    """A program with its permissions. Its secrets come and go; the key keeps its name in the audit log."""

    __tablename__ = "api_keys"
    __table_args__ = (CheckConstraint("per_minute > 0", name="per_minute"),)

    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    scopes: Mapped[list[str]]
    per_minute: Mapped[int]
    made_by: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class ApiSecret(Base):
    """One secret of a key: its public prefix and the hash of the whole. ``ends_at`` is set when another follows it."""

    __tablename__ = "api_secrets"
    __table_args__ = (
        ForeignKeyConstraint(["brand_id", "key_id"], ["api_keys.brand_id", "api_keys.id"]),
        Index("ix_api_secrets_brand_id_key_id", "brand_id", "key_id"),
    )

    prefix: Mapped[str] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID]
    key_id: Mapped[UUID]
    secret_hash: Mapped[bytes]
    created_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class ApiAnswer(Base):
    """
    What a key was answered under an idempotency key: the same again for a day, and another request is refused.

    ``asked_hash`` is that of the request. The answer may hold a secret, so it is sealed.
    """

    __tablename__ = "api_answers"
    __table_args__ = (
        ForeignKeyConstraint(["brand_id", "key_id"], ["api_keys.brand_id", "api_keys.id"]),
        Index("ix_api_answers_created_at", "created_at"),
    )

    brand_id: Mapped[UUID] = mapped_column(primary_key=True)
    key_id: Mapped[UUID] = mapped_column(primary_key=True)
    idempotency_key: Mapped[str] = mapped_column(primary_key=True)
    asked_hash: Mapped[bytes]
    sealed: Mapped[bytes | None]
    created_at: Mapped[datetime]


class ApiCheck(Base):
    """How often a key has checked one item. No scan: nothing of it is evidence, or anybody's first check."""

    __tablename__ = "api_checks"

    sgtin: Mapped[str] = mapped_column(primary_key=True)
    key_id: Mapped[UUID] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID]
    count: Mapped[int] = mapped_column(BigInteger)
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
