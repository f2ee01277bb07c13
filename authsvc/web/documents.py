"""
The verdict as JSON: what programs rely on. Unknown facts are null, never invented.

To gather a document and write it takes 28 us. Most of one is the same for all checks of a product, so what goes out at
a Digital Link is filled into a frame (``frames``), which takes 7.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from pydantic_core import to_json  # a quarter of the time of the encoder in the standard library

from authsvc import languages, receipts
from authsvc.core import product_texts, unit_data, wording
from authsvc.core.unit_data import Audience
from authsvc.core.verdict_texts import Words
from authsvc.core.verdicts import Facts, Mark, Outcome, Verdict
from authsvc.scanning import Checked
from authsvc.web import frames
from authsvc.web.frames import Frames, mark


def verdict(checked: Checked) -> dict[str, Any]:
    """Return the verdict document of the design, section 10."""
    answer = checked.verdict
    tongue = languages.spoken()
    words, notices = wording.words(answer, tongue), wording.notice_words(answer, tongue)
    document = _document(answer, words, notices, _own(checked))
    # Said only to the brand's own devices: to everybody else it would be a word too many.
    return {**document, "internal": True} if checked.is_internal else document


def encoded(checked: Checked) -> bytes:
    """Return the verdict document as it goes out."""
    answer = checked.verdict
    facts = answer.facts
    if checked.is_internal or facts.records or facts.data:
        return to_json(verdict(checked))
    tongue = languages.spoken()
    words, notices = wording.words(answer, tongue), wording.notice_words(answer, tongue)
    known = (tongue, *frames.key(answer, words, notices))
    own = {name: _WRITERS[name](value) if value is not None else b"null" for name, value in _own(checked).items()}
    return _FRAMES.fill(
        known, own, lambda: to_json(_document(answer, words, notices, _MARKS)).decode(), about=frames.about(facts)
    )


def time(moment: datetime | None) -> str | None:
    """Spell a moment as RFC 3339 in UTC, to the second."""
    return None if moment is None else _second(moment.timestamp() // 1)


@lru_cache(maxsize=4096)
def _second(second: float) -> str:
    # Two of these stand in a verdict, and many verdicts are of one second.
    return datetime.fromtimestamp(second, UTC).isoformat().replace("+00:00", "Z")


def _document(
    answer: Verdict, words: Words, notices: Sequence[tuple[str, Words]], own: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the document around what is one check's *own*."""
    facts = answer.facts
    return {
        "outcome": answer.outcome.value,
        "reason": answer.reason.value,
        "title": words.title,
        "text": words.whole_text,
        "signature": _signature(facts),
        "product": _product(answer),
        "lot": _lot(facts),
        "item": _item(answer, own),
        "data": _data(answer),
        "records": _records(answer),
        "notices": [{"reason": reason, "title": notice.title, "text": notice.whole_text} for reason, notice in notices],
        "receipt": own["receipt"],
        "checked_at": own["checked_at"],
    }


def _own(checked: Checked) -> dict[str, Any]:
    """Return what no two checks have in common."""
    facts = checked.verdict.facts
    is_known = _is_known(checked.verdict)
    return {
        "serial": facts.serial,
        "scan_number": facts.scan_number if is_known else None,
        "first_checked_at": time(facts.first_at) if is_known else None,
        "warranty": _warranty(facts) if is_known else None,
        "receipt": receipts.spell(checked.receipt) if checked.receipt else None,
        "checked_at": time(facts.at),
    }


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
    spoken = languages.spoken().code
    return {
        "gtin": product.gtin,
        "name": product_texts.name_of(product, spoken)[0],
        "brand": brand.name if brand else None,
        "category": product.category,
        "description": product_texts.description_of(product, spoken)[0],
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


def _data(answer: Verdict) -> list[dict[str, str]]:
    """Return what everybody may see of the product, the lot and the item, the nearest level of each name."""
    facts = answer.facts
    if facts.product is None or not _shows_data(answer):
        return []
    known = unit_data.resolve((*unit_data.of_product(facts.product.attributes), *facts.data), Audience.PUBLIC)
    return [{"name": fact.name, "value": fact.value, "from": fact.level.value} for fact in known]


def _records(answer: Verdict) -> list[dict[str, Any]]:
    if not answer.facts.records or not _shows_data(answer):
        return []
    return [
        {
            "id": str(one.id),
            "kind": one.kind,
            "at": time(one.at),
            "values": dict(one.values),
            "text": one.text,
            "corrects": str(one.corrects) if one.corrects else None,
        }
        for one in answer.facts.records
    ]


def _shows_data(answer: Verdict) -> bool:
    # As the page: a bare number has proved nothing and gets no fact that only the real label carries.
    return _is_ours(answer) and answer.facts.has_history and answer.facts.signature.mark is not Mark.ABSENT


def _warranty(facts: Facts) -> dict[str, str] | None:
    granted = facts.warranty
    return None if granted is None else {"from": granted.begins_on.isoformat(), "until": granted.ends_on.isoformat()}


def _is_known(answer: Verdict) -> bool:
    # A bare number, which anybody can count up, is told no more than the verdict itself says.
    facts = answer.facts
    return facts.has_history and _is_ours(answer) and facts.signature.mark is not Mark.ABSENT


def _item(answer: Verdict, own: Mapping[str, Any]) -> dict[str, Any] | None:
    facts = answer.facts
    if not facts.is_item:
        return None
    is_known = _is_known(answer)
    return {
        "gtin": facts.gtin,
        "serial": own["serial"],
        "sscc": facts.sscc,
        "scan_number": own["scan_number"],
        "first_checked_at": own["first_checked_at"],
        "disposition": facts.disposition.value if is_known and facts.is_issued else None,
        "warranty": own["warranty"],
        "owners": facts.owners if is_known else None,
        "in_transfer": facts.is_offered if is_known else None,
    }


def _quote(value: str) -> bytes:
    """Write what has no character that JSON would escape."""
    return f'"{value}"'.encode()


_WRITERS: dict[str, Callable[[Any], bytes]] = {
    "serial": to_json,
    "scan_number": to_json,
    "first_checked_at": _quote,
    "warranty": to_json,
    "receipt": _quote,
    "checked_at": _quote,
}
_MARKS = {name: mark(name) for name in _WRITERS}
_FRAMES = Frames(_MARKS, None, around='"', most=4096)
