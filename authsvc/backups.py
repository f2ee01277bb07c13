"""
Backups: the whole of an installation in one file, and its way back into an empty home.

A backup is a ZIP that only its owner may read: the rows of every table in one snapshot, the secrets, the private keys,
the settings and whatever else lies in the home, and last a manifest with a digest of each of these. A file without a
manifest was cut off and is refused. It holds the secret and the data together: who has it has everything.

A restore goes into a home that is not there or empty and a database without brands. The rows come in at the revision
that they were taken at, in one transaction; then the schema is brought up to date and all of it is checked.
"""

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO

from authsvc import table_copies
from authsvc.config import SETTINGS_FILE, Config
from authsvc.errors import BadInput, Conflict
from authsvc.table_copies import Connection, Partition

FORMAT = 1
MANIFEST = "manifest.json"
_BLOCK = 2**18
_LEFT_OUT = {"postgres"}
"""What of a home is no file of ours: the embedded database, whose rows are in the backup."""

_SECRET, _PASSPHRASE, _KEYS, _HOME = "secrets/secret", "secrets/passphrase", "keys/", "home/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup holds. *tables* are rows by table, *digests* SHA-256 by member."""

    format: int
    version: str
    revision: str
    taken_at: str
    home: str
    tables: dict[str, int]
    columns: dict[str, list[str]] = field(repr=False)
    partitions: list[dict[str, str]] = field(repr=False)
    sequences: dict[str, int] = field(repr=False)
    modes: dict[str, int] = field(repr=False)
    digests: dict[str, str] = field(repr=False)

    @property
    def rows(self) -> int:
        """The number of rows of all tables."""
        return sum(self.tables.values())


