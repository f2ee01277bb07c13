"""
Trusted devices of a brand: added with a secret that is shown once, listed, revoked.

Processes hold the hashes in memory with the register, so a new or revoked device is known everywhere within seconds.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from authsvc.core.devices import DeviceKind, digest
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.languages import later
from authsvc.models import TrustedDevice

LONGEST_NAME = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceInfo:
    """A device as it is shown; its secret is not in here."""

    id: UUID
    kind: DeviceKind
    name: str
    created_at: datetime
    last_seen_at: datetime | None
    revoked_at: datetime | None


def add_device(
    session: Session,
    brand_id: UUID,
    kind: DeviceKind,
    name: str,
    *,
    id: UUID,  # noqa: A002  the word of the column
    secret: str,
    now: datetime,
) -> DeviceInfo:
    """
    Trust a device from now on; *secret* comes from ``devices.spell`` and is stored as its hash only.

    Raises:
        BadInput: The name is empty or too long.
    """
    name = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    if not 0 < len(name) <= LONGEST_NAME:
        raise BadInput(
            later("Give the device a name of 1 to {most} characters, so that it can be told from others."),
            most=LONGEST_NAME,
        )
    row = TrustedDevice(
        brand_id=brand_id, id=id, kind=kind.value, name=name, secret_hash=digest(secret), created_at=now
    )
    session.add(row)
    session.flush()
    return _info(row)


def list_devices(session: Session, brand_id: UUID) -> list[DeviceInfo]:
    """Return the devices of a brand, the newest first; those that were revoked among them."""
    found = session.scalars(
        select(TrustedDevice)
        .where(TrustedDevice.brand_id == brand_id)
        .order_by(TrustedDevice.created_at.desc(), TrustedDevice.id)
    )
    return [_info(row) for row in found]


def revoke_device(session: Session, brand_id: UUID, id: UUID, *, now: datetime) -> DeviceInfo:  # noqa: A002  as above
    """
    Trust a device no more: its scans count again like those of anybody else.

    Raises:
        NotFound: The brand has no such device.
        Conflict: It was revoked already.
    """
    row = session.get(TrustedDevice, (brand_id, id), with_for_update=True)
    if row is None:
        raise NotFound("The brand has no such device.")
    if row.revoked_at is not None:
        raise Conflict("This device was revoked already.")
    row.revoked_at = now
    session.flush()
    return _info(row)


def _info(row: TrustedDevice) -> DeviceInfo:
    return DeviceInfo(
        id=row.id,
        kind=DeviceKind(row.kind),
        name=row.name,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        revoked_at=row.revoked_at,
    )
