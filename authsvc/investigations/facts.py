"""
Facts: what happened to an item beside its scans, written down once and heard by the clone rules from then on.

A fact is never rewritten. One that was recorded in error is withdrawn: it no longer speaks, and stays. Recording a fact
raises no alert by itself; the next scan of the item is judged by it.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from authsvc import item_rows
from authsvc.core import moments
from authsvc.core.clones import UNKNOWN_PLACE, Fact, FactKind
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.investigations.weighing import Subject
from authsvc.models import Item, ItemFact

RECORDED = frozenset(
    {
        FactKind.COMMISSIONED,
        FactKind.SOLD,
        FactKind.REGISTERED,
        FactKind.CLAIMED,
        FactKind.OFFERED,
        FactKind.TRANSFERRED,
        FactKind.GONE,
        FactKind.PROVEN,
    }
)
"""What may be recorded. The other kinds are resolutions: ``resolve`` makes them, with their reason."""

TOLD = frozenset({FactKind.COMMISSIONED, FactKind.SOLD})
MOST_TOLD = 16
"""How many facts of a kind that partners tell stand of one item; the rules read the latest 48 of all kinds."""


def record_fact(session: Session, subject: Subject, fact: Fact, *, id: UUID, by: str, now: datetime) -> None:  # noqa: A002  the word of the column
    """
    Record that something happened to an item, also to one that nobody has scanned yet.

    *by* names who says so. The same *id* twice is one fact, so that whoever reports it may try again.

    Raises:
        NotFound: The code was never issued.
        BadInput: The kind is a resolution, or the fact lies in the future or in another age.
        Conflict: Very many of this kind stand.
    """
    if fact.kind not in RECORDED:
        raise BadInput(f"{fact.kind} is a resolution: it is given with a reason, to an alert.")
    moments.check(fact.at, "The time of a fact")
    if fact.at > now:
        raise BadInput(f"A fact has happened already; {fact.at.isoformat()} is in the future.")
    item = item_rows.lock(session, subject.name)
    if session.get(ItemFact, (item.sgtin, id)) is None:
        if fact.kind in TOLD:
            _check_room(session, item, fact.kind)
        add(session, item, fact, id=id, by=by, now=now)


def withdraw_fact(session: Session, subject: Subject, id: UUID, *, by: str, now: datetime) -> None:  # noqa: A002  as above
    """
    Take back a fact that was recorded in error; the history keeps it, and who took it back.

    Raises:
        NotFound: The item has no such fact.
        Conflict: It was taken back already.
    """
    item = item_rows.lock(session, subject.name)
    row = session.get(ItemFact, (item.sgtin, id))
    if row is None or row.brand_id != subject.name.brand.id:
        raise NotFound("This item has no such fact.")
    if row.withdrawn_at is not None:
        raise Conflict("This fact was taken back already.")
    row.withdrawn_by, row.withdrawn_at = by, now
    touch(item)
    session.flush()


def add(session: Session, item: Item, fact: Fact, *, id: UUID, by: str, now: datetime) -> None:  # noqa: A002  as above
    """Add a fact to an item whose row is locked."""
    place = fact.place or UNKNOWN_PLACE
    session.add(
        ItemFact(
            sgtin=item.sgtin,
            id=id,
            brand_id=item.brand_id,
            kind=fact.kind.value,
            at=fact.at,
            visitor=fact.visitor,
            country=place.country,
            latitude=place.latitude,
            longitude=place.longitude,
            radius_km=place.radius_km,
            markets=sorted(fact.markets) if fact.markets is not None else None,
            recorded_by=by,
            recorded_at=now,
        )
    )
    touch(item)
    session.flush()


def touch(item: Item) -> None:
    """Count a change of what is known: who has read the facts before judges again."""
    item.facts += 1
    item.seq += 1


def count(session: Session, sgtin: str, kind: FactKind) -> int:
    """Return how many facts of one kind speak of an item."""
    found = select(func.count()).where(
        ItemFact.sgtin == sgtin, ItemFact.kind == kind.value, ItemFact.withdrawn_at.is_(None)
    )
    return session.scalar(found) or 0


def _check_room(session: Session, item: Item, kind: FactKind) -> None:
    """Refuse what would push registrations and proofs out of what the rules read."""
    stand = select(func.count()).where(
        ItemFact.sgtin == item.sgtin, ItemFact.kind == kind.value, ItemFact.withdrawn_at.is_(None)
    )
    if (session.scalar(stand) or 0) >= MOST_TOLD:
        raise Conflict(f"{MOST_TOLD} facts of this kind stand of this item already. The brand can withdraw wrong ones.")
