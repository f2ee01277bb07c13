"""
Registering an item: the form that a check leads to, and the link in the mail that makes it count.

The form stands behind a check that this very browser has just made: a number alone, or somebody else's receipt, opens
nothing. A claim code is counted before it is looked at.
"""

from dataclasses import dataclass, replace
from urllib.parse import quote

from flask import request
from sqlalchemy.orm import Session

from authsvc import (
    languages,
    mails,
    owner_attempts,
    owner_files,
    owner_sessions,
    ownership,
    receipts,
    registrations,
    uploads,
)
from authsvc.core import units
from authsvc.core.clones import Place
from authsvc.core.register import Brand, Granularity, Product
from authsvc.core.verdicts import Facts, Mark
from authsvc.core.warranties import parse_purchase
from authsvc.errors import AlreadyRegistered, BadInput, Conflict, NotFound, TooLarge, TooManyRequests, WrongClaimCode
from authsvc.investigations import Subject
from authsvc.languages import gettext as _
from authsvc.owner_attempts import CODE_FROM_HERE, CODE_OF_ITEM, CODE_OF_PERSON, Counted
from authsvc.ownership import Registered, State
from authsvc.registrations import Application, Outcome, Standing
from authsvc.web import visitors
from authsvc.web.own import door
from authsvc.web.own.door import Page, bp
from authsvc.web.site import runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The item that somebody has before them: what their check was about."""

    subject: Subject
    brand: Brand
    product: Product
    serial: str
    visitor: bytes


@bp.get("/register/<receipt_text>")
def form(receipt_text: str) -> Page:
    """Show the form, or who may register where somebody has done so already."""
    held = find_held(receipt_text)
    if held is None:
        return scan_first()
    with door.database(held.brand.id) as session:
        present = ownership.find_present(session, held.subject.sgtin, now=door.now())
        has_code = registrations.has_claim_code(session, held.subject)
    return _form(held, present, has_code=has_code)


@bp.post("/register/<receipt_text>")
@door.takes_files
def apply(receipt_text: str) -> Page:
    """Take the form: check what can be checked, and send the mail that makes it count."""
    held = find_held(receipt_text)
    if held is None:
        return scan_first()
    with door.database(held.brand.id) as session:
        present = ownership.find_present(session, held.subject.sgtin, now=door.now())
        has_code = registrations.has_claim_code(session, held.subject)
    try:
        needs_code = _try_code(held, present, request.form.get("code", ""), has_code=has_code)
        application = _read_form(held)
        is_proven = bool(request.form.get("code", "").strip())
        proof = door.get_file() if application.is_used and not is_proven else door.find_file()
    except (BadInput, TooLarge, WrongClaimCode, AlreadyRegistered, Conflict) as error:
        return _form(held, present, has_code=has_code, fault=error)
    code = request.form.get("code", "").strip()
    application = replace(application, has_code=bool(code) and not needs_code, needs_code=needs_code)
    door.count_mail(application.email)
    rt = runtime()
    with door.database(held.brand.id) as session:
        secret = owner_sessions.make_link(
            session, held.brand.id, owner_sessions.REGISTER, application.write(), now=door.now(), random=rt.random
        )
        if proof is not None:
            owner_files.keep_with_link(session, held.brand.id, secret, proof, random=rt.random)
        values = {"product": held.product.name, "serial": held.serial, "link": door.link_to(f"/confirm/{secret}")}
        door.send(session, held.brand.id, "owner-confirm", application.email, values)
    return door.show(
        "sent", held.brand, title=_("Confirm your address"), email=application.email, needs_code=needs_code,
        receipt=receipt_text, hours=24, minutes=None,
    )  # fmt: skip


@bp.get("/confirm/<secret>")
def confirmation(secret: str) -> Page:
    """Show what a link will do; opening it does nothing yet, for mail filters open links too."""
    found = door.get_link(owner_sessions.REGISTER, secret)
    return _confirmation(Application.read(found.content))


@bp.post("/confirm/<secret>")
def confirm(secret: str) -> Page:
    """Register the item for whoever has the mail, and sign them in."""
    rt = runtime()
    found = door.get_link(owner_sessions.REGISTER, secret)
    application = Application.read(found.content)
    subject = Subject.of(rt.held, application.gtin, application.serial)
    product, brand = _product(subject), door.brand_of(found.brand_id)
    place = _place()
    try:
        if application.needs_code:
            application = _take_late_code(subject, application)
        with door.database(brand.id) as session:
            proof = owner_files.find_with_link(session, brand.id, secret)
            owner_sessions.take_link(session, owner_sessions.REGISTER, secret, now=door.now())
            outcome = registrations.confirm(
                session, subject, product, application, keys=door.keys(), place=place, now=door.now(),
                new_id=rt.new_id, random=rt.random,
            )  # fmt: skip
            if proof is not None and not owner_files.is_full(session, outcome.registration.id):
                owner_files.add(
                    session, outcome.person, outcome.registration.id, proof, key=rt.people_key, random=rt.random,
                    new_id=rt.new_id, now=door.now(),
                )  # fmt: skip
            _tell(session, brand, product, application, outcome)
            door.sign_in(session, brand.id, outcome.person.id)
    except (BadInput, WrongClaimCode, AlreadyRegistered) as error:
        return _confirmation(application, fault=languages.of_error(error), status=error.status)
    return door.go(f"/items/{outcome.registration.id}?new=1")


def find_held(receipt_text: str) -> Held | None:
    """Return the item that this browser has just checked, or None when the check is somebody else's or old."""
    rt, at = runtime(), door.now()
    found = receipts.get(rt.held, rt.connections, receipts.parse(receipt_text), at=at)
    cookie = visitors.visitor_cookie(request.environ, rt.random)
    mine = None if cookie.is_new else visitors.pseudonym(rt.visitor_key, found.sgtin, cookie.cookie)
    facts = found.now.facts
    if mine is None or not found.is_mine(mine, at) or facts.signature.mark not in {Mark.VALID, Mark.NOT_EXPECTED}:
        return None
    if facts.gtin is None or facts.product is None or facts.brand is None:
        raise NotFound("A code of a case has no warranty of its own.")
    if facts.brand.is_sandbox or not may_register(facts.product):
        raise NotFound("This product is not registered here.")
    serial = facts.serial or _unit(facts)
    subject = Subject.of(rt.held, facts.gtin, serial)
    visitor = visitors.pseudonym(rt.visitor_key, subject.sgtin, cookie.cookie)
    return Held(subject=subject, brand=facts.brand, product=facts.product, serial=serial, visitor=visitor)


