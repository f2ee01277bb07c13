"""
``/report``: telling the brand that something is wrong, from a check or from a number, without an account.

Complete without JavaScript. What comes is counted in PostgreSQL before a photo is looked at, and where nothing can be
counted nothing is taken. The page after it has the number to quote, and for whoever made the check a sheet that helps
to get money back; both open only to the browser that has sent the report.
"""

import hmac
from dataclasses import dataclass

from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from authsvc import languages, mails, receipts, refund_help, reports, uploads
from authsvc.core.register import Brand, Product
from authsvc.core.verdicts import Verdict
from authsvc.core.warranties import parse_purchase
from authsvc.errors import (
    AuthsvcError,
    BadDigitalLink,
    BadInput,
    NotFound,
    TooLarge,
    TooManyRequests,
)
from authsvc.languages import gettext as _
from authsvc.receipts import Receipt
from authsvc.refund_help import RefundHelp, Stated
from authsvc.reports import Told
from authsvc.uploads import Upload
from authsvc.web import downloads, forms, lookups, pages, visitors
from authsvc.web.site import count_write, runtime

MOST_PHOTOS = 3
_MOST_BYTES = MOST_PHOTOS * uploads.MOST_BYTES + 64 * 1024
TRAP = "website"
"""A field that no person sees. Programs fill in every field that they find."""

_PRICE = frozenset("0123456789.,' ")
_FIELDS = ("text", "shop_name", "shop_address", "listing_url", "seller", "bought_on", "price", "currency", "contact")

bp = Blueprint("report", __name__, url_prefix="/report")

