"""
Who is answered by GS1 Lightweight Messaging: a brand sets the number under which it answers, and who may ask.

Without a number a brand answers nobody. Requests are read on the path of scans and count nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from authsvc.connections import Connections
from authsvc.core.gs1 import GLN
from authsvc.errors import BadInput, Forbidden, NotFound, SignInNeeded
from authsvc.models import MessageRequester, MessageResponder

_ADMITS = """
SELECT r.gln, r.admits, q.is_permitted FROM message_responders r
LEFT JOIN message_requesters q ON q.brand_id = r.brand_id AND q.gln = %(requester)s
WHERE r.brand_id = %(brand_id)s"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """How a brand answers."""

    gln: str
    admits: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Requester:
    """A company that asks."""

    gln: str
    name: str
    is_permitted: bool


def admit(connections: Connections, brand_id: UUID, requester: str) -> str:
    """
    Return the number under which a brand answers a requester.

    Raises:
        NotFound: The brand answers nobody.
        SignInNeeded: The requester is not known.
        Forbidden: The requester is known and is not answered.
        Unavailable: The database does not answer.
    """
    row = connections.fetch(_ADMITS, {"brand_id": brand_id, "requester": requester})
    if row is None:
        raise NotFound("No verification service answers for this GTIN here.")
    if row.is_permitted is None and (row.admits != "all" or GLN.find_fault(requester) is not None):
        raise SignInNeeded("reqGLN is the GLN of a requester that the brand knows. Ask the brand to add yours.")
    if row.is_permitted is False:
        raise Forbidden("The brand does not answer this requester.")
    return str(row.gln)


def answers(connections: Connections, brand_id: UUID) -> bool:
    """Say whether a brand answers at all."""
    return connections.fetch(_ADMITS, {"brand_id": brand_id, "requester": ""}) is not None


def set_service(session: Session, brand_id: UUID, gln: str, admits: str, *, now: datetime) -> Service:
    """
    Let a brand answer under its number.

    Raises:
        BadInput: It is no GLN, or nobody knows whom to admit.
    """
    _check(gln)
    if admits not in {"all", "listed"}:
        raise BadInput("Say whom to answer: all, or listed.")
    values = {"gln": gln, "admits": admits, "changed_at": now}
    session.execute(
        insert(MessageResponder)
        .values(brand_id=brand_id, **values)
        .on_conflict_do_update(index_elements=["brand_id"], set_=values)
    )
    return Service(gln=gln, admits=admits)


def find_service(session: Session, brand_id: UUID) -> Service | None:
    """Return how a brand answers, None where it does not."""
    row = session.get(MessageResponder, brand_id)
    return None if row is None else Service(gln=row.gln, admits=row.admits)


def end_service(session: Session, brand_id: UUID) -> None:
    """
    Let a brand answer nobody any more.

    Raises:
        NotFound: It does not answer now.
    """
    if not session.execute(delete(MessageResponder).where(MessageResponder.brand_id == brand_id)).rowcount:  # type: ignore[attr-defined]  # of a DELETE
        raise NotFound("The brand answers nobody now.")


def set_requester(
    session: Session, brand_id: UUID, gln: str, name: str, *, is_permitted: bool, now: datetime
) -> Requester:
    """
    Note a company that asks, and whether it is answered.

    Raises:
        BadInput: It is no GLN, or has no name.
        NotFound: The brand answers nobody.
    """
    _check(gln)
    name = " ".join(name.split())
    if not 0 < len(name) <= 100:
        raise BadInput("Give the company a name of 1 to 100 characters, so that it can be told from others.")
    if find_service(session, brand_id) is None:
        raise NotFound("The brand answers nobody yet. Set its GLN first.")
    values = {"name": name, "is_permitted": is_permitted}
    session.execute(
        insert(MessageRequester)
        .values(brand_id=brand_id, gln=gln, added_at=now, **values)
        .on_conflict_do_update(index_elements=["brand_id", "gln"], set_=values)
    )
    return Requester(gln=gln, name=name, is_permitted=is_permitted)


def list_requesters(session: Session, brand_id: UUID) -> list[Requester]:
    """Return the companies that a brand knows, in the order of their names."""
    found = session.scalars(
        select(MessageRequester).where(MessageRequester.brand_id == brand_id).order_by(MessageRequester.name)
    )
    return [Requester(gln=row.gln, name=row.name, is_permitted=row.is_permitted) for row in found]


def _check(gln: str) -> None:
    if (fault := GLN.find_fault(gln)) is not None:
        raise BadInput(f"Expected {fault}.")
