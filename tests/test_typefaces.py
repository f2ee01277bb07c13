import pytest

from authsvc import typefaces


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Café — 9 €", "Café — 9 €"),
        ("時計", "??"),
        (" a\t\n b\x07c\u200b", "a b c"),
        ("", ""),
    ],
)
def test_text_is_one_line_of_what_the_font_has(text, shown):
    assert typefaces.drawable(text) == shown


def test_width_grows_with_size_and_weight():
    assert typefaces.width_mm("Watch", 20) == pytest.approx(2 * typefaces.width_mm("Watch", 10))
    assert typefaces.width_mm("Watch", 10, bold=True) > typefaces.width_mm("Watch", 10)
    # An em of 72 points is an inch; a figure of Bitstream Vera has 0.636 of it.
    assert typefaces.width_mm("0" * 10, 72) == pytest.approx(6.36 * 25.4, rel=0.001)
