"""``authsvc verify-evidence``: the check that a receiver of evidence makes, without this service and its database."""

import json
from pathlib import Path

import click

from authsvc import evidence_bundles, seals
from authsvc.cli.output import counted
from authsvc.cli.verifying import read_document
from authsvc.errors import BadInput

_MOST_BYTES = 256 * 2**20


@click.command("verify-evidence")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--jwks", metavar="FILE-OR-URL", required=True, help="The published keys of the brand.")
@click.option(
    "--seal", "seal_file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The seal of a single file; by default FILE.jws beside it.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def verify_evidence(file: Path, jwks: str, seal_file: Path | None, as_json: bool) -> None:
    """
    Check an evidence bundle, or one sealed file: that no byte of it was changed and whose key sealed it.

    Exits with 1 when it does not hold.
    """
    keys = read_document(jwks)
    if file.stat().st_size > _MOST_BYTES:
        raise BadInput(f"{file.name} is larger than any evidence of ours.")
    if seal_file is None and file.suffix.lower() == ".zip":
        with file.open("rb") as source:
            sealed, document = evidence_bundles.verify(source, keys)
        case = document["case"]
        said = f"Case {case['number']} of {document['brand']['name']}: {case['title']}"
        parts = [counted(len(document[part]), part[:-1]) for part in ("alerts", "items", "reports", "attachments")]
        said += f"\nWritten {document['exported']['at']} by {document['exported']['by']}; {', '.join(parts)}."
    else:
        beside = seal_file or file.with_name(file.name + evidence_bundles.SEAL)
        if not beside.is_file():
            raise BadInput(f"There is no seal {beside.name} beside {file.name}. Name it with --seal.")
        sealed = seals.verify(file.read_bytes(), beside.read_text(encoding="ascii", errors="replace"), keys)
        said = file.name
    if as_json:
        click.echo(json.dumps({"valid": True, "kid": sealed.kid, "brand_id": str(sealed.brand_id)}))
        return
    click.echo(f"The seal holds: no byte was changed since brand {sealed.brand_id} sealed it ({sealed.kid}).")
    click.echo(said)
