"""
What the benchmarks run on: a database, an installation with one product, and the two web servers to compare.

Everything that is started here is stopped on the way out, also after Ctrl-C or a failure: each server leads a process
group of its own, and the whole group is ended. The database keeps PostgreSQL's default settings, so every scan that is
answered has been forced to disk.
"""

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import psycopg
from sqlalchemy.engine import make_url

from authsvc import catalogue, db, key_files
from authsvc.cli.brands import add_brand
from authsvc.cli.workplace import opened
from authsvc.config import Config
from authsvc.core.register import Brand

ROOT = Path(__file__).parent.parent
GTIN = "09506000134352"
HOST = "id.example.com"
WORKERS = len(os.sched_getaffinity(0))
BROWSER = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
    "Mobile/15E148 Safari/604.1"
)

AUTHSVC = (sys.executable, "-c", "from authsvc.cli import main; main()")
"""The command, by the interpreter that runs the benchmarks."""

_START_S = 20.0


@dataclass(frozen=True, slots=True)
class Stand:
    """One installation: its settings, the address of its database and the folder of that."""

    config: Config
    url: str
    data: Path

    @property
    def env(self) -> dict[str, str]:
        """The environment that a process of this installation needs."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AUTHSVC_")}
        return kept | {
            "AUTHSVC_HOME": str(self.config.home),
            "AUTHSVC_SECRET": self.config.secret.hex(),
            "AUTHSVC_DATABASE_URL": self.url,
            "AUTHSVC_PASSPHRASE_FILE": str(self.config.passphrase_file),
            "AUTHSVC_BASE_URL": f"https://{HOST}",
            "AUTHSVC_PROXY_HOPS": "1",
            "AUTHSVC_LOG_LEVEL": "warning",
        }

    def ask(self, statement: str, *, database: str | None = None) -> Any:
        """Run one statement and return the first value of its first row, or None."""
        with psycopg.connect(self.in_database(database) if database else self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None

    def in_database(self, name: str) -> str:
        """Return the address of another database of the same server."""
        return make_url(self.url).set(database=name).render_as_string(hide_password=False)

    def postmaster(self) -> psutil.Process:
        """Return the first process of the database; its children serve the connections."""
        return psutil.Process(int((self.data / "postmaster.pid").read_text(encoding="ascii").split()[0]))

    def stop_database(self) -> None:
        """Shut the database down, as an operator or an accident would, and leave the web server running."""
        postmaster = self.postmaster()
        postmaster.send_signal(signal.SIGINT)
        postmaster.wait(_START_S)


@contextlib.contextmanager
def stand() -> Iterator[Stand]:
    """Set an installation up in a folder of its own, with one brand, one product and one signing key."""
    with tempfile.TemporaryDirectory(prefix="authsvc-bench-") as folder:
        home = Path(folder)
        home.chmod(0o755)  # the embedded server gives up the rights of root and must still reach its data
        for name in "keys", "secrets":
            (home / name).mkdir(mode=key_files.FOLDER_MODE)
        passphrase = home / "secrets" / "passphrase"
        key_files.write_new(passphrase, secrets.token_hex(32).encode(), key_files.PRIVATE_MODE)
        with db.embedded(home / "postgres") as url:
            config = Config(
                home=home,
                secret=secrets.token_bytes(32),
                base_url=f"https://{HOST}",
                database_url=url,
                keys_dir=home / "keys",
                passphrase_file=passphrase,
                proxy_hops=1,
            )
            db.upgrade(url)
            register(config)
            yield Stand(config, url, home / "postgres")


def register(config: Config) -> None:
    """Register the brand and its product in the database of *config*, with every key that they need."""
    with opened(config) as place:
        brand = Brand(
            id=UUID(bytes=secrets.token_bytes(16), version=4),
            slug="halden",
            name="Halden",
            is_sandbox=False,
            prefixes=("9506000",),
            hosts=(HOST,),
            contact="care@halden.example",
        )
        add_brand(place, brand)
        product = {
            "gtin": GTIN,
            "brand": brand.slug,
            "name": "Halden Meridian 38",
            "granularity": "serial",
            "category": "watch",
            "description": "Steel case, blue dial, 38 mm.",
            "warranty_months": "24",
            "attributes": {"facts": [["Case", "Steel, 38 mm"], ["Dial", "Blue"], ["Movement", "Automatic"]]},
        }
        with place.sessions.begin() as session:
            catalogue.import_products(session, [(2, product)], read_image=_no_image, now=datetime.now(UTC))
        place.make_key(brand.id, "ed25519", None)


@contextlib.contextmanager
def hello() -> Iterator["WebServer"]:
    """Serve the bare Flask application that every throughput is compared with."""
    port = _free_port()
    with _running([sys.executable, "-m", "benchmarks.hello", str(port)], dict(os.environ), port, "/") as server:
        yield server


@contextlib.contextmanager
def service(at: Stand) -> Iterator["WebServer"]:
    """Serve the installation with ``authsvc serve``, as an operator does."""
    port = _free_port()
    command = [*AUTHSVC, "serve", "--port", str(port), "--workers", str(WORKERS)]
    with _running(command, at.env, port, "/livez") as server:
        yield server


@dataclass(frozen=True, slots=True)
class WebServer:
    """A running server: where it listens and the first of its processes."""

    port: int
    process: psutil.Process

    def get(self, target: str, **headers: str) -> Any:
        """Ask once and return the document; for checking that the right thing is measured."""
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}{target}", headers=headers)
        with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310  loopback
            body = answer.read().decode()
            return json.loads(body) if "json" in answer.headers["Content-Type"] else body


def cpu_seconds(process: psutil.Process) -> float:
    """Return the processor time that *process* and its children have used so far."""
    total = 0.0
    for each in [process, *process.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = each.cpu_times()
            total += times.user + times.system
    return total


@contextlib.contextmanager
def _running(command: list[str], env: Mapping[str, str], port: int, probe: str) -> Iterator[WebServer]:
    process = subprocess.Popen(command, cwd=ROOT, env=env, start_new_session=True)
    try:
        server = WebServer(port, psutil.Process(process.pid))
        _wait_until_up(server, process, probe)
        yield server
    finally:
        end_group(process)


def end_group(process: subprocess.Popen[Any]) -> None:
    """End a process and everything it has started, politely and then not."""
    for sign, wait_s in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(wait_s)
    # The group is empty now; a SIGKILL that finds nobody was not needed.


def _wait_until_up(server: WebServer, process: subprocess.Popen[Any], probe: str) -> None:
    until = time.monotonic() + _START_S
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError):
            server.get(probe)
            return
        time.sleep(0.1)
    raise RuntimeError(f"The server on port {server.port} did not come up.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _no_image(name: str) -> bytes:
    raise FileNotFoundError(name)