def take(
    connection: Connection,
    config: Config,
    file: IO[bytes],
    *,
    version: str,
    now: datetime,
    progress: Callable[[str], None] = lambda _table: None,
) -> Manifest:
    """
    Write a backup of the database behind *connection* and of the home; scans and everything else go on meanwhile.

    Raises:
        Conflict: The database has not been set up.
    """
    digests: dict[str, str] = {}
    modes: dict[str, int] = {}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with connection.transaction():
            table_copies.begin_snapshot(connection)
            revision = table_copies.find_revision(connection)
            if revision is None:
                raise Conflict("The database is not set up yet; there is nothing to back up.")
            tables, columns = {}, {}
            partitions = [asdict(partition) for partition in table_copies.list_partitions(connection)]
            for table in table_copies.list_tables(connection):
                progress(table)
                columns[table] = table_copies.list_columns(connection, table)
                tables[table] = table_copies.count_rows(connection, table)
                blocks = table_copies.read(connection, table, columns[table])
                digests[f"tables/{table}"] = _add(archive, f"tables/{table}", blocks)
            # After the rows: a sequence that went on meanwhile is ahead of them, which does no harm.
            sequences = table_copies.list_sequences(connection)
        for name, path in _files(config):
            digests[name] = _add(archive, name, _read_file(path))
            modes[name] = path.stat().st_mode & 0o777
        digests[_SECRET] = _add(archive, _SECRET, iter([config.secret.hex().encode() + b"\n"]))
        manifest = Manifest(
            format=FORMAT,
            version=version,
            revision=revision,
            taken_at=now.isoformat(timespec="seconds"),
            home=str(config.home),
            tables=tables,
            columns=columns,
            partitions=partitions,
            sequences=sequences,
            modes=modes,
            digests=digests,
        )
        archive.writestr(MANIFEST, json.dumps(asdict(manifest), indent=1))
    return manifest


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was opened."""

    archive: zipfile.ZipFile
    manifest: Manifest

    def read(self, name: str) -> Iterator[bytes]:
        """
        Yield a member in blocks.

        Raises:
            BadInput: It is damaged: the digest differs from the one in the manifest.
        """
        digest = hashlib.sha256()
        try:
            with self.archive.open(name) as member:
                while block := member.read(_BLOCK):
                    digest.update(block)
                    yield block
        except (KeyError, zipfile.BadZipFile, EOFError) as error:
            raise BadInput(f"The backup is damaged at {name}: {error}.") from None
        if digest.hexdigest() != self.manifest.digests.get(name):
            raise BadInput(f"The backup is damaged at {name}: it is not what was written.")


def read_backup(file: IO[bytes]) -> Backup:
    """
    Open a backup.

    Raises:
        BadInput: It is none, it was cut off, or a later release has written it.
    """
    try:
        archive = zipfile.ZipFile(file)
        manifest = Manifest(**json.loads(archive.read(MANIFEST)))
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError, EOFError):
        raise BadInput("This is no backup, or it was cut off while it was written.") from None
    if manifest.format != FORMAT:
        raise BadInput(f"This backup has the format {manifest.format}, and this release reads {FORMAT}.")
    return Backup(archive, manifest)


def check_empty(connection: Connection) -> None:
    """
    Refuse a database that is in use.

    Raises:
        Conflict: It has brands.
    """
    if table_copies.find_revision(connection) is None:
        return
    if connection.execute("SELECT EXISTS (SELECT FROM brands)").fetchone() == (True,):
        raise Conflict("The database has brands already. A backup is restored into an empty one; nothing was changed.")


def check_home(home: Path) -> None:
    """
    Refuse a home that is in use.

    Raises:
        Conflict: There is something in it.
    """
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise Conflict(f"{home} is not empty. A backup is restored into an empty home; nothing was changed.")


def restore_files(backup: Backup, home: Path) -> list[str]:
    """
    Put secrets, keys, settings and files into an empty *home*; return the settings that name files elsewhere.

    Raises:
        BadInput: The backup is damaged.
        Conflict: The home is not empty.
    """
    check_home(home)
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    for name in sorted(backup.manifest.digests):
        target = _place(home, name)
        if target is None:
            continue
        for folder in reversed(target.relative_to(home).parents):
            (home / folder).mkdir(mode=0o700, exist_ok=True)
        content = b"".join(backup.read(name))
        target.touch(mode=0o600)
        if name == f"{_HOME}{SETTINGS_FILE}":
            content = _moved(content.decode(), Path(backup.manifest.home), home).encode()
        target.write_bytes(content)
        target.chmod(backup.manifest.modes.get(name, 0o600))
    settings = home / SETTINGS_FILE
    if not settings.exists():
        # It was run by variables of the environment alone; these three no longer need to be set.
        settings.touch(mode=0o600)
        settings.write_text(_moved("", home, home), encoding="utf-8")
    return _outside(home)


def restore_rows(
    backup: Backup, connection: Connection, *, progress: Callable[[str], None] = lambda _table: None
) -> None:
    """
    Put the rows into a database whose schema is at the revision of the backup; commit is the caller's.

    Raises:
        BadInput: The backup is damaged, or its rows are not those of this schema.
    """
    manifest = backup.manifest
    there = table_copies.list_tables(connection)
    if set(there) != set(manifest.tables):
        odd = ", ".join(sorted(set(there) ^ set(manifest.tables)))
        raise BadInput(f"The backup does not have the tables of revision {manifest.revision}: {odd}.")
    table_copies.make_partitions(connection, (Partition(**each) for each in manifest.partitions))
    with table_copies.silenced(connection, there):
        table_copies.clear(connection, there)
        for table in there:
            progress(table)
            table_copies.write(connection, table, manifest.columns[table], backup.read(f"tables/{table}"))
            if (found := table_copies.count_rows(connection, table)) != manifest.tables[table]:
                raise BadInput(f"{table} has {found} rows, and the backup was taken of {manifest.tables[table]}.")
    table_copies.set_sequences(connection, manifest.sequences)


# --- Private ---------------------------------------------------------------------------------------------------------


def _files(config: Config) -> Iterator[tuple[str, Path]]:
    """Yield every file of an installation under its name in a backup; the secret is a value, and not among them."""
    yield _PASSPHRASE, config.passphrase_file
    keys, passphrase = config.keys_dir.resolve(), config.passphrase_file.resolve()
    if keys.exists():
        yield from ((f"{_KEYS}{path.relative_to(keys)}", path) for path in _walk(keys))
    for path in _walk(config.home):
        inside = path.relative_to(config.home)
        is_told = path.resolve() == passphrase or path.resolve().is_relative_to(keys)
        if inside.parts[0] not in _LEFT_OUT and not is_told and str(inside) != _SECRET:
            yield f"{_HOME}{inside}", path


def _walk(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())


def _read_file(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block


def _add(archive: zipfile.ZipFile, name: str, blocks: Iterator[bytes]) -> str:
    digest = hashlib.sha256()
    with archive.open(name, "w", force_zip64=True) as member:
        # Rows come one by one; the compressor is given large pieces.
        gathered = bytearray()
        for block in blocks:
            digest.update(block)
            gathered += block
            if len(gathered) >= _BLOCK:
                member.write(bytes(gathered))
                gathered.clear()
        member.write(bytes(gathered))
    return digest.hexdigest()


def _place(home: Path, name: str) -> Path | None:
    """Return where a member of a backup belongs; None for rows. A name never leads out of the home."""
    inside = name.removeprefix(_HOME)
    if name.startswith("tables/"):
        return None
    target = (home / inside).resolve()
    if not target.is_relative_to(home.resolve()) or target == home.resolve():
        raise BadInput(f"The backup names a file outside of the home: {name!r}.")
    return home / inside


def _moved(settings: str, before: Path, after: Path) -> str:
    """Let settings that name the former home name the new one; secret, passphrase and keys lie in the home now."""
    ours = {
        "AUTHSVC_SECRET_FILE": after / _SECRET,
        "AUTHSVC_PASSPHRASE_FILE": after / _PASSPHRASE,
        "AUTHSVC_KEYS_DIR": after / "keys",
    }
    lines = []
    for line in settings.splitlines():
        name, equals, value = line.partition("=")
        if name.strip() in {*ours, "AUTHSVC_SECRET"} and equals:
            continue
        if equals and not line.lstrip().startswith("#") and Path(value.strip()).is_relative_to(before):
            line = f"{name}={after / Path(value.strip()).relative_to(before)}"  # noqa: PLW2901  the same setting, moved
        lines.append(line)
    return "\n".join([*lines, *(f"{name}={path}" for name, path in ours.items())]) + "\n"


def _outside(home: Path) -> list[str]:
    file = home / SETTINGS_FILE
    if not file.exists():
        return []
    pairs = (line.split("=", 1) for line in file.read_text(encoding="utf-8").splitlines() if "=" in line)
    return sorted(
        name.strip()
        for name, value in pairs
        if not name.startswith("#") and value.strip().startswith("/") and not Path(value.strip()).is_relative_to(home)
    )
