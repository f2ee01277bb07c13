"""The verdict as JSON: what programs rely on. Unknown facts are null, never invented."""

from datetime import datetime
from typing import Any

from authsvc import languages, receipts
from authsvc.core import wording
from authsvc.core.verdicts import Facts, Mark, Outcome, Verdict
from authsvc.scanning import Checked


def verdict(checked: Checked) -> dict[str, Any]:
    """Return the verdict document of the design, section 10."""
    answer = checked.verdict
    facts = answer.facts
    tongue = languages.spoken()
    words = wording.words(answer, tongue)
    return {
        "outcome": answer.outcome.value,
        "reason": answer.reason.value,
        "title": words.title,
        "text": words.whole_text,
        "signature": _signature(facts),
        "product": _product(answer),
        "lot": _lot(facts),
        "item": _item(answer),
        "notices": [
            {"reason": reason, "title": notice.title, "text": notice.whole_text}
            for reason, notice in wording.notice_words(answer, tongue)
        ],
        "receipt": receipts.spell(checked.receipt) if checked.receipt else None,
        "checked_at": time(facts.at),
        # Said only to the brand's own devices: to everybody else it would be a word too many.
        **({"internal": True} if checked.is_internal else {}),
    }


def time(moment: datetime | None) -> str | None:
    """Spell a moment as RFC 3339 in UTC, to the second."""
    # strftime takes 6 us, and three of these stand in a verdict.
    return None if moment is None else moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _signature(facts: Facts) -> dict[str, Any]:
    signature = facts.signature
    mark = signature.mark
    valid = True if mark is Mark.VALID else False if mark is Mark.FORGED else None
    return {"valid": valid, "kid": signature.kid, "format": signature.format}


def _is_ours(answer: Verdict) -> bool:
    """Whether the code may show what it was made for: one that is not ours must not borrow a product's looks."""
    return answer.outcome is not Outcome.INVALID


def _product(answer: Verdict) -> dict[str, Any] | None:
    product, brand = answer.facts.product, answer.facts.brand
    if product is None or not _is_ours(answer):
        return None
    return {
        "gtin": product.gtin,
        "name": product.name,
        "brand": brand.name if brand else None,
        "category": product.category,
        "description": product.description,
    }


def _lot(facts: Facts) -> dict[str, Any] | None:
    if facts.lot is None or (facts.is_item and facts.signature.mark is Mark.ABSENT):
        return None
    expires_on = facts.expires_on.isoformat() if facts.expires_on else None
    return {
        "lot": facts.lot,
        "expires_on": expires_on,
        "recalled": facts.recall is not None or facts.lot_recall is not None,
    }


def _item(answer: Verdict) -> dict[str, Any] | None:
    facts = answer.facts
    if not facts.is_item:
        return None
    # A bare number, which anybody can count up, is told no more than the verdict itself says.
    is_known = facts.has_history and _is_ours(answer) and facts.signature.mark is not Mark.ABSENT
    return {
        "gtin": facts.gtin,
        "serial": facts.serial,
        "sscc": facts.sscc,
        "scan_number": facts.scan_number if is_known else None,
        "first_checked_at": time(facts.first_at) if is_known else None,
        "disposition": facts.disposition.value if is_known and facts.is_issued else None,
        "warranty": None,
    }
