"""
CSV that a spreadsheet opens as what it is: text. A cell that a spreadsheet would run as a formula gets an apostrophe.

Every cell is quoted, so a leading character cannot hide behind a separator that another program splits by.
"""

from collections.abc import Iterable

_STARTERS = frozenset("=+-@\t\r\n|%＝＋－＠")  # noqa: RUF001  the full-width forms are meant: spreadsheets fold them


def safe(value: object) -> str:
    """Return a value as text that no spreadsheet takes for a formula, also behind blanks."""
    text = "" if value is None else str(value).replace("\0", "")
    stripped = text.lstrip(" \u00a0\u3000\ufeff")
    return f"'{text}" if text[:1] in _STARTERS or stripped[:1] in _STARTERS else text


def row(values: Iterable[object]) -> str:
    """Return one line of CSV (RFC 4180), each cell safe and quoted."""
    return ",".join('"' + safe(value).replace('"', '""') + '"' for value in values) + "\r\n"


def data_row(values: Iterable[object]) -> str:
    """Return one line of CSV as ``row`` does, but with numbers as numbers: no spreadsheet takes one for a formula."""
    cells = (str(value) if type(value) in _NUMBERS else '"' + safe(value).replace('"', '""') + '"' for value in values)
    return ",".join(cells) + "\r\n"


_NUMBERS = {int, float}
