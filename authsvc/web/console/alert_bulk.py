"""
Acts on many alerts at once: take them, let them sleep, or decide them together.

What they may be decided as depends on what they are about, so it is chosen on a page of its own that knows the ticked
ones: it offers what fits all of them, and says why the rest is missing.
"""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from authsvc import alert_lists, triage
from authsvc.alert_lists import Listed, Row
from authsvc.core import decisions
from authsvc.core.decisions import ALONE, NOUNS, About, Choice
from authsvc.errors import BadInput
from authsvc.investigations import Subject
from authsvc.staff import Role
from authsvc.web import rendering as words
from authsvc.web.console import alert_queue, alert_words, guard, rendering
from authsvc.web.console.alert_queue import DECIDE, HOME, NONE_TICKED, SNOOZES, TAKE, Typed
from authsvc.web.site import runtime

_WATCH = "snooze-7"
_FROM_PAGE = "is-page"
"""The field by which a form says that it stands on the page to decide together."""
_ONLY = "only"
"""The button that leaves one kind of the ticked alerts; what has been typed so far stays."""
_LONGEST_ADDRESS = 4000
"""Proxies refuse addresses beyond 8 KiB, and one of them may stand in another: of a sign-in that has ended."""
_LONGEST_REASON = 2000


@guard.page("/alerts/bulk", role=Role.ANALYST, methods=["POST"], nav="Alerts")
def act_on_many() -> str | tuple[str, int] | Response:
    """Do one thing to every alert that was ticked, and say how many were done."""
    me, what = guard.me(), request.form.get("what", "")
    reason, back = request.form.get("reason", ""), guard.safe_next(request.form.get("back", HOME))
    ids = _read(request.form.getlist("alert"))
    if not ids:
        return alert_queue.again(NONE_TICKED, at="what")
    if what == DECIDE or _ONLY in request.form:
        return _go_on(_of_kind(ids, request.form.get(_ONLY)), back, reason[:_LONGEST_REASON])
    act = _find_act(what, reason)
    if act is None:
        return _again("Choose what to do with the ticked alerts.", ids, back, at="what")
    if what != TAKE and not reason.strip():
        return _again(
            "Give the reason: whoever looks at the alerts later has nothing else to go by.", ids, back, at="reason"
        )
    with guard.session() as session:
        outcome = triage.act_on_many(
            session, me.brand_id, ids, alert_queue.subject_of,
            lambda subject, alert_id: act(session, subject, alert_id),
        )  # fmt: skip
    refused = " ".join(f"{number} refused: {why}" for why, number in outcome.refused.items())
    done = "1 alert" if outcome.done == 1 else f"{outcome.done} alerts"
    worst = guard.Tone.PARTLY if outcome.done else guard.Tone.REFUSED
    return guard.done(f"{done} done. {refused}".strip(), back, worst if refused else guard.Tone.DONE)


@guard.page("/alerts/decide", role=Role.ANALYST, nav="Alerts")
def decide_together() -> str | Response:
    """Show the ticked alerts, and what may be decided about all of them."""
    ids, reason = _read(request.args.getlist("alert")), request.args.get("reason", "")[:_LONGEST_REASON]
    back = guard.safe_next(request.args.get("back", HOME))
    return _show(ids, back, Typed(reason=reason)) if ids else guard.go(HOME)


# --- Private ---------------------------------------------------------------------------------------------------------


def _again(fault: str, ids: list[UUID], back: str, *, at: str) -> tuple[str, int]:
    """Show the page that a refused form came from: the one to decide together, or the list."""
    if _FROM_PAGE not in request.form:
        return alert_queue.again(fault, at=at)
    return _show(ids, back, Typed.refused(fault, at=at)), HTTPStatus.BAD_REQUEST


def _go_on(ids: list[UUID], back: str, reason: str) -> str | Response:
    """Lead to the page to decide together, with the reason that was typed before; a very long one is shown at once."""
    said = [("reason", reason)] if reason.strip() else []
    to = f"{HOME}/decide?{urlencode([*(('alert', str(one)) for one in ids), ('back', back), *said])}"
    # Built here, so it is safe to go to, and longer with many ticks than an address that a form may bring.
    return redirect(to, HTTPStatus.SEE_OTHER) if len(to) <= _LONGEST_ADDRESS else _show(ids, back, Typed(reason=reason))


