"""
Pictures of one symbol: SVG, PNG and EPS, dark on light, with the quiet zone inside.

Each can carry its size, so that what is placed on a layout has modules of the width that was meant.
"""

import struct
import zlib
from itertools import groupby

from authsvc.symbols import Symbol

_POINTS_MM = 72 / 25.4


def svg(symbol: Symbol, *, title: str = "QR code", module_mm: float | None = None, quiet: int | None = None) -> str:
    """
    Draw *symbol* as one SVG path, dark on a light ground whatever the colour scheme around it.

    Without *module_mm* the picture has no size of its own and fills its place in the page.
    """
    quiet = symbol.quiet if quiet is None else quiet
    side = symbol.size + 2 * quiet
    measure = "" if module_mm is None else f' width="{side * module_mm:g}mm" height="{side * module_mm:g}mm"'
    path = "".join(f"M{x + quiet} {y + quiet}h{n}v1h-{n}z" for x, y, n in symbol.bars())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}"{measure} role="img"'
        f' shape-rendering="crispEdges"><title>{_escaped(title)}</title>'
        f'<path fill="#fff" d="M0 0h{side}v{side}H0z"/><path fill="#000" d="{path}"/></svg>'
    )


def png(symbol: Symbol, *, scale: int, quiet: int | None = None, dpi: float | None = None) -> bytes:
    """Draw *symbol* as a PNG picture of one bit a pixel, each module *scale* pixels wide; *dpi* gives it a size."""
    quiet = symbol.quiet if quiet is None else quiet
    side = (symbol.size + 2 * quiet) * scale
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)  # one bit a pixel, greyscale
    # A line begins with its filter, 0: none.
    body = b"".join(b"\0" + line for line in bitmap(symbol, scale=scale, quiet=quiet))
    chunks = [(b"IHDR", header)]
    if dpi is not None:
        each = round(dpi / 0.0254)
        chunks.append((b"pHYs", struct.pack(">IIB", each, each, 1)))  # pixels a metre
    chunks += [(b"IDAT", zlib.compress(body, 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    )


def eps(symbol: Symbol, *, module_mm: float, title: str = "QR code") -> str:
    """Draw *symbol* as Encapsulated PostScript, a rectangle for each run of dark modules."""
    side = symbol.side
    size = side * module_mm * _POINTS_MM
    bars = "\n".join(f"{x + symbol.quiet} {side - 1 - y - symbol.quiet} {n} 1 rectfill" for x, y, n in symbol.bars())
    # A comment line of EPS is ASCII and ends with its line.
    name = "".join(c if " " <= c <= "~" else "?" for c in title)
    return (
        "%!PS-Adobe-3.0 EPSF-3.0\n"
        f"%%BoundingBox: 0 0 {int(size) + 1} {int(size) + 1}\n%%HiResBoundingBox: 0 0 {size:.4f} {size:.4f}\n"
        f"%%Title: {name}\n%%LanguageLevel: 2\n%%EndComments\ngsave\n"
        f"{size / side:.6f} dup scale\n1 setgray 0 0 {side} {side} rectfill\n0 setgray\n{bars}\ngrestore\n%%EOF\n"
    )


def bitmap(symbol: Symbol, *, scale: int, quiet: int | None = None, dark: int = 0) -> list[bytes]:
    """
    Return the lines of *symbol* at *scale* pixels a module, eight pixels a byte; *dark* is the bit of a dark one.

    A line ends in light pixels up to the byte.
    """
    quiet = symbol.quiet if quiet is None else quiet
    side = (symbol.size + 2 * quiet) * scale
    on, off = str(dark), str(1 - dark)
    margin = off * (quiet * scale)
    filler = off * (-side % 8)

    def packed(pixels: str) -> bytes:
        return int(pixels + filler, 2).to_bytes((side + 7) // 8, "big")

    light = [packed(off * side)] * (quiet * scale)
    body: list[bytes] = []
    for row in symbol.rows:
        pixels = "".join((on if module else off) * (scale * len(list(run))) for module, run in groupby(row))
        body += [packed(margin + pixels + margin)] * scale
    return light + body + light


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
