"""``authsvc brands``: the tenants, their company prefixes and hosts."""

from pathlib import Path
from uuid import UUID

import click

from authsvc import brand_looks, catalogue, clone_settings, sandbox_work, signing_keys
from authsvc.cli.output import false_alarms_option, json_option, note, print_json, print_table, records_option
from authsvc.cli.workplace import Workplace, opened
from authsvc.core.register import Brand


@click.group()
def brands() -> None:
    """Register brands."""


@brands.command()
@click.argument("slug")
@click.option("--name", required=True, help="The name that people read.")
@click.option("--gcp", "prefixes", multiple=True, metavar="PREFIX", help="A GS1 company prefix, 4 to 12 digits.")
@click.option("--host", "hosts", multiple=True, metavar="HOST", help="A host of its links; the first one is printed.")
@click.option("--sandbox", is_flag=True, help="For tries: its codes say that they are tests.")
@click.option("--contact", help="How people reach the brand: an e-mail address or a page.")
@json_option
def add(
    slug: str,
    name: str,
    prefixes: tuple[str, ...],
    hosts: tuple[str, ...],
    sandbox: bool,
    contact: str | None,
    as_json: bool,
) -> None:
    """Register a brand under SLUG, its short name in commands and addresses."""
    with opened() as place:
        brand = Brand(
            id=UUID(bytes=place.random(16), version=4),
            slug=slug,
            name=name,
            is_sandbox=sandbox,
            prefixes=prefixes,
            hosts=hosts,
            contact=contact,
        )
        add_brand(place, brand)
    if as_json:
        print_json(brand)
        return
    click.echo(f"Brand {name} is registered as {slug} ({brand.id}), with keys for its serials and claim codes.")
    note(f"Next: authsvc keys new --brand {slug}")


@brands.command("set")
@click.argument("slug")
@false_alarms_option
@records_option
def set_clones(slug: str, target_rate: float | None, has_lifecycle: bool | None) -> None:
    """Set how clone evidence is judged for the products of SLUG that set nothing of their own."""
    with opened() as place, place.sessions.begin() as session:
        brand = catalogue.get_brand(session, slug)
        found = clone_settings.set_clone_settings(session, brand, target_rate=target_rate, has_lifecycle=has_lifecycle)
        details = {"false_alarms": target_rate, "records": has_lifecycle}
        place.record(session, brand.id, "brand.set", slug, details)
    click.echo(f"{brand.name} accepts {found.target_rate:g} of its genuine items flagged.")
    click.echo(f"Commissioning and sale are {'' if found.has_lifecycle else 'not '}recorded.")


@brands.command()
@click.argument("slug")
@click.option("--colour", metavar="#RRGGBB", help="Of links and buttons on a light ground.")
@click.option("--colour-dark", metavar="#RRGGBB", help="The same on a dark ground.")
@click.option("--logo", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A PNG or WebP picture.")
@click.option("--none", "is_none", is_flag=True, help="Take colours and logo away.")
def look(slug: str, colour: str | None, colour_dark: str | None, logo: Path | None, is_none: bool) -> None:
    """
    Set colours and logo of the public pages of SLUG.

    Both must be readable in the light and the dark theme (WCAG 2.2 AA); what is not is refused with the numbers.
    """
    if is_none == (colour is not None or colour_dark is not None or logo is not None):
        raise click.UsageError("Give --colour and --colour-dark, with --logo or without, or --none.")
    if not is_none and (colour is None or colour_dark is None):
        raise click.UsageError("Give both --colour and --colour-dark: a page is light or dark as its reader wants it.")
    with opened() as place, place.sessions.begin() as session:
        brand = catalogue.get_brand(session, slug)
        if colour is None or colour_dark is None:
            brand_looks.remove_look(session, brand.id)
        else:
            brand_looks.set_look(session, brand.id, colour, colour_dark, logo.read_bytes() if logo else None)
        details = {"colour": colour, "colour_dark": colour_dark, "has_logo": logo is not None}
        place.record(session, brand.id, "brand.look", slug, details)
    click.echo(f"The pages of {brand.name} {'look like those of everybody' if is_none else 'have its colours'} now.")


@brands.command()
@click.argument("slug")
@click.option("--wipe", "is_wipe", is_flag=True, help="Take away all that was tried in it.")
@json_option
def sandbox(slug: str, is_wipe: bool, as_json: bool) -> None:
    """
    Make or wipe the sandbox of SLUG: its twin, in which engineers try everything without touching what is real.

    It has GTINs, keys and API keys of its own, and every code of it says that it is a test.
    """
    with opened() as place:
        with place.sessions() as session:
            brand = catalogue.get_brand(session, slug)
        act = sandbox_work.WIPE if is_wipe else sandbox_work.MAKE
        done = sandbox_work.perform(place, act, brand.id, place.actor)
    if as_json:
        print_json(done)
    elif is_wipe:
        click.echo(f"The sandbox of {brand.name} is empty again: {done['rows']:,} rows have gone.")
    else:
        click.echo(f"The sandbox of {brand.name} is {done['slug']}. Its GTINs begin with 0{done['prefix']}.")
        note(f"Next: authsvc api-key new --brand {done['slug']} --name NAME --scope SCOPE")


@brands.command("list")
@json_option
def list_all(as_json: bool) -> None:
    """List all brands."""
    with opened() as place, place.sessions() as session:
        found = catalogue.list_brands(session)
    if as_json:
        print_json(found)
    elif found:
        rows = [(b.slug, b.name, b.prefixes, b.hosts, "yes" if b.is_sandbox else "no", b.id) for b in found]
        print_table(("SLUG", "NAME", "PREFIXES", "HOSTS", "SANDBOX", "ID"), rows)
    else:
        note("There is no brand yet. Add one: authsvc brands add SLUG --name NAME")


def add_brand(place: Workplace, brand: Brand) -> None:
    """Register a brand together with its first serial key and claim key."""
    with place.sessions.begin() as session:
        catalogue.add_brand(session, brand, now=place.now())
        signing_keys.add_serial_key(session, brand.id, wrapping_key=place.wrapping_key, random=place.random)
        signing_keys.add_claim_key(session, brand.id, wrapping_key=place.wrapping_key, random=place.random)
        details = {"name": brand.name, "prefixes": list(brand.prefixes), "hosts": list(brand.hosts)}
        place.record(session, brand.id, "brand.add", brand.slug, details)
