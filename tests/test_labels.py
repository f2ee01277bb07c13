"""Label sheets are judged on the rendered page (poppler) and through a reader of symbols (zxing-cpp)."""

import io
import subprocess
import tracemalloc

import pytest
import zxingcpp
from PIL import Image

from authsvc import labels
from authsvc.errors import BadInput

TOKEN = "AQAB" + "x-_9" * 21 + "Qw"
HEADER = "uri,gtin,lot,serial,claim_code\n"
ROW = (
    "https://id.example.com/01/09521234543213/21/7K3M9QX2V4TD1RZ8?s=AQAB,09521234543213,L-7,7K3M9QX2V4TD1RZ8,7K3M9QX2\n"
)
MM = 300 / 25.4  # pixels


def make_label(number=0, *, name="Halden Chronograph", token=TOKEN, host="id.example.com", lot="L-7", claim="7K3M9QX2"):
    serial = f"7K3M9QX2V4T{number:05d}"
    uri = f"https://{host}/01/09521234543213/21/{serial}?s={token}"
    return labels.Label(uri, name, "09521234543213", lot, serial, claim)


def printed(tmp_path, items):
    """Return the file and its pages as pictures of 300 dots an inch."""
    path = tmp_path / "sheet.pdf"
    labels.sheet(path, items, title="Halden, run 12")
    subprocess.run(["pdftoppm", "-r", "300", "-gray", path, tmp_path / "page"], check=True, capture_output=True)
    return path, [Image.open(io.BytesIO(picture.read_bytes())) for picture in sorted(tmp_path.glob("page*.pgm"))]


def text_of(path):
    return subprocess.run(["pdftotext", "-layout", path, "-"], check=True, capture_output=True).stdout.decode()


def found_on(page):
    return zxingcpp.read_barcodes(page, formats=zxingcpp.BarcodeFormat.QRCode)


def box(found):
    """Return left, top, right and bottom of a symbol in mm."""
    corners = [found.position.top_left, found.position.bottom_right]
    return [value / MM for corner in corners for value in (corner.x, corner.y)]


def test_every_label_of_a_sheet_is_read_from_the_page(tmp_path):
    items = [make_label(number, token=TOKEN[: 90 - number]) for number in range(25)]
    _, pages = printed(tmp_path, items)

    assert [len(found_on(page)) for page in pages] == [21, 4]
    assert {found.text for page in pages for found in found_on(page)} == {item.uri for item in items}


def test_symbols_stand_in_their_labels_with_their_module_size(tmp_path):
    _, (page,) = printed(tmp_path, [make_label(number) for number in range(21)])
    boxes = sorted((box(found) for found in found_on(page)), key=lambda b: (round(b[1]), b[0]))

    for place, (left, top, right, bottom) in enumerate(boxes):
        row, column = divmod(place, 3)
        corner = 7.21 + 66.04 * column
        # The quiet zone of four modules lies inside the label.
        assert left == pytest.approx(corner + 1 + 4 * 0.5, abs=0.2)
        assert top > 15.15 + 38.1 * row + 2
        assert bottom < 15.15 + 38.1 * (row + 1) - 2
        assert right - left == pytest.approx(53 * 0.5, abs=0.2)


def test_the_quiet_zone_is_white(tmp_path):
    _, (page,) = printed(tmp_path, [make_label(name="W" * 90, host="authentication.example.com/of/the/brand")])
    (found,) = found_on(page)
    left, top, right, bottom = box(found)
    margin = 3.9 * 0.5
    whole = page.crop([int(v * MM) for v in (left - margin, top - margin, right + margin, bottom + margin)])
    whole.paste(255, [int(margin * MM) - 2] * 2 + [size - int(margin * MM) + 2 for size in whole.size])

    assert whole.getextrema() == (255, 255)


def test_a_label_says_what_it_is(tmp_path):
    path, _ = printed(tmp_path, [make_label(12)])
    shown = text_of(path)

    for words in (
        "Halden, run 12",
        "Halden Chronograph",
        "Batch L-7",
        "7K3M 9QX2 V4T0 0012",
        "(01) 09521234543213",
        "(10) L-7",
        "(21) 7K3M9QX2V4T00012",
        "7K3M-9QX2",
        "module 0.50 mm",
        "100 %",
    ):
        assert words in shown


