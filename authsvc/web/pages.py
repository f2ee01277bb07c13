"""
The pages that a person in a shop sees: values in, HTML out.

Nothing here reads a request, a clock or the database. A page is complete without JavaScript, holds no inline style or
script (the content security policy allows none), and every value in it is escaped by the template engine.

Two things must stay true. What a preview or a shared link shows (``og:title``, the canonical address) never carries a
verdict: a counterfeiter would print it. And ``not-issued`` is the very same page as ``unknown``, of about the same
size as ``not-released``: a page must not tell which serials exist.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from authsvc.core import unit_data, units, wording
from authsvc.core.register import Brand, Granularity, Product
from authsvc.core.unit_data import Attribute, Audience, Level
from authsvc.core.verdicts import Facts, Mark, Outcome, Reason, Verdict, may_follow
from authsvc.core.warranties import Warranty
from authsvc.core.wording import Words
from authsvc.web import assets, looks
from authsvc.web.frames import Frames, mark
from authsvc.web.unit_cards import card

NEUTRAL_TONES = {"ok", "info", "none"}
"""Tones of a verdict that a receipt hides from everybody but the visitor who made the check."""

CARDS = {
    Reason.FIRST_CHECK: "Compare this with your item",
    Reason.CHECKED_BEFORE: "Compare this with your item",
    Reason.CHECKED_BY_YOU: "Compare this with your item",
    Reason.POSSIBLE_COPY: "Compare this with your item",
    Reason.UNAVAILABLE: "Compare this with your item",
    Reason.RECALLED: "Is this your item?",
    Reason.EXPIRED: "Is this your item?",
    Reason.STOLEN: "What this code was made for",
    Reason.LOST: "What this code was made for",
    Reason.BLOCKED: "What this code was made for",
    Reason.WITHDRAWN: "What this code was made for",
    Reason.UNSIGNED: "What this number stands for",
    Reason.LOT_ONLY: "Product facts",
}
"""The heading of the product card. A reason that is missing here shows no product at all."""

STEPS = {str(reason) for reason in Reason} - {
    Reason.FIRST_CHECK,
    Reason.CHECKED_BEFORE,
    Reason.CHECKED_BY_YOU,
    Reason.LOT_ONLY,
    Reason.TEST,
}
"""The reasons with numbered steps; their words are in ``steps.html``."""

ASKS_MAKER = {
    Reason.POSSIBLE_COPY: "Tell",
    Reason.FORGED: "Tell",
    Reason.UNKNOWN: "Ask",
    Reason.NOT_RELEASED: "Ask",
    Reason.UNSIGNED: "Ask",
    Reason.STOLEN: "Tell",
    Reason.LOST: "Contact",
    Reason.BLOCKED: "Contact",
    Reason.RECALLED: "Contact",
    Reason.WITHDRAWN: "Ask",
    Reason.EXPIRED: "Contact",
}
"""The verb on the button that leads to the brand, where the brand has named a contact."""

_PICTURE = re.compile(r"[0-9a-f]{64}\.[a-z]{3,4}")
"""Pictures are named by the hash of their bytes; see ``catalogue``."""

ROUND_NUMBERS = (1000, 500, 200, 100, 50, 20, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """
    What a verdict page shows.

    ``host`` is the address in the visitor's browser. Without a ``receipt`` nothing was stored, without a ``nonce``
    there is nothing to confirm. ``has_script`` is false where the page shall confirm by its button alone.
    """

    verdict: Verdict
    host: str
    receipt: str | None = None
    reference: str | None = None
    nonce: str | None = None
    has_script: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoEntry:
    """One card of the demo: a code, and what it shows."""

    reason: str
    title: str
    text: str
    href: str
    symbol_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MailEntry:
    """One mail of the demo's outbox. A line of the text is plain, or a link of this service to be followed."""

    sender: str
    to: str
    subject: str
    sent: str
    paragraphs: tuple[tuple[tuple[str, bool], ...], ...]


def verdict(check: Check) -> str:
    """Render the answer at a Digital Link."""
    return _verdict_page(check, wording.words(check.verdict), is_live=check.receipt is not None)


