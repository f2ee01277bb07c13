"""
"I bought this used", and it has an owner: we pass a request on, and each side learns an answer and nothing else.

Who asks has just scanned the item with this browser and confirms their address. The owner answers on the page of the
item: passes it on to them, gives it up, reports it stolen, or says nothing.
"""

from collections.abc import Callable
from uuid import UUID

from flask import request
from sqlalchemy.orm import Session

from authsvc import (
    conditions,
    languages,
    mails,
    offer_codes,
    owner_requests,
    owner_sessions,
    owners,
    ownership,
    transfers,
)
from authsvc.core import transfer_codes
from authsvc.core.verdicts import Disposition
from authsvc.errors import AlreadyRegistered, BadInput, Conflict, NotFound, TooManyRequests
from authsvc.investigations import Subject
from authsvc.languages import gettext as _
from authsvc.languages import later
from authsvc.owner_attempts import REQUEST_FROM_HERE, REQUEST_OF_ITEM
from authsvc.owner_requests import Kind, Request, State
from authsvc.owners import Person
from authsvc.web.own import door, handing, items, requesting
from authsvc.web.own.door import Page, bp
from authsvc.web.own.registering import Held, find_held, scan_first
from authsvc.web.site import runtime

_ANSWERS = {
    State.OFFERED: (
        later("it is offered to you"),
        later("The registered owner offers it to you. Open the offer within 72 hours with the item in your hand:"),
    ),
    State.RELEASED: (
        later("it is free"),
        later(
            "The registered owner no longer has it. "
            "Scan its label again and register it, with the warranty that is left:"
        ),
    ),
    State.REPORTED: (
        later("check its code again"),
        later(
            "The registered owner has answered. "
            "Check the code again before you do anything else, and follow what it says:"
        ),
    ),
}


@bp.get("/ask/<receipt_text>")
def ask_form(receipt_text: str) -> Page:
    """Show where somebody who bought an item used asks its owner."""
    held = find_held(receipt_text)
    return scan_first() if held is None else _form(held)


@bp.post("/ask/<receipt_text>")
def ask_owner(receipt_text: str) -> Page:
    """Send the mail that makes a request count; whether and whom it reaches is told to nobody."""
    held = find_held(receipt_text)
    if held is None:
        return scan_first()
    try:
        email = mails.parse_address(request.form.get("email", ""))
        with door.database(held.brand.id) as session:
            owner_requests.check_askable(session, held.subject, now=door.now())
    except (BadInput, Conflict) as error:
        return _form(held, fault=languages.of_error(error), status=error.status)
    count(held.subject)
    door.count_mail(email)
    with door.database(held.brand.id) as session:
        secret = requesting.make_link(session, held, owner_sessions.ASK, email)
        values = {"product": held.product.name, "link": door.link_to(f"/ask/confirm/{secret}")}
        door.send(session, held.brand.id, "owner-ask-confirm", email, values)
    return requesting.show_sent(held, email)


@bp.get("/ask/confirm/<secret>")
def show_asking(secret: str) -> Page:
    """Show what a link will do; opening it does nothing yet, for mail filters open links too."""
    found = door.get_link(owner_sessions.ASK, secret)
    return _confirmation(found.content)


@bp.post("/ask/confirm/<secret>")
def confirm_asking(secret: str) -> Page:
    """Pass the request on to the owner."""
    rt = runtime()
    found = door.get_link(owner_sessions.ASK, secret)
    content, brand = found.content, door.brand_of(found.brand_id)
    subject = requesting.subject_of(content)
    try:
        with door.database(brand.id) as session:
            asker = requesting.take_link(session, brand.id, owner_sessions.ASK, secret, content)
            made = owner_requests.ask(session, subject, Kind.USED, asker, id=rt.new_id(), now=door.now())
            if made.created_at == door.now():
                owner = owners.get(session, made.owner_id, key=rt.people_key)
                values = {
                    "product": handing.product_of(subject).name, "serial": content["serial"],
                    "link": door.link_to(f"/items/{made.registration_id}"),
                }  # fmt: skip
                with languages.speaking(owner.language):
                    door.send(session, brand.id, "owner-asked", owner.email, values)
    except (Conflict, AlreadyRegistered) as error:
        return _confirmation(content, fault=languages.of_error(error), status=error.status)
    return door.show("asked", brand, title=_("We have asked the owner"), days=owner_requests.ANSWER.days)


