"""The scans of one item, page by page: by time and id, so that a page costs the same however many there are."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import literal, select, tuple_
from sqlalchemy.orm import Session

from authsvc.errors import BadInput
from authsvc.item_rows import ItemName
from authsvc.models import Scan, TrustedDevice

PAGE = 25
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenScan:
    """One scan, as people may know of it: ``visitor`` and ``network`` are pseudonyms and kinds, never an address."""

    at: datetime
    id: UUID
    visitor: str
    country: str | None
    radius_km: float | None
    network: str
    channel: str
    automated: str | None
    device: str | None
    is_counted: bool
    is_confirmed: bool
    number: int | None
    is_flagged: bool


@dataclass(frozen=True, slots=True)
class ScanPage:
    """Scans, the newest first; ``older`` is where the next page begins, None on the last."""

    scans: tuple[SeenScan, ...]
    older: tuple[datetime, UUID] | None


def find_scans(
    session: Session, name: ItemName, *, before: tuple[datetime, UUID] | None = None, limit: int = PAGE
) -> ScanPage:
    """Return the newest scans of an item that are older than *before*."""
    query = (
        select(Scan, TrustedDevice.name)
        .outerjoin(TrustedDevice, (TrustedDevice.brand_id == Scan.brand_id) & (TrustedDevice.id == Scan.device))
        .where(Scan.sgtin == name.sgtin, Scan.brand_id == name.brand.id)
        .order_by(Scan.at.desc(), Scan.id.desc())
        .limit(limit + 1)
    )
    if before is not None:
        # The first condition lets the database leave newer months alone.
        query = query.where(
            Scan.at <= before[0], tuple_(Scan.at, Scan.id) < tuple_(literal(before[0]), literal(before[1]))
        )
    found = [_scan(row, device) for row, device in session.execute(query)]
    shown = found[:limit]
    return ScanPage(tuple(shown), (shown[-1].at, shown[-1].id) if len(found) > limit else None)


def spell_place(place: tuple[datetime, UUID]) -> str:
    """Write where a page begins, for an address."""
    return f"{(place[0] - _EPOCH) // timedelta(microseconds=1)}-{place[1].hex}"


def parse_place(text: str) -> tuple[datetime, UUID]:
    """
    Read where a page begins.

    Raises:
        BadInput: The text says no such thing.
    """
    moment, _, number = text.partition("-")
    try:
        return _EPOCH + timedelta(microseconds=int(moment)), UUID(number)
    except (ValueError, OverflowError):
        raise BadInput("This page of scans does not exist. Go back to the item.") from None


# --- Private ---------------------------------------------------------------------------------------------------------


def _scan(row: Scan, device: str | None) -> SeenScan:
    return SeenScan(
        at=row.at,
        id=row.id,
        visitor=row.visitor.hex()[:8],
        country=row.country,
        radius_km=row.radius_km,
        network=row.network,
        channel=row.channel,
        automated=row.automated,
        device=device or (str(row.device)[:8] if row.device else None),
        is_counted=row.is_counted,
        is_confirmed=row.confirmed_at is not None,
        number=row.scan_number if row.is_counted else None,
        is_flagged=row.is_flagged,
    )
