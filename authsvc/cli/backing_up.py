"""``authsvc backup`` and ``authsvc restore``: the whole of an installation in one file, and back."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import click
import psycopg
from sqlalchemy.orm import Session

from authsvc import audit, backups, catalogue, db, key_files, signing_keys, table_copies
from authsvc.backups import Backup
from authsvc.cli.output import counted, json_option, note, print_json
from authsvc.cli.workplace import Workplace, opened, refusing_database
from authsvc.config import Config
from authsvc.core.keyring import KeyState
from authsvc.errors import BadInput, Conflict


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a backup holds, or a restore has brought back and checked."""

    file: Path
    taken_at: str
    revision: str
    brands: int
    rows: int
    keys: int
    audit_events: int
    not_included: tuple[str, ...] = ()


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@json_option
def backup(file: Path, as_json: bool) -> None:
    """
    Write everything into FILE: database, secrets, keys, settings, files of the home.

    The service goes on meanwhile. FILE is for its owner alone (mode 0600) and holds every secret: keep it accordingly.
    """
    if file.exists():
        raise Conflict(f"{file} is there already; a backup is never written over another.")
    partial = file.with_name(f"{file.name}.partial")
    with opened() as place, psycopg.connect(db.driver_url(place.url)) as connection:
        descriptor = _new_file(partial)
        try:
            with os.fdopen(descriptor, "wb") as out:
                manifest = backups.take(
                    connection, place.config, out, version=version("authsvc"), now=place.now(), progress=_tell
                )
                out.flush()
                os.fsync(out.fileno())
            partial.rename(file)
        finally:
            partial.unlink(missing_ok=True)
        size = file.stat().st_size
    if as_json:
        print_json({"file": file, "bytes": size, "rows": manifest.rows, "revision": manifest.revision})
        return
    click.echo(f"{counted(manifest.rows, 'row')} and {counted(len(manifest.modes) + 1, 'file')} are in {file}.")
    note(f"It holds the secret and all data ({size / 2**20:,.1f} MiB): who has it has everything.")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
def restore(file: Path, as_json: bool) -> None:
    """
    Bring FILE back into AUTHSVC_HOME, which must be empty or not there, and check all of it.

    The database is that of AUTHSVC_DATABASE_URL, else the one that the settings in FILE name, else an embedded one.
    """
    home = Path(os.environ.get("AUTHSVC_HOME", "var")).absolute()
    with file.open("rb") as opened_file:
        found = backups.read_backup(opened_file)
        backups.check_home(home)
        with _cleared_on_failure(home):
            outside = backups.restore_files(found, home)
            kept = _restore_database(found, home, file)
    kept = replace(kept, not_included=tuple(outside))
    if as_json:
        print_json(kept)
        return
    click.echo(
        f"{home} is restored as of {kept.taken_at}: {counted(kept.brands, 'brand')}, {counted(kept.rows, 'row')}, "
        f"{counted(kept.keys, 'key')}, {counted(kept.audit_events, 'event')} of the audit log, all checked."
    )
    for name in outside:
        note(f"{name} names a file outside of the home; bring that file back yourself.")
    note("Codes issued after the backup was taken are unknown now. Issue nothing before you know of all runs.")


# --- Private ---------------------------------------------------------------------------------------------------------


def _restore_database(found: Backup, home: Path, file: Path) -> Kept:
    config = Config.from_env({**os.environ, "AUTHSVC_HOME": str(home)})
    if not db.has_revision(found.manifest.revision):
        raise BadInput(
            f"The backup is of revision {found.manifest.revision}, which a later release has made. "
            "Restore it with that release."
        )
    with db.server(config) as url, refusing_database():
        with psycopg.connect(db.driver_url(url), autocommit=True) as connection:
            backups.check_empty(connection)
        db.upgrade(url, to=found.manifest.revision)
        with psycopg.connect(db.driver_url(url)) as connection:
            backups.restore_rows(found, connection, progress=_tell)
        try:
            db.upgrade(url)
            with opened(config) as place, place.sessions() as session:
                return _check(place, session, found, file)
        except BaseException:
            # The database was empty when we came, and what does not pass the checks is no restored installation.
            with psycopg.connect(db.driver_url(url)) as connection:
                tables = table_copies.list_tables(connection)
                with table_copies.silenced(connection, tables):
                    table_copies.clear(connection, tables)
            raise


def _check(place: Workplace, session: Session, found: Backup, file: Path) -> Kept:
    """Verify every chain of the audit log, and open every key with the secrets that came back."""
    manifest, brands = found.manifest, catalogue.list_brands(session)
    keys, events = 0, 0
    for brand in brands:
        chain = audit.verify(session, brand.id)
        if chain.findings:
            raise BadInput(f"The audit log of {brand.slug} is not whole: {chain.findings[0].text}")
        events += chain.seq
        keys += len(signing_keys.load_serial_keys(session, brand.id, wrapping_key=place.wrapping_key))
        for key in signing_keys.list_keys(session, brand.id):
            keys += 1
            is_here = f"keys/{brand.id}/{key.key_id}.pem" in manifest.digests
            if key.state is KeyState.ACTIVE and (is_here or key.format == "compact"):
                # What does not open with the restored secrets, or is another key, is refused with a sentence.
                place.open_signer(
                    signing_keys.get_active_key(session, brand.id, key.format, wrapping_key=place.wrapping_key)
                )
    if faults := key_files.check_modes(place.config.keys_dir):
        raise BadInput("\n".join(faults))
    return Kept(
        file=file,
        taken_at=manifest.taken_at,
        revision=manifest.revision,
        brands=len(brands),
        rows=manifest.rows,
        keys=keys,
        audit_events=events,
    )


@contextlib.contextmanager
def _cleared_on_failure(home: Path) -> Iterator[None]:
    """Leave the home as empty as it was found when the restore does not succeed."""
    try:
        yield
    except BaseException:
        for path in home.iterdir() if home.exists() else ():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        raise


def _new_file(path: Path) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, key_files.PRIVATE_MODE)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}.") from None


def _tell(table: str) -> None:
    """Say on a terminal what is being copied: a large table takes minutes."""
    if os.isatty(2):
        note(f"… {table}")
