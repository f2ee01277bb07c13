"""``authsvc runs``: what was issued, and codes that were never used; ``authsvc sites``: printers and their quotas."""

import click

from authsvc import catalogue, run_orders, signing_keys, sites, voiding
from authsvc.cli.output import counted, json_option, note, print_json, print_table
from authsvc.cli.workplace import opened


@click.group("runs")
def runs_group() -> None:
    """List runs, and void codes that were never used."""


@runs_group.command("list")
@click.option("--brand", "slug", required=True, help="The brand.")
@json_option
def list_runs(slug: str, as_json: bool) -> None:
    """List the latest runs of a brand."""
    with opened() as place, place.sessions() as session:
        found = run_orders.list_runs(session, catalogue.get_brand(session, slug).id)
    if as_json:
        print_json(found)
    else:
        rows = [(r.number, r.gtin, r.lot or "", r.mode, f"{r.count:,}", r.failure or "issued") for r in found]
        print_table(("RUN", "GTIN", "LOT", "MODE", "CODES", "STATE"), rows)


@runs_group.command("void")
@click.argument("number", type=click.IntRange(1), metavar="RUN")
@click.option("--brand", "slug", required=True, help="The brand.")
@click.option(
    "--from", "first", type=click.IntRange(0), metavar="I", help="The first code, from 0; default: the first."
)
@click.option("--to", "last", type=click.IntRange(0), metavar="J", help="The last code, itself included.")
@click.option("--reason", required=True, help="Why; colleagues read it.")
@json_option
def void(number: int, slug: str, first: int | None, last: int | None, reason: str, as_json: bool) -> None:
    """Withdraw the unused codes of a run: commissioned, scanned and registered ones stay good."""
    with opened() as place, place.sessions.begin() as session:
        brand = catalogue.get_brand(session, slug)
        keys = signing_keys.load_serial_keys(session, brand.id, wrapping_key=place.wrapping_key)
        done = voiding.void(session, brand, number, first, last, reason=reason, serial_keys=keys, now=place.now())
        details = {"from": first, "to": last, "codes": done.withdrawn, "reason": reason}
        place.record(session, brand.id, "run.void", str(number), details)
    if as_json:
        print_json(done)
        return
    click.echo(f"{counted(done.withdrawn, 'code')} of run {number} are void; {done.kept:,} are in use and stay good.")


@click.group("sites")
def sites_group() -> None:
    """Printers and sites that codes are issued for, each with a quota where one is wanted."""


@sites_group.command("set")
@click.argument("name")
@click.option("--brand", "slug", required=True, help="The brand.")
@click.option("--quota", type=click.IntRange(0), metavar="N", help="How many codes; default: as many as it likes.")
@click.option("--per", type=click.Choice(list(sites.PERIODS)), default="month", show_default=True, help="In what time.")
def set_site(name: str, slug: str, quota: int | None, per: str) -> None:
    """Add the site NAME, or change its quota."""
    with opened() as place, place.sessions.begin() as session:
        brand = catalogue.get_brand(session, slug)
        sites.save(session, brand.id, name, quota, per, now=place.now())
        place.record(session, brand.id, "site.set", name, {"quota": quota, "per": per})
    said = "as many codes as it likes" if quota is None else f"{quota:,} codes {sites.PERIODS[per]}"
    click.echo(f"{name} may have {said}.")


@sites_group.command("close")
@click.argument("name")
@click.option("--brand", "slug", required=True, help="The brand.")
def close_site(name: str, slug: str) -> None:
    """Issue no more codes for the site NAME."""
    with opened() as place, place.sessions.begin() as session:
        brand = catalogue.get_brand(session, slug)
        sites.close(session, brand.id, name, now=place.now())
        place.record(session, brand.id, "site.close", name)
    click.echo(f"{name} gets no more codes.")


@sites_group.command("list")
@click.option("--brand", "slug", required=True, help="The brand.")
@json_option
def list_sites(slug: str, as_json: bool) -> None:
    """List sites, their quotas, and what they have used."""
    with opened() as place, place.sessions() as session:
        found = sites.list_sites(session, catalogue.get_brand(session, slug).id, now=place.now())
    if as_json:
        print_json(found)
    elif found:
        rows = [
            (s.name, "none" if s.quota is None else f"{s.quota:,} {sites.PERIODS[s.per]}", f"{s.used:,}",
             "closed" if s.is_closed else "open")
            for s in found
        ]  # fmt: skip
        print_table(("SITE", "QUOTA", "USED", "STATE"), rows)
    else:
        note("There is no site. Add one: authsvc sites set NAME --brand SLUG --quota N")
