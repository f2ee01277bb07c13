"""``authsvc items``: the condition of single items, and commissioning of ranges."""

import re

import click

from authsvc import catalogue, items, signing_keys
from authsvc.cli.output import counted, json_option, print_json
from authsvc.cli.workplace import opened
from authsvc.core.gs1 import DigitalLink, parse_sgtin
from authsvc.core.verdicts import Disposition
from authsvc.errors import BadInput, NotFound

_is_sscc = re.compile(r"(?:00\.|\(00\))?([0-9]{18})").fullmatch


@click.group("items")
def items_group() -> None:
    """Condition, facts, records and new labels of single items."""


@items_group.command("set")
@click.argument("sgtin")
@click.option(
    "--disposition", required=True, type=click.Choice([word.value for word in Disposition]), help="The new condition."
)
@click.option("--reason", required=True, help="Why; colleagues read it.")
@json_option
def set_one(sgtin: str, disposition: str, reason: str, as_json: bool) -> None:
    """
    Say in what condition an item is.

    SGTIN is GTIN.SERIAL, the link of the code, or (01)GTIN(21)SERIAL; for a case, its SSCC of 18 digits.
    """
    key, serial = parse_item(sgtin)
    with opened() as place, place.sessions.begin() as session:
        if serial is None:
            brand = catalogue.find_case_brand(session, key)
            if brand is None:
                raise NotFound(f"Case {key} carries the company prefix of no brand here.")
        else:
            brand = catalogue.get_brand_by_id(session, catalogue.get_product(session, key).brand_id)
        info = items.set_disposition(
            session,
            brand,
            key,
            serial,
            Disposition(disposition),
            reason=reason,
            serial_keys=signing_keys.load_serial_keys(session, brand.id, wrapping_key=place.wrapping_key),
            now=place.now(),
        )
        details = {"from": str(info.previous), "to": str(info.disposition), "reason": reason}
        place.record(session, brand.id, "item.set", info.sgtin, details)
    if as_json:
        print_json(info)
    else:
        click.echo(f"{info.sgtin} is {info.disposition}; it was {info.previous}.")


@items_group.command(short_help="Record which codes of a run are on objects.")
@click.option("--gtin", required=True, help="The product, as a GTIN of 14 digits.")
@click.option("--run", "run", required=True, type=click.IntRange(1), metavar="N", help="The run, as issue named it.")
@click.option("--from", "first", required=True, type=click.IntRange(0), metavar="I", help="The first code, from 0.")
@click.option(
    "--to", "last", required=True, type=click.IntRange(0), metavar="J", help="The last code, itself included."
)
@json_option
def commission(gtin: str, run: int, first: int, last: int, as_json: bool) -> None:
    """Record that the line has put the codes I to J of a run on objects."""
    with opened() as place, place.sessions.begin() as session:
        brand = catalogue.get_brand_by_id(session, catalogue.get_product(session, gtin).brand_id)
        done, count = items.commission_range(session, brand, gtin, run, first, last, now=place.now())
        place.record(session, brand.id, "run.commission", str(run), {"gtin": gtin, "from": first, "to": last})
    if as_json:
        print_json({"gtin": gtin, "run": run, "commissioned": done, "count": count})
    else:
        click.echo(f"{done:,} of {counted(count, 'code')} of run {run} {'is' if done == 1 else 'are'} commissioned.")


def parse_item(text: str) -> tuple[str, str | None]:
    """
    Read what names an item or a case; return GTIN and serial, or SSCC and None.

    Raises:
        BadInput: It names neither.
    """
    text = text.strip()
    if match := _is_sscc(text):
        return str(DigitalLink.build({"00": match[1]}).sscc), None
    if "/00/" in text:
        link = DigitalLink.parse(text)
        if link.sscc is not None:
            return link.sscc, None
    if text.isascii() and text.isdigit():
        raise BadInput(f"{text} has {len(text)} digits. Write an item as GTIN.SERIAL, a case as its SSCC of 18 digits.")
    return parse_sgtin(text)
