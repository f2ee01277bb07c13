"""Signing in as an owner: a link by mail, and the way out. Whether an address is known is told to nobody."""

from uuid import UUID

from flask import request

from authsvc import languages, mails, owner_sessions, owners
from authsvc.errors import BadInput
from authsvc.languages import gettext as _
from authsvc.web.own import cookies, door
from authsvc.web.own.door import Page, bp
from authsvc.web.site import runtime


@bp.get("/sign-in")
def sign_in_form() -> Page:
    """Show where a link is asked for."""
    return door.show("sign_in", None, title=_("Your items"), typed="", fault=None)


@bp.post("/sign-in")
def ask() -> Page:
    """Send a link to each brand's owner with this address; the answer is the same where there is none."""
    typed = request.form.get("email", "")
    try:
        email = mails.parse_address(typed)
    except BadInput as error:
        return door.show(
            "sign_in", None, title=_("Your items"), status=400, typed=typed[:200], fault=languages.of_error(error)
        )
    door.count_mail(email)
    rt = runtime()
    with door.database() as session:
        for person in owners.find_everywhere(session, list(rt.held.register.brands), email, key=rt.people_key):
            content = {"owner": str(person.id)}
            secret = owner_sessions.make_link(
                session, person.brand_id, owner_sessions.SIGN_IN, content, now=door.now(), random=rt.random
            )
            link = door.link_to(f"/sign-in/{secret}")
            door.send(session, person.brand_id, "owner-sign-in", person.email, {"link": link})
    return door.show(
        "sent",
        None,
        title=_("Look into your mail"),
        email=email,
        needs_code=False,
        receipt=None,
        hours=None,
        minutes=15,
    )


@bp.get("/sign-in/<secret>")
def arrive(secret: str) -> Page:
    """Show the button that uses a link up; mail filters open links too."""
    found = door.get_link(owner_sessions.SIGN_IN, secret)
    return door.show("arrive", door.brand_of(found.brand_id), title=_("Open your items"))


@bp.post("/sign-in/<secret>")
def enter(secret: str) -> Page:
    """Use a link up and sign its owner in."""
    with door.database() as session:
        found = owner_sessions.take_link(session, owner_sessions.SIGN_IN, secret, now=door.now())
        person = owners.get(session, UUID(found.content["owner"]), key=runtime().people_key)
        door.sign_in(session, person.brand_id, person.id)
    return door.go("")


@bp.post("/sign-out")
def leave() -> Page:
    """Sign out."""
    secret = cookies.read(cookies.SESSION, request)
    if secret is not None:
        with door.database() as session:
            owner_sessions.end(session, secret)
    door.sign_out()
    return door.go("/sign-in")