@bp.post("/requests/<uuid:request_id>/offer")
def answer_with_offer(request_id: UUID) -> Page:
    """Offer the item to who asks: they get the link of the offer, and the owner confirms them as any buyer."""

    def offer(session: Session, person: Person, found: Request, subject: Subject) -> tuple[State, str, str]:
        rt = runtime()
        made = transfers.offer(
            session, subject, person, found.registration_id, id=rt.new_id(), is_present=False, now=door.now(),
            new_id=rt.new_id,
        )  # fmt: skip
        code = offer_codes.keep(session, made, key=rt.people_key, now=door.now())
        taken = door.link_to(f"/take/{transfer_codes.normalise(code)}")
        return State.OFFERED, taken, f"/items/{found.registration_id}/sell"

    return _answer(request_id, offer)


@bp.post("/requests/<uuid:request_id>/release")
def answer_with_release(request_id: UUID) -> Page:
    """Give the item up, because somebody else has it by now."""

    def release(session: Session, person: Person, found: Request, subject: Subject) -> tuple[State, str, str]:
        if request.form.get("sure") != "yes":
            raise BadInput("Tick the box to say that you no longer have it.")
        if conditions.find(session, found.sgtin).disposition in {Disposition.LOST, Disposition.STOLEN}:
            raise Conflict("You have reported this item. Say first that you have it again.")
        transfers.check_release(session, subject, now=door.now())
        ownership.release(session, person, found.registration_id, now=door.now())
        return State.RELEASED, f"{runtime().config.base_url}/", ""

    return _answer(request_id, release)


@bp.post("/requests/<uuid:request_id>/ignore")
def ignore(request_id: UUID) -> Page:
    """Answer nothing: who asks is not told."""
    who = door.signed()
    with door.database(who.brand_id) as session:
        found = _get_mine(session, door.person(session, who), request_id)
        owner_requests.end(session, found.id, State.IGNORED, now=door.now())
    return door.go(f"/items/{found.registration_id}")


def count(subject: Subject) -> None:
    """
    Count a request that somebody wants to make; the item is not locked by it, and nobody else's either.

    Raises:
        TooManyRequests: Many came from here, or about this item.
    """
    counted = door.count((REQUEST_FROM_HERE, door.network()), (REQUEST_OF_ITEM, subject.sgtin))
    if counted.beyond:
        raise TooManyRequests("Many requests were made today from here or about this item. Try again tomorrow.")


def tell_ended(session: Session, ended: list[Request]) -> None:
    """Tell who has asked that the item was given up or reported, in the transaction of that."""
    for found in ended:
        if found.kind is Kind.USED:
            tell(session, found, f"{runtime().config.base_url}/")


def tell(session: Session, found: Request, link: str) -> None:
    """Tell who has asked what the owner has answered."""
    try:
        asker = owners.get(session, found.asker_id, key=runtime().people_key)
    except NotFound:
        return
    title, answer = _ANSWERS[found.state]
    product = handing.product_of(handing.subject_of(found.sgtin)).name
    with languages.speaking(asker.language):
        values = {"product": product, "title": _(title), "answer": _(answer), "link": link}
        door.send(session, found.brand_id, "owner-ask-answered", asker.email, values)


# --- Private ---------------------------------------------------------------------------------------------------------

_Act = Callable[[Session, Person, Request, Subject], tuple[State, str, str]]


def _answer(request_id: UUID, act: _Act) -> Page:
    who = door.signed()
    with door.database(who.brand_id) as session:
        person = door.person(session, who)
        found = _get_mine(session, person, request_id)
        try:
            state, link, to = act(session, person, found, handing.subject_of(found.sgtin))
        except BadInput as error:
            person, registered = items.get(session, who, found.registration_id)
            return items.show(
                person, registered, conditions.find(session, found.sgtin), unasked=languages.of_error(error)
            )
        done = owner_requests.end(session, found.id, state, now=door.now())
        tell(session, done, link)
    return door.go(to)


def _get_mine(session: Session, person: Person, request_id: UUID) -> Request:
    """
    Return a request that waits for the answer of a person.

    Raises:
        NotFound: It is none of theirs.
    """
    found = owner_requests.get(session, request_id)
    if found.owner_id != person.id or found.kind is not Kind.USED:
        raise NotFound("There is no such request.")
    return found


def _form(held: Held, *, fault: str | None = None, status: int = 200) -> Page:
    return door.show(
        "ask", held.brand, title=_("Ask its owner"), status=status, product=held.product, serial=held.serial,
        typed=request.form.get("email", "")[:200], fault=fault,
    )  # fmt: skip


def _confirmation(content: dict[str, str], *, fault: str | None = None, status: int = 200) -> Page:
    subject = requesting.subject_of(content)
    return door.show(
        "ask_confirm", subject.name.brand, title=_("Send your request"), status=status,
        product=handing.product_of(subject), serial=content["serial"], email=content["email"], fault=fault,
    )  # fmt: skip
