"""``authsvc init`` and ``authsvc db``: the home of an installation and its database."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import click

from authsvc import db, key_files
from authsvc.cli.output import json_option, note, print_json
from authsvc.cli.workplace import refusing_database
from authsvc.config import SECRET_BYTES, SETTINGS_FILE, Config
from authsvc.errors import BadConfig

_SETTINGS = """\
# The settings of this installation. Variables of the environment with the same names override them.
# AUTHSVC_X_FILE names a file that holds X. `authsvc doctor` checks everything.
AUTHSVC_SECRET_FILE={home}/secrets/secret
AUTHSVC_PASSPHRASE_FILE={home}/secrets/passphrase
AUTHSVC_KEYS_DIR={home}/keys

# The address that people reach the service by; it stands in every code of a brand without a host of its own.
# AUTHSVC_BASE_URL=https://id.example.com
# Without this, a private PostgreSQL runs inside this folder.
# AUTHSVC_DATABASE_URL=postgresql://authsvc@db.example.com/authsvc
"""


@dataclass(frozen=True, slots=True)
class Home:
    """What ``init`` found or made."""

    home: Path
    made: list[str]
    revision: str | None


@click.command()
@json_option
def init(as_json: bool) -> None:
    """
    Make AUTHSVC_HOME (default: var): secrets, key folder, settings, database.

    Safe to run again: what is there stays.
    """
    found = make_home(Path(os.environ.get("AUTHSVC_HOME", "var")).absolute())
    if as_json:
        print_json(found)
        return
    for what in found.made:
        click.echo(f"made   {what}")
    click.echo(f"{found.home} is ready; its database is at revision {found.revision}.")
    note(f"Keep copies of {found.home / 'secrets'} and {found.home / 'keys'}: nothing can make them again.")
    note("Next: authsvc brands add SLUG --name NAME --gcp PREFIX")


@click.group("db")
def db_group() -> None:
    """Look after the database."""


@db_group.command()
@json_option
def upgrade(as_json: bool) -> None:
    """Bring the database to the newest migration of this release."""
    before, after = _upgrade(Config.from_env(os.environ))
    if as_json:
        print_json({"before": before, "after": after})
    elif before == after:
        click.echo(f"The database is at revision {after} already.")
    else:
        click.echo(f"The database went from revision {before or 'empty'} to {after}.")


def make_home(home: Path) -> Home:
    """
    Make what an installation needs in *home* and is not there yet.

    Raises:
        BadConfig: The folder cannot be written, or the settings do not fit together.
    """
    made: list[str] = []
    try:
        home.mkdir(parents=True, exist_ok=True)
        for folder in "secrets", "keys":
            if not (home / folder).exists():
                (home / folder).mkdir(mode=key_files.FOLDER_MODE)
                made.append(f"{home / folder}")
        for name, length in (("secret", SECRET_BYTES), ("passphrase", SECRET_BYTES)):
            _make(home / "secrets" / name, secrets.token_hex(length) + "\n", key_files.PRIVATE_MODE, made)
        _make(home / SETTINGS_FILE, _SETTINGS.format(home=home), key_files.PRIVATE_MODE, made)
    except OSError as error:
        raise BadConfig(f"{home} cannot be set up: {error}.") from None
    config = Config.from_env({**os.environ, "AUTHSVC_HOME": str(home)})
    before, after = _upgrade(config)
    if before != after:
        made.append(f"the database, at revision {after}" if before is None else f"the upgrade from revision {before}")
    return Home(home, made, after)


def _make(path: Path, content: str, mode: int, made: list[str]) -> None:
    if not path.exists():
        key_files.write_new(path, content.encode(), mode)
        made.append(str(path))


def _upgrade(config: Config) -> tuple[str | None, str | None]:
    with db.server(config) as url, refusing_database():
        db.check_server(url)
        engine = db.make_engine(url)
        try:
            before, _ = db.revisions(engine)
            db.upgrade(url)
            after, _ = db.revisions(engine)
        finally:
            engine.dispose()
    return before, after
