"""The colours of a brand: measured as WCAG 2.2 does, refused with the numbers, and readable wherever they stand."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authsvc.core import looks
from authsvc.core.looks import DARK, LIGHT, Look
from authsvc.errors import BadInput

CSS = (Path(looks.__file__).parents[1] / "web" / "static" / "ui.css").read_text(encoding="utf-8")
COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#ffffff", 1.0),
        ("#777777", "#ffffff", 4.48),  # The pair that WCAG's own examples fail by a hair.
        ("#767676", "#ffffff", 4.54),
        ("#1b4dd6", "#ffffff", 6.83),
        ("#8fb0ff", "#171b22", 8.08),
    ],
)
def test_contrast_is_that_of_wcag(first, second, expected):
    assert looks.contrast(first, second) == looks.contrast(second, first) == pytest.approx(expected, abs=0.01)


def test_the_grounds_are_those_of_the_style_sheet():
    light, dark = CSS.split("@media screen and (prefers-color-scheme: dark)")[:2]
    for text, grounds in ((light, LIGHT), (dark, DARK)):
        for token, ground in (("surface", "a card"), ("bg", "the page"), ("surface-2", "a field")):
            found = re.search(rf"--{token}: (#[0-9a-f]+);", text)[1]
            assert grounds[ground] == (found if len(found) == 7 else "#" + "".join(c * 2 for c in found[1:]))


def test_the_colours_of_everybody_would_be_taken():
    assert Look.parse(" #1B4DD6 ", "#8fb0ff") == Look("#1b4dd6", "#8fb0ff")


@pytest.mark.parametrize(
    ("colour", "dark", "said"),
    [
        ("#ffcc00", "#8fb0ff", "on a card (#ffffff) 1.51"),
        ("#777777", "#8fb0ff", "on a card (#ffffff) 4.47"),
        ("#1b4dd6", "#1b4dd6", "of the dark theme has too little contrast: on a card (#171b22) 2.5"),
        ("#1b4dd6", "blue", "six hex digits"),
        ("#1b4dd", "#8fb0ff", "six hex digits"),
    ],
)
def test_a_colour_that_cannot_be_read_is_refused_with_its_numbers(colour, dark, said):
    with pytest.raises(BadInput, match=re.escape(said)):
        Look.parse(colour, dark)


def test_both_themes_are_reported_at_once():
    with pytest.raises(BadInput, match=r"light theme.*4\.5 is needed\. .*dark theme.*4\.5 is needed\."):
        Look.parse("#ffcc00", "#111111")


@given(COLOURS, COLOURS)
def test_whatever_is_taken_can_be_read_everywhere_and_under_the_pointer_too(colour, dark):
    try:
        look = Look.parse(colour, dark)
    except BadInput:
        return

    for accent, grounds in ((look.colour, LIGHT), (look.colour_dark, DARK)):
        assert all(looks.contrast(accent, ground) >= 4.5 for ground in grounds.values())
        ink = looks.ink_on(accent)
        assert looks.contrast(accent, ink) >= 4.5
        assert looks.contrast(looks.hover(accent), ink) >= looks.contrast(accent, ink)
        assert f"--accent:{accent};--accent-ink:{ink};" in look.css


@given(
    st.sampled_from(["#5b2c86", "#0a6640", "#8a4600", "#12263f"]), st.sampled_from(["#d9b8ff", "#6fd6a3", "#f5bd6b"])
)
def test_usual_colours_are_taken(colour, dark):
    assert Look.parse(colour, dark).colour_dark == dark
