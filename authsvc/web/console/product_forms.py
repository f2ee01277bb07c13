"""The form of a product and that of a batch: what stands in them, and the cells of a product file that come of them."""

from collections.abc import Mapping
from typing import Any

from flask import request

from authsvc import languages
from authsvc.core import product_texts, tongues, unit_data
from authsvc.core.number_formats import ALPHABETS, ANY, serial_format
from authsvc.core.register import Product
from authsvc.errors import BadInput

FIELDS = (
    "name", "granularity", "category", "description", "warranty_months", "claim", "token", "release", "markets",
    "lot_format", "serial_from", "language",
)  # fmt: skip
SERIAL_PARTS = ("serial_source", "serial_prefix", "serial_length", "serial_alphabet")
SOURCES = {
    "": "As each order says",
    "derived": "Derived: 16 characters, and no row each",
    "random": "Random",
    "imported": "Imported from a file",
    "imei": "Imported: IMEI, with its check digit",
}
ALPHABET_NAMES = {ANY: "All that GS1 allows", "digits": "Digits", "capitals": "Digits and capitals",
                  "crockford": "Digits and capitals without I, L, O, U"}  # fmt: skip
USUAL = {"granularity": "serial", "claim": "none", "token": "ed25519", "release": "on-issue"}


def shown(known: Product | None) -> dict[str, str]:
    """Return what the form of a product shows at first."""
    if known is None:
        return {**dict.fromkeys(("gtin", *FIELDS, *SERIAL_PARTS, "data"), ""), **USUAL}
    return {
        "gtin": known.gtin,
        "name": known.name,
        "granularity": known.granularity.value,
        "category": known.category or "",
        "description": known.description or "",
        "warranty_months": str(known.warranty_months or ""),
        "claim": known.claim,
        "token": known.token,
        "release": known.release.value,
        "markets": " ".join(known.markets),
        "lot_format": known.lot_format or "",
        "serial_from": known.serial_from.isoformat() if known.serial_from else "",
        "data": unit_data.write_lines(known.attributes),
        "language": known.language or "",
        **_serial_parts(known.serial_format),
    }


def typed() -> dict[str, str]:
    """Return what somebody has typed."""
    return {name: request.form.get(name, "").strip() for name in (*FIELDS, *SERIAL_PARTS, "data")}


def cells(known: Product | None, given: Mapping[str, str]) -> dict[str, Any]:
    """
    Return the cells of a product file that a form stands for.

    Raises:
        BadInput: The facts are not written as facts.
    """
    attributes = dict(known.attributes) if known else {}
    if known is not None and known.copy_threshold is not None:
        attributes["copy_threshold"] = known.copy_threshold
    data = unit_data.parse_lines(given["data"])
    found: dict[str, Any] = {name: given[name] for name in FIELDS}
    found["serial_format"] = _serial_cell(given)
    if data or "data" in attributes:
        attributes["data"] = data
        found["attributes"] = attributes
    return found


def text_rows(known: Product | None, *, adds: bool = False) -> list[dict[str, str]]:
    """Return the texts in further languages: as they are typed, else as they are stored; and one row more to fill."""
    if request.method == "POST":
        rows = _typed_texts()
    else:
        rows = [
            {
                "language": tag,
                "name": parts.get("name", ""),
                "description": parts.get("description", ""),
                "facts": "\n".join(f"{name}: {value}" for name, value in parts.get("facts", ())),
            }
            for tag, parts in (known.texts.items() if known else ())
        ]
    if adds:
        spoken = {request.form.get("language", ""), *(row["language"] for row in rows)}
        following = next((tag for tag in languages.all_in_english() if tag not in spoken), "en")
        rows.append({**dict.fromkeys(product_texts.PARTS, ""), "language": following})
    return rows


def text_cells() -> dict[str, str]:
    """
    Return the cells of a product file that stand for the texts in further languages; a row that is gone is emptied.

    Raises:
        BadInput: Two rows have one language, or a language is unknown.
    """
    had = [tag for tag in request.form.getlist("had") if tag in tongues.NAMES]
    found = dict.fromkeys((f"{part}.{tag}" for tag in had for part in product_texts.PARTS), "")
    written = [row for row in _typed_texts() if any(row[part] for part in product_texts.PARTS)]
    if len({row["language"] for row in written}) < len(written):
        raise BadInput("Two rows have the same language. Take one of them away.")
    for row in written:
        if row["language"] not in tongues.NAMES:
            raise BadInput("Choose a language of the list.")
        found |= {f"{part}.{row['language']}": row[part] for part in product_texts.PARTS}
    return found


# --- Private ---------------------------------------------------------------------------------------------------------


def _typed_texts() -> list[dict[str, str]]:
    names = ("language", *product_texts.PARTS)
    columns = [request.form.getlist(f"text_{name}") for name in names]
    return [dict(zip(names, map(str.strip, row), strict=True)) for row in zip(*columns, strict=False)]


def _serial_parts(stored: str | None) -> dict[str, str]:
    form = serial_format(stored)
    if form is None:
        return dict.fromkeys(SERIAL_PARTS, "")
    if form.has_check_digit and form.longest == 15 and form.source == "imported" and not form.prefix:
        return {**dict.fromkeys(SERIAL_PARTS, ""), "serial_source": "imei"}
    length = str(form.longest) if form.shortest == form.longest else f"{form.shortest}-{form.longest}"
    return {
        "serial_source": form.source.value,
        "serial_prefix": form.prefix,
        "serial_length": "" if form.source == "derived" else length,
        "serial_alphabet": "" if form.source == "derived" else form.alphabet,
    }


def _serial_cell(given: Mapping[str, str]) -> str:
    source = given["serial_source"]
    if source in {"", "derived", "imei"}:
        return source
    said = {"prefix": given["serial_prefix"], "length": given["serial_length"].replace(" ", "")}
    alphabet = given["serial_alphabet"]
    if alphabet and not (source == "random" and alphabet not in ALPHABETS):
        said["alphabet"] = alphabet
    return " ".join([source, *(f"{name}={value}" for name, value in said.items() if value)])
