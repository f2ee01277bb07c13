"""
Typesetting: the lines of text on a label, each with its place and size, whatever draws them.

A line is made smaller where it would not fit; a name is broken into the lines that its field has.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from authsvc.labels.codes import Label, groups
from authsvc.labels.templates import Field, Template
from authsvc.typefaces import drawable, width_mm

_LONGEST = 300  # characters of a name: more than any field ever holds
_POINT = 25.4 / 72


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text; *x* and *y* of its base line in mm from the corner of the label, *size* in points."""

    x: float
    y: float
    text: str
    size: float
    bold: bool = False
    is_faint: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """The field under the scratch layer, in mm from the corner of the label."""

    x: float
    y: float
    width: float
    height: float


def lines(template: Template, label: Label) -> Iterator[Line]:
    """Yield what is written on a label, but for a field that it has nothing for."""
    for field in template.fields:
        texts = _texts(field, label)
        if not texts:
            continue
        if field.caption:
            yield _caption(field)
        if field.show == "claim":
            # In the middle of its box: the base line lies below it by a third of the size.
            y = field.y + field.height / 2 + field.size * _POINT * 0.36
            yield _line(field, texts[0], y, is_centred=True)
            continue
        for number, text in enumerate(texts):
            yield _line(field, text, field.y + number * field.leading, is_centred=field.align == "centre")


def boxes(template: Template, label: Label) -> Iterator[Box]:
    """Yield the fields that a scratch layer covers."""
    if label.claim_code:
        yield from (Box(f.x, f.y, f.width, f.height) for f in template.fields if f.show == "claim")


def _texts(field: Field, label: Label) -> list[str]:
    found: list[str] = []  # a logo is a picture
    match field.show:
        case "name":
            found = list(_wrapped(label.name, field.size, field.width, field.lines, field.bold))
        case "lot":
            found = [f"Batch {label.lot}"] if label.lot else []
        case "expiry":
            found = [f"Use by {label.expiry}"] if label.expiry else []
        case "serial":
            found = _serial(label.serial, field.half)
        case "hri":
            found = _hri(label.hri, field.lines)
        case "claim":
            found = [label.claim_code] if label.claim_code else []
    return found


def _serial(serial: str, half: int) -> list[str]:
    if not half:
        return [groups(serial)] if serial else []
    parts = groups(serial).split(" ")
    middle = (len(parts) + 1) // 2
    text = " ".join(parts[:middle] if half == 1 else parts[middle:])
    return [text] if text else []


def _hri(texts: tuple[str, ...], most: int) -> list[str]:
    """Put what has no line of its own behind what is before it, from the last line up."""
    if len(texts) <= most:
        return list(texts)
    return [*texts[: most - 1], "  ".join(texts[most - 1 :])]


def _caption(field: Field) -> Line:
    text = "Scratch to claim" if field.show == "claim" else "Serial number"
    above = field.y if field.height else field.y - field.size * _POINT * 0.76
    return Line(field.x, above - field.caption * _POINT * 0.4, text, field.caption, is_faint=True)


def _line(field: Field, text: str, y: float, *, is_centred: bool) -> Line:
    shown, size, width = _fitted(text, field.size, field.width, field.bold)
    x = field.x + (field.width - width) / 2 if is_centred else field.x
    return Line(x, y, shown, size, field.bold, field.show == "hri")


def _fitted(text: str, size: float, width: float, bold: bool) -> tuple[str, float, float]:
    """Return the text as it can be drawn, its size, smaller where it would not fit, and how wide it then is."""
    shown = drawable(text, bold=bold)
    length = width_mm(shown, size, bold=bold)
    return (shown, size, length) if length <= width else (shown, size * width / length, width)


@lru_cache(maxsize=256)
def _wrapped(text: str, size: float, width: float, most: int, bold: bool) -> tuple[str, ...]:
    """Break *text* into at most *most* lines; what does not fit ends in an ellipsis."""

    def fits(line: str) -> bool:
        return width_mm(drawable(line, bold=bold), size, bold=bold) <= width

    found: list[str] = []
    rest = " ".join(text[:_LONGEST].split())
    while rest:
        last = len(found) == most - 1
        tail = "\u2026" if last else ""
        if fits(rest):
            return (*found, rest)
        cut = next((k for k in range(2, len(rest)) if not fits(rest[:k] + tail)), len(rest)) - 1
        space = rest.rfind(" ", 0, cut + 1)
        cut = space if space > 0 and not last else cut
        found.append(rest[:cut].rstrip() + tail)
        if last:
            break
        rest = rest[cut:].lstrip()
    return tuple(found)
