"""The page of one item: everything that is stored of it, and what may be done to it by hand."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from flask import request, url_for
from werkzeug.wrappers import Response

from authsvc import item_acts, item_scans, item_story, next_verdicts
from authsvc.core import wording
from authsvc.core.verdicts import Disposition, Verdict
from authsvc.errors import AuthsvcError, BadInput
from authsvc.investigations import Subject
from authsvc.item_acts import ACTS, Act
from authsvc.item_scans import ScanPage
from authsvc.item_story import Ownership, State
from authsvc.staff import Role
from authsvc.web.console import guard, item_data, item_keys, item_words, rendering
from authsvc.web.site import runtime

QUIET_ACTS = "any(unblock,stolen,lost,found)"
"""Every act but blocking, which needs a fresh proof."""
ALERT_PAGE = "console.alert_page_alert"


@guard.page("/items/<key>", role=Role.VIEWER, nav="Items")
def item(key: str) -> str:
    """Show an item: its condition, what people are told, scans, alerts, facts, recalls and what was done to it."""
    subject = item_keys.get_subject(key)
    asked = request.args.get("before")
    before = None if asked is None else item_scans.parse_place(asked)
    with guard.session() as session:
        story = item_story.get(session, subject.name, subject.product)
        scans = item_scans.find_scans(session, subject.name, before=before)
    verdict = _next(subject, story.state)
    may_act = guard.me().role.may(Role.OPERATOR) and story.state.is_issued
    return rendering.show(
        "console/item.html",
        title=item_words.title(subject),
        key=key,
        address=f"/console/items/{key}",
        subject=subject,
        state=story.state,
        sub=item_words.sub(subject, story.state),
        tags=item_words.tags(story.state),
        words=wording.words(verdict),
        notices=wording.notice_words(verdict),
        tiles=item_words.tiles(story),
        facts_about=item_words.definitions(subject, story.state),
        scans=item_words.scan_rows(scans.scans, _marks(story.owners, scans, before)),
        owners=item_words.owner_rows(story.owners),
        papers_href=_papers(story.owners),
        older=scans.older and f"/console/items/{key}?before={item_scans.spell_place(scans.older)}#scans",
        is_first=before is None,
        alerts=[item_words.alert(each, _alert_address(each.id)) for each in story.alerts],
        history=item_words.history(story),
        refusals=item_words.refusal_rows(story.refusals),
        recalls=story.recalls,
        events=[item_words.event(each) for each in story.events],
        most=item_story.MOST_REFUSALS,
        acts=item_acts.find_acts(story.state.disposition) if may_act else (),
        may_act=may_act,
        **item_data.shown(subject, story),
        columns=item_words,
    )


@guard.page("/items/<key>/block", role=Role.OPERATOR, methods=["GET", "POST"], step_up=True)
def block(key: str) -> str | tuple[str, int] | Response:
    """Block an item, after saying what that changes."""
    return _act(key, ACTS["block"])


@guard.page(f"/items/<key>/<{QUIET_ACTS}:act>", role=Role.OPERATOR, methods=["GET", "POST"])
def act(key: str, act: str) -> str | tuple[str, int] | Response:
    """Unblock an item, or say that it was stolen, lost or found."""
    return _act(key, ACTS[act])


def _papers(owners: Sequence[Ownership]) -> str | None:
    """Return where the proofs of the present owner are, for those who may look at them."""
    present = next((one for one in owners if one.ended_at is None), None)
    may_look = guard.me().role.may(Role.ANALYST)
    return f"/console/owners/registrations/{present.id}" if present is not None and may_look else None


def _marks(
    owners: Sequence[Ownership], page: ScanPage, before: tuple[datetime, UUID] | None
) -> list[tuple[datetime, str]]:
    """Return the changes of ownership that fall between the scans of a page."""
    newest = before[0] if before else None
    oldest = page.scans[-1].at if page.older else None
    return [
        (at, text)
        for at, text in item_words.ownership_marks(owners)
        if (newest is None or at < newest) and (oldest is None or at >= oldest)
    ]


def _act(key: str, act: Act) -> str | tuple[str, int] | Response:
    subject = item_keys.get_subject(key)
    if request.method == "GET":
        return _form(key, subject, act)
    reason = request.form.get("reason", "")
    try:
        with guard.session() as session:
            done = item_acts.perform(session, subject.name, act, reason=reason, now=guard.now())
            details = {"from": done.previous.value, "to": done.disposition.value, "reason": done.reason}
            guard.me().record(session, "item.set", done.sgtin, details)
    except BadInput as error:
        return _form(key, subject, act, fault=error), error.status
    back = item_acts.find_way_back(act, done.previous)
    undo = f" To take that back, choose “{back.label}”." if back else ""
    return guard.done(f"The item {act.done}.{undo}", f"/console/items/{key}")


def _form(key: str, subject: Subject, act: Act, fault: AuthsvcError | None = None) -> str:
    with guard.session() as session:
        state = item_story.get(session, subject.name, subject.product).state
    item_acts.check(act, state.disposition)
    now = _next(subject, state)
    then = next_verdicts.after(now, act.after, at=guard.now())
    return rendering.show(
        "console/item_act.html",
        title=f"{act.label}: {item_words.title(subject)}",
        key=key,
        subject=subject,
        act=act,
        rows=item_words.definitions(subject, state)[:4],
        effects=_effects(now, then, act, state.disposition),
        fault=fault and str(fault),
    )


def _effects(now: Verdict, then: Verdict, act: Act, start: Disposition) -> list[str]:
    before, after = wording.words(now), wording.words(then)
    told = (
        f"People who scan this code are told “{after.title}”. Now they are told “{before.title}”."
        if after.title != before.title
        else f"People who scan this code are told “{after.title}”, as they are now."
    )
    said = [told, "Your reason and your name go into the audit log, and your webhooks are told."]
    if act.after in {Disposition.STOLEN, Disposition.LOST}:
        said.insert(1, "A scan from now on speaks for a copy: somebody else may hold the label.")
    if back := item_acts.find_way_back(act, start):
        said.append(f"“{back.label}” takes it back.")
    return said


def _next(subject: Subject, state: State) -> Verdict:
    rt = runtime()
    return next_verdicts.find(rt.held, rt.connections, subject, state, at=guard.now())


def _alert_address(alert_id: UUID) -> str | None:
    return url_for(ALERT_PAGE, alert_id=alert_id) if ALERT_PAGE in guard.DECLARED else None
