"""
Labels as ZPL II, for printers that speak it: the symbol as a bitmap of our own modules, texts in the printer's font.

The symbol is no ``^BQ``, whose encoder is another in each firmware: every printer gets the modules that were read back
here, a whole number of dots each. Texts are UTF-8 (``^CI28``), with everything that could be a command escaped. A line
that is not in Latin letters is a bitmap too: no printer is sure to have its letters and to join them.
"""

import io
import re
from collections.abc import Callable, Iterable
from typing import TextIO

from PIL import Image

from authsvc import text_dots
from authsvc.errors import BadInput
from authsvc.labels import setting
from authsvc.labels.codes import Label
from authsvc.labels.layouts import Layout
from authsvc.symbol_pictures import bitmap

_POINT = 25.4 / 72
_is_known = re.compile(r"[ -\u017f\u2010-\u2027\u20ac]*").fullmatch
"""Latin letters and the signs among them, which every printer's own font has."""


def write(
    target: TextIO, labels: Iterable[Label], layout: Layout, *, progress: Callable[[int], None] = lambda _done: None
) -> int:
    """
    Write *labels* one after the other as ZPL and return how many there are.

    Raises:
        BadInput: There is no label, or a symbol does not fit.
    """
    logo = _logo(layout)
    count = 0
    for label in labels:
        target.write(_label(label, layout, logo))
        count += 1
        progress(count)
    if not count:
        raise BadInput("There are no codes to print: the list is empty.")
    return count


def _label(label: Label, layout: Layout, logo: str) -> str:
    template = layout.template

    def dots(measure: float) -> int:
        return round(measure * layout.dpi / 25.4)

    symbol, found = layout.draw(label.uri)
    x, y = layout.place(found)
    said = [
        f"^XA^CI28^PW{dots(template.width)}^LL{dots(template.height)}^LH0,0",
        f"^FO{dots(x)},{dots(y)}{_graphic(bitmap(symbol, scale=round(found.dots), dark=1))}^FS",
        logo,
    ]
    said += [
        f"^FO{dots(box.x)},{dots(box.y)}^GB{dots(box.width)},{dots(box.height)},1^FS"
        for box in setting.boxes(template, label)
    ]
    for line in setting.lines(template, label):
        # The printer's font 0 is as high as ours and narrower: what fits there fits here.
        height = max(dots(line.size * _POINT), 8)
        x, y = dots(line.x), dots(line.y)
        if _is_known(line.text):
            said.append(f"^FT{x},{y}^A0N,{height},{height}^FH^FD{_escaped(line.text)}^FS")
        else:
            drawn, ascent = text_dots.dots(line.text, line.size * _POINT * layout.dpi / 25.4, bold=line.bold)
            said.append(f"^FO{x},{max(y - ascent, 0)}{_graphic(_rows(drawn))}^FS")
    return "\n".join(part for part in said if part) + "\n^XZ\n"


def _graphic(lines: list[bytes]) -> str:
    """Return a bitmap, 1 is dark, as ``^GFA``; a line that is like the one before is a colon."""
    width = len(lines[0])
    rows, before = [], None
    for line in lines:
        rows.append(":" if line == before else line.hex().upper())
        before = line
    return f"^GFA,{width * len(lines)},{width * len(lines)},{width}," + "\n".join(rows)


def _rows(picture: Image.Image) -> list[bytes]:
    width = (picture.width + 7) // 8
    content = picture.tobytes()
    return [content[start : start + width] for start in range(0, len(content), width)]


def _escaped(text: str) -> str:
    """Write what begins a command, or an escape, by its number."""
    return "".join(f"_{ord(c):02X}" if c in "^~_\\" else c for c in text)


def _logo(layout: Layout) -> str:
    """Return the logo as a bitmap in its field, black and white, or nothing."""
    field = next((field for field in layout.template.fields if field.show == "logo"), None)
    if field is None or layout.logo is None:
        return ""
    scale = layout.dpi / 25.4
    picture = Image.open(io.BytesIO(layout.logo)).convert("RGBA")
    ground = Image.new("RGBA", picture.size, "white")
    flat = Image.alpha_composite(ground, picture).convert("L")
    factor = min(field.width * scale / flat.width, field.height * scale / flat.height)
    flat = flat.resize((max(1, int(flat.width * factor)), max(1, int(flat.height * factor))))
    # Pillow's 1 is light.
    dark = flat.point(lambda value: 255 if value < 128 else 0).convert("1")
    return f"^FO{round(field.x * scale)},{round(field.y * scale)}{_graphic(_rows(dark))}^FS"
