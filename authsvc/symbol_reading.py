"""
Symbols read back: no symbol leaves here that a reader does not understand.

A fault in a symbol shows when a customer holds the product. Reading each back with a decoder that shares nothing with
our encoder costs a fraction of a millisecond, so it is done for all that is printed, not for samples.
"""

from typing import Any

import zxingcpp

from authsvc.errors import AuthsvcError
from authsvc.symbols import Symbol


def check(symbol: Symbol, uri: str) -> None:
    """
    Read *symbol* and compare it with what it should say.

    Raises:
        AuthsvcError: It says something else: a fault of ours, and nothing may be printed.
    """
    # A format stands for a set of one, which the stubs do not say.
    formats: Any = zxingcpp.BarcodeFormat.DataMatrix if symbol.level is None else zxingcpp.BarcodeFormat.QRCode
    found = zxingcpp.read_barcode(
        _picture(symbol),
        formats=formats,
        is_pure=True,
        try_rotate=False,
        try_downscale=False,
        try_invert=False,
    )
    if found is None or found.text != uri:
        raise AuthsvcError("A symbol does not read back as the link that it was made of. Nothing may be printed of it.")


def _picture(symbol: Symbol) -> memoryview:
    """Return the symbol with its quiet zone, a byte a module, in rows."""
    side, margin = symbol.side, b"\xff" * symbol.quiet
    light = b"\xff" * (side * symbol.quiet)
    rows = b"".join(margin + row.translate(_GREY) + margin for row in symbol.rows)
    return memoryview(light + rows + light).cast("B", (side, side))


_GREY = bytes([255, 0]) + bytes(254)
