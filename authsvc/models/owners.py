"""
Owners: people who hold a registration, how they sign in, and the registrations themselves.

A person is known to one brand: the same address at another brand is somebody else. What is known of them is encrypted
under a key of their own; without that key a row says nothing of anybody.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from authsvc.models.base import Base


class Owner(Base):
    """
    A person, as one brand knows them. ``email_hash`` finds them by their address, under a key of the service.

    ``wrapped_key`` opens ``sealed`` and what is sealed of their registrations. Erasing a person empties all three.
    """

    __tablename__ = "owners"
    __table_args__ = (
        UniqueConstraint("brand_id", "email_hash"),
        CheckConstraint(
            "erased_at IS NULL OR num_nonnulls(email_hash, wrapped_key, sealed) = 0", name="nothing_of_the_erased"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"))
    email_hash: Mapped[bytes | None]
    wrapped_key: Mapped[bytes | None]
    sealed: Mapped[bytes | None]
    created_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]


class OwnerLink(Base):
    """
    A link in a mail, good once and for a while. Its content is encrypted under the secret that the link alone holds.

    ``kind`` is sign-in, register, take, proof or dealer.
    """

    __tablename__ = "owner_links"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"))
    kind: Mapped[str]
    sealed: Mapped[bytes]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class OwnerSession(Base):
    """A browser in which an owner is signed in. The cookie is the secret behind ``token_hash``."""

    __tablename__ = "owner_sessions"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"))
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("owners.id"), index=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class OwnerAttempt(Base):
    """How often something was tried for one key in one window of time; keys are hashed and belong to no brand."""

    __tablename__ = "owner_attempts"

    key: Mapped[bytes] = mapped_column(primary_key=True)
    window_start: Mapped[datetime] = mapped_column(primary_key=True, index=True)
    count: Mapped[int]


class Registration(Base):
    """
    That a person owned an item for a time. ``version`` counts the owners of the item; the present one has no end.

    ``state`` is pending, confirmed, superseded (a proof of possession won), released (given up), transferred (to the
    next version), reversed (a transfer was taken back), recovered (the same person holds it under a new address) or
    refused (the brand did not take the proof of purchase). A pending one without ``pending_until`` waits for the brand.
    ``confirmed_at`` stays when it ends: whatever was once
    confirmed has spent the claim code. ``transfer_id`` is the transfer that made it. ``sealed`` holds the shop, under
    the key of the person.
    """

    __tablename__ = "registrations"
    __table_args__ = (
        Index("uq_registrations_present", "sgtin", unique=True, postgresql_where=text("ended_at IS NULL")),
        # Finds the owners of a product by the beginning of its items' names, in the order of bytes.
        Index(
            "ix_registrations_present",
            "brand_id",
            "sgtin",
            postgresql_ops={"sgtin": "text_pattern_ops"},
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index(
            "ix_registrations_sold",
            "brand_id",
            "confirmed_at",
            postgresql_where=text("version = 1 AND confirmed_at IS NOT NULL"),
        ),
        Index("ix_registrations_registered", "brand_id", "registered_at", "id"),
        Index("ix_registrations_certificate", text('"right"(id::text, 12)')),
        CheckConstraint(
            "state IN ('pending', 'confirmed', 'superseded', 'released', 'transferred', 'reversed', 'recovered', "
            "'refused')",
            name="state",
        ),
        CheckConstraint("(ended_at IS NULL) = (state IN ('pending', 'confirmed'))", name="ended"),
        CheckConstraint("(warranty_from IS NULL) = (warranty_until IS NULL)", name="warranty"),
    )

    sgtin: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(index=True)
    brand_id: Mapped[UUID]
    owner_id: Mapped[UUID] = mapped_column(index=True)
    state: Mapped[str]
    has_claim: Mapped[bool]
    is_used: Mapped[bool] = mapped_column(server_default=text("false"))
    registered_at: Mapped[datetime]
    pending_until: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    purchased_on: Mapped[date | None]
    warranty_from: Mapped[date | None]
    warranty_until: Mapped[date | None]
    sealed: Mapped[bytes | None]
    transfer_id: Mapped[UUID | None]
