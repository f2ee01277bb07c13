"""SVG elements as values: escaped, rounded, without a style attribute. ``Figure`` is what a page puts on show."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

Column = Mapping[str, Any]
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A drawing and the table of the same data, in the form that the macro ``table`` takes."""

    title: str
    svg: Markup
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    legend: tuple[tuple[str, str], ...] = ()
    """Shape and meaning, as the macro ``legend`` takes them."""


def element(name: str, *children: str | Markup, **attributes: Any) -> Markup:
    """
    Write one element. Text is escaped, markup kept; an attribute that is None is left out.

    ``class_`` stands for class, an underscore in a name for a hyphen; numbers are rounded to a tenth of a unit.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(coordinate(value) if isinstance(value, float) else value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    inside = join(children)
    return Markup(f"<{name}{written}>{inside}</{name}>" if inside else f"<{name}{written}/>")  # noqa: S704  escaped above


def join(parts: Iterable[str | Markup]) -> Markup:
    """Put parts one after the other, each escaped unless it is markup."""
    return Markup("").join(parts)


def coordinate(value: float) -> str:
    """Write a number as short as a tenth of a unit allows: 12, 0.5, -3.1."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def picture(
    key: str,
    title: str,
    description: str,
    width: float,
    height: float,
    *children: Markup,
    class_: str,
    left: float = 0.0,
    top: float = 0.0,
) -> Markup:
    """Write a whole drawing with its accessible name and description; *key* is unique in the page."""
    return element(
        "svg",
        element("title", title, id=f"{key}-t"),
        element("desc", description, id=f"{key}-d"),
        *children,
        class_=class_,
        viewBox=" ".join(coordinate(value) for value in (left, top, width, height)),
        role="img",
        aria_labelledby=f"{key}-t",
        aria_describedby=f"{key}-d",
    )
