"""
``/follow``: "tell me if this changes". Somebody who made a check leaves an address, and confirms it by a mail.

Complete without JavaScript. The link in the mail only shows a button, for mail filters open links too; later the same
link lets people change their mind.
"""

from flask import Blueprint, Response, request, url_for

from authsvc import followers, languages, mails, owner_attempts, receipts
from authsvc.core import serials
from authsvc.core.register import Brand
from authsvc.core.verdicts import may_follow
from authsvc.core.wrapping import derive_key
from authsvc.errors import BadInput, NotFound, TooManyRequests
from authsvc.followers import Wanted
from authsvc.languages import gettext as _
from authsvc.languages import later
from authsvc.owner_attempts import MAIL_FROM_HERE, MAIL_TO_ADDRESS
from authsvc.receipts import Receipt
from authsvc.web import forms, pages, visitors
from authsvc.web.site import count_write, runtime

bp = Blueprint("follow", __name__, url_prefix="/follow")

TITLE = later("Tell me if this changes")


@bp.get("/<receipt_text>")
def form(receipt_text: str) -> Response:
    """Show where an address is left."""
    return _form(_get_mine(receipt_text))


@bp.post("/<receipt_text>")
def ask(receipt_text: str) -> Response:
    """Take an address, and send the mail that makes it count."""
    count_write()
    found = _get_mine(receipt_text)
    brand = _brand(found)
    forms.check(f"follow/{receipt_text}")
    typed = request.form.get("email", "")
    try:
        email = mails.parse_address(typed)
    except BadInput as error:
        return _form(found, typed=typed[:200], fault=languages.of_error(error))
    _count_mail(email)
    rt, at = runtime(), runtime().now()
    facts = found.now.facts
    product, gtin = facts.product, facts.gtin
    assert product is not None  # as ``may_follow`` says
    assert gtin is not None
    place = serials.decode(facts.serial or "", gtin, rt.held.serial_keys_of(brand.id)) if facts.serial else None
    run, index = place or (None, None)
    wanted = Wanted(
        brand_id=brand.id, sgtin=found.sgtin, gtin=gtin, serial=facts.serial, lot=facts.lot, run=run, index=index
    )
    with forms.database(brand.id) as session:
        secret = followers.ask(
            session, wanted, email, key=rt.people_key, random=rt.random, now=at, language=languages.spoken().code
        )
        spoken = languages.now_spoken()
        link = rt.config.base_url + url_for("follow.arrive", secret=secret)
        if spoken.is_chosen:
            link = languages.carried(link, spoken.language.code)
        draft = mails.Draft(
            id=rt.new_id(), brand_id=brand.id, template="follow-confirm", to=email,
            language=spoken.language.code,
            values={"product": product.name, "serial": facts.serial or "", "link": link},
        )  # fmt: skip
        mails.enqueue(session, draft, seal_key=rt.mail_key, nonce=rt.random(12), now=at)
    return forms.answer(
        pages.public("follow_sent", brand=brand, title=_("Confirm your address"), email=email, receipt=receipt_text)
    )


@bp.get("/mail/<secret>")
def arrive(secret: str) -> Response:
    """Show what the link of a mail can do now."""
    return _link_page(secret)


@bp.post("/mail/<secret>/confirm")
def confirm(secret: str) -> Response:
    """Let the address count."""
    count_write()
    with forms.database(None) as session:
        followers.get(session, secret, key=runtime().people_key, now=runtime().now())
        followers.confirm(session, secret, now=runtime().now())
    return _link_page(secret)


@bp.post("/mail/<secret>/forget")
def forget(secret: str) -> Response:
    """Forget the address."""
    count_write()
    with forms.database(None) as session:
        found = followers.get(session, secret, key=runtime().people_key, now=runtime().now())
        followers.forget(session, secret)
    brand = runtime().held.register.brands.get(found.brand_id)
    return forms.answer(pages.public("follow_link", brand=brand, title=_("Your address is forgotten"), found=None))


# --- Private ---------------------------------------------------------------------------------------------------------


def _get_mine(receipt_text: str) -> Receipt:
    """
    Return a check that this browser has made, of something of which news may come.

    Raises:
        NotFound: It is none.
    """
    rt = runtime()
    found = receipts.get(rt.held, rt.connections, receipts.parse(receipt_text), at=rt.now())
    if not forms.is_mine(found) or not may_follow(found.now):
        raise NotFound("Only who has checked an item can ask to hear of it. Scan it with this phone.")
    return found


def _brand(found: Receipt) -> Brand:
    brand = found.now.facts.brand
    assert brand is not None  # what was issued has a brand
    return brand


def _form(found: Receipt, *, typed: str = "", fault: str | None = None) -> Response:
    facts = found.now.facts
    cookie = visitors.visitor_cookie(request.environ, runtime().random)
    shown = pages.public(
        "follow", brand=facts.brand, title=_(TITLE), product=facts.product, serial=facts.serial, typed=typed,
        fault=fault, maker=_brand(found).name,
        form_token=forms.token(f"follow/{receipts.spell(found.id)}", cookie.cookie),
        receipt=receipts.spell(found.id),
    )  # fmt: skip
    return forms.answer(shown, 200 if fault is None else BadInput.status)


def _link_page(secret: str) -> Response:
    rt = runtime()
    with forms.database(None) as session:
        found = followers.get(session, secret, key=rt.people_key, now=rt.now())
    product = rt.held.register.find_product(found.gtin)
    return forms.answer(
        pages.public(
            "follow_link", brand=rt.held.register.brands.get(found.brand_id), found=found, product=product,
            title=_("We will tell you") if found.is_confirmed else _("Shall we tell you if something changes?"),
            secret=secret,
        )
    )  # fmt: skip


def _count_mail(email: str) -> None:
    """
    Count a mail that somebody asks for, in a transaction that is over before it is written.

    Raises:
        TooManyRequests: This network has asked for many, or this address was sent many.
    """
    rt = runtime()
    address = visitors.limit_key(visitors.client_address(request.environ, rt.config.proxy_hops))
    tries = ((MAIL_FROM_HERE, address), (MAIL_TO_ADDRESS, email.lower()))
    with forms.database(None) as session:
        counted = owner_attempts.count(session, derive_key(rt.people_key, "attempts"), tries, now=rt.now())
    if counted.beyond:
        raise TooManyRequests(
            "Many mails were asked for in the last hour. Look into your spam folder, or wait an hour."
        )
