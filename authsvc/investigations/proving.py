"""
Proving: the owner shows that they hold the genuine item, and so what looked like copies over it is explained.

The claim code lies hidden with the item, so it proves possession once: used a second time it is evidence against the
code. The registered owner's own browser proves it as often as it is asked. A proof clears an alert, or it splits it:
where copies are certain (an analyst confirmed them, or the records contradict each other), the owner's item is proven
and strangers are warned all the same. Who may try how often is the caller's to limit.
"""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from hmac import compare_digest
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from authsvc import item_rows
from authsvc.core import claim_codes
from authsvc.core.clones import UNKNOWN_PLACE, Fact, FactKind, Place
from authsvc.errors import BadInput
from authsvc.investigations import facts
from authsvc.investigations.weighing import Subject, close_alerts, settle
from authsvc.models import Item, ItemFact


class Proof(StrEnum):
    """
    What a proof came to.

    ``WRONG`` proves nothing and records nothing; ``SPENT`` is a claim code that was used before; ``NOTED`` found no
    warning to clear; ``CLEARED`` took the warning away; ``SPLIT`` leaves it for everybody but the owner.
    """

    WRONG = "wrong"
    SPENT = "spent"
    NOTED = "noted"
    CLEARED = "cleared"
    SPLIT = "split"


def prove_by_claim_code(
    session: Session,
    subject: Subject,
    code: str,
    *,
    claim_key: bytes,
    visitor: bytes | None = None,
    place: Place = UNKNOWN_PLACE,
    by: str,
    now: datetime,
    new_id: Callable[[], UUID],
) -> Proof:
    """
    Use the claim code of an item; *claim_key* is the one that its row or run names.

    Raises:
        BadInput: The text is no claim code, or a case has none.
        NotFound: The item was never issued.
    """
    name = subject.name
    if name.serial is None:
        raise BadInput("A case has no claim code.")
    is_right = claim_codes.matches(code, key=claim_key, brand_id=name.brand.id, gtin=name.key, serial=name.serial)
    item = item_rows.lock(session, name)
    if not is_right:
        return Proof.WRONG
    is_spent = facts.count(session, item.sgtin, FactKind.CLAIMED) > 0
    claimed = Fact(kind=FactKind.CLAIMED, at=now, visitor=visitor, place=place)
    facts.add(session, item, claimed, id=new_id(), by=by, now=now)
    if is_spent:
        return Proof.SPENT
    return _prove(session, subject, item, visitor, place, by=by, now=now, new_id=new_id)


def prove_by_visitor(
    session: Session,
    subject: Subject,
    visitor: bytes,
    *,
    place: Place = UNKNOWN_PLACE,
    by: str,
    now: datetime,
    new_id: Callable[[], UUID],
) -> Proof:
    """
    Take the browser with which the present owner registered or took over for a proof of possession.

    Raises:
        NotFound: The item was never issued.
    """
    item = item_rows.lock(session, subject.name)
    owner = session.scalar(
        select(ItemFact.visitor)
        .where(
            ItemFact.sgtin == item.sgtin,
            ItemFact.kind.in_((FactKind.REGISTERED.value, FactKind.TRANSFERRED.value)),
            ItemFact.withdrawn_at.is_(None),
        )
        .order_by(ItemFact.at.desc(), ItemFact.id.desc())
        .limit(1)
    )
    if owner is None or not compare_digest(owner, visitor):
        return Proof.WRONG
    return _prove(session, subject, item, visitor, place, by=by, now=now, new_id=new_id)


# --- Private ---------------------------------------------------------------------------------------------------------


def _prove(
    session: Session,
    subject: Subject,
    item: Item,
    visitor: bytes | None,
    place: Place,
    *,
    by: str,
    now: datetime,
    new_id: Callable[[], UUID],
) -> Proof:
    if item.flagged_at is None:
        return Proof.NOTED
    facts.add(
        session, item, Fact(kind=FactKind.PROVEN, at=now, visitor=visitor, place=place), id=new_id(), by=by, now=now
    )
    if settle(session, item, subject, now=now).examination.is_flagged:
        return Proof.SPLIT
    close_alerts(session, item, now=now)
    return Proof.CLEARED
