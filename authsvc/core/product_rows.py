"""
One row of a product file: from text or JSON to checked values, with a sentence for everything that is wrong.

The columns are a promise to the people who export them from their own systems: ``gtin, brand, name, granularity`` and
the optional ones in ``COLUMNS``; ``name``, ``description`` and ``facts`` in another language are columns such as
``name.de``. A cell is checked by one function, and a column that is not there is left as it was.
An empty cell empties a column of facts; of a choice it says nothing, so the product keeps what it has.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from authsvc.core import laws, product_texts, tongues
from authsvc.core.gs1 import normalise_gtin
from authsvc.core.number_formats import LotFormat, SerialFormat
from authsvc.core.register import Granularity, Release
from authsvc.core.unit_data import read_list
from authsvc.errors import BadDigitalLink, BadInput

Check = Callable[[Any], Any]
Column = tuple[Check, Callable[[], Any] | None]
GTIN_DIGITS = 14
MAX_IMAGE_BYTES = 18 * 1024

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_COUNTRY = re.compile(r"[A-Z]{2}").fullmatch
_WHOLE = re.compile(r"[0-9]{1,5}").fullmatch


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one cell; *row* counts as people do, with the header as row 1."""

    row: int
    column: str
    text: str

    def __str__(self) -> str:
        """Write the fault as a line of a report."""
        return f"row {self.row}, {self.column}: {self.text}"


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """A row whose cells are right one by one; *image* is the name of a file that nobody has read yet."""

    row: int
    gtin: str
    brand: str
    image: str | None
    values: Mapping[str, Any]


