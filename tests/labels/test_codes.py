"""The file of codes in: one row at a time, and no row that contradicts itself."""

import io
from datetime import date

import pytest
from printing import GTIN, HEADER, TODAY, make_code, row

from authsvc.core.gs1 import check_digit
from authsvc.errors import BadInput
from authsvc.labels.codes import Label, groups, read_codes

ROW = row().replace("7K3M9QX2V4T00000", "7K3M9QX2V4TD1RZ8")


def test_codes_are_read_one_at_a_time():
    def lines():
        yield HEADER
        yield ROW
        raise AssertionError("read ahead")

    code = next(read_codes(lines()))

    assert code[1:5] == (GTIN, "L-7", "7K3M9QX2V4TD1RZ8", "7K3M9QX2")
    assert dict(code.ais) == {"01": GTIN, "21": "7K3M9QX2V4TD1RZ8"}


def test_quotes_blank_rows_and_a_byte_order_mark_are_understood():
    lines = io.StringIO("\ufeff" + HEADER + ROW.replace("L-7", '"L,""7"') + "\n" + ROW)

    assert [code.lot for code in read_codes(lines)] == ['L,"7', "L-7"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Row 1: expected the header"),
        ("gtin,uri\n", "Row 1: expected the header"),
        (HEADER + ROW + "a,b\n", "Row 3: expected 5 columns, got 2"),
        (HEADER + ROW.replace("https:", "ftp:"), "Row 2: uri"),
        (HEADER + ROW.replace("RZ8?", "é?"), "Row 2: uri"),
        (
            HEADER + ROW.replace(",09521234543213,", ",9521234543213,"),
            "Row 2: gtin is '9521234543213', and the link says",
        ),
        (HEADER + ROW.replace(",7K3M9QX2V4TD1RZ8,", f",{'7' * 21},"), "Row 2: serial has at most 20"),
        (HEADER + ROW.replace("L-7", "Ł"), "Row 2: lot has at most 20"),
        (HEADER + ROW.replace(",7K3M9QX2\n", ",7K3M\n"), "Row 2: A claim code has 8"),
        (HEADER + 'a,"b"c\n', "this is not CSV"),
    ],
)
def test_a_fault_names_its_row(text, sentence):
    with pytest.raises(BadInput, match=sentence):
        list(read_codes(io.StringIO(text)))


def test_a_claim_code_is_never_repeated_in_a_message():
    with pytest.raises(BadInput) as refusal:
        list(read_codes(io.StringIO(HEADER + ROW.replace(",7K3M9QX2\n", ",7K3M9QXU\n"))))

    assert "7K3M9QXU" not in str(refusal.value)


def test_a_file_in_another_encoding_is_named():
    with pytest.raises(BadInput, match="UTF-8"):
        list(read_codes(io.TextIOWrapper(io.BytesIO(HEADER.encode() + b"\xff\xfe\n"), encoding="utf-8")))


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (f",{GTIN},", ",09506000134352,", "gtin is '09506000134352', and the link says '09521234543213'"),
        (",7K3M9QX2V4TD1RZ8,", ",7K3M9QX2V4TD1RZ9,", "serial is '7K3M9QX2V4TD1RZ9', and the link says"),
        ("?s=", "?10=L-8&s=", "a lot belongs|AI|path"),
        (f"/01/{GTIN}/21/", f"/01/{GTIN}/10/L-8/21/", "lot is 'L-7', and the link says 'L-8'"),
        ("3213/21", "3214/21", "Row 2: uri: "),
    ],
)
def test_a_row_that_contradicts_its_link_is_refused(old, new, sentence):
    with pytest.raises(BadInput, match=sentence):
        list(read_codes([HEADER, ROW.replace(old, new)]))


def test_a_case_and_a_lot_have_codes_too():
    sscc = "09506000000000001"
    sscc += check_digit(sscc)
    case = f"https://id.example.com/00/{sscc}?02={GTIN}&10=L-7&37=24&s=AQAB,{GTIN},L-7,{sscc},\n"
    lot = f"https://id.example.com/01/{GTIN}/10/L-7?s=AQAB,{GTIN},L-7,,\n"
    first, second = (Label.of(code, "Shirt", TODAY) for code in read_codes([HEADER, case, lot]))

    assert first.hri == (f"(00) {sscc}", f"(02) {GTIN}", "(37) 24", "(10) L-7")
    assert (first.serial, second.serial) == (sscc, "")
    assert second.hri == (f"(01) {GTIN}", "(10) L-7")


@pytest.mark.parametrize(("ai", "shown"), [("281231", "2028-12-31"), ("280200", "2028-02-29")])
def test_the_expiry_is_a_day(ai, shown):
    label = Label.of(make_code(query=f"17={ai}&"), "Watch", date(2026, 11, 25))

    assert label.expiry == shown
    assert f"(17) {ai}" in label.hri


def test_a_serial_is_read_in_groups_of_four():
    assert [groups(text) for text in ("7K3M9QX2V4TD1RZ8", "12345", "")] == ["7K3M 9QX2 V4TD 1RZ8", "1234 5", ""]


def test_a_claim_code_is_written_as_it_is_printed():
    assert Label.of(make_code(claim="7k3m9qx2"), "Watch", TODAY).claim_code == "7K3M-9QX2"
