"""What the pages of both sides of a transfer share: the item, the mails, how a handover is told, the keys of forms."""

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import request
from sqlalchemy.orm import Session

from authsvc import dealers, handovers, languages, offer_codes, owners
from authsvc.core.register import Product
from authsvc.errors import BadInput, NotFound, TooManyRequests
from authsvc.handovers import Handover, State
from authsvc.investigations import Subject
from authsvc.languages import gettext as _
from authsvc.languages import later
from authsvc.offer_codes import Pointer, hash_key
from authsvc.owner_attempts import Limit
from authsvc.owners import Person
from authsvc.staff import spell
from authsvc.web import pages
from authsvc.web.own import door
from authsvc.web.own.door import Page, bp
from authsvc.web.site import runtime

_KEY = re.compile(r"[A-Za-z0-9_-]{22}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """A transfer with its people, as far as they are known still; or the dealer who takes the item into stock."""

    handover: Handover
    seller: Person | None
    buyer: Person | None
    dealer: str | None = None

    @property
    def taker(self) -> str | None:
        """Who has accepted, as the seller may know them: a person masked, a dealer by its name."""
        return self.dealer if self.buyer is None else self.buyer.masked


def subject_of(sgtin: str) -> Subject:
    """Return the item that is stored under a key."""
    gtin, _, serial = sgtin.partition(".")
    return Subject.of(runtime().held, gtin, serial)


def find_offer(code: str, tries: tuple[Limit, str]) -> Pointer:
    """
    Return the offer that a transfer code is of: counted before it is looked up, and taken off again where it was right.

    Raises:
        TooManyRequests: Too many codes that were none have been tried.
        WrongTransferCode: It is that of no offer.
    """
    counted = door.count(tries)
    if counted.beyond:
        raise TooManyRequests(
            "{most} transfer codes that do not match were tried here in the last hour. "
            "The offer is not locked: wait an hour, or use another network.",
            most=tries[0].most,
        )
    with door.database() as session:
        pointer = offer_codes.find(session, code, key=runtime().people_key)
    door.give_back(counted)
    return pointer


def product_of(subject: Subject) -> Product:
    """
    Return the product of an item.

    Raises:
        NotFound: It is in the register no more.
    """
    if subject.product is None:
        raise NotFound("This product is not in the register any more.")
    return subject.product


def fresh_key() -> str:
    """Return the key of a form that is shown now; sent twice, it is one act."""
    return spell(runtime().random(16))


def key_of(act: str) -> bytes:
    """
    Return under what the act of this form is known.

    Raises:
        BadInput: The form has none.
    """
    given = request.form.get("key", "")
    if not _KEY.fullmatch(given):
        raise BadInput("This form is not complete. Go back, reload the page and try again.")
    return hash_key(runtime().people_key, act, door.browser(), given)


def sides(session: Session, handover: Handover) -> Sides:
    """Return a transfer with its people."""
    return Sides(
        handover=handover, seller=_find(session, handover.seller_id), buyer=_find(session, handover.buyer_id),
        dealer=None if handover.dealer_id is None else dealers.name_of(session, handover.dealer_id),
    )  # fmt: skip


def tell(session: Session, found: Sides, template: str, to: Person | None, **values: str | datetime | None) -> None:
    """Tell somebody of a transfer by mail and in their language, in the transaction of what they are told of."""
    if to is None:
        return
    subject = subject_of(found.handover.sgtin)
    with languages.speaking(to.language):
        said = {
            "product": product_of(subject).name, "serial": subject.name.serial,
            "link": door.link_to(f"/transfers/{found.handover.id}"),
            **{name: _in_words(value) for name, value in values.items()},
        }  # fmt: skip
        door.send(session, found.handover.brand_id, template, to.email, said)


def tell_moved(session: Session, found: Sides) -> None:
    """Tell both that the item has moved, and until when they can dispute it."""
    until = found.handover.dispute_until or door.now()
    buyer = found.taker or later("somebody")
    seller = later("its owner") if found.seller is None else found.seller.masked
    tell(session, found, "owner-sold", found.seller, buyer=buyer, until=until)
    tell(session, found, "owner-bought", found.buyer, seller=seller, until=until)


@bp.get("/transfers/<uuid:transfer_id>")
def transfer(transfer_id: UUID) -> Page:
    """Show either side what happened when, and what they can do about it."""
    who = door.signed()
    with door.database(who.brand_id) as session:
        person = door.person(session, who)
        found = sides(session, handovers.get_of(session, person, transfer_id, now=door.now()))
    return show(person, found)


def show(person: Person, found: Sides, *, fault: str | None = None, status: int = 200) -> Page:
    """Render the page of a transfer for one side."""
    handover = found.handover
    subject = subject_of(handover.sgtin)
    side = handover.side_of(person)
    return door.show(
        "transfer",
        door.brand_of(handover.brand_id),
        title=_title(handover, side),
        status=status,
        handover=handover,
        side=side,
        masked=(found.dealer if side == "seller" else None)
        or _masked(found.buyer if side == "seller" else found.seller),
        product=product_of(subject),
        serial=subject.name.serial,
        may_dispute=handover.may_dispute(door.now()) or (handover.state is State.DISPUTED),
        steps=steps(handover),
        expires=pages.moment(handover.expires_at),
        until=handover.dispute_until and pages.moment(handover.dispute_until),
        fault=fault,
        typed=request.form.get("said", "")[:1200] if fault else "",
    )


def entry(person: Person, handover: Handover) -> dict[str, object]:
    """Return a transfer as a list shows it to one side."""
    subject = subject_of(handover.sgtin)
    return {
        "href": f"/own/transfers/{handover.id}",
        "product": product_of(subject).name,
        "said": _title(handover, handover.side_of(person)),
        "tone": "warn" if handover.state in {State.ACCEPTED, State.DISPUTED} else "info",
    }


def steps(handover: Handover) -> list[tuple[str, str]]:
    """Word what happened when, the first first."""
    ends = {
        State.CANCELLED: _("Withdrawn by the seller"),
        State.DECLINED: _("Given up by the buyer"),
        State.EXPIRED: _("Expired"),
    }
    decided = {
        "stands": _("Decided: it stands"),
        "returns": _("Decided: it goes back"),
        "blocks": _("Decided: code blocked"),
    }
    happened = [
        (_("Offered"), handover.offered_at),
        (_("Accepted"), handover.accepted_at),
        (_("Handed over"), handover.completed_at),
        (
            _("Disputed by the buyer") if handover.disputed_by == "buyer" else _("Disputed by the seller"),
            handover.disputed_at,
        ),
        (decided.get(handover.decision or "", ""), handover.decided_at),
        (ends.get(handover.state, ""), handover.ended_at if handover.state in ends else None),
    ]
    return [(said, pages.moment(at)) for said, at in happened if at is not None]


# --- Private ---------------------------------------------------------------------------------------------------------


def _find(session: Session, owner_id: UUID | None) -> Person | None:
    if owner_id is None:
        return None
    try:
        return owners.get(session, owner_id, key=runtime().people_key)
    except NotFound:
        return None


def _in_words(value: str | datetime | None) -> str | None:
    if isinstance(value, datetime):
        return languages.moment(value)
    return value if value is None else _(value)


def _masked(person: Person | None) -> str:
    return _("somebody who was erased") if person is None else person.masked


def _title(handover: Handover, side: str | None) -> str:
    is_seller = side == "seller"
    return {
        State.OFFERED: _("Your offer is open"),
        State.ACCEPTED: _("Confirm the buyer") if is_seller else _("One step is left: the seller confirms"),
        State.COMPLETED: _("You have handed it over") if is_seller else _("It is yours"),
        State.DECLINED: _("The buyer has stepped back") if is_seller else _("You have stepped back"),
        State.CANCELLED: _("You have withdrawn the offer") if is_seller else _("The seller has withdrawn the offer"),
        State.EXPIRED: _("The offer has expired"),
        State.DISPUTED: _("The transfer is disputed"),
        State.REVERSED: _("The transfer was taken back"),
    }[handover.state]
