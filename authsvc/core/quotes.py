"""
Words of a brand inside of a sentence of ours, where they are in another language than the sentence.

Whoever has a page read to them hears such words as they are meant only if the page says in which language they are. A
quotation carries its marks through the filling of a sentence; ``read`` takes them out again.
"""

import re

from authsvc.core.tongues import Tongue

Piece = tuple[str, str | None]
"""Some text, and its language where it is another than that of the text around it."""

# Characters of a private use area; those of frames are others.
_OPEN, _THEN, _CLOSE = "\ue010", "\ue011", "\ue012"
_MARKS = re.compile(f"[{_OPEN}{_THEN}{_CLOSE}]")
_QUOTATION = re.compile(f"{_OPEN}([^{_THEN}]*){_THEN}([^{_CLOSE}]*){_CLOSE}")


def quote(text: str, language: str, tongue: Tongue) -> str:
    """Return *text*, with marks round it where it is not in the language of the sentence."""
    text = _MARKS.sub("", text)
    return text if not text or language == tongue.code else f"{_OPEN}{language}{_THEN}{text}{_CLOSE}"


def read(text: str) -> tuple[str, tuple[Piece, ...]]:
    """Return a sentence without marks; and its pieces, if any of them is in a language of its own."""
    if _OPEN not in text:
        return text, ()
    pieces: list[Piece] = []
    parts = _QUOTATION.split(text)
    for around, language, quoted in zip(parts[::3], [*parts[1::3], None], [*parts[2::3], ""], strict=True):
        pieces += [(around, None)] if around else []
        pieces += [(quoted, language)] if language else []
    return "".join(piece for piece, _ in pieces), tuple(pieces)
