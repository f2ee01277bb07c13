"""
Mail about new alerts: to whom, and at once or once a day.

Alerts that wait for a mail are gathered into one: at once means within the minute when the last mail is ten minutes
old, so that somebody who raises alerts by the thousand fills no mailbox. Recipients are addresses of a brand.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from authsvc import mails
from authsvc.core.alerts import title_of
from authsvc.errors import BadInput, NotFound
from authsvc.models import AlertMail, AlertRecipient

MODES = ("at-once", "daily", "off")
GAP = timedelta(minutes=10)
MOST_RECIPIENTS = 50
_SHOWN = 20
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertMailInfo:
    """When and to whom the alerts of a brand are mailed; *hour* is that of a daily mail, in UTC."""

    mode: str
    hour: int
    recipients: tuple[str, ...]


def get_settings(session: Session, brand_id: UUID) -> AlertMailInfo:
    """Return the settings of a brand; one that has set nothing has mail at once, to nobody."""
    row = session.get(AlertMail, brand_id)
    people = session.scalars(
        select(AlertRecipient.address).where(AlertRecipient.brand_id == brand_id).order_by(AlertRecipient.address)
    )
    return AlertMailInfo(mode=row.mode if row else MODES[0], hour=row.hour if row else 8, recipients=tuple(people))


def set_mode(session: Session, brand_id: UUID, *, mode: str, hour: int) -> None:
    """
    Say when a brand wants mail. What waits is mailed when the next alert comes.

    Raises:
        BadInput: The mode or the hour is none.
    """
    if mode not in MODES or not 0 <= hour <= 23:
        raise BadInput(f"A mode is one of {', '.join(MODES)}, and an hour from 0 to 23.")
    values = insert(AlertMail).values(brand_id=brand_id, mode=mode, hour=hour)
    session.execute(values.on_conflict_do_update(index_elements=["brand_id"], set_={"mode": mode, "hour": hour}))


def add_recipient(session: Session, brand_id: UUID, address: str, *, now: datetime) -> str:
    """
    Mail the alerts of a brand to an address too; return it as it is stored.

    Raises:
        BadInput: It is no address, or there are as many as there may be.
    """
    address = mails.parse_address(address)
    there = get_settings(session, brand_id).recipients
    if len(there) >= MOST_RECIPIENTS and address not in there:
        raise BadInput(f"At most {MOST_RECIPIENTS} people get the alert mails of a brand.")
    row = insert(AlertRecipient).values(brand_id=brand_id, address=address, created_at=now)
    session.execute(row.on_conflict_do_nothing())
    return address


def remove_recipient(session: Session, brand_id: UUID, address: str) -> None:
    """
    Mail nothing more to an address.

    Raises:
        NotFound: It was no recipient.
    """
    found = session.execute(
        delete(AlertRecipient)
        .where(AlertRecipient.brand_id == brand_id, AlertRecipient.address == address)
        .returning(AlertRecipient.address)
    ).all()
    if not found:
        raise NotFound("This address gets no alert mails.")


# --- For the worker --------------------------------------------------------------------------------------------------


def await_mail(session: Session, brand_id: UUID, event_id: UUID, *, now: datetime) -> None:
    """Let a new alert wait for a mail, and say when that is due; does nothing where nobody wants one."""
    settings = get_settings(session, brand_id)
    if settings.mode == "off" or not settings.recipients:
        return
    session.execute(insert(AlertMail).values(brand_id=brand_id).on_conflict_do_nothing())
    row = session.get_one(AlertMail, brand_id, with_for_update=True, populate_existing=True)
    session.execute(
        text("UPDATE events SET awaits_mail = true WHERE id = :id AND awaits_mail IS NULL"), {"id": event_id}
    )
    due = _next_hour(now, row.hour) if row.mode == "daily" else max(now, (row.mailed_at or now - GAP) + GAP)
    if row.due_at is None or due < row.due_at:
        row.due_at = due
    session.flush()


def mail_waiting(
    session: Session,
    brand_id: UUID,
    *,
    link: str,
    seal_key: bytes,
    random: Callable[[int], bytes],
    now: datetime,
) -> int:
    """Queue the mail about all alerts that wait for one, if it is due; return how many alerts it tells of."""
    row = session.get(AlertMail, brand_id, with_for_update=True)
    if row is None or row.due_at is None or row.due_at > now:
        return 0
    row.due_at, row.mailed_at = None, now
    alerts = session.execute(
        text("UPDATE events SET awaits_mail = false WHERE brand_id = :brand AND awaits_mail RETURNING id, at, data"),
        {"brand": brand_id},
    ).all()
    if not alerts:
        return 0
    alerts = sorted(alerts, key=lambda alert: (alert.at, alert.id))
    shown = [
        {
            "item": _subject(alert.data),
            "text": _text(alert.data),
            "at": f"{alert.at:%Y-%m-%d %H:%M}",
        }
        for alert in alerts[:_SHOWN]
    ]
    values = {"count": len(alerts), "alerts": shown, "more": len(alerts) - len(shown), "link": link}
    tell(session, brand_id, "alerts", values, occasion=alerts[0].id, seal_key=seal_key, random=random, now=now)
    session.flush()
    return len(alerts)


def tell(
    session: Session,
    brand_id: UUID,
    template: str,
    values: mails.Values,
    *,
    occasion: UUID,
    seal_key: bytes,
    random: Callable[[int], bytes],
    now: datetime,
) -> None:
    """Queue a mail to every recipient of a brand, once for an *occasion*."""
    for address in get_settings(session, brand_id).recipients:
        draft = mails.Draft(
            id=uuid5(occasion, f"{template}/{now.isoformat()}/{address}"),
            brand_id=brand_id,
            template=template,
            to=address,
            values=values,
        )
        mails.enqueue(session, draft, seal_key=seal_key, nonce=random(_NONCE_BYTES), now=now)


def _subject(data: dict[str, Any]) -> str:
    """Name what an alert is about: an item or case, or one of the things that the watch over lots looks at."""
    kind = data.get("subject", "item")
    if kind == "item":
        return str(data["sscc"] or f"{data['gtin']} {data['serial']}")
    return "a network" if data["gtin"] is None else f"{data['gtin']}, lot {data['lot'] or '-'}"


def _text(data: Mapping[str, Any]) -> str:
    """Say what happened, and the strongest reason for it where that says more."""
    # What was stored before events had words has its reasons in the order of rules.
    said = str(data.get("headline") or next(iter(data["reasons"]), None) or title_of(data["rule"]))
    reason = next((str(each["text"]) for each in data.get("strongest") or ()), said)
    return reason if reason.startswith(said) else f"{said}. {reason}"


def _next_hour(now: datetime, hour: int) -> datetime:
    today = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    return today if today > now else today + timedelta(days=1)
