"""
Webhooks of a brand: the endpoints that it wants events at, and their secrets.

A secret is shown once, when it is made, and wrapped at rest. While one takes the place of another both sign for a day,
so that a receiver can change over when it likes; there are never more than two. What was sent is in
``webhook_history``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from authsvc import outbound
from authsvc.core import webhooks as standard
from authsvc.core.addresses import Network
from authsvc.core.wrapping import wrap
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.models import WebhookEndpoint, WebhookSecret

OVERLAP = timedelta(days=1)
MOST_ENDPOINTS = 20
_NONCE_BYTES = 12
_LONGEST = 200

Random = Callable[[int], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretInfo:
    """A secret that signs, without what it is; one with ``expires_at`` is on its way out."""

    number: int
    created_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointInfo:
    """An endpoint as people see it; without ``types`` it gets every event."""

    id: UUID
    url: str
    description: str
    types: tuple[str, ...]
    created_at: datetime
    failing_since: datetime | None
    disabled_at: datetime | None
    disabled_reason: str | None
    secrets: tuple[SecretInfo, ...]


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret in the one moment in which it may be read."""

    endpoint: EndpointInfo
    text: str = field(repr=False)


# --- Endpoints -------------------------------------------------------------------------------------------------------


def list_endpoints(session: Session, brand_id: UUID, *, now: datetime) -> list[EndpointInfo]:
    """Return the endpoints of a brand in the order in which they were made."""
    rows = session.scalars(
        select(WebhookEndpoint)
        .where(WebhookEndpoint.brand_id == brand_id, WebhookEndpoint.removed_at.is_(None))
        .order_by(WebhookEndpoint.created_at, WebhookEndpoint.id)
    )
    return [_info(session, row, now) for row in rows]


def add_endpoint(
    session: Session,
    brand_id: UUID,
    endpoint_id: UUID,
    *,
    url: str,
    description: str = "",
    types: Sequence[str] = (),
    allow: tuple[Network, ...] = (),
    wrapping_key: bytes,
    random: Random,
    now: datetime,
) -> NewSecret:
    """
    Register an endpoint and make its first secret.

    Raises:
        BadInput: The address may not be reached, or a type is not known.
        Conflict: The brand has as many endpoints as it may have.
    """
    count = session.scalar(
        select(func.count()).where(WebhookEndpoint.brand_id == brand_id, WebhookEndpoint.removed_at.is_(None))
    )
    if (count or 0) >= MOST_ENDPOINTS:
        raise Conflict(f"A brand may have {MOST_ENDPOINTS} endpoints.")
    row = WebhookEndpoint(
        id=endpoint_id,
        brand_id=brand_id,
        url=_url(url, allow),
        description=_description(description),
        types=_types(types),
        created_at=now,
    )
    session.add(row)
    session.flush()
    return _new_secret(session, row, 1, wrapping_key=wrapping_key, random=random, now=now)


def change_endpoint(
    session: Session,
    brand_id: UUID,
    endpoint_id: UUID,
    *,
    url: str,
    description: str,
    types: Sequence[str],
    allow: tuple[Network, ...] = (),
    now: datetime,
) -> EndpointInfo:
    """Change an endpoint; what waits for it goes to the new address. Raises as ``add_endpoint`` does."""
    row = _get(session, brand_id, endpoint_id)
    row.url, row.description, row.types = _url(url, allow), _description(description), _types(types)
    session.flush()
    return _info(session, row, now)


def rotate_secret(
    session: Session,
    brand_id: UUID,
    endpoint_id: UUID,
    *,
    overlap: timedelta = OVERLAP,
    wrapping_key: bytes,
    random: Random,
    now: datetime,
) -> NewSecret:
    """
    Make a new secret; the present one signs beside it for the *overlap*, and any older one no more.

    Raises:
        NotFound: The brand has no such endpoint.
    """
    row = _get(session, brand_id, endpoint_id)
    newest = session.scalar(select(func.max(WebhookSecret.number)).where(WebhookSecret.endpoint_id == endpoint_id)) or 0
    ending = update(WebhookSecret).where(WebhookSecret.endpoint_id == endpoint_id)
    session.execute(ending.where(WebhookSecret.number == newest).values(expires_at=now + overlap))
    session.execute(ending.where(WebhookSecret.number < newest, WebhookSecret.expires_at > now).values(expires_at=now))
    return _new_secret(session, row, newest + 1, wrapping_key=wrapping_key, random=random, now=now)


def disable_endpoint(
    session: Session, brand_id: UUID, endpoint_id: UUID, *, reason: str, now: datetime
) -> EndpointInfo:
    """Send nothing more to an endpoint; what waits for it goes to the dead list when its turn comes."""
    row = _get(session, brand_id, endpoint_id)
    if row.disabled_at is None:
        row.disabled_at, row.disabled_reason = now, _description(reason)
        session.flush()
    return _info(session, row, now)


def enable_endpoint(session: Session, brand_id: UUID, endpoint_id: UUID, *, now: datetime) -> EndpointInfo:
    """Send to an endpoint again, from now on; its dead list is played again by ``replay_dead``."""
    row = _get(session, brand_id, endpoint_id)
    row.disabled_at = row.disabled_reason = row.failing_since = None
    session.flush()
    return _info(session, row, now)


