"""
``authsvc serve``: the embedded database where there is no other, and the web workers before it.

The parent owns the database; when it ends, all end. The workers are told by the environment how they reach it, with a
login that may scan and do nothing else where there is one, and are not told the address of the owner.
"""

import contextlib
import gc
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click
from granian.constants import Interfaces, Loops
from granian.log import LogLevels
from granian.server import Server

from authsvc import db, key_files
from authsvc.cli.output import note
from authsvc.config import Config
from authsvc.errors import BadConfig, BadKey

if TYPE_CHECKING:
    from authsvc.web.front import Front

THREADS = 8
"""Threads of a worker for everything that is no scan; scans are answered by its event loop (``web.front``)."""

SHARED_MEMORY = "/dev/shm"  # noqa: S108  only folders that mkdtemp makes for us alone

STOP_S = 5
"""How long a worker may take to end, with what it answers just then."""


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Port to listen on.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--workers", type=click.IntRange(1, 256), help="Worker processes. [default: AUTHSVC_WORKERS, else 2]")
def serve(port: int, host: str, workers: int | None) -> None:
    """Answer scans on a local port until Ctrl-C."""
    config = Config.from_env(os.environ)
    check_address(host, port)
    note(f"Answering on http://{host}:{port} in a moment. Stop with Ctrl-C.")
    run(config, host=host, port=port, workers=workers)


def check_address(host: str, port: int) -> None:
    """
    See that nothing else listens there: the web server would say so in fifty lines, or share the port unnoticed.

    Raises:
        BadConfig: The address is taken, is none of this computer, or needs other rights.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # What was just closed is free.
            probe.bind(address)
            probe.listen()
    except OSError as error:
        raise BadConfig(
            f"Cannot listen on {host}:{port}: {error.strerror}. Choose another: --port N, or PORT=N with make demo."
        ) from error


def run(config: Config, *, host: str, port: int, workers: int | None = None) -> None:
    """
    Serve until a signal ends it.

    Raises:
        BadKey: A private key lies where others can read it.
        BadConfig: The login of the workers may not scan.
        Unavailable: The database does not answer.
    """
    if faults := key_files.check_modes(config.keys_dir):
        raise BadKey("\n".join(faults))
    meters = tempfile.mkdtemp(prefix="authsvc-meters-", dir=_memory())
    signal.signal(signal.SIGTERM, _end)
    try:
        with db.server(config) as url:
            db.upgrade(url)
            os.environ["AUTHSVC_HOME"] = str(config.home)
            os.environ["AUTHSVC_SCAN_DATABASE_URL"] = _check_login(db.web_url(config, url))
            os.environ["AUTHSVC_CONSOLE_DATABASE_URL"] = db.desk_url(config, url)
            # Empty, and not gone: the settings of the installation may name it too.
            os.environ["AUTHSVC_DATABASE_URL"] = os.environ["AUTHSVC_DATABASE_URL_FILE"] = ""
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = meters
            os.environ["AUTHSVC_DEMO"] = "1" if config.is_demo else "0"
            if "AUTHSVC_BASE_URL" not in os.environ and not _names_base_url(config.settings_file):
                os.environ["AUTHSVC_BASE_URL"] = f"http://{host}:{port}"
            server = Server(
                "authsvc.cli.serving:worker",
                factory=True,
                address=host,
                port=port,
                interface=Interfaces.RSGI,
                loop=Loops.uvloop,
                workers=workers or config.workers,
                websockets=False,
                respawn_failed_workers=True,
                workers_kill_timeout=STOP_S,
                log_level=LogLevels.warning,
            )
            with _jobs(config, url):
                server.serve()
    finally:
        shutil.rmtree(meters, ignore_errors=True)


@contextlib.contextmanager
def _jobs(config: Config, url: str) -> Iterator[None]:
    """Run the jobs beside the demo; anywhere else `authsvc worker` is a service of its own."""
    if not config.is_demo:
        yield
        return
    program = [sys.executable, "-c", "from authsvc.cli import main; main()", "worker"]
    env = os.environ | {"AUTHSVC_DATABASE_URL": url}
    process = subprocess.Popen(program, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603  ours
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _memory() -> str | None:
    """
    Return the folder for files that no disk need hold, or None for the usual one where there is no such.

    Each scan writes its figures into mapped files. While the disk is busy with the database's log, a page of a file on
    it that was just written out lets the writer wait, and with it all scans of a worker.
    """
    return SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK | os.X_OK) else None


def _check_login(url: str) -> str:
    login = db.examine_login(url)
    if not login.may_scan:
        raise BadConfig(
            f"The web processes log in as {login.name}, which may not scan. As its owner: "
            f"GRANT {db.SCAN_ROLE} TO {login.name}"
        )
    return url


def worker() -> "Front":
    """
    Make the application of one worker process.

    What is made until it answers lives as long as the process: the collector need not walk it, neither meanwhile nor
    later, and need not come at every few hundred objects, of which one scan makes and drops that many.
    """
    gc.disable()
    # Until its loop listens, a worker has the handlers of its parent, which would swallow the signal: then it is to end
    # at once. Ctrl-C comes to both, and is the parent's to pass on.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Here and not above: the figures of several workers are joined only where their folder is named before the import.
    from authsvc.app import create_front  # noqa: PLC0415

    front = create_front(threads=THREADS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    gc.enable()
    return front


def _names_base_url(file: Path) -> bool:
    """Whether the settings of an installation say it; ``init`` writes it down as a comment, which says nothing."""
    if not file.exists():
        return False
    return any(line.startswith("AUTHSVC_BASE_URL=") for line in file.read_text(encoding="utf-8").splitlines())


def _end(_signal: int, _frame: FrameType | None) -> None:
    """Turn SIGTERM into the way out that Ctrl-C takes, so that the database is stopped too."""
    raise KeyboardInterrupt
