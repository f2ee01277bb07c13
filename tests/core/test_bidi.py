"""The order of letters, held against another implementation of the Unicode Bidirectional Algorithm."""

import pytest
from bidi import get_base_level, get_display
from hypothesis import given
from hypothesis import strategies as st

from authsvc.core import bidi

ALEF, BEH, SHADDA, JOINER = "\u0627", "\u0628", "\u0651", "\u200c"
LETTERS = "ab\u05d0\u05d1" + ALEF + BEH + SHADDA + "\u030112\u0661\u0662+-,:%$. !()[]\u2066\u2067\u2068\u2069" + JOINER


def shown(text, *, leftward):
    return "".join(
        text[run.start : run.end][::-1] if run.is_leftward else text[run.start : run.end]
        for run in bidi.runs(text, leftward=leftward)
    )


@pytest.mark.parametrize(
    ("text", "leftward", "is_shown"),
    [
        ("watch 7K3M", False, "watch 7K3M"),
        ("\u05d0\u05d1 7K3M \u05d1", True, "\u05d1 7K3M \u05d1\u05d0"),
        ("\u05d0 (01)095", True, "095)01( \u05d0"),
        ("a \u05d0\u05d1 b", False, "a \u05d1\u05d0 b"),
        ("", True, ""),
    ],
)
def test_line_is_put_in_order(text, leftward, is_shown):
    assert shown(text, leftward=leftward) == is_shown


@given(st.text(LETTERS, max_size=24), st.booleans())
def test_order_is_that_of_the_standard(text, leftward):
    ours, theirs = shown(text, leftward=leftward), get_display(text, base_dir="R" if leftward else "L")

    # A joiner has no width: where it stands at the end of a line is nobody's matter.
    assert ours.replace(JOINER, "") == theirs.replace(JOINER, "")


@pytest.mark.parametrize(
    "text", ["(" * 63 + ALEF + ")" * 63 + "a", "(" * 64 + ALEF + ")" * 64 + "a", "a(\u0301b)\u0301 1"]
)
def test_brackets_go_with_what_they_hold(text):
    assert shown(text, leftward=False) == get_display(text, base_dir="L")
    assert shown(text, leftward=True) == get_display(text, base_dir="R")


@given(st.text(LETTERS, min_size=1, max_size=12))
def test_direction_is_that_of_the_first_letter_that_has_one(text):
    assert bidi.is_leftward(text) == (get_base_level(text) == 1)
