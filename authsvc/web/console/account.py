"""My account: password, second factor, passkeys and sessions of the person who is signed in."""

from base64 import b64encode
from uuid import UUID

from flask import request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from authsvc import audit, passkeys, passwords, staff_attempts, staff_proofs, staff_sessions, symbol_pictures, symbols
from authsvc.core.wrapping import unwrap, wrap
from authsvc.errors import BadInput, NotFound
from authsvc.staff import Role
from authsvc.web.console import guard, rendering, sign_in
from authsvc.web.site import runtime

_NONCE_BYTES = 12


@guard.page("/account", role=Role.VIEWER)
def overview() -> str:
    """Show how this person signs in, and where they are signed in."""
    return _overview()


@guard.page("/account/password", role=Role.VIEWER, methods=["POST"])
def change_password() -> tuple[str, int] | Response:
    """Take a new password; every other session of the person ends."""
    me, new = guard.own_account(), request.form.get("new", "")
    counted = sign_in.count_try(me.email)
    with guard.desk().as_auth() as session:
        found = staff_proofs.get(session, me.account_id)
    if not passwords.is_right(found.password_hash, request.form.get("password", "")):
        return _overview(fault="The present password is not right."), 401
    if new != request.form.get("again", ""):
        return _overview(fault="The two new passwords differ. Type the same one twice."), 400
    try:
        with guard.desk().as_auth() as session:
            staff_attempts.give_back(session, counted)
            staff_proofs.set_password(session, me.account_id, new)
            staff_sessions.end_others(session, guard.signed(), now=guard.now())
            _renew(session, "staff.password", {})
    except BadInput as error:
        return _overview(fault=str(error)), 400
    return guard.done("The password is changed. Other sessions of yours are ended.", "/console/account")


@guard.page("/account/shortcuts", role=Role.VIEWER, methods=["POST"])
def set_shortcuts() -> Response:
    """Say whether single keys act on the pages of alerts."""
    is_on = request.form.get("on") == "1"
    # Not own_account(): nothing is proved by it, and whoever cannot switch keys off cannot use the pages.
    with guard.desk().as_auth() as session:
        staff_proofs.set_shortcuts(session, guard.me().account_id, is_on=is_on)
    return guard.done(f"Single-key shortcuts are {'on' if is_on else 'off'}.", "/console/account")


# --- An authenticator app --------------------------------------------------------------------------------------------


@guard.page("/account/app", role=Role.VIEWER, step_up=True)
def app_form() -> str:
    """Show the QR code that sets up an authenticator app."""
    guard.own_account()
    return _app_form(staff_proofs.new_totp_secret(runtime().random))


@guard.page("/account/app", role=Role.VIEWER, methods=["POST"], step_up=True)
def turn_on_app() -> str | tuple[str, int]:
    """Ask for codes from now on, once the app has shown a right one; show the recovery codes once."""
    me, flow = guard.own_account(), request.form.get("flow", "")
    try:
        with guard.desk().as_auth() as session:
            kept = staff_sessions.take_flow(session, "app", flow, guard.browser(), now=guard.now())
            secret = _open(str(kept.data["secret"]))
            codes = staff_proofs.turn_on_totp(
                session, me.account_id, secret, request.form.get("code", ""), key=guard.staff_key(), now=guard.now(),
                random=runtime().random,
            )  # fmt: skip
            _renew(session, "staff.app", {"is_on": True})
    except BadInput as error:
        return _app_form(secret, fault=str(error)), 400
    return _show_codes(codes)


@guard.page("/account/app/off", role=Role.VIEWER, methods=["POST"], step_up=True)
def turn_off_app() -> Response:
    """Ask for codes no more."""
    me = guard.own_account()
    with guard.desk().as_auth() as session:
        staff_proofs.turn_off_totp(session, me.account_id)
        _renew(session, "staff.app", {"is_on": False})
    return guard.done("Codes of an authenticator app are no longer asked for.", "/console/account")


