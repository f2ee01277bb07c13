"""
The mailbox of an item is lost: who shows claim code and proof of purchase asks the brand to move the item to them.

The old address is told and can stop it with one link, also after the fourteen days, until the brand has decided. Tries
of the code are counted as those of a registration.
"""

from uuid import UUID

from flask import request
from sqlalchemy.orm import Session

from authsvc import (
    languages,
    mails,
    owner_files,
    owner_requests,
    owner_sessions,
    owners,
    registrations,
    uploads,
)
from authsvc.errors import AlreadyRegistered, BadInput, Conflict, NotFound, TooLarge, TooManyRequests, WrongClaimCode
from authsvc.languages import gettext as _
from authsvc.owner_attempts import CODE_FROM_HERE, CODE_OF_ITEM
from authsvc.owner_requests import Kind, Request
from authsvc.web.own import asking, door, handing, requesting
from authsvc.web.own.door import Page, bp
from authsvc.web.own.registering import Held, field_of, find_held, scan_first
from authsvc.web.site import runtime


@bp.get("/recover/<receipt_text>")
def recovery_form(receipt_text: str) -> Page:
    """Show what somebody brings who has lost the mailbox of an item."""
    held = find_held(receipt_text)
    return scan_first() if held is None else _form(held)


@bp.post("/recover/<receipt_text>")
@door.takes_files
def recover(receipt_text: str) -> Page:
    """Look at code and file, and send the mail that makes the request count."""
    held = find_held(receipt_text)
    if held is None:
        return scan_first()
    try:
        email = mails.parse_address(request.form.get("email", ""))
        with door.database(held.brand.id) as session:
            owner_requests.check_askable(session, held.subject, now=door.now())
        _check_code(held)
        proof = door.get_file()
    except (BadInput, TooLarge, Conflict, WrongClaimCode) as error:
        return _form(held, fault=error)
    asking.count(held.subject)
    door.count_mail(email)
    rt = runtime()
    with door.database(held.brand.id) as session:
        secret = requesting.make_link(session, held, owner_sessions.RECOVER, email)
        owner_files.keep_with_link(session, held.brand.id, secret, proof, random=rt.random)
        values = {"product": held.product.name, "serial": held.serial,
                  "link": door.link_to(f"/recover/confirm/{secret}")}  # fmt: skip
        door.send(session, held.brand.id, "owner-recover-confirm", email, values)
    return requesting.show_sent(held, email)


@bp.get("/recover/confirm/<secret>")
def show_recovery(secret: str) -> Page:
    """Show what a link will do; opening it does nothing yet, for mail filters open links too."""
    found = door.get_link(owner_sessions.RECOVER, secret)
    return _confirmation(found.content)


@bp.post("/recover/confirm/<secret>")
def confirm_recovery(secret: str) -> Page:
    """Begin the wait, and tell the old address how to stop it."""
    rt = runtime()
    found = door.get_link(owner_sessions.RECOVER, secret)
    content, brand = found.content, door.brand_of(found.brand_id)
    subject = requesting.subject_of(content)
    try:
        with door.database(brand.id) as session:
            proof = owner_files.find_with_link(session, brand.id, secret)
            asker = requesting.take_link(session, brand.id, owner_sessions.RECOVER, secret, content)
            made = owner_requests.ask(session, subject, Kind.MAILBOX, asker, id=rt.new_id(), now=door.now())
            assert proof is not None  # no such link is made without a file
            if made.created_at == door.now():
                owner_files.add(
                    session, asker, made.id, proof, key=rt.people_key, random=rt.random, new_id=rt.new_id,
                    now=door.now(),
                )  # fmt: skip
                _tell(session, made, asker.email)
            door.sign_in(session, brand.id, asker.id)
    except (Conflict, AlreadyRegistered) as error:
        return _confirmation(content, fault=languages.of_error(error), status=error.status)
    return door.go("")


@bp.get("/stop/<secret>")
def show_stop(secret: str) -> Page:
    """Show what is asked, and the button that stops it."""
    link = door.get_link(owner_sessions.STOP, secret)
    brand = door.brand_of(link.brand_id)
    with door.database(brand.id) as session:
        found = owner_requests.get(session, UUID(link.content["request"]))
    subject = handing.subject_of(found.sgtin)
    return door.show(
        "stop", brand, title=_("Is it still yours?"), product=handing.product_of(subject), serial=subject.name.serial,
        found=found, due=languages.day(found.due_at),
    )  # fmt: skip


