"""My items: what an owner holds, the page of each, lost and stolen, the certificate, and being forgotten."""

from uuid import UUID

from flask import Response, request
from markupsafe import Markup
from sqlalchemy.orm import Session

from authsvc import (
    certificates,
    conditions,
    evidence_keys,
    followers,
    handovers,
    languages,
    owner_changes,
    owner_files,
    owner_passkeys,
    owner_requests,
    owners,
    ownership,
    permits,
    scanning,
    service_records,
    transfers,
    unit_attributes,
    unit_records,
)
from authsvc.core import product_texts, units
from authsvc.core.gs1 import DigitalLink
from authsvc.core.records import KINDS
from authsvc.core.register import Product
from authsvc.core.unit_data import Audience
from authsvc.core.verdicts import Disposition, Recall
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.investigations import Subject
from authsvc.languages import gettext as _
from authsvc.owner_requests import State as Asked
from authsvc.owner_sessions import Signed
from authsvc.owners import Person
from authsvc.ownership import Registered, State
from authsvc.web import pages
from authsvc.web.own import asking, door, handing, papers
from authsvc.web.own.door import Page, bp
from authsvc.web.site import runtime
from authsvc.web.unit_cards import card


@bp.get("", strict_slashes=False)
def overview() -> Page:
    """List what the owner holds."""
    who = door.signed()
    with door.database(who.brand_id) as session:
        person = door.person(session, who)
        held = ownership.list_of(session, person, now=door.now())
        entries = [(_entry(registered), conditions.find(session, registered.sgtin)) for registered in held]
        asked = [
            (handing.product_of(handing.subject_of(each.sgtin)), each)
            for each in owner_requests.list_by(session, person)
        ]
        running = [
            handing.entry(person, each) for each in handovers.list_of(session, person, now=door.now())
        ]  # fmt: skip
    return door.show(
        "items", door.brand_of(who.brand_id), title=_("Your items"), entries=entries, running=running, asked=asked,
        email=person.email,
        today=door.now().date(),
    )  # fmt: skip


@bp.get("/items/<uuid:registration_id>")
def item(registration_id: UUID) -> Page:
    """Show one item."""
    who = door.signed()
    with door.database(who.brand_id) as session:
        person, registered = get(session, who, registration_id)
        condition = conditions.find(session, registered.sgtin)
    return show(person, registered, condition)


@bp.post("/items/<uuid:registration_id>/condition")
def set_condition(registration_id: UUID) -> Page:
    """Mark an item as lost or stolen, or as found again; whoever checks it sees that at once."""
    who = door.signed()
    condition = request.form.get("condition", "")
    with door.database(who.brand_id) as session:
        person, registered = get(session, who, registration_id)
        if registered.state is State.PENDING:
            # Whoever has only scanned an item, in a shop, must not be able to warn its buyer off.
            raise Conflict("You can report it once your registration is confirmed. If it is urgent, contact the brand.")
        subject = _subject(registered)
        if units.split(subject.name.serial) is not None:
            raise Conflict("Its code is that of the whole batch, so nobody who checks it would be warned.")
        present = conditions.find(session, registered.sgtin)
        try:
            day = conditions.parse_day(request.form.get("day", ""), door.now().date())
            conditions.change(
                session, subject, condition, reason=request.form.get("reason", ""), day=day,
                now=door.now(),
            )  # fmt: skip
        except BadInput as error:
            return show(person, registered, present, fault=languages.of_error(error))
        transfers.check_report(session, subject, condition, now=door.now())
        if condition == "stolen":
            ended = owner_requests.end_all(session, registered.id, Asked.REPORTED, now=door.now())
            asking.tell_ended(session, ended)
        with languages.speaking(person.language):
            values = {"product": _product(registered).name, "serial": subject.name.serial, "condition": condition,
                      "day": languages.day(day), "link": door.link_to(f"/items/{registered.id}")}  # fmt: skip
            door.send(session, who.brand_id, "owner-condition", person.email, values)
    return door.go(f"/items/{registration_id}")


