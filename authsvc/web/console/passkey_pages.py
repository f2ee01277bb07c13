"""
Passkeys over HTTP: a script asks for options, lets the browser sign, and posts what it got.

Every answer is JSON. Without JavaScript there are no passkeys, and everything else works.
"""

from typing import Any
from urllib.parse import urlsplit

from flask import request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from authsvc import audit, passkeys, staff_attempts, staff_sessions
from authsvc.errors import BadInput, NotFound
from authsvc.staff import Role
from authsvc.web.console import guard, sign_in
from authsvc.web.site import runtime

Json = dict[str, Any]


@guard.open_to_all("/passkey/options", methods=["POST"])
def options() -> Json:
    """Return a challenge for whoever wants to sign in, or for the second step of one who gave a password."""
    flow = _body().get("flow")
    account_id = None
    challenge = runtime().random(passkeys.CHALLENGE_BYTES)
    with guard.desk().as_auth() as session:
        if isinstance(flow, str):
            pending = staff_sessions.find_flow(session, "second", flow, guard.browser(), now=guard.now())
            if pending is None:
                raise NotFound("This step of signing in was used or took too long. Begin again.")
            account_id = pending.account_id
        asked = passkeys.login_options(session, account_id, host=_host(), challenge=challenge)
        return {"flow": _keep(session, "passkey", challenge), "options": asked}


@guard.open_to_all("/passkey/sign-in", methods=["POST"])
def enter() -> Json:
    """Sign in by passkey."""
    body = _body()
    counted = sign_in.count_try("passkey|" + str(_answer(body).get("id", ""))[:200])
    with guard.desk().as_auth() as session:
        account_id = _authenticate(session, body)
        staff_attempts.give_back(session, counted)
        return {"to": sign_in.welcome(session, account_id, "passkey", guard.safe_next(body.get("next"))).location}


@guard.signed_in("/passkey/confirm/options", methods=["POST"])
def confirm_options() -> Json:
    """Return a challenge for the proof before a grave act."""
    challenge = runtime().random(passkeys.CHALLENGE_BYTES)
    with guard.desk().as_auth() as session:
        asked = passkeys.login_options(session, guard.signed().account_id, host=_host(), challenge=challenge)
        return {"flow": _keep(session, "passkey", challenge), "options": asked}


@guard.signed_in("/passkey/confirm", methods=["POST"])
def confirm() -> Json:
    """Take a passkey as the proof before a grave act."""
    body, me = _body(), guard.signed()
    with guard.desk().as_auth() as session:
        if _authenticate(session, body) != me.account_id:
            raise BadInput("This passkey belongs to somebody else.")
        guard.set_session(staff_sessions.prove(session, me, now=guard.now(), random=runtime().random))
    return {"to": guard.safe_next(body.get("next"))}


@guard.page("/account/passkeys/options", role=Role.VIEWER, methods=["POST"], step_up=True)
def new_options() -> Json:
    """Return what a new passkey is made with."""
    me, challenge = guard.own_account(), runtime().random(passkeys.CHALLENGE_BYTES)
    with guard.desk().as_auth() as session:
        asked = passkeys.registration_options(
            session, me.account_id, email=me.email, name=me.name, host=_host(), challenge=challenge
        )
        return {"flow": _keep(session, "new-passkey", challenge), "options": asked}


@guard.page("/account/passkeys", role=Role.VIEWER, methods=["POST"], step_up=True)
def add() -> Json:
    """Keep a new passkey."""
    me, body = guard.own_account(), _body()
    name = str(body.get("name") or "")
    with guard.desk().as_auth() as session:
        passkeys.register(
            session, me.account_id, _answer(body), challenge=_challenge(session, "new-passkey", body), host=_host(),
            origin=_origin(), name=name, now=guard.now(),
        )  # fmt: skip
        audit.record(session, me.brand_id, me.actor, "staff.passkey", me.email, {"added": name}, at=guard.now())
        guard.set_session(staff_sessions.rotate(session, guard.signed(), random=runtime().random))
    return {"to": "/console/account"}


@guard.page("/account/passkeys/<key_id>/remove", role=Role.VIEWER, methods=["POST"], step_up=True)
def remove(key_id: str) -> Response:
    """Forget a passkey."""
    me = guard.own_account()
    with guard.desk().as_auth() as session:
        name = passkeys.remove(session, me.account_id, key_id)
        audit.record(session, me.brand_id, me.actor, "staff.passkey", me.email, {"removed": name}, at=guard.now())
        guard.set_session(staff_sessions.rotate(session, guard.signed(), random=runtime().random))
    return guard.done(f"The passkey {name} is removed.", "/console/account")


# --- Private ---------------------------------------------------------------------------------------------------------


def _body() -> Json:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise BadInput("The body must be a JSON object.")
    return body


def _answer(body: Json) -> Json:
    answer = body.get("answer")
    if not isinstance(answer, dict):
        raise BadInput("The answer of the browser is missing.")
    return answer


def _keep(session: Session, kind: str, challenge: bytes) -> str:
    return staff_sessions.begin_flow(
        session, kind, guard.browser(), data={"challenge": challenge.hex()}, now=guard.now(), random=runtime().random
    )


def _challenge(session: Session, kind: str, body: Json) -> bytes:
    flow = staff_sessions.take_flow(session, kind, str(body.get("flow")), guard.browser(), now=guard.now())
    return bytes.fromhex(str(flow.data["challenge"]))


def _authenticate(session: Session, body: Json) -> Any:
    return passkeys.authenticate(
        session, _answer(body), challenge=_challenge(session, "passkey", body), host=_host(), origin=_origin(),
        now=guard.now(),
    )  # fmt: skip


def _origin() -> str:
    """Return the origin that a browser must name: that of AUTHSVC_BASE_URL, whatever a request says."""
    parts = urlsplit(runtime().config.base_url)
    return f"{parts.scheme}://{parts.netloc}"


def _host() -> str:
    return urlsplit(runtime().config.base_url).hostname or ""