def receipt(check: Check, *, is_mine: bool, since: Sequence[Verdict] = ()) -> str:
    """
    Render a kept check. It never counts, so it holds neither script nor form.

    *since* is what the code gets now (a recall, a theft), worst first. Warnings in it, like every warning, are for
    everybody. A good answer is only for the visitor who made the check: a receipt must not become a seal for a fake.
    So a warning that was lifted since does not turn the page green; the check stays what it was.
    """
    checked = check.verdict.facts.at
    since = [later for later in since if wording.words(later).tone not in NEUTRAL_TONES]
    if since:
        note = f"The check was made on {moment(checked)}. What you read here became known after it."
        now = Verdict(since[0].reason, (*since[0].notices, *(v.reason for v in since[1:])), since[0].facts)
        return _verdict_page(replace(check, verdict=now), wording.words(now), note=note, checked_at=checked)
    words = wording.words(check.verdict)
    if is_mine or words.tone not in NEUTRAL_TONES:
        whose = "This is your check" if is_mine else "This is a check"
        note = f"{whose} of {moment(checked)}, as it was then. Opening it again counts nothing."
        return _verdict_page(check, words, note=note)
    return _verdict_page(check, wording.receipt_words(checked), is_neutral=True)


def check_form(*, typed: str = "", fault: str | None = None) -> str:
    """Render the public page where a code is typed; *fault* is the sentence that says what was wrong with it."""
    return _CHECK.render(brand=None, title="Check a code", typed=typed, fault=fault)


def demo_index(brand: str, entries: Sequence[DemoEntry]) -> str:
    """Render the index of the demo: one card for each answer that the service can give."""
    return _DEMO.render(brand=brand, title="Every answer, to try", entries=entries)


def demo_outbox(brand: str, mails: Sequence[MailEntry]) -> str:
    """Render the outbox of the demo: every mail that was sent, the latest first."""
    return _OUTBOX.render(brand=brand, title="Outbox", mails=mails)


def own(template: str, **values: Any) -> str:
    """Render a page of owners: a template of the folder ``own``."""
    return _ENVIRONMENT.get_template(f"own/{template}.html").render(values)


def public(template: str, *, brand: Brand | None = None, **values: Any) -> str:
    """Render a page around a check, by the name of its template."""
    contact = link_of(brand.contact) if brand else None
    return _ENVIRONMENT.get_template(f"{template}.html").render(
        brand=brand.name if brand else None,
        css_url=looks.url(brand.look if brand else None),
        logo=looks.logo(brand.look if brand else None),
        contact=contact,
        **values,
    )


def problem(*, status: int, title: str, detail: str, request_id: str) -> str:
    """Render a refusal for people: the twin of the problem document (RFC 9457)."""
    return _PROBLEM.render(brand=None, status=status, title=title, detail=detail, request_id=request_id)


