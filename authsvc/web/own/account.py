"""The account of an owner: another address, confirmed by both mailboxes; passkeys; what is kept, to take along."""

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from flask import request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from authsvc import languages, mails, owner_changes, owner_exports, owner_passkeys, owner_sessions, owners
from authsvc.ceremonies import Site
from authsvc.errors import BadInput, Conflict, TooManyRequests
from authsvc.languages import gettext as _
from authsvc.owner_attempts import KEY_FROM_HERE
from authsvc.owners import Person
from authsvc.web import downloads
from authsvc.web.own import door
from authsvc.web.own.door import Page, bp
from authsvc.web.site import runtime

Json = dict[str, Any]


@bp.get("/account")
def account() -> Page:
    """Show the address, the passkeys, and the ways to take one's data along and to be forgotten."""
    return _page()


@bp.post("/account/address")
def want_address() -> Page:
    """Send a link to the old mailbox and one to the new; nothing changes before both were followed."""
    who, rt = door.signed(), runtime()
    try:
        email = mails.parse_address(request.form.get("email", ""))
        door.count_mail(email)
        with door.database(who.brand_id) as session:
            person = door.person(session, who)
            wanted = owner_changes.begin(
                session, person, email, id=rt.new_id(), key=rt.people_key, random=rt.random, now=door.now()
            )
            for side, to in ((owner_changes.OLD, person.email), (owner_changes.NEW, email)):
                content = {"change": str(wanted.id), "side": side}
                secret = owner_sessions.make_link(
                    session, who.brand_id, owner_sessions.CHANGE, content, now=door.now(), random=rt.random
                )
                values = {"masked": owners.mask(email), "link": door.link_to(f"/address/{secret}")}
                door.send(session, who.brand_id, f"owner-change-{side}", to, values)
    except BadInput as error:
        return _page(fault=languages.of_error(error))
    return door.show(
        "address_sent", door.brand_of(who.brand_id), title=_("Open both mails"), old=person.email, new=email
    )  # fmt: skip


@bp.get("/address/<secret>")
def show_address(secret: str) -> Page:
    """Show what a link will do; opening it does nothing yet, for mail filters open links too."""
    return _confirmation(secret)


@bp.post("/address/<secret>")
def confirm_address(secret: str) -> Page:
    """Let one mailbox agree; with the second the address changes, and both are told."""
    rt = runtime()
    link = door.get_link(owner_sessions.CHANGE, secret)
    try:
        with door.database(link.brand_id) as session:
            owner_sessions.take_link(session, owner_sessions.CHANGE, secret, now=door.now())
            done = owner_changes.confirm(
                session, UUID(link.content["change"]), link.content["side"], key=rt.people_key, random=rt.random,
                now=door.now(),
            )  # fmt: skip
            if done.is_done:
                values = {"masked": owners.mask(done.email), "link": door.link_to("/sign-in")}
                for to in (done.person.email, done.email):
                    door.send(session, link.brand_id, "owner-changed", to, values)
    except Conflict as error:
        return _confirmation(secret, fault=languages.of_error(error), status=error.status)
    return door.show(
        "address_done", door.brand_of(link.brand_id),
        title=_("Your items have a new address") if done.is_done else _("One mailbox has agreed"), is_done=done.is_done,
    )  # fmt: skip


@bp.get("/account/export.zip")
def export() -> Response:
    """Hand out everything that is kept of a person, as they may take it elsewhere."""
    who, rt = door.signed(), runtime()
    with door.database(who.brand_id) as session:
        person = door.person(session, who)
        content = owner_exports.write(session, person, door.brand_of(who.brand_id), key=rt.people_key, now=door.now())
    return downloads.download(f"my-items-{door.now():%Y-%m-%d}.zip", "application/zip", content)


# --- Passkeys: JSON, for the script of the page ----------------------------------------------------------------------


@bp.post("/passkey/options")
def passkey_options() -> Json:
    """Return a challenge for whoever wants to sign in."""
    _count()
    rt = runtime()
    with door.database() as session:
        challenge = owner_passkeys.ask(
            session, owner_passkeys.SIGN_IN, door.browser(), key=rt.people_key, random=rt.random, now=door.now()
        )
    return {"options": owner_passkeys.request_options(_site(), challenge=challenge)}


