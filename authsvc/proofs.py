"""
Proofs of ownership: a seller shows, for a quarter of an hour, that they hold the registration of an item.

A proof is a random secret that its maker hands on as a link; a hash of it is stored, and what it is about is sealed
under it. So nobody can make one but by signing in as the owner, and it opens nothing else: it is no offer and signs
nobody in. What it says is read anew each time: a proof of somebody who has passed the item on says nothing any more.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from authsvc import conditions, handovers, owner_sessions, ownership
from authsvc.core.verdicts import Disposition
from authsvc.errors import LinkSpent, ProofOver
from authsvc.owner_sessions import LIVES, PROOF, Random
from authsvc.owners import Person
from authsvc.ownership import Registered, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a proof shows: nothing of the person but that they are the registered owner, and since when."""

    brand_id: UUID
    sgtin: str
    made_at: datetime
    expires_at: datetime
    registered_at: datetime
    number_of_owners: int
    is_flagged: bool
    disposition: Disposition


def make(session: Session, person: Person, registered: Registered, *, now: datetime, random: Random) -> str:
    """
    Make a proof and return its secret.

    Raises:
        ProofOver: The registration is provisional, so that there is nothing to prove yet.
    """
    if registered.state is not State.CONFIRMED:
        raise ProofOver("Your registration is provisional. You can prove it once it is confirmed.")
    content = {"sgtin": registered.sgtin, "registration": str(registered.id), "made": now.isoformat()}
    return owner_sessions.make_link(session, person.brand_id, PROOF, content, now=now, random=random)


def find_brand(session: Session, secret: str, *, now: datetime) -> UUID:
    """
    Return of which brand a proof is.

    Raises:
        ProofOver: It is none, or its time is over.
    """
    return _link(session, secret, now).brand_id


def read(session: Session, secret: str, *, now: datetime) -> Proof:
    """
    Return what a proof shows, in a transaction for its brand.

    Raises:
        ProofOver: It is none, its time is over, or its maker does not own the item any more.
    """
    link = _link(session, secret, now)
    sgtin, made_at = link.content["sgtin"], datetime.fromisoformat(link.content["made"])
    present = ownership.find_present(session, sgtin, now=now)
    if present is None or str(present.id) != link.content["registration"]:
        raise ProofOver("Whoever made this proof does not own the item any more. Do not pay.")
    return Proof(
        brand_id=link.brand_id,
        sgtin=sgtin,
        made_at=made_at,
        expires_at=made_at + LIVES[PROOF],
        registered_at=present.registered_at,
        number_of_owners=ownership.count_owners(session, sgtin, now=now),
        is_flagged=handovers.is_flagged(session, sgtin),
        disposition=conditions.find(session, sgtin).disposition,
    )


def _link(session: Session, secret: str, now: datetime) -> owner_sessions.Link:
    try:
        return owner_sessions.get_link(session, PROOF, secret, now=now)
    except LinkSpent:
        raise ProofOver(
            "A proof is good for 15 minutes, and this is none, or none any more. Ask the seller for a new one, and do "
            "not pay before you have seen it."
        ) from None
