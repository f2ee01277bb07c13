"""
What every owner page needs: forms that are ours, who is signed in, the way to the database, the mail.

The order is fixed: the form is ours, then somebody is signed in where the page asks for it. A page that shows a secret
link never sends where it came from to anybody, and is kept by no cache.
"""

import hmac
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from http import HTTPStatus
from typing import Any, TypeVar
from uuid import UUID

from flask import Blueprint, Response, current_app, g, redirect, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from authsvc import languages, mails, owner_attempts, owner_files, owner_sessions, owners, uploads
from authsvc.core import units
from authsvc.core.register import Brand
from authsvc.core.wrapping import derive_key
from authsvc.errors import AuthsvcError, BadInput, ForeignForm, SignInNeeded, TooManyRequests, Unavailable
from authsvc.owner_attempts import FILE_FROM_HERE, FILE_OF_ANYBODY, MAIL_FROM_HERE, MAIL_TO_ADDRESS, Counted, Limit
from authsvc.owner_sessions import Link, Signed
from authsvc.owners import Person
from authsvc.registrations import Keys
from authsvc.staff import SECRET_BYTES, spell
from authsvc.uploads import Upload
from authsvc.web import looks, pages, site, visitors
from authsvc.web.own import cookies
from authsvc.web.site import count_write, runtime
from authsvc.web.wire import BULK_BYTES

PREFIX = "/own"
FORM_FIELD, FORM_HEADER = "form_token", "X-Form-Token"

bp = Blueprint("own", __name__, url_prefix=PREFIX)

Page = str | tuple[str, int] | BaseResponse


def now() -> datetime:
    """Return the time of this request: the clock is read once."""
    if "now" not in g:
        g.now = runtime().now()
    at: datetime = g.now
    return at


def database(brand_id: UUID | None = None) -> AbstractContextManager[Session]:
    """Open the transaction of a page, for the items of one brand or for none; it commits at the end of the block."""
    found: AbstractContextManager[Session] = current_app.extensions["authsvc.desk"].as_owners(brand_id)
    return found


def keys() -> Keys:
    """Return the keys that ownership needs."""
    rt = runtime()
    return Keys(wrapping=rt.wrapping_key, people=rt.people_key)


def show(template: str, brand: Brand | None, *, title: str, status: int = 200, **values: Any) -> tuple[str, int]:
    """Render a page of owners."""
    shown = pages.own(
        template, brand=brand.name if brand else None, css_url=looks.url(brand.look if brand else None),
        logo=looks.logo(brand.look if brand else None), title=title, form_token=form_token(), contact=pages.link_of(
            brand.contact if brand else None
        ), **values,
    )  # fmt: skip
    return shown, status


def go(to: str) -> Response:
    """Lead to a page of owners."""
    response = redirect(f"{PREFIX}{to}", 303)
    assert isinstance(response, Response)
    return response


def link_to(path: str) -> str:
    """Return the address of a page as a mail has it."""
    spoken = languages.now_spoken()
    address = f"{runtime().config.base_url}{PREFIX}{path}"
    return languages.carried(address, spoken.language.code) if spoken.is_chosen else address


# --- Who -------------------------------------------------------------------------------------------------------------


def signed() -> Signed:
    """
    Return who is signed in.

    Raises:
        SignInNeeded: Nobody is.
    """
    secret = cookies.read(cookies.SESSION, request)
    found = None
    if secret is not None:
        with database() as session:
            found = owner_sessions.find(session, secret, now=now())
    if found is None:
        raise SignInNeeded("Nobody is signed in here, or it was too long ago.")
    return found


def person(session: Session, who: Signed) -> Person:
    """Return the person who is signed in."""
    return owners.get(session, who.owner_id, key=runtime().people_key)


def brand_of(brand_id: UUID) -> Brand:
    """
    Return a brand that this process knows.

    Raises:
        Unavailable: It has not been read yet.
    """
    brand = runtime().held.register.brands.get(brand_id)
    if brand is None:
        raise Unavailable("The register is not read yet. Try again in a moment.")
    return brand


def get_link(kind: str, secret: str) -> Link:
    """
    Return what a link of a mail is about; it stays good, for mail filters open links too.

    Raises:
        LinkSpent: It was used, has expired, or never was one.
    """
    with database() as session:
        return owner_sessions.get_link(session, kind, secret, now=now())


def sign_in(session: Session, brand_id: UUID, owner_id: UUID) -> None:
    """Sign somebody in: the answer carries a new session, and the old one ends."""
    if (old := cookies.read(cookies.SESSION, request)) is not None:
        owner_sessions.end(session, old)
    g.new_session = owner_sessions.start(session, brand_id, owner_id, now=now(), random=runtime().random)


def sign_out() -> None:
    """Let the answer take the session cookie away."""
    g.new_session = ""


# --- Limits and mail -------------------------------------------------------------------------------------------------


def count(*tries: tuple[Limit, str]) -> Counted:
    """Count tries, in a transaction that is over before what is tried is looked at."""
    with database() as session:
        return owner_attempts.count(session, derive_key(runtime().people_key, "attempts"), tries, now=now())


def give_back(counted: Counted) -> None:
    """Take a try off again that was right."""
    with database() as session:
        owner_attempts.give_back(session, counted)


def network() -> str:
    """Return what counts as one network."""
    return visitors.limit_key(visitors.client_address(request.environ, runtime().config.proxy_hops))


def count_mail(email: str) -> None:
    """
    Count a mail that somebody asks for.

    Raises:
        TooManyRequests: This network has asked for many, or this address was sent many.
    """
    counted = count((MAIL_FROM_HERE, network()), (MAIL_TO_ADDRESS, email.lower()))
    if counted.beyond:
        raise TooManyRequests(
            "Many mails were asked for in the last hour. Look into your spam folder, or wait an hour."
        )


