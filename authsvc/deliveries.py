"""
Deliveries: what the worker does with mails and webhooks that wait.

Every function here is one job and may be run again at any point: a worker can die after any line. The truth is in the
tables; a job is a reminder of one version of a row, and does nothing when the row has gone on. What has left the house
cannot be called back, so a try that was cut off is made again under the same ``Message-ID`` or ``webhook-id``.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from sqlalchemy import Row, text
from sqlalchemy.orm import Session, sessionmaker

from authsvc import alert_events, alert_mails, followers, mails, outbound, owners, recall_notices
from authsvc.config import Config
from authsvc.core import webhooks as standard
from authsvc.core.wrapping import derive_key, unwrap
from authsvc.errors import BadKey
from authsvc.lanes import Lanes
from authsvc.outbox import Deferred, Postbox, Refused, postbox

log = structlog.get_logger()

KEPT = timedelta(days=30)
"""How long what was delivered, sent or given up is remembered."""

DISABLED_AFTER = timedelta(days=5)
"""An endpoint that has taken nothing for so long gets nothing more, as Standard Webhooks recommends."""

LONGEST_WAIT = timedelta(hours=1)
"""How much later than the schedule a receiver may ask us to come again."""

_GONE = 410
_LEFT_OVER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Courier:
    """What the jobs need: the database, the keys, the ways out, the clock."""

    config: Config
    sessions: sessionmaker[Session]
    postbox: Postbox
    client: outbound.Client
    seal_key: bytes = field(repr=False)
    wrapping_key: bytes = field(repr=False)
    people_key: bytes = field(repr=False)
    lanes: Lanes = field(default_factory=Lanes)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    random: Callable[[int], bytes] = secrets.token_bytes

    @classmethod
    def make(cls, config: Config, sessions: sessionmaker[Session]) -> "Courier":
        """Make the courier of one worker."""
        return cls(
            config=config,
            sessions=sessions,
            postbox=postbox(config),
            client=outbound.Client(allow=config.webhook_allow),
            seal_key=derive_key(config.secret, mails.PURPOSE),
            wrapping_key=derive_key(config.secret, "wrapping"),
            people_key=derive_key(config.secret, owners.PURPOSE),
        )


def tell_followers(courier: Courier) -> int:
    """Queue the mails of all for whom there is news, in transactions of a bounded size; return how many there were."""
    mailed = 0
    while True:
        with courier.sessions.begin() as session:
            told = followers.tell(
                session, key=derive_key(courier.config.secret, owners.PURPOSE), seal_key=courier.seal_key,
                base_url=courier.config.base_url, random=courier.random, now=courier.now(),
            )  # fmt: skip
        mailed += told.mailed
        if told.looked_at < followers.MOST:
            return mailed


def send_mail(courier: Courier, mail_id: UUID, version: int) -> None:
    """Try to send one mail."""
    with courier.sessions.begin() as session:
        waiting = mails.find_waiting(session, mail_id, version, seal_key=courier.seal_key)
    if waiting is None:
        return
    fault, may_retry = None, True
    try:
        courier.postbox.send(mails.write(waiting, sender=courier.config.mail_from))
    except Deferred as error:
        fault = str(error)
    except Refused as error:
        fault, may_retry = str(error), False
    with courier.sessions.begin() as session:
        if fault is None:
            mails.record_sent(session, waiting, now=courier.now())
        else:
            schedule = courier.config.mail_schedule
            state = mails.record_fault(
                session, waiting, fault, may_retry=may_retry, schedule=schedule, now=courier.now()
            )
            log.warning("mail-not-sent", mail=str(mail_id), template=waiting.draft.template, fault=fault, state=state)


def spread_event(courier: Courier, event_id: UUID) -> None:
    """Word an event of an alert, make its deliveries, each with its job, and let an alert wait for its mail."""
    now = courier.now()
    with courier.sessions.begin() as session:
        event = session.execute(
            text("SELECT brand_id, type, at, data->>'alert' AS alert FROM events WHERE id = :id"), {"id": event_id}
        ).one_or_none()
        if event is None:
            return
        if event.type in alert_events.KINDS:
            alert_events.word(session, event_id, event.brand_id, event.alert, event.at)
        session.execute(text(_SPREAD), {"event": event_id, "now": now})
        if event.type == "alert.opened":
            alert_mails.await_mail(session, event.brand_id, event_id, now=now)


def mail_alerts(courier: Courier, brand_id: UUID) -> None:
    """Queue the mail about the alerts of a brand that wait for one."""
    with courier.sessions.begin() as session:
        alert_mails.mail_waiting(
            session,
            brand_id,
            link=f"{courier.config.base_url}/console/alerts",
            seal_key=courier.seal_key,
            random=courier.random,
            now=courier.now(),
        )


def tell_owners(courier: Courier, recall_id: int) -> None:
    """Queue the mails about a recall to everybody who holds an item of it, in steps that each stand for themselves."""
    after: UUID | None = UUID(int=0)
    while after is not None:
        with courier.sessions.begin() as session:
            after = recall_notices.tell(
                session,
                recall_id,
                after=after,
                link=f"{courier.config.base_url}/own",
                wrapping_key=courier.wrapping_key,
                people_key=courier.people_key,
                seal_key=courier.seal_key,
                random=courier.random,
                now=courier.now(),
            )


def deliver_webhook(courier: Courier, delivery_id: UUID, version: int) -> None:
    """Try to deliver one event to one endpoint, and note how it went."""
    at = courier.now()
    with courier.sessions.begin() as session:
        due = session.execute(text(_DUE), {"id": delivery_id, "version": version, "now": at}).one_or_none()
        if due is None:
            return
        if due.disabled_at is not None:
            session.execute(text(_BURY), {"id": delivery_id, "version": version, "now": at})
            return
        if not courier.lanes.enter(due.endpoint_id):
            aside = at + timedelta(seconds=20 + courier.random(1)[0] % 40)
            session.execute(text(_STEP_ASIDE), {"id": delivery_id, "version": version, "next": aside})
            return
    tried = _try(courier, due, at)
    with courier.sessions.begin() as session:
        _record(courier, session, due, tried)


def sweep(courier: Courier) -> int:
    """
    Queue a new job for what has waited in vain, and return for how many: a second net under the jobs.

    Nothing should ever fall into it: a row that waits has a job. But whoever cleans the queue by hand, or restores it
    without its tables, loses no delivery.
    """
    found = 0
    with courier.sessions.begin() as session:
        for table, task in ("mails", "send_mail"), ("webhook_deliveries", "deliver_webhook"):
            left_over = {"task": task, "now": courier.now(), "before": courier.now() - _LEFT_OVER}
            found += len(session.execute(text(_SWEEP.format(table=table)), left_over).all())
    if found:
        log.warning("left-over-deliveries", found=found)
    return found


def remove_old(courier: Courier) -> None:
    """Forget what ended long ago, the dead list too; what waits is kept."""
    before = courier.now() - KEPT
    with courier.sessions.begin() as session:
        mails.remove_old(session, before=before)
        session.execute(text("DELETE FROM webhook_deliveries WHERE ended_at < :before"), {"before": before})
        session.execute(
            text(
                "DELETE FROM events e WHERE at < :before AND awaits_mail IS NOT TRUE "
                "AND NOT EXISTS (SELECT FROM webhook_deliveries d WHERE d.event_id = e.id)"
            ),
            {"before": before},
        )


# --- Private ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tried:
    at: datetime
    took_s: float
    status: int | None = None
    retry_after: int | None = None
    fault: str | None = None
    size: int | None = None


def _try(courier: Courier, due: Row[Any], at: datetime) -> _Tried:
    began = time.monotonic()
    status, retry_after, fault, size = None, None, None, None
    try:
        content = standard.body(due.type, due.at, due.data, is_sandbox=due.is_sandbox)
        reply = courier.client.post(due.url, content, _headers(courier, due, content, at))
        status, retry_after, size = reply.status, reply.retry_after, reply.size
    except outbound.Unreachable as error:
        fault = str(error)
    except BadKey:
        # Never without a signature: until the right secret is set again, this is a try that failed.
        fault = "The secret of this endpoint does not open with the secret of the service."
    finally:
        courier.lanes.leave(due.endpoint_id, time.monotonic() - began)
    took_s = time.monotonic() - began
    return _Tried(at=at, took_s=took_s, status=status, retry_after=retry_after, fault=fault, size=size)


# A test goes to one endpoint, whatever it wants to hear of. Its brand is compared: the console names the endpoint.
_SPREAD = """
INSERT INTO webhook_deliveries (id, brand_id, endpoint_id, event_id, next_at, created_at)
SELECT gen_random_uuid(), v.brand_id, e.id, v.id, :now, :now
FROM events v JOIN webhook_endpoints e ON e.brand_id = v.brand_id AND e.disabled_at IS NULL
WHERE v.id = :event AND CASE WHEN v.endpoint_id IS NULL THEN e.types = '{}' OR v.type = ANY (e.types)
  ELSE e.id = v.endpoint_id END
