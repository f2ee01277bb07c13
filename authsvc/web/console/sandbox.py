"""The sandbox of the brand: made, opened and wiped by admins; the worker does it, for it needs keys that sign."""

from typing import Any

from flask import request
from werkzeug.wrappers import Response

from authsvc import catalogue, errands, sandboxes
from authsvc.errands import SANDBOX, Errand
from authsvc.errors import Conflict, NotFound
from authsvc.sandbox_work import MAKE, WIPE
from authsvc.sandboxes import Sandbox
from authsvc.staff import Role
from authsvc.web.console import guard, rendering
from authsvc.web.site import runtime

HERE, NAV = "/console/sandbox", "Sandbox"
_ACTS = {MAKE: "Make the sandbox", WIPE: "Wipe it"}
_STATES = {"waiting": "Waits for the worker", "running": "Under way", "done": "Done", "failed": "Not done"}
Page = str | tuple[str, int]


@guard.page("/sandbox", role=Role.ADMIN, nav=NAV)
def sandbox() -> str:
    """Say what the sandbox is and holds, and what was last done with it."""
    return _show()


@guard.page("/sandbox/make", role=Role.ADMIN, methods=["POST"])
def make() -> Page | Response:
    """Have the sandbox made."""
    if guard.signed().sandbox_of is not None or _find() is not None:
        raise Conflict("The brand has a sandbox already.")
    return _order(MAKE, "The sandbox is being made. It appears here within a minute.")


@guard.page("/sandbox/wipe", role=Role.ADMIN, methods=["GET", "POST"], nav=NAV, step_up=True)
def wipe() -> Page | Response:
    """Have the sandbox wiped, after saying what goes and what stays."""
    known = _find()
    if known is None:
        raise NotFound("The brand has no sandbox.")
    if request.method == "POST":
        return _order(WIPE, "The sandbox is being wiped.")
    return rendering.show(
        "console/sandbox_wipe.html", title="Wipe the sandbox", action=f"{HERE}/wipe",
        rows=[("Sandbox", known.name), ("Last wiped", "never" if known.wiped_at is None else f"{known.wiped_at:%F}")],
        effects=[
            "Its products, batches, runs, items, scans, alerts, cases, owners and recalls go. The samples come back.",
            "API keys, webhook endpoints, signing keys and the audit log stay, so that programs go on.",
            "Nothing of the brand itself is touched. This cannot be undone.",
        ],
    )  # fmt: skip


# --- Private ---------------------------------------------------------------------------------------------------------


def _find() -> Sandbox | None:
    # The rows of a brand are all that its console sees; whether it has a twin is known where people sign in.
    with guard.desk().as_auth() as session:
        return sandboxes.find(session, guard.me().brand_id)


def _show(fault: str | None = None) -> str:
    me, known, prefix = guard.me(), _find(), None
    if known is not None:
        with guard.desk().as_brand(known.id) as session:
            prefix = catalogue.get_brand_by_id(session, known.id).prefixes[0]
    with guard.session() as session:
        done = errands.list_errands(session, me.brand_id, SANDBOX, limit=5)
    return rendering.show(
        "console/sandbox.html", title="Sandbox", known=known, prefix=prefix, fault=fault,
        is_inside=guard.signed().sandbox_of is not None, employer=guard.signed().sandbox_of,
        is_running=any(errand.is_open for errand in done), acts=[_act(errand) for errand in done],
        base_url=runtime().config.base_url,
    )  # fmt: skip


def _order(act: str, said: str) -> Page | Response:
    me = guard.me()
    try:
        with guard.session() as session:
            number = runtime().new_id()
            errands.order(session, me.brand_id, SANDBOX, {"act": act}, me.actor, id=number, now=guard.now())
            me.record(session, f"sandbox.{act}-order", me.brand)
    except Conflict as error:
        return _show(fault=str(error)), error.status
    return guard.done(said, HERE)


def _act(errand: Errand) -> dict[str, Any]:
    rows = errand.result.get("rows")
    return {
        "name": _ACTS.get(str(errand.asked.get("act")), "Act"),
        "at": errand.created_at,
        "by": errand.asked_name.split(" <")[0],
        "words": _STATES.get(errand.state, "Cancelled"),
        "tone": {"done": "ok", "failed": "bad"}.get(errand.state, "none"),
        "said": errand.fault or (f"{rows:,} rows have gone" if rows is not None else ""),
        "has_waited": errand.has_waited(guard.now()),
    }
