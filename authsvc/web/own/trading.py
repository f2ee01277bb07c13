"""
Trade-ins: a dealer takes over used items from their owners, several at once, by the codes of their offers.

The owner sees which dealer it is and confirms, as with any buyer. Each line is done and answered by itself, because
each is a deal with somebody else. A wrong code is counted for the dealer before anything is looked up.
"""

import re
from uuid import UUID

from flask import request
from sqlalchemy.orm import Session

from authsvc import handovers, languages, offer_codes, transfers
from authsvc.core import units
from authsvc.core.clones import Place
from authsvc.dealers import DealerInfo
from authsvc.errors import AuthsvcError, BadInput, NotFound, TooLarge, TooManyRequests
from authsvc.handovers import Handover
from authsvc.languages import gettext as _
from authsvc.offer_codes import Pointer
from authsvc.owner_attempts import TRANSFER_CODE_OF_DEALER
from authsvc.web import assets
from authsvc.web.own import dealing, door, handing
from authsvc.web.own.dealing import HERE, MOST_OFFERS
from authsvc.web.own.door import Page, bp
from authsvc.web.site import runtime

_OFFER_LINK = re.compile(r"/own/take/([^/?#\s]+)")


@bp.post(f"{HERE}/take")
def dealer_take() -> Page:
    """Accept the offers of a list, or say of each what would become of it."""
    dealer = dealing.me()
    text, is_dry = request.form.get("offers", ""), "check" in request.form
    rows = [_row(dealer, place, code, is_dry=is_dry) for place, code in enumerate(_codes(text), 1)]
    faults = sum(row["fault"] is not None for row in rows)
    done = 0 if is_dry else len(rows) - faults
    return door.show(
        "dealer_take", door.brand_of(dealer.brand_id), title=_("Take over from owners"), status=400 if faults else 200,
        rows=rows, faults=faults, done=done, is_dry=is_dry, text=text, css=assets.url("reseller/reseller.css"),
    )  # fmt: skip


@bp.post(f"{HERE}/take/<uuid:transfer_id>/decline")
def dealer_decline(transfer_id: UUID) -> Page:
    """Take an acceptance back; the owner is told."""
    dealer = dealing.me()
    with door.database(dealer.brand_id) as session:
        found = handovers.get_taken(session, dealer.id, transfer_id, now=door.now())
        done = transfers.decline(session, handing.subject_of(found.sgtin), transfer_id, dealer, now=door.now())
        if done.ended_at == door.now():
            both = handing.sides(session, done)
            handing.tell(session, both, "owner-offer-ended", both.seller, by="buyer")
    return door.go(HERE)


# --- Private ---------------------------------------------------------------------------------------------------------


def _codes(text: str) -> list[str]:
    """
    Return the codes of a list, also where a line is the link of an offer, as its symbol holds it.

    Raises:
        BadInput: It is empty.
        TooLarge: It names more than a hundred offers.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise BadInput("Paste the transfer codes that the owners gave you, one a line.")
    if len(lines) > MOST_OFFERS:
        raise TooLarge(
            "A list holds at most {most} items, got {count}. Send it in parts.", most=MOST_OFFERS, count=len(lines)
        )
    return [found[1] if (found := _OFFER_LINK.search(line)) else line for line in lines]


def _row(dealer: DealerInfo, place: int, code: str, *, is_dry: bool) -> dict[str, object]:
    try:
        done = _take(dealer, _find(dealer, code), is_dry=is_dry)
    except AuthsvcError as error:
        return {"place": place, "code": code, "fault": languages.of_error(error)}
    return {"place": place, "code": code, "fault": None, "handover": done, **dealing.item_of(done.sgtin)}


def _find(dealer: DealerInfo, code: str) -> Pointer:
    """
    Look a code up: counted before, and taken off again where it was right.

    Raises:
        TooManyRequests: The dealer has tried many that were none.
        WrongTransferCode: It is that of no offer.
        NotFound: It is an offer of another brand's item, or of one that has no code of its own.
    """
    counted = door.count((TRANSFER_CODE_OF_DEALER, str(dealer.id)))
    if counted.beyond:
        raise TooManyRequests(
            "{most} transfer codes that do not match were tried here in the last hour. "
            "The offer is not locked: wait an hour, or use another network.",
            most=TRANSFER_CODE_OF_DEALER.most,
        )
    with door.database() as session:
        pointer = offer_codes.find(session, code, key=runtime().people_key)
    door.give_back(counted)
    if pointer.brand_id != dealer.brand_id:
        raise NotFound("This is not an item of the brand that has let you in.")
    if units.split(pointer.sgtin.partition(".")[2]) is not None:
        raise NotFound("This is the code of a batch or a case. Name single items.")
    return pointer


def _take(dealer: DealerInfo, pointer: Pointer, *, is_dry: bool) -> Handover:
    """Accept one offer in a transaction of its own, and tell its owner."""
    subject = handing.subject_of(pointer.sgtin)
    seen = transfers.Seen(place=Place(dealer.country, None, None, None))
    with door.database(dealer.brand_id) as session:
        within = session.begin_nested()
        done = transfers.accept(
            session, subject, pointer.transfer_id, dealer, seen=seen, now=door.now(), new_id=runtime().new_id
        )
        if is_dry:
            within.rollback()
            session.expire_all()
        elif done.accepted_at == door.now():
            _tell(session, done)
    return done


def _tell(session: Session, done: Handover) -> None:
    both = handing.sides(session, done)
    if done.completed_at is not None:
        handing.tell_moved(session, both)
    else:
        handing.tell(session, both, "owner-accepted", both.seller, buyer=both.taker, until=done.expires_at)
