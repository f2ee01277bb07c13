"""``authsvc products``: product files in, the list of products out."""

import errno
import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from authsvc import catalogue, clone_settings, product_files
from authsvc.cli.output import (
    counted,
    false_alarms_option,
    json_option,
    note,
    print_json,
    print_table,
    records_option,
)
from authsvc.cli.workplace import Workplace, opened
from authsvc.core.product_rows import MAX_IMAGE_BYTES


@click.group()
def products() -> None:
    """Register products."""


@products.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", "is_dry", is_flag=True, help="Name every fault, and change nothing.")
@json_option
def import_file(file: Path, is_dry: bool, as_json: bool) -> None:
    """
    Register the products of FILE, or change those that are there.

    FILE is CSV with a header, the first sheet of a workbook (.xlsx) or JSON Lines (.jsonl).

    Columns: gtin (14 digits), brand (slug), name, granularity (batch, serial, hybrid), and optionally category,
    description, image (a file in the folder of FILE, 18 KB at most), warranty_months, claim (required, optional, none),
    token (ed25519, compact, none), release (on-issue, on-commission), tracking (none, scans), markets (DE FR …),
    attributes (JSON: noun, facts, copy_threshold, battery and your own). Batch or hybrid is refused where law asks for
    a code on each item. Of a product that is there, an empty cell of image,
    claim, token, release or tracking changes nothing, and any other empty cell empties its column.
    """
    with opened() as place:
        imported = import_products(place, file, is_dry=is_dry)
    if as_json:
        print_json(imported)
        return
    if is_dry:
        click.echo(f"{counted(imported.created, 'product')} would be registered, {imported.updated:,} changed.")
        return
    click.echo(f"{counted(imported.created, 'product')} registered, {imported.updated:,} changed.")
    note("Next: authsvc issue --gtin GTIN --lot LOT --count N --out codes.csv")


@products.command("set")
@click.argument("gtin")
@false_alarms_option
@click.option("--brand-false-alarms", "follows_brand", is_flag=True, help="Take the rate of its brand again.")
@records_option
@click.option(
    "--copy-limit", type=click.IntRange(0), metavar="N", help="Flag an item at N visitors, whatever the score."
)
def set_clones(
    gtin: str, target_rate: float | None, follows_brand: bool, has_lifecycle: bool | None, copy_limit: int | None
) -> None:
    """Set how clone evidence is judged for the product GTIN; what is not given stays as it is."""
    with opened() as place, place.sessions.begin() as session:
        product = catalogue.get_product(session, gtin)
        found = clone_settings.set_clone_settings(
            session,
            catalogue.get_brand_by_id(session, product.brand_id),
            product.gtin,
            target_rate=target_rate,
            has_lifecycle=has_lifecycle,
            copy_threshold=copy_limit,
            follows_brand=follows_brand,
        )
        rate = "as the brand" if follows_brand else target_rate
        details = {"false_alarms": rate, "records": has_lifecycle, "copy_limit": copy_limit}
        place.record(session, product.brand_id, "product.set", product.gtin, details)
    click.echo(f"Of genuine items of {product.name}, {found.target_rate:g} may be flagged.")
    click.echo(f"Commissioning and sale are {'' if found.has_lifecycle else 'not '}recorded.")
    if found.copy_threshold is not None:
        click.echo(f"An item that {found.copy_threshold} visitors confirmed is flagged in any case.")


@products.command("list")
@click.option("--brand", "slug", help="Only the products of this brand.")
@json_option
def list_all(slug: str | None, as_json: bool) -> None:
    """List the products."""
    with opened() as place, place.sessions() as session:
        brand = None if slug is None else catalogue.get_brand(session, slug)
        slugs = {b.id: b.slug for b in catalogue.list_brands(session)}
        found = catalogue.list_products(session, None if brand is None else brand.id)
    if as_json:
        print_json(found)
    elif found:
        rows = [(p.gtin, slugs[p.brand_id], p.granularity.value, p.token, p.claim, p.name) for p in found]
        print_table(("GTIN", "BRAND", "GRANULARITY", "TOKEN", "CLAIM", "NAME"), rows)
    else:
        note("There is no product yet. Register some: authsvc products import FILE")


def import_products(place: Workplace, file: Path, *, is_dry: bool = False) -> catalogue.Imported:
    """Import a product file; pictures are found beside it. A dry run takes everything back."""
    counts: Counter[str] = Counter()

    def counted_rows() -> Iterator[tuple[int, Mapping[str, Any]]]:
        for number, row in read_rows(file):
            counts[str(row.get("brand"))] += 1
            yield number, row

    with place.sessions.begin() as session:
        imported = catalogue.import_products(
            session, counted_rows(), read_image=lambda name: read_image(file.parent, name), now=place.now()
        )
        if is_dry:
            session.rollback()
            return imported
        for slug, count in counts.items():
            place.record(
                session, catalogue.get_brand(session, slug).id, "product.import", file.name, {"products": count}
            )
    return imported


def read_image(folder: Path, name: str) -> bytes:
    """
    Read the picture that a row names, in the folder of the product file; of a file too large, a little too much.

    Product files come from other people. What they name is shown to everybody, so it must be theirs to give.

    Raises:
        OSError: There is no such picture in the folder.
    """
    path = Path(os.path.realpath(folder / name))
    if not path.is_relative_to(os.path.realpath(folder)):
        raise OSError(errno.EACCES, "it lies outside of the folder of the product file")
    # Not blocking: opening a pipe would wait for whoever writes into it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        return os.read(descriptor, MAX_IMAGE_BYTES + 1)
    finally:
        os.close(descriptor)


def read_rows(file: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """
    Yield the rows of a product file with their numbers; in CSV, the header is row 1.

    Raises:
        BadInput: The file is not what its name says.
    """
    with file.open("rb") as content:
        yield from product_files.read_rows(file.name, content)