Page = str | tuple[str, int] | BaseResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a report is about: the brand, and the check or the typed number that led here."""

    brand: Brand
    product: Product | None
    verdict: Verdict | None = None
    receipt: Receipt | None = None
    typed: str | None = None

    @property
    def action(self) -> str:
        """Where the form is sent to."""
        if self.receipt is not None:
            return url_for("report.of_check", receipt_text=receipts.spell(self.receipt.id))
        return url_for("report.of_number", code=self.typed)


@bp.get("")
def of_number() -> Page:
    """Ask for the number on the label, or show the form where the address has it."""
    code = request.args.get("code", "").strip()
    if not code:
        return pages.public("report_code", title=_("Report something wrong"), typed="", fault=None)
    try:
        return _form(_about_number(code))
    except BadDigitalLink as error:
        return pages.public(
            "report_code", title=_("Report something wrong"), typed=code[:200], fault=languages.of_error(error)
        ), 400


@bp.post("")
def report_number() -> Page:
    """Take a report on a number."""
    return _take(_about_number(request.args.get("code", "").strip()))


@bp.get("/<receipt_text>")
def of_check(receipt_text: str) -> Page:
    """Show the form for a check."""
    return _form(_about_check(receipt_text))


@bp.post("/<receipt_text>")
def report_check(receipt_text: str) -> Page:
    """Take a report on a check."""
    return _take(_about_check(receipt_text))


@bp.get("/<slug>/<report_text>")
def sent(slug: str, report_text: str) -> Page:
    """Show the number of a report and what happens next, to the browser that has sent it."""
    brand, filed = _find_mine(slug, report_text)
    found = _find_my_check(filed)
    return forms.answer(
        pages.public(
            "report_sent",
            brand=brand,
            title=_("Your report has arrived"),
            number=reports.grouped(filed.number),
            maker=brand.name,
            days=runtime().config.keep_reports_days,
            sheet=None if found is None else url_for("report.sheet", slug=slug, report_text=report_text),
            again=filed.receipt is not None and found is None,
        )
    )


@bp.get("/<slug>/<report_text>/refund-help.pdf")
def sheet(slug: str, report_text: str) -> Response:
    """Hand out the sheet that helps to get money back, to whoever made the check and reported it."""
    brand, filed = _find_mine(slug, report_text)
    found = _find_my_check(filed)
    if found is None:
        raise NotFound("The sheet is for whoever made the check, on the same phone, within 90 days of it.")
    rt = runtime()
    drawn = refund_help.draw(
        RefundHelp(
            brand=brand,
            number=reports.grouped(filed.number),
            reported_at=filed.created_at,
            check=refund_help.Check(
                at=found.at,
                reference=receipts.reference(found.id),
                address=f"{rt.config.base_url}/s/{receipts.spell(found.id)}",
                then=found.then,
                now=found.now,
            ),
            stated=Stated(
                shop=", ".join(part for part in (filed.shop_name, filed.shop_address) if part) or None,
                listing=filed.listing_url,
                seller=filed.seller,
                bought_on=filed.bought_on,
                price=filed.price,
            ),
            made_at=rt.now(),
            address=rt.config.base_url,
        )
    )
    return downloads.download(f"report-{filed.number}.pdf", uploads.PDF, drawn)


# --- Private ---------------------------------------------------------------------------------------------------------


def _about_check(receipt_text: str) -> About:
    rt = runtime()
    found = receipts.get(rt.held, rt.connections, receipts.parse(receipt_text), at=rt.now())
    facts = found.now.facts
    if facts.brand is None:
        raise NotFound("Nobody is registered for this number, so there is no one here to tell. Tell the shop.")
    return About(brand=facts.brand, product=facts.product, verdict=found.then, receipt=found)


def _about_number(code: str) -> About:
    """
    Find whose number it is; nothing is looked up of the item itself.

    Raises:
        BadDigitalLink: It is no number, or nobody's.
    """
    held = runtime().held
    link = lookups.read(code)
    number = link.gtin or link.sscc or ""
    brand = held.register.find_brand(number)
    if brand is None:
        raise BadDigitalLink("Nobody is registered for this number. Compare it with the label, or tell the shop.")
    return About(brand=brand, product=held.register.find_product(link.gtin or ""), typed=code[:300])


def _form(about: About, *, typed: dict[str, str] | None = None, fault: AuthsvcError | None = None) -> Page:
    cookie = visitors.visitor_cookie(request.environ, runtime().random)
    shown = pages.public(
        "report", brand=about.brand, title=_("Report something wrong"), product=about.product,
        verdict=about.verdict, serial=about.verdict and about.verdict.facts.serial, action=about.action,
        number=about.typed, maker=about.brand.name, typed=typed or dict.fromkeys(_FIELDS, ""), trap=TRAP,
        form_token=forms.token(f"report/{about.brand.id}", cookie.cookie), today=runtime().now().date().isoformat(),
        photos=MOST_PHOTOS, megabytes=uploads.MOST_BYTES // 2**20,
        fault=None if fault is None else languages.of_error(fault),
        field_of_fault=None if fault is None else _field_of(str(fault)), days=runtime().config.keep_reports_days,
    )  # fmt: skip
    response = forms.answer(shown, 200 if fault is None else fault.status)
    if cookie.is_new:
        secure = visitors.is_secure(request.environ)
        response.headers.add("Set-Cookie", visitors.set_cookie_header(cookie, secure=secure))
    return response


def _take(about: About) -> Page:
    """Count first, then look at what came: the words, then the photos, then store."""
    count_write()
    request.max_content_length = _MOST_BYTES
    request.max_form_memory_size = 64 * 1024
    cookie = forms.check(f"report/{about.brand.id}")
    typed = {name: request.form.get(name, "")[:5_000] for name in _FIELDS}
    try:
        told = _read(about, typed)
        reports.check(told)
    except (BadInput, BadDigitalLink) as error:
        return _form(about, typed=typed, fault=error)
    admitted = _admit(about.brand, cookie)
    try:
        photos = _photos()
    except (BadInput, TooLarge) as error:
        return _form(about, typed=typed, fault=error)
    rt = runtime()
    with forms.database(about.brand.id) as session:
        filed = reports.file_report(
            session, admitted, told, photos=photos, wrapping_key=rt.wrapping_key, random=rt.random, new_id=rt.new_id,
            now=rt.now(),
        )  # fmt: skip
    return redirect(url_for("report.sent", slug=about.brand.slug, report_text=receipts.spell(filed.id)), 303)


def _read(about: About, typed: dict[str, str]) -> Told:
    if request.form.get(TRAP):
        raise BadInput("A field was filled in that people do not see. If a program did it for you, send it once more.")
    if not typed["text"].strip():
        raise BadInput("Say in a few words what is wrong.")
    price, currency = " ".join(typed["price"].split()), typed["currency"].strip().upper()
    if price and not (set(price) <= _PRICE and any(digit.isdigit() for digit in price) and len(price) <= 20):
        raise BadInput("Write the price as a number, such as 129.90.")
    if currency and not (currency.isascii() and currency.isalpha() and len(currency) == 3):
        raise BadInput("Write the currency with its three letters, such as EUR.")
    contact = typed["contact"].strip()
    if "@" in contact:
        contact = mails.parse_address(contact)
    facts = about.verdict.facts if about.verdict is not None else None
    return Told(
        text=typed["text"],
        sgtin=None if facts is None or not facts.is_issued else facts.item_key,
        typed_code=about.typed if facts is None else None if facts.is_issued else facts.item_key,
        receipt=None if about.receipt is None else about.receipt.id,
        shop_name=typed["shop_name"],
        shop_address=typed["shop_address"],
        listing_url=typed["listing_url"],
        seller=typed["seller"],
        bought_on=parse_purchase(typed["bought_on"], runtime().now().date()),
        price=f"{price} {currency}".strip() if price else None,
        contact=contact,
    )


def _photos() -> list[Upload]:
    sent_files = [file for file in request.files.getlist("photos") if file.filename]
    if len(sent_files) > MOST_PHOTOS:
        raise BadInput("Send {most} photos at most.", most=MOST_PHOTOS)
    return [
        uploads.check(f"photo-{number}", file.read(uploads.MOST_BYTES + 1), allowed=uploads.PICTURES)
        for number, file in enumerate(sent_files, 1)
    ]


def _admit(brand: Brand, cookie: visitors.Visitor) -> reports.Admitted:
    """Count in a transaction of its own, which is over before anything that costs begins, refused or not."""
    rt = runtime()
    refusal: AuthsvcError | None = None
    with forms.database(brand.id) as session:
        try:
            admitted = reports.admit(
                session, brand.id, reporter=_reporter(brand, cookie.cookie), prefix=_prefix(brand), key=rt.limit_key,
                now=rt.now(),
            )  # fmt: skip
        except TooManyRequests as error:
            refusal = error
    if refusal is not None:
        raise refusal
    return admitted


def _find_mine(slug: str, report_text: str) -> tuple[Brand, reports.Filing]:
    """
    Return a report that this browser has sent.

    Raises:
        NotFound: There is none, or it is somebody else's: the answer is the same.
    """
    rt = runtime()
    brand = next((brand for brand in rt.held.register.brands.values() if brand.slug == slug), None)
    cookie = visitors.visitor_cookie(request.environ, rt.random)
    filed = None
    if brand is not None and not cookie.is_new:
        with forms.database(brand.id) as session:
            filed = reports.find_filing(session, brand.id, receipts.parse(report_text))
    if brand is None or filed is None or not hmac.compare_digest(filed.reporter, _reporter(brand, cookie.cookie)):
        raise NotFound("There is no such report, or another browser has sent it.")
    return brand, filed


def _find_my_check(filed: reports.Filing) -> Receipt | None:
    """Return the check that a report is about, if this browser has made it."""
    rt = runtime()
    if filed.receipt is None:
        return None
    try:
        found = receipts.get(rt.held, rt.connections, filed.receipt, at=rt.now())
    except NotFound:
        return None
    return found if forms.is_mine(found) else None


def _reporter(brand: Brand, cookie: str) -> bytes:
    return visitors.pseudonym(runtime().visitor_key, f"report/{brand.id}", cookie)


def _prefix(brand: Brand) -> bytes:
    rt = runtime()
    network = visitors.network_prefix(visitors.client_address(request.environ, rt.config.proxy_hops))
    return visitors.pseudonym(rt.visitor_key, f"report-network/{brand.id}", network)


def _field_of(fault: str) -> str | None:
    """Return the field that a message is about, so that it can stand there."""
    words = {
        "what is wrong": "text", "The text": "text", "price": "price", "currency": "currency", "date of": "bought_on",
        "name of the shop": "shop_name", "address of the shop": "shop_address", "address of the offer": "listing_url",
        "An address has": "listing_url", "seller": "seller", "e-mail": "contact", "contact": "contact",
        "hoto": "photos", "picture": "photos", "file": "photos",
    }  # fmt: skip
    return next((field for word, field in words.items() if word in fault), None)