def _of_kind(ids: list[UUID], only: str | None) -> list[UUID]:
    """Return which alerts are about one kind of thing; all of them where none is asked for, or none is left."""
    if only is None:
        return ids
    me = guard.me()
    with guard.session() as session:
        found = alert_lists.find_some(session, me.brand_id, me.account_id, ids, now=guard.now())
    return [row.id for row in found if alert_queue.about_of(row) == only] or ids


def _show(ids: list[UUID], back: str, typed: Typed) -> str:
    me, now = guard.me(), guard.now()
    with guard.session() as session:
        found = alert_lists.find_some(session, me.brand_id, me.account_id, ids[: triage.MOST_AT_ONCE], now=now)
    rows = [row for row in found if row.listed is not Listed.CLOSED]
    kinds = Counter(alert_queue.about_of(row) for row in rows)
    shared = decisions.shared(kinds)
    many = "1 alert" if len(rows) == 1 else f"{len(rows)} alerts"
    effects = (f"{many} closed with the same reason.", "Each of them can be undone on its own page.")
    choices: list[dict[str, Any]] = [
        {"value": option.choice.value, "label": option.label, "small": option.small, "submit": option.submit,
         "effects": (*effects, *(option.follows if len(kinds) == 1 else ())),
         "is_chosen": option.choice.value == typed.what}
        for option in shared.options
    ]  # fmt: skip
    choices.append({
        "value": _WATCH, "label": "Cannot tell yet: watch", "small": "They come back in 7 days",
        "submit": "Watch for 7 days", "effects": (f"{many} asleep for 7 days.", "Nobody is told."),
        "is_chosen": typed.what == _WATCH,
    })  # fmt: skip
    return rendering.show(
        "console/alerts_decide.html", title=f"Decide {many} together", rows=[_row(row) for row in rows],
        kinds=[(kind.value, _said(kind, number)) for kind, number in kinds.items()],
        is_mixed=len(kinds) > 1, choices=choices, missing=shared.missing, typed=typed, back=back,
        closed=len(found) - len(rows),
        hidden={guard.FORM_FIELD: guard.form_token(), "back": back, _FROM_PAGE: "1"},
    )  # fmt: skip


def _row(row: Row) -> dict[str, Any]:
    return {
        "id": str(row.id), "href": f"{HOME}/{row.id}", "headline": alert_words.headline(row.rule, row.evidence),
        "about": alert_queue.subtitle(row), "level": row.severity.word,
        "where": alert_words.places(row.evidence), "age": alert_words.age(row.opened_at, guard.now()),
    }  # fmt: skip


def _said(kind: About, number: int) -> str:
    one, many = NOUNS[kind]
    return f"1 about {one}" if number == 1 else f"{words.number(number)} about {many}"


def _read(given: list[str]) -> list[UUID]:
    try:
        return [UUID(text) for text in given]
    except ValueError:
        raise BadInput("Choose alerts of the list.") from None


def _find_act(what: str, reason: str) -> Callable[[Any, Subject, UUID], Any] | None:
    """Return what to do with each alert; a block asks for proof of who you are, so it is done one by one."""
    me, now = guard.me(), guard.now()
    if what == TAKE:
        return lambda session, subject, alert_id: triage.assign(
            session, subject, alert_id, me.account_id, team={me.account_id}, by=me.actor, now=now
        )
    kind, _, days = what.partition("-")
    if kind == "snooze" and days in SNOOZES:
        return lambda session, subject, alert_id: triage.snooze(
            session, subject, alert_id, until=now + timedelta(days=int(days)), rise=None, reason=reason, by=me.actor,
            now=now,
        )  # fmt: skip
    if what in set(Choice) - ALONE:
        return lambda session, subject, alert_id: triage.decide(
            session, subject, alert_id, Choice(what), reason=reason, by=me.actor, id=runtime().new_id(), now=now
        )
    return None
