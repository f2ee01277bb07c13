"""
What people do, played in a sandbox: programs try registrations, transfers and disputes without a phone or a mailbox.

The people are invented: their addresses are under ``mails.NOWHERE``, to which no mail goes. What happens to the item is
what happens to a real one, by the same use cases, so that lists, decisions and webhooks show what they would.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.orm import Session

from authsvc import disputes, mails, owners, ownership, registrations, transfers
from authsvc.errors import Conflict, Forbidden, NotFound
from authsvc.handovers import Handover
from authsvc.investigations import Subject
from authsvc.owners import Person
from authsvc.ownership import Registered
from authsvc.registrations import Application, Keys
from authsvc.transfers import Seen

SAID = "I was not paid."


class Deed(StrEnum):
    """What somebody does with an item."""

    REGISTER = "register"
    REGISTER_USED = "register-used"
    TRANSFER = "transfer"
    DISPUTE = "dispute"


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of it: the registration that the item has now, and the transfer where there was one."""

    registration: Registered
    transfer: Handover | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What the play needs of the service."""

    keys: Keys
    now: datetime
    new_id: Callable[[], UUID]
    random: Callable[[int], bytes]


def play(session: Session, subject: Subject, deed: Deed, stage: Stage) -> Done:
    """
    Let invented people do something with an item of a sandbox, in the role of the owner pages.

    Raises:
        Forbidden: The item is a real one.
        NotFound: It was never issued.
        Conflict: Its state does not allow it, as it would not for people.
    """
    if subject.name.brand.sandbox_of is None:
        raise Forbidden("Only in a sandbox are people played. Send a key that begins with authsvc_test_.")
    if subject.product is None or subject.name.serial is None:
        raise NotFound("A case has no owner: name an item.")
    present = ownership.find_present(session, subject.sgtin, now=stage.now)
    if deed in {Deed.REGISTER, Deed.REGISTER_USED}:
        if present is not None:
            raise Conflict("The item has an owner already. Let them pass it on: transfer.")
        return Done(registration=_register(session, subject, deed, stage))
    seller_holds = present or _register(session, subject, Deed.REGISTER, stage)
    moved = _pass_on(session, subject, seller_holds, deed, stage)
    now_held = ownership.find_present(session, subject.sgtin, now=stage.now)
    assert now_held is not None  # the item has just been given to somebody
    return Done(registration=now_held, transfer=moved)


# --- Private ---------------------------------------------------------------------------------------------------------


def _register(session: Session, subject: Subject, deed: Deed, stage: Stage) -> Registered:
    assert subject.product is not None  # play looked
    assert subject.name.serial is not None
    is_used = deed is Deed.REGISTER_USED
    asked = Application(
        gtin=subject.product.gtin, serial=subject.name.serial, email=_address("owner", stage), has_code=not is_used,
        is_used=is_used, has_file=is_used,
    )  # fmt: skip
    return registrations.confirm(
        session, subject, subject.product, asked, keys=stage.keys, now=stage.now, new_id=stage.new_id,
        random=stage.random,
    ).registration  # fmt: skip


def _pass_on(session: Session, subject: Subject, held: Registered, deed: Deed, stage: Stage) -> Handover:
    seller = owners.get(session, held.owner_id, key=stage.keys.people)
    buyer = _person(session, subject, stage)
    offered = transfers.offer(
        session, subject, seller, held.id, id=stage.new_id(), is_present=True, now=stage.now, new_id=stage.new_id
    )
    moved = transfers.accept(
        session, subject, offered.id, buyer, seen=Seen(), now=stage.now, new_id=stage.new_id
    )  # fmt: skip
    if deed is Deed.DISPUTE:
        moved = disputes.dispute(
            session, subject, moved.id, seller, SAID, key=stage.keys.people, random=stage.random, now=stage.now
        )
    return moved


def _person(session: Session, subject: Subject, stage: Stage) -> Person:
    return owners.get_or_add(
        session, subject.name.brand.id, _address("buyer", stage), key=stage.keys.people, now=stage.now,
        new_id=stage.new_id, random=stage.random,
    )  # fmt: skip


def _address(role: str, stage: Stage) -> str:
    return f"{role}-{stage.random(4).hex()}{mails.NOWHERE}"
