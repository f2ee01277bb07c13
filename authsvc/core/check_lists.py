"""
Lists of codes as people have them: pasted lines, or a CSV file from a shop's stock. Text in, codes out.

Without a header each line is one code as it stands: a serial may hold a comma, so a line is never cut where it could
be part of a code. With a header that names a column we know, the text is CSV; every other column is passed over, so
that a file from the printer may be given as it is and its claim codes go nowhere.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

MOST = 1000
"""Codes that one list may hold."""

LINK_COLUMNS = ("uri", "url", "link", "code", "digital link", "sgtin")
NUMBER_COLUMNS = ("gtin", "serial")

csv.field_size_limit(2**22)  # Whoever takes a list bounds it; one long cell is a wrong code, and no fault of ours.

_LINK_STARTS = ("http://", "https://", "HTTP://", "HTTPS://", "/0")
_SIGNED = re.compile(r"(https?://[^\s,;]*[?&]s=[A-Za-z0-9_-]*)[,;\t]", re.IGNORECASE)
# Tried once for each run of separators, and never again from its middle: a line of a million commas is one line.
_NEXT_LINK = re.compile(r"(?<![\s,;])[\s,;]++(?=https?://)", re.IGNORECASE)
_DELIMITERS = ",;\t"


def is_link(text: str) -> bool:
    """Say whether *text* is meant as a link, and not as a number that was typed."""
    return text.startswith(_LINK_STARTS)


def decode(data: bytes) -> str:
    """Read the bytes of a file: UTF-8, UTF-16 with its mark, or what older spreadsheets write."""
    for encoding in ("utf-16",) if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def read(text: str) -> list[str]:
    """Return the codes of a list in their order, blank lines left out."""
    lines = [line for line in text.lstrip("\ufeff").splitlines() if line.strip()]
    if not lines:
        return []
    delimiter = max(_DELIMITERS, key=lines[0].count)
    head = [cell.strip().lower() for cell in next(csv.reader(lines[:1], delimiter=delimiter))]
    if any(name in head for name in LINK_COLUMNS) or all(name in head for name in NUMBER_COLUMNS):
        return list(_of_table(lines[1:], head, delimiter))
    return [code for line in lines for code in _of_line(line)]


def repeats(items: Iterable[str | None]) -> dict[int, int]:
    """
    Return, for each place that names an item of an earlier place, that place: no two things are the same item.

    None stands for what names no item: a batch has one code for all that belongs to it.
    """
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, item in enumerate(items):
        if item is not None:
            places[item].append(place)
    return {place: first for first, *others in places.values() for place in others}


def _of_table(lines: list[str], head: list[str], delimiter: str) -> Iterator[str]:
    link = next((head.index(name) for name in LINK_COLUMNS if name in head), None)
    for cells in csv.reader(lines, delimiter=delimiter):
        row = dict(zip(head, (cell.strip() for cell in cells), strict=False))
        if link is not None and (code := row.get(head[link])):
            yield code
        elif gtin := row.get("gtin"):
            serial = row.get("serial", "").replace("\\", "\\\\").replace("(", "\\(")
            yield f"(01){gtin}(21){serial}" if serial else gtin


def _of_line(line: str) -> Iterator[str]:
    for part in _NEXT_LINK.split(line.strip()):
        # A token never holds a separator, so what follows one is another column: a price, a name.
        signed = _SIGNED.match(part)
        code = (signed[1] if signed else part.partition("\t")[0]).strip().strip('"').strip()
        if code:
            yield code