def _unit(facts: Facts) -> str:
    """
    Return what stands for the serial of a unit of a batch, whose number the address has.

    Raises:
        UnitNeeded: The address has none, or what it has is none.
    """
    if facts.product is None or facts.product.granularity is not Granularity.BATCH or facts.lot is None:
        raise NotFound("A code of a batch or a case has no warranty of its own.")
    typed = request.args.get("unit", "")
    try:
        return units.serial_of(facts.lot, units.parse(typed))
    except BadInput as error:
        raise UnitNeeded(facts, typed, languages.of_error(error) if typed else None) from error


class UnitNeeded(Exception):
    """The code names a batch: the page asks which unit of it somebody has before them."""

    def __init__(self, facts: Facts, typed: str, fault: str | None) -> None:
        super().__init__(fault)
        self.facts, self.typed, self.fault = facts, typed, fault


@bp.errorhandler(UnitNeeded)
def ask_for_unit(needed: UnitNeeded) -> Page:
    """Ask for the number of the unit; it is kept in the address, so that every form of the way has it."""
    facts = needed.facts
    return door.show(
        "unit", facts.brand, title=_("Which one do you have?"), status=200 if needed.fault is None else 400,
        product=facts.product, lot=facts.lot, typed=needed.typed[:60], fault=needed.fault,
    )  # fmt: skip


def may_register(product: Product) -> bool:
    """Say whether items of a product are registered at all."""
    return product.is_tracked and (bool(product.warranty_months) or product.claim != "none")


def scan_first() -> Page:
    """Ask somebody to scan the label with this phone."""
    return door.show("scan_first", None, title=_("Scan the label again"), status=403)


def field_of(fault: str) -> str | None:
    """Return the field that a message is about, so that it can stand there."""
    words = {
        "proof of purchase": "proof",
        "file": "proof",
        "picture": "proof",
        "e-mail": "email",
        "claim code": "code",
        "date of purchase": "purchased_on",
        "shop": "shop",
    }
    return next((field for word, field in words.items() if word in fault), None)


# --- Private ---------------------------------------------------------------------------------------------------------


def _read_form(held: Held) -> Application:
    today = door.now().date()
    purchased = parse_purchase(request.form.get("purchased_on", ""), today)
    return Application(
        gtin=held.product.gtin,
        serial=held.serial,
        email=mails.parse_address(request.form.get("email", "")),
        purchased_on=purchased.isoformat() if purchased else "",
        shop=registrations.clean_shop(request.form.get("shop", "")),
        visitor=held.visitor.hex(),
        is_used=_is_used(),
        has_file=_has_file(),
        language=languages.spoken().code,
    )


def _is_used() -> bool:
    return request.form.get("bought") == "used"


def _has_file() -> bool:
    given = request.files.get("proof")
    return given is not None and bool(given.filename)


