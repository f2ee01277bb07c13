"""ZPL is rendered back: the bitmaps and where they stand, as a printer of dots puts them on the label."""

import io
import re

import numpy as np
import pytest
from PIL import Image
from printing import COMPACT, MATRIX, make_label, make_layout, pages_of, read, worn

from authsvc.errors import BadInput
from authsvc.labels import sheets, zpl
from authsvc.labels.fitting import Kind, Symbology

GRAPHIC = re.compile(r"\^FO(\d+),(\d+)\^GFA,(\d+),(\d+),(\d+),([0-9A-F:\n]+)\^FS")
SIZE = re.compile(r"\^PW(\d+)\^LL(\d+)")


def written(items, layout):
    target = io.StringIO()
    count = zpl.write(target, items, layout)
    return count, target.getvalue()


def layout_of(template="label-63x38", dpi=203, **changes):
    return make_layout(template, dpi=dpi, is_whole=True, **changes)


def rendered(label):
    """Return a label as black dots on white: its graphics, expanded as Zebra documents ^GFA."""
    width, height = map(int, SIZE.search(label).groups())
    page = Image.new("L", (width, height), 255)
    for x, y, size, total, row, data in GRAPHIC.findall(label):
        lines = []
        for line in data.split("\n"):
            lines.append(lines[-1] if line == ":" else bytes.fromhex(line))
        assert b"".join(lines) == b"".join(line.ljust(int(row), b"\0") for line in lines)
        assert int(size) == int(total) == int(row) * len(lines)
        bits = Image.frombytes("1", (int(row) * 8, len(lines)), b"".join(lines))
        page.paste(0, (int(x), int(y)), bits)
    return page


@pytest.mark.parametrize("dpi", [203, 300, 600])
@pytest.mark.parametrize("symbology", [Symbology(), MATRIX], ids=["qr", "datamatrix"])
def test_the_symbol_is_read_from_the_dots_worn_as_it_is(dpi, symbology):
    items = [make_label(number) for number in range(3)]
    count, text = written(items, layout_of(dpi=dpi, symbology=symbology))
    labels = text.split("^XZ\n")[:-1]

    assert count == len(labels) == 3
    for item, label in zip(items, labels, strict=True):
        page = rendered(label)
        assert read(page, symbology.kind) == [item.uri]
        assert read(worn(page, blur=0.6), symbology.kind) == [item.uri]


def test_a_module_is_a_whole_number_of_dots_and_its_quiet_zone_is_in_the_bitmap():
    _, text = written([make_label()], layout_of(dpi=300, x_dimension=0.48))
    (_, _, _, _, row, data) = GRAPHIC.search(text).groups()

    # 0.48 mm are 5.67 dots, so 5; 61 modules with their quiet zone.
    assert int(row) == (61 * 5 + 7) // 8
    assert data.split("\n")[0] == "00" * int(row)
    assert len(data.split("\n")) == 61 * 5


def test_texts_have_their_places_and_say_what_a_sheet_says():
    _, text = written([make_label(12, query="17=281231&")], layout_of())

    for words in ("^FDBatch L-7^FS", "^FDUse by 2028-12-31^FS", "^FD7K3M 9QX2 V4T0 0012^FS", "^FD7K3M-9QX2^FS",
                  "^FD(21) 7K3M9QX2V4T00012^FS", "^FDScratch to claim^FS", "^CI28"):  # fmt: skip
        assert words in text
    assert re.search(r"\^GB\d+,\d+,1\^FS", text)
    for x, y in re.findall(r"\^FT(\d+),(\d+)", text):
        assert int(x) < 63.5 / 25.4 * 203
        assert int(y) < 38.1 / 25.4 * 203


def test_what_a_code_does_not_have_is_left_out():
    _, text = written([make_label(claim="")], layout_of())

    assert "Scratch" not in text
    assert "^GB" not in text


def test_a_name_cannot_command_the_printer():
    _, text = written([make_label(name="A^XZ~JA_5E\\B")], layout_of("a6"))

    assert text.count("^XZ") == 1
    assert "^FDA_5EXZ_7EJA_5F5E_5CB^FS" in text


@pytest.mark.parametrize("name", ["ساعة هالدن كرونوغراف", "Часы Ω Ρολόι", "مُحَمَّدٌ 7K3M"])
def test_letters_that_a_printer_may_lack_are_dots_as_on_paper(tmp_path, name):
    layout = layout_of(dpi=300)
    _, text = written([make_label(name=name)], layout)
    sheets.write(tmp_path / "label.pdf", [make_label(name=name)], layout, None, title="x")
    (paper,) = pages_of(tmp_path / "label.pdf", 300)
    field = [round(v / 25.4 * 300) for v in (31, 0, 63, 11)]
    ours, theirs = (np.asarray(page.crop(field)) < 128 for page in (rendered(text.split("^XZ")[0]), paper))

    assert name not in text
    assert "^FDBatch L-7^FS" in text
    assert ours.sum() == pytest.approx(theirs.sum(), rel=0.1)
    # At most a dot apart, as each rounds to its own grid.
    near = [np.roll(theirs, (down, across), (0, 1)) for down in (-1, 0, 1) for across in (-1, 0, 1)]
    assert (ours & np.any(near, axis=0)).sum() > 0.97 * ours.sum()


def test_a_logo_is_a_bitmap_in_its_field():
    logo = io.BytesIO()
    Image.new("RGBA", (30, 10), (0, 0, 0, 255)).save(logo, "PNG")
    _, text = written([make_label()], layout_of("a6", logo=logo.getvalue()))
    page = rendered(text.split("^XZ")[0])
    field = [int(v / 25.4 * 203) for v in (12, 10, 30, 20)]

    assert page.crop(field).getextrema() == (0, 0)
    assert read(page) == [make_label().uri]
    assert len(GRAPHIC.findall(written([make_label()], layout_of(logo=logo.getvalue()))[1])) == 1


def test_a_small_label_is_refused_by_a_coarse_printer():
    with pytest.raises(BadInput, match="does not fit"):
        written([make_label(token=COMPACT)], layout_of("round-20"))
    with pytest.raises(BadInput, match="does not fit"):
        written([make_label(token=COMPACT)], layout_of("round-20", symbology=Symbology(Kind.DATA_MATRIX)))


def test_an_empty_list_is_refused():
    with pytest.raises(BadInput, match="no codes"):
        written([], layout_of())


def test_labels_leave_as_they_come():
    target = io.StringIO()

    def source():
        yield make_label(0)
        assert target.getvalue().endswith("^XZ\n")
        yield make_label(1)

    told = []
    assert zpl.write(target, source(), layout_of(), progress=told.append) == 2
    assert told == [1, 2]
