"""
Single symbols as files: SVG, PNG or EPS, one for each code, as wide as the label template lets them be.

A layout program places them; each carries its size, so that they print with the modules that were fitted.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote

from authsvc import symbol_pictures
from authsvc.errors import BadInput
from authsvc.labels.codes import Label
from authsvc.labels.layouts import Layout


class Form(StrEnum):
    """The formats of single symbols."""

    SVG = "svg"
    PNG = "png"
    EPS = "eps"


def picture(label: Label, layout: Layout, form: Form) -> bytes:
    """
    Return the symbol of a label as the content of a file.

    Raises:
        BadInput: It does not fit the template.
    """
    symbol, found = layout.draw(label.uri)
    title = f"{label.name} {label.serial or label.lot}".strip()
    if form is Form.SVG:
        return symbol_pictures.svg(symbol, title=title, module_mm=found.module).encode("utf-8")
    if form is Form.EPS:
        return symbol_pictures.eps(symbol, title=title, module_mm=found.module).encode("ascii")
    return symbol_pictures.png(symbol, scale=round(found.dots), dpi=layout.dpi)


def write(
    folder: Path,
    labels: Iterable[Label],
    layout: Layout,
    form: Form,
    *,
    progress: Callable[[int], None] = lambda _done: None,
) -> int:
    """
    Write a file for each label into *folder*, numbered in the order of the codes, and return how many there are.

    Raises:
        BadInput: There is no label, or a symbol does not fit the template.
    """
    count = 0
    for count, label in enumerate(labels, start=1):
        (folder / file_name(count, label, form)).write_bytes(picture(label, layout, form))
        progress(count)
    if not count:
        raise BadInput("There are no codes to print: the list is empty.")
    return count


def file_name(number: int, label: Label, form: Form) -> str:
    """Return the name of a file: its number first, as serials that differ by case are one name on some systems."""
    # A serial may hold a slash and other characters that a file name must not.
    return f"{number:06d}_{label.gtin}_{quote(label.serial or label.lot, safe='')}.{form}"
