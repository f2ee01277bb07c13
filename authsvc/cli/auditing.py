"""``authsvc audit``: the proof that the log of acts is whole."""

import re
import sys

import click

from authsvc import audit, catalogue
from authsvc.cli.output import counted, json_option, print_json
from authsvc.cli.workplace import opened
from authsvc.errors import BadInput

_NOTED = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")


@click.group("audit")
def audit_group() -> None:
    """Look after the audit log."""


@audit_group.command()
@click.option("--brand", "slug", metavar="SLUG", help="Only this brand.")
@click.option(
    "--noted",
    metavar="SEQ:HASH",
    help="With --brand: an event that an earlier check printed, and that must be there still.",
)
@json_option
def verify(slug: str | None, noted: str | None, as_json: bool) -> None:
    """
    Compute the chain of every brand anew and name each event that was changed, moved or taken away.

    Keep the last line of each brand somewhere else, and bring it back with --noted: who owns the database could make
    a whole new chain, and only your note would differ.
    """
    if noted is not None and slug is None:
        raise click.UsageError("--noted belongs to one brand: give --brand.")
    with opened() as place, place.sessions() as session:
        brands = [catalogue.get_brand(session, slug)] if slug else catalogue.list_brands(session)
        chains = {brand.slug: audit.verify(session, brand.id) for brand in brands}
        if noted is not None:
            _check_noted(audit.find_hash(session, brands[0].id, *_parse(noted)), noted)
    if as_json:
        print_json(
            {
                name: {"events": chain.seq, "hash": chain.hash.hex(), "findings": chain.findings}
                for name, chain in chains.items()
            }
        )
    else:
        for name, chain in chains.items():
            for finding in chain.findings:
                click.echo(f"{name}: {finding.fault}: {finding.text}")
            click.echo(f"{name}: {counted(chain.seq, 'event')}, {chain.seq}:{chain.hash.hex()}")
    if any(chain.findings for chain in chains.values()):
        sys.exit(1)


def _parse(noted: str) -> tuple[int, bytes]:
    match = _NOTED.fullmatch(noted)
    if match is None:
        raise BadInput("--noted is a number, a colon and 64 hex digits, as an earlier check printed it.")
    return int(match[1]), bytes.fromhex(match[2])


def _check_noted(is_there: bool, noted: str) -> None:
    if not is_there:
        raise BadInput(f"Event {noted.partition(':')[0]} is no longer the one that you noted: the chain was made anew.")