@bp.post("/items/<uuid:registration_id>/release")
def give_up(registration_id: UUID) -> Page:
    """Give an item up, as after a sale: whoever has it now may register it, with the warranty that is left."""
    who = door.signed()
    with door.database(who.brand_id) as session:
        person, registered = get(session, who, registration_id)
        condition = conditions.find(session, registered.sgtin)
        if request.form.get("sure") != "yes":
            return show(person, registered, condition, unsure=_("Tick the box to say that you mean it."))
        if condition.disposition in {Disposition.LOST, Disposition.STOLEN}:
            raise Conflict("You have reported this item. Say first that you have it again.")
        transfers.check_release(session, _subject(registered), now=door.now())
        ownership.release(session, person, registered.id, now=door.now())
        asking.tell_ended(
            session, owner_requests.end_all(session, registered.id, Asked.RELEASED, now=door.now())
        )  # fmt: skip
    return door.go("")


@bp.get("/items/<uuid:registration_id>/certificate.pdf")
def certificate(registration_id: UUID) -> Response:
    """Hand out the certificate of a registration."""
    who = door.signed()
    with door.database(who.brand_id) as session:
        made = _certificate(session, who, registration_id)
    return _file(certificates.draw(made), "application/pdf", f"certificate-{made.number}.pdf")


@bp.get("/items/<uuid:registration_id>/receipt.jws")
def signed_receipt(registration_id: UUID) -> Response:
    """Hand out the signed receipt of a registration, which anybody can verify by the brand's JWKS."""
    who = door.signed()
    rt = runtime()
    with door.database(who.brand_id) as session:
        made = _certificate(session, who, registration_id)
        sealer = evidence_keys.get_sealer(
            session, who.brand_id, wrapping_key=rt.wrapping_key, random=rt.random, now=door.now()
        )
    return _file(certificates.sign(made, sealer).encode(), "application/jose", f"receipt-{made.number}.jws")


@bp.get("/erase")
def erasure() -> Page:
    """Say what is erased, and what stays."""
    who = door.signed()
    with door.database(who.brand_id) as session:
        person = door.person(session, who)
        held = ownership.list_of(session, person, now=door.now())
    return door.show(
        "erase",
        door.brand_of(who.brand_id),
        title=_("Erase your data"),
        email=person.email,
        number=len(held),
        fault=None,
    )


@bp.post("/erase")
def erase() -> Page:
    """Forget a person; the form asks for a tick, because nobody can take it back."""
    who = door.signed()
    brand = door.brand_of(who.brand_id)
    with door.database(who.brand_id) as session:
        person = door.person(session, who)
        held = ownership.list_of(session, person, now=door.now())
        if request.form.get("sure") != "yes":
            fault = _("Tick the box to say that you mean it.")
            return door.show("erase", brand, title=_("Erase your data"), email=person.email, number=len(held),
                             status=400, fault=fault)  # fmt: skip
        transfers.leave_all(session, person, now=door.now())
        permits.forget(session, person)
        owner_requests.leave_all(session, person, now=door.now())
        ownership.release_all(session, person, now=door.now())
        owner_files.erase_all(session, person)
        owner_passkeys.erase_all(session, person)
        owner_changes.forget(session, person)
        followers.forget_address(session, brand.id, person.email, key=runtime().people_key)
        owners.erase(session, person, now=door.now())
        with languages.speaking(person.language):
            door.send(session, brand.id, "owner-erased", person.email, {})
    door.sign_out()
    return door.show("erased", brand, title=_("You are forgotten"))


def get(session: Session, who: Signed, registration_id: UUID) -> tuple[Person, Registered]:
    """
    Return who is signed in and one of the items that they hold.

    Raises:
        NotFound: They do not hold it.
    """
    person = door.person(session, who)
    found = ownership.get_of(session, person, registration_id, key=runtime().people_key, now=door.now())
    if found is None:
        raise NotFound("You have no item at this address. It may belong to somebody else by now.")
    return person, found


