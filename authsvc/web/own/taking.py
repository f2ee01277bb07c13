"""
Taking over: the buyer opens an offer, shows that they hold the item, gives an address, and accepts.

That they hold it shows in one of two ways: this very browser has scanned the label not long ago, or they type what
stands on it. The page of an offer therefore never shows the serial number. Wrong codes are counted before anything is
looked at, for the network that sends them; no count ever locks an offer or an item.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import request
from sqlalchemy.orm import Session

from authsvc import handovers, languages, mails, offer_codes, owner_sessions, owners, ownership, transfers
from authsvc.core import transfer_codes, units
from authsvc.core.clones import Place
from authsvc.core.register import Brand
from authsvc.errors import BadDigitalLink, BadInput, LinkSpent, TooManyRequests, TransferOver, WrongTransferCode
from authsvc.handovers import Handover
from authsvc.investigations import Subject
from authsvc.languages import gettext as _
from authsvc.offer_codes import Pointer
from authsvc.owner_attempts import ITEM_OF_OFFER, TRANSFER_CODE_FROM_HERE
from authsvc.owner_sessions import Signed
from authsvc.owners import Person
from authsvc.web import lookups, pages, visitors
from authsvc.web.own import cookies, door, handing
from authsvc.web.own.door import Page, bp
from authsvc.web.site import runtime

SCANNED_WITHIN = timedelta(hours=1)
"""How old a scan may be: a repeat is not counted for half an hour, so the last that counts may be that much older."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What the page of an offer knows of the item and its history."""

    handover: Handover
    registered_at: datetime
    number_of_owners: int
    warranty_until: Any
    is_flagged: bool
    has_scanned: bool


@bp.get("/take")
def code_form() -> Page:
    """Show where a transfer code is typed."""
    return door.show("take_code", None, title=_("Take over an item"), typed="", fault=None)


@bp.post("/take")
def type_code() -> Page:
    """Lead to the offer of a code."""
    typed = request.form.get("code", "")
    try:
        _find(typed)
    except WrongTransferCode as error:
        return door.show(
            "take_code",
            None,
            title=_("Take over an item"),
            status=error.status,
            typed=typed[:60],
            fault=languages.of_error(error),
        )
    return door.go(f"/take/{transfer_codes.normalise(typed)}")


@bp.get("/take/<code>")
def open_offer(code: str) -> Page:
    """Show an offer: what it is about, what is known, and what accepting it does."""
    try:
        pointer = _find(code)
    except WrongTransferCode as error:
        return door.show(
            "take_code",
            None,
            title=_("Take over an item"),
            status=error.status,
            typed=code[:60],
            fault=languages.of_error(error),
        )
    return _offer_page(pointer)


@bp.post("/take/<code>")
def accept(code: str) -> Page:
    """Accept at once where the buyer is signed in, else send the mail that makes it count."""
    pointer = _find(code)
    rt, brand, subject = runtime(), door.brand_of(pointer.brand_id), handing.subject_of(pointer.sgtin)
    key_hash = handing.key_of("accept")
    me = _signed_in(brand)
    with door.database(brand.id) as session:
        handover = handovers.get(session, pointer.sgtin, pointer.transfer_id, now=door.now())
    is_mine = me is not None and handover.buyer_id == me.owner_id
    if not handover.is_open and not is_mine:
        handovers.check_over(handover)
    if handover.state is handovers.State.ACCEPTED and not is_mine:
        return _offer_page(pointer, status=TransferOver.status)
    try:
        visitor = _check_holds(pointer, request.form.get("item", ""))
        email = "" if me is not None else mails.parse_address(request.form.get("email", ""))
    except (BadInput, BadDigitalLink) as error:
        return _offer_page(pointer, fault=languages.of_error(error), status=error.status)
    if me is not None:
        seen = transfers.Seen(visitor=visitor, place=_place())
        with door.database(brand.id) as session:
            done = _accept(session, subject, pointer, door.person(session, me), seen, key_hash)
        return door.go(_after(done))
    door.count_mail(email)
    product = handing.product_of(subject)
    content = {
        "sgtin": pointer.sgtin, "transfer": str(pointer.transfer_id), "email": email,
        "visitor": visitor.hex() if visitor else "",
    }  # fmt: skip
    with door.database(brand.id) as session:
        secret = owner_sessions.make_link(
            session, brand.id, owner_sessions.TAKE, content, now=door.now(), random=rt.random
        )
        values = {"product": product.name, "link": door.link_to(f"/take/confirm/{secret}"),
                  "until": pages.moment(handover.expires_at)}  # fmt: skip
        door.send(session, brand.id, "owner-take", email, values)
    return door.show(
        "take_sent", brand, title=_("Open the link in your mail"), email=email, code=transfer_codes.normalise(code),
        expires=pages.moment(handover.expires_at),
    )  # fmt: skip