def send(session: Session, brand_id: UUID, template: str, to: str, values: Mapping[str, Any]) -> None:
    """Queue a mail, in the language that is spoken, in the transaction of the act that it tells of."""
    rt = runtime()
    if "serial" in values:
        values = {**values, "serial": units.shown(values["serial"])}
    draft = mails.Draft(
        id=rt.new_id(), brand_id=brand_id, template=template, to=to, values=values, language=languages.spoken().code
    )
    mails.enqueue(session, draft, seal_key=rt.mail_key, nonce=rt.random(12), now=now())


TAKES_FILES: set[str] = set()
"""The endpoints whose form may carry a file; every other form is small."""

TAKES_LISTS: set[str] = set()
"""The endpoints whose form may carry a list of codes."""

Function = TypeVar("Function", bound=Callable[..., Any])


def takes_files(view: Function) -> Function:
    """Let the form of a page carry a proof of purchase."""
    TAKES_FILES.add(f"{bp.name}.{view.__name__}")
    return view


def takes_lists(view: Function) -> Function:
    """Let the form of a page carry a list of a thousand codes."""
    TAKES_LISTS.add(f"{bp.name}.{view.__name__}")
    return view


def get_file(*, limit: Limit = FILE_FROM_HERE, who: str | None = None) -> Upload:
    """
    Return the proof of purchase that a form has to carry; raises as ``find_file`` does.

    Raises:
        BadInput: None was chosen.
    """
    found = find_file(limit=limit, who=who)
    if found is None:
        raise BadInput("Choose your proof of purchase: a receipt, an invoice or a contract with the seller.")
    return found


def find_file(*, limit: Limit = FILE_FROM_HERE, who: str | None = None) -> Upload | None:
    """
    Return the proof of purchase that came with a form, checked, or None where none was chosen.

    It is counted before it is looked at: to draw a picture anew costs more than all else that a form does.

    Raises:
        BadInput: It is of no kind that is taken, or damaged.
        TooLarge: It is too large.
        TooManyRequests: Many came from here.
    """
    given = request.files.get("proof")
    if given is None or not given.filename:
        return None
    content = given.read(uploads.MOST_BYTES + 1)
    # The second bounds what strangers can fill the database with before anybody has confirmed an address.
    beyond = count((limit, who or network()), (FILE_OF_ANYBODY, "")).beyond
    if limit.name in beyond:
        raise TooManyRequests("{most} files were sent from here in the last hour. Wait an hour.", most=limit.most)
    if beyond:
        raise TooManyRequests("Very many files came in today. Go on without one and add it tomorrow on your page.")
    return uploads.check(given.filename, content, allowed=owner_files.ALLOWED)


def browser() -> str:
    """Return what ties forms and their keys to this browser."""
    found: str = g.browser
    return found


# --- Forms -----------------------------------------------------------------------------------------------------------


def form_token() -> str:
    """Return what every form of this browser has to bring back."""
    signed_in = "|".join(cookies.read(kind, request) or "" for kind in (cookies.SESSION, cookies.DEALER))
    message = f"authsvc/own-form/1|{g.browser}|{signed_in}"
    return spell(hmac.digest(derive_key(runtime().people_key, "forms"), message.encode(), "sha256"))


@bp.before_request
def _guard() -> None:
    if not runtime().connections.is_available:
        raise Unavailable("The database does not answer. Nothing was changed. Try again in a few minutes.")
    given = cookies.read(cookies.FORM, request)
    g.browser = given or spell(runtime().random(SECRET_BYTES))
    g.is_new_browser = given is None
    if request.method == "POST":
        if request.endpoint in TAKES_FILES:
            count_write()
            request.max_content_length = uploads.MOST_BYTES + 64 * 1024
            request.max_form_memory_size = 64 * 1024
        elif request.endpoint in TAKES_LISTS:
            count_write()
            request.max_content_length = request.max_form_memory_size = BULK_BYTES
        _check_form()


def _check_form() -> None:
    """Accept a form that a page of ours has shown to this browser, and no other."""
    site.check_fields(request.form)
    # A script sends the token in a header, which no form of another site can.
    token = request.headers.get(FORM_HEADER) if request.is_json else request.form.get(FORM_FIELD, "")
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        raise ForeignForm("Another site has sent this form. Nothing was changed.")
    if g.is_new_browser or token is None or not token.isascii() or not hmac.compare_digest(form_token(), token):
        raise ForeignForm(
            "This form stood open for too long, or cookies are switched off. Go back, reload the page and try again."
        )


@bp.after_request
def _finish(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    request.close()  # A large file lies on the disk of this machine until then.
    if g.get("is_new_browser"):
        cookies.put(response, cookies.FORM, g.browser, request)
    # What was refused was rolled back, and a new session with it.
    if "new_session" in g and response.status_code < HTTPStatus.BAD_REQUEST:
        cookies.put(response, cookies.SESSION, g.new_session, request)
    if "new_dealer_session" in g and response.status_code < HTTPStatus.BAD_REQUEST:
        cookies.put(response, cookies.DEALER, g.new_dealer_session, request)
    return response


@bp.errorhandler(SignInNeeded)
def _to_sign_in(error: SignInNeeded) -> BaseResponse:
    if request.method in {"GET", "HEAD"}:
        return redirect(PREFIX + g.get("sign_in_at", "/sign-in"), 303)
    # What is raised in here would pass for a fault of ours: every other refusal is told at the same place.
    tell: Any = current_app.error_handler_spec[None][None][AuthsvcError]
    answer: BaseResponse = tell(error)
    return answer
