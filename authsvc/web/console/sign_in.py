"""
The ways in: password and second factor, invitations, the proof before a grave act, and the way out.

Whether an account exists, and whether it has a second factor, is told to nobody who does not know its password.
"""

from datetime import datetime
from uuid import UUID

from flask import Response, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from authsvc import audit, catalogue, passwords, staff, staff_attempts, staff_proofs, staff_sessions
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.staff_proofs import Credentials
from authsvc.web import visitors
from authsvc.web.console import agents, guard, rendering
from authsvc.web.site import runtime

_WRONG = "E-mail address or password is not right."
Page = str | tuple[str, int] | BaseResponse


@guard.open_to_all("/sign-in")
def form() -> Page:
    """Show the way in; who is signed in already goes on."""
    to = guard.safe_next(request.args.get("next"))
    return guard.go(to) if guard.resolve() is not None else _form(to)


@guard.open_to_all("/sign-in", methods=["POST"])
def submit() -> Page:
    """Take e-mail address and password."""
    to = guard.safe_next(request.form.get("next"))
    email, password = request.form.get("email", ""), request.form.get("password", "")
    counted = count_try(email.strip().lower())
    with guard.desk().as_auth() as session:
        found = staff_proofs.find(session, email)
    # Between two transactions: the slow hash holds no connection.
    if not passwords.is_right(None if found is None else found.password_hash, password) or found is None:
        return _form(to, email=email, fault=_WRONG), 401
    with guard.desk().as_auth() as session:
        staff_attempts.give_back(session, counted)
        if not found.has_second_factor:
            return welcome(session, found.account_id, "password", to)
        flow = staff_sessions.begin_flow(
            session, "second", guard.browser(), account_id=found.account_id, data={"next": to}, now=guard.now(),
            random=runtime().random,
        )  # fmt: skip
    return _second_form(flow, found, to)


@guard.open_to_all("/sign-in/second", methods=["POST"])
def second() -> Page:
    """Take the code of the app, or a recovery code."""
    flow, code = request.form.get("flow", ""), request.form.get("code", "")
    with guard.desk().as_auth() as session:
        pending = staff_sessions.find_flow(session, "second", flow, guard.browser(), now=guard.now())
        if pending is None or pending.account_id is None:
            raise NotFound("This step of signing in was used or took too long. Begin again.")
        found = staff_proofs.get(session, pending.account_id)
    counted = count_try(f"code|{found.email}")
    with guard.desk().as_auth() as session:
        if staff_proofs.use_code(session, found.account_id, code, key=guard.staff_key(), now=guard.now()):
            staff_sessions.take_flow(session, "second", flow, guard.browser(), now=guard.now())
            staff_attempts.give_back(session, counted)
            return welcome(session, found.account_id, "password and code", str(pending.data["next"]))
    return _second_form(
        flow, found, str(pending.data["next"]), fault="This code is not right, or was used before."
    ), 401


@guard.open_to_all("/sign-out", methods=["POST"])
def leave() -> Page:
    """End the session, here and on the server."""
    found = guard.resolve()
    if found is not None:
        with guard.desk().as_auth() as session:
            staff_sessions.end(session, found.id, found.account_id, now=guard.now())
            if found.brand_id is not None:
                actor = audit.Actor("staff", found.account_id, f"{found.name} <{found.email}>")
                audit.record(session, found.brand_id, actor, "staff.sign-out", found.email, at=guard.now())
    guard.end_session()
    return guard.go("/console/sign-in")


# --- Invitations -----------------------------------------------------------------------------------------------------


@guard.open_to_all("/invitation/<secret>")
def invitation(secret: str) -> Page:
    """Show whom an invitation is for, and how to accept it."""
    return _invitation(secret)


@guard.open_to_all("/invitation/<secret>", methods=["POST"])
def accept(secret: str) -> Page:
    """Join the team: with a new account, or with the password of the one that is there."""
    password = request.form.get("password", "")
    with guard.desk().as_auth() as session:
        invited = staff.get_invitation(session, secret, now=guard.now())
        known = staff_proofs.find(session, invited.email)
    if known is not None:
        return _accept_as(secret, known, password)
    if password != request.form.get("again", ""):
        return _invitation(secret, fault="The two passwords differ. Type the same one twice."), 400
    try:
        with guard.desk().as_auth() as session:
            account_id = staff.open_account(
                session, invited.email, request.form.get("name", ""), password, now=guard.now(),
                new_id=runtime().new_id,
            )  # fmt: skip
            _join(session, invited, account_id, request.form.get("name", ""))
            return welcome(session, account_id, "password", "/console/")
    except (BadInput, Conflict) as error:
        return _invitation(secret, fault=str(error)), 400


