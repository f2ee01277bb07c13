"""Units of a batch: their numbers, and that no code is ever taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authsvc.core import units
from authsvc.core.gs1 import DigitalLink
from authsvc.errors import BadDigitalLink, BadInput


@pytest.mark.parametrize(("typed", "number"), [("0042", "0042"), (" a-12 / b ", "A-12/B"), ("7", "7")])
def test_a_number_is_read_as_people_type_it(typed, number):
    assert units.parse(typed) == number


@pytest.mark.parametrize("typed", ["", " ", "#1", "A#1", "x" * 21, "٣", "-1", "a\n\0"])
def test_what_is_no_number_is_refused(typed):
    with pytest.raises(BadInput, match="unit number"):
        units.parse(typed)


@given(
    st.from_regex(r"[!-\"%-?A-Z_a-z]{1,20}", fullmatch=True),
    st.from_regex(r"[A-Z0-9][A-Z0-9./-]{0,19}", fullmatch=True),
)
def test_lot_and_number_come_back_whatever_the_lot_is(lot, number):
    assert units.split(units.serial_of(lot, number)) == (lot, number)


@given(st.text(max_size=30))
def test_only_a_unit_is_taken_for_one(serial):
    found = units.split(serial)

    assert found is None or units.serial_of(*found) == serial
    if found is None:
        assert units.shown(serial) == serial


def test_no_link_names_a_unit():
    with pytest.raises(BadDigitalLink):
        DigitalLink.parse("https://id.example.com/01/09506000134352/21/.L1%230042")
