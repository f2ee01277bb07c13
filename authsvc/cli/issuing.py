"""``authsvc issue``: codes into a CSV file."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import click
from sqlalchemy.exc import DBAPIError

from authsvc import catalogue, code_files, issuing, label_replacements, serial_rows, signing_keys
from authsvc.cli.output import counted, json_option, note, print_json, progress
from authsvc.cli.workplace import Workplace, opened
from authsvc.core import codes
from authsvc.core.keyring import FORMAT_NAMES, VerificationKey
from authsvc.core.register import Brand, Granularity, Product
from authsvc.errors import AuthsvcError, BadInput
from authsvc.serial_files import SerialFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """What an issue made."""

    run: int
    mode: issuing.Mode
    gtin: str
    lot: str | None
    count: int
    format: str | None
    key_id: int | None
    file: Path
    seconds: float


@click.command()
@click.option("--gtin", required=True, help="The product, as a GTIN of 14 digits.")
@click.option("--lot", help="The lot; created if it is new.")
@click.option("--count", type=click.IntRange(1), help="How many codes. With --import, the file says it.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="The CSV file to write.")
@click.option("--format", "form", type=click.Choice(list(FORMAT_NAMES)), help="The token; default: the product's.")
@click.option(
    "--expiry",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="Use-by date, printed into the link as AI 17.",
)
@click.option("--import", "serials_file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Use the serials of this file (CSV, XLSX, JSONL; column serial) in place of others.")  # fmt: skip
@click.option(
    "--dry-run", "is_dry", is_flag=True, help="Of an import: name every fault of the file, and issue nothing."
)
@click.option("--mode", type=click.Choice(["derived", "random"]),
              help="Derived serials need no row each; random ones do. Default: what the product has.")  # fmt: skip
@click.option("--site", help="The printer or site that the codes are for; see `authsvc sites`.")
@click.option(
    "--level", type=click.Choice(["case", "lot"]), help="Of a hybrid product: codes for cases, or for the lot."
)
@click.option("--contents", type=click.IntRange(1), metavar="K", help="Items in one case of a hybrid product.")
@click.option("--lot-in-link", is_flag=True, help="Print the lot into the link of an item; the run knows it anyway.")
@click.option("--force", is_flag=True, help="Write over the file if it is there.")
@json_option
def issue(
    gtin: str,
    lot: str | None,
    count: int | None,
    out: Path | None,
    form: str | None,
    expiry: datetime | None,
    serials_file: Path | None,
    is_dry: bool,
    mode: str | None,
    site: str | None,
    level: str | None,
    contents: int | None,
    lot_in_link: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Issue codes for a product into a CSV file: uri, gtin, lot, serial, claim_code."""
    if serials_file is None and count is None:
        raise click.UsageError("Say how many codes: --count N, or bring serials: --import SERIALS.csv.")
    if serials_file is not None and mode == "random":
        raise click.UsageError("Serials are imported or drawn at random, not both.")
    if is_dry:
        if serials_file is None:
            raise click.UsageError("A dry run is of serials that are imported: --import FILE.")
        _check_serials(gtin, lot, serials_file, as_json=as_json)
        return
    if out is None:
        raise click.UsageError("Name the file to write: --out FILE.csv.")
    code_files.check_free(out, may_replace=force)
    if serials_file is not None:
        found = _count_serials(SerialFile(serials_file.name, gtin, lot), serials_file)
        if count not in {None, found}:
            raise BadInput(f"{serials_file.name} has {counted(found, 'serial')}, and --count says {count}.")
        count = found
    order = issuing.Order(
        count=count or 0,
        lot=lot,
        mode=issuing.Mode.IMPORTED if serials_file is not None else _mode(gtin, mode),
        is_lot_level=level == "lot",
        contents=contents,
        expires_on=None if expiry is None else expiry.date(),
        site=site,
    )
    with opened() as place, progress(order.count, "code") as tell:
        if order.expires_on is not None and order.expires_on < place.now().date():
            note(f"Note: {order.expires_on} is past, so every scan will say that the item has expired.")
        _warn_of_local_address(place, gtin)
        issued = issue_codes(
            place,
            gtin,
            order,
            out,
            form=form,
            serials_file=serials_file,
            level=level,
            is_lot_in_link=lot_in_link,
            may_replace=force,
            progress=tell,
        )
    if as_json:
        print_json(issued)
        return
    click.echo(f"{counted(issued.count, 'code')} of run {issued.run} written to {out} in {issued.seconds:.1f} s.")
    note("Next: authsvc serve")


