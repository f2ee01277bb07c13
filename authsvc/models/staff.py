"""
Staff: accounts of people, their places in brands, how they prove who they are, and their sessions.

A person may work for several brands, so accounts and what belongs to them alone have no brand. They are read by the
role ``authsvc_auth``; the console sees, of its own people, e-mail and name.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from authsvc.models.base import Base


class StaffAccount(Base):
    """
    A person. ``email`` is in lower case; without a password they sign in by passkey or single sign-on.

    ``totp_wrapped`` counts once ``totp_at`` is set; ``totp_step`` is the last time step whose code was used.
    ``has_shortcuts`` says that single keys act on the pages of alerts.
    """

    __tablename__ = "staff_accounts"
    __table_args__ = (CheckConstraint("email = lower(email)", name="email"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str | None]
    totp_wrapped: Mapped[bytes | None]
    totp_at: Mapped[datetime | None]
    totp_step: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    created_at: Mapped[datetime]
    has_shortcuts: Mapped[bool] = mapped_column(server_default=text("true"))


class Staff(Base):
    """The place of a person in a brand, with one role. Whoever left keeps the row, for the log speaks of them."""

    __tablename__ = "staff"
    __table_args__ = (CheckConstraint("role IN ('viewer', 'analyst', 'operator', 'admin')", name="role"),)

    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("staff_accounts.id"), primary_key=True, index=True)
    role: Mapped[str]
    created_at: Mapped[datetime]
    deactivated_at: Mapped[datetime | None]


class StaffInvitation(Base):
    """A one-time link that makes its holder a member of staff; of the secret only the hash is kept."""

    __tablename__ = "staff_invitations"
    __table_args__ = (
        CheckConstraint("role IN ('viewer', 'analyst', 'operator', 'admin')", name="role"),
        CheckConstraint("email = lower(email)", name="email"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), index=True)
    email: Mapped[str]
    role: Mapped[str]
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    invited_by: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]


class StaffSession(Base):
    """
    A signed-in browser. The cookie is the secret behind ``token_hash``; ``id`` names the session on pages.

    ``role`` is the role at the time the brand was chosen: another one in ``staff`` ends that choice. ``proved_at`` is
    when the person last proved who they are.
    """

    __tablename__ = "staff_sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("staff_accounts.id"), index=True)
    brand_id: Mapped[UUID | None] = mapped_column(ForeignKey("brands.id"))
    role: Mapped[str | None]
    method: Mapped[str]
    agent: Mapped[str]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    proved_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class StaffPasskey(Base):
    """The public half of a WebAuthn credential."""

    __tablename__ = "staff_passkeys"

    credential_id: Mapped[bytes] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("staff_accounts.id"), index=True)
    public_key: Mapped[bytes]
    sign_count: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str]
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class StaffRecoveryCode(Base):
    """A code for the day on which the second factor is lost; good once."""

    __tablename__ = "staff_recovery_codes"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("staff_accounts.id"), primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(primary_key=True)
    used_at: Mapped[datetime | None]


class StaffFlow(Base):
    """
    A step of signing in that waits for the next: bound to one browser, used once, gone after minutes.

    ``browser_hash`` is that of the form cookie; a state or challenge that another browser brings is refused.
    """

    __tablename__ = "staff_flows"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    browser_hash: Mapped[bytes]
    kind: Mapped[str]
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff_accounts.id"))
    data: Mapped[dict[str, Any]]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class StaffAttempt(Base):
    """How often a proof was tried for one account or from one network, in one window of time; keys are hashed."""

    __tablename__ = "staff_attempts"
    __table_args__ = (Index("ix_staff_attempts_window_start", "window_start"),)

    key: Mapped[bytes] = mapped_column(primary_key=True)
    window_start: Mapped[datetime] = mapped_column(primary_key=True)
    count: Mapped[int]


class StaffSso(Base):
    """How the people of a brand sign in by its own identity provider (OpenID Connect)."""

    __tablename__ = "staff_sso"

    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    issuer: Mapped[str]
    client_id: Mapped[str]
    secret_wrapped: Mapped[bytes | None]
    changed_at: Mapped[datetime]


class StaffIdentity(Base):
    """Who a person is at the identity provider of a brand."""

    __tablename__ = "staff_identities"

    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    issuer: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("staff_accounts.id"), index=True)
    created_at: Mapped[datetime]