@guard.page("/account/recovery-codes", role=Role.VIEWER, methods=["POST"], step_up=True)
def renew_codes() -> str:
    """Replace the recovery codes; show the new ones once."""
    me = guard.own_account()
    with guard.desk().as_auth() as session:
        if not staff_proofs.get(session, me.account_id).has_totp:
            raise NotFound("Recovery codes belong to an authenticator app. Set one up first.")
        codes = staff_proofs.renew_recovery_codes(
            session, me.account_id, key=guard.staff_key(), random=runtime().random
        )
        _note(session, "staff.recovery-codes", {"count": len(codes)})
    return _show_codes(codes)


# --- Sessions --------------------------------------------------------------------------------------------------------


@guard.page("/account/sessions/<uuid:session_id>/end", role=Role.VIEWER, methods=["POST"])
def end_session(session_id: UUID) -> Response:
    """End one session of this person, in whatever browser it is."""
    with guard.desk().as_auth() as session:
        staff_sessions.end(session, session_id, guard.me().account_id, now=guard.now())
        _note(session, "staff.session-end", {"session": str(session_id)})
    return guard.done("The session is ended.", "/console/account")


@guard.page("/account/sessions/end-others", role=Role.VIEWER, methods=["POST"])
def end_others() -> Response:
    """End every session of this person but this one."""
    with guard.desk().as_auth() as session:
        count = staff_sessions.end_others(session, guard.signed(), now=guard.now())
        _note(session, "staff.session-end", {"count": count})
    return guard.done("All other sessions are ended.", "/console/account")


# --- Private ---------------------------------------------------------------------------------------------------------


def _overview(*, fault: str | None = None) -> str:
    with guard.desk().as_auth() as session:
        found = staff_proofs.get(session, guard.me().account_id)
        keys = passkeys.list_keys(session, found.account_id)
        sessions = staff_sessions.list_open(session, guard.signed(), now=guard.now())
        has_keys = staff_proofs.has_shortcuts(session, found.account_id)
    return rendering.show(
        "console/account.html", title="My account", me=guard.me(), found=found, keys=keys, sessions=sessions,
        fault=fault, shortest=passwords.SHORTEST, has_password=found.password_hash is not None,
        has_keys=has_keys,
    )  # fmt: skip


def _app_form(secret: str, *, fault: str | None = None) -> str:
    me, random = guard.me(), runtime().random
    raw = wrap(
        guard.staff_key(), secret.encode(), random(_NONCE_BYTES), brand_id=me.account_id, purpose="app", number="0"
    )
    with guard.desk().as_auth() as session:
        flow = staff_sessions.begin_flow(
            session, "app", guard.browser(), account_id=me.account_id, data={"secret": raw.hex()}, now=guard.now(),
            random=random,
        )  # fmt: skip
    drawn = symbol_pictures.svg(
        symbols.symbol(staff_proofs.totp_uri(secret, me.email, me.brand)), title="QR code for the app"
    )
    return rendering.show(
        "console/app.html", title="Set up an authenticator app", flow=flow, fault=fault,
        secret=" ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
        symbol=b64encode(drawn.encode()).decode(),
    )  # fmt: skip


def _open(wrapped: str) -> str:
    raw = bytes.fromhex(wrapped)
    return unwrap(guard.staff_key(), raw, brand_id=guard.me().account_id, purpose="app", number="0").decode()


def _show_codes(codes: list[str]) -> str:
    return rendering.show("console/recovery_codes.html", title="Recovery codes", codes=codes)


def _note(session: Session, act: str, details: dict[str, object]) -> None:
    me = guard.me()
    audit.record(session, me.brand_id, me.actor, act, me.email, details, at=guard.now())


def _renew(session: Session, act: str, details: dict[str, object]) -> None:
    """Note a change of how this person signs in; the session goes on under a new secret."""
    _note(session, act, details)
    guard.set_session(staff_sessions.rotate(session, guard.signed(), random=runtime().random))
