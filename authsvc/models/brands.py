"""Brands: the tenants, what tells their codes apart, and the version of all that a process keeps in memory."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from authsvc.models.base import SERVER_NOW, Base


class Brand(Base):
    """
    A tenant.

    ``target_rate`` is the share of genuine scanned items that it accepts to see flagged, ``has_lifecycle`` whether it
    records commissioning and sale, so that the absence of a record means something; both may differ for a product.
    ``colour`` is that of buttons and links on a light ground, ``colour_dark`` on a dark one, ``logo`` names an image.
    ``approves_runs`` asks for a second person behind every run that is ordered in the console. ``sandbox_of`` names the
    brand whose twin for tries this one is, ``wiped_at`` when that was last emptied.
    """

    __tablename__ = "brands"
    __table_args__ = (CheckConstraint("sandbox_of IS NULL OR is_sandbox", name="sandbox"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    is_sandbox: Mapped[bool] = mapped_column(server_default=text("false"))
    contact: Mapped[str | None]
    colour: Mapped[str | None]
    colour_dark: Mapped[str | None]
    logo: Mapped[str | None]
    target_rate: Mapped[float] = mapped_column(server_default=text("0.001"))
    has_lifecycle: Mapped[bool] = mapped_column(server_default=text("false"))
    approves_runs: Mapped[bool] = mapped_column(server_default=text("false"))
    sandbox_of: Mapped[UUID | None] = mapped_column(ForeignKey("brands.id"), unique=True)
    wiped_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=SERVER_NOW)


class BrandCounter(Base):
    """The next numbers of a brand; a number that was taken is never given again, whatever happened after."""

    __tablename__ = "brand_counters"

    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), primary_key=True)
    next_run: Mapped[int] = mapped_column(server_default=text("1"))
    next_key_id: Mapped[int] = mapped_column(server_default=text("1"))
    next_claim_key: Mapped[int] = mapped_column(server_default=text("1"))
    next_epoch: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    next_sscc: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))


class BrandPrefix(Base):
    """A GS1 company prefix: unique over all brands, because the brand of a code follows from it."""

    __tablename__ = "brand_prefixes"

    prefix: Mapped[str] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), index=True)


class BrandHost(Base):
    """A host of a brand's links: unique over all brands. The one at position 0 is printed."""

    __tablename__ = "brand_hosts"

    host: Mapped[str] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), index=True)
    position: Mapped[int] = mapped_column(SmallInteger)


class RegisterVersion(Base):
    """One row, bumped by triggers: tells a running process that brands, products or keys have changed."""

    __tablename__ = "register_version"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