def remove_endpoint(session: Session, brand_id: UUID, endpoint_id: UUID, *, now: datetime) -> EndpointInfo:
    """
    Take an endpoint away for good: its secrets end, what waits for it goes to the dead list, its history stays.

    Raises:
        NotFound: The brand has no such endpoint.
    """
    row = _get(session, brand_id, endpoint_id)
    row.removed_at = now
    if row.disabled_at is None:
        row.disabled_at, row.disabled_reason = now, "It was removed."
    session.flush()
    secrets = update(WebhookSecret).where(WebhookSecret.endpoint_id == endpoint_id)
    still = WebhookSecret.expires_at.is_(None) | (WebhookSecret.expires_at > now)
    session.execute(secrets.where(still).values(expires_at=now))
    return _info(session, row, now)


def find_urls(session: Session, brand_id: UUID) -> dict[UUID, str]:
    """Return the addresses of all endpoints that a brand has and had, for the history of what was sent to them."""
    query = select(WebhookEndpoint.id, WebhookEndpoint.url).where(WebhookEndpoint.brand_id == brand_id)
    return dict(iter(session.execute(query)))


def get_endpoint(session: Session, brand_id: UUID, endpoint_id: UUID, *, now: datetime) -> EndpointInfo:
    """
    Return one endpoint.

    Raises:
        NotFound: The brand has no such endpoint.
    """
    return _info(session, _get(session, brand_id, endpoint_id), now)


def send_test(session: Session, brand_id: UUID, endpoint_id: UUID, event_id: UUID, *, now: datetime) -> None:
    """
    Send an event of the type ``webhook.test`` to one endpoint.

    Raises:
        NotFound: The brand has no such endpoint.
        Conflict: The endpoint is disabled.
    """
    row = _get(session, brand_id, endpoint_id)
    if row.disabled_at is not None:
        raise Conflict("The endpoint is disabled. Enable it first.")
    session.execute(
        text(
            "INSERT INTO events (id, brand_id, type, at, data, endpoint_id) "
            'VALUES (:id, :brand, :type, :now, \'{"text": "This is a test."}\', :endpoint)'
        ),
        {"id": event_id, "brand": brand_id, "type": standard.TEST, "now": now, "endpoint": endpoint_id},
    )


# --- Private ---------------------------------------------------------------------------------------------------------


def _get(session: Session, brand_id: UUID, endpoint_id: UUID) -> WebhookEndpoint:
    row = session.scalar(
        select(WebhookEndpoint).where(
            WebhookEndpoint.brand_id == brand_id,
            WebhookEndpoint.id == endpoint_id,
            WebhookEndpoint.removed_at.is_(None),
        )
    )
    if row is None:
        raise NotFound("There is no such endpoint.")
    return row


def _new_secret(
    session: Session, row: WebhookEndpoint, number: int, *, wrapping_key: bytes, random: Random, now: datetime
) -> NewSecret:
    raw = random(standard.SECRET_BYTES)
    wrapped = wrap(
        wrapping_key,
        raw,
        random(_NONCE_BYTES),
        brand_id=row.brand_id,
        purpose=standard.PURPOSE,
        number=f"{row.id}/{number}",
    )
    # Not through the mapped class, which would ask for columns back that the console may not read.
    session.execute(
        text(
            "INSERT INTO webhook_secrets (endpoint_id, number, brand_id, wrapped, created_at) "
            "VALUES (:endpoint, :number, :brand, :wrapped, :now)"
        ),
        {"endpoint": row.id, "number": number, "brand": row.brand_id, "wrapped": wrapped, "now": now},
    )
    return NewSecret(_info(session, row, now), standard.write_secret(raw))


def _info(session: Session, row: WebhookEndpoint, now: datetime) -> EndpointInfo:
    secrets = session.execute(
        select(WebhookSecret.number, WebhookSecret.created_at, WebhookSecret.expires_at)
        .where(
            WebhookSecret.endpoint_id == row.id,
            WebhookSecret.expires_at.is_(None) | (WebhookSecret.expires_at > now),
        )
        .order_by(WebhookSecret.number)
    )
    return EndpointInfo(
        id=row.id,
        url=row.url,
        description=row.description,
        types=tuple(row.types),
        created_at=row.created_at,
        failing_since=row.failing_since,
        disabled_at=row.disabled_at,
        disabled_reason=row.disabled_reason,
        secrets=tuple(SecretInfo(number=n, created_at=c, expires_at=e) for n, c, e in secrets),
    )


def _url(url: str, allow: tuple[Network, ...]) -> str:
    outbound.parse_target(url.strip(), allow=allow)
    return url.strip()


def _description(given: str) -> str:
    return " ".join(given.split())[:_LONGEST]


def _types(types: Sequence[str]) -> list[str]:
    unknown = sorted(set(types) - set(standard.EVENT_TYPES))
    if unknown:
        raise BadInput(f"There is no event {unknown[0]!r}. Known: {', '.join(standard.EVENT_TYPES)}.")
    return sorted(set(types))
