"""Single symbols as files are read at the size that they carry."""

import csv
import io
import re
import xml.etree.ElementTree as ET

import pytest
from PIL import Image
from printing import MATRIX, make_code, make_label, make_layout, read, worn

from authsvc.errors import BadInput
from authsvc.labels import pictures, print_files
from authsvc.labels.codes import Label
from authsvc.labels.fitting import Symbology
from authsvc.labels.pictures import Form

DPI = 300
KINDS = pytest.mark.parametrize("symbology", [Symbology(), MATRIX], ids=["qr", "datamatrix"])


def drawn(form, symbology, **changes):
    layout = make_layout(symbology=symbology, dpi=DPI, is_whole=form is Form.PNG, **changes)
    return pictures.picture(make_label(), layout, form), layout.fit(make_label().uri).module


def raster(bars, side, scale):
    """Return bars in modules as dots, dark on light."""
    page = Image.new("L", (round(side * scale),) * 2, 255)
    for x, y, width in bars:
        page.paste(0, (round(x * scale), round(y * scale), round((x + width) * scale), round((y + 1) * scale)))
    return page


def is_read(page, symbology, module):
    texts = [read(page, symbology.kind), read(worn(page, blur=0.2 * module / 25.4 * DPI), symbology.kind)]
    return texts == [[make_label().uri]] * 2


@KINDS
def test_a_png_says_its_size_and_is_read_at_it(symbology):
    content, module = drawn(Form.PNG, symbology)
    page = Image.open(io.BytesIO(content))

    assert page.info["dpi"] == pytest.approx((DPI, DPI), abs=0.1)
    assert page.width / DPI * 25.4 == pytest.approx(module * symbology.side(len(make_label().uri)))
    assert is_read(page, symbology, module)


@KINDS
def test_an_svg_says_its_size_and_is_read_at_it(symbology):
    content, module = drawn(Form.SVG, symbology, x_dimension=0.45)
    root = ET.fromstring(content)
    side = int(root.get("viewBox").split()[2])
    bars = [map(int, bar) for bar in re.findall(r"M(\d+) (\d+)h(\d+)v1", root[2].get("d"))]

    assert root.get("width") == root.get("height") == f"{side * module:g}mm"
    assert root[0].text == "Halden Chronograph 7K3M9QX2V4T00000"
    assert is_read(raster(bars, side, module / 25.4 * DPI), symbology, module)


@KINDS
def test_an_eps_says_its_size_and_is_read_at_it(symbology):
    content, module = drawn(Form.EPS, symbology, x_dimension=0.45)
    text = content.decode("ascii")
    size = float(re.search(r"%%HiResBoundingBox: 0 0 (\S+) \1", text).group(1))
    scale = float(re.search(r"(\S+) dup scale", text).group(1))
    side = round(size / scale)
    # PostScript counts from below.
    bars = [(x, side - 1 - y, n) for x, y, n in
            (map(int, bar) for bar in re.findall(r"^(\d+) (\d+) (\d+) 1 rectfill$", text, re.MULTILINE))]  # fmt: skip

    assert text.startswith("%!PS-Adobe-3.0 EPSF-3.0\n")
    assert size == pytest.approx(side * module * 72 / 25.4, abs=0.01)
    assert is_read(raster(bars, side, module / 25.4 * DPI), symbology, module)


def test_a_title_cannot_end_the_comments_of_an_eps():
    label = make_label(name="A\n%%EOF é")
    content = pictures.picture(label, make_layout(), Form.EPS).decode("ascii")

    assert "%%Title: A?%%EOF ? 7K3M9QX2V4T00000\n" in content


def test_files_are_numbered_and_named_by_item(tmp_path):
    label = Label(make_label().uri, "Watch", "09521234543213", serial="a/b:c")
    told = []
    count = pictures.write(tmp_path, [make_label(), label], make_layout(), Form.SVG, progress=told.append)

    assert (count, told) == (2, [1, 2])
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "000001_09521234543213_7K3M9QX2V4T00000.svg",
        "000002_09521234543213_a%2Fb%3Ac.svg",
    ]


def test_an_empty_list_is_refused(tmp_path):
    with pytest.raises(BadInput, match="no codes"):
        pictures.write(tmp_path, [], make_layout(), Form.PNG)
    with pytest.raises(BadInput, match="no codes"):
        print_files.write(io.StringIO(), [])


def test_a_print_server_gets_every_text_as_a_column():
    target = io.StringIO(newline="")
    items = [make_label(name='Watch, "38"', query="17=281231&"), make_label(1, claim="", lot="")]

    assert print_files.write(target, items) == 2
    first, second = csv.DictReader(io.StringIO(target.getvalue(), newline=""))
    assert first == {
        "uri": make_code(query="17=281231&").uri,
        "name": 'Watch, "38"',
        "gtin": "09521234543213",
        "lot": "L-7",
        "expiry": "2028-12-31",
        "serial": "7K3M9QX2V4T00000",
        "serial_groups": "7K3M 9QX2 V4T0 0000",
        "claim_code": "7K3M-9QX2",
        "hri": "(01) 09521234543213 (10) L-7 (17) 281231 (21) 7K3M9QX2V4T00000",
    }
    assert (second["lot"], second["claim_code"], second["expiry"]) == ("", "", "")
