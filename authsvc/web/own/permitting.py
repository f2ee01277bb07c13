"""Permits: the owner gives a platform a token for one item, sees what was given, and takes it back."""

from uuid import UUID

from flask import request

from authsvc import evidence_keys, languages, ownership, permits
from authsvc.errors import BadInput, Conflict, NotFound, TooManyRequests
from authsvc.languages import gettext as _
from authsvc.owner_attempts import PERMIT_OF_PERSON
from authsvc.owner_sessions import Signed
from authsvc.permits import LIVES
from authsvc.web import pages
from authsvc.web.own import door, handing
from authsvc.web.own.door import Page, bp
from authsvc.web.site import runtime


@bp.get("/items/<uuid:registration_id>/permits")
def permits_page(registration_id: UUID) -> Page:
    """Show the permits of an item, and where one is given."""
    return _page(door.signed(), registration_id)


@bp.post("/items/<uuid:registration_id>/permits")
def give_permit(registration_id: UUID) -> Page:
    """Make a permit and show its token once."""
    who, rt = door.signed(), runtime()
    if door.count((PERMIT_OF_PERSON, str(who.owner_id))).beyond:
        raise TooManyRequests(
            "You have given {most} permits in the last hour. Wait an hour.", most=PERMIT_OF_PERSON.most
        )
    try:
        with door.database(who.brand_id) as session:
            person = door.person(session, who)
            held = ownership.get_of(session, person, registration_id, key=rt.people_key, now=door.now())
            if held is None:
                raise NotFound("You have no item at this address. It may belong to somebody else by now.")
            made = permits.make(
                session, person, held, scope=request.form.get("scope", ""), days=request.form.get("days", ""),
                platform=request.form.get("platform", ""), now=door.now(), new_id=rt.new_id,
            )  # fmt: skip
            sealer = evidence_keys.get_sealer(
                session, who.brand_id, wrapping_key=rt.wrapping_key, random=rt.random, now=door.now()
            )
    except (BadInput, Conflict) as error:
        return _page(who, registration_id, fault=languages.of_error(error), status=error.status)
    token = permits.sign(made, sealer, issuer=rt.config.base_url)
    return _page(who, registration_id, token=token, made=made)


@bp.post("/items/<uuid:registration_id>/permits/<uuid:permit_id>/revoke")
def take_permit_back(registration_id: UUID, permit_id: UUID) -> Page:
    """Take a permit back at once."""
    who, rt = door.signed(), runtime()
    with door.database(who.brand_id) as session:
        person = door.person(session, who)
        held = ownership.get_of(session, person, registration_id, key=rt.people_key, now=door.now())
        if held is None:
            raise NotFound("You have no item at this address. It may belong to somebody else by now.")
        permits.revoke(session, held, permit_id, now=door.now())
    return door.go(f"/items/{registration_id}/permits")


def _page(
    who: Signed, registration_id: UUID, *, fault: str | None = None, token: str | None = None,
    made: permits.PermitInfo | None = None, status: int = 200,
) -> Page:  # fmt: skip
    with door.database(who.brand_id) as session:
        person = door.person(session, who)
        held = ownership.get_of(session, person, registration_id, key=runtime().people_key, now=door.now())
        if held is None:
            raise NotFound("You have no item at this address. It may belong to somebody else by now.")
        given = permits.list_of(session, held)
    subject = handing.subject_of(held.sgtin)
    return door.show(
        "permits",
        door.brand_of(who.brand_id),
        title=_("Permits for platforms"),
        status=status,
        registered=held,
        product=handing.product_of(subject),
        serial=subject.name.serial,
        good=[(one, pages.moment(one.expires_at)) for one in given if one.is_good(door.now())],
        over=[one for one in given if not one.is_good(door.now())][:10],
        days=tuple(LIVES),
        token=token,
        made=made,
        until=made and pages.moment(made.expires_at),
        fault=fault,
        typed={name: request.form.get(name, "") if fault else "" for name in ("platform", "scope", "days")},
    )
