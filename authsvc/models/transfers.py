"""Transfers: how an item passes from one owner to the next, the codes of offers, and the keys of acts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from authsvc.models.base import Base


class Transfer(Base):
    """
    One offer of an item and what became of it. ``version`` is that of the registration which it would end.

    ``state`` is what was written down; an offer whose ``expires_at`` is over counts as expired from that moment.
    Who accepts is a person (``buyer_id``) or a dealer who takes it into stock (``dealer_id``). ``given_id`` is the
    registration that it made; a dealer gets none. ``visitor`` and the place are the buyer's, for the clone rules. The
    statements of a dispute are sealed under the key of the person who made them.
    """

    __tablename__ = "transfers"
    __table_args__ = (
        Index("uq_transfers_open", "sgtin", unique=True, postgresql_where=text("state IN ('offered', 'accepted')")),
        Index("ix_transfers_offered", "brand_id", "offered_at", "id"),
        Index("ix_transfers_completed", "brand_id", "completed_at", postgresql_where=text("completed_at IS NOT NULL")),
        Index("ix_transfers_disputed", "brand_id", "disputed_at", postgresql_where=text("disputed_at IS NOT NULL")),
        CheckConstraint(
            "state IN ('offered', 'accepted', 'completed', 'declined', 'cancelled', 'expired', 'disputed', 'reversed')",
            name="state",
        ),
        Index("ix_transfers_dealer_id", "dealer_id", "accepted_at", postgresql_where=text("dealer_id IS NOT NULL")),
        CheckConstraint("num_nonnulls(buyer_id, dealer_id) = (accepted_at IS NOT NULL)::int", name="accepted"),
        CheckConstraint("num_nulls(completed_at, dispute_until) IN (0, 2)", name="completed"),
        CheckConstraint("(given_id IS NULL) = (completed_at IS NULL OR dealer_id IS NOT NULL)", name="registered"),
        CheckConstraint("state NOT IN ('completed', 'disputed', 'reversed') OR completed_at IS NOT NULL", name="given"),
        CheckConstraint("disputed_by IN ('seller', 'buyer')", name="disputed_by"),
        CheckConstraint("decision IN ('stands', 'returns', 'blocks')", name="decision"),
    )

    sgtin: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID]
    version: Mapped[int]
    registration_id: Mapped[UUID]
    seller_id: Mapped[UUID] = mapped_column(index=True)
    buyer_id: Mapped[UUID | None] = mapped_column(index=True)
    dealer_id: Mapped[UUID | None]
    given_id: Mapped[UUID | None]
    is_present: Mapped[bool]
    state: Mapped[str]
    offered_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    dispute_until: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    disputed_at: Mapped[datetime | None]
    disputed_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decision: Mapped[str | None]
    seller_statement: Mapped[bytes | None]
    buyer_statement: Mapped[bytes | None]
    visitor: Mapped[bytes | None]
    country: Mapped[str | None]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    radius_km: Mapped[float | None]


class TransferCode(Base):
    """Where the code of an offer leads, by a keyed hash of it. It is kept for a while to say why a code is over."""

    __tablename__ = "transfer_codes"

    code_hash: Mapped[bytes] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID]
    sgtin: Mapped[str]
    transfer_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(index=True)


class TransferKey(Base):
    """The idempotency key of an act: whoever sends the act again with it is given the answer of the first time."""

    __tablename__ = "transfer_keys"

    key_hash: Mapped[bytes] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID]
    sgtin: Mapped[str]
    transfer_id: Mapped[UUID]
    owner_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(index=True)
