"""``authsvc messaging``: whom a brand answers by GS1 Lightweight Messaging, and under which number."""

import click

from authsvc import catalogue, messaging
from authsvc.cli.output import json_option, note, print_json, print_table
from authsvc.cli.workplace import opened

brand_option = click.option("--brand", "slug", required=True, metavar="SLUG", help="The brand that answers.")
gln_option = click.option("--gln", required=True, help="A GLN of 13 digits.")


@click.group("messaging")
def messaging_group() -> None:
    """Answer wholesalers that verify packs by GS1 Lightweight Messaging (/verify, /checkConnectivity)."""


@messaging_group.command("set")
@brand_option
@gln_option
@click.option("--admits", type=click.Choice(["all", "listed"]), default="listed", show_default=True,
              help="Whom to answer: everybody with a GLN, or those that were permitted.")  # fmt: skip
def set_service(slug: str, gln: str, admits: str) -> None:
    """Let a brand answer under its GLN."""
    with opened() as place, place.sessions.begin() as session:
        brand = catalogue.get_brand(session, slug)
        messaging.set_service(session, brand.id, gln, admits, now=place.now())
        place.record(session, brand.id, "messaging.set", gln, {"admits": admits})
    click.echo(f"{brand.name} answers as {gln}, {'everybody' if admits == 'all' else 'those that were permitted'}.")


@messaging_group.command()
@brand_option
def end(slug: str) -> None:
    """Let a brand answer nobody any more."""
    with opened() as place, place.sessions.begin() as session:
        brand = catalogue.get_brand(session, slug)
        messaging.end_service(session, brand.id)
        place.record(session, brand.id, "messaging.end", slug)
    click.echo(f"{brand.name} answers nobody any more.")


@messaging_group.command()
@brand_option
@gln_option
@click.option("--name", required=True, help="Whose number it is.")
@click.option("--deny", is_flag=True, help="Answer this company never.")
def permit(slug: str, gln: str, name: str, deny: bool) -> None:
    """Answer a company that asks, or never answer it."""
    with opened() as place, place.sessions.begin() as session:
        brand = catalogue.get_brand(session, slug)
        info = messaging.set_requester(session, brand.id, gln, name, is_permitted=not deny, now=place.now())
        place.record(session, brand.id, "messaging.permit", gln, {"name": info.name, "permitted": info.is_permitted})
    click.echo(f"{info.name} is {'answered' if info.is_permitted else 'not answered'}.")


@messaging_group.command()
@brand_option
@json_option
def show(slug: str, as_json: bool) -> None:
    """Show how a brand answers, and whom it knows."""
    with opened() as place, place.sessions() as session:
        brand = catalogue.get_brand(session, slug)
        service = messaging.find_service(session, brand.id)
        known = messaging.list_requesters(session, brand.id)
    if as_json:
        print_json({"service": service, "requesters": known})
    elif service is None:
        note(f"{slug} answers nobody. Begin: authsvc messaging set --brand {slug} --gln GLN")
    else:
        click.echo(f"{brand.name} answers as {service.gln}; it admits {service.admits}.")
        print_table(("GLN", "NAME", "ANSWERED"), [(one.gln, one.name, one.is_permitted) for one in known])
