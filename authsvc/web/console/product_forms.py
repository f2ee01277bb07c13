"""The form of a product and that of a batch: what stands in them, and the cells of a product file that come of them."""

from collections.abc import Mapping
from typing import Any

from flask import request

from authsvc.core import unit_data
from authsvc.core.number_formats import ALPHABETS, ANY, serial_format
from authsvc.core.register import Product

FIELDS = (
    "name", "granularity", "category", "description", "warranty_months", "claim", "token", "release", "markets",
    "lot_format", "serial_from",
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


# --- Private ---------------------------------------------------------------------------------------------------------


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
