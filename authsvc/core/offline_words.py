"""
The words of a check without a connection: what a signature alone allows to say, and no more.

Each is the answer of the browser's own verifier (``static/reseller/signature.js``) under its name. ``{brand}`` is
filled in there. The page adds to every one that it is about the signature only, and how old the keys are.
"""

from authsvc.core.verdict_texts import KEY_WITHDRAWN, WORDS, Words
from authsvc.core.verdicts import Reason

SIGNATURE_ONLY = "Signature only"

_NOT_DECIDED = ("none", "cloud", "Not decided")
_ASK = "Check again online"

ANSWERS: dict[str, Words] = {
    "good": Words(
        "info",
        "info",
        SIGNATURE_ONLY,
        "The signature is valid",
        "{brand} made this code. You are offline: blocks, recalls and copies were not checked.",
        _ASK,
    ),
    "test": WORDS[Reason.TEST],
    "forged": WORDS[Reason.FORGED],
    "withdrawn": Words(
        "warn",
        "triangle",
        "Warning",
        "This code is no longer in use",
        "{brand} withdrew the key of this code. An item sold with it may be a copy or a used label.",
        _ASK,
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
