import secrets
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authsvc.core import codes
from authsvc.core.number_formats import LotFormat, SerialFormat, luhn
from authsvc.errors import BadInput

IMEI = "490154203237518"  # 3GPP TS 23.003 calls its last digit the check digit; this one is a known good IMEI.


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        ("L{YY}{DDD}-##@", "L26271-01B", "L26999-01B"),
        ("{YYYY}{MM}{DD}$", "20260928Z", "20261328Z"),
        ("W{WW}/#", "W53/1", "W54/1"),
        ("A.B", "A.B", "AxB"),
    ],
)
def test_a_lot_number_follows_its_format(pattern, good, bad):
    form = LotFormat.parse(pattern)

    assert form.find_fault(good) is None
    assert form.example(date(2026, 9, 28)) in form.find_fault(bad)
    assert form.find_fault(form.example(date(2026, 9, 28))) is None


@pytest.mark.parametrize("pattern", ["", "L ##", "{XX}#", "{YYYY}" * 6, "Ä#"])
def test_what_is_no_lot_format_is_refused(pattern):
    with pytest.raises(BadInput):
        LotFormat.parse(pattern)


@pytest.mark.parametrize(
    "text",
    [
        "derived", "imei", "imported", "imported length=8-12 alphabet=digits", "random",
        "random prefix=HL length=19 alphabet=digits check=luhn", "random length=12 alphabet=capitals",
    ],
)  # fmt: skip
def test_a_serial_format_is_stored_in_one_spelling(text):
    form = SerialFormat.parse(text)

    assert SerialFormat.parse(str(form)) == form


def test_an_imei_needs_its_check_digit():
    imei = SerialFormat.parse("imei")

    assert imei.find_fault(IMEI) is None
    assert "expected 8, got 7" in imei.find_fault(IMEI[:-1] + "7")
    assert "has 14 characters" in imei.find_fault(IMEI[:-1])
    assert "not among" in imei.find_fault("A" + IMEI[1:])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("drawn", "begins with"),
        ("derived length=12", "of their own"),
        ("random length=8", "random bits"),
        ("random length=16", "derived serials"),
        ("random length=10-12", "one length"),
        ("imported length=21", "1 to 20"),
        ("imported length=x", "a number or a range"),
        ("imported alphabet=runes", "alphabet"),
        ("imported check=mod97 alphabet=digits", "luhn"),
        ("imported check=luhn", "alphabet=digits"),
        ("imported prefix=ABC length=3", "no room"),
        ("imported colour=red", "got 'colour=red'"),
    ],
)
def test_what_is_no_serial_format_is_refused(text, why):
    with pytest.raises(BadInput, match=why):
        SerialFormat.parse(text)


@pytest.mark.parametrize("text", ["random", "random prefix=HL length=19 alphabet=digits check=luhn"])
def test_drawn_serials_follow_their_format_and_are_valid(text):
    form = SerialFormat.parse(text)
    drawn = [form.draw(secrets.token_bytes) for _ in range(200)]

    assert len(set(drawn)) == 200
    assert [form.find_fault(serial) or codes.find_serial_fault(serial) for serial in drawn] == [None] * 200


@given(st.text(max_size=40))
def test_reading_a_format_raises_nothing_but_bad_input(text):
    for kind in (LotFormat, SerialFormat):
        try:
            kind.parse(text)
        except BadInput:
            continue


@given(st.text("0123456789", min_size=1, max_size=19), st.integers(0, 18), st.integers(1, 9))
def test_a_check_digit_finds_every_single_wrong_digit(digits, place, shift):
    place %= len(digits)
    wrong = digits[:place] + str((int(digits[place]) + shift) % 10) + digits[place + 1 :]

    assert luhn(wrong) != luhn(digits)
