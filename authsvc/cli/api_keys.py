"""``authsvc api-key``: the keys by which programs of a brand and its partners use the API."""

from datetime import timedelta
from uuid import UUID

import click

from authsvc import api_keys, catalogue
from authsvc.api_keys import NewSecret
from authsvc.cli.output import json_option, note, print_json, print_table
from authsvc.cli.workplace import opened
from authsvc.core.api_keys import SCOPES

brand_option = click.option("--brand", "slug", required=True, metavar="SLUG", help="The brand of the key.")
id_option = click.option("--id", "key_id", required=True, type=click.UUID, help="The key, as list names it.")


@click.group()
def api_key() -> None:
    """Let programs use the API: each key has permissions, a limit, and a log of what it did."""


@api_key.command()
@brand_option
@click.option("--name", required=True, help="What uses it and where: ERP, Biel.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice(list(SCOPES)),
    help="What it may do; repeat it.",
)
@click.option("--days", type=int, help="After how many days it ends; never, where nothing is said.")
@click.option("--per-minute", type=int, default=api_keys.PER_MINUTE, show_default=True, help="Requests a minute.")
@json_option
def new(slug: str, name: str, scopes: tuple[str, ...], days: int | None, per_minute: int, as_json: bool) -> None:
    """Make a key, and print its secret, which is shown once."""
    with opened() as place, place.sessions.begin() as session:
        brand_id = catalogue.get_brand(session, slug).id
        made = api_keys.make_key(
            session, brand_id, name, scopes, id=UUID(bytes=place.random(16), version=4), made_by=place.actor.name,
            per_minute=per_minute, days=days, random=place.random, now=place.now(),
        )  # fmt: skip
        details = {"name": made.key.name, "scopes": list(made.key.scopes), "prefix": made.key.secrets[0].prefix}
        place.record(session, brand_id, "api-key.new", str(made.key.id), details)
    _show(made, as_json=as_json)


@api_key.command("list")
@brand_option
@json_option
def list_all(slug: str, as_json: bool) -> None:
    """List the keys of a brand; of their secrets, the prefixes."""
    with opened() as place, place.sessions() as session:
        found = api_keys.list_keys(session, catalogue.get_brand(session, slug).id, now=place.now())
    if as_json:
        print_json(found)
    elif found:
        rows = [
            (
                key.id, key.name, [secret.prefix for secret in key.secrets] if key.is_live else "ended", key.scopes,
                key.last_used_at, key.expires_at, key.revoked_at,
            )
            for key in found
        ]  # fmt: skip
        print_table(("ID", "NAME", "SECRETS", "MAY", "LAST USED (UTC)", "ENDS", "REVOKED"), rows)
    else:
        note(f"{slug} has no API key. Make one: authsvc api-key new --brand {slug} --name NAME --scope SCOPE")


@api_key.command()
@brand_option
@id_option
@click.option(
    "--overlap-hours", type=int, default=api_keys.OVERLAP // timedelta(hours=1), show_default=True,
    help="How long the secret before lives on.",
)  # fmt: skip
@json_option
def rotate(slug: str, key_id: UUID, overlap_hours: int, as_json: bool) -> None:
    """Give a key a new secret, and let the one before live on for a while."""
    with opened() as place, place.sessions.begin() as session:
        brand_id = catalogue.get_brand(session, slug).id
        made = api_keys.rotate(
            session, brand_id, key_id, overlap=timedelta(hours=overlap_hours), random=place.random, now=place.now()
        )
        details = {"name": made.key.name, "prefix": made.key.secrets[0].prefix, "overlap_hours": overlap_hours}
        place.record(session, brand_id, "api-key.rotate", str(key_id), details)
    _show(made, as_json=as_json)


@api_key.command()
@brand_option
@id_option
@json_option
def revoke(slug: str, key_id: UUID, as_json: bool) -> None:
    """End a key with its secrets, at once and for good."""
    with opened() as place, place.sessions.begin() as session:
        brand_id = catalogue.get_brand(session, slug).id
        ended = api_keys.revoke(session, brand_id, key_id, now=place.now())
        place.record(session, brand_id, "api-key.revoke", str(key_id), {"name": ended.name})
    if as_json:
        print_json(ended)
        return
    click.echo(f"{ended.name} is revoked. What it asks from now on is refused.")


def _show(made: NewSecret, *, as_json: bool) -> None:
    if as_json:
        print_json({"id": made.key.id, "name": made.key.name, "scopes": made.key.scopes, "key": made.text})
        return
    click.echo(made.text)
    note(f"{made.key.name} is {made.key.id}. The key above is not shown again; send it as Authorization: Bearer KEY.")
