"""
The words of a check without a connection: what a signature alone allows to say, and no more.

Each is the answer of the browser's own verifier (``static/reseller/signature.js``) under its name. ``{brand}`` is
filled in there. The page adds to every one that it is about the signature only, and how old the keys are.
"""

from authsvc.core import verdict_texts
from authsvc.core.verdict_texts import KEY_WITHDRAWN, WORDS, Words
from authsvc.core.verdicts import Reason

SIGNATURE_ONLY = verdict_texts.SIGNATURE_ONLY.chip

_NOT_DECIDED = (KEY_WITHDRAWN.tone, KEY_WITHDRAWN.icon, KEY_WITHDRAWN.chip)
_ASK = "Check again online"


def _said_as(words: Words, text: str) -> Words:
    """Return the words of an answer that a connection gives too, with what is known of it without one."""
    return Words(words.tone, words.icon, words.chip, words.title, text, _ASK)


ANSWERS: dict[str, Words] = {
    "good": _said_as(
        verdict_texts.SIGNATURE_ONLY,
        "{brand} made this code. You are offline: blocks, recalls and copies were not checked.",
    ),
    "test": WORDS[Reason.TEST],
    "forged": WORDS[Reason.FORGED],
    "withdrawn": _said_as(
        WORDS[Reason.WITHDRAWN],
        "{brand} withdrew the key of this code. An item sold with it may be a copy or a used label.",
    ),
    "undecided": KEY_WITHDRAWN,
    "online-only": Words(
        *_NOT_DECIDED,
        "This code needs a connection",
        "It carries no signature that this device can check. That says nothing about the item.",
        _ASK,
    ),
    "unknown-key": Words(
        *_NOT_DECIDED,
        "We cannot decide this code offline",
        "The keys on this device do not cover it. It may be new, or false.",
        _ASK,
    ),
    "unreadable": Words(
        *_NOT_DECIDED,
        "This is no product code",
        "We expected the link behind the square code. A number alone can be checked online only.",
        "Scan again",
    ),
    "no-keys": Words(
        *_NOT_DECIDED,
        "This device has no recent keys",
        "Open this page once with a connection. Then it can check signatures for seven days.",
        _ASK,
    ),
}
"""The answers, by the names that the verifier in the browser uses."""
