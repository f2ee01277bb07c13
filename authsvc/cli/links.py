"""``authsvc links``: where the resolver leads to from a code, and the hosts that it may lead to."""

from uuid import UUID

import click

from authsvc import catalogue
from authsvc import links as register
from authsvc.cli.output import json_option, note, print_json, print_table
from authsvc.cli.workplace import opened
from authsvc.core.gs1 import normalise_gtin
from authsvc.links import Draft, LinkInfo

gtin_option = click.option("--gtin", required=True, help="The product.")
brand_option = click.option("--brand", "slug", required=True, metavar="SLUG", help="The brand of the hosts.")
id_option = click.option("--id", "link_id", required=True, type=click.UUID, help="The link, as list names it.")


@click.group("links")
def links_group() -> None:
    """Manage the links that the resolver gives for a code (?linkType=gs1:pip and the like)."""


@links_group.command("list")
@gtin_option
@json_option
def list_all(gtin: str, as_json: bool) -> None:
    """List the links of a product and of its batches and items."""
    with opened() as place, place.sessions() as session:
        product = catalogue.get_product(session, normalise_gtin(gtin))
        found = register.list_links(session, product.brand_id, product.gtin)
    if as_json:
        print_json(found)
    elif found:
        rows = [(one.id, _level(one), f"gs1:{one.link_type}", one.languages, one.title, one.href) for one in found]
        print_table(("ID", "FOR", "TYPE", "LANGUAGES", "TITLE", "ADDRESS"), rows)
    else:
        note(f"{product.gtin} has no link yet. Its code still leads to the page that checks it.")


@links_group.command()
@gtin_option
@click.option("--type", "link_type", required=True, metavar="gs1:TYPE", help="A link type of the GS1 Web Vocabulary.")
@click.option("--href", required=True, help="Where it leads: https, and a host of the brand.")
@click.option("--title", required=True, help="What people read in a list.")
@click.option("--lot", help="Only for this batch.")
@click.option("--serial", help="Only for this item.")
@click.option("--language", "languages", multiple=True, help="A language of the page, as en or pt-BR; may be repeated.")
@click.option("--media-type", help="What the page is, such as application/pdf.")
@json_option
def add(
    gtin: str, link_type: str, href: str, title: str, lot: str | None, serial: str | None,
    languages: tuple[str, ...], media_type: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Add a link, for a product and all below it, for a batch, or for one item."""
    draft = Draft(
        link_type=link_type, href=href, title=title, lot=lot, serial=serial, languages=languages,
        media_type=media_type,
    )  # fmt: skip
    with opened() as place, place.sessions.begin() as session:
        product = catalogue.get_product(session, normalise_gtin(gtin))
        info = register.add_link(session, product, draft, id=UUID(bytes=place.random(16), version=4), now=place.now())
        place.record(session, product.brand_id, "link.add", product.gtin, told(info))
    if as_json:
        print_json(info)
    else:
        click.echo(f"{info.id}: gs1:{info.link_type} of {_level(info)} leads to {info.href}")


@links_group.command()
@gtin_option
@id_option
@click.argument("direction", type=click.Choice(["up", "down"]))
def move(gtin: str, link_id: UUID, direction: str) -> None:
    """Let a link change places with the one before it, or after it."""
    with opened() as place, place.sessions.begin() as session:
        product = catalogue.get_product(session, normalise_gtin(gtin))
        info = register.move_link(session, product.brand_id, link_id, up=direction == "up", now=place.now())
        place.record(session, product.brand_id, "link.move", info.gtin, {"id": str(info.id), "to": direction})
    click.echo(f"{info.title} has moved {direction}.")


@links_group.command()
@gtin_option
@id_option
def remove(gtin: str, link_id: UUID) -> None:
    """Take a link away."""
    with opened() as place, place.sessions.begin() as session:
        product = catalogue.get_product(session, normalise_gtin(gtin))
        info = register.remove_link(session, product.brand_id, link_id)
        place.record(session, product.brand_id, "link.remove", info.gtin, told(info))
    click.echo(f"{info.title} is removed.")


@links_group.group("hosts")
def hosts() -> None:
    """Name the hosts that a brand's links may lead to; those of its codes need no entry."""


@hosts.command("list")
@brand_option
@json_option
def list_hosts(slug: str, as_json: bool) -> None:
    """List the hosts of a brand."""
    with opened() as place, place.sessions() as session:
        found = register.list_hosts(session, catalogue.get_brand(session, slug).id)
    if as_json:
        print_json(found)
    else:
        print_table(("HOST", "LINKS"), [(one.host, one.links) for one in found])


@hosts.command("add")
@brand_option
@click.argument("host")
def add_host(slug: str, host: str) -> None:
    """Let links of a brand lead to HOST."""
    with opened() as place, place.sessions.begin() as session:
        brand = catalogue.get_brand(session, slug)
        host = register.add_host(session, brand.id, host, now=place.now())
        place.record(session, brand.id, "link-host.add", host)
    click.echo(f"Links of {slug} may lead to {host}.")


@hosts.command("remove")
@brand_option
@click.argument("host")
def remove_host(slug: str, host: str) -> None:
    """Let no link of a brand lead to HOST any more."""
    with opened() as place, place.sessions.begin() as session:
        brand = catalogue.get_brand(session, slug)
        register.remove_host(session, brand.id, host)
        place.record(session, brand.id, "link-host.remove", host)
    click.echo(f"No link of {slug} may lead to {host} any more.")


def told(info: LinkInfo) -> dict[str, str | list[str] | None]:
    """Return what the audit log keeps of a link."""
    return {
        "id": str(info.id), "type": info.link_type, "href": info.href, "title": info.title, "lot": info.lot,
        "serial": info.serial, "languages": list(info.languages), "media_type": info.media_type,
    }  # fmt: skip


def _level(info: LinkInfo) -> str:
    if info.serial:
        return f"item {info.serial}"
    return f"batch {info.lot}" if info.lot else "product"