@bp.post("/passkey/sign-in")
def enter_by_passkey() -> Json:
    """Sign somebody in by their passkey."""
    _count()
    rt = runtime()
    with door.database() as session:
        challenge = owner_passkeys.take(
            session, owner_passkeys.SIGN_IN, door.browser(), key=rt.people_key, now=door.now()
        )
    with door.database() as session:
        brand_id, owner_id = owner_passkeys.authenticate(
            session, _site(), _answer(), challenge=challenge, now=door.now()
        )
        owners.get(session, owner_id, key=rt.people_key)
        door.sign_in(session, brand_id, owner_id)
    return {"to": "/own"}


@bp.post("/account/passkeys/options")
def new_passkey_options() -> Json:
    """Return what a new passkey is made with."""
    who, rt = door.signed(), runtime()
    brand = door.brand_of(who.brand_id)
    with door.database(who.brand_id) as session:
        challenge = owner_passkeys.ask(
            session, owner_passkeys.NEW, f"{door.browser()}|{who.owner_id}", key=rt.people_key, random=rt.random,
            now=door.now(),
        )  # fmt: skip
        asked = owner_passkeys.creation_options(
            session, door.person(session, who), _site(), service=brand.name, challenge=challenge
        )
    return {"options": asked}


@bp.post("/account/passkeys")
def add_passkey() -> Json:
    """Keep a new passkey, and tell its owner by mail."""
    who, rt = door.signed(), runtime()
    with door.database(who.brand_id) as session:
        challenge = owner_passkeys.take(
            session, owner_passkeys.NEW, f"{door.browser()}|{who.owner_id}", key=rt.people_key, now=door.now()
        )
    with door.database(who.brand_id) as session:
        person = door.person(session, who)
        owner_passkeys.register(session, person, _site(), _answer(), challenge=challenge, now=door.now())
        _tell_of_passkey(session, person, "added")
    return {"to": "/own/account"}


@bp.post("/account/passkeys/<key_id>/remove")
def remove_passkey(key_id: str) -> Page:
    """Forget a passkey, and tell its owner by mail."""
    who = door.signed()
    with door.database(who.brand_id) as session:
        person = door.person(session, who)
        owner_passkeys.remove(session, person, key_id)
        _tell_of_passkey(session, person, "removed")
    return door.go("/account#passkeys")


# --- Private ---------------------------------------------------------------------------------------------------------


def _page(*, fault: str | None = None) -> Page:
    who = door.signed()
    with door.database(who.brand_id) as session:
        person = door.person(session, who)
        keys = owner_passkeys.list_keys(session, person)
    return door.show(
        "account", door.brand_of(who.brand_id), title=_("Your account"), status=200 if fault is None else 400,
        email=person.email, keys=keys, typed=request.form.get("email", "")[:200], fault=fault,
    )  # fmt: skip


def _tell_of_passkey(session: Session, person: Person, what: str) -> None:
    """Tell an owner by mail what became of a passkey, in their language: a script does not say in which it was done."""
    with languages.speaking(person.language):
        values = {"what": what, "day": languages.day(door.now()), "link": door.link_to("/sign-in")}
        door.send(session, person.brand_id, "owner-passkey", person.email, values)


def _confirmation(secret: str, *, fault: str | None = None, status: int = 200) -> Page:
    rt = runtime()
    link = door.get_link(owner_sessions.CHANGE, secret)
    with door.database(link.brand_id) as session:
        found = owner_changes.get(session, UUID(link.content["change"]), key=rt.people_key, now=door.now())
    is_new = link.content["side"] == owner_changes.NEW
    return door.show(
        "address_confirm", door.brand_of(link.brand_id), title=_("Another address for your items"), status=status,
        old=found.person.masked if is_new else found.person.email,
        new=found.email if is_new else owners.mask(found.email), fault=fault,
    )  # fmt: skip


def _count() -> None:
    """
    Count a try with a passkey.

    Raises:
        TooManyRequests: Many came from here.
    """
    if door.count((KEY_FROM_HERE, door.network())).beyond:
        raise TooManyRequests("Passkeys were tried often here in the last hour. Sign in by mail, or wait an hour.")


def _answer() -> Json:
    body = request.get_json(silent=True)
    answer = body.get("answer") if isinstance(body, dict) else None
    if not isinstance(answer, dict):
        raise BadInput("The answer of the browser is missing.")
    return answer


def _site() -> Site:
    """Return the site that a browser must name: that of AUTHSVC_BASE_URL, whatever a request says."""
    parts = urlsplit(runtime().config.base_url)
    return Site(host=parts.hostname or "", origin=f"{parts.scheme}://{parts.netloc}")
