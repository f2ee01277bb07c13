"""
Trade-ins: a dealer takes over a used item from its owner, by the code of the owner's offer, on its page or by program.

The owner sees which dealer it is and confirms, as with any buyer. Each offer is a deal with somebody else, so it is
accepted in a transaction of its own. A wrong code is counted for the dealer before anything is looked up.
"""

import re
from uuid import UUID

from sqlalchemy.orm import Session

from authsvc import handovers, transfers
from authsvc.core import units
from authsvc.core.clones import Place
from authsvc.dealers import DealerInfo
from authsvc.errors import NotFound
from authsvc.handovers import Handover
from authsvc.offer_codes import Pointer
from authsvc.owner_attempts import TRANSFER_CODE_OF_DEALER
from authsvc.web.own import door, handing
from authsvc.web.site import runtime

MOST = 100
"""Offers of owners that one list may name."""

_OFFER_LINK = re.compile(r"/own/take/([^/?#\s]+)")


def code_in(line: str) -> str:
    """Return the code of an offer, also where somebody gives its link, as its symbol holds it."""
    return found[1] if (found := _OFFER_LINK.search(line)) else line


def accept(dealer: DealerInfo, code: str, *, is_dry: bool) -> Handover:
    """
    Accept the offer of a code and tell its owner, or only say what would become of it; accepted twice, it is one.

    Raises:
        TooManyRequests: The dealer has tried many codes that were none.
        WrongTransferCode: It is that of no offer.
        NotFound: It is an offer of another brand's item, or of one that has no code of its own.
        TransferOver: It ended, or somebody else was first.
        Conflict: The item is reported or blocked.
    """
    return _take(dealer, _find(dealer, code), is_dry=is_dry)


def decline(dealer: DealerInfo, transfer_id: UUID) -> Handover:
    """
    Take an acceptance back before the owner has confirmed it, and tell the owner; declined twice, it is once.

    Raises:
        NotFound: The dealer has accepted none such.
        TransferOver: It has ended otherwise.
    """
    with door.database(dealer.brand_id) as session:
        found = handovers.get_taken(session, dealer.id, transfer_id, now=door.now())
        done = transfers.decline(session, handing.subject_of(found.sgtin), transfer_id, dealer, now=door.now())
        if done.ended_at == door.now():
            both = handing.sides(session, done)
            handing.tell(session, both, "owner-offer-ended", both.seller, by="buyer")
    return done


# --- Private ---------------------------------------------------------------------------------------------------------


def _find(dealer: DealerInfo, code: str) -> Pointer:
    pointer = handing.find_offer(code, (TRANSFER_CODE_OF_DEALER, str(dealer.id)))
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