@guard.open_to_all("/reset/<secret>")
def reset(secret: str) -> Page:
    """Show the form behind a one-time link of ``authsvc staff reset``."""
    return _reset(secret)


@guard.open_to_all("/reset/<secret>", methods=["POST"])
def set_password(secret: str) -> Page:
    """Take a new password, once."""
    password = request.form.get("password", "")
    if password != request.form.get("again", ""):
        return _reset(secret, fault="The two passwords differ. Type the same one twice."), 400
    try:
        with guard.desk().as_auth() as session:
            kept = staff_sessions.take_flow(
                session, staff_sessions.RESET, secret, staff_sessions.RESET, now=guard.now()
            )
            assert kept.account_id is not None  # of this kind of flow
            staff_proofs.set_password(session, kept.account_id, password)
            return welcome(session, kept.account_id, "password", "/console/account")
    except BadInput as error:
        return _reset(secret, fault=str(error)), 400


# --- The proof before a grave act -------------------------------------------------------------------------------------


@guard.signed_in("/confirm")
def confirm() -> Page:
    """Ask once more who is there."""
    return _confirm_form(guard.safe_next(request.args.get("next")))


@guard.signed_in("/confirm", methods=["POST"])
def prove() -> Page:
    """Take the password again, and a code where the account has an app."""
    to, me = guard.safe_next(request.form.get("next")), guard.signed()
    counted = count_try(me.email)
    with guard.desk().as_auth() as session:
        found = staff_proofs.get(session, me.account_id)
    if not passwords.is_right(found.password_hash, request.form.get("password", "")):
        return _confirm_form(to, fault="The password is not right."), 401
    with guard.desk().as_auth() as session:
        code = request.form.get("code", "")
        if found.has_totp and not staff_proofs.use_code(
            session, me.account_id, code, key=guard.staff_key(), now=guard.now()
        ):
            return _confirm_form(to, fault="This code is not right, or was used before."), 401
        staff_attempts.give_back(session, counted)
        guard.set_session(staff_sessions.prove(session, me, now=guard.now(), random=runtime().random))
    return guard.go(to)


# --- Shared with the other ways in ------------------------------------------------------------------------------------


def count_try(account: str) -> staff_attempts.Counted:
    """Count one try to prove who somebody is, for the account and for the network."""
    network = visitors.limit_key(visitors.client_address(request.environ, runtime().config.proxy_hops))
    with guard.desk().as_auth() as session:
        return staff_attempts.count(session, guard.staff_key(), account=account, network=network, now=guard.now())


def welcome(session: Session, account_id: UUID, method: str, to: str) -> Response:
    """Sign somebody in: a new session with a new secret, in their brand when there is only one."""
    rt = runtime()
    agent = agents.describe(request.headers.get("User-Agent", ""))
    secret = staff_sessions.start(
        session, account_id, method=method, agent=agent, now=guard.now(), new_id=rt.new_id, random=rt.random
    )
    only = staff_sessions.only(staff_sessions.list_places(session, account_id))
    if only is not None:
        signed = staff_sessions.find(session, secret, now=guard.now())
        assert signed is not None  # it was started a moment ago
        secret, _ = enter(session, signed, only.brand_id)
    guard.set_session(secret)
    return guard.go(to)


def welcome_by_provider(
    session: Session, account_id: UUID, brand_id: UUID, to: str, *, proved_at: datetime | None
) -> Response:
    """Sign somebody in for one brand, for which its identity provider has vouched; the proof is as old as it says."""
    rt, now = runtime(), guard.now()
    agent = agents.describe(request.headers.get("User-Agent", ""))
    secret = staff_sessions.start(
        session, account_id, method=staff_sessions.SSO, agent=agent, now=now, new_id=rt.new_id, random=rt.random,
        proved_at=proved_at or now - staff_sessions.PROOF_LIFE, bound_to=brand_id,
    )  # fmt: skip
    signed = staff_sessions.find(session, secret, now=now)
    assert signed is not None  # it was started a moment ago
    secret, _ = enter(session, signed, brand_id)
    guard.set_session(secret)
    return guard.go(to)