@bp.get("/take/confirm/<secret>")
def show_taking(secret: str) -> Page:
    """Show what a link will do; opening it does nothing yet, for mail filters open links too."""
    found = door.get_link(owner_sessions.TAKE, secret)
    return _confirmation(found.brand_id, found.content)


@bp.post("/take/confirm/<secret>")
def take(secret: str) -> Page:
    """Accept for whoever has the mail, and sign them in; sent twice, it is answered twice alike."""
    rt, key_hash = runtime(), handing.key_of("take")
    try:
        found = door.get_link(owner_sessions.TAKE, secret)
    except LinkSpent:
        return _again(key_hash)
    content, brand = found.content, door.brand_of(found.brand_id)
    pointer = Pointer(brand.id, content["sgtin"], UUID(content["transfer"]))
    seen = transfers.Seen(visitor=bytes.fromhex(content["visitor"]) or None, place=_place())
    try:
        with door.database(brand.id) as session:
            owner_sessions.take_link(session, owner_sessions.TAKE, secret, now=door.now())
            person = owners.get_or_add(
                session, brand.id, content["email"], key=rt.people_key, now=door.now(), new_id=rt.new_id,
                random=rt.random, language=languages.spoken().code,
            )  # fmt: skip
            done = _accept(session, handing.subject_of(pointer.sgtin), pointer, person, seen, key_hash)
            door.sign_in(session, brand.id, person.id)
    except LinkSpent:
        return _again(key_hash)
    return door.go(_after(done))


@bp.post("/transfers/<uuid:transfer_id>/decline")
def decline(transfer_id: UUID) -> Page:
    """Take an acceptance back; the seller is told."""
    who = door.signed()
    with door.database(who.brand_id) as session:
        person = door.person(session, who)
        found = handovers.get_of(session, person, transfer_id, now=door.now())
        done = transfers.decline(session, handing.subject_of(found.sgtin), transfer_id, person, now=door.now())
        if done.ended_at == door.now():
            both = handing.sides(session, done)
            handing.tell(session, both, "owner-offer-ended", both.seller, by="buyer")
    return door.go(f"/transfers/{transfer_id}")


# --- Private ---------------------------------------------------------------------------------------------------------


def _find(code: str) -> Pointer:
    return handing.find_offer(code, (TRANSFER_CODE_FROM_HERE, door.network()))


def _signed_in(brand: Brand) -> Signed | None:
    """Return who is signed in here as an owner of a brand."""
    secret = cookies.read(cookies.SESSION, request)
    if secret is None:
        return None
    with door.database() as session:
        found = owner_sessions.find(session, secret, now=door.now())
    return found if found is not None and found.brand_id == brand.id else None


def _visitor(sgtin: str) -> bytes | None:
    rt = runtime()
    cookie = visitors.visitor_cookie(request.environ, rt.random)
    return None if cookie.is_new else visitors.pseudonym(rt.visitor_key, sgtin, cookie.cookie)


def _has_scanned(session: Session, sgtin: str, visitor: bytes | None) -> bool:
    """Say whether this browser has scanned the item not long ago."""
    if visitor is None:
        return False
    return handovers.has_scanned(session, sgtin, visitor, since=door.now() - SCANNED_WITHIN)


def _check_holds(pointer: Pointer, typed: str) -> bytes | None:
    """
    Accept a proof that the buyer has the item before them, and return their browser as the clone rules know it.

    Raises:
        BadInput: There is none, or what was typed is another item.
    """
    visitor = _visitor(pointer.sgtin)
    with door.database(pointer.brand_id) as session:
        if _has_scanned(session, pointer.sgtin, visitor):
            return visitor
    if not typed.strip():
        raise BadInput("Scan the label of the item with this phone, or type the serial number that stands on it.")
    counted = door.count((ITEM_OF_OFFER, f"{pointer.transfer_id}|{door.network()}"))
    if counted.beyond:
        raise TooManyRequests("Many numbers that do not match were tried. Scan the label instead, or wait an hour.")
    if not _is_item(pointer.sgtin, typed.strip()):
        raise BadInput(
            "This is not the item of the offer. Compare the serial number. If the label really differs, do not pay."
        )
    door.give_back(counted)
    return visitor


