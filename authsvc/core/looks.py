"""
Looks: the colours of a brand on its pages, taken only where everybody can read them.

A brand has one colour for light pages and one for dark ones, of links and buttons. Each is checked on every ground that
it stands on (WCAG 2.2, 1.4.3: 4.5 for text), and what stands on a button in it is chosen and checked too. A colour that
fails is refused with the numbers, for they tell what to change.
"""

import re
from dataclasses import dataclass
from typing import Self

from authsvc.errors import BadInput

LIGHT = {"a card": "#ffffff", "the page": "#f5f6f8", "a field": "#f0f2f5"}
DARK = {"a card": "#171b22", "the page": "#0e1116", "a field": "#1f252e"}
"""The grounds of both themes: ``--surface``, ``--bg`` and ``--surface-2`` of ``ui.css``."""

INKS = ("#ffffff", "#0b1530")
TEXT, GRAPHIC = 4.5, 3.0
"""The least contrast of text (WCAG 1.4.3, AA), and of a picture that means something (1.4.11)."""

_COLOUR = re.compile(r"#[0-9a-f]{6}")
_HOVER = 0.14


@dataclass(frozen=True, slots=True)
class Look:
    """How the pages of a brand look. ``logo`` is the name of a stored picture."""

    colour: str
    colour_dark: str
    logo: str | None = None

    @classmethod
    def parse(cls, colour: str, colour_dark: str, logo: str | None = None) -> Self:
        """
        Read the colours of a brand.

        Raises:
            BadInput: One is no colour, or cannot be read somewhere; every place is named with its contrast.
        """
        look = cls(_parse(colour), _parse(colour_dark), logo)
        faults = [*_faults(look.colour, "light", LIGHT), *_faults(look.colour_dark, "dark", DARK)]
        if faults:
            raise BadInput(" ".join(faults))
        return look

    @property
    def css(self) -> str:
        """The tokens that differ from those of everybody, to stand behind them."""
        light, dark = (
            f"--accent:{colour};--accent-ink:{ink_on(colour)};--accent-hover:{hover(colour)}"
            for colour in (self.colour, self.colour_dark)
        )
        return f":root{{{light}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colours as WCAG 2.2 defines it, from 1 to 21."""
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def ink_on(colour: str) -> str:
    """Return the ink that is read best on a ground."""
    return max(INKS, key=lambda ink: contrast(ink, colour))


def hover(colour: str) -> str:
    """Return the colour of a button under the pointer: further away from the ink on it, so that it stays readable."""
    towards = 0 if ink_on(colour) == INKS[0] else 255
    mixed = (round(part + (towards - part) * _HOVER) for part in _parts(colour))
    return "#" + "".join(f"{part:02x}" for part in mixed)


# --- Private ---------------------------------------------------------------------------------------------------------


def _parse(text: str) -> str:
    colour = text.strip().lower()
    if not _COLOUR.fullmatch(colour):
        raise BadInput(f"Write a colour as # and six hex digits, such as #1b4dd6, got {text[:40]!r}.")
    return colour


def _faults(colour: str, theme: str, grounds: dict[str, str]) -> list[str]:
    measured = [(f"on {name} ({ground})", contrast(colour, ground)) for name, ground in grounds.items()]
    measured.append((f"under the text of a button ({ink_on(colour)})", contrast(colour, ink_on(colour))))
    low = [f"{where} {_said(value)}" for where, value in measured if value < TEXT]
    if not low:
        return []
    return [f"The colour {colour} of the {theme} theme has too little contrast: {', '.join(low)}; {TEXT} is needed."]


def _said(value: float) -> str:
    """Write a contrast rounded down: 4.49 must not read as 4.5."""
    return f"{int(value * 100) / 100:.2f}"


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(part / 255) for part in _parts(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