def _verdict_page(
    check: Check,
    words: Words,
    *,
    is_live: bool = False,
    is_neutral: bool = False,
    note: str | None = None,
    checked_at: datetime | None = None,
) -> str:
    facts = check.verdict.facts
    # One name for both keeps the two pages alike, byte for byte.
    reason = Reason.UNKNOWN if check.verdict.reason is Reason.NOT_ISSUED else check.verdict.reason
    brand, product = facts.brand, facts.product
    at = (checked_at or facts.at).astimezone(UTC)
    is_signed = facts.signature.mark is Mark.VALID
    shows_product = not is_neutral and product is not None and (reason is not Reason.UNAVAILABLE or is_signed)
    values = {
        "checked": moment(at),
        "checked_iso": at.isoformat(timespec="seconds"),
        "receipt": check.receipt,
        "reference": check.reference,
        "nonce": check.nonce,
        "serial": groups(facts.serial) if facts.serial else None,
        "unit": _unit(product, facts) if shows_product and product and reason is not Reason.UNSIGNED else None,
        "warranty": facts.warranty and warranty_words(facts.warranty, at.date()),
    }
    own = {name: value for name, value in values.items() if value}
    return _FRAMES.fill(
        {
            "words": words,
            "title": words.title,
            "reason": str(reason),
            "brand": brand.name if brand else None,
            "css_url": looks.url(brand.look if brand else None),
            "logo": looks.logo(brand.look if brand else None),
            "maker": brand.name if brand else "the maker",
            "item": product.noun if product else "item",
            "contact": link_of(brand.contact) if brand else None,
            "host": check.host,
            "has_script": check.has_script,
            "is_live": is_live,
            "is_neutral": is_neutral,
            "note": note,
            "notices": () if is_neutral else tuple(enumerate(said for _, said in wording.notice_words(check.verdict))),
            "may_follow": not is_neutral and may_follow(check.verdict),
            "is_typed": facts.is_typed,
            "is_signed": is_signed,
            "is_registered": facts.is_issued is True and product is not None,
            "is_clear": check.verdict.outcome is Outcome.AUTHENTIC
            or (reason is Reason.LOT_ONLY and facts.lot is not None),
            "is_lot": reason is Reason.LOT_ONLY,
            "is_tracked": product is None or product.is_tracked,
            "register": _register(product, reason, has_warranty=facts.warranty is not None)
            if is_live and shows_product and (facts.is_item or facts.lot is not None)
            else None,
            "times": _times(facts.scan_number) if reason is Reason.POSSIBLE_COPY else None,
            "lot": facts.lot,
            "card": CARDS.get(reason) if shows_product else None,
            "may_compare": words.tone == "ok" or (reason is Reason.UNAVAILABLE and is_signed),
            **(_product(product, facts, reason) if shows_product and product else _NO_PRODUCT),
            **{name: mark(name) if name in own else None for name in _OWN},
        },
        own,
    )


_OWN = ("checked", "checked_iso", "receipt", "reference", "nonce", "serial", "unit", "warranty")
"""What each check has of its own; everything else on a page is the same for many."""

_NO_PRODUCT: dict[str, Any] = {
    "product_name": "",
    "product_description": None,
    "picture": None,
    "picture_alt": "",
    "rows": (),
}


def _product(product: Product, facts: Facts, reason: Reason) -> dict[str, Any]:
    alt = product.attributes.get("image_alt")
    return {
        "product_name": product.name,
        "product_description": product.description,
        "picture": _picture(product.image),
        "picture_alt": alt if isinstance(alt, str) and alt else product.description or product.name,
        "rows": tuple(_rows(product, facts, reason)),
    }


def _rows(product: Product, facts: Facts, reason: Reason) -> list[tuple[str, str, bool]]:
    """Return label, value, and whether the value is a code, for each fact that a person can compare."""
    rows: list[tuple[str, str, bool]] = []
    if facts.serial:
        rows.append(("Serial number", mark("serial"), True))
    if facts.sscc:
        rows.append(("Case number", groups(facts.sscc), True))
    if not facts.is_item or facts.is_typed:
        rows.append(("Product number", product.gtin, True))
    if reason is Reason.UNSIGNED:
        # A bare number has proved nothing: it gets no fact that only the real label carries.
        return rows
    known = unit_data.resolve((*unit_data.of_product(product.attributes), *facts.data), Audience.PUBLIC)
    # What is true of this one item stands in a card of its own: a frame is for many.
    rows += [(fact.name, _with_level(fact), False) for fact in known if fact.level is not Level.ITEM]
    if facts.lot:
        rows.append(("Batch", facts.lot, True))
    if facts.expires_on:
        rows.append(("Use by", wording.day(facts.expires_on), False))
    if facts.warranty:
        rows.append(("Warranty", mark("warranty"), False))
    return rows


def _with_level(fact: Attribute) -> str:
    return f"{fact.value} (this batch)" if fact.level is Level.LOT else fact.value


def _unit(product: Product, facts: Facts) -> Markup | None:
    """Return the card of what is said of this one item alone; for most items nothing is."""
    if not facts.records and not facts.data:
        return None
    own = [fact for fact in facts.data if fact.level is Level.ITEM]
    return card(template("unit.html").render, product.noun, own, facts.records)


