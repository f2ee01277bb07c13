"""Disputing: either side of a transfer says that something is wrong with it, and the other side is heard too."""

from uuid import UUID

from flask import request

from authsvc import disputes, handovers, languages
from authsvc.errors import BadInput
from authsvc.web.own import door, handing
from authsvc.web.own.door import Page, bp
from authsvc.web.site import runtime


@bp.post("/transfers/<uuid:transfer_id>/dispute")
def dispute(transfer_id: UUID) -> Page:
    """Take a statement; the first makes the dispute, and both sides are told of that."""
    who, rt = door.signed(), runtime()
    with door.database(who.brand_id) as session:
        person = door.person(session, who)
        found = handovers.get_of(session, person, transfer_id, now=door.now())
        try:
            done = disputes.dispute(
                session, handing.subject_of(found.sgtin), transfer_id, person, request.form.get("said", ""),
                key=rt.people_key, random=rt.random, now=door.now(),
            )  # fmt: skip
        except BadInput as error:
            return handing.show(
                person, handing.sides(session, found), fault=languages.of_error(error), status=error.status
            )
        if done.disputed_at == door.now():
            both = handing.sides(session, done)
            for to in (both.seller, both.buyer):
                handing.tell(session, both, "owner-disputed", to, by=done.disputed_by)
    return door.go(f"/transfers/{transfer_id}")
