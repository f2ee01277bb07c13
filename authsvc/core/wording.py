"""
The words of each verdict: what a person in a shop reads.

The subject is *this code*, never *this product*. A title has at most eight words, a sentence at most fifteen; the
limit of a good verdict stands in the verdict itself, because a copied label carries a valid signature. Numbers and
dates are rounded here, so that they identify no owner and teach no threshold.

Texts are ``str.format`` templates with ``brand``, ``item``, ``date``, ``month``, ``batch``, ``reason`` and ``remedy``.
They are English, and the keys under which a ``Tongue`` has them in another language.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from authsvc.core.tongues import ENGLISH, Tongue
from authsvc.core.verdicts import OUTCOMES, Facts, Mark, Outcome, Reason, Verdict


@dataclass(frozen=True, slots=True)
class Words:
    """
    How a verdict is said. ``tone`` picks the colour, ``icon`` the shape, ``action`` names the first step.

    ``limit`` is the sentence of a good verdict that says what it cannot promise; pages set it in bold.
    """

    tone: str
    icon: str
    chip: str
    title: str
    text: str
    action: str
    limit: str | None = None

    @property
    def whole_text(self) -> str:
        """The text with its limit, for readers that have no bold."""
        return f"{self.text} {self.limit}" if self.limit else self.text


_PASSED = ("ok", "check", "Code check passed", "This code is genuine")
_STOP = ("bad", "cross", "Stop")
_WARNING = ("warn", "triangle", "Warning")
_FOR_INFORMATION = ("info", "info", "For information")
_COMPARE = "Labels can be copied, so compare the {item} too."
_UNKNOWN = Words(
    "bad",
    "cross",
    "Check failed",
    "We do not know this code",
    "This code is not in the {brand} register. It may be misread or false.",
    "Scan again",
)

WORDS: dict[Reason, Words] = {
    Reason.TEST: Words(*_FOR_INFORMATION, "This is a test code", "It belongs to no real item.", "Close"),
    Reason.FORGED: Words(
        "bad",
        "cross",
        "Check failed",
        "{brand} did not make this code",
        "Something in this code is wrong or was changed. Do not rely on this label. If it is damaged, scan it again.",
        "Scan again",
    ),
    Reason.NOT_ISSUED: _UNKNOWN,
    Reason.UNKNOWN: _UNKNOWN,
    Reason.RECALLED: Words(
        "bad",
        "alert",
        "Safety notice",
        "Stop using this item: it is recalled",
        "{brand} recalled {what} on {date} because {reason}. {remedy}",
        "How to return it",
    ),
    Reason.STOLEN: Words(
        *_STOP,
        "This item is reported stolen",
        "The owner or {brand} reported it on {date}. Do not buy it. Do not confront the seller.",
        "Tell {brand}",
    ),
    Reason.LOST: Words(
        *_STOP,
        "This item is reported lost",
        "Its owner is looking for it. You can help it get home.",
        "Contact through {brand}",
    ),
    Reason.BLOCKED: Words(
        *_STOP,
        "{brand} has blocked this code",
        "This code should no longer be used. The item may be a copy.",
        "Contact {brand}",
    ),
    Reason.WITHDRAWN: Words(
        *_WARNING,
        "This code is no longer in use",
        "{brand} ended this code on {date}. An item sold with it may be a copy or a used label.",
        "Ask {brand}",
    ),
    Reason.POSSIBLE_COPY: Words(
        *_WARNING,
        "Be careful: this code may have been copied",
        "{brand} made this code for one {item} only. It has been checked in too many places to be one {item}. "
        "The item in front of you may be a fake.",
        "Do not pay yet",
    ),
    Reason.UNSIGNED: Words(
        *_WARNING,
        "This label lacks its seal",
        "Labels of this {item} carry a hidden seal, and this one has none. The number alone proves nothing.",
        "Scan the original label",
    ),
    Reason.NOT_RELEASED: Words(
        *_WARNING,
        "This item is not yet for sale",
        "{brand} made this code, but has not yet released the item to shops. "
        "Please do not buy it before you ask {brand}.",
        "Ask {brand}",
    ),
    Reason.EXPIRED: Words(
        *_WARNING,
        "The use-by date has passed",
        "This item was good until {date}. {brand} made the code, but do not use the item.",
        "Ask the shop",
    ),
    Reason.CHECKED_BY_YOU: Words(
        "ok",
        "check",
        "You checked this before",
        "This code is genuine",
        "You checked it with this phone on {date}. Nothing has changed since then.",
        "Compare",
        _COMPARE,
    ),
    Reason.FIRST_CHECK: Words(
        *_PASSED,
        "{brand} made this code for the {item} below, and this is its first check.",
        "Compare",
        _COMPARE,
    ),
    Reason.CHECKED_BEFORE: Words(
        *_PASSED,
        "{brand} made this code. It was checked before, first in {month}. That is normal for a used item. "
        "If you were told it is new, ask the seller why.",
        "Compare",
        _COMPARE,
    ),
    Reason.LOT_ONLY: Words(
        *_FOR_INFORMATION,
        "This code names the batch, not the item",
        "Every item of batch {batch} has this same code. It shows product facts and recalls. "
        "It cannot show if this one item is real.",
        "Product facts",
    ),
    Reason.UNAVAILABLE: Words(
        "none",
        "cloud",
        "Try again",
        "We cannot check this code now",
        "This is our fault and says nothing about your item. Try again in a few minutes.",
        "Try again",
    ),
}

UNSIGNED_TYPED = Words(
    *_FOR_INFORMATION,
    "We know this number",
    "A number alone cannot show that an item is real. Scan the code on the label to check it.",
    "Scan the label",
)
SIGNATURE_ONLY = Words(
    "info",
    "info",
    "Signature only",
    "The signature is valid",
    "{brand} made this code. We cannot check blocks, recalls or copies now.",
    "Try again",
)
REGISTERED = Words(
    *_FOR_INFORMATION,
    "This number is registered",
    "{brand} gave this number to one {item}. Labels of this {item} carry no seal, so anybody can print it.",
    "Compare",
    _COMPARE,
)
KEY_WITHDRAWN = Words(
    "none",
    "cloud",
    "Not decided",
    "The key of this code was withdrawn",
    "{brand} withdrew the key for some of its codes. Only a check online can tell if this is one of them.",
    "Check again online",
)
OFTEN = {
    3: "{brand} made this code. It was checked a few times before, first in {month}. That is normal for a used item. "
    "If you were told it is new, ask the seller why.",
    10: "{brand} made this code. It was checked many times before, first in {month}. That is normal for a used item. "
    "If you were told it is new, ask the seller why.",
}
"""
From how many earlier checks on it is said how often a code was checked: not at all for once or twice.

