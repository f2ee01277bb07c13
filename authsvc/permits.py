"""
Permits: an owner lets a platform read the state of one item, or also run its sale, until a deadline.

A permit is a signed token (JWS, EdDSA) under the brand's sealing key, so that a platform can see offline, by the JWKS,
for which item it is and how long it holds. What it still allows is asked here: the owner can take it back at any
moment, and it ends when the item changes hands. The token is not stored; whoever lost it makes another.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from authsvc import ownership, seals
from authsvc.errors import BadInput, BadSeal, Conflict, NotFound, PermitOver
from authsvc.models import Permit
from authsvc.owners import Person
from authsvc.ownership import Registered, State
from authsvc.seals import Sealer

TYPE: Final = "authsvc-permit+jwt"
LIVES: Mapping[str, timedelta] = {"1": timedelta(days=1), "7": timedelta(days=7), "30": timedelta(days=30)}
"""How long a permit may hold, by what the form calls it: days."""
MOST_OPEN = 5
"""Permits of one item that hold at a time."""

_LONGEST_PLATFORM = 80


class Scope(StrEnum):
    """What a platform may do; the second includes the first. The values are stored and signed."""

    STATUS = "status"
    TRANSFER = "transfer"


@dataclass(frozen=True, slots=True, kw_only=True)
class PermitInfo:
    """A permit as its owner sees it, and as it is asked for."""

    id: UUID
    brand_id: UUID
    sgtin: str
    owner_id: UUID
    registration_id: UUID
    scope: Scope
    platform: str
    made_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    used_at: datetime | None

    def is_good(self, now: datetime) -> bool:
        """Say whether it holds, as far as the permit itself goes."""
        return self.revoked_at is None and now < self.expires_at


def make(
    session: Session, person: Person, registered: Registered, *, scope: str, platform: str, days: str, now: datetime,
    new_id: Callable[[], UUID],
) -> PermitInfo:  # fmt: skip
    """
    Make a permit; ``sign`` turns it into what the platform gets.

    Raises:
        BadInput: The scope, the name of the platform or the time is none.
        Conflict: The registration is provisional, or there are many already.
    """
    if scope not in set(Scope) or days not in LIVES:
        raise BadInput("Say what the platform may do, and for how long.")
    platform = " ".join("".join(c if c.isprintable() else " " for c in platform).split())
    if not 0 < len(platform) <= _LONGEST_PLATFORM:
        raise BadInput(
            "Name the platform in 1 to {most} characters, so that you know it again.", most=_LONGEST_PLATFORM
        )
    if registered.state is not State.CONFIRMED:
        raise Conflict("Your registration is provisional. You can give a permit once it is confirmed.")
    if sum(one.is_good(now) for one in list_of(session, registered)) >= MOST_OPEN:
        raise Conflict("{most} permits of this item hold already. Take one back first.", most=MOST_OPEN)
    row = Permit(
        sgtin=registered.sgtin, id=new_id(), brand_id=person.brand_id, owner_id=person.id,
        registration_id=registered.id, scope=scope, platform=platform, made_at=now, expires_at=now + LIVES[days],
    )  # fmt: skip
    session.add(row)
    session.flush()
    return _info(row)


def sign(permit: PermitInfo, sealer: Sealer, *, issuer: str) -> str:
    """Return the token: who gave it is not in it, what it allows and until when is."""
    gtin, _, serial = permit.sgtin.partition(".")
    claims = {
        "iss": issuer,
        "jti": str(permit.id),
        "brand_id": str(permit.brand_id),
        "gtin": gtin,
        "serial": serial,
        "scope": permit.scope.value,
        "aud": permit.platform,
        "iat": _seconds(permit.made_at),
        "exp": _seconds(permit.expires_at),
    }
    return sealer.sign(json.dumps(claims, ensure_ascii=False, separators=(",", ":")).encode(), TYPE)


def read(token: str, keys: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the claims of a token that a key of the JWKS *keys* has signed.

    Raises:
        PermitOver: It is no permit of ours, was changed, or is sealed by the key of another brand.
    """
    try:
        content, sealed = seals.read_signed(token, TYPE, keys)
        claims = json.loads(content)
    except (BadSeal, ValueError) as error:
        raise PermitOver(f"This is no permit of this service. {error}") from error
    # No brand speaks for the items of another one, whatever its key has signed.
    if not isinstance(claims, dict) or claims.get("brand_id") != str(sealed.brand_id):
        raise PermitOver("This is no permit of this service.")
    return claims


def find(session: Session, claims: Mapping[str, Any], needed: Scope, *, now: datetime) -> PermitInfo:
    """
    Return the permit behind claims that were verified, in a transaction for its brand; its use is noted.

    Raises:
        PermitOver: It expired, was taken back, does not allow what is *needed*, or the item has another owner.
    """
    sgtin = f"{claims.get('gtin')}.{claims.get('serial')}"
    row = session.get(Permit, (sgtin, UUID(str(claims.get("jti")))))
    if row is None:
        raise PermitOver("This permit is not known any more. Ask the owner for a new one.")
    found = _info(row)
    if found.revoked_at is not None:
        raise PermitOver("The owner has taken this permit back.")
    if now >= found.expires_at:
        raise PermitOver(f"This permit ended on {found.expires_at:%Y-%m-%d %H:%M} UTC. Ask the owner for a new one.")
    if needed is Scope.TRANSFER and found.scope is not Scope.TRANSFER:
        raise PermitOver("This permit lets you read the state of the item, and not sell it.")
    present = ownership.find_present(session, sgtin, now=now)
    if present is None or present.id != found.registration_id:
        raise PermitOver("Whoever gave this permit does not own the item any more.")
    row.used_at = now
    session.flush()
    return found


def list_of(session: Session, registered: Registered) -> list[PermitInfo]:
    """Return the permits that an owner has given of one item, the newest first."""
    rows = session.scalars(
        select(Permit).where(Permit.registration_id == registered.id).order_by(Permit.made_at.desc(), Permit.id)
    )
    return [_info(row) for row in rows]


def revoke(session: Session, registered: Registered, permit_id: UUID, *, now: datetime) -> PermitInfo:
    """
    Take a permit back; from this moment on nobody can use it.

    Raises:
        NotFound: The owner has given none such of this item.
    """
    row = session.get(Permit, (registered.sgtin, permit_id), with_for_update=True)
    if row is None or row.registration_id != registered.id:
        raise NotFound("You have given no such permit.")
    row.revoked_at = row.revoked_at or now
    session.flush()
    return _info(row)


def forget(session: Session, person: Person) -> None:
    """Delete every permit that somebody has given, as when they are erased."""
    session.execute(delete(Permit).where(Permit.owner_id == person.id))


# --- Private ---------------------------------------------------------------------------------------------------------


def _seconds(at: datetime) -> int:
    return int(at.astimezone(UTC).timestamp())


def _info(row: Permit) -> PermitInfo:
    return PermitInfo(
        id=row.id, brand_id=row.brand_id, sgtin=row.sgtin, owner_id=row.owner_id,
        registration_id=row.registration_id, scope=Scope(row.scope), platform=row.platform, made_at=row.made_at,
        expires_at=row.expires_at, revoked_at=row.revoked_at, used_at=row.used_at,
    )  # fmt: skip
