"""
The demo's index: one card for every answer that the service can give, each a link and a symbol to try with a phone.

``authsvc demo`` writes what it issued to ``demo.json`` in ``AUTHSVC_HOME``; on any other installation there is no demo.
"""

import json
from typing import Any

from flask import Blueprint, Response

from authsvc import symbols
from authsvc.config import DEMO_FILE
from authsvc.errors import NotFound
from authsvc.web import pages
from authsvc.web.site import runtime

bp = Blueprint("demo", __name__)


@bp.get("/demo")
def index() -> str:
    """Show every sample code."""
    found = _read()
    return pages.demo_index(
        found["brand"],
        [
            pages.DemoEntry(
                reason=entry["reason"],
                title=entry["title"],
                text=entry["text"],
                href=entry["path"],
                symbol_href=f"/demo/{entry['name']}.svg",
            )
            for entry in found["entries"]
        ],
    )


@bp.get("/demo/<name>.svg")
def symbol(name: str) -> Response:
    """Draw the symbol of a sample code, with the address a phone can reach."""
    for entry in _read()["entries"]:
        if entry["name"] == name:
            drawn = symbols.svg(symbols.symbol(runtime().config.base_url + entry["path"]), title=entry["title"])
            return Response(drawn, mimetype="image/svg+xml")
    raise NotFound("There is no such sample code.")


def _read() -> dict[str, Any]:
    config = runtime().config
    file = config.home / DEMO_FILE
    if not config.is_demo or not file.exists():
        raise NotFound("This is no demo. `authsvc demo` starts one with sample codes.")
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found