def media_type(data: bytes) -> str | None:
    """Return the type of a picture by its first bytes, or None where browsers may not show it."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:12] in {b"ftypavif", b"ftypavis"}:
        return "image/avif"
    return None


def check_row(row: int, cells: Mapping[str, Any]) -> tuple[CheckedRow | None, list[Fault]]:
    """Check the cells of one row; return its values, or what is wrong with them."""
    faults = [Fault(row, name, "is required and is not there") for name in REQUIRED if _is_empty(cells.get(name))]
    faults += [
        Fault(row, str(name), f"is no column of a product file; the columns are {', '.join(COLUMNS)}")
        for name in cells
        if _column(name) is None
    ]
    values: dict[str, Any] = {}
    for name, cell in cells.items():
        column = _column(name)
        if column is None or (name in REQUIRED and _is_empty(cell)):
            continue
        check, empty = column
        try:
            if not _is_empty(cell):
                values[name] = check(cell)
            elif empty is not None:
                values[name] = empty()
        except ValueError as error:
            faults.append(Fault(row, name, str(error)))
    texts = {name: values.pop(name) for name in list(values) if product_texts.part_of(name)}
    if texts:
        values["texts"] = product_texts.by_language(texts)
    if not faults:
        faults = check_together(row, values)
    if faults:
        return None, faults
    if "attributes" in values:
        # The threshold steers a rule and has a column of its own; the rest of the attributes is for the page.
        values["copy_threshold"] = values["attributes"].pop("copy_threshold", None)
    gtin, brand, image = values.pop("gtin"), values.pop("brand"), values.pop("image", None)
    return CheckedRow(row, gtin, brand, image, values), []


def check_together(row: int, values: Mapping[str, Any]) -> list[Fault]:
    """Return what is wrong with values that are right one by one; for a change, those that are kept among them."""
    granularity = values["granularity"]
    faults = []
    if granularity != Granularity.SERIAL and values.get("claim", "none") != "none":
        what = f"a code of a {granularity} product stands for many items and cannot prove one: use none"
        faults.append(Fault(row, "claim", what))
    if granularity == Granularity.BATCH and values.get("release") == Release.ON_COMMISSION:
        faults.append(Fault(row, "release", "the code of a lot is not commissioned: use on-issue"))
    if granularity != Granularity.SERIAL:
        what = f"a {granularity} product has no serials: leave it empty"
        faults += [Fault(row, name, what) for name in ("serial_format", "serial_from") if values.get(name)]
        faults += _against_law(row, values)
    return faults


def _against_law(row: int, values: Mapping[str, Any]) -> list[Fault]:
    """Refuse codes that many items share where law asks for one on each: the labels would have to be printed again."""
    category, attributes, markets = values.get("category"), values.get("attributes") or {}, values.get("markets") or ()
    try:
        rule = laws.find_rule(category, attributes, markets)
    except laws.UnclearBattery as error:
        return [Fault(row, "attributes", str(error))]
    if rule is None:
        return []
    return [Fault(row, "granularity", laws.refusal(rule, Granularity(values["granularity"])))]


# --- Cells: each check returns the value or raises ValueError with the end of a sentence ------------------------------


def _column(name: str) -> Column | None:
    """Return how a column is checked; None where there is none of this name."""
    part = product_texts.part_of(name)
    return COLUMNS.get(name) if part is None else (_TEXTS[part[0]], lambda: None)


def _is_empty(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _text(limit: int) -> Callable[[Any], str]:
    def check(cell: Any) -> str:
        if not isinstance(cell, str):
            raise ValueError(f"expected text, got {cell!r}")  # noqa: TRY004  a fault of the file, not of our code
        value = cell.strip()
        if len(value) > limit:
            raise ValueError(f"has at most {limit} characters, got {len(value)}")
        if _CONTROL.search(value):
            raise ValueError("holds a control character; remove it")
        return value

    return check


def _gtin(cell: Any) -> str:
    value = _text(40)(cell)
    try:
        gtin = normalise_gtin(value)
    except BadDigitalLink as error:
        raise ValueError(str(error)) from None
    if len(value) != GTIN_DIGITS:
        raise ValueError(f"a GTIN has 14 digits here; write {value} as {gtin}")
    return gtin


def _choice(*choices: str) -> Callable[[Any], str]:
    def check(cell: Any) -> str:
        if not isinstance(cell, str) or cell.strip() not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}, got {cell!r}")
        return cell.strip()

    return check


def _months(cell: Any) -> int:
    value = str(cell).strip() if isinstance(cell, (str, int)) and not isinstance(cell, bool) else ""
    if not _WHOLE(value) or int(value) > 1200:
        raise ValueError(f"must be a whole number of months from 0 to 1200, got {cell!r}")
    return int(value)


def _markets(cell: Any) -> list[str]:
    names = cell if isinstance(cell, list) else re.split(r"[\s,;]+", cell.strip()) if isinstance(cell, str) else [cell]
    for name in names:
        if not isinstance(name, str) or not _COUNTRY(name):
            raise ValueError(f"must be country codes of two capital letters, such as DE FR, got {name!r}")
    return sorted(set(names))


def _format(parse: Callable[[str], object]) -> Callable[[Any], str]:
    def check(cell: Any) -> str:
        try:
            return str(parse(_text(100)(cell)))
        except BadInput as error:
            raise ValueError(str(error)) from None

    return check


def _day(cell: Any) -> date:
    try:
        return date.fromisoformat(_text(40)(cell)[:10])
    except ValueError:
        raise ValueError(f"must be a day such as 2027-01-31, got {cell!r}") from None


def _attributes(cell: Any) -> dict[str, Any]:
    if isinstance(cell, str):
        try:
            cell = json.loads(cell)
        except json.JSONDecodeError as error:
            raise ValueError(f"is no JSON: {error.msg} at character {error.pos + 1}") from None
        except RecursionError:
            raise ValueError("is nested too deeply") from None
    if not isinstance(cell, dict):
        raise ValueError('must be a JSON object, such as {"noun": "watch"}')  # noqa: TRY004  as above
    _refuse_unstorable(cell)
    _check_battery(cell.get("battery"))
    if "data" in cell:
        cell = {**cell, "data": _data(cell["data"])}
    if "noun" in cell and not (isinstance(cell["noun"], str) and 0 < len(cell["noun"].strip()) <= 40):
        raise ValueError(f'"noun" must be the word for one unit, such as "watch", got {cell["noun"]!r}')
    threshold = cell.get("copy_threshold")
    if "copy_threshold" in cell and (
        isinstance(threshold, bool) or not isinstance(threshold, int) or not 2 <= threshold <= 10_000
    ):
        raise ValueError(f'"copy_threshold" must be a whole number from 2 to 10000, got {threshold!r}')
    facts = cell.get("facts", [])
    is_pairs = isinstance(facts, list) and all(
        isinstance(fact, list) and len(fact) == 2 and all(isinstance(part, str) and part for part in fact)
        for fact in facts
    )
    if not is_pairs:
        raise ValueError('"facts" must be pairs of texts, such as [["Case", "Steel, 40 mm"]]')
    return dict(cell)


def _facts(cell: Any) -> list[list[str]]:
    try:
        return product_texts.read_facts(cell)
    except BadInput as error:
        raise ValueError(str(error)) from None


def _data(given: Any) -> list[dict[str, str]]:
    try:
        return read_list(given)
    except BadInput as error:
        raise ValueError(str(error)) from None


def _check_battery(battery: Any) -> None:
    """Check what law decides by: kind and energy."""
    if battery is None:
        return
    if not isinstance(battery, dict) or battery.get("kind") not in list(laws.BatteryKind):
        kinds = ", ".join(laws.BatteryKind)
        raise ValueError(f'"battery" must name its kind, as in {{"kind": "ev", "kwh": 75}}; the kinds are {kinds}')
    kwh = battery.get("kwh")
    if kwh is not None and (isinstance(kwh, bool) or not isinstance(kwh, (int, float)) or not 0 < kwh <= 1e6):
        raise ValueError(f'"kwh" of a battery must be its energy in kWh, a number above 0, got {kwh!r}')


def _refuse_unstorable(value: dict[str, Any]) -> None:
    """Refuse what Python reads as JSON and the database, rightly, does not."""
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode("utf-8")
    except ValueError:
        raise ValueError("holds a number that is none, or half a character; remove it") from None
    if "\\u0000" in text:
        raise ValueError("holds a NUL character; remove it")


REQUIRED = ("gtin", "brand", "name", "granularity")
COLUMNS: dict[str, Column] = {
    "gtin": (_gtin, str),
    "brand": (_text(60), str),
    "name": (_text(200), str),
    "granularity": (_choice(*Granularity), str),
    "category": (_text(100), lambda: None),
    "description": (_text(2000), lambda: None),
    "image": (_text(500), lambda: None),
    "warranty_months": (_months, lambda: None),
    "claim": (_choice("required", "optional", "none"), None),
    "token": (_choice("ed25519", "compact", "none"), None),
    "release": (_choice(*Release), None),
    "tracking": (_choice("none", "scans"), None),
    "markets": (_markets, list),
    "lot_format": (_format(LotFormat.parse), lambda: None),
    "serial_format": (_format(SerialFormat.parse), lambda: None),
    "serial_from": (_day, lambda: None),
    "attributes": (_attributes, dict),
    "language": (_choice(*sorted(tongues.NAMES)), lambda: None),
}
"""Every column with its check and the value of an empty cell, or None where an empty cell changes nothing."""
_TEXTS: dict[str, Check] = {"name": _text(200), "description": _text(2000), "facts": _facts}
"""What a column such as ``name.de`` is checked by."""