ON CONFLICT (event_id, endpoint_id) DO NOTHING"""

_DUE = """
SELECT d.id, d.version, d.brand_id, d.endpoint_id, d.event_id, d.tries, v.type, v.at, v.data, e.url, e.disabled_at,
  b.is_sandbox,
  (SELECT array_agg(s.number ORDER BY s.number DESC) FROM webhook_secrets s
    WHERE s.endpoint_id = e.id AND (s.expires_at IS NULL OR s.expires_at > :now)) AS numbers,
  (SELECT array_agg(s.wrapped ORDER BY s.number DESC) FROM webhook_secrets s
    WHERE s.endpoint_id = e.id AND (s.expires_at IS NULL OR s.expires_at > :now)) AS wrapped
FROM webhook_deliveries d JOIN events v ON v.id = d.event_id JOIN webhook_endpoints e ON e.id = d.endpoint_id
  JOIN brands b ON b.id = d.brand_id
WHERE d.id = :id AND d.version = :version AND d.state = 'waiting'"""

_BURY = """
UPDATE webhook_deliveries SET state = 'dead', ended_at = :now
WHERE id = :id AND version = :version AND state = 'waiting'"""

_STEP_ASIDE = """
UPDATE webhook_deliveries SET version = version + 1, next_at = :next
WHERE id = :id AND version = :version AND state = 'waiting'"""

# A backlog is no accident: what still has a job keeps it, and its place in the queue.
_SWEEP = """
UPDATE {table} w SET version = version + 1, next_at = :now
WHERE w.state = 'waiting' AND w.next_at < :before AND NOT EXISTS (
  SELECT FROM procrastinate_jobs j WHERE j.task_name = :task AND j.status IN ('todo', 'doing')
    AND j.args->>'id' = w.id::text AND (j.args->>'version')::int = w.version)