@bp.post("/stop/<secret>")
def stop(secret: str) -> Page:
    """Stop a request for whoever has the old mailbox."""
    link = door.get_link(owner_sessions.STOP, secret)
    brand = door.brand_of(link.brand_id)
    with door.database(brand.id) as session:
        owner_sessions.take_link(session, owner_sessions.STOP, secret, now=door.now())
        _stop(session, UUID(link.content["request"]))
    return door.show("stopped", brand, title=_("It stays yours"))


@bp.post("/requests/<uuid:request_id>/stop")
def stop_signed_in(request_id: UUID) -> Page:
    """Stop a request for the owner who is signed in."""
    who = door.signed()
    with door.database(who.brand_id) as session:
        found = owner_requests.get(session, request_id)
        if found.owner_id != who.owner_id or found.kind is not Kind.MAILBOX:
            raise NotFound("There is no such request.")
        _stop(session, request_id)
    return door.go(f"/items/{found.registration_id}")


# --- Private ---------------------------------------------------------------------------------------------------------


def _check_code(held: Held) -> None:
    """
    Look at the claim code, counted before; the right one is not counted.

    Raises:
        WrongClaimCode: It is another, or none.
        TooManyRequests: Many wrong ones were tried. No count locks the item: this way is closed for a while alone.
    """
    code = request.form.get("code", "").strip()
    if not code:
        raise WrongClaimCode("Type the claim code. It is under the scratch field or inside the box.")
    counted = door.count((CODE_FROM_HERE, f"{held.subject.sgtin}|{door.network()}"), (CODE_OF_ITEM, held.subject.sgtin))
    if counted.beyond:
        raise TooManyRequests("Many claim codes that do not match were tried for this item. Try again tomorrow.")
    with door.database(held.brand.id) as session:
        registrations.check_code(session, held.subject, code, keys=door.keys())
    door.give_back(counted)


def _tell(session: Session, made: Request, email: str) -> None:
    rt, subject = runtime(), handing.subject_of(made.sgtin)
    owner = owners.get(session, made.owner_id, key=rt.people_key)
    secret = owner_sessions.make_link(
        session, made.brand_id, owner_sessions.STOP, {"request": str(made.id)}, now=door.now(), random=rt.random
    )
    name = handing.product_of(subject).name
    with languages.speaking(owner.language):
        notice = {"product": name, "serial": subject.name.serial, "day": languages.day(made.due_at),
                  "link": door.link_to(f"/stop/{secret}")}  # fmt: skip
        door.send(session, made.brand_id, "owner-recover-notice", owner.email, notice)
    waits = {"product": name, "day": languages.day(made.due_at), "link": door.link_to("")}
    door.send(session, made.brand_id, "owner-recover-waits", email, waits)


def _stop(session: Session, request_id: UUID) -> None:
    rt = runtime()
    found = owner_requests.get(session, request_id)
    subject = handing.subject_of(found.sgtin)
    done = owner_requests.stop(session, subject, found.id, now=door.now(), new_id=rt.new_id)
    try:
        asker = owners.get(session, done.asker_id, key=rt.people_key)
    except NotFound:
        return
    with languages.speaking(asker.language):
        values = {
            "product": handing.product_of(subject).name, "title": _("the owner has stopped your request"),
            "answer": _(
                "Whoever has the old mailbox says that it is theirs. Contact the brand if you think otherwise."
            ),
            "link": door.link_to(""),
        }  # fmt: skip
        door.send(session, done.brand_id, "owner-recover-decided", asker.email, values)


def _form(held: Held, *, fault: BadInput | TooLarge | Conflict | WrongClaimCode | None = None) -> Page:
    said = None if fault is None else str(fault)
    return door.show(
        "recover", held.brand, title=_("Have you lost its mailbox?"), status=200 if fault is None else fault.status,
        product=held.product, serial=held.serial, days=owner_requests.WAIT.days,
        typed={name: request.form.get(name, "")[:200] for name in ("email", "code")},
        fault=None if fault is None else languages.of_error(fault),
        field_of_fault=None if said is None else "code" if isinstance(fault, WrongClaimCode) else field_of(said),
        megabytes=uploads.MOST_BYTES // 2**20,
    )  # fmt: skip


def _confirmation(content: dict[str, str], *, fault: str | None = None, status: int = 200) -> Page:
    subject = requesting.subject_of(content)
    return door.show(
        "recover_confirm", subject.name.brand, title=_("Send your request"), status=status,
        product=handing.product_of(subject), serial=content["serial"], email=content["email"],
        days=owner_requests.WAIT.days, fault=fault,
    )  # fmt: skip
