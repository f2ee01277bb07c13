"""Proving: the owner makes a proof for a buyer or a marketplace, good for 15 minutes, that shows nothing of them."""

from uuid import UUID

from authsvc import ownership, proofs, symbol_pictures, symbols
from authsvc.errors import NotFound, TooManyRequests
from authsvc.languages import gettext as _
from authsvc.owner_attempts import PROOF_OF_PERSON
from authsvc.owner_sessions import LIVES, PROOF
from authsvc.web import pages
from authsvc.web.own import door, handing
from authsvc.web.own.door import Page, bp
from authsvc.web.site import runtime

PATH = "/check/proof/"


@bp.post("/items/<uuid:registration_id>/proof")
def prove(registration_id: UUID) -> Page:
    """Make a proof and show it; loading the page anew makes another."""
    who, rt = door.signed(), runtime()
    counted = door.count((PROOF_OF_PERSON, str(who.owner_id)))
    if counted.beyond:
        raise TooManyRequests("You have made {most} proofs in the last hour. Wait an hour.", most=PROOF_OF_PERSON.most)
    with door.database(who.brand_id) as session:
        person = door.person(session, who)
        held = ownership.get_of(session, person, registration_id, key=rt.people_key, now=door.now())
        if held is None:
            raise NotFound("You have no item at this address. It may belong to somebody else by now.")
        secret = proofs.make(session, person, held, now=door.now(), random=rt.random)
    subject = handing.subject_of(held.sgtin)
    link = f"{rt.config.base_url}{PATH}{secret}"
    return door.show(
        "proof",
        door.brand_of(who.brand_id),
        title=_("Your proof for 15 minutes"),
        product=handing.product_of(subject),
        serial=subject.name.serial,
        registered=held,
        link=link,
        picture=symbol_pictures.svg(symbols.symbol(link), title=_("Code of your proof")),
        expires=pages.moment(door.now() + LIVES[PROOF]),
    )
