"""
Label templates and label stock, as data: what stands where on a label, and where labels stand on a sheet.

Both come from small TOML files, ours or a brand's own. What must stay true of each template: the quiet zone of the
symbol is clear of text and lies inside the label, round ones included.
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from typing import Any, Final, Self

from authsvc.errors import BadInput

PAGES: Final = {"a4": (210.0, 297.0), "letter": (215.9, 279.4)}
SHOWN: Final = ("name", "lot", "expiry", "serial", "hri", "claim", "logo")
DEFAULT: Final = "label-63x38"

_POINT = 25.4 / 72  # mm
_ASCENT = 0.76  # of DejaVu Sans, as a share of its size


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One thing on a label. *y* is the base line of a text and the upper edge of a box (claim, logo)."""

    show: str
    x: float
    y: float
    width: float
    size: float = 6.0
    height: float = 0.0
    lines: int = 1
    leading: float = 0.0
    half: int = 0
    caption: float = 0.0
    bold: bool = False
    align: str = "left"

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of what it covers at most."""
        if self.height:
            top = self.y - (self.caption * _POINT * 1.3 if self.caption else 0)
            return self.x, top, self.x + self.width, self.y + self.height
        top = self.y - self.size * _POINT * _ASCENT - (self.caption * _POINT * 1.3 if self.caption else 0)
        return self.x, top, self.x + self.width, self.y + (self.lines - 1) * self.leading + self.size * _POINT * 0.24


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One kind of label. Its symbol stands in the middle of a square of *room* mm at (*symbol_x*, *symbol_y*)."""

    name: str
    title: str
    width: float
    height: float
    symbol_x: float
    symbol_y: float
    room: float
    x_dimension: float
    fields: tuple[Field, ...]
    is_round: bool = False
    stock: str | None = None

    @property
    def has_claim(self) -> bool:
        """Whether a claim code has a place on it."""
        return any(field.show == "claim" for field in self.fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """A sheet of labels: its page, how many there are, and where."""

    name: str
    title: str
    page: str
    across: int
    down: int
    left: float
    top: float
    pitch_x: float
    pitch_y: float

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the page in mm."""
        return PAGES[self.page]

    @property
    def count(self) -> int:
        """Labels on one sheet."""
        return self.across * self.down

    @classmethod
    def grid(cls, template: Template, *, page: str, margin: float, gap: float) -> Self:
        """
        Return as many labels as a page holds within a margin, a gap between them, in the middle of the page.

        Raises:
            BadInput: It holds none.
        """
        width, height = PAGES[page]
        across, down = (
            math.floor((length - 2 * margin + gap) / (side + gap) + 1e-9)
            for length, side in ((width, template.width), (height, template.height))
        )
        if across < 1 or down < 1:
            raise BadInput(
                f"A page {page} with a margin of {margin:g} mm has no room for a label of "
                f"{template.width:g} x {template.height:g} mm."
            )
        return cls(
            name=f"{page} grid",
            title=f"{page.upper() if page == 'a4' else page.capitalize()}, {across * down} labels",
            page=page,
            across=across,
            down=down,
            left=(width - across * template.width - (across - 1) * gap) / 2,
            top=(height - down * template.height - (down - 1) * gap) / 2,
            pitch_x=template.width + gap,
            pitch_y=template.height + gap,
        )

    def check(self, template: Template) -> None:
        """
        Refuse labels that would overlap or leave the page.

        Raises:
            BadInput: They would.
        """
        width, height = self.size
        right = self.left + (self.across - 1) * self.pitch_x + template.width
        bottom = self.top + (self.down - 1) * self.pitch_y + template.height
        # A tenth of a millimetre is how exactly sheets are described.
        is_apart = self.pitch_x >= template.width - 0.1 and self.pitch_y >= template.height - 0.1
        if right > width + 0.1 or bottom > height + 0.1 or not is_apart:
            raise BadInput(f"Labels {template.name} do not fit the stock {self.name} ({self.title}).")


@cache
def builtin_templates() -> Mapping[str, Template]:
    """Return the templates that come along, by name."""
    return read_templates(_data("templates.toml"))


@cache
def builtin_stocks() -> Mapping[str, Stock]:
    """Return the sheets that come along, by name."""
    found = tomllib.loads(_data("stocks.toml"))
    return {name: Stock(name=name, **values) for name, values in found.items()}


def read_templates(text: str) -> dict[str, Template]:
    """
    Read templates from TOML.

    Raises:
        BadInput: It is none, or a template cannot be printed; the message names it.
    """
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"The templates are no TOML: {error}.") from None
    return {name: _template(name, values) for name, values in found.items()}


def get_template(name: str, templates: Mapping[str, Template]) -> Template:
    """
    Return the template of this name.

    Raises:
        BadInput: There is none.
    """
    if name not in templates:
        raise BadInput(f"There is no label template {name!r}; they are {', '.join(templates)}.")
    return templates[name]


def _data(name: str) -> str:
    return resources.files("authsvc").joinpath("data", "labels", name).read_text(encoding="utf-8")


def _template(name: str, values: Any) -> Template:
    try:
        symbol = values["symbol"]
        template = Template(
            name=name,
            title=str(values.get("title", name)),
            width=_number(values["width"]),
            height=_number(values["height"]),
            symbol_x=_number(symbol["x"]),
            symbol_y=_number(symbol["y"]),
            room=_number(symbol["room"]),
            x_dimension=_number(values.get("x_dimension", 0.51)),
            fields=tuple(_field(each) for each in values.get("fields", [])),
            is_round=values.get("round") is True,
            stock=values.get("stock"),
        )
    except KeyError as error:
        raise BadInput(f"The template {name} does not say its {error.args[0]}.") from None
    except (TypeError, ValueError, AttributeError) as error:
        raise BadInput(f"The template {name} cannot be read: {error}.") from None
    _check(template)
    return template


def _field(values: Any) -> Field:
    known = {each.name: each.type for each in fields(Field)}
    if unknown := values.keys() - known.keys():
        raise ValueError(f"a field has no {', '.join(sorted(unknown))}")
    if values["show"] not in SHOWN:
        raise ValueError(f"a field shows one of {', '.join(SHOWN)}, got {values['show']!r}")
    field = Field(**values)
    for name in ("x", "y", "width", "size", "height", "leading", "caption"):
        _number(getattr(field, name))
    if field.show in {"claim", "logo"} and not field.height > 0:
        raise ValueError(f"a {field.show} has a height")
    if field.half not in {0, 1, 2} or field.align not in {"left", "centre"} or not 1 <= field.lines <= 20:
        raise ValueError(f"half is 0, 1 or 2, align left or centre, lines 1 to 20, in the field {field.show}")
    return field


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 2000:
        raise ValueError(f"a measure is a number of mm from 0 to 2000, got {value!r}")
    return float(value)


def _check(template: Template) -> None:
    """Refuse what would print over the edge of the label or into the quiet zone."""
    room = (
        template.symbol_x, template.symbol_y, template.symbol_x + template.room, template.symbol_y + template.room
    )  # fmt: skip
    if not _is_inside(template, room):
        raise BadInput(f"The symbol of the template {template.name} reaches over the edge of the label.")
    for field in template.fields:
        left, top, right, bottom = field.box
        if not _is_inside(template, field.box):
            raise BadInput(f"The field {field.show} of the template {template.name} reaches over the edge.")
        if left < room[2] and right > room[0] and top < room[3] and bottom > room[1]:
            raise BadInput(f"The field {field.show} of the template {template.name} reaches into the symbol.")


def _is_inside(template: Template, box: tuple[float, float, float, float]) -> bool:
    left, top, right, bottom = box
    if template.is_round:
        radius = template.width / 2
        return all(math.hypot(x - radius, y - radius) <= radius for x in (left, right) for y in (top, bottom))
    return left >= 0 and top >= 0 and right <= template.width and bottom <= template.height
