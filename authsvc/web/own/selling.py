"""Selling: the owner offers an item, shows its code, sees who accepts, masked, and confirms or withdraws."""

from uuid import UUID

from flask import request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from authsvc import conditions, handovers, offer_codes, ownership, symbol_pictures, symbols, transfers
from authsvc.core import transfer_codes
from authsvc.core.verdicts import Disposition
from authsvc.errors import BadInput, NotFound, TooManyRequests
from authsvc.handovers import Handover, State
from authsvc.languages import gettext as _
from authsvc.owner_attempts import OFFER_OF_PERSON
from authsvc.owners import Person
from authsvc.ownership import Registered
from authsvc.web import pages
from authsvc.web.own import door, handing
from authsvc.web.own.door import Page, bp
from authsvc.web.site import runtime


@bp.get("/items/<uuid:registration_id>/sell")
def sell(registration_id: UUID) -> Page:
    """Show how an item is passed on, or where its open offer stands."""
    who = door.signed()
    with door.database(who.brand_id) as session:
        person = door.person(session, who)
        held = ownership.get_of(session, person, registration_id, key=runtime().people_key, now=door.now())
        if held is None:
            return _to_transfer(session, person, registration_id)
        found = handovers.find_open(session, held.sgtin, now=door.now())
        condition = conditions.find(session, held.sgtin)
        latest = handovers.find_latest(session, held.sgtin, now=door.now())
        if found is not None and found.state is State.ACCEPTED:
            return door.go(f"/transfers/{found.id}")
    waits = latest if latest is not None and latest.is_unsettled(door.now()) else None
    return _page(person, held, found, condition, waits)


@bp.post("/items/<uuid:registration_id>/offer")
def offer(registration_id: UUID) -> Page:
    """Make an offer; the form that is sent twice makes one."""
    who = door.signed()
    how = request.form.get("how", "")
    if how not in {"link", "present"}:
        raise BadInput("Say whether the buyer is with you or gets a link.")
    offer_id = UUID(bytes=handing.key_of("offer")[:16], version=4)
    counted = door.count((OFFER_OF_PERSON, str(who.owner_id)))
    if counted.beyond:
        raise TooManyRequests("You have made {most} offers in the last hour. Wait an hour.", most=OFFER_OF_PERSON.most)
    rt = runtime()
    with door.database(who.brand_id) as session:
        person = door.person(session, who)
        held = ownership.get_of(session, person, registration_id, key=rt.people_key, now=door.now())
        if held is None:
            return _to_transfer(session, person, registration_id)
        made = transfers.offer(
            session, handing.subject_of(held.sgtin), person, registration_id, id=offer_id,
            is_present=how == "present", now=door.now(), new_id=rt.new_id,
        )  # fmt: skip
        offer_codes.keep(session, made, key=rt.people_key, now=door.now())
    return door.go(f"/items/{registration_id}/sell")


@bp.post("/transfers/<uuid:transfer_id>/confirm")
def confirm_buyer(transfer_id: UUID) -> Page:
    """Let the buyer have the item: the very one whom the page has shown."""
    who, rt = door.signed(), runtime()
    try:
        buyer_id = UUID(request.form.get("buyer", ""))
    except ValueError:
        raise BadInput("This form is not complete. Go back, reload the page and try again.") from None
    with door.database(who.brand_id) as session:
        person = door.person(session, who)
        found = handovers.get_of(session, person, transfer_id, now=door.now())
        done = transfers.confirm(
            session, handing.subject_of(found.sgtin), transfer_id, person, buyer_id=buyer_id, now=door.now(),
            new_id=rt.new_id,
        )  # fmt: skip
        if done.completed_at == door.now():
            handing.tell_moved(session, handing.sides(session, done))
    return door.go(f"/transfers/{transfer_id}")


@bp.post("/transfers/<uuid:transfer_id>/cancel")
def withdraw(transfer_id: UUID) -> Page:
    """Withdraw an offer, or refuse who has accepted it; they are told."""
    who = door.signed()
    with door.database(who.brand_id) as session:
        person = door.person(session, who)
        found = handovers.get_of(session, person, transfer_id, now=door.now())
        done = transfers.cancel(session, handing.subject_of(found.sgtin), transfer_id, person, now=door.now())
        if done.ended_at == door.now():
            both = handing.sides(session, done)
            handing.tell(session, both, "owner-offer-ended", both.buyer, by="seller")
    return door.go(f"/transfers/{transfer_id}")


# --- Private ---------------------------------------------------------------------------------------------------------


def _to_transfer(session: Session, person: Person, registration_id: UUID) -> BaseResponse:
    """Lead whoever has passed the item on to what became of it."""
    found = handovers.find_by_registration(session, person, registration_id, now=door.now())
    if found is None:
        raise NotFound("You have no item at this address. It may belong to somebody else by now.")
    return door.go(f"/transfers/{found.id}")


def _page(
    person: Person,
    held: Registered,
    found: Handover | None,
    condition: conditions.Condition,
    waits: Handover | None,
) -> Page:
    subject = handing.subject_of(held.sgtin)
    product = handing.product_of(subject)
    code = link = picture = None
    if found is not None:
        code = transfer_codes.transfer_code(runtime().people_key, found.brand_id, found.id)
        link = door.link_to(f"/take/{code}")
        picture = symbol_pictures.svg(symbols.symbol(link), title=_("Code of your offer"))
    return door.show(
        "sell",
        door.brand_of(person.brand_id),
        title=_("Your offer is open") if found else _("Sell or give away your {item}").format(item=product.noun),
        registered=held,
        product=product,
        serial=subject.name.serial,
        found=found,
        expires=found and pages.moment(found.expires_at),
        code=code and transfer_codes.display(code),
        link=link,
        picture=picture,
        is_gone=condition.disposition in {Disposition.LOST, Disposition.STOLEN},
        is_closed=condition.disposition in {Disposition.BLOCKED, Disposition.DESTROYED},
        waits=waits,
        waits_until=waits and waits.dispute_until and pages.moment(waits.dispute_until),
        key=handing.fresh_key(),
    )
