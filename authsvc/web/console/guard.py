"""
The one door of the console: who asks, for which brand, and whether they may.

Denied is what was not declared: ``page`` names the role of a route, ``signed_in`` opens it to whoever has an account,
``open_to_all`` to everybody. A route without one of the three stops the application from starting (``check``), and
were it there all the same, it would not be answered.

The order is fixed: the form is ours, somebody is signed in, a brand is chosen, the role suffices, the proof is fresh.
"""

import hmac
import re
from base64 import urlsafe_b64decode
from binascii import Error as BadBase64
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

from flask import Blueprint, Flask, Response, current_app, g, redirect, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from authsvc import audit, staff, staff_sessions
from authsvc.core.wrapping import derive_key
from authsvc.desk import Desk
from authsvc.errors import BadConfig, Forbidden, ForeignForm, NotFound, ProofNeeded, SignInNeeded, Unavailable
from authsvc.staff import SECRET_BYTES, Role, hash_secret, spell
from authsvc.web import site
from authsvc.web.console import cookies
from authsvc.web.shell import Notice
from authsvc.web.site import runtime

PREFIX = "/console"
FORM_FIELD, FORM_HEADER = "form_token", "X-Form-Token"
_SAFE_NEXT = re.compile(r"/console(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)*(?:\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?")
_UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}

