"""
The demo's index: one card for every answer that the service can give, each a link and a symbol to try with a phone.

Beside it is the outbox: the mail that would have gone out, to be read and followed.
``authsvc demo`` writes what it issued to ``demo.json`` in ``AUTHSVC_HOME``; on any other installation there is no demo.
"""

import json
from datetime import UTC
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from typing import Any

from flask import Blueprint, Response

from authsvc import outbox, symbol_pictures, symbols
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
            drawn = symbol_pictures.svg(symbols.symbol(runtime().config.base_url + entry["path"]), title=entry["title"])
            return Response(drawn, mimetype="image/svg+xml")
    raise NotFound("There is no such sample code.")


@bp.get("/demo/outbox")
def mails() -> str:
    """Show every mail that was sent."""
    config = runtime().config
    brand = _read()["brand"]
    return pages.demo_outbox(
        brand, [_entry(message, config.base_url) for message in outbox.Folder(config.home / outbox.FOLDER).read()]
    )


def _entry(message: EmailMessage, base_url: str) -> pages.MailEntry:
    plain = message.get_body(("plain",))
    assert plain is not None  # every mail of ours has one
    text = str(plain.get_content()).replace("\r\n", "\n").strip()
    return pages.MailEntry(
        sender=message["From"],
        to=message["To"],
        subject=message["Subject"],
        sent=f"{parsedate_to_datetime(message['Date']).astimezone(UTC):%Y-%m-%d %H:%M} UTC",
        # Nothing but a line that is an address of this service becomes a link: values come from everywhere.
        paragraphs=tuple(
            tuple((line, line.startswith(f"{base_url}/") and " " not in line) for line in paragraph.split("\n"))
            for paragraph in text.split("\n\n")
        ),
    )


def _read() -> dict[str, Any]:
    config = runtime().config
    file = config.home / DEMO_FILE
    if not config.is_demo or not file.exists():
        raise NotFound("This is no demo. `authsvc demo` starts one with sample codes.")
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found