def warranty_words(granted: Warranty, today: date) -> str:
    """Say how long a warranty runs: its days, and nothing of whose it is."""
    return f"{'until' if granted.days_left(today) else 'ended on'} {wording.day(granted.ends_on)}"


def _register(product: Product | None, reason: Reason, *, has_warranty: bool) -> str | None:
    """Return the words of the button that leads to the registration, where this code opens one."""
    if product is None or not product.is_tracked or not (product.warranty_months or product.claim != "none"):
        return None
    if reason is Reason.POSSIBLE_COPY:
        return None if product.claim == "none" else f"I own this {product.noun}: prove it"
    if reason is Reason.LOT_ONLY and product.granularity is not Granularity.BATCH:
        return None
    if reason not in {Reason.FIRST_CHECK, Reason.CHECKED_BEFORE, Reason.CHECKED_BY_YOU, Reason.LOT_ONLY}:
        return None
    months = product.warranty_months
    if not months or has_warranty:
        return "Record that you own it"
    return f"Start your {months // 12}-year warranty" if months % 12 == 0 else f"Start your {months}-month warranty"


def _picture(image: str | None) -> str | None:
    """Return the address of a stored picture, or None for anything but the name that an import gave it."""
    return f"/media/{image}" if image and _PICTURE.fullmatch(image) else None


def link_of(contact: str | None) -> str | None:
    """Return what a contact link points to, or None for anything that is neither a web page nor a mail address."""
    if contact is None:
        return None
    if contact.startswith(("https://", "http://", "mailto:")):
        return contact
    return f"mailto:{contact}" if "@" in contact and ":" not in contact else None


def groups(code: str) -> str:
    """Group by four, as it is easiest to compare by eye."""
    return " ".join(code[i : i + 4] for i in range(0, len(code), 4))


def _grouped(serial: str) -> str:
    return groups(serial) if units.split(serial) is None else units.shown(serial)


def _times(count: int | None) -> str:
    """Round down, so that the page teaches neither the threshold nor who checked: "More than 20 checks"."""
    for bound in ROUND_NUMBERS:
        if count is not None and count > bound:
            return f"More than {bound:,} checks"
    return "Too many checks"


def moment(at: datetime) -> str:
    """Word a time in full: "23 Nov 2026, 10:14 UTC"."""
    at = at.astimezone(UTC)
    return f"{wording.day(at)}, {at.hour:02}:{at.minute:02} UTC"


def month(at: datetime) -> str:
    """Word a time by its month: a day could tell who was there."""
    return f"{at.astimezone(UTC):%b %Y}"


def template(name: str) -> Template:
    """Return a template of the public pages, for modules that render a family of their own."""
    return _ENVIRONMENT.get_template(name)


class _Loader(FileSystemLoader):
    """Pastes included parts in place while a template is compiled: at run time each costs a context, 5 us."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        source, filename, is_current = super().get_source(environment, template)
        return _INCLUDE.sub(lambda part: self.get_source(environment, part[1])[0], source), filename, is_current


_INCLUDE = re.compile(r'{% include "([a-z]+\.html)" %}')
_ENVIRONMENT = Environment(
    loader=_Loader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
    cache_size=-1,
)
_ENVIRONMENT.globals |= {
    "css_url": assets.url("ui.css"),
    "reseller_css_url": assets.url("reseller/reseller.css"),
    "js_url": assets.url("confirm.js"),
    "passkeys_js_url": assets.url("passkeys.js"),
    "icon_url": assets.url("icon.svg"),
    "has_steps": frozenset(STEPS),
    "asks_maker": {str(reason): verb for reason, verb in ASKS_MAKER.items()},
}
_ENVIRONMENT.filters |= {"day": wording.day, "grouped": _grouped, "picture": _picture}
_ENVIRONMENT.globals["shapes"] = _ENVIRONMENT.get_template("shapes.html").module.__dict__
_VERDICT, _CHECK, _DEMO, _OUTBOX, _PROBLEM = (
    _ENVIRONMENT.get_template(f"{name}.html") for name in ("verdict", "check", "demo", "outbox", "problem")
)
_FRAMES = Frames(_VERDICT.render, _OWN)
