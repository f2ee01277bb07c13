from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authsvc.core.records import Course
from authsvc.web.drawing import courses

AT = datetime(2026, 1, 5, tzinfo=UTC)


def drawn(*values):
    points = tuple((AT + timedelta(days=n * n), value) for n, value in enumerate(values))
    return courses.course("k", Course("battery-x", "State of <health>", "%", points))


def test_a_course_is_named_described_and_has_its_table():
    figure = drawn(99, 97.25, 93)

    assert "State of &lt;health&gt;" in figure.svg
    assert "3 values: 99 % on 5 Jan 2026, 93 % on 9 Jan 2026." in figure.svg
    assert [row["cells"] for row in figure.rows] == [["9 Jan 2026", "93 %"], ["6 Jan 2026", "97.25 %"],
                                                     ["5 Jan 2026", "99 %"]]  # fmt: skip
    assert figure.svg.count("<circle") == 3
    assert "style=" not in figure.svg


def test_the_axis_has_round_numbers():
    assert courses._bounds(93, 99) == (92, 100, 2)
    assert courses._bounds(0, 1204) == (0, 1500, 500)
    low, high, _ = courses._bounds(5, 5)
    assert low <= 5 < high


@pytest.mark.parametrize("value", [0, -3.5, 1e6])
def test_a_number_that_does_not_change_is_a_level_line(value):
    assert "<polyline" in drawn(value, value).svg


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30))
def test_every_point_lies_within_the_drawing(values):
    low, high, step = courses._bounds(min(values), max(values))

    # What is beyond an end by less than this lies on it, in a drawing of a hundred pixels.
    assert low <= min(values) + 1e-6 * step
    assert high >= max(values) - 1e-6 * step
    assert 1 <= round((high - low) / step) <= courses.LINES + 1
