"""Label sheets are judged on the rendered page (poppler) and through a reader of symbols (zxing-cpp)."""

import io
import subprocess
import time
import tracemalloc

import pytest
from PIL import Image
from printing import COMPACT, MATRIX, TOKEN, found_on, make_label, make_layout, pages_of, read, worn

from authsvc.errors import BadInput
from authsvc.labels import sheets
from authsvc.labels.fitting import Kind, Symbology
from authsvc.labels.templates import DEFAULT, Stock, builtin_stocks, builtin_templates
from authsvc.symbols import Level

MM = 300 / 25.4  # pixels


def stock_of(template):
    named = template.stock
    return builtin_stocks()[named] if named else Stock.grid(template, page="a4", margin=10, gap=3)


def printed(tmp_path, items, layout=None, stock="its own", dpi=300):
    """Return the file and its pages as pictures."""
    path = tmp_path / "sheet.pdf"
    layout = layout or make_layout()
    stock = stock_of(layout.template) if stock == "its own" else stock
    sheets.write(path, items, layout, stock, title="Halden, run 12")
    return path, pages_of(path, dpi)


def text_of(path):
    return subprocess.run(["pdftotext", "-layout", path, "-"], check=True, capture_output=True).stdout.decode()


def box(found):
    """Return left, top, right and bottom of a symbol in mm."""
    corners = [found.position.top_left, found.position.bottom_right]
    return [value / MM for corner in corners for value in (corner.x, corner.y)]


def test_every_label_of_a_sheet_is_read_from_the_page(tmp_path):
    items = [make_label(number, token=TOKEN[: 90 - number]) for number in range(25)]
    _, pages = printed(tmp_path, items)

    assert [len(found_on(page)) for page in pages] == [21, 4]
    assert {text for page in pages for text in read(page)} == {item.uri for item in items}


@pytest.mark.parametrize("template", builtin_templates())
@pytest.mark.parametrize("symbology", [Symbology(), MATRIX], ids=["qr", "datamatrix"])
def test_a_worn_print_of_each_template_is_read_at_its_size(tmp_path, template, symbology):
    token = COMPACT if template == "round-20" and symbology.kind is Kind.QR else TOKEN
    items = [make_label(number, token=token) for number in range(2)]
    layout = make_layout(template, symbology=symbology)
    _, (page, *_) = printed(tmp_path, items, layout, stock=None)

    # At 300 dots an inch, out of focus by a fifth of a module.
    blur = 0.2 * layout.fit(items[0].uri).module * MM
    assert read(worn(page, blur=blur), symbology.kind) == [items[0].uri]


@pytest.mark.parametrize("level", ["L", "Q", "H"])
def test_other_error_levels_are_read_too(tmp_path, level):
    layout = make_layout("a6", symbology=Symbology(level=Level(level)))
    _, (page,) = printed(tmp_path, [make_label()], layout)

    assert [(found.text, found.ec_level) for found in found_on(page)] == [(make_label().uri, level)]


def test_symbols_stand_in_their_labels_with_their_module_size(tmp_path):
    layout = make_layout(x_dimension=0.5)
    _, (page,) = printed(tmp_path, [make_label(number) for number in range(21)], layout)
    boxes = sorted((box(found) for found in found_on(page)), key=lambda b: (round(b[1]), b[0]))

    assert len(boxes) == 21
    for place, (left, top, right, bottom) in enumerate(boxes):
        row, column = divmod(place, 3)
        corner = 7.21 + 66.04 * column
        # The quiet zone of four modules lies inside the label.
        assert left == pytest.approx(corner + 0.8 + (31.2 - 61 * 0.5) / 2 + 4 * 0.5, abs=0.2)
        assert top > 15.15 + 38.1 * row + 2
        assert bottom < 15.15 + 38.1 * (row + 1) - 2
        assert right - left == pytest.approx(53 * 0.5, abs=0.2)


def test_the_quiet_zone_is_white(tmp_path):
    _, (page,) = printed(tmp_path, [make_label(name="W" * 90)], make_layout(x_dimension=0.5))
    (found,) = found_on(page)
    left, top, right, bottom = box(found)
    margin = 3.9 * 0.5
    whole = page.crop([int(v * MM) for v in (left - margin, top - margin, right + margin, bottom + margin)])
    whole.paste(255, [int(margin * MM) - 2] * 2 + [size - int(margin * MM) + 2 for size in whole.size])

    assert whole.getextrema() == (255, 255)


def test_a_label_says_what_it_is(tmp_path):
    path, _ = printed(tmp_path, [make_label(12, query="17=281231&")])
    shown = text_of(path)

    for words in (
        "Halden, run 12",
        "Chronograph",
        "Batch L-7",
        "Use by 2028-12-31",
        "7K3M 9QX2 V4T0 0012",
        "(01) 09521234543213",
        "(10) L-7",
        "(17) 281231",
        "(21) 7K3M9QX2V4T00012",
        "7K3M-9QX2",
        "module 0.51 mm",
        "100 %",
    ):
        assert words in shown


