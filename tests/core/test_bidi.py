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
    "text",
    [
        "(" * 63 + ALEF + ")" * 63 + "a",
        "(" * 64 + ALEF + ")" * 64 + "a",
        "a(\u0301b)\u0301 1",
        f"([{ALEF})] a",
        f"a \u2067{ALEF} b\u2069 \u2068{ALEF} 1\u2069 \u2066{BEH} c\u2069 {BEH}",
        f"{ALEF} \u2066a \u2067{BEH}\u2069 b\u2069 \u2068a {BEH}\u2069",
        f"a \u2067{ALEF} 12 b",
        f"a\u2069 {ALEF}{JOINER}{BEH} \u2066",
        f"{ALEF}\u2066\u0301 {SHADDA}1",
        f"{ALEF} 1+2 3,4 $5% a 6-7 \u0661,\u0662 ",
        "\u05d0 1+2 3,4 $5% 6:7 b",
        f"\u2067{ALEF}\u2069 a",
        f"1 () [ ] {SHADDA} 2",
    ],
)
def test_a_difficult_line_is_ordered_as_another_implementation_does(text):
    for leftward in (False, True):
        assert shown(text, leftward=leftward) == get_display(text, base_dir="R" if leftward else "L")
    assert bidi.is_leftward(text) == (get_base_level(text) == 1)


@given(st.text(LETTERS, min_size=1, max_size=12))
def test_direction_is_that_of_the_first_letter_that_has_one(text):
    assert bidi.is_leftward(text) == (get_base_level(text) == 1)