RETURNING id"""

# Whoever comes second with the same version changes nothing.
_NOTE = """
UPDATE webhook_deliveries SET state = :state, tries = tries + 1, ended_at = CASE WHEN :state <> 'waiting' THEN :now END,
  version = version + CASE WHEN :state = 'waiting' THEN 1 ELSE 0 END, next_at = :next
WHERE id = :id AND version = :version AND state = 'waiting' RETURNING id"""

_ATTEMPT = """
INSERT INTO webhook_attempts (delivery_id, brand_id, at, duration_ms, status, fault, answer_bytes)
VALUES (:id, :brand, :at, :took, :status, :fault, :size)"""

_DISABLE = """
UPDATE webhook_endpoints SET disabled_at = :now, disabled_reason = :reason
WHERE id = :id AND disabled_at IS NULL RETURNING url"""


def _headers(courier: Courier, due: Row[Any], content: bytes, at: datetime) -> dict[str, str]:
    opened = [
        unwrap(
            courier.wrapping_key,
            bytes(wrapped),
            brand_id=due.brand_id,
            purpose=standard.PURPOSE,
            number=f"{due.endpoint_id}/{number}",
        )
        for number, wrapped in zip(due.numbers, due.wrapped, strict=True)
    ]
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "authsvc-webhooks/1",
        **standard.headers(opened, due.event_id, content, at=at),
    }


def _record(courier: Courier, session: Session, due: Row[Any], tried: _Tried) -> None:
    now, schedule, status = courier.now(), courier.config.webhook_schedule, tried.status
    is_taken = status is not None and 200 <= status < 300
    is_last = due.tries >= len(schedule) or status == _GONE
    state = "delivered" if is_taken else "dead" if is_last else "waiting"
    wait = timedelta() if state != "waiting" else timedelta(seconds=schedule[due.tries])
    if state == "waiting" and tried.retry_after:
        wait = max(wait, min(timedelta(seconds=tried.retry_after), LONGEST_WAIT))
    noted = {"id": due.id, "version": due.version, "state": state, "now": now, "next": now + wait}
    if session.execute(text(_NOTE), noted).one_or_none() is None:
        return
    attempt = {
        "id": due.id,
        "brand": due.brand_id,
        "at": tried.at,
        "took": round(tried.took_s * 1000),
        "status": status,
        "fault": tried.fault,
        "size": tried.size,
    }
    session.execute(text(_ATTEMPT), attempt)
    if is_taken:
        session.execute(
            text("UPDATE webhook_endpoints SET failing_since = NULL WHERE id = :id AND failing_since IS NOT NULL"),
            {"id": due.endpoint_id},
        )
        return
    log.info("webhook-not-taken", delivery=str(due.id), status=status, fault=tried.fault, state=state)
    session.execute(
        text("UPDATE webhook_endpoints SET failing_since = :at WHERE id = :id AND failing_since IS NULL"),
        {"id": due.endpoint_id, "at": tried.at},
    )
    if state == "dead":
        _disable_if_hopeless(courier, session, due, is_gone=status == _GONE, now=now)


def _disable_if_hopeless(courier: Courier, session: Session, due: Row[Any], *, is_gone: bool, now: datetime) -> None:
    since = session.execute(
        text("SELECT failing_since FROM webhook_endpoints WHERE id = :id"), {"id": due.endpoint_id}
    ).scalar_one()
    if not is_gone and (since is None or now - since < DISABLED_AFTER):
        return
    reason = "It answered 410 Gone." if is_gone else f"It has taken nothing since {since:%Y-%m-%d %H:%M} UTC."
    ended = {"id": due.endpoint_id, "now": now, "reason": reason}
    if session.execute(text(_DISABLE), ended).one_or_none() is None:
        return
    values = {
        "host": urlsplit(due.url).hostname or "the endpoint",
        "reason": reason,
        "link": f"{courier.config.base_url}/console/webhooks",
    }
    alert_mails.tell(
        session,
        due.brand_id,
        "webhook-disabled",
        values,
        occasion=due.endpoint_id,
        seal_key=courier.seal_key,
        random=courier.random,
        now=now,
    )