def enter(session: Session, signed: staff_sessions.Signed, brand_id: UUID) -> tuple[str, staff_sessions.Place]:
    """Let a session act for a brand, and note it in the log of that brand."""
    secret, place = staff_sessions.choose(session, signed, brand_id, random=runtime().random)
    actor = audit.Actor("staff", signed.account_id, f"{signed.name} <{signed.email}>")
    details = {"method": signed.method, "role": place.role.value}
    audit.record(session, brand_id, actor, "staff.sign-in", signed.email, details, at=guard.now())
    return secret, place


# --- Private ---------------------------------------------------------------------------------------------------------


def _form(to: str, *, email: str = "", fault: str | None = None) -> str:
    return rendering.show_plain("console/sign_in.html", title="Sign in", next=to, email=email[:200], fault=fault)


def _second_form(flow: str, found: Credentials, to: str, *, fault: str | None = None) -> str:
    return rendering.show_plain(
        "console/second.html", title="Second step", flow=flow, has_totp=found.has_totp,
        has_passkeys=found.passkeys > 0, next=to, fault=fault,
    )  # fmt: skip


def _confirm_form(to: str, *, fault: str | None = None) -> str:
    with guard.desk().as_auth() as session:
        found = staff_proofs.get(session, guard.signed().account_id)
        bound_to = guard.signed().bound_to
        slug = "" if bound_to is None else catalogue.get_slug(session, bound_to)
    return rendering.show_plain(
        "console/confirm.html", title="Confirm that it is you", next=to, email=found.email, fault=fault,
        has_password=found.password_hash is not None, has_totp=found.has_totp, has_passkeys=found.passkeys > 0,
        is_bound=bound_to is not None, slug=slug,
    )  # fmt: skip


def _invitation(secret: str, *, fault: str | None = None) -> str:
    with guard.desk().as_auth() as session:
        invited = staff.get_invitation(session, secret, now=guard.now())
        is_known = staff_proofs.find(session, invited.email) is not None
    return rendering.show_plain(
        "console/invitation.html", title=f"Join the team of {invited.brand}", invited=invited, is_known=is_known,
        role_text=staff.ROLE_TEXTS[invited.role], shortest=passwords.SHORTEST, secret=secret,
        name=request.form.get("name", "")[:200], fault=fault,
    )  # fmt: skip


def _reset(secret: str, *, fault: str | None = None) -> str:
    with guard.desk().as_auth() as session:
        kept = staff_sessions.find_flow(session, staff_sessions.RESET, secret, staff_sessions.RESET, now=guard.now())
        if kept is None or kept.account_id is None:
            raise NotFound("This link was used or has expired. Ask for a new one.")
        found = staff_proofs.get(session, kept.account_id)
    return rendering.show_plain(
        "console/reset.html", title="Set a new password", secret=secret, email=found.email, fault=fault,
        shortest=passwords.SHORTEST,
    )  # fmt: skip


def _accept_as(secret: str, known: Credentials, password: str) -> Page:
    counted = count_try(known.email)
    if not passwords.is_right(known.password_hash, password):
        return _invitation(secret, fault="The password is not right."), 401
    with guard.desk().as_auth() as session:
        staff_attempts.give_back(session, counted)
        invited = staff.get_invitation(session, secret, now=guard.now())
        _join(session, invited, known.account_id, known.name)
        if not known.has_second_factor:
            return welcome(session, known.account_id, "password", "/console/brands")
        flow = staff_sessions.begin_flow(
            session, "second", guard.browser(), account_id=known.account_id, data={"next": "/console/brands"},
            now=guard.now(), random=runtime().random,
        )  # fmt: skip
    return _second_form(flow, known, "/console/brands")


def _join(session: Session, invited: staff.Invitation, account_id: UUID, name: str) -> None:
    staff.accept(session, invited, account_id, now=guard.now())
    actor = audit.Actor("staff", account_id, f"{' '.join(name.split())} <{invited.email}>")
    details = {"role": invited.role.value, "invited_by": invited.invited_by}
    audit.record(session, invited.brand_id, actor, "staff.join", invited.email, details, at=guard.now())
