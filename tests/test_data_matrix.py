"""Data Matrix symbols are read back, and their size follows from the length of the link alone."""

import io

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from authsvc import data_matrix, symbol_pictures
from authsvc.errors import BadInput


def decode(drawn):
    picture = Image.open(io.BytesIO(symbol_pictures.png(drawn, scale=3)))
    return zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.DataMatrix)[0]


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=300))
def test_any_printable_text_comes_back_at_the_size_that_was_foretold(text):
    drawn = data_matrix.symbol(text)

    assert decode(drawn).text == text
    assert drawn.side == data_matrix.side_for(len(text)) == drawn.size + 2


def test_the_symbol_is_plain_ecc_200():
    found = decode(data_matrix.symbol("https://id.example.com/01/09521234543213/21/7K3M9QX2V4TD1RZ8"))

    # ISO/IEC 16022: ECC 200, and no other protocol or structure.
    assert found.symbology_identifier == "]d1"


@pytest.mark.parametrize(
    ("length", "side"), [(1, 12), (84, 38), (85, 42), (153, 50), (172, 50), (173, 54), (1555, 146)]
)
def test_every_text_of_a_length_has_the_same_size(length, side):
    texts = ("7" * length, "a" * length, ("x-_9Z~.!" * 200)[:length])

    assert [data_matrix.symbol(text).side for text in texts] == [side] * 3


def test_the_borders_are_those_of_the_standard():
    rows = data_matrix.symbol("https://example.com/01/09521234543213").rows

    # A solid line on the left and below, a dotted one above and on the right.
    assert all(row[0] for row in rows)
    assert all(rows[-1])
    assert list(rows[0]) == [1, 0] * (len(rows) // 2)
    assert [row[-1] for row in rows] == [0, 1] * (len(rows) // 2)


@pytest.mark.parametrize("text", ["", "https://é.example/", "a" * 1556])
def test_what_no_symbol_holds_is_refused(text):
    with pytest.raises(BadInput):
        data_matrix.symbol(text)
