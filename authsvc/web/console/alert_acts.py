"""What people do about one alert: decide, block after a last look, take back, assign, wake."""

from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from authsvc import alert_effects, triage
from authsvc.core import decisions
from authsvc.core.decisions import WAIT, Choice
from authsvc.errors import BadInput, Conflict
from authsvc.staff import Role
from authsvc.web.console import alert_page, alert_queue, alert_words, guard, rendering
from authsvc.web.console.alert_queue import HOME, SNOOZES
from authsvc.web.site import runtime

LONGEST_IN_ADDRESS = 200
"""A reason that is longer does not travel through the proof of who somebody is; they type it on the last page."""


@guard.page("/alerts/<uuid:alert_id>/decide", role=Role.ANALYST, methods=["POST"])
def decide(alert_id: UUID) -> str | tuple[str, int] | Response:
    """Decide an alert, or let it sleep; a block leads to a last look first."""
    me, now = guard.me(), guard.now()
    choice, reason = request.form.get("decision", ""), request.form.get("reason", "")[:2000]
    with guard.session() as session:
        stored = triage.get(session, me.brand_id, alert_id)
        subject, kind = alert_queue.subject_of(stored.sgtin), alert_queue.about_of(stored)
    if choice == Choice.BLOCK and decisions.find(kind, Choice.BLOCK) is not None:
        kept = urlencode({"reason": reason.strip()}) if len(reason) <= LONGEST_IN_ADDRESS else ""
        return guard.go(f"{HOME}/{alert_id}/block?{kept}".rstrip("?"))
    try:
        with guard.session() as session:
            if choice == WAIT:
                triage.snooze(
                    session, subject, alert_id, until=now + timedelta(days=_days()), rise=_rise(), reason=reason,
                    by=me.actor, now=now,
                )  # fmt: skip
                said = "You watch it: the alert sleeps, and comes back."
            else:
                decided = triage.decide(
                    session, subject, alert_id, _choice(choice), reason=reason, by=me.actor, id=runtime().new_id(),
                    now=now,
                )  # fmt: skip
                said = _done(kind, Choice(choice), is_warned=decided.is_flagged)
    except (BadInput, Conflict) as error:
        return alert_page.show(alert_id, choice=choice, reason=reason, fault=str(error)), error.status
    return guard.done(said, _back(alert_id))


@guard.page("/alerts/<uuid:alert_id>/block", role=Role.ANALYST, step_up=True)
def block_form(alert_id: UUID) -> str | Response:
    """Show what a block changes, for a last look."""
    return _block_form(alert_id, request.args.get("reason", "")[:2000])


@guard.page("/alerts/<uuid:alert_id>/block", role=Role.ANALYST, methods=["POST"], step_up=True)
def block(alert_id: UUID) -> tuple[str | Response, int] | Response:
    """Block the serial and close the alert."""
    me, reason = guard.me(), request.form.get("reason", "")[:2000]
    try:
        with guard.session() as session:
            stored = triage.get(session, me.brand_id, alert_id)
            subject, kind = alert_queue.subject_of(stored.sgtin), alert_queue.about_of(stored)
            triage.decide(
                session, subject, alert_id, Choice.BLOCK, reason=reason, by=me.actor, id=runtime().new_id(),
                now=guard.now(),
            )  # fmt: skip
    except BadInput as error:
        return _block_form(alert_id, reason, fault=str(error)), error.status
    return guard.done(_done(kind, Choice.BLOCK), f"{HOME}/{alert_id}")


