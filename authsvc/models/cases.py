"""Casework: cases over alerts, what people add to them, what consumers report, and the keys that seal evidence."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from authsvc.models.base import SERVER_NOW, Base


class Case(Base):
    """
    An inquiry over alerts and reports. ``number`` counts within the brand and is what people say.

    ``closed_reason`` is there exactly while the case is closed. Without a foreign key to the person it is assigned to:
    who left the team keeps what was theirs.
    """

    __tablename__ = "cases"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'investigating', 'escalated', 'closed')", name="state"),
        CheckConstraint("(state = 'closed') = (closed_reason IS NOT NULL)", name="closed_reason"),
        Index("uq_cases_brand_id_number", "brand_id", "number", unique=True),
        Index("ix_cases_brand_id_state_number", "brand_id", "state", "number"),
        Index("ix_cases_brand_id_assignee_id_number", "brand_id", "assignee_id", "number"),
    )

    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int]
    title: Mapped[str]
    state: Mapped[str]
    closed_reason: Mapped[str | None]
    assignee_id: Mapped[UUID | None]
    opened_by: Mapped[str]
    opened_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class CaseAlert(Base):
    """An alert in a case, named by both parts of its key: it is a hot row, without foreign keys."""

    __tablename__ = "case_alerts"
    __table_args__ = (
        ForeignKeyConstraint(["brand_id", "case_id"], ["cases.brand_id", "cases.id"]),
        Index("ix_case_alerts_brand_id_alert_id", "brand_id", "alert_id"),
    )

    brand_id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(primary_key=True)
    alert_id: Mapped[UUID] = mapped_column(primary_key=True)
    sgtin: Mapped[str]
    added_by: Mapped[str]
    added_at: Mapped[datetime]


class CaseComment(Base):
    """What somebody wrote in a case. Nobody changes it; its author may take it away, and that it was there stays."""

    __tablename__ = "case_comments"
    __table_args__ = (
        ForeignKeyConstraint(["brand_id", "case_id"], ["cases.brand_id", "cases.id"]),
        CheckConstraint("(text IS NULL) = (removed_at IS NOT NULL)", name="text"),
        Index("ix_case_comments_brand_id_case_id_at", "brand_id", "case_id", "at"),
    )

    brand_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID]
    text: Mapped[str | None]
    author_id: Mapped[UUID]
    author: Mapped[str]
    at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class CaseAttachment(Base):
    """
    A file in a case, checked when it came; ``sha256`` is of the content as it is stored.

    ``original_sha256`` is of what was uploaded: pictures are drawn anew, so the two differ there.
    """

    __tablename__ = "case_attachments"
    __table_args__ = (
        ForeignKeyConstraint(["brand_id", "case_id"], ["cases.brand_id", "cases.id"]),
        CheckConstraint("(content IS NULL) = (removed_at IS NOT NULL)", name="content"),
        Index("ix_case_attachments_brand_id_case_id_at", "brand_id", "case_id", "at"),
    )

    brand_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID]
    name: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[bytes]
    original_sha256: Mapped[bytes]
    content: Mapped[bytes | None] = mapped_column(deferred=True)
    added_by_id: Mapped[UUID]
    added_by: Mapped[str]
    at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class ConsumerReport(Base):
    """
    What a consumer tells the brand of a code and of who sold it.

    ``number`` is what the person quotes. ``shop`` is the shop or listing in the one spelling by which reports of the
    same place are found. ``contact`` is wrapped. ``reporter`` and ``prefix`` are pseudonyms of who reported and from
    which network; they are the same for every report to the brand, and of no use elsewhere.
    """

    __tablename__ = "consumer_reports"
    __table_args__ = (
        ForeignKeyConstraint(["brand_id", "case_id"], ["cases.brand_id", "cases.id"]),
        CheckConstraint("state IN ('new', 'linked', 'closed')", name="state"),
        CheckConstraint("(state = 'closed') = (closed_reason IS NOT NULL)", name="closed_reason"),
        Index("uq_consumer_reports_number", "number", unique=True),
        Index("ix_consumer_reports_brand_id_state_created_at_id", "brand_id", "state", "created_at", "id"),
        Index("ix_consumer_reports_brand_id_shop_created_at", "brand_id", "shop", "created_at",
              postgresql_where=text("shop IS NOT NULL")),
        Index("ix_consumer_reports_brand_id_case_id", "brand_id", "case_id",
              postgresql_where=text("case_id IS NOT NULL")),
        Index("ix_consumer_reports_brand_id_alert_id", "brand_id", "alert_id",
              postgresql_where=text("alert_id IS NOT NULL")),
        Index("ix_consumer_reports_brand_id_sgtin", "brand_id", "sgtin", postgresql_where=text("sgtin IS NOT NULL")),
    )  # fmt: skip

    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str]
    sgtin: Mapped[str | None]
    typed_code: Mapped[str | None]
    receipt: Mapped[UUID | None]
    shop: Mapped[str | None]
    shop_name: Mapped[str | None]
    shop_address: Mapped[str | None]
    listing_url: Mapped[str | None]
    price: Mapped[str | None]
    seller: Mapped[str | None]
    bought_on: Mapped[date | None]
    text: Mapped[str]
    contact: Mapped[bytes | None]
    reporter: Mapped[bytes]
    prefix: Mapped[bytes]
    state: Mapped[str] = mapped_column(server_default="new")
    closed_reason: Mapped[str | None]
    case_id: Mapped[UUID | None]
    alert_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(index=True)
    changed_at: Mapped[datetime | None]
    changed_by: Mapped[str | None]


class ReportPhoto(Base):
    """A photo of a report, drawn anew from what came."""

    __tablename__ = "report_photos"
    __table_args__ = (
        ForeignKeyConstraint(["brand_id", "report_id"], ["consumer_reports.brand_id", "consumer_reports.id"]),
    )

    brand_id: Mapped[UUID] = mapped_column(primary_key=True)
    report_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    media_type: Mapped[str]
    sha256: Mapped[bytes]
    content: Mapped[bytes] = mapped_column(deferred=True)


class ReportCount(Base):
    """How many reports came in one hour from one reporter, network or about one thing; ``key`` hides which."""

    __tablename__ = "report_counts"

    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    key: Mapped[bytes] = mapped_column(primary_key=True)
    window_start: Mapped[datetime] = mapped_column(primary_key=True, index=True)
    count: Mapped[int] = mapped_column(BigInteger)


class EvidenceKey(Base):
    """
    A key that seals evidence files, wrapped like the other secret keys of a brand. It signs no item token.

    A retired one still verifies; a revoked one does not.
    """

    __tablename__ = "evidence_keys"
    __table_args__ = (Index("uq_evidence_keys_active", "brand_id", unique=True,
                            postgresql_where=text("retired_at IS NULL AND revoked_at IS NULL")),)  # fmt: skip

    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    public_key: Mapped[bytes]
    wrapped: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=SERVER_NOW)
    retired_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
