"""What fits, what is refused, and that the way which a refusal offers is one."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from printing import COMPACT, MATRIX, TOKEN, make_code, make_label

from authsvc.errors import BadInput
from authsvc.labels import fitting
from authsvc.labels.fitting import Kind, Symbology, fit
from authsvc.labels.templates import builtin_templates
from authsvc.symbols import Level

ROUND = builtin_templates()["round-20"]
LARGE = builtin_templates()["label-63x38"]
LONG, SHORT = make_code(token=TOKEN).uri, make_code(token=COMPACT).uri
QR = Symbology()


def fitted(uri, symbology=QR, template=ROUND, x=None, dpi=600, **more):
    return fit(template, uri, symbology, x_dimension=x, dpi=dpi, **more)


def test_the_widest_whole_number_of_dots_is_chosen():
    found = fitted(LONG, template=LARGE, dpi=300)

    # 6 dots of 1/300 inch; 53 modules and 8 of quiet zone.
    assert (found.module, found.dots, found.side) == (pytest.approx(0.508), pytest.approx(6), 61)
    assert found.width == pytest.approx(61 * 0.508)
    assert found.is_whole


def test_the_x_dimension_that_is_asked_for_is_kept_or_for_a_printer_of_dots_rounded_down():
    assert fitted(LONG, template=LARGE, x=0.4, dpi=300).module == 0.4
    assert fitted(LONG, template=LARGE, x=0.4, dpi=203, is_whole=True).dots == pytest.approx(3)


def test_a_round_label_of_20_mm_refuses_format_1_and_offers_format_2_or_a_data_matrix():
    with pytest.raises(BadInput) as refused:
        fitted(LONG, x=0.25)
    text = str(refused.value)

    assert "61 modules with its quiet zone and does not fit the 14.1 mm that the label round-20 has" in text
    assert "At 0.25 mm a module it is 15.2 mm wide." in text
    assert "What fits: the compact token format (issue --format compact), 0.250 mm" in text
    assert "a Data Matrix (--symbol datamatrix), 0.250 mm" in text
    assert "Or a larger label: square-25." in text
    # And so it is.
    assert fitted(SHORT, x=0.25).width <= 14.1
    assert fitted(LONG, MATRIX, x=0.25).width <= 14.1
    assert fitted(LONG, template=builtin_templates()["square-25"], x=0.25).width <= 20.5


def test_at_the_retail_x_dimension_only_smaller_modules_or_a_larger_label_are_offered():
    with pytest.raises(BadInput) as refused:
        fitted(SHORT, x=0.396)
    text = str(refused.value)

    assert "What fits" not in text
    assert "With smaller modules: the same symbol, 0.296 mm" in text
    assert "compact" not in text  # it is that already
    assert "Or a larger label: square-25." in text


@pytest.mark.parametrize(
    ("x", "dpi", "sentence"),
    [
        (0.2, 1200, "A module of 0.2 mm cannot be read: choose an X-dimension from 0.25 to 0.99 mm"),
        (1.5, 300, "cannot be read"),
        (0.25, 203, "At 203 dpi a module of 0.25 mm has 2.0 dots and cannot be read; it needs 3. Choose 0.375 mm"),
        (0.25, 203, "a printer of 600 dpi"),
        (0.3, 203, "a printer of 300 dpi"),
        (float("nan"), 300, "cannot be read"),
    ],
)
def test_modules_that_no_reader_resolves_are_refused(x, dpi, sentence):
    with pytest.raises(BadInput, match=sentence):
        fitted(SHORT, template=LARGE, x=x, dpi=dpi)


def test_a_link_that_no_label_holds_is_refused_with_the_one_way_there_is():
    endless = "https://example.com/" + "a" * 1800 + "/01/09521234543213/21/A"

    with pytest.raises(BadInput, match="Use a shorter address"):
        fitted(endless, template=LARGE, x=0.9)


@pytest.mark.parametrize("template", builtin_templates().values(), ids=lambda template: template.name)
@pytest.mark.parametrize("dpi", [203, 300, 600])
def test_what_is_not_refused_can_be_read(template, dpi):
    for uri, symbology in ((LONG, QR), (SHORT, QR), (LONG, MATRIX), (SHORT, Symbology(level=Level.H))):
        try:
            found = fitted(uri, symbology, template, dpi=dpi)
        except BadInput as refused:
            assert re.search(r"What fits|larger label|shorter", str(refused))  # noqa: PT017  either way is good
        else:
            assert found.width <= template.room + 1e-9
            assert found.module + 1e-9 >= fitting.SMALLEST
            assert found.dots >= 2.98


@settings(deadline=None, max_examples=30)
@given(st.integers(20, 400), st.sampled_from([QR, MATRIX, Symbology(level=Level.H)]))
def test_the_side_that_is_foretold_is_that_of_the_symbol(length, symbology):
    uri = ("https://example.com/" + "x-_9" * 400)[:length]

    assert symbology.side(length) == symbology.draw(uri).side


@pytest.mark.parametrize(
    ("dots", "grade"), [(3, "C"), (3.5, "D"), (4, "B"), (4.72, "C"), (5, "A"), (6.5, "B"), (12.5, "A")]
)
def test_the_best_grade_follows_from_the_dots_of_a_module(dots, grade):
    assert fitting.grade(fitting.Fit(0.4, dots, 57)) == grade


def said(uri=LONG, symbology=QR, template=LARGE, dpi=300, x=None):
    return " ".join(fitting.advise(template, uri, symbology, fitted(uri, symbology, template, x, dpi), dpi))


def test_advice_names_module_quiet_zone_grade_and_aperture():
    text = said()

    assert "QR code, level M: 53 modules of 0.508 mm (6 dots at 300 dpi), 31.0 mm wide" in text
    assert "quiet zone of 2.0 mm" in text
    assert "grade A of ISO/IEC 15415 at best" in text
    assert "aperture of 0.41 mm (80 % of the module) at 660 nm" in text
    assert "retail" not in text


def test_advice_warns_of_broken_dots_small_modules_and_low_levels():
    assert "0.400 mm is no whole number of dots at 300 dpi" in said(x=0.4)
    assert "0.339 or 0.423 mm print cleaner" in said(x=0.4)
    assert "GS1 asks for 0.396 to 0.990 mm at retail" in said(x=0.3)
    assert "Level L bears 7 %" in said(symbology=Symbology(level=Level.L))


def test_advice_offers_a_higher_level_where_there_is_room():
    assert "room for level H at the same module" in said(x=0.35)
    assert "room for level Q" in said(x=0.45)
    assert "room for level" not in said()
    assert "room for level" not in said(symbology=Symbology(level=Level.H), x=0.35)
    assert "room for level" not in said(symbology=Symbology(Kind.DATA_MATRIX))


def test_a_label_is_what_these_tests_think():
    assert make_label().uri == LONG
    assert len(LONG) - len(SHORT) == 70
