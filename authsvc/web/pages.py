"""
The pages that a person in a shop sees: values in, HTML out.

Nothing here reads a request, a clock or the database. A page is complete without JavaScript, holds no inline style or
script (the content security policy allows none), and every value in it is escaped by the template engine.

Two things must stay true. What a preview or a shared link shows (``og:title``, the canonical address) never carries a
verdict: a counterfeiter would print it. And ``not-issued`` is the very same page as ``unknown``, of about the same
size as ``not-released``: a page must not tell which serials exist.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from jinja2 import Template

from authsvc import languages
from authsvc.core import wording
from authsvc.core.register import Brand, Granularity, Product
from authsvc.core.values import lean_dataclass
from authsvc.core.verdict_texts import Words
from authsvc.core.verdicts import Facts, Mark, Outcome, Reason, Verdict, may_follow
from authsvc.languages import gettext as _
from authsvc.languages import later, ngettext
from authsvc.web import frames, looks
from authsvc.web.frames import Frames, escaped, mark
from authsvc.web.leaves import ENVIRONMENT, groups
from authsvc.web.product_cards import NO_PRODUCT, product_card, unit_card, warranty_words

NEUTRAL_TONES = {"ok", "info", "none"}
"""Tones of a verdict that a receipt hides from everybody but the visitor who made the check."""

CARDS = {
    Reason.FIRST_CHECK: later("Compare this with your item"),
    Reason.CHECKED_BEFORE: later("Compare this with your item"),
    Reason.CHECKED_BY_YOU: later("Compare this with your item"),
    Reason.POSSIBLE_COPY: later("Compare this with your item"),
    Reason.UNAVAILABLE: later("Compare this with your item"),
    Reason.RECALLED: later("Is this your item?"),
    Reason.EXPIRED: later("Is this your item?"),
    Reason.STOLEN: later("What this code was made for"),
    Reason.LOST: later("What this code was made for"),
    Reason.BLOCKED: later("What this code was made for"),
    Reason.WITHDRAWN: later("What this code was made for"),
    Reason.UNSIGNED: later("What this number stands for"),
    Reason.LOT_ONLY: later("Product facts"),
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
    Reason.POSSIBLE_COPY: later("Tell {brand}"),
    Reason.FORGED: later("Tell {brand}"),
    Reason.UNKNOWN: later("Ask {brand}"),
    Reason.NOT_RELEASED: later("Ask {brand}"),
    Reason.UNSIGNED: later("Ask {brand}"),
    Reason.STOLEN: later("Tell {brand}"),
    Reason.LOST: later("Contact {brand}"),
    Reason.BLOCKED: later("Contact {brand}"),
    Reason.RECALLED: later("Contact {brand}"),
    Reason.WITHDRAWN: later("Ask {brand}"),
    Reason.EXPIRED: later("Contact {brand}"),
}
"""The words on the button that leads to the brand, where the brand has named a contact."""

ROUND_NUMBERS = (1000, 500, 200, 100, 50, 20, 10)


@lean_dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """
    What a verdict page shows.

    ``host`` is the address in the visitor's browser. Without a ``receipt`` nothing was stored, without a ``nonce``
    there is nothing to confirm. ``has_script`` is false where the page shall confirm by its button alone. ``here`` is
    where the page is had in another language when there is no receipt.
    """

    verdict: Verdict
    host: str
    receipt: str | None = None
    reference: str | None = None
    nonce: str | None = None
    has_script: bool = True
    here: str = "/"


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


def live(check: Check) -> bytes:
    """Render the answer at a Digital Link, as it goes out."""
    return _verdict_page(check, wording.words(check.verdict, languages.spoken()), is_live=check.receipt is not None)


def verdict(check: Check) -> str:
    """Render the answer at a Digital Link."""
    return live(check).decode()


def receipt(check: Check, *, is_mine: bool, since: Sequence[Verdict] = ()) -> str:
    """
    Render a kept check. It never counts, so it holds neither script nor form.

    *since* is what the code gets now (a recall, a theft), worst first. Warnings in it, like every warning, are for
    everybody. A good answer is only for the visitor who made the check: a receipt must not become a seal for a fake.
    So a warning that was lifted since does not turn the page green; the check stays what it was.
    """
    checked = check.verdict.facts.at
    tongue = languages.spoken()
    since = [known for known in since if wording.words(known).tone not in NEUTRAL_TONES]
    if since:
        note = _("The check was made on {time}. What you read here became known after it.").format(time=moment(checked))
        now = Verdict(since[0].reason, (*since[0].notices, *(v.reason for v in since[1:])), since[0].facts)
        page = _verdict_page(replace(check, verdict=now), wording.words(now, tongue), note=note, checked_at=checked)
        return page.decode()
    words = wording.words(check.verdict, tongue)
    if is_mine or words.tone not in NEUTRAL_TONES:
        note = (
            _("This is your check of {time}, as it was then. Opening it again counts nothing.")
            if is_mine
            else _("This is a check of {time}, as it was then. Opening it again counts nothing.")
        )
        return _verdict_page(check, words, is_mine=is_mine, note=note.format(time=moment(checked))).decode()
    return _verdict_page(check, wording.receipt_words(checked, tongue), is_neutral=True).decode()


def check_form(*, typed: str = "", fault: str | None = None) -> str:
    """Render the public page where a code is typed; *fault* is the sentence that says what was wrong with it."""
    return _CHECK.render(brand=None, title=_("Check a code"), typed=typed, fault=fault)


def demo_index(brand: str, entries: Sequence[DemoEntry]) -> str:
    """Render the index of the demo: one card for each answer that the service can give."""
    return _DEMO.render(brand=brand, title="Every answer, to try", entries=entries)


def demo_outbox(brand: str, mails: Sequence[MailEntry]) -> str:
    """Render the outbox of the demo: every mail that was sent, the latest first."""
    return _OUTBOX.render(brand=brand, title="Outbox", mails=mails)


def own(template: str, **values: Any) -> str:
    """Render a page of owners: a template of the folder ``own``."""
    return ENVIRONMENT.get_template(f"own/{template}.html").render(values)


def public(template: str, *, brand: Brand | None = None, **values: Any) -> str:
    """Render a page around a check, by the name of its template."""
    contact = link_of(brand.contact) if brand else None
    return ENVIRONMENT.get_template(f"{template}.html").render(
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
    is_mine: bool = False,
    is_neutral: bool = False,
    note: str | None = None,
    checked_at: datetime | None = None,
) -> bytes:
    facts = check.verdict.facts
    # One name for both keeps the two pages alike, byte for byte.
    reason = Reason.UNKNOWN if check.verdict.reason is Reason.NOT_ISSUED else check.verdict.reason
    product, language = facts.product, languages.spoken()
    at = (checked_at or facts.at).astimezone(UTC)
    is_signed = facts.signature.mark is Mark.VALID
    shows_product = not is_neutral and product is not None and (reason is not Reason.UNAVAILABLE or is_signed)
    own = {
        "checked": moment(at),
        "checked_iso": at.isoformat(timespec="seconds"),
        # A check that is kept is read in another language as a receipt, so that nobody presents the code again.
        "here": f"/s/{check.receipt}" if check.receipt else check.here,
    }
    if check.receipt:
        own["receipt"] = check.receipt
    if check.reference:
        own["reference"] = check.reference
    if check.nonce:
        own["nonce"] = check.nonce
    if facts.serial:
        own["serial"] = groups(facts.serial)
    if shows_product and product and reason is not Reason.UNSIGNED and (unit := unit_card(product, facts)):
        own["unit"] = unit
    if facts.warranty:
        own["warranty"] = warranty_words(facts.warranty, at.date())
    notices = () if is_neutral else tuple(said for _reason, said in wording.notice_words(check.verdict, language))
    times = _times(facts.scan_number) if reason is Reason.POSSIBLE_COPY else None
    # A receipt says when its check was, so its page is like no other and not kept.
    is_kept = note is None and not is_neutral
    known = frames.key(check.verdict, words, notices) if is_kept else ()
    return _FRAMES.fill(
        (*known, language, check.host, check.has_script, is_live, times, *own) if is_kept else None,
        own,
        lambda: _VERDICT.render(
            language=language.code,
            words=words,
            title=words.title,
            reason=str(reason),
            host=check.host,
            has_script=check.has_script,
            is_live=is_live,
            is_neutral=is_neutral,
            note=note,
            notices=tuple(enumerate(notices)),
            may_follow=not is_neutral and may_follow(check.verdict),
            is_signed=is_signed,
            is_clear=check.verdict.outcome is Outcome.AUTHENTIC
            or (reason is Reason.LOT_ONLY and facts.lot is not None),
            register=_register(product, reason, has_warranty=facts.warranty is not None)
            if (is_live or is_mine) and shows_product and (facts.is_item or facts.lot is not None)
            else None,
            times=times,
            card=_(CARDS[reason]) if shows_product and reason in CARDS else None,
            may_compare=words.tone == "ok" or (reason is Reason.UNAVAILABLE and is_signed),
            **_about(facts, reason),
            **(product_card(product, facts, reason) if shows_product and product else NO_PRODUCT),
            **{name: mark(name) if name in own else None for name in _OWN},
        ),
        about=frames.about(facts),
    )


def _about(facts: Facts, reason: Reason) -> dict[str, Any]:
    """Return what a page says of the code, its brand and its product, whatever the verdict."""
    brand, product = facts.brand, facts.product
    return {
        "brand": brand.name if brand else None,
        "css_url": looks.url(brand.look if brand else None),
        "logo": looks.logo(brand.look if brand else None),
        "maker": brand.name if brand else _("the maker"),
        "item": product.noun if product else _("item"),
        "contact": link_of(brand.contact) if brand else None,
        "is_typed": facts.is_typed,
        "is_registered": facts.is_issued is True and product is not None,
        "is_lot": reason is Reason.LOT_ONLY,
        "is_tracked": product is None or product.is_tracked,
        "lot": facts.lot,
    }


_OWN = ("checked", "checked_iso", "receipt", "reference", "nonce", "serial", "unit", "warranty", "here")
"""What each check has of its own; everything else on a page is the same for many."""


def _register(product: Product | None, reason: Reason, *, has_warranty: bool) -> str | None:
    """Return the words of the button that leads to the registration, where this code opens one."""
    if product is None or not product.is_tracked or not (product.warranty_months or product.claim != "none"):
        return None
    if reason is Reason.POSSIBLE_COPY:
        return None if product.claim == "none" else _("I own this {item}: prove it").format(item=product.noun)
    is_of_a_batch = reason is Reason.LOT_ONLY and product.granularity is Granularity.BATCH
    if reason not in {Reason.FIRST_CHECK, Reason.CHECKED_BEFORE, Reason.CHECKED_BY_YOU} and not is_of_a_batch:
        return None
    months = product.warranty_months
    if not months or has_warranty:
        return _("Record that you own it")
    return _start(months)


def _start(months: int) -> str:
    if months % 12 == 0:
        return ngettext("Start your {count}-year warranty", "Start your {count}-year warranty", months // 12).format(
            count=months // 12
        )
    return ngettext("Start your {count}-month warranty", "Start your {count}-month warranty", months).format(
        count=months
    )


def link_of(contact: str | None) -> str | None:
    """Return what a contact link points to, or None for anything that is neither a web page nor a mail address."""
    if contact is None:
        return None
    if contact.startswith(("https://", "http://", "mailto:")):
        return contact
    return f"mailto:{contact}" if "@" in contact and ":" not in contact else None


def _times(count: int | None) -> str:
    """Round down, so that the page teaches neither the threshold nor who checked: "More than 20 checks"."""
    for bound in ROUND_NUMBERS:
        if count is not None and count > bound:
            return _("More than {number} checks").format(number=languages.number(bound))
    return _("Too many checks")


def moment(at: datetime) -> str:
    """Word a time in full: "23 Nov 2026, 10:14 UTC"."""
    return languages.moment(at)


def month(at: datetime) -> str:
    """Word a time by its month: a day could tell who was there."""
    return languages.month(at)


def template(name: str) -> Template:
    """Return a template of the public pages, for modules that render a family of their own."""
    return ENVIRONMENT.get_template(name)


ENVIRONMENT.globals |= {
    "has_steps": frozenset(STEPS),
    "asks_maker": {str(reason): verb for reason, verb in ASKS_MAKER.items()},
}
_VERDICT, _CHECK, _DEMO, _OUTBOX, _PROBLEM = (
    ENVIRONMENT.get_template(f"{name}.html") for name in ("verdict", "check", "demo", "outbox", "problem")
)
_FRAMES = Frames(_OWN, escaped)
