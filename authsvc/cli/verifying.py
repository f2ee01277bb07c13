"""``authsvc verify``: what a code says, asked of the register here, or offline of published keys alone."""

import json
import os
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from authsvc import db, scanning, signatures
from authsvc.cli.output import note
from authsvc.cli.workplace import refusing_database
from authsvc.config import Config
from authsvc.connections import Connections
from authsvc.core import tokens
from authsvc.core.gs1 import DigitalLink
from authsvc.core.keyring import FORMAT_NAMES, PublicKeySet
from authsvc.core.register import Brand
from authsvc.core.verdicts import Facts, Mark, Outcome, Signature, decide
from authsvc.core.wrapping import derive_key
from authsvc.errors import BadInput, BadToken
from authsvc.holdings import load
from authsvc.runtime import new_id
from authsvc.scanning import Checked
from authsvc.web import documents

_MAX_JWKS = 16 * 2**20
_GOOD = {Outcome.AUTHENTIC, Outcome.INFORMATIONAL, Outcome.NONE}


@click.command()
@click.argument("uri")
@click.option("--jwks", metavar="FILE-OR-URL", help="Verify offline with these published keys: the signature only.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON.")
def verify(uri: str, jwks: str | None, as_json: bool) -> None:
    """
    Say what a code is worth. Reads only: nothing is counted.

    Exits with 1 when the verdict is bad: invalid, withdrawn or suspect.
    """
    now = datetime.now(UTC)
    link = DigitalLink.parse(uri, strict=False)
    checked = _offline(link, PublicKeySet.parse(read_document(jwks)), now) if jwks else _online(link, now)
    document = documents.verdict(checked)
    if as_json:
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        _print(document)
        if jwks and (brand := checked.verdict.facts.brand):
            note(f"The brand is {brand.id}: a file of keys knows brands by their numbers and holds no names.")
    facts = checked.verdict.facts
    is_good = checked.verdict.outcome in _GOOD and facts.signature.mark is not Mark.FORGED
    if not is_good or (jwks and facts.signature.mark is not Mark.VALID):
        raise SystemExit(1)


def _online(link: DigitalLink, now: datetime) -> Checked:
    config = Config.from_env(os.environ)
    with db.server(config) as url, refusing_database():
        connections = Connections(url, role=db.SCAN_ROLE, wait_s=10.0)
        try:
            held = load(connections, derive_key(config.secret, "wrapping"))
            return scanning.scan(held, connections, link, link.extension("s"), None, at=now, new_id=new_id)
        finally:
            connections.close()


def _offline(link: DigitalLink, keys: PublicKeySet, now: datetime) -> Checked:
    """Judge the signature alone; a key that was withdrawn in part cannot be decided without the register."""
    token = link.extension("s")
    brand_id = keys.brand_of(link.sscc or link.gtin or "")
    signature, key = Signature(Mark.ABSENT), None
    if token is not None and brand_id is not None:
        try:
            key = tokens.verify(token, link.ais, brand_id, keys.keyring)
        except BadToken as error:
            signature = Signature(Mark.FORGED, detail=error.detail)
        else:
            formats = {number: name for name, number in FORMAT_NAMES.items()}
            signature = Signature(Mark.VALID, key.kid, formats[key.format])
    brand = None
    if brand_id is not None:
        brand = Brand(id=brand_id, slug="", name=_short_name(brand_id), is_sandbox=brand_id in keys.sandboxes)
    facts = Facts(
        at=now,
        signature=signature,
        gtin=link.gtin,
        serial=link.serial,
        sscc=link.sscc,
        lot=link.lot,
        brand=brand,
    )
    # Without a key that signed it nothing is left to ask: forged, unsigned, or of a brand that is not in the file.
    return Checked(decide(facts if key is None else signatures.without_history(facts, key, None)))


def _short_name(brand_id: UUID) -> str:
    """Name a brand of which only the number is known: published keys hold no names."""
    return f"Brand {str(brand_id)[:8]}…"


def read_document(source: str) -> dict[str, Any]:
    """
    Read a JWKS from a file or an address.

    Raises:
        BadInput: It cannot be read, or is no JSON object.
    """
    try:
        if source.startswith(("https://", "http://")):
            with urllib.request.urlopen(source, timeout=10) as answer:  # noqa: S310  the two schemes are named above
                text = answer.read(_MAX_JWKS).decode("utf-8")
        else:
            text = Path(source).read_text(encoding="utf-8")
        document: Any = json.loads(text)
    except (OSError, urllib.error.URLError, ValueError) as error:
        raise BadInput(f"The keys could not be read from {source}: {error}. Name a JWKS file or its address.") from None
    if not isinstance(document, dict):
        raise BadInput(f'{source} must hold a JSON object with the member "keys".')
    return document


def _print(document: dict[str, Any]) -> None:
    click.echo(f"{document['title']}  [{document['outcome']}: {document['reason']}]")
    click.echo(document["text"])
    signature = document["signature"]
    said = {True: "valid", False: "not valid", None: "none to check"}[signature["valid"]]
    by = f", by key {signature['kid']} ({signature['format']})" if signature["kid"] else ""
    click.echo(f"Signature: {said}{by}")
    for notice in document["notices"]:
        click.echo(f"Also: {notice['title']}. {notice['text']}")
