"""Pictures of symbols, module by module; that they are read at their size is shown with the labels."""

import io
import re
import xml.etree.ElementTree as ET

import pytest
from PIL import Image

from authsvc import data_matrix, symbol_pictures, symbols

LINK = "https://id.example.com/01/09521234543213/21/7K3M9QX2V4TD1RZ8?s=AQAB" + "x-_9" * 21
SVG = "{http://www.w3.org/2000/svg}"


def test_svg_draws_exactly_the_matrix():
    drawn = symbols.symbol(LINK)
    root = ET.fromstring(symbol_pictures.svg(drawn))
    ground, path = root.findall(f"{SVG}path")
    dark = set()
    shape = re.compile(r"M(\d+) (\d+)h(\d+)v1h-(\d+)z")
    for x, y, width, back in (map(int, match) for match in shape.findall(path.get("d"))):
        assert width == back
        dark |= {(y - 4, x - 4 + k) for k in range(width)}

    assert shape.sub("", path.get("d")) == ""
    assert dark == {(i, j) for i, row in enumerate(drawn.rows) for j, module in enumerate(row) if module}
    side = drawn.size + 8
    assert root.get("viewBox") == f"0 0 {side} {side}"
    assert (ground.get("fill"), ground.get("d"), path.get("fill")) == ("#fff", f"M0 0h{side}v{side}H0z", "#000")


def test_svg_has_a_title_and_a_size_on_request():
    drawn = symbols.symbol(LINK)
    root = ET.fromstring(symbol_pictures.svg(drawn, title="Scan <this> & check", module_mm=0.5, quiet=2))

    assert root.find(f"{SVG}title").text == "Scan <this> & check"
    assert root.get("width") == root.get("height") == f"{(drawn.size + 4) * 0.5:g}mm"


@pytest.mark.parametrize(("scale", "quiet"), [(1, 4), (3, 0), (8, 4)])
def test_png_draws_exactly_the_matrix(scale, quiet):
    drawn = symbols.symbol(LINK)
    picture = Image.open(io.BytesIO(symbol_pictures.png(drawn, scale=scale, quiet=quiet)))
    side = drawn.size + 2 * quiet

    assert picture.size == (side * scale, side * scale)
    for y in range(side * scale):
        for x in range(side * scale):
            i, j = y // scale - quiet, x // scale - quiet
            dark = 0 <= i < drawn.size and 0 <= j < drawn.size and drawn.rows[i][j]
            assert bool(picture.getpixel((x, y))) is not bool(dark)


def test_png_carries_its_resolution():
    picture = Image.open(io.BytesIO(symbol_pictures.png(symbols.symbol(LINK), scale=2, dpi=600)))

    assert picture.info["dpi"] == pytest.approx((600, 600), abs=0.1)


def test_a_symbol_brings_its_own_quiet_zone():
    drawn = data_matrix.symbol(LINK)

    assert Image.open(io.BytesIO(symbol_pictures.png(drawn, scale=1))).size == (drawn.size + 2,) * 2
    assert f'viewBox="0 0 {drawn.size + 2} ' in symbol_pictures.svg(drawn)


@pytest.mark.parametrize("dark", [0, 1])
def test_a_bitmap_ends_in_light_pixels(dark):
    drawn = symbols.symbol(LINK)
    lines = symbol_pictures.bitmap(drawn, scale=3, dark=dark)
    width = drawn.side * 3
    light = 1 - dark

    assert len(lines) == width
    for y, line in enumerate(lines):
        bits = f"{int.from_bytes(line, 'big'):0{len(line) * 8}b}"
        i = y // 3 - 4
        assert set(bits[width:]) <= {str(light)}
        for x in range(width):
            j = x // 3 - 4
            module = 0 <= i < drawn.size and 0 <= j < drawn.size and drawn.rows[i][j]
            assert bits[x] == str(dark if module else light)
