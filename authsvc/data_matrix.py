"""
Data Matrix symbols (ECC 200), for labels that are too small for a QR code.

zxing-cpp writes them. It would choose the size by how well the text compresses, and rectangles of an extension that few
phones read; here the size follows from the length of the link alone, square, as if every character took a byte. So all
labels of a run are alike, and a label that holds one holds them all.
"""

from typing import Any, Final

import zxingcpp

from authsvc.errors import BadInput
from authsvc.symbols import Symbol

QUIET: Final = 1  # modules of light margin, ISO/IEC 16022 7.1

# Modules along one side and data code words of the square sizes (ISO/IEC 16022 table 7), in the order of their number.
_SIZES: Final = (
    (10, 3), (12, 5), (14, 8), (16, 12), (18, 18), (20, 22), (22, 30), (24, 36), (26, 44), (32, 62), (36, 86),
    (40, 114), (44, 144), (48, 174), (52, 204), (64, 280), (72, 368), (80, 456), (88, 576), (96, 696), (104, 816),
    (120, 1050), (132, 1304), (144, 1558),
)  # fmt: skip


def symbol(uri: str) -> Symbol:
    """
    Return the Data Matrix symbol of a Digital Link.

    Raises:
        BadInput: The link is empty, too long for a symbol, or holds a character that a URI must escape.
    """
    if not uri or not uri.isascii():
        raise BadInput("A symbol holds a web address in ASCII: write other characters in their %-form.")
    version = version_for(len(uri))
    made = zxingcpp.create_barcode(uri, zxingcpp.BarcodeFormat.DataMatrix, version=version)
    image: Any = made.to_image(scale=1, add_quiet_zones=False)  # a buffer, which its stubs do not say
    picture = memoryview(image)
    size = _SIZES[version - 1][0]
    assert picture.shape == (size, size)
    pixels = bytes(picture).translate(_DARK)
    rows = tuple(pixels[start : start + size] for start in range(0, size * size, size))
    return Symbol(version=version, rows=rows, quiet=QUIET)


def side_for(length: int) -> int:
    """Return how many modules the symbol of *length* characters has along one side, with its quiet zone."""
    return _SIZES[version_for(length) - 1][0] + 2 * QUIET


def version_for(length: int) -> int:
    """
    Return the number of the smallest size that holds *length* characters however badly they compress.

    Raises:
        BadInput: None does.
    """
    # Base 256: one code word changes to it, one or two say the length (ISO/IEC 16022 5.2.9).
    needed = length + (2 if length < 250 else 3)
    version = next((n for n, (_, words) in enumerate(_SIZES, start=1) if needed <= words), None)
    if version is None:
        raise BadInput(f"A Data Matrix symbol holds at most {_SIZES[-1][1] - 3} characters, this link has {length}.")
    return version


_DARK = bytes(1 if value < 128 else 0 for value in range(256))
