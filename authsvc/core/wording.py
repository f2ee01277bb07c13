"""
The words of each verdict: what a person in a shop reads.

The texts are in ``verdict_texts``; here they are chosen and filled. Numbers and dates are rounded here, so that they
identify no owner and teach no threshold.

Most of what is said is said to many: what fills the same texts with the same values is the same ``Words``, and is made
once (``_filled``).
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import lru_cache
from string import Formatter

from authsvc.core import quotes
from authsvc.core.tongues import ENGLISH, Tongue
from authsvc.core.verdict_texts import (
    KEY_WITHDRAWN,
    LOT_RECALLED,
    NOT_CHECKED_YET,
    OFTEN,
    OLDER_STOCK,
    REGISTERED,
    SIGNATURE_ONLY,
    SOMEBODY_ELSES,
    UNKNOWN_MAKER,
    UNSIGNED_TYPED,
    WITHOUT_LOT,
    WORDS,
    Words,
)
from authsvc.core.verdicts import OUTCOMES, Facts, Mark, Outcome, Reason, Verdict


def words(verdict: Verdict, tongue: Tongue = ENGLISH) -> Words:
    """Return the words of *verdict* in a language, with every placeholder filled."""
    return _fill(_choose(verdict), verdict.facts, verdict.reason, tongue)


def notice_words(verdict: Verdict, tongue: Tongue = ENGLISH) -> tuple[tuple[str, Words], ...]:
    """Return the reason and words of every further notice, and of a recall that a bad code merely names."""
    facts = verdict.facts
    said = [
        (str(reason), _fill(_choose(Verdict(reason, (), facts)), facts, reason, tongue)) for reason in verdict.notices
    ]
    if facts.lot_recall is not None:
        recalled = _say(_replace_text(WORDS[Reason.RECALLED], LOT_RECALLED), tongue)
        text = recalled.text.format(batch=facts.lot_recall.lot or facts.lot)
        said.append(("lot-recalled", Words(recalled.tone, recalled.icon, recalled.chip, recalled.title, text, "")))
    return tuple(said)


def receipt_words(checked_at: datetime, tongue: Tongue = ENGLISH) -> Words:
    """Return what a receipt says to anybody but the visitor who made the check."""
    said = _say(SOMEBODY_ELSES, tongue)
    return _replace_text(said, said.text.format(date=tongue.day(checked_at)))


def texts() -> set[str]:
    """Return every text of this module, for the catalogues."""
    every = [*WORDS.values(), *(words for special in _SPECIAL.values() for _, words in special), SOMEBODY_ELSES]
    said = {text for words in every for text in (words.chip, words.title, words.text, words.action, words.limit)}
    return {text for text in said if text} | {LOT_RECALLED, *_VALUES}


def _replace_text(words: Words, text: str) -> Words:
    return Words(words.tone, words.icon, words.chip, words.title, text, words.action, words.limit)


def _choose(verdict: Verdict) -> Words:
    for applies, words in _SPECIAL.get(verdict.reason, ()):
        if applies(verdict):
            return words
    return WORDS[verdict.reason]


def _is_typed(verdict: Verdict) -> bool:
    return verdict.facts.is_typed


def _is_signature_only(verdict: Verdict) -> bool:
    return verdict.facts.signature.mark is Mark.VALID


def _is_undecided(verdict: Verdict) -> bool:
    return verdict.facts.signature.mark is Mark.UNDECIDED


def _is_without_proof(verdict: Verdict) -> bool:
    return verdict.outcome is Outcome.INFORMATIONAL and OUTCOMES[verdict.reason] is Outcome.AUTHENTIC


def _is_not_checked(verdict: Verdict) -> bool:
    """Whether nobody has checked the code yet, and one who counts nothing (a bot, a program) asks for it."""
    return verdict.facts.first_at is None


def _is_checked_many_times(verdict: Verdict) -> bool:
    return (verdict.facts.scan_number or 1) > 10


def _is_checked_a_few_times(verdict: Verdict) -> bool:
    return (verdict.facts.scan_number or 1) > 3


def _is_nobodys(verdict: Verdict) -> bool:
    return verdict.facts.brand is None


def _is_product_code(verdict: Verdict) -> bool:
    return verdict.facts.lot is None


def _is_older_stock(verdict: Verdict) -> bool:
    """Whether the code of a lot is of a product whose items have codes of their own by now."""
    facts = verdict.facts
    since = facts.product.serial_from if facts.product else None
    return facts.lot is not None and since is not None and facts.at.date() >= since


_CHECKED_BEFORE = WORDS[Reason.CHECKED_BEFORE]
_NOBODYS = ((_is_nobodys, _replace_text(WORDS[Reason.UNKNOWN], UNKNOWN_MAKER)),)
_SPECIAL: dict[Reason, tuple[tuple[Callable[[Verdict], bool], Words], ...]] = {
    Reason.UNSIGNED: ((_is_typed, UNSIGNED_TYPED),),
    Reason.UNAVAILABLE: ((_is_signature_only, SIGNATURE_ONLY), (_is_undecided, KEY_WITHDRAWN)),
    Reason.CHECKED_BY_YOU: ((_is_without_proof, REGISTERED),),
    Reason.FIRST_CHECK: ((_is_without_proof, REGISTERED),),
    Reason.CHECKED_BEFORE: (
        (_is_without_proof, REGISTERED),
        (_is_checked_many_times, _replace_text(_CHECKED_BEFORE, OFTEN[10])),
        (_is_checked_a_few_times, _replace_text(_CHECKED_BEFORE, OFTEN[3])),
        (_is_not_checked, _replace_text(_CHECKED_BEFORE, NOT_CHECKED_YET)),
    ),
    Reason.UNKNOWN: _NOBODYS,
    Reason.NOT_ISSUED: _NOBODYS,
    Reason.LOT_ONLY: (
        (_is_older_stock, _replace_text(WORDS[Reason.LOT_ONLY], OLDER_STOCK)),
        (_is_product_code, _replace_text(WORDS[Reason.LOT_ONLY], WITHOUT_LOT)),
    ),
}
"""Reasons that need other words in some cases; the first case that applies has them."""


def _date(facts: Facts, reason: Reason) -> datetime | date | None:
    if reason is Reason.RECALLED and facts.recall is not None:
        return facts.recall.recalled_at
    if reason is Reason.EXPIRED:
        return facts.expires_on
    if reason is Reason.CHECKED_BY_YOU:
        return facts.mine_at
    return facts.disposition_at or facts.withdrawn_at


def _clause(facts: Facts, _reason: Reason, tongue: Tongue) -> str:
    """Fit a reason into its sentence: no full stop, and behind the English "because" no capital but that of a name."""
    said = facts.recall and facts.recall.said_in(tongue.code)
    text = said.reason.strip().rstrip(".") if said else ""
    if said is None or not text:
        return tongue.gettext("of a fault")
    if tongue.is_english and said.language == tongue.code and text[0].isupper() and text.split()[0] in _OPENERS:
        text = text[0].lower() + text[1:]
    return quotes.quote(text, said.language, tongue)


_OPENERS = frozenset(
    {"A", "An", "The", "Its", "It", "Some", "One", "This", "These", "There", "Parts", "Of", "Possible"}
)


def _sentence(text: str) -> str:
    text = text.strip()
    return text if not text or text[-1] in ".!?" else f"{text}."


_VALUES = ("the maker", "item", "batch {batch}", "this item", "of this item", "of a fault", "It is free.")
"""What stands where a fact is missing, or round it."""


def _say(words: Words, tongue: Tongue) -> Words:
    """Put words into a language; what they leave open stays open."""
    return _said(words, tongue)[0]


@lru_cache(maxsize=2048)
def _said(words: Words, tongue: Tongue) -> tuple[Words, tuple[str, ...]]:
    """Return words in a language, and the names of what they leave open."""
    if not tongue.is_english:
        words = Words(
            words.tone,
            words.icon,
            tongue.gettext(words.chip),
            tongue.gettext(words.title),
            tongue.gettext(words.text),
            tongue.gettext(words.action) if words.action else "",
            tongue.gettext(words.limit) if words.limit else None,
        )
    templates = (words.title, words.text, words.action, words.limit or "")
    return words, tuple(sorted({name for text in templates for _, name, _, _ in Formatter().parse(text) if name}))


def _brand(facts: Facts, _reason: Reason, tongue: Tongue) -> str:
    return facts.brand.name if facts.brand else tongue.gettext("the maker")


def _item(facts: Facts, _reason: Reason, tongue: Tongue) -> str:
    return facts.product.noun if facts.product else tongue.gettext("item")


def _batch(facts: Facts, _reason: Reason, tongue: Tongue) -> str:
    return (facts.recall.lot if facts.recall else None) or facts.lot or tongue.gettext("of this item")


def _what(facts: Facts, _reason: Reason, tongue: Tongue) -> str:
    lot = facts.recall.lot if facts.recall else None
    return tongue.gettext("batch {batch}").format(batch=lot) if lot else tongue.gettext("this item")


def _remedy(facts: Facts, _reason: Reason, tongue: Tongue) -> str:
    said = facts.recall and facts.recall.said_in(tongue.code)
    if said is None or not said.remedy:
        return ""
    return f"{quotes.quote(_sentence(said.remedy), said.language, tongue)} {tongue.gettext('It is free.')}"


_OPEN: Mapping[str, Callable[[Facts, Reason, Tongue], str]] = {
    "brand": _brand,
    "item": _item,
    "date": lambda facts, reason, tongue: tongue.day(_date(facts, reason)),
    "month": lambda facts, _reason, tongue: tongue.month(facts.first_at),
    "from_day": lambda facts, _reason, tongue: tongue.day(facts.product.serial_from if facts.product else None),
    "batch": _batch,
    "what": _what,
    "reason": _clause,
    "remedy": _remedy,
}
"""What words may leave open, and what fills it."""


def _fill(words: Words, facts: Facts, reason: Reason, tongue: Tongue) -> Words:
    said, names = _said(words, tongue)
    return _filled(said, names, tuple([_OPEN[name](facts, reason, tongue) for name in names]))


@lru_cache(maxsize=4096)
def _filled(words: Words, names: tuple[str, ...], values: tuple[str, ...]) -> Words:
    # Values go through format as arguments, so braces in a brand's name stay what they are.
    named = dict(zip(names, values, strict=True))
    text, pieces = quotes.read(" ".join(words.text.format_map(named).split()))
    return Words(
        words.tone,
        words.icon,
        words.chip,
        words.title.format_map(named),
        text,
        words.action.format_map(named),
        words.limit.format_map(named) if words.limit else None,
        pieces,
    )