def test_what_a_code_does_not_have_is_left_out(tmp_path):
    path, _ = printed(tmp_path, [make_label(claim="", lot="")])

    assert not any(words in text_of(path) for words in ("Batch", "Scratch", "Use by", "(10)", "(17)"))


@pytest.mark.parametrize("template", builtin_templates())
def test_fonts_are_inside_the_file(tmp_path, template):
    token = COMPACT if template == "round-20" else TOKEN
    path, _ = printed(tmp_path, [make_label(token=token)], make_layout(template), dpi=30)
    fonts = subprocess.run(["pdffonts", path], check=True, capture_output=True).stdout.decode().splitlines()[2:]

    assert fonts
    assert all(font.split()[-5] == "yes" for font in fonts), fonts


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
    path, _ = printed(tmp_path, [make_label(name=name)], make_layout("a6"), dpi=30)

    assert shown in text_of(path)


@pytest.mark.parametrize("name", ["", " ", "x" * 5000, "two words " * 50])
def test_a_name_of_any_length_leaves_the_symbol_readable(tmp_path, name):
    _, (page,) = printed(tmp_path, [make_label(name=name)])

    assert len(found_on(page)) == 1


def test_a_longer_link_gets_smaller_modules_and_then_a_refusal(tmp_path):
    path, (page,) = printed(tmp_path, [make_label(host="example.com/" + "a" * 170)])

    assert len(found_on(page)) == 1
    assert "module 0.38 mm" in text_of(path)
    with pytest.raises(BadInput, match=r"does not fit the 31\.2 mm"):
        printed(tmp_path, [make_label(host="example.com/" + "a" * 1500)])


@pytest.mark.parametrize("name", builtin_stocks())
def test_labels_of_a_stock_lie_on_its_page_and_do_not_touch(tmp_path, name):
    stock = builtin_stocks()[name]
    template = next(t for t in builtin_templates().values() if t.stock == name)
    stock.check(template)
    layout = make_layout(template.name, has_outline=True)
    _, (page,) = printed(tmp_path, [make_label(number) for number in range(stock.count)], layout, stock, dpi=200)

    assert page.size == tuple(pytest.approx(side / 25.4 * 200, abs=1.1) for side in stock.size)
    # What a sheet of many small symbols shows is the symbols; each label is read on its own above.
    assert stock.count - 3 <= len(set(read(page))) <= stock.count


def test_a_label_can_be_a_page_of_its_own(tmp_path):
    path, pages = printed(
        tmp_path, [make_label(k, token=COMPACT) for k in range(3)], make_layout("round-20"), None, 600
    )

    assert [round(side / 600 * 25.4, 1) for side in pages[0].size] == [20.0, 20.0]
    assert [read(page) for page in pages] == [[make_label(k, token=COMPACT).uri] for k in range(3)]
    assert "module" not in text_of(path)


def test_a_logo_is_printed_in_its_field(tmp_path):
    logo = io.BytesIO()
    Image.new("L", (30, 10), 0).save(logo, "PNG")
    plain = printed(tmp_path, [make_label()], make_layout("a6"), None, 100)[1][0]
    (tmp_path / "sheet-1.pgm").unlink()
    marked = printed(tmp_path, [make_label()], make_layout("a6", logo=logo.getvalue()), None, 100)[1][0]
    field = [int(v / 25.4 * 100) for v in (12, 10, 30, 20)]

    assert plain.crop(field).getextrema() == (255, 255)
    assert marked.crop(field).getextrema() == (0, 0)


def test_an_empty_list_is_refused():
    with pytest.raises(BadInput, match="no codes"):
        sheets.write(io.BytesIO(), [], make_layout(), None, title="x")


def test_a_stock_of_other_labels_is_refused():
    with pytest.raises(BadInput, match="a6 do not fit the stock l7160"):
        sheets.write(io.BytesIO(), [make_label()], make_layout("a6"), builtin_stocks()["l7160"], title="x")


def test_labels_are_counted_and_drawn_as_they_come():
    drawn, told = 0, []

    def source():
        nonlocal drawn
        for number in range(22):
            drawn += 1
            yield make_label(number)

    target = io.BytesIO()
    stock = builtin_stocks()["l7160"]

    assert sheets.write(target, source(), make_layout(), stock, title="x", progress=told.append) == drawn == 22
    assert target.getvalue().startswith(b"%PDF-")
    assert told == [21, 22]


def test_memory_grows_by_little_more_than_the_file():
    def peak(count):
        tracemalloc.start()
        target = io.BytesIO()
        stock = builtin_stocks()["l7160"]
        sheets.write(target, (make_label(number) for number in range(count)), make_layout(), stock, title="x")
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak(21)  # fonts and forms are made once

    assert peak(252) - peak(42) < 210 * 8_000


def test_ten_thousand_labels_take_less_than_a_minute_of_one_core():
    assert DEFAULT == "label-63x38"
    stock = builtin_stocks()["l7160"]
    sheets.write(io.BytesIO(), [make_label()], make_layout(), stock, title="x")  # fonts and forms are made once
    start = time.process_time()
    sheets.write(io.BytesIO(), (make_label(number) for number in range(420)), make_layout(), stock, title="x")

    assert (time.process_time() - start) / 420 * 10_000 < 60