bp = Blueprint("console", __name__, url_prefix=PREFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """
    What a route says of itself. Without a ``role`` it needs an account and no brand; open, neither.

    ``most_bytes`` is there where files are sent: a larger body is read, of somebody who is signed in.
    """

    role: Role | None = None
    is_open: bool = False
    step_up: bool = False
    nav: str | None = None
    most_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Me:
    """Who is signed in, in the brand and role that were chosen."""

    account_id: UUID
    name: str
    email: str
    role: Role
    brand_id: UUID
    brand: str

    @property
    def actor(self) -> audit.Actor:
        """Who the log names."""
        return audit.Actor("staff", self.account_id, f"{self.name} <{self.email}>")

    def record(self, session: Session, act: str, subject: str, details: Mapping[str, Any] | None = None) -> None:
        """Note an act of this person in the log of the brand; see ``audit.record``."""
        audit.record(session, self.brand_id, self.actor, act, subject, details, at=now())


class Tone(StrEnum):
    """How a page tells what came of an act: the look of its notice, from good to bad."""

    DONE = "ok"
    NOTHING = "info"
    """Nothing was done, since there was nothing to do."""
    PARTLY = "warn"
    """Not all of it was done."""
    REFUSED = "bad"
    """It could not be done."""


DECLARED: dict[str, Declaration] = {}
"""By endpoint; the tests walk it."""

View = Callable[..., Any]


def page(
    rule: str, *, role: Role, methods: Sequence[str] = ("GET",), nav: str | None = None, step_up: bool = False,
    most_bytes: int | None = None,
) -> Callable[[View], View]:  # fmt: skip
    """Serve a page of a brand to those who have this role or a higher one; see the package."""
    return _declare(rule, methods, Declaration(role=role, nav=nav, step_up=step_up, most_bytes=most_bytes))


def signed_in(rule: str, *, methods: Sequence[str] = ("GET",), step_up: bool = False) -> Callable[[View], View]:
    """Serve a page to whoever is signed in, whether or not a brand was chosen."""
    return _declare(rule, methods, Declaration(step_up=step_up))


def open_to_all(rule: str, *, methods: Sequence[str] = ("GET",)) -> Callable[[View], View]:
    """Serve a page to everybody: the ways in."""
    return _declare(rule, methods, Declaration(is_open=True))


def check(app: Flask) -> None:
    """
    Refuse to start with a route of the console that does not say who may see it.

    Raises:
        BadConfig: There is one.
    """
    for rule in app.url_map.iter_rules():
        if (rule.rule == PREFIX or rule.rule.startswith(f"{PREFIX}/")) and rule.endpoint not in DECLARED:
            raise BadConfig(f"{rule.rule} does not declare who may see it (authsvc.web.console.page).")


def me() -> Me:
    """Return who is signed in, in their brand."""
    found: Me = g.me
    return found


def signed() -> staff_sessions.Signed:
    """Return the session of this request."""
    found: staff_sessions.Signed = g.signed
    return found


def own_account() -> Me:
    """
    Return who is signed in, where they may change the account that all of their brands share.

    Raises:
        Forbidden: The provider of one brand has vouched for them, which speaks for that brand alone.
    """
    if signed().bound_to is not None:
        raise Forbidden("Your company has signed you in. Sign in with a password or passkey to change the account.")
    return me()


def now() -> datetime:
    """Return the time of this request: the clock is read once."""
    if "now" not in g:
        g.now = runtime().now()
    at: datetime = g.now
    return at


def desk() -> Desk:
    """Return the way to the database."""
    found: Desk = current_app.extensions["authsvc.desk"]
    return found


def session() -> AbstractContextManager[Session]:
    """Open the transaction of a page: it sees the rows of the brand that was chosen, and commits at its end."""
    return desk().as_brand(me().brand_id)


def as_owners(session: Session) -> AbstractContextManager[Session]:
    """Let the transaction of a page act as the owner pages do, for a block; see ``Desk.as_owners_within``."""
    return desk().as_owners_within(session)


def team() -> list[staff.Member]:
    """Return who works in the brand, those who left among them; in a sandbox that is the team of its brand."""
    with desk().as_auth() as session:
        return staff.list_team(session, me().brand_id)


def team_ids() -> frozenset[UUID]:
    """Return the accounts of those who work in the brand now."""
    return frozenset(member.account_id for member in team() if member.deactivated_at is None)


def staff_key() -> bytes:
    """Return the key behind form tokens and what is kept of staff in hidden form."""
    return derive_key(runtime().config.secret, "staff")


# --- Forms -----------------------------------------------------------------------------------------------------------


def browser() -> str:
    """Return the form cookie: it names this browser, whether or not somebody is signed in."""
    found: str = g.browser
    return found


def form_token() -> str:
    """Return what every form of this browser and session has to bring back."""
    message = f"authsvc/form/1|{browser()}|{cookies.read(cookies.SESSION, request) or ''}"
    return spell(hmac.digest(staff_key(), message.encode(), "sha256"))


def safe_next(given: str | None) -> str:
    """Return where to go on to: a page of the console, whatever a link says."""
    return given if given and len(given) < 500 and _SAFE_NEXT.fullmatch(given) else f"{PREFIX}/"


# --- Answers ---------------------------------------------------------------------------------------------------------


def done(text: str, to: str, tone: Tone = Tone.DONE) -> BaseResponse:
    """Lead to a page of the console that says once what was done, or that it was not."""
    response = go(to)
    raw = f"{tone}|{text[:500]}".encode()
    cookies.put(response, cookies.NOTICE, f"{spell(raw)}.{_seal(raw)}", request)
    g.keeps_notice = True
    return response


def go(to: str) -> Response:
    """Lead to a page of the console."""
    response = redirect(safe_next(to), 303)
    assert isinstance(response, Response)
    return response


def notice() -> Notice | None:
    """Return what was just done or not done, once."""
    value, _, seal = request.cookies.get(cookies.name_of(cookies.NOTICE, request), "").partition(".")
    try:
        raw = urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except (BadBase64, ValueError):
        return None
    if not raw or not seal.isascii() or not hmac.compare_digest(_seal(raw), seal):
        return None
    told = raw.decode()
    tone, _, text = told.partition("|")
    # An earlier release wrote the text alone, and a notice may outlive an upgrade by a minute.
    return Notice(text=text, tone=Tone(tone)) if tone in {*Tone} else Notice(text=told, tone=Tone.DONE)


def set_session(secret: str) -> None:
    """Let the answer carry a new session secret."""
    g.new_session = secret


def end_session() -> None:
    """Let the answer take the session cookie away."""
    g.new_session = ""


def remember() -> str:
    """Return the part of an address that leads back here after a detour."""
    here = request.full_path.rstrip("?") if request.method == "GET" else _referring_path()
    return f"next={quote(safe_next(here), safe='')}"


def resolve() -> staff_sessions.Signed | None:
    """Return whose session the cookie of this request opens."""
    secret = cookies.read(cookies.SESSION, request)
    if secret is None:
        return None
    with desk().as_auth() as session:
        return staff_sessions.find(session, secret, now=now())


# --- The door --------------------------------------------------------------------------------------------------------


@bp.before_request
def _guard() -> BaseResponse | None:
    declared = DECLARED.get(request.endpoint or "")
    if declared is None:
        raise NotFound("There is no page at this address.")
    if not runtime().connections.is_available:
        # The scans have found that the database is away; nobody here needs to wait, and hold a thread, to learn it.
        raise Unavailable("The database does not answer. Try again in a few minutes.")
    _name_browser()
    if request.method in _UNSAFE:
        _check_form(declared)
    if declared.is_open:
        return None
    found = resolve()
    if found is None:
        return _to_sign_in()
    g.signed = found
    return _admit(found, declared)


@bp.after_request
def _finish(response: Response) -> Response:
    # Forms of this site send their origin under this policy; under no-referrer they would send none.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "no-store"
    response.headers.add("Vary", "Cookie")
    if g.get("is_new_browser"):
        cookies.put(response, cookies.FORM, g.browser, request)
    # What was refused was rolled back, and a new secret with it.
    if "new_session" in g and response.status_code < HTTPStatus.BAD_REQUEST:
        if g.new_session:
            cookies.put(response, cookies.SESSION, g.new_session, request)
        else:
            cookies.drop(response, cookies.SESSION, request)
    if g.get("has_shown_notice") and not g.get("keeps_notice"):
        cookies.drop(response, cookies.NOTICE, request)
    return response


def _admit(found: staff_sessions.Signed, declared: Declaration) -> BaseResponse | None:
    if declared.role is not None:
        member = _member(found)
        if member is None:
            return redirect(f"{PREFIX}/brands?{remember()}", 303)
        g.me = member
        if not member.role.may(declared.role):
            raise Forbidden(
                f"This needs the role {declared.role}, and yours is {member.role}. Ask an admin of the team."
            )
    if declared.step_up and not found.is_proved(now()):
        if request.method != "GET":
            raise ProofNeeded("Confirm first that it is you; then do this again. Nothing was changed.")
        return redirect(f"{PREFIX}/confirm?{remember()}", 303)
    return None


def _name_browser() -> None:
    given = cookies.read(cookies.FORM, request)
    g.browser = given or spell(runtime().random(SECRET_BYTES))
    g.is_new_browser = given is None


def _member(found: staff_sessions.Signed) -> Me | None:
    if found.brand_id is None or found.brand is None or found.role is None:
        return None
    return Me(
        account_id=found.account_id, name=found.name, email=found.email, role=found.role, brand_id=found.brand_id,
        brand=found.brand,
    )  # fmt: skip


def _declare(rule: str, methods: Sequence[str], declaration: Declaration) -> Callable[[View], View]:
    def declare(view: View) -> View:
        name = f"{view.__module__.rpartition('.')[2]}_{view.__name__}"
        endpoint = f"{bp.name}.{name}"
        if DECLARED.setdefault(endpoint, declaration) != declaration:
            raise BadConfig(f"{endpoint} is declared twice, and not alike.")
        bp.add_url_rule(rule, endpoint=name, view_func=view, methods=list(methods))
        return view

    return declare


def _check_form(declared: Declaration) -> None:
    """Accept a form that a page of ours has shown to this browser, and no other."""
    if declared.most_bytes is not None and resolve() is not None:
        # Before the form is read, which reads its files too; the body of a stranger stays as small as any.
        request.max_content_length = declared.most_bytes
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        raise ForeignForm("Another site has sent this form. Nothing was changed.")
    origin = request.headers.get("Origin")
    # A page that names no referrer sends "null"; the token below decides then.
    if origin not in {None, "null"} and urlsplit(origin).netloc != request.host:
        raise ForeignForm("Another site has sent this form. Nothing was changed.")
    given = request.headers.get(FORM_HEADER) or request.form.get(FORM_FIELD, "")
    site.check_fields(request.form)
    if g.is_new_browser or not given.isascii() or not hmac.compare_digest(form_token(), given):
        raise ForeignForm(
            "This form stood open for too long, or cookies are switched off. Reload the page and try again."
        )


def _to_sign_in() -> BaseResponse:
    if request.method in {"GET", "HEAD"} and "text/html" in request.headers.get("Accept", ""):
        return redirect(f"{PREFIX}/sign-in?{remember()}", 303)
    raise SignInNeeded("Nobody is signed in here, or the session has ended. Nothing was changed.")


def _referring_path() -> str:
    parts = urlsplit(request.headers.get("Referer", ""))
    return parts.path + (f"?{parts.query}" if parts.query else "") if parts.netloc == request.host else ""


def _seal(raw: bytes) -> str:
    return spell(hmac.digest(staff_key(), b"authsvc/notice/1|" + hash_secret(browser()) + raw, "sha256")[:16])
