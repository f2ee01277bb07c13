"""Values of GS1 identifiers: the form of each, what belongs together, check digits and GTINs."""

import re

import pytest

from authsvc.core.gs1 import check_digit, normalise_gtin
from authsvc.core.gs1.ai_table import check_together, check_value
from authsvc.core.gs1.values import shown
from authsvc.errors import BadDigitalLink

GTIN = "09506000134352"
COUPON = "0123456123456" + "11" + "110123"


@pytest.mark.parametrize(
    ("ai", "good", "bad"),
    [
        ("00", ["106141412345678908"], ["106141412345678907", "10614141234567890"]),
        ("10", ["A", "!\"%&'()*+,-./:;<", "=>?_z", "0" * 20], ["", "0" * 21, "A B", "A#", "A$", "A@", "A~", "\u0663"]),
        ("17", ["261231", "260200", "280229", "000229"], ["260229", "261301", "260001", "260431", "260100x", "261232"]),
        ("02", [GTIN], ["0950600013435\u0662"]),
        ("253", ["9521234567899", "9521234567899" + "x" * 17], ["9521234567898", "9521234567899" + "x" * 18]),
        ("255", ["9521234567899" + "1" * 12], ["9521234567899A"]),
        ("3910", ["9781"], ["1231", "978"]),
        ("421", ["056B"], ["056", "999B"]),
        ("423", ["056", "056250056250056"], ["05625", "056999", "056250056250056250"]),
        ("4300", ["A%20B"], ["A%2", "A%GG"]),
        ("4307", ["BE"], ["XX", "be"]),
        ("4309", ["18000000003600000000"], ["18000000013600000000", "18000000003600000001"]),
        ("4321", ["0", "1"], ["2"]),
        ("4324", ["2612002359"], ["2612012400", "2612012360"]),
        ("4330", ["000100", "000100-"], ["000100+"]),
        ("7003", ["2612312359"], ["2612002359"]),
        ("7007", ["261231", "261231270101"], ["261231270001"]),
        ("7030", ["999A"], ["998A"]),
        ("7040", ["1ABC", "1AB-", "1AB_", "1AB0"], ["1AB!", "AABC"]),
        ("7241", ["01", "10", "80", "99"], ["00", "11", "79"]),
        ("7250", ["20000229", "20240229"], ["19000229", "20230229", "20231301"]),
        ("7252", ["0", "9"], ["3"]),
        ("7258", ["1/1", "2/3"], ["3/2", "0/1", "1/0", "1-2"]),
        ("8001", ["00010000100101"], ["00000000100101", "00010000100121"]),
        ("8003", ["09521234567899", "09521234567899AS1"], ["19521234567899"]),
        ("8006", ["095060001343520102", "095060001343520202"], ["095060001343520201", "095060001343520001"]),
        ("8007", ["GB29NWBK60161331926819"], ["GB28NWBK60161331926819", "XX29NWBK60161331926819", "GB29!"]),
        ("8008", ["26123123", "261231235959"], ["26123124", "2612312360", "261231235960"]),
        ("8010", ["9521234-P/1", "9521#"], ["952-1", "952", "9521p"]),
        ("8011", ["1", "10"], ["0", "01"]),
        ("8013", ["1987654Ad4X4bL5ttr2310c2K"], ["1987654Ad4X4bL5ttr2310c2X", "!22", "2", "1987654Ad4X4bL5ttr2310cXK"]),
        ("8014", ["1987654Ad4X4bL5ttr2310c2K"], ["2222"]),
        ("8030", ["A", "AA=", "A" * 90, "A" * 88 + "=="], ["=", "A===", "A" * 91, "A" * 90 + "=", "A.A", "AA=A"]),
        ("8112", ["001234561234560123456", "061234567890121234569123456789012345"], ["201234561234560123456", "0"]),
        (
            "8110",
            [
                COUPON,
                COUPON + "10110123" + "9",
                COUPON + "10110123" + "0123456",
                COUPON + "2110123" + "9" + "3261231" + "4260101" + "50123456" + "611234567" + "90001",
            ],
            [COUPON[:-1], COUPON + "3261301", COUPON + "3260101" + "4260102", COUPON + "4261301", "7" + COUPON, "A"],
        ),
        ("99", ["x" * 90], ["x" * 91]),
    ],
)  # fmt: skip
def test_a_value_must_have_the_form_of_its_ai(ai, good, bad):
    for value in good:
        check_value(ai, value)
    for value in bad:
        with pytest.raises(BadDigitalLink, match=re.escape(f"({ai})")):
            check_value(ai, value)


@pytest.mark.parametrize(
    "pair",
    [
        "12345_ABCDEFGHIJKLMCP",
        "12345_nopqrstuvwxyzP2",
        "12345_!\"%&'()*+,-./LC",
        "99999zzzzzzzzzzzzzzzzzzT2",
        "00000!HV",
    ],
)
def test_the_check_pair_agrees_with_the_examples_of_gs1(pair):
    check_value("8013", pair)


@pytest.mark.parametrize(
    "ais",
    [
        {"00": "", "02": "", "37": "", "10": ""},
        {"01": "", "3103": "", "3922": ""},
        {"01": "", "21": "", "250": ""},
        {"01": "", "422": "", "427": ""},
        {"255": "9521234567899", "3900": ""},
        {"253": "9521234567899A", "8030": "A"},
    ],
)
def test_ais_that_belong_together_are_accepted(ais):
    check_together(ais)


@pytest.mark.parametrize(
    "ais",
    [
        {"02": ""},
        {"01": "", "37": ""},
        {"01": "", "250": ""},
        {"01": "", "427": ""},
        {"01": "", "3102": "", "3103": ""},
        {"01": "", "3922": ""},
        {"01": "", "255": ""},
        {"8017": "", "8018": ""},
        {"01": "", "21": "", "235": ""},
        {"253": "9521234567899", "8030": "A"},
        {"8003": "09521234567899", "8030": "A"},
    ],
)
def test_ais_that_need_or_exclude_another_are_refused(ais):
    with pytest.raises(BadDigitalLink):
        check_together(ais)


def test_what_came_is_clipped_and_escaped():
    assert shown("é\n") == "'\\xe9\\n'"
    assert shown("x" * 100) == "'" + "x" * 48 + "'..."


# --- check digits and GTINs


@pytest.mark.parametrize(
    ("body", "digit"),
    [("0950600013435", "2"), ("4017072", "5"), ("61414112345", "2"), ("10614141234567890", "8"), ("", "0"), ("5", "5")],
)
def test_check_digit_agrees_with_known_numbers(body, digit):
    if body:
        assert check_digit(body) == digit
    else:
        with pytest.raises(BadDigitalLink):
            check_digit(body)


@pytest.mark.parametrize("text", ["12a", "\u0661\u0662", " 1", "-1"])
def test_check_digit_takes_ascii_digits_only(text):
    with pytest.raises(BadDigitalLink, match="0 to 9"):
        check_digit(text)


@pytest.mark.parametrize(
    ("text", "gtin"),
    [
        ("40170725", "00000040170725"),
        ("614141123452", "00614141123452"),
        ("9506000134352", GTIN),
        (GTIN, GTIN),
    ],
)
def test_normalise_gtin_pads_every_length(text, gtin):
    assert normalise_gtin(text) == gtin


@pytest.mark.parametrize(
    "text",
    ["", "9506000134353", "950600013435", "095060001343", "401707250", "\u06639506000134352", f" {GTIN}", f"{GTIN}\n"],
)
def test_normalise_gtin_refuses_other_text(text):
    with pytest.raises(BadDigitalLink):
        normalise_gtin(text)
