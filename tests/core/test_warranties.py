"""Warranties: months that end on the right day, and dates of purchase as people type them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authsvc.core import warranties
from authsvc.core.warranties import Warranty
from authsvc.errors import BadInput

TODAY = date(2026, 5, 31)


@pytest.mark.parametrize(
    ("begins", "months", "ends"),
    [
        ("2026-05-01", 24, "2028-05-01"),
        ("2026-01-31", 1, "2026-02-28"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2024-02-29", 48, "2028-02-29"),
        ("2026-08-31", 6, "2027-02-28"),
        ("2026-11-15", 1, "2026-12-15"),
        ("2026-12-15", 1, "2027-01-15"),
    ],
)
def test_a_warranty_ends_on_the_day_of_the_same_number_or_the_last_of_the_month(begins, months, ends):
    granted = warranties.warranty(months, date.fromisoformat(begins))

    assert granted == Warranty(date.fromisoformat(begins), date.fromisoformat(ends))


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(1, 360))
def test_months_are_never_skipped_or_doubled(day, months):
    end = warranties.add_months(day, months)

    assert (end.year - day.year) * 12 + end.month - day.month == months
    assert end.day <= day.day


@pytest.mark.parametrize("months", [None, 0])
def test_a_product_without_months_has_no_warranty(months):
    assert warranties.warranty(months, TODAY) is None


def test_the_last_day_still_counts():
    granted = Warranty(date(2024, 5, 31), TODAY)

    assert granted.days_left(TODAY) == 1
    assert granted.days_left(date(2026, 6, 1)) == 0
    assert granted.days_left(date(2026, 5, 30)) == 2


@pytest.mark.parametrize("text", ["", "  "])
def test_no_date_of_purchase_is_none(text):
    assert warranties.parse_purchase(text, TODAY) is None


def test_a_date_of_purchase_is_read():
    assert warranties.parse_purchase(" 2026-05-31 ", TODAY) == TODAY


@pytest.mark.parametrize(
    ("text", "said"),
    [("31.05.2026", "year, month and day"), ("2026-06-01", "in the future"), ("1995-12-31", "30 years")],
)
def test_a_day_on_which_nobody_bought_it_is_refused(text, said):
    with pytest.raises(BadInput, match=said):
        warranties.parse_purchase(text, TODAY)
