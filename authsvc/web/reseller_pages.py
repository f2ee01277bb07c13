"""The pages of ``/check``: values in, HTML out. What must stay true of pages is said in ``pages``."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from authsvc import languages
from authsvc.core import offline_words, short_words, wording
from authsvc.core.check_lists import MOST
from authsvc.core.gs1 import DigitalLink
from authsvc.core.verdicts import Disposition, Facts, Mark, Outcome, Reason
from authsvc.languages import gettext as _
from authsvc.languages import later
from authsvc.scanning import Checked
from authsvc.web import assets, pages, product_cards
from authsvc.web.leaves import groups
from authsvc.web.reseller_rows import Row

CONDITIONS = {
    Disposition.ACTIVE: later("In use"),
    Disposition.INACTIVE: later("Not in use"),
    Disposition.RECALLED: later("Recalled"),
    Disposition.STOLEN: later("Reported stolen"),
    Disposition.LOST: later("Reported lost"),
    Disposition.BLOCKED: later("Blocked by the brand"),
    Disposition.DESTROYED: later("Destroyed"),
}


def start(
    addresses: dict[str, str], *, typed: str = "", fault: str | None = None, list_fault: str | None = None
) -> str:
    """Render the page to scan, type or check a list."""
    return pages.template("reseller.html").render(
        brand=None,
        title=_("Check before you buy"),
        addresses=addresses,
        page_script=assets.url("reseller/page.js"),
        offline={name: _offline(words) for name, words in offline_words.ANSWERS.items()},
        signature_only=_(offline_words.SIGNATURE_ONLY),
        shorts=[(key, tone, _(word)) for key, (tone, word) in short_words.SHORT.items()],
        most=MOST,
        typed=typed,
        fault=fault,
        list_fault=list_fault,
    )


def item(checked: Checked, link: DigitalLink) -> str:
    """Render what is known of one code, without a word about any person."""
    facts = checked.verdict.facts
    words = wording.words(checked.verdict, languages.spoken())
    token = link.extension("s")
    target = None if token is None else f"{link.path()}{'&' if '?' in link.path() else '?'}s={quote(token, safe='')}"
    return pages.template("reseller_item.html").render(
        brand=None,
        title=words.title,
        words=words,
        notices=tuple(enumerate(said for _reason, said in wording.notice_words(checked.verdict, languages.spoken()))),
        checked=pages.moment(facts.at),
        checked_iso=facts.at.astimezone(UTC).isoformat(timespec="seconds"),
        product=facts.product if checked.verdict.outcome is not Outcome.INVALID else None,
        history=_history(checked),
        scan_href=target,
        contact=pages.link_of(facts.brand.contact) if facts.brand else None,
        maker=facts.brand.name if facts.brand else None,
    )


def table(rows: Sequence[Row]) -> str:
    """Render a checked list."""
    counts = Counter((row.tone, row.word) for row in rows)
    order = dict.fromkeys((tone, _(word)) for tone, word in short_words.SHORT.values())
    return pages.template("reseller_list.html").render(
        brand=None,
        title=_("Your list"),
        rows=rows,
        summary=[(tone, word, counts[tone, word]) for tone, word in order if counts[tone, word]],
        repeated=sum(1 for row in rows if row.same_as is not None),
        codes="\n".join(row.code for row in rows),
    )


def _offline(words: Any) -> dict[str, Any]:
    def fill(text: str) -> Markup:
        # A brand stands first in its sentence, or behind a full stop; its name is put in by the script.
        return Markup.escape(text).replace(
            "{brand}", Markup('<span data-fill="brand">{}</span>').format(_("The maker"))
        )

    return {
        "tone": words.tone,
        "icon": words.icon,
        "chip": _(words.chip),
        "title": fill(_(words.title)),
        "text": fill(_(words.text)),
    }


def _history(checked: Checked) -> list[tuple[str, str, bool]]:
    """Return label, value, and whether the value is a code. A bare number is told no more than its verdict says."""
    facts, outcome = checked.verdict.facts, checked.verdict.outcome
    if outcome is Outcome.INVALID or not facts.has_history:
        return []
    rows: list[tuple[str, str, bool]] = []
    if facts.gtin:
        rows.append((_("Product number"), facts.gtin, True))
    if facts.serial:
        rows.append((_("Serial number"), groups(facts.serial), True))
    if facts.signature.mark is Mark.ABSENT:
        return rows
    if facts.contents:
        rows.append((_("Items in this case"), languages.number(facts.contents), False))
    if facts.lot:
        rows.append((_("Batch"), facts.lot, True))
    if facts.expires_on:
        rows.append((_("Use by"), languages.day(facts.expires_on), False))
    if facts.is_item:
        rows += _of_item(facts)
    is_recalled = facts.recall is not None or facts.lot_recall is not None
    rows.append((_("Recall"), _("Yes") if is_recalled else _("None known"), False))
    if facts.is_item:
        is_copy = Reason.POSSIBLE_COPY in {checked.verdict.reason, *checked.verdict.notices}
        rows.append((_("Warning of copies"), _("Yes") if is_copy else _("None"), False))
    return rows


def _of_item(facts: Facts) -> list[tuple[str, str, bool]]:
    return [
        (_("First checked"), _month(facts.first_at), False),
        (
            _("Owners so far"),
            _("Not known") if facts.owners is None else str(facts.owners) if facts.owners else _("None"),
            False,
        ),
        (_("Warranty"), _warranty(facts), False),
        (_("Condition"), _(CONDITIONS[facts.disposition]), False),
        (_("Being passed on"), _("Yes, its owner offers it") if facts.is_offered else _("No"), False),
    ]


def _warranty(facts: Facts) -> str:
    if facts.warranty is None:
        return _("Not started") if facts.product is not None and facts.product.warranty_months else _("None registered")
    said = product_cards.warranty_words(facts.warranty, facts.at.date())
    return said[:1].upper() + said[1:]


def _month(at: datetime | None) -> str:
    # A day could tell who checked; a month tells a used item from a new one.
    return languages.month(at) if at else _("Not yet")