def test_what_a_code_does_not_have_is_left_out(tmp_path):
    bare = labels.Label("https://id.example.com/01/09521234543213/10/L-7", "Wine", "09521234543213", "L-7")
    path, _ = printed(tmp_path, [bare])

    assert not any(words in text_of(path) for words in ("Serial", "Scratch", "(21)"))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Café “Señor” — 9 €", "Café “Señor” — 9 €"),
        ("Złoty Čas Ω", "Złoty Čas Ω"),
        ("時計 Watch", "?? Watch"),
        ("A\ttab\nand\x07bell", "A tab and bell"),
    ],
)
def test_names_in_any_script_are_printed(tmp_path, name, shown):
    path, _ = printed(tmp_path, [make_label(name=name)])

    assert shown in text_of(path)


@pytest.mark.parametrize("name", ["", " ", "x" * 5000, "two words " * 50])
def test_a_name_of_any_length_leaves_the_symbol_readable(tmp_path, name):
    _, (page,) = printed(tmp_path, [make_label(name=name)])

    assert len(found_on(page)) == 1


def test_a_longer_link_gets_smaller_modules_and_then_a_refusal(tmp_path):
    path, (page,) = printed(tmp_path, [make_label(host="example.com/" + "a" * 170)])

    assert len(found_on(page)) == 1
    assert "module 0.40 mm" in text_of(path)
    with pytest.raises(BadInput, match="too many for this label"):
        labels.sheet(io.BytesIO(), [make_label(host="example.com/" + "a" * 400)], title="x")


def test_an_empty_list_is_refused():
    with pytest.raises(BadInput, match="no codes"):
        labels.sheet(io.BytesIO(), [], title="x")


def test_labels_are_counted_and_drawn_as_they_come():
    drawn = 0

    def source():
        nonlocal drawn
        for number in range(22):
            drawn += 1
            yield make_label(number)

    target = io.BytesIO()

    assert labels.sheet(target, source(), title="x") == drawn == 22
    assert target.getvalue().startswith(b"%PDF-")


def test_memory_grows_by_little_more_than_the_file():
    def peak(count):
        tracemalloc.start()
        target = io.BytesIO()
        labels.sheet(target, (make_label(number) for number in range(count)), title="x")
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak(21)  # fonts and forms are made once

    assert peak(420) - peak(42) < 378 * 8_000


def test_codes_are_read_one_at_a_time():
    def lines():
        yield HEADER
        yield ROW
        raise AssertionError("read ahead")

    assert next(labels.read_codes(lines())) == labels.Code(
        "https://id.example.com/01/09521234543213/21/7K3M9QX2V4TD1RZ8?s=AQAB",
        "09521234543213",
        "L-7",
        "7K3M9QX2V4TD1RZ8",
        "7K3M9QX2",
    )


def test_quotes_blank_rows_and_a_byte_order_mark_are_understood():
    lines = io.StringIO("\ufeff" + HEADER + ROW.replace("L-7", '"L,""7"') + "\n" + ROW)

    assert [code.lot for code in labels.read_codes(lines)] == ['L,"7', "L-7"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Row 1: expected the header"),
        ("gtin,uri\n", "Row 1: expected the header"),
        (HEADER + ROW + "a,b\n", "Row 3: expected 5 columns, got 2"),
        (HEADER + ROW.replace("https:", "ftp:"), "Row 2: uri"),
        (HEADER + ROW.replace("RZ8?", "é?"), "Row 2: uri"),
        (HEADER + ROW.replace(",09521234543213,", ",9521234543213,"), "Row 2: gtin must have 14 digits"),
        (HEADER + ROW.replace(",7K3M9QX2V4TD1RZ8,", f",{'7' * 21},"), "Row 2: serial has at most 20"),
        (HEADER + ROW.replace("L-7", "Ł"), "Row 2: lot has at most 20"),
        (HEADER + ROW.replace(",7K3M9QX2\n", ",7K3M\n"), "Row 2: A claim code has 8"),
        (HEADER + 'a,"b"c\n', "this is not CSV"),
    ],
)
def test_a_fault_names_its_row(text, sentence):
    with pytest.raises(BadInput, match=sentence):
        list(labels.read_codes(io.StringIO(text)))


def test_a_claim_code_is_never_repeated_in_a_message():
    with pytest.raises(BadInput) as refusal:
        list(labels.read_codes(io.StringIO(HEADER + ROW.replace(",7K3M9QX2\n", ",7K3M9QXU\n"))))

    assert "7K3M9QXU" not in str(refusal.value)


def test_a_file_in_another_encoding_is_named():
    with pytest.raises(BadInput, match="UTF-8"):
        list(labels.read_codes(io.TextIOWrapper(io.BytesIO(HEADER.encode() + b"\xff\xfe\n"), encoding="utf-8")))
