"""
The history of webhooks: every delivery of a brand with its tries, the dead list, and playing again.

A delivery that failed for good stays in the dead list until it is played again. Every try, and every replay, has the
``webhook-id`` of its event, so that a receiver which got it before knows it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, true, tuple_, update
from sqlalchemy.orm import Session, aliased

from authsvc import webhooks
from authsvc.core import webhooks as standard
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.models import Brand, Event, WebhookAttempt, WebhookDelivery

STATES = ("waiting", "delivered", "dead")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptInfo:
    """One try: what came back, or the fault that kept an answer from coming; *answer_bytes* is what was read of it."""

    at: datetime
    duration_ms: int
    status: int | None
    fault: str | None
    answer_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryInfo:
    """
    One event for one endpoint. ``next_at`` counts while it is waiting, ``tries`` since it was played again.

    ``body_bytes`` is the size of what is sent. In a list ``attempts`` has the last try alone, and there is no ``body``.
    """

    id: UUID
    endpoint_id: UUID
    event_id: UUID
    webhook_id: str
    type: str
    state: str
    tries: int
    created_at: datetime
    next_at: datetime
    ended_at: datetime | None
    body_bytes: int
    attempts: tuple[AttemptInfo, ...] = ()
    body: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Deliveries, the latest first; *older* is where the next page begins, or None on the last."""

    deliveries: tuple[DeliveryInfo, ...]
    older: tuple[datetime, UUID] | None


def list_deliveries(
    session: Session,
    brand_id: UUID,
    *,
    endpoint_id: UUID | None = None,
    state: str | None = None,
    older: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> Page:
    """Return deliveries of a brand, the latest first; with the state ``dead`` it is the dead list."""
    if state is not None and state not in STATES:
        raise BadInput(f"A state is one of {', '.join(STATES)}.")
    query = select(WebhookDelivery, Event, _LAST).join(Event, Event.id == WebhookDelivery.event_id)
    query = query.outerjoin(_LAST, true())
    query = query.where(WebhookDelivery.brand_id == brand_id)
    if endpoint_id is not None:
        query = query.where(WebhookDelivery.endpoint_id == endpoint_id)
    if state is not None:
        query = query.where(WebhookDelivery.state == state)
    place = tuple_(WebhookDelivery.created_at, WebhookDelivery.id)
    if older is not None:
        query = query.where(place < older)
    query = query.order_by(WebhookDelivery.created_at.desc(), WebhookDelivery.id.desc()).limit(limit + 1)
    rows = session.execute(query).all()
    is_sandbox = _is_sandbox(session, brand_id)
    shown = tuple(
        _delivery(found, event, (last,) if last else (), is_sandbox=is_sandbox) for found, event, last in rows[:limit]
    )
    return Page(shown, (shown[-1].created_at, shown[-1].id) if len(rows) > limit else None)


def get_delivery(session: Session, brand_id: UUID, delivery_id: UUID) -> DeliveryInfo:
    """
    Return a delivery with every try and the body that is sent.

    Raises:
        NotFound: The brand has no such delivery.
    """
    row = session.execute(
        select(WebhookDelivery, Event)
        .join(Event, Event.id == WebhookDelivery.event_id)
        .where(WebhookDelivery.brand_id == brand_id, WebhookDelivery.id == delivery_id)
    ).one_or_none()
    if row is None:
        raise NotFound("There is no such delivery.")
    attempts = session.scalars(
        select(WebhookAttempt).where(WebhookAttempt.delivery_id == delivery_id).order_by(WebhookAttempt.id)
    )
    found, event = row
    is_sandbox = _is_sandbox(session, brand_id)
    return _delivery(found, event, tuple(attempts), is_sandbox=is_sandbox, has_body=True)


def count_dead(session: Session, brand_id: UUID, endpoint_id: UUID, *, most: int = 1000) -> int:
    """Return how long the dead list of an endpoint is; of a longer one than *most*, one more than that."""
    some = (
        select(WebhookDelivery.id)
        .where(
            WebhookDelivery.brand_id == brand_id,
            WebhookDelivery.endpoint_id == endpoint_id,
            WebhookDelivery.state == "dead",
        )
        .limit(most + 1)
    )
    return session.scalar(select(func.count()).select_from(some.subquery())) or 0


def replay(session: Session, brand_id: UUID, delivery_id: UUID, *, now: datetime) -> None:
    """
    Deliver once more, now, with every try that the schedule has, under the same ``webhook-id``.

    Raises:
        NotFound: The brand has no such delivery.
        Conflict: It is waiting for its next try, or its endpoint is disabled.
    """
    found = get_delivery(session, brand_id, delivery_id)
    _refuse_disabled(session, brand_id, found.endpoint_id, now)
    if not _wake(session, brand_id, WebhookDelivery.id == delivery_id, WebhookDelivery.state != "waiting", now=now):
        raise Conflict("This delivery is waiting for its next try.")


def replay_dead(session: Session, brand_id: UUID, endpoint_id: UUID, *, now: datetime) -> int:
    """
    Deliver all of the dead list of an endpoint once more; return how many those are.

    Raises:
        NotFound: The brand has no such endpoint.
        Conflict: The endpoint is disabled.
    """
    _refuse_disabled(session, brand_id, endpoint_id, now)
    return _wake(
        session, brand_id, WebhookDelivery.endpoint_id == endpoint_id, WebhookDelivery.state == "dead", now=now
    )


# --- Private ---------------------------------------------------------------------------------------------------------


def _refuse_disabled(session: Session, brand_id: UUID, endpoint_id: UUID, now: datetime) -> None:
    if webhooks.get_endpoint(session, brand_id, endpoint_id, now=now).disabled_at is not None:
        raise Conflict("The endpoint is disabled. Enable it first.")


def _wake(session: Session, brand_id: UUID, *which: Any, now: datetime) -> int:
    changed = session.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.brand_id == brand_id, *which)
        .values(state="waiting", tries=0, version=WebhookDelivery.version + 1, next_at=now, ended_at=None)
        .returning(WebhookDelivery.id)
        .execution_options(synchronize_session=False)
    )
    return len(changed.all())


_LAST = aliased(
    WebhookAttempt,
    select(WebhookAttempt)
    .where(WebhookAttempt.delivery_id == WebhookDelivery.id)
    .order_by(WebhookAttempt.id.desc())
    .limit(1)
    .lateral("last_attempt"),
)
"""The last try of each delivery: one step in the primary key."""


def _is_sandbox(session: Session, brand_id: UUID) -> bool:
    return session.scalars(select(Brand.is_sandbox).where(Brand.id == brand_id)).one()


def _delivery(
    found: WebhookDelivery,
    event: Event,
    attempts: Sequence[WebhookAttempt],
    *,
    is_sandbox: bool,
    has_body: bool = False,
) -> DeliveryInfo:
    content = standard.body(event.type, event.at, event.data, is_sandbox=is_sandbox)
    return DeliveryInfo(
        id=found.id,
        endpoint_id=found.endpoint_id,
        event_id=found.event_id,
        webhook_id=standard.message_id(found.event_id),
        type=event.type,
        state=found.state,
        tries=found.tries,
        created_at=found.created_at,
        next_at=found.next_at,
        ended_at=found.ended_at,
        body_bytes=len(content),
        attempts=tuple(
            AttemptInfo(
                at=one.at,
                duration_ms=one.duration_ms,
                status=one.status,
                fault=one.fault,
                answer_bytes=one.answer_bytes,
            )
            for one in attempts
        ),
        body=content.decode() if has_body else None,
    )
