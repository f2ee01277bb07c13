"""What is wrong with a GTIN, SSCC or GLN that a program has sent: expected, got, what to do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authsvc.core.gs1 import GLN, GTIN, SSCC


@pytest.mark.parametrize(
    ("kind", "text"), [(GTIN, "09506000134352"), (SSCC, "106141412345678908"), (GLN, "9506000000008")]
)
def test_a_right_number_has_no_fault(kind, text):
    assert kind.find_fault(text) is None


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        (GTIN, "09506000134353", "a GTIN-14: 14 digits with a right check digit, got '09506000134353'"),
        (GTIN, "09506000134353", "; the check digit should be 2: look for a typing error"),
        (GTIN, "123", "a GTIN-14: 14 digits with a right check digit, got '123'; 11 digits are missing"),
        (GTIN, "9506000134352", "got '9506000134352'; put zeros before it: 09506000134352"),
        (GTIN, "9506000134353", "the check digit should be 2, and a 0 before it: look"),
        (GTIN, "96385075", "the check digit should be 4, and 6 zeros belong before it: look"),
        (GTIN, "0950 6000134352", "write its digits alone"),
        (GTIN, "", "got ''; write its digits alone"),
        (GTIN, "\u0660" * 14, "write its digits alone"),
        (SSCC, "106141412345678907", "an SSCC: 18 digits with a right check digit, got '106141412345678907'"),
        (SSCC, "106141412345678907", "; the check digit should be 8"),
        (SSCC, "1061414123456789089", "1 digit is too many"),
        (GLN, "9506000000009", "a GLN: 13 digits with a right check digit, got '9506000000009'"),
    ],
)  # fmt: skip
def test_a_fault_says_what_was_expected_what_came_and_what_to_do(kind, text, said):
    assert said in kind.find_fault(text)


@given(st.text(max_size=100))
def test_a_fault_is_short_plain_and_only_of_wrong_numbers(text):
    for kind in (GTIN, SSCC, GLN):
        fault = kind.find_fault(text)
        assert fault is None or (fault.isascii() and fault.isprintable() and len(fault) < 500)
