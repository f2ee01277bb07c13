"""
The short word and the tone of an answer where many stand in a list: those of the answer's own page, and no others.

A list is made of verdict documents, here and in the browser, so which words stand for an answer follows from what a
document says. Each answer has a key: its reason, save for the few whose words differ under one reason.
"""

from collections.abc import Mapping
from typing import Any

from authsvc.core.verdict_texts import SIGNATURE_ONLY, UNSIGNED_TYPED, WORDS
from authsvc.core.verdicts import Outcome, Reason

UNREAD = "unread"
"""The key of what is no code at all; it has no verdict, and so no words of one."""
_NO_VERDICT = ("none", "Not read")

SHORT: Mapping[str, tuple[str, str]] = {
    **{
        reason.value: (WORDS[reason].tone, WORDS[reason].chip)
        for reason in (
            Reason.FIRST_CHECK, Reason.CHECKED_BEFORE, Reason.LOT_ONLY, Reason.TEST, Reason.POSSIBLE_COPY,
            Reason.UNSIGNED, Reason.NOT_RELEASED, Reason.EXPIRED, Reason.WITHDRAWN, Reason.RECALLED, Reason.STOLEN,
            Reason.LOST, Reason.BLOCKED, Reason.FORGED, Reason.NOT_ISSUED, Reason.UNKNOWN, Reason.UNAVAILABLE,
        )
    },
    Outcome.INFORMATIONAL.value: (UNSIGNED_TYPED.tone, UNSIGNED_TYPED.chip),
    "signed": (SIGNATURE_ONLY.tone, SIGNATURE_ONLY.chip),
    UNREAD: _NO_VERDICT,
}  # fmt: skip
"""Tone and word by key, the good ones first. Nobody is known to a look-up, so none is of a check before by the same."""


def key_of(document: Mapping[str, Any], *, is_typed: bool) -> str:
    """Return the key of a verdict document. A typed number has no seal to lack, so it is no warning."""
    reason, outcome = document["reason"], document["outcome"]
    if reason == Reason.UNAVAILABLE and document["signature"]["valid"]:
        return "signed"
    if outcome == Outcome.INFORMATIONAL or (is_typed and reason == Reason.UNSIGNED):
        return Outcome.INFORMATIONAL.value
    return str(reason)
