import math
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authsvc.core.code_costs import MARKET_PREMIUM, PARTS, Assumptions, compare
from authsvc.core.register import Granularity
from authsvc.errors import BadInput

BATCH, SERIAL, HYBRID = Granularity


def test_each_part_follows_from_the_assumptions():
    made = Assumptions(
        lot_size=100, case_size=10, batch_code=3, serial_code=0.5, static_print=0.1, variable_print=0.2, case_label=0.4,
        line_change=1000, years=4, row_kilobytes=1000, gigabyte_year=10, database_base=7, scans_per_item=0.25,
        scan_cost=0.01, page_base=11, service_base=13,
    )  # fmt: skip
    found = compare(1000, made)

    # 10 lots, 100 cases, 250 scans; a row is 0.001 GB, so 0.01 a year.
    assert found.of(BATCH).parts == pytest.approx((30, 100, 7 + 0.1, 11))
    assert found.of(SERIAL).parts == pytest.approx((500, 200 + 250, 7 + 2.6, 13 + 2.5))
    assert found.of(HYBRID).parts == pytest.approx((30 + 50, 100 + 40 + 250, 7 + 1.1, 13 + 1))
    assert found.of(BATCH).total == pytest.approx(148.1)
    assert found.of(BATCH).per_item == pytest.approx(0.1481)
    assert found.premium(SERIAL) == pytest.approx(975.1 / 148.1 - 1)
    assert len(PARTS) == 4


def test_a_usual_volume_lies_in_the_band_of_the_market():
    found = compare(100_000, Assumptions())
    low, high = MARKET_PREMIUM

    assert low <= found.premium(SERIAL) <= high
    assert found.premium(HYBRID) < found.premium(SERIAL)
    assert "within the +20% to +50% that the market names" in found.premium_check


def test_a_small_volume_lies_above_it_and_the_part_is_named():
    text = compare(1_000, Assumptions()).premium_check

    assert "+315%" in text
    assert "above" in text
    assert "most of it is verification" in text


def test_serials_that_cost_almost_nothing_lie_below_it():
    found = compare(10**6, Assumptions(variable_print=0.02, service_base=0, line_change=0))

    assert "below" in found.premium_check


def test_what_costs_nothing_has_no_premium():
    divisors = {"lot_size", "case_size", "years"}
    free = Assumptions().with_values({each.name: int(each.name in divisors) for each in fields(Assumptions)})

    assert compare(5, free).premium(SERIAL) == 0


def test_an_item_has_at_most_one_row():
    few, many = (compare(10**6, Assumptions(scans_per_item=scans, scan_cost=0)) for scans in (1.0, 9.0))

    assert few.of(SERIAL).parts == many.of(SERIAL).parts


def test_assumptions_are_replaced_by_name():
    made = Assumptions().with_values({"lot_size": 7, "static_print": 0.5})

    assert (made.lot_size, made.static_print, made.years) == (7, 0.5, Assumptions().years)
    assert {name: value for name, value, _ in made.rows()}["lot_size"] == 7
    assert all(says for _, _, says in made.rows())


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"lots": 1}, "There is no assumption 'lots'; they are lot_size"),
        ({"lot_size": "7"}, "must be a number, got '7'"),
        ({"lot_size": True}, "must be a number"),
        ({"lot_size": 0}, "lot_size must be a number from 1"),
        ({"scan_cost": -1}, "scan_cost must be a number from 0"),
        ({"scan_cost": math.nan}, "scan_cost must be a number"),
        ({"scan_cost": math.inf}, "scan_cost must be a number"),
    ],
)
def test_an_assumption_that_makes_no_sense_is_refused(values, sentence):
    with pytest.raises(BadInput, match=sentence):
        Assumptions().with_values(values)


@pytest.mark.parametrize("volume", [0, -5, 10**12 + 1])
def test_a_volume_is_a_number_of_items(volume):
    with pytest.raises(BadInput, match="volume"):
        compare(volume, Assumptions())


@given(st.integers(1, 10**12))
def test_any_volume_has_finite_costs(volume):
    found = compare(volume, Assumptions())

    assert all(0 <= part < math.inf for cost in found.costs for part in cost.parts)
    assert found.premium_check.endswith(".")