def issue_codes(
    place: Workplace,
    gtin: str,
    order: issuing.Order,
    out: Path,
    *,
    form: str | None = None,
    serials_file: Path | None = None,
    level: str | None = None,
    is_lot_in_link: bool = False,
    may_replace: bool = False,
    progress: Callable[[int], None] = lambda _done: None,
) -> Issued:
    """
    Issue codes from the order to the file.

    1. Take the name of the file: FILE.partial belongs to this issue alone.
    2. Take the run number and record the order; that is committed before any code exists.
    3. Make the codes; imported and drawn serials become rows in the same transaction as 4.
    4. Close the run: from here on the codes count. Then the file gets its name.

    A failure on the way leaves no file, and a run that says why it issued nothing.
    """
    start = time.monotonic()
    brand, product = _find(place, gtin)
    _check_level(product, level)
    with ExitStack() as stack:
        partial = stack.enter_context(code_files.reserved(out, may_replace=may_replace))
        source = None if serials_file is None else SerialFile(serials_file.name, gtin, order.lot)
        rows = None
        if source is not None and serials_file is not None:
            rows = source.rows(stack.enter_context(serials_file.open("rb")))
        key, run, recipe = _open_run(place, brand, product, order, form=form, is_lot_in_link=is_lot_in_link)
        try:
            with place.sessions.begin() as session:
                keys = signing_keys.load_serial_keys(session, brand.id, wrapping_key=place.wrapping_key)
                blocks: Iterator[code_files.Block] = code_files.index_blocks(order.count)
                if run.mode in {issuing.Mode.IMPORTED, issuing.Mode.RANDOM}:
                    serial_rows.load(
                        session,
                        brand,
                        product,
                        rows or serial_rows.drawn(product, order.count, place.random),
                        run=run.number,
                        lot=order.lot,
                        claim_key=run.claim_key,
                        expires_on=order.expires_on,
                        serial_keys=keys,
                        noted=source.faults if source is not None else (),
                    )
                    blocks = serial_rows.blocks(session)
                cores = len(os.sched_getaffinity(0))
                code_files.write(partial, recipe, blocks, order.count, cores=cores, progress=progress)
                issuing.close_run(session, brand, product, run, now=place.now())
                if order.replaces is not None:
                    label_replacements.complete(
                        session, brand, order, recipe, place.actor, serial_keys=keys, now=place.now()
                    )
                place.record(session, brand.id, "run.issue", str(run.number), _describe(product, order, run))
        except BaseException as error:
            _fail_run(place, brand, run, error)
            raise
    code_files.publish(partial, out, may_replace=may_replace)
    return Issued(
        run=run.number,
        mode=run.mode,
        gtin=gtin,
        lot=order.lot,
        count=order.count,
        format=None if key is None else form or product.token,
        key_id=None if key is None else key.key_id,
        file=out,
        seconds=round(time.monotonic() - start, 3),
    )


# --- Private ---------------------------------------------------------------------------------------------------------


def _find(place: Workplace, gtin: str) -> tuple[Brand, Product]:
    if len(gtin) != 14:
        raise BadInput(f"A GTIN has 14 digits here; put zeros before a shorter one. Got {gtin!r}.")
    with place.sessions() as session:
        product = catalogue.get_product(session, gtin)
        return catalogue.get_brand_by_id(session, product.brand_id), product


