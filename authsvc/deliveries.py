"""
Deliveries: what the worker does with mails and webhooks that wait.

Every function here is one job and may be run again at any point: a worker can die after any line. The truth is in the
tables; a job is a reminder of one version of a row, and does nothing when the row has gone on. What has left the house
cannot be called back, so a try that was cut off is made again under the same ``Message-ID`` or ``webhook-id``.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.orm import Session, sessionmaker

from authsvc import mails
from authsvc.config import Config
from authsvc.core.wrapping import derive_key
from authsvc.outbox import Deferred, Postbox, Refused, postbox

log = structlog.get_logger()

KEPT = timedelta(days=30)
"""How long what was delivered, sent or given up is remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Courier:
    """What the jobs need: the database, the keys, the ways out, the clock."""

    config: Config
    sessions: sessionmaker[Session]
    postbox: Postbox
    seal_key: bytes = field(repr=False)
    wrapping_key: bytes = field(repr=False)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    random: Callable[[int], bytes] = secrets.token_bytes

    @classmethod
    def make(cls, config: Config, sessions: sessionmaker[Session]) -> "Courier":
        """Make the courier of one worker."""
        return cls(
            config=config,
            sessions=sessions,
            postbox=postbox(config),
            seal_key=derive_key(config.secret, mails.PURPOSE),
            wrapping_key=derive_key(config.secret, "wrapping"),
        )


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