def _try_code(held: Held, present: Registered | None, typed: str, *, has_code: bool) -> bool:
    """
    Look at a claim code that was typed, and say whether it is to be asked for again behind a confirmed address.

    After a thousand tries a day for one item nobody's code is looked at before that; the item is never locked.
    """
    code = typed.strip() or None
    is_owned = present is not None and present.state is State.CONFIRMED
    is_needed = held.product.claim == "required" and not (_is_used() and _has_file())
    if code is None and has_code and (is_owned or is_needed):
        raise WrongClaimCode("Type the claim code. It is under the scratch field or inside the box.")
    counted = None
    if code is not None:
        counted = door.count(
            (CODE_FROM_HERE, f"{held.subject.sgtin}|{door.network()}"), (CODE_OF_ITEM, held.subject.sgtin)
        )
        _refuse_beyond(counted, CODE_FROM_HERE)
        if CODE_OF_ITEM.name in counted.beyond:
            return True
    with door.database(held.brand.id) as session:
        standing = registrations.examine(
            session, held.subject, code, keys=door.keys(), visitor=held.visitor, place=_place(), now=door.now(),
            new_id=runtime().new_id,
        )  # fmt: skip
    if code is not None and standing is Standing.OWNED:
        # Not given back: what comes from one network says no more the tenth time than the first.
        raise AlreadyRegistered(
            "The code is right, and it was used before you. We have noted that. Contact the brand with your receipt."
        )
    if counted is not None:
        door.give_back(counted)
    standing.check()
    return False


def _take_late_code(subject: Subject, application: Application) -> Application:
    """Look at a claim code that is given behind a confirmed address: its tries count for that address alone."""
    code = request.form.get("code", "").strip()
    if not code:
        raise WrongClaimCode("Type the claim code. It is under the scratch field or inside the box.")
    counted = door.count((CODE_OF_PERSON, f"{subject.sgtin}|{application.email.lower()}"))
    _refuse_beyond(counted, CODE_OF_PERSON)
    with door.database(subject.name.brand.id) as session:
        registrations.check_code(session, subject, code, keys=door.keys())
    door.give_back(counted)
    return replace(application, has_code=True, needs_code=False)


def _refuse_beyond(counted: Counted, limit: owner_attempts.Limit) -> None:
    if limit.name in counted.beyond:
        raise TooManyRequests(
            "{most} claim codes that do not match were tried here in the last hour. Your item is not locked: "
            "wait an hour, or use another network, and compare every letter with what is printed.",
            most=limit.most,
        )


def _tell(session: Session, brand: Brand, product: Product, application: Application, outcome: Outcome) -> None:
    """Tell the owner by mail, and whoever's pending claim has ended."""
    registered = outcome.registration
    item = {"product": product.name, "serial": application.serial}
    note = _("Your claim code is used up now. Keep your receipt: it is your proof of purchase.")
    if registered.waits_for_brand:
        note = _("{brand} looks at your proof of purchase and writes to you. Until then it is provisional.").format(
            brand=brand.name
        )
    elif registered.state is State.PENDING:
        note = _(
            "It is provisional until {day}. Until then somebody who has the claim code can take its place."
        ).format(day=languages.day(registered.pending_until))
    until = registered.warranty and _("Its warranty runs until {day}.").format(
        day=languages.day(registered.warranty.ends_on)
    )
    values = {**item, "warranty": until or _("This product has no warranty that begins with a registration."),
              "note": note, "link": door.link_to("")}  # fmt: skip
    door.send(session, brand.id, "owner-registered", outcome.person.email, values)
    if outcome.superseded is not None:
        with languages.speaking(outcome.superseded.language):
            door.send(session, brand.id, "owner-superseded", outcome.superseded.email, item)


def _place() -> Place:
    rt = runtime()
    place, _ = rt.locate(visitors.client_address(request.environ, rt.config.proxy_hops))
    return place


def _product(subject: Subject) -> Product:
    if subject.product is None:
        raise NotFound("This product is not in the register any more.")
    return subject.product


def _form(
    held: Held,
    present: Registered | None,
    *,
    has_code: bool,
    fault: AlreadyRegistered | BadInput | Conflict | TooLarge | WrongClaimCode | None = None,
) -> Page:
    typed = {name: request.form.get(name, "")[:200] for name in ("email", "purchased_on", "shop", "code", "bought")}
    field = None
    if fault is not None:
        field = "code" if isinstance(fault, WrongClaimCode) else field_of(str(fault))
    is_owned = present is not None and present.state is State.CONFIRMED
    return door.show(
        "register",
        held.brand,
        title=_("This item has an owner")
        if is_owned
        else _("Start your warranty")
        if held.product.warranty_months
        else _("Register your item"),
        status=200 if fault is None else fault.status,
        product=held.product,
        serial=held.serial,
        present=present,
        is_owned=is_owned,
        is_contested=present is not None and not is_owned,
        has_code=has_code,
        receipt=(request.view_args or {}).get("receipt_text", ""),
        query=f"?unit={quote(unit[1], safe='')}" if (unit := units.split(held.serial)) else "",
        is_required=has_code and held.product.claim == "required",
        today=door.now().date().isoformat(),
        typed=typed,
        fault=None if fault is None else languages.of_error(fault),
        field_of_fault=field,
        megabytes=uploads.MOST_BYTES // 2**20,
    )


def _confirmation(application: Application, *, fault: str | None = None, status: int = 200) -> Page:
    subject = Subject.of(runtime().held, application.gtin, application.serial)
    return door.show(
        "confirm", subject.name.brand, title=_("Confirm your registration"), status=status, product=_product(subject),
        serial=application.serial, email=application.email, needs_code=application.needs_code, fault=fault,
    )  # fmt: skip
