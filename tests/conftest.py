"""
What every test may use: a real PostgreSQL, a fresh database, a session that is rolled back, a cast of two brands.

``AUTHSVC_TEST_SERVER=debian`` runs the same tests on Debian's PostgreSQL 15 in place of the embedded 18. Builders are
functions that take a session, so that a test decides what is committed.
"""

import contextlib
import itertools
import os
import random
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import postman
import psycopg
import pytest
from receiver import Server, running
from scene import Scene
from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from authsvc import catalogue, db, signing_keys, webhooks
from authsvc.config import Config
from authsvc.core.register import Brand, Product
from authsvc.core.wrapping import derive_key
from authsvc.deliveries import Courier
from authsvc.outbound import Client

DEBIAN_BIN = Path("/usr/lib/postgresql/15/bin")
ROOM = 4 * 2**30
TEMPLATE = "authsvc_template"
SECRET = bytes(range(32))
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
WRAPPING_KEY = derive_key(SECRET, "wrapping")
GTINS = {"serial": "09506000134352", "hybrid": "09506000134369", "batch": "09506000134376"}

_numbers = itertools.count(1)

# Settings of the person who runs the tests are not ours, and a setting that authsvc does not know is refused.
_settings = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("AUTHSVC_")}


# --- The run ---------------------------------------------------------------------------------------------------------


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On another server, leave out what asks none: it was shown on the first, and would show the same again."""
    if _settings.get("AUTHSVC_TEST_SERVER", "embedded") == "embedded":
        return
    left_out = [item for item in items if "postgres" not in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if "postgres" in getattr(item, "fixturenames", ())]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """Fail a test that is skipped where everything must run."""
    report = yield
    return _without_excuse(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    """Fail a file that is skipped as a whole where everything must run."""
    report = yield
    return _without_excuse(report)


def _without_excuse(report: Any) -> Any:
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"Under CI nothing is skipped. {report.longrepr}"
    return report


# --- The database ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Run a private PostgreSQL with a migrated template database; yield the address of its maintenance database."""
    kind = _settings.get("AUTHSVC_TEST_SERVER", "embedded")
    with tempfile.TemporaryDirectory(prefix="authsvc-test-", dir=_memory()) as folder:
        server = {"embedded": db.embedded, "debian": _debian_server}[kind]
        with server(Path(folder) / "postgres") as url:
            # Nobody cuts the power of a test; dropping a database would wait for the disk otherwise.
            _execute(url, "ALTER SYSTEM SET fsync = off")
            _execute(url, "SELECT pg_reload_conf()")
            _execute(url, f"CREATE DATABASE {TEMPLATE}")
            db.upgrade(in_database(url, TEMPLATE))
            yield url


@pytest.fixture
def database(postgres: str) -> Iterator[str]:
    """Yield the address of a database of its own, migrated and empty: for commands, threads and real commits."""
    with _database(postgres) as url:
        yield url


@pytest.fixture(scope="session")
def engine(postgres: str) -> Iterator[Engine]:
    """Yield an engine on the database that all rolled-back sessions share."""
    with _database(postgres) as url:
        engine = db.make_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """Yield a session whose commits end in a savepoint that is rolled back after the test."""
    with engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session:
            yield session
        outer.rollback()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Return the settings of an installation in a folder of its own; it names no database."""
    secrets = tmp_path / "secrets"
    for folder in secrets, tmp_path / "keys":
        folder.mkdir(mode=0o700)
    for name, content in (("secret", SECRET.hex()), ("passphrase", "a passphrase for tests")):
        (secrets / name).write_text(content + "\n")
        (secrets / name).chmod(0o600)
    return Config(
        home=tmp_path,
        secret=SECRET,
        base_url="https://id.example.com",
        keys_dir=tmp_path / "keys",
        passphrase_file=secrets / "passphrase",
    )


def in_database(url: str, name: str) -> str:
    """Return the address of another database of the same server."""
    return make_url(url).set(database=name).render_as_string(hide_password=False)


@contextlib.contextmanager
def _database(url: str) -> Iterator[str]:
    name = f"authsvc_{next(_numbers)}"
    # Files are copied: to write every page of the template into the log takes three times as long.
    _execute(url, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
    try:
        yield in_database(url, name)
    finally:
        _execute(url, f"DROP DATABASE {name} WITH (FORCE)")


def _memory() -> str | None:
    """Return a folder in memory for the server, where there is room: a database of 13 MB is made for many a test."""
    memory = Path("/dev/shm")
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > ROOM else None


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


@contextlib.contextmanager
def _debian_server(folder: Path) -> Iterator[str]:
    """Run Debian's PostgreSQL; it refuses to be started by root, who lends it to nobody."""
    prefix: list[str | Path] = []
    folder.mkdir()
    if os.geteuid() == 0:
        prefix = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"]
        folder.parent.chmod(0o755)
        shutil.chown(folder, "nobody", "nogroup")
    data, options = folder / "data", f"-c listen_addresses= -c fsync=off -k {folder}"
    initdb: list[str | Path] = [
        DEBIAN_BIN / "initdb",
        "-D",
        data,
        "-A",
        "trust",
        "-U",
        "postgres",
        "-E",
        "UTF8",
        "--no-sync",
    ]
    subprocess.run([*prefix, *initdb], check=True, stdout=subprocess.DEVNULL)
    control: list[str | Path] = [*prefix, DEBIAN_BIN / "pg_ctl", "-D", data, "-l", folder / "log", "-s", "-w"]
    subprocess.run([*control, "-o", options, "start"], check=True)
    try:
        yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        subprocess.run([*control, "-m", "fast", "stop"], check=True)


