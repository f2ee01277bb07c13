"""The audit log: who did what, in a chain of hashes for each brand."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from authsvc.models.base import Base


class AuditEvent(Base):
    """
    One act. A trigger of the database numbers it and links it to the act before; nobody changes or deletes it.

    Without a foreign key: the log outlives what it speaks of.
    """

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("ix_audit_events_brand_id_act_seq", "brand_id", "act", "seq"),
        Index("ix_audit_events_brand_id_subject_seq", "brand_id", "subject", "seq"),
    )

    brand_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str]
    act: Mapped[str]
    subject: Mapped[str]
    details: Mapped[dict[str, Any]]
    previous: Mapped[bytes]
    hash: Mapped[bytes]


class AuditHead(Base):
    """The last link of a brand's chain. Its row is the lock under which the next one is made."""

    __tablename__ = "audit_heads"

    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes]
