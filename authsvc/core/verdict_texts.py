"""
The texts of each verdict, with their placeholders open; ``wording`` chooses among them and fills them.

The subject is *this code*, never *this product*. A title has at most eight words, a sentence at most fifteen; the
limit of a good verdict stands in the verdict itself, because a copied label carries a valid signature.

Texts are ``str.format`` templates with ``brand``, ``item``, ``date``, ``month``, ``batch``, ``reason`` and ``remedy``.
They are English, and the keys under which a ``Tongue`` has them in another language.
"""

from dataclasses import dataclass, field

from authsvc.core.quotes import Piece
from authsvc.core.verdicts import Reason


@dataclass(frozen=True, slots=True)
class Words:
    """
    How a verdict is said. ``tone`` picks the colour, ``icon`` the shape, ``action`` names the first step.

    ``limit`` is the sentence of a good verdict that says what it cannot promise; pages set it in bold. ``pieces`` are
    those of ``text`` where it quotes words of another language.
    """

    tone: str
    icon: str
    chip: str
    title: str
    text: str
    action: str
    limit: str | None = None
    pieces: tuple[Piece, ...] = ()
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Words are keys of what is kept of pages and documents, and to hash seven texts takes longer than to find them.
        said = (self.tone, self.icon, self.chip, self.title, self.text, self.action, self.limit, self.pieces)
        object.__setattr__(self, "_hash", hash(said))

    def __hash__(self) -> int:
        """Tell it from other words."""
        return self._hash

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
OLDER_STOCK = (
    "This is stock from before {from_day}. Since then {brand} gives each {item} a code of its own. "
    "This code stands for all of batch {batch}, and cannot show if this one item is real."
)
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
