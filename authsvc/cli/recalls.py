"""``authsvc recall``: announce, list and lift recalls."""

import click

from authsvc import catalogue, recalls, signing_keys
from authsvc.cli.output import counted, json_option, note, print_json, print_table
from authsvc.cli.workplace import opened


@click.command()
@click.option("--gtin", help="The product, as a GTIN of 14 digits.")
@click.option("--lot", help="Only this lot.")
@click.option("--reason", help="Why; the person who scans the item reads it.")
@click.option("--remedy", help="What that person should do.")
@click.option("--from-serial", metavar="A", help="Only the codes from A …")
@click.option("--to-serial", metavar="B", help="… to B, in the order in which they were issued.")
@click.option("--lift", type=click.IntRange(1), metavar="ID", help="End the recall with this number.")
@click.option("--list", "list_all", is_flag=True, help="List the recalls, lifted ones too.")
@json_option
def recall(
    gtin: str | None,
    lot: str | None,
    reason: str | None,
    remedy: str | None,
    from_serial: str | None,
    to_serial: str | None,
    lift: int | None,
    list_all: bool,
    as_json: bool,
) -> None:
    """Recall a product, a lot or a range of codes: every later scan says so."""
    if list_all:
        _list(gtin, as_json)
        return
    if lift is not None:
        if any((gtin, lot, reason, remedy, from_serial, to_serial)):
            raise click.UsageError("--lift takes the number of the recall and nothing else.")
        with opened() as place, place.sessions.begin() as session:
            info = recalls.lift(session, lift, now=place.now())
            brand_id = catalogue.get_product(session, info.gtin).brand_id
            place.record(session, brand_id, "recall.lift", str(info.id), {"gtin": info.gtin, "lot": info.lot})
        _print(info, as_json, f"Recall {info.id} of {info.gtin} is lifted.")
        return
    if gtin is None or reason is None:
        raise click.UsageError("A recall needs --gtin and --reason, and mostly --lot.")
    if (from_serial is None) != (to_serial is None):
        raise click.UsageError("A range has two ends: give --from-serial and --to-serial.")
    between = None if from_serial is None or to_serial is None else (from_serial, to_serial)
    with opened() as place, place.sessions.begin() as session:
        product = catalogue.get_product(session, gtin)
        keys = signing_keys.load_serial_keys(session, product.brand_id, wrapping_key=place.wrapping_key)
        info = recalls.recall(
            session, product, lot=lot, between=between, reason=reason, remedy=remedy, serial_keys=keys, now=place.now()
        )
        what = {"gtin": gtin, "lot": lot, "from": from_serial, "to": to_serial}
        details = {**what, "reason": reason, "covers": info.covered}
        place.record(session, product.brand_id, "recall.announce", str(info.id), details)
    codes = counted(info.covered, "issued code")
    _print(info, as_json, f"Recall {info.id} of {product.name} is in force and covers {codes}.")
    if between is None and lot is None:
        note("It covers the whole product, codes issued later too.")


def _list(gtin: str | None, as_json: bool) -> None:
    with opened() as place, place.sessions() as session:
        found = recalls.list_recalls(session, gtin)
    if as_json:
        print_json(found)
    elif found:
        rows = [(r.id, r.gtin, r.lot, _range(r), r.covered, r.recalled_at, r.lifted_at, r.reason) for r in found]
        print_table(("ID", "GTIN", "LOT", "RANGE", "CODES", "RECALLED (UTC)", "LIFTED", "REASON"), rows)
    else:
        note("There is no recall.")


def _range(info: recalls.RecallInfo) -> str | None:
    if info.run is not None:
        return f"run {info.run}, codes {info.index_from} to {info.index_to}"
    return None if info.serial_from is None else f"{info.serial_from} to {info.serial_to}"


def _print(info: recalls.RecallInfo, as_json: bool, sentence: str) -> None:
    if as_json:
        print_json(info)
    else:
        click.echo(sentence)
