"""The short word of an answer in a list: that of the answer's own page, for every reason."""

import pytest

from authsvc.core import offline_words
from authsvc.core.short_words import SHORT, key_of
from authsvc.core.verdict_texts import WORDS
from authsvc.core.verdicts import OUTCOMES, Reason


def document(reason, outcome=None, *, valid=None):
    return {"reason": str(reason), "outcome": str(outcome or OUTCOMES[reason]), "signature": {"valid": valid}}


@pytest.mark.parametrize("reason", sorted(set(Reason) - {Reason.CHECKED_BY_YOU}))
def test_every_reason_has_the_tone_and_the_word_of_its_page(reason):
    assert SHORT[key_of(document(reason), is_typed=False)] == (WORDS[reason].tone, WORDS[reason].chip)


@pytest.mark.parametrize(
    ("said", "is_typed", "short"),
    [
        (document(Reason.UNSIGNED), True, ("info", "For information")),
        (document(Reason.CHECKED_BEFORE, "informational"), False, ("info", "For information")),
        (document(Reason.UNAVAILABLE, valid=True), False, ("info", "Signature only")),
        (document(Reason.EXPIRED), True, ("warn", "Warning")),
    ],
)
def test_what_differs_under_one_reason_has_the_words_of_its_page_too(said, is_typed, short):
    assert SHORT[key_of(said, is_typed=is_typed)] == short


@pytest.mark.parametrize(("answer", "reason"), [("withdrawn", Reason.WITHDRAWN), ("test", Reason.TEST),
                                                ("forged", Reason.FORGED)])  # fmt: skip
def test_an_answer_without_a_connection_looks_as_it_does_with_one(answer, reason):
    said, words = offline_words.ANSWERS[answer], WORDS[reason]

    assert (said.tone, said.icon, said.chip, said.title) == (words.tone, words.icon, words.chip, words.title)