def _open_run(
    place: Workplace, brand: Brand, product: Product, order: issuing.Order, *, form: str | None, is_lot_in_link: bool
) -> tuple[VerificationKey | None, issuing.OpenRun, codes.Recipe]:
    with place.sessions.begin() as session:
        key = None
        if product.token != "none" or form is not None:
            key = signing_keys.get_active_key(session, brand.id, form or product.token, wrapping_key=place.wrapping_key)
        signer = None if key is None else place.open_signer(key)
        run = issuing.open_run(session, brand, product, order, key=key, now=place.now())
        # Before the first code exists: whoever stops the command half-way has still left a trace.
        place.record(session, brand.id, "run.open", str(run.number), _describe(product, order, run))
        claim_key = None
        if run.claim_key is not None:
            claim_key = signing_keys.load_claim_key(session, brand.id, run.claim_key, wrapping_key=place.wrapping_key)
        recipe = issuing.make_recipe(
            brand,
            product,
            run,
            base_url=f"https://{brand.hosts[0]}" if brand.hosts else place.config.base_url,
            signer=signer,
            serial_keys=signing_keys.load_serial_keys(session, brand.id, wrapping_key=place.wrapping_key),
            claim_key=claim_key,
            is_lot_in_link=is_lot_in_link,
        )
    return key, run, recipe


def _fail_run(place: Workplace, brand: Brand, run: issuing.OpenRun, error: BaseException) -> None:
    failure = "It was interrupted." if isinstance(error, KeyboardInterrupt) else type(error).__name__
    if isinstance(error, AuthsvcError):
        failure = str(error)
    # A database that went away meanwhile is what the person hears of; `doctor` names the run that it left.
    with contextlib.suppress(DBAPIError), place.sessions.begin() as session:
        issuing.fail_run(session, brand, run, failure)
        place.record(session, brand.id, "run.fail", str(run.number), {"failure": failure})


def _describe(product: Product, order: issuing.Order, run: issuing.OpenRun) -> dict[str, str | int | None]:
    return {"gtin": product.gtin, "lot": order.lot, "count": order.count, "mode": run.mode.value}


def _warn_of_local_address(place: Workplace, gtin: str) -> None:
    """Say it before a hundred thousand labels lead to the operator's own desk."""
    brand, _ = _find(place, gtin)
    if not brand.hosts and urlsplit(place.config.base_url).hostname in {"127.0.0.1", "localhost", "::1"}:
        note(
            f"Note: these codes lead to {place.config.base_url}, which only this computer reaches. For real labels, "
            "set AUTHSVC_BASE_URL or give the brand a host: authsvc brands add … --host id.example.com"
        )


def _check_level(product: Product, level: str | None) -> None:
    if level == "case" and product.granularity is not Granularity.HYBRID:
        raise BadInput(f"{product.name} ({product.gtin}) is not packed in cases with codes of their own.")


def _mode(gtin: str, asked: str | None) -> issuing.Mode:
    if asked is not None:
        return issuing.Mode(asked)
    with opened() as place:
        return issuing.usual_mode(_find(place, gtin)[1])


def _count_serials(source: SerialFile, file: Path) -> int:
    with file.open("rb") as content:
        return sum(1 for _ in source.rows(content))


def _check_serials(gtin: str, lot: str | None, file: Path, *, as_json: bool) -> None:
    """Say whether a file of serials could be issued; nothing is kept of it."""
    source = SerialFile(file.name, gtin, lot)
    with opened() as place, place.sessions() as session, file.open("rb") as content:
        brand, product = _find(place, gtin)
        order = issuing.Order(count=1, lot=lot, mode=issuing.Mode.IMPORTED)
        issuing.check_fit(product, order, now=place.now())
        keys = signing_keys.load_serial_keys(session, brand.id, wrapping_key=place.wrapping_key)
        count = serial_rows.check(session, brand, product, source.rows(content), serial_keys=keys, noted=source.faults)
        session.rollback()
    if as_json:
        print_json({"serials": count})
        return
    click.echo(f"{counted(count, 'serial')} could be issued. Nothing was loaded.")
