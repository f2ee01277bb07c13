"""A request about an item by somebody who has it in hand: the link that confirms their address, and who they are."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.orm import Session

from authsvc import languages, owner_sessions, owners
from authsvc.investigations import Subject
from authsvc.languages import gettext as _
from authsvc.owners import Person
from authsvc.web.own import door
from authsvc.web.own.door import Page
from authsvc.web.own.registering import Held
from authsvc.web.site import runtime


def make_link(session: Session, held: Held, purpose: str, email: str) -> str:
    """Return the secret of a link that confirms the address of who asks."""
    content = {"gtin": held.product.gtin, "serial": held.serial, "email": email}
    return owner_sessions.make_link(session, held.brand.id, purpose, content, now=door.now(), random=runtime().random)


def show_sent(held: Held, email: str) -> Page:
    """Say that a link was mailed, which makes the request count."""
    return door.show(
        "sent", held.brand, title=_("Confirm your address"), email=email, needs_code=False, receipt=None, hours=24,
        minutes=None,
    )  # fmt: skip


def subject_of(content: Mapping[str, str]) -> Subject:
    """Return the item that a link is about."""
    return Subject.of(runtime().held, content["gtin"], content["serial"])


def take_link(session: Session, brand_id: UUID, purpose: str, secret: str, content: Mapping[str, str]) -> Person:
    """Use a link up, and return whose address it has confirmed."""
    rt = runtime()
    owner_sessions.take_link(session, purpose, secret, now=door.now())
    return owners.get_or_add(
        session, brand_id, content["email"], key=rt.people_key, now=door.now(), new_id=rt.new_id, random=rt.random,
        language=languages.spoken().code,
    )  # fmt: skip