# --- The cast --------------------------------------------------------------------------------------------------------

MakeBrand = Callable[..., Brand]
MakeProduct = Callable[..., Product]


@pytest.fixture
def rand() -> Callable[[int], bytes]:
    """Return random bytes that are the same in every run."""
    return random.Random(7).randbytes


@pytest.fixture
def now() -> datetime:
    """Return the time at which all of this happens."""
    return NOW


@pytest.fixture
def wrapping_key() -> bytes:
    """Return the key that wraps the brands' secret keys, which follows from the secret of ``config``."""
    return WRAPPING_KEY


@pytest.fixture
def make_brand(rand: Callable[[int], bytes]) -> MakeBrand:
    """Return the builder of brands, which have a serial key and a claim key."""

    def make(session: Session, slug: str = "halden", **values: Any) -> Brand:
        fields: dict[str, Any] = {"name": slug.title(), "prefixes": ("9506000",), **values}
        brand = Brand(id=UUID(bytes=rand(16), version=4), slug=slug, **fields)
        catalogue.add_brand(session, brand, now=NOW)
        signing_keys.add_serial_key(session, brand.id, wrapping_key=WRAPPING_KEY, random=rand)
        signing_keys.add_claim_key(session, brand.id, wrapping_key=WRAPPING_KEY, random=rand)
        return brand

    return make


@pytest.fixture
def make_product() -> MakeProduct:
    """Return the builder of products; without a GTIN, each granularity has one under the prefix 9506000."""

    def make(session: Session, brand: Brand, granularity: str = "serial", **cells: Any) -> Product:
        row = {
            "gtin": GTINS[granularity],
            "brand": brand.slug,
            "name": f"{brand.name} {granularity}",
            "granularity": granularity,
            **cells,
        }
        catalogue.import_products(session, [(2, row)], read_image=lambda name: Path(name).read_bytes(), now=NOW)
        return catalogue.get_product(session, str(row["gtin"]))

    return make


@pytest.fixture
def brand(session: Session, make_brand: MakeBrand) -> Brand:
    """Return Halden, the brand that most tests are about."""
    return make_brand(session)


@pytest.fixture
def rival_brand(session: Session, make_brand: MakeBrand) -> Brand:
    """Return Rival, whose keys and codes must never count for Halden."""
    return make_brand(session, "rival", prefixes=("9521101",))


@pytest.fixture(scope="module")
def scene(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Yield brands, products, codes and an application in a database that the tests of one module share."""
    with _database(postgres) as url:
        scene = Scene(url, tmp_path_factory.mktemp("home"))
        yield scene
        scene.close()


# --- Deliveries ------------------------------------------------------------------------------------------------------


@pytest.fixture
def receiver() -> Iterator[Server]:
    """Yield a web server on the loopback that keeps what it is sent."""
    with running() as server:
        yield server


@pytest.fixture
def courier(scene: Scene) -> Iterator[Courier]:
    """A courier on the scene's database and clock; every test begins with an empty queue and no endpoint."""
    scene.admin.execute(
        "TRUNCATE procrastinate_jobs, events, webhook_endpoints, mails, alert_mails, alert_recipients CASCADE"
    )
    config = replace(scene.config, webhook_allow=postman.LOOPBACK, webhook_schedule=(5.0, 300.0))
    made = Courier.make(config, scene._sessions)
    made.client.close()
    client = Client(allow=postman.LOOPBACK, total_s=2)
    yield replace(made, client=client, now=scene.clock)
    client.close()


@pytest.fixture
def endpoint(scene: Scene, courier: Courier, receiver: Server) -> webhooks.NewSecret:
    """Return an endpoint of Halden at the receiver, for every event."""
    return postman.add(courier, scene.halden, receiver)


@pytest.fixture(scope="module")
def address(scene: Scene) -> Iterator[str]:
    """Serve the application on a port of this machine, for clients of their own."""
    server = make_server("127.0.0.1", 0, scene.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