The bounds are those of speech, alike for every product and whatever its threshold is: nobody learns from them how many
copies stay unnoticed.
"""
UNKNOWN_MAKER = "This code is not in the maker's register. It may be misread or false."
NOT_CHECKED_YET = "{brand} made this code for the {item} below."
WITHOUT_LOT = (
    "Every item of this product has this same code. It shows product facts and recalls. "
    "It cannot show if this one item is real."
)
SOMEBODY_ELSES = Words(
    *_FOR_INFORMATION,
    "This is somebody else's check",
    "It was made on {date} for one code. It says nothing about the item before you.",
    "Scan the label",
)
LOT_RECALLED = "Items of batch {batch} are recalled. If yours is one, stop using it."


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
    every = [*WORDS.values(), *(words for _, words in _SPECIAL), SOMEBODY_ELSES]
    said = {text for words in every for text in (words.chip, words.title, words.text, words.action, words.limit)}
    return {text for text in said if text} | {LOT_RECALLED, *_VALUES}


def _replace_text(words: Words, text: str) -> Words:
    return Words(words.tone, words.icon, words.chip, words.title, text, words.action, words.limit)


def _choose(verdict: Verdict) -> Words:
    for applies, words in _SPECIAL:
        if applies(verdict):
            return words
    return WORDS[verdict.reason]


def _is_typed(verdict: Verdict) -> bool:
    return verdict.reason is Reason.UNSIGNED and verdict.facts.is_typed


def _is_signature_only(verdict: Verdict) -> bool:
    return verdict.reason is Reason.UNAVAILABLE and verdict.facts.signature.mark is Mark.VALID


def _is_undecided(verdict: Verdict) -> bool:
    return verdict.reason is Reason.UNAVAILABLE and verdict.facts.signature.mark is Mark.UNDECIDED


def _is_without_proof(verdict: Verdict) -> bool:
    return verdict.outcome is Outcome.INFORMATIONAL and OUTCOMES[verdict.reason] is Outcome.AUTHENTIC


def _is_not_checked(verdict: Verdict) -> bool:
    """Whether nobody has checked the code yet, and one who counts nothing (a bot, a program) asks for it."""
    return verdict.reason is Reason.CHECKED_BEFORE and verdict.facts.first_at is None


def _is_checked_many_times(verdict: Verdict) -> bool:
    return verdict.reason is Reason.CHECKED_BEFORE and (verdict.facts.scan_number or 1) > 10


def _is_checked_a_few_times(verdict: Verdict) -> bool:
    return verdict.reason is Reason.CHECKED_BEFORE and (verdict.facts.scan_number or 1) > 3


def _is_nobodys(verdict: Verdict) -> bool:
    return verdict.reason in {Reason.UNKNOWN, Reason.NOT_ISSUED} and verdict.facts.brand is None


def _is_product_code(verdict: Verdict) -> bool:
    return verdict.reason is Reason.LOT_ONLY and verdict.facts.lot is None


_SPECIAL: tuple[tuple[Callable[[Verdict], bool], Words], ...] = (
    (_is_typed, UNSIGNED_TYPED),
    (_is_signature_only, SIGNATURE_ONLY),
    (_is_undecided, KEY_WITHDRAWN),
    (_is_without_proof, REGISTERED),
    (_is_checked_many_times, _replace_text(WORDS[Reason.CHECKED_BEFORE], OFTEN[10])),
    (_is_checked_a_few_times, _replace_text(WORDS[Reason.CHECKED_BEFORE], OFTEN[3])),
    (_is_nobodys, _replace_text(_UNKNOWN, UNKNOWN_MAKER)),
    (_is_not_checked, _replace_text(WORDS[Reason.CHECKED_BEFORE], NOT_CHECKED_YET)),
    (_is_product_code, _replace_text(WORDS[Reason.LOT_ONLY], WITHOUT_LOT)),
)
"""Reasons that need other words in some cases."""


def _date(facts: Facts, reason: Reason) -> datetime | date | None:
    if reason is Reason.RECALLED and facts.recall is not None:
        return facts.recall.recalled_at
    if reason is Reason.EXPIRED:
        return facts.expires_on
    if reason is Reason.CHECKED_BY_YOU:
        return facts.mine_at
    return facts.disposition_at or facts.withdrawn_at


def _clause(text: str | None, tongue: Tongue) -> str:
    """Fit a reason into its sentence: no full stop, and behind the English "because" no capital but that of a name."""
    text = (text or "").strip().rstrip(".")
    if tongue.is_english and text[:1].isupper() and text.split()[0] in _OPENERS:
        return text[0].lower() + text[1:]
    return text or tongue.gettext("of a fault")


_OPENERS = frozenset(
    {"A", "An", "The", "Its", "It", "Some", "One", "This", "These", "There", "Parts", "Of", "Possible"}
)


def _sentence(text: str | None) -> str:
    text = (text or "").strip()
    return text if not text or text[-1] in ".!?" else f"{text}."


_VALUES = ("the maker", "item", "batch {batch}", "this item", "of this item", "of a fault", "It is free.")
"""What stands where a fact is missing, or round it."""


def _say(words: Words, tongue: Tongue) -> Words:
    """Put words into a language; what they leave open stays open."""
    return words if tongue.is_english else _said(words, tongue)


@lru_cache(maxsize=2048)
def _said(words: Words, tongue: Tongue) -> Words:
    return Words(
        words.tone,
        words.icon,
        tongue.gettext(words.chip),
        tongue.gettext(words.title),
        tongue.gettext(words.text),
        tongue.gettext(words.action) if words.action else "",
        tongue.gettext(words.limit) if words.limit else None,
    )


def _fill(words: Words, facts: Facts, reason: Reason, tongue: Tongue) -> Words:
    recall, words, say = facts.recall, _say(words, tongue), tongue.gettext
    # Values go through format as arguments, so braces in a brand's name stay what they are.
    values = {
        "brand": facts.brand.name if facts.brand else say("the maker"),
        "item": facts.product.noun if facts.product else say("item"),
        "date": tongue.day(_date(facts, reason)),
        "month": tongue.month(facts.first_at),
        "batch": (recall.lot if recall else None) or facts.lot or say("of this item"),
        "what": say("batch {batch}").format(batch=recall.lot) if recall and recall.lot else say("this item"),
        "reason": _clause(recall.reason if recall else None, tongue),
        "remedy": f"{_sentence(recall.remedy)} {say('It is free.')}" if recall and recall.remedy else "",
    }
    return Words(
        words.tone,
        words.icon,
        words.chip,
        _filled(words.title, values),
        " ".join(_filled(words.text, values).split()),
        _filled(words.action, values),
        _filled(words.limit, values) if words.limit else None,
    )


def _filled(template: str, values: Mapping[str, str]) -> str:
    return template.format_map(values) if "{" in template else template
