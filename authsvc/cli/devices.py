"""``authsvc devices``: the programs and browsers of a brand's own people, whose scans are not counted."""

from uuid import UUID

import click

from authsvc import catalogue, trusted_devices
from authsvc.cli.output import json_option, note, print_json, print_table
from authsvc.cli.workplace import opened
from authsvc.core import devices as secrets_of
from authsvc.core.devices import SECRET_BYTES, DeviceKind

brand_option = click.option("--brand", "slug", required=True, metavar="SLUG", help="The brand of the device.")


@click.group()
def devices() -> None:
    """Trust devices of the brand's own people: their scans are stored, never counted, never judged."""


@devices.command()
@brand_option
@click.option("--name", required=True, help="What it is and where: Line camera 3, Biel.")
@json_option
def add(slug: str, name: str, as_json: bool) -> None:
    """
    Trust a program, and print the key that it must send in the header Authsvc-Device.

    The key is shown once. A browser is trusted in the console, because only a page can give it its cookie.
    """
    with opened() as place, place.sessions.begin() as session:
        secret = secrets_of.spell(place.random(SECRET_BYTES))
        info = trusted_devices.add_device(
            session,
            catalogue.get_brand(session, slug).id,
            DeviceKind.KEY,
            name,
            id=UUID(bytes=place.random(16), version=4),
            secret=secret,
            now=place.now(),
        )
        brand_id = catalogue.get_brand(session, slug).id
        place.record(session, brand_id, "device.add", str(info.id), {"name": info.name, "kind": info.kind.value})
    if as_json:
        print_json({"id": info.id, "name": info.name, "kind": info.kind.value, "key": secret})
        return
    click.echo(secret)
    note(f"{info.name} is trusted as {info.id}. The key above is not shown again; send it as Authsvc-Device.")


@devices.command("list")
@brand_option
@json_option
def list_all(slug: str, as_json: bool) -> None:
    """List the devices of a brand."""
    with opened() as place, place.sessions() as session:
        found = trusted_devices.list_devices(session, catalogue.get_brand(session, slug).id)
    if as_json:
        print_json(found)
    elif found:
        rows = [(d.id, d.kind.value, d.name, d.created_at, d.last_seen_at, d.revoked_at) for d in found]
        print_table(("ID", "KIND", "NAME", "ADDED (UTC)", "LAST SEEN", "REVOKED"), rows)
    else:
        note(f"{slug} trusts no device. Add one: authsvc devices add --brand {slug} --name NAME")


@devices.command()
@brand_option
@click.option("--id", "device_id", required=True, type=click.UUID, help="The device, as list names it.")
@json_option
def revoke(slug: str, device_id: UUID, as_json: bool) -> None:
    """Trust a device no more."""
    with opened() as place, place.sessions.begin() as session:
        brand_id = catalogue.get_brand(session, slug).id
        info = trusted_devices.revoke_device(session, brand_id, device_id, now=place.now())
        place.record(session, brand_id, "device.revoke", str(info.id), {"name": info.name})
    if as_json:
        print_json(info)
        return
    click.echo(f"{info.name} is trusted no more. Its scans count again.")
