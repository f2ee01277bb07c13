"""``authsvc items`` in full: beside the condition of items, their facts, their records, and new labels."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import click
from sqlalchemy.orm import Session

from authsvc import catalogue, item_story, label_replacements, signing_keys, unit_attributes, unit_records
from authsvc.cli.issuing import issue_codes
from authsvc.cli.items import items_group, parse_item
from authsvc.cli.output import json_option, note, print_json, print_table
from authsvc.cli.workplace import Workplace, opened
from authsvc.core import unit_data
from authsvc.core.records import KINDS
from authsvc.core.unit_data import Audience
from authsvc.errors import BadInput
from authsvc.item_rows import ItemName

__all__ = ["items_group"]

_AUDIENCES = [each.value for each in Audience]


@items_group.command("fact")
@click.argument("sgtin")
@click.argument("name")
@click.argument("value", required=False)
@click.option(
    "--for", "audience", type=click.Choice(_AUDIENCES), default="public", show_default=True, help="Who sees it."
)
@click.option("--remove", "is_removed", is_flag=True, help="Take it away; then that of the lot or product shows.")
def fact(sgtin: str, name: str, value: str | None, audience: str, is_removed: bool) -> None:
    """Set a fact of one item, which hides the one of the same NAME of its lot and its product."""
    if is_removed == (value is not None):
        raise click.UsageError("Give a value, or --remove.")
    with opened() as place, place.sessions.begin() as session:
        item = _item(place, session, sgtin)
        if value is None:
            unit_attributes.remove(session, item, name)
        else:
            given = unit_data.check(name, value, audience)
            unit_attributes.put(session, item, given, by=place.actor.name, now=place.now())
        place.record(session, item.brand.id, "item.fact", item.sgtin, {"name": name, "value": value, "for": audience})
    click.echo(f"{item.sgtin}: {name} {'is taken away' if value is None else f'is {value}'}.")


@items_group.command("record")
@click.argument("sgtin")
@click.option("--kind", required=True, type=click.Choice(list(KINDS)), help="What it is about.")
@click.option("--at", help="When it was so, such as 2026-09-28T10:00:00Z; default: now.")
@click.option(
    "--value", "values", multiple=True, metavar="NAME=VALUE", help="What it says; more than one may be given."
)
@click.option("--text", default="", help="A sentence beside the values.")
@click.option("--for", "audience", type=click.Choice(_AUDIENCES), help="Who sees it; default: what the kind says.")
@click.option("--corrects", type=click.UUID, help="The record that was wrong; both stay.")
@json_option
def record(
    sgtin: str, kind: str, at: str | None, values: tuple[str, ...], text: str, audience: str | None,
    corrects: UUID | None, as_json: bool,
) -> None:  # fmt: skip
    """Add a record to an item: a test, the health of a battery, maintenance, software, service, warranty."""
    with opened() as place, place.sessions.begin() as session:
        item = _item(place, session, sgtin)
        given = unit_records.NewRecord(
            kind=kind,
            at=_moment(at) if at else place.now(),
            values=dict(_value(kind, each) for each in values),
            text=text,
            audience=Audience(audience) if audience else None,
            corrects=corrects,
        )
        made = unit_records.append(
            session, item, given, id=UUID(bytes=place.random(16), version=4), by=place.actor,
            permission=unit_records.STAFF, now=place.now(),
        )  # fmt: skip
        place.record(session, item.brand.id, "item.record", item.sgtin, {"kind": kind, "id": str(made.id)})
    if as_json:
        print_json(made)
    else:
        click.echo(f"{item.sgtin}: {made.label}, {', '.join(' '.join(pair) for pair in made.worded()) or made.text}.")


@items_group.command("records")
@click.argument("sgtin")
@click.option("--as", "viewer", type=click.Choice(_AUDIENCES), default="authority", help="See what these people see.")
@json_option
def records(sgtin: str, viewer: str, as_json: bool) -> None:
    """List the facts of an item, each with the level that it is from, and its records."""
    with opened() as place, place.sessions() as session:
        item = _item(place, session, sgtin)
        lot = item_story.get_state(session, item).lot
        facts = unit_attributes.read(session, item, lot, viewer=Audience(viewer))
        found = unit_records.read(session, item, viewer=Audience(viewer))
    if as_json:
        print_json({"facts": facts, "records": found})
        return
    if facts:
        print_table(("FACT", "VALUE", "FROM", "FOR"), [(f.name, f.value, f.level, f.audience) for f in facts])
    if found:
        said = [
            (f"{r.at:%Y-%m-%d %H:%M}", r.label, ", ".join(" ".join(pair) for pair in r.worded()), r.text, r.by)
            for r in found
        ]
        print_table(("AT", "KIND", "VALUES", "TEXT", "BY"), said)
    if not facts and not found:
        note("Nothing is said of this item.")


@items_group.command("replace")
@click.argument("sgtin")
@click.option("--reason", required=True, help="Why; colleagues read it.")
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The file for the new code."
)
@click.option("--site", help="The printer or site that the code is for.")
@json_option
def replace(sgtin: str, reason: str, out: Path, site: str | None, as_json: bool) -> None:
    """Replace a damaged label: a new code for the same item; the old one answers that it is withdrawn."""
    with opened() as place:
        with place.sessions.begin() as session:
            item = _item(place, session, sgtin)
            product = catalogue.get_product(session, item.key)
            hits = item_story.find_recalls(session, item, product)
            order = label_replacements.order_of(
                session, item, reason=reason, site=site, is_recalled=any(hit.lifted_at is None for hit in hits)
            )
        issued = issue_codes(place, item.key, order, out)
        with place.sessions() as session:
            new = label_replacements.find_new(session, item.sgtin)
    if as_json:
        print_json({"old": item.sgtin, "new": new, "run": issued.run, "file": issued.file})
        return
    click.echo(f"{item.sgtin} is {new} from now on. Its new code is in {out}; the old one is withdrawn.")
    note(f"Next: authsvc labels {out} --as pdf --out label.pdf")


# --- Private ---------------------------------------------------------------------------------------------------------


def _item(place: Workplace, session: Session, text: str) -> ItemName:
    key, serial = parse_item(text)
    if serial is None:
        raise BadInput("A case has no data of its own: its items have.")
    brand = catalogue.get_brand_by_id(session, catalogue.get_product(session, key).brand_id)
    keys = signing_keys.load_serial_keys(session, brand.id, wrapping_key=place.wrapping_key)
    return ItemName(brand=brand, key=key, serial=serial, serial_keys=keys)


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"Write a time as 2026-09-28T10:00:00Z, got {text!r}.") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _value(kind: str, text: str) -> tuple[str, float | str]:
    name, mark, value = text.partition("=")
    if not mark or not name:
        raise BadInput(f"Write a value as NAME=VALUE, got {text!r}.")
    if name in KINDS[kind].texts:
        # A version such as 2.10 is no number.
        return name, value
    try:
        return name, int(value) if value.isascii() and value.isdigit() else float(value)
    except ValueError:
        return name, value
