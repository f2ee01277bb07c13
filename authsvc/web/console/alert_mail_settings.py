"""Alert mails: when the alerts of a brand are mailed, and to whom."""

from flask import request
from werkzeug.wrappers import Response

from authsvc import alert_mails
from authsvc.errors import BadInput, NotFound
from authsvc.staff import Role
from authsvc.web.console import guard, rendering, webhook_words

HERE = "/console/webhooks/mails"
MODES = {
    "at-once": ("At once", "Within a minute; when many come together, one mail every ten minutes."),
    "daily": ("Once a day", "One mail with all alerts of the day, at the hour below."),
    "off": ("Off", "Nobody is mailed. Alerts are in the queue all the same."),
}


@guard.page("/webhooks/mails", role=Role.OPERATOR, nav="Webhooks")
def settings() -> str:
    """Show when and to whom alerts are mailed."""
    return _page()


@guard.page("/webhooks/mails", role=Role.OPERATOR, methods=["POST"], nav="Webhooks")
def set_mode() -> Response | tuple[str, int]:
    """Say when alerts are mailed."""
    me, mode, hour = guard.me(), request.form.get("mode", ""), request.form.get("hour", "")
    try:
        with guard.session() as session:
            before = alert_mails.get_settings(session, me.brand_id)
            number = int(hour) if hour.isascii() and hour.isdigit() and len(hour) <= 2 else before.hour
            alert_mails.set_mode(session, me.brand_id, mode=mode, hour=number)
            details = {"from": before.mode, "mode": mode, "hour": number}
            me.record(session, "mail.mode", "alert mails", details)
    except BadInput as error:
        return _page(mode_fault=str(error)), error.status
    return guard.done(f"Alert mails: {MODES[mode][0].lower()}.", HERE)


@guard.page("/webhooks/mails/new", role=Role.ADMIN, nav="Webhooks", step_up=True)
def new_recipient() -> str:
    """Ask who else gets the mails."""
    return _form()


@guard.page("/webhooks/mails/recipients", role=Role.ADMIN, methods=["POST"], nav="Webhooks", step_up=True)
def add_recipient() -> Response | tuple[str, int]:
    """Mail alerts to somebody else too."""
    me = guard.me()
    try:
        with guard.session() as session:
            address = alert_mails.add_recipient(
                session, me.brand_id, request.form.get("address", ""), now=guard.now()
            )  # fmt: skip
            me.record(session, "mail.recipients", _masked(address), {"added": 1})
    except BadInput as error:
        return _form(fault=str(error)), error.status
    return guard.done(f"{address} gets the alert mails.", HERE)


@guard.page("/webhooks/mails/recipients/remove", role=Role.OPERATOR, methods=["POST"])
def remove_recipient() -> Response:
    """Mail nothing more to somebody."""
    me, address = guard.me(), request.form.get("address", "")
    try:
        with guard.session() as session:
            alert_mails.remove_recipient(session, me.brand_id, address)
            me.record(session, "mail.recipients", _masked(address), {"removed": 1})
    except NotFound as error:
        return guard.done(str(error), HERE, guard.Tone.NOTHING)
    return guard.done(f"{address} gets no alert mails any more.", HERE)


# --- Private ---------------------------------------------------------------------------------------------------------


def _masked(address: str) -> str:
    """Name an address in the log, which nobody can take it out of, so that it is known whose house it is of."""
    return f"{address[:1]}…@{address.rpartition('@')[2]}"


def _page(mode_fault: str | None = None) -> str:
    me = guard.me()
    with guard.session() as session:
        found = alert_mails.get_settings(session, me.brand_id)
    return rendering.show(
        "console/alert_mails.html",
        title="Webhooks",
        tabs=webhook_words.tabs("mails"),
        found=found,
        modes=[(mode, *texts) for mode, texts in MODES.items()],
        hours=[(str(hour), f"{hour:02}:00 UTC") for hour in range(24)],
        fault=mode_fault,
        may_add=me.role.may(Role.ADMIN),
        most=alert_mails.MOST_RECIPIENTS,
    )


def _form(fault: str | None = None) -> str:
    return rendering.show(
        "console/alert_mail_recipient.html", title="Add a recipient", fault=fault,
        address=request.form.get("address", "")[:320],
    )  # fmt: skip
