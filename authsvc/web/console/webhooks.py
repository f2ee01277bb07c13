"""
Webhooks: where a brand wants to be told of events, and the secrets that sign what is sent there.

Whatever lets data go to a new place needs an admin and a fresh proof; to stop, to go on and to test, an operator.
"""

from typing import Any
from uuid import UUID

from flask import request
from werkzeug.wrappers import Response

from authsvc import webhook_history, webhooks
from authsvc.core import webhooks as standard
from authsvc.errors import AuthsvcError, BadInput, Conflict
from authsvc.staff import Role
from authsvc.web.console import guard, rendering, webhook_words
from authsvc.web.site import runtime
from authsvc.webhooks import EndpointInfo, NewSecret

HERE = "/console/webhooks"
_SHOWN = 10
Page = str | tuple[str, int] | Response


@guard.page("/webhooks", role=Role.OPERATOR, nav="Webhooks")
def endpoints() -> str:
    """List the endpoints, and how each is doing."""
    me = guard.me()
    with guard.session() as session:
        found = webhooks.list_endpoints(session, me.brand_id, now=guard.now())
        dead = {one.id: webhook_history.count_dead(session, me.brand_id, one.id) for one in found}
    return rendering.show(
        "console/webhooks.html",
        title="Webhooks",
        tabs=webhook_words.tabs("endpoints"),
        endpoints=[_shown(one, dead[one.id]) for one in found],
        may_change=me.role.may(Role.ADMIN),
        most=webhooks.MOST_ENDPOINTS,
    )


@guard.page("/webhooks/new", role=Role.ADMIN, nav="Webhooks", step_up=True)
def new() -> str:
    """Ask for what a new endpoint needs."""
    return _form(None)


@guard.page("/webhooks", role=Role.ADMIN, methods=["POST"], nav="Webhooks", step_up=True)
def add() -> Page:
    """Add an endpoint and show its secret once."""
    me, rt = guard.me(), runtime()
    try:
        with guard.session() as session:
            made = webhooks.add_endpoint(
                session, me.brand_id, rt.new_id(), **_asked(), allow=rt.config.webhook_allow,
                wrapping_key=rt.wrapping_key, random=rt.random, now=guard.now(),
            )  # fmt: skip
            me.record(session, "webhook.add", str(made.endpoint.id), _told(made.endpoint))
    except (BadInput, Conflict) as error:
        return _form(None, fault=error), error.status
    return _endpoint(made.endpoint.id, made=made)


@guard.page("/webhooks/<uuid:endpoint_id>", role=Role.OPERATOR, nav="Webhooks")
def endpoint(endpoint_id: UUID) -> str:
    """Show an endpoint and what was sent to it last."""
    return _endpoint(endpoint_id)


@guard.page("/webhooks/<uuid:endpoint_id>/change", role=Role.ADMIN, methods=["GET", "POST"], nav="Webhooks",
            step_up=True)  # fmt: skip
def change(endpoint_id: UUID) -> Page:
    """Change where an endpoint is and what it is told."""
    me = guard.me()
    with guard.session() as session:
        before = webhooks.get_endpoint(session, me.brand_id, endpoint_id, now=guard.now())
    if request.method == "GET":
        return _form(before)
    try:
        with guard.session() as session:
            info = webhooks.change_endpoint(
                session, me.brand_id, endpoint_id, **_asked(), allow=runtime().config.webhook_allow, now=guard.now()
            )
            me.record(session, "webhook.change", str(endpoint_id), {**_told(info), "previous": before.url})
    except BadInput as error:
        return _form(before, fault=error), error.status
    return guard.done("The endpoint is changed. What waits for it goes to the new address.", _path(endpoint_id))


@guard.page("/webhooks/<uuid:endpoint_id>/rotate", role=Role.ADMIN, methods=["GET", "POST"], nav="Webhooks",
            step_up=True)  # fmt: skip
def rotate(endpoint_id: UUID) -> Page:
    """Make a new secret, after saying until when the old one signs too."""
    me, rt = guard.me(), runtime()
    if request.method == "GET":
        return _confirm(
            endpoint_id, f"{_path(endpoint_id)}/rotate", "Make a new secret", "primary",
            [
                "A new secret is made and shown once.",
                f"For a day, until {guard.now() + webhooks.OVERLAP:%Y-%m-%d %H:%M} UTC, the present secret signs too.",
                "Set the new one in the receiver before then.",
                "A secret that is older than the present one signs no more.",
            ],
        )  # fmt: skip
    with guard.session() as session:
        made = webhooks.rotate_secret(
            session, me.brand_id, endpoint_id, wrapping_key=rt.wrapping_key, random=rt.random, now=guard.now()
        )
        me.record(session, "webhook.rotate", str(endpoint_id))
    return _endpoint(endpoint_id, made=made)


@guard.page("/webhooks/<uuid:endpoint_id>/remove", role=Role.ADMIN, methods=["GET", "POST"], nav="Webhooks",
            step_up=True)  # fmt: skip
def remove(endpoint_id: UUID) -> Page:
    """Take an endpoint away for good, after saying what that means."""
    me = guard.me()
    if request.method == "GET":
        return _confirm(
            endpoint_id, f"{_path(endpoint_id)}/remove", "Remove the endpoint", "danger",
            [
                "It gets nothing more, and its secrets end. This cannot be undone; to stop for a while, pause it.",
                "What waits for it goes to the dead list. The list of deliveries keeps what was sent.",
            ],
        )  # fmt: skip
    with guard.session() as session:
        info = webhooks.remove_endpoint(session, me.brand_id, endpoint_id, now=guard.now())
        me.record(session, "webhook.remove", str(endpoint_id), {"url": info.url})
    return guard.done(f"{info.url} is removed.", HERE)