def _is_item(sgtin: str, typed: str) -> bool:
    """Say whether somebody typed the serial number of an item, or the number or link of its label."""
    serial = sgtin.partition(".")[2]
    if (unit := units.split(serial)) is not None:
        return "".join(typed.split()).upper() == unit[1]
    if "".join(typed.split()).upper() == serial.upper():
        return True
    try:
        link = lookups.read(typed)
    except BadDigitalLink:
        return False
    return link.serial is not None and link.sgtin == sgtin


def _accept(
    session: Session, subject: Subject, pointer: Pointer, person: Person, seen: transfers.Seen, key_hash: bytes
) -> Handover:
    """Accept, tell both, and note the key: all in one transaction."""
    done = transfers.accept(
        session, subject, pointer.transfer_id, person, seen=seen, now=door.now(), new_id=runtime().new_id
    )
    if done.accepted_at == door.now():
        both = handing.sides(session, done)
        if done.completed_at is not None:
            handing.tell_moved(session, both)
        else:
            handing.tell(session, both, "owner-accepted", both.seller, buyer=person.masked, until=done.expires_at)
    offer_codes.record_done(session, key_hash, done, person.id, now=door.now())
    return done


def _again(key_hash: bytes) -> Page:
    """
    Answer an act that was done before as it was answered then, to the browser whose form it was.

    Raises:
        LinkSpent: It was another form.
    """
    with door.database() as session:
        done = offer_codes.find_done(session, key_hash, now=door.now())
    if done is None:
        raise LinkSpent("This link was used already, or it is too old. Open the offer again.")
    pointer, owner_id = done
    with door.database(pointer.brand_id) as session:
        handover = handovers.get(session, pointer.sgtin, pointer.transfer_id, now=door.now())
        door.sign_in(session, pointer.brand_id, owner_id)
    return door.go(_after(handover))


def _after(done: Handover) -> str:
    return f"/items/{done.given_id}?new=1" if done.given_id else f"/transfers/{done.id}"


def _place() -> Place:
    rt = runtime()
    place, _ = rt.locate(visitors.client_address(request.environ, rt.config.proxy_hops))
    return place


def _read(session: Session, pointer: Pointer) -> Offered | None:
    handover = handovers.get(session, pointer.sgtin, pointer.transfer_id, now=door.now())
    present = ownership.find_present(session, pointer.sgtin, now=door.now())
    if present is None:
        return None
    return Offered(
        handover=handover,
        registered_at=present.registered_at,
        number_of_owners=ownership.count_owners(session, pointer.sgtin, now=door.now()),
        warranty_until=present.warranty and present.warranty.ends_on,
        is_flagged=handovers.is_flagged(session, pointer.sgtin),
        has_scanned=_has_scanned(session, pointer.sgtin, _visitor(pointer.sgtin)),
    )


def _offer_page(pointer: Pointer, *, fault: str | None = None, status: int = 200) -> Page:
    brand = door.brand_of(pointer.brand_id)
    me = _signed_in(brand)
    with door.database(brand.id) as session:
        found = _read(session, pointer)
        email = None if me is None else door.person(session, me).email
    if found is None:
        raise WrongTransferCode("The seller has given up this item. Scan its label: you can register it yourself.")
    handover = found.handover
    if me is not None and handover.accepted_at is not None and handover.buyer_id == me.owner_id:
        return door.go(f"/transfers/{handover.id}")
    if not handover.is_open:
        handovers.check_over(handover)
    product = handing.product_of(handing.subject_of(pointer.sgtin))
    return door.show(
        "take",
        brand,
        title=_("This {item} is offered to you").format(item=product.noun),
        status=status,
        product=product,
        found=found,
        handover=handover,
        is_taken=handover.state is handovers.State.ACCEPTED,
        is_own=me is not None and me.owner_id == handover.seller_id,
        since=pages.month(found.registered_at),
        expires=pages.moment(handover.expires_at),
        email=email,
        typed={name: request.form.get(name, "")[:200] for name in ("email", "item")},
        fault=fault,
        field_of_fault=None if fault is None else "email" if "e-mail" in fault else "item",
        key=handing.fresh_key(),
    )


def _confirmation(brand_id: UUID, content: dict[str, Any]) -> Page:
    brand, subject = door.brand_of(brand_id), handing.subject_of(content["sgtin"])
    with door.database(brand_id) as session:
        handover = handovers.get(session, content["sgtin"], UUID(content["transfer"]), now=door.now())
    handovers.check_over(handover)
    return door.show(
        "take_confirm", brand, title=_("Accept the offer"), product=handing.product_of(subject),
        serial=subject.name.serial, email=content["email"], handover=handover,
        expires=pages.moment(handover.expires_at), key=handing.fresh_key(),
    )  # fmt: skip