@guard.page("/alerts/<uuid:alert_id>/undo", role=Role.ANALYST, methods=["POST"])
def undo(alert_id: UUID) -> str | tuple[str, int] | Response:
    """Take the decision back."""
    me, reason = guard.me(), request.form.get("reason", "")[:2000]
    try:
        with guard.session() as session:
            stored = triage.get(session, me.brand_id, alert_id)
            subject, kind = alert_queue.subject_of(stored.sgtin), alert_queue.about_of(stored)
            is_whole = triage.undo(session, subject, alert_id, reason=reason, by=me.actor, now=guard.now())
            is_open = triage.get(session, me.brand_id, alert_id).closed_at is None
    except (BadInput, Conflict) as error:
        return alert_page.show(alert_id, reason=reason, fault=str(error)), error.status
    said, tone = decisions.undone(kind, is_open=is_open), guard.Tone.DONE
    if not is_whole:
        said += " The condition of the item was changed by somebody since, and stays."
        tone = guard.Tone.PARTLY
    return guard.done(said, _back(alert_id), tone)


@guard.page("/alerts/<uuid:alert_id>/assign", role=Role.ANALYST, methods=["POST"])
def assign(alert_id: UUID) -> Response:
    """Give the alert to somebody, or to nobody."""
    me, to = guard.me(), request.form.get("to", "")
    try:
        assignee = UUID(to) if to else None
    except ValueError:
        raise BadInput("Choose somebody of the team.") from None
    with guard.session() as session:
        subject = alert_queue.subject_of(triage.get(session, me.brand_id, alert_id).sgtin)
        triage.assign(session, subject, alert_id, assignee, team=guard.team_ids(), by=me.actor, now=guard.now())
    return guard.done("The alert is assigned." if assignee else "The alert is nobody's now.", _back(alert_id))


@guard.page("/alerts/<uuid:alert_id>/wake", role=Role.ANALYST, methods=["POST"])
def wake(alert_id: UUID) -> Response:
    """Let the alert sleep no longer."""
    me = guard.me()
    with guard.session() as session:
        subject = alert_queue.subject_of(triage.get(session, me.brand_id, alert_id).sgtin)
        triage.wake(session, subject, alert_id, by=me.actor, now=guard.now())
    return guard.done("The alert is awake.", _back(alert_id))


# --- Private ---------------------------------------------------------------------------------------------------------


def _block_form(alert_id: UUID, reason: str, *, fault: str | None = None) -> str | Response:
    me, rt = guard.me(), runtime()
    with guard.session() as session:
        alert = triage.get(session, me.brand_id, alert_id)
        foreseen = alert_effects.foresee(
            session, rt.held, rt.connections, alert_queue.subject_of(alert.sgtin), alert, now=guard.now()
        )
        title = alert_words.headline(alert.rule, alert.evidence)
        is_open, about = alert.closed_at is None, alert_queue.subtitle(alert)
    if not is_open or not foreseen.may(Choice.BLOCK):
        return redirect(f"{HOME}/{alert_id}", 303)
    rows = [("Alert", title), ("Item", about)]
    return rendering.show(
        "console/alert_block.html", title="Block this serial?", rows=rows, reason=reason, fault=fault,
        effects=foreseen.effects[Choice.BLOCK.value], act=f"{HOME}/{alert_id}/block", cancel=f"{HOME}/{alert_id}",
        hidden={guard.FORM_FIELD: guard.form_token()},
    )  # fmt: skip


def _done(kind: decisions.About, choice: Choice, *, is_warned: bool = False) -> str:
    """Say what a decision came to, in the words of its kind; of an item, whether people are warned."""
    option = decisions.find(kind, choice)
    if option is not None and option.done:
        return option.done
    return "The alert is closed. " + (
        "People who scan the code are warned." if is_warned else "People who scan are not warned."
    )


def _back(alert_id: UUID) -> str:
    """Return the page of the alert, with the list that was beside it."""
    back = request.form.get("back", "")
    return back if back.startswith(f"{HOME}/{alert_id}") else f"{HOME}/{alert_id}"


def _choice(text: str) -> Choice:
    if text not in set(Choice):
        raise BadInput("Choose a decision.")
    return Choice(text)


def _days() -> int:
    days = request.form.get("days", "7")
    return int(days) if days in SNOOZES else 7


def _rise() -> float | None:
    rise = request.form.get("rise", "")
    return float(rise) if rise in alert_page.RISES else None