@guard.page("/webhooks/<uuid:endpoint_id>/pause", role=Role.OPERATOR, methods=["POST"])
def pause(endpoint_id: UUID) -> Response:
    """Send nothing more to an endpoint until somebody says so."""
    me = guard.me()
    reason = f"Paused by {me.name}."
    with guard.session() as session:
        info = webhooks.disable_endpoint(session, me.brand_id, endpoint_id, reason=reason, now=guard.now())
        me.record(session, "webhook.disable", str(endpoint_id), {"reason": reason})
    return guard.done(f"{info.url} gets nothing more. To send to it again, choose “Resume”.", _path(endpoint_id))


@guard.page("/webhooks/<uuid:endpoint_id>/resume", role=Role.OPERATOR, methods=["POST"])
def resume(endpoint_id: UUID) -> Response:
    """Send to an endpoint again."""
    me = guard.me()
    with guard.session() as session:
        info = webhooks.enable_endpoint(session, me.brand_id, endpoint_id, now=guard.now())
        me.record(session, "webhook.enable", str(endpoint_id))
    return guard.done(f"{info.url} gets events again, from now on.", _path(endpoint_id))


@guard.page("/webhooks/<uuid:endpoint_id>/test", role=Role.OPERATOR, methods=["POST"])
def test(endpoint_id: UUID) -> Response:
    """Send a test event."""
    me = guard.me()
    try:
        with guard.session() as session:
            webhooks.send_test(session, me.brand_id, endpoint_id, runtime().new_id(), now=guard.now())
            me.record(session, "webhook.test", str(endpoint_id))
    except Conflict as error:
        return guard.done(f"No test was sent. {error}", _path(endpoint_id), guard.Tone.REFUSED)
    return guard.done("A test event is on its way. Reload in a few seconds to see the answer.", _path(endpoint_id))


# --- Private ---------------------------------------------------------------------------------------------------------


def _path(endpoint_id: UUID) -> str:
    return f"{HERE}/{endpoint_id}"


def _asked() -> dict[str, Any]:
    """Read the form of an endpoint."""
    types = request.form.getlist("types")
    if request.form.get("scope") == "some" and not types:
        raise BadInput("Tick at least one event, or choose every event.")
    return {
        "url": request.form.get("url", ""),
        "description": request.form.get("description", ""),
        "types": types if request.form.get("scope") == "some" else (),
    }


def _told(info: EndpointInfo) -> dict[str, Any]:
    return {"url": info.url, "types": list(info.types)}


def _form(info: EndpointInfo | None, fault: AuthsvcError | None = None) -> str:
    given = request.form if request.method == "POST" else None
    chosen = (given.getlist("types") if given else info.types if info else ()) or ()
    is_some = given.get("scope") == "some" if given else bool(chosen)
    return rendering.show(
        "console/webhook_form.html",
        title="Change the endpoint" if info else "Add an endpoint",
        info=info,
        action=f"{_path(info.id)}/change" if info else HERE,
        back=_path(info.id) if info else HERE,
        url=(given.get("url", "")[:2000] if given else info.url if info else ""),
        description=(given.get("description", "")[:200] if given else info.description if info else ""),
        scope="some" if is_some else "all",
        types=[(name, kind.title, name in chosen) for name, kind in standard.EVENT_TYPES.items()],
        fault=webhook_words.advise(str(fault)) if fault else None,
        is_of_types=fault is not None and "event" in str(fault),
        allow=runtime().config.webhook_allow,
    )


def _confirm(endpoint_id: UUID, action: str, submit: str, kind: str, effects: list[str]) -> str:
    with guard.session() as session:
        info = webhooks.get_endpoint(session, guard.me().brand_id, endpoint_id, now=guard.now())
    return rendering.show(
        "console/webhook_confirm.html", title=submit, info=info, action=action, kind=kind, effects=effects,
        back=_path(endpoint_id),
    )  # fmt: skip


def _endpoint(endpoint_id: UUID, made: NewSecret | None = None) -> str:
    me = guard.me()
    with guard.session() as session:
        info = webhooks.get_endpoint(session, me.brand_id, endpoint_id, now=guard.now())
        page = webhook_history.list_deliveries(session, me.brand_id, endpoint_id=endpoint_id, limit=_SHOWN)
        dead = webhook_history.count_dead(session, me.brand_id, endpoint_id)
    return rendering.show(
        "console/webhook.html",
        title=info.description or info.url,
        info=info,
        secret=made.text if made else None,
        one=_shown(info, dead),
        rows=[webhook_words.row(delivery) for delivery in page.deliveries],
        columns=webhook_words.COLUMNS,
        has_more=page.older is not None,
        may_change=me.role.may(Role.ADMIN),
        facts=webhook_words.facts(info),
    )


def _shown(info: EndpointInfo, dead: int) -> dict[str, Any]:
    return {
        "info": info,
        "href": _path(info.id),
        "events": webhook_words.events(info.types),
        "state": webhook_words.state_of(info),
        "dead": webhook_words.count(dead),
        "has_dead": dead > 0,
        "dead_href": f"{HERE}/deliveries?endpoint={info.id}&state=dead",
    }
