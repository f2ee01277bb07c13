"""What people keep with an item, or ask for, beside the registration itself."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from authsvc.models.base import Base


class OwnerLinkFile(Base):
    """A file that came with a form which nobody has confirmed; only the secret in its link opens it."""

    __tablename__ = "owner_link_files"

    token_hash: Mapped[bytes] = mapped_column(
        ForeignKey("owner_links.token_hash", ondelete="CASCADE"), primary_key=True
    )
    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"))
    sealed: Mapped[bytes]


class OwnerFile(Base):
    """
    A proof of purchase. ``label`` holds its name and kind, ``sealed`` its content, under the key of the person.

    ``about`` is the registration or the request that it belongs to.
    """

    __tablename__ = "owner_files"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"))
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("owners.id"), index=True)
    about: Mapped[UUID] = mapped_column(index=True)
    label: Mapped[bytes]
    sealed: Mapped[bytes]
    size: Mapped[int]
    created_at: Mapped[datetime]


class OwnerRequest(Base):
    """
    What somebody who holds an item asks of its owner, or of the brand.

    ``kind`` is used (it was bought without a transfer, and the owner is asked) or mailbox (the owner has lost the
    address, and the brand decides). ``owner_id`` is who held the item then, ``asker_id`` who asks. ``due_at`` is when
    the wait of a mailbox is over, or when a request to the owner has had its time.
    """

    __tablename__ = "owner_requests"
    __table_args__ = (
        Index("ix_owner_requests_waiting", "brand_id", "due_at", postgresql_where=text("state = 'waiting'")),
        Index(
            "uq_owner_requests_mailbox", "registration_id", unique=True,
            postgresql_where=text("kind = 'mailbox' AND state = 'waiting'"),
        ),
        Index(
            "uq_owner_requests_used", "registration_id", "asker_id", unique=True,
            postgresql_where=text("kind = 'used' AND state = 'waiting'"),
        ),
        CheckConstraint("kind IN ('used', 'mailbox')", name="kind"),
        CheckConstraint(
            "state IN ('waiting', 'offered', 'released', 'reported', 'ignored', 'stopped', 'granted', 'refused', "
            "'over')",
            name="state",
        ),
        CheckConstraint("(ended_at IS NULL) = (state = 'waiting')", name="ended"),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"))
    kind: Mapped[str]
    sgtin: Mapped[str]
    registration_id: Mapped[UUID] = mapped_column(index=True)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("owners.id"), index=True)
    asker_id: Mapped[UUID] = mapped_column(ForeignKey("owners.id"), index=True)
    state: Mapped[str]
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    reason: Mapped[str | None]


class OwnerChange(Base):
    """A new address that an owner wants, until both mailboxes have confirmed it; sealed under their key."""

    __tablename__ = "owner_changes"
    __table_args__ = (UniqueConstraint("owner_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"))
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("owners.id"))
    sealed: Mapped[bytes]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    old_at: Mapped[datetime | None]
    new_at: Mapped[datetime | None]


class OwnerPasskey(Base):
    """The public half of a passkey of an owner; it has no name, so that it says nothing of anybody."""

    __tablename__ = "owner_passkeys"

    credential_id: Mapped[bytes] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"))
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("owners.id"), index=True)
    public_key: Mapped[bytes]
    sign_count: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class OwnerChallenge(Base):
    """What a passkey is asked to sign, good once and for minutes; ``key`` hides whose browser it was made for."""

    __tablename__ = "owner_challenges"

    key: Mapped[bytes] = mapped_column(primary_key=True)
    challenge: Mapped[bytes]
    expires_at: Mapped[datetime] = mapped_column(index=True)
