"""Amounts: words up to twelve, digits above, and bounds that hold."""

from datetime import timedelta

import pytest

from authsvc.core.amounts import amount, begin, number, within


@pytest.mark.parametrize(("count", "said"), [(0, "no"), (1, "one"), (12, "twelve"), (13, "13"), (1234, "1,234"),
                                             (-1, "-1")])  # fmt: skip
def test_numbers(count, said):
    assert number(count) == said


def test_amounts_have_their_plural():
    assert amount(1, "phone") == "one phone"
    assert amount(2, "phone") == "two phones"
    assert amount(3, "country", "countries") == "three countries"


def test_a_sentence_begins_with_a_capital():
    assert begin("eleven phones") == "Eleven phones"
    assert begin("") == ""


@pytest.mark.parametrize(
    ("gap", "said"),
    [
        (timedelta(), "within one minute"),
        (timedelta(seconds=61), "within two minutes"),
        (timedelta(minutes=90), "within 90 minutes"),
        (timedelta(minutes=91), "within two hours"),
        (timedelta(hours=24), "within 24 hours"),
        (timedelta(hours=24, seconds=1), "within two days"),
        (timedelta(days=9), "within nine days"),
    ],
)
def test_a_bound_is_never_shorter_than_what_it_bounds(gap, said):
    assert within(gap) == said