def show(
    person: Person,
    registered: Registered,
    condition: conditions.Condition,
    *,
    fault: str | None = None,
    unsure: str | None = None,
    file_fault: str | None = None,
    unasked: str | None = None,
) -> Page:
    """Render the page of one item, with what was wrong with a form of it."""
    return door.show(
        "item",
        door.brand_of(person.brand_id),
        title=product_texts.name_of(_product(registered), languages.spoken().code)[0],
        status=200 if fault is None and unsure is None and file_fault is None and unasked is None else 400,
        product=_product(registered),
        serial=registered.sgtin.partition(".")[2],
        registered=registered,
        is_pending=registered.state is State.PENDING,
        is_new=request.args.get("new") == "1",
        condition=condition,
        recall=_find_recall(registered),
        unit=_unit_card(person, registered),
        is_unit=units.split(registered.sgtin.partition(".")[2]) is not None,
        is_gone=condition.disposition in {Disposition.LOST, Disposition.STOLEN},
        today=door.now().date(),
        papers=papers.around(person, registered),
        file_fault=file_fault,
        unasked=unasked,
        typed={name: request.form.get(name, "")[:300] for name in ("condition", "reason", "day")},
        fault=fault,
        unsure=unsure,
    )


# --- Private ---------------------------------------------------------------------------------------------------------


def _certificate(session: Session, who: Signed, registration_id: UUID) -> certificates.Certificate:
    person, registered = get(session, who, registration_id)
    if registered.waits_for_brand:
        raise NotFound("The certificate is ready once the brand has looked at your proof of purchase.")
    if registered.state is not State.CONFIRMED:
        raise NotFound(
            "The certificate is ready on {day}, if nobody has contested it by then.",
            day=languages.day(registered.pending_until),
        )
    return certificates.Certificate(
        brand=door.brand_of(who.brand_id), product=_product(registered), registered=registered, owner=person.email,
        number_of_owners=ownership.count_owners(session, registered.sgtin, now=door.now()),
        made_at=door.now(), address=runtime().config.base_url,
    )  # fmt: skip


def _file(content: bytes, media_type: str, name: str) -> Response:
    return Response(content, mimetype=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _subject(registered: Registered) -> Subject:
    gtin, _, serial = registered.sgtin.partition(".")
    return Subject.of(runtime().held, gtin, serial)


def _product(registered: Registered) -> Product:
    product = _subject(registered).product
    if product is None:
        raise NotFound("This product is not in the register any more.")
    return product


def _entry(registered: Registered) -> tuple[Registered, Product]:
    return registered, _product(registered)


def _unit_card(person: Person, registered: Registered) -> Markup | None:
    """Return the card of what is recorded of the item for its owner; nothing in it is about a person."""
    name = _subject(registered).name
    with door.database(person.brand_id) as session:
        own = unit_attributes.read_own(session, name, viewer=Audience.OWNER)
        # Services have a card of their own; one that was noted in error is in neither.
        records = unit_records.read(session, name, viewer=Audience.OWNER, kinds=KINDS.keys() - {service_records.KIND})
    return card(pages.template("unit.html").render, _product(registered).noun, own, records)


def _find_recall(registered: Registered) -> Recall | None:
    """Look the item up as anybody may, which counts nothing, and return the recall that covers it."""
    rt = runtime()
    gtin, _, serial = registered.sgtin.partition(".")
    unit = units.split(serial)
    link = DigitalLink.build({"01": gtin, "21": serial} if unit is None else {"01": gtin, "10": unit[0]})
    looked = scanning.scan(rt.held, rt.connections, link, None, None, at=door.now(), new_id=rt.new_id)
    return looked.verdict.facts.recall
