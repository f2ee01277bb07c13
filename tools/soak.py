"""
Kill a loaded server again and again, and count what it had acknowledged: ``python -m tools.soak``.

A whole installation runs in a temporary folder: ``authsvc serve`` with its workers and the embedded PostgreSQL. Clients
scan random items, each scan with a cookie of its own, and keep every answer. In the middle of it the web server is
killed with SIGKILL, in every second round the database too, and started again. At the end every scan that was answered
with a receipt must be stored, under the number that the answer gave, and the counts must agree.

Only processes that this program has started are killed, each by its identity. A killed process is not a power cut: what
the disk does without power is PostgreSQL's ``fsync``, which stays on here.
"""

import base64
import contextlib
import csv
import dataclasses
import http.client
import json
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import click
import psutil
import psycopg

from authsvc import db, receipts

ROOT = Path(__file__).parent.parent
AUTHSVC = (sys.executable, "-c", "from authsvc.cli import main; main()")
GTIN = "09506000134352"
BROWSER = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile Safari/604.1"
ITEMS = 400
"""Enough that no item reaches the limit of scans a minute that are counted."""

LEAST_ANSWERS = 40
"""What a round must have had answered before its kill, so that every kill meets load."""

_START_S = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client was told about one scan that was recorded."""

    receipt: UUID
    sgtin: str
    number: int


@dataclass(slots=True)
class Diary:
    """All that the clients were told."""

    recorded: list[Answer] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came out. Nothing is lost when ``is_good``."""

    rounds: int
    database_kills: int
    seconds: float
    slowest_restart_s: float
    answered: int
    unconfirmed: int
    cut_off: int
    stored: int
    stored_unanswered: int
    lost: int
    items_miscounted: int
    processes_left: int

    @property
    def is_good(self) -> bool:
        """Whether no answered scan is missing, every count agrees and nothing was left running."""
        return self.answered > 0 and not (self.lost or self.items_miscounted or self.processes_left)


class Service:
    """One ``authsvc serve`` after the other, all on the same home and port."""

    def __init__(self, home: Path) -> None:
        self.data = home / "postgres"
        self.port = _free_port()
        self._env = {name: value for name, value in os.environ.items() if not name.startswith("AUTHSVC_")}
        # Each client stands behind a proxy, so that all of them together do not look like one flood.
        self._env |= {"AUTHSVC_HOME": str(home), "AUTHSVC_PROXY_HOPS": "1", "TMPDIR": str(home.parent)}
        self._server: subprocess.Popen[bytes] | None = None

    def command(self, *arguments: str) -> None:
        """Run one command of authsvc to its end."""
        subprocess.run([*AUTHSVC, *arguments], cwd=ROOT, env=self._env, check=True, capture_output=True)

    def start(self) -> float:
        """Start the server in a process group of its own; return how long it took until it answered."""
        started = time.monotonic()
        command = [*AUTHSVC, "serve", "--port", str(self.port)]
        self._server = subprocess.Popen(
            command, cwd=ROOT, env=self._env, start_new_session=True, stdout=subprocess.DEVNULL
        )
        while time.monotonic() - started < _START_S and self._server.poll() is None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
                with contextlib.closing(connection):
                    connection.request("GET", "/livez")
                    if connection.getresponse().status == 200:
                        return time.monotonic() - started
            time.sleep(0.05)
        raise RuntimeError("The server did not come up.")

    def kill(self, *, with_database: bool, pause_s: float) -> None:
        """Kill parent and workers at one blow; *with_database*, PostgreSQL first and the server *pause_s* later."""
        server = self._started()
        victims = _family(psutil.Process(server.pid))
        if with_database:
            postmaster = self._postmaster()
            assert postmaster is not None
            victims += _family(postmaster)
            postmaster.kill()
            time.sleep(pause_s)
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
        # The processes of PostgreSQL end by themselves when the first of them is gone; none may meet its successor.
        if _outlast(victims):
            raise RuntimeError("Killed processes are still there.")

    def stop(self) -> int:
        """Stop the server as an operator does; return how many of its processes are left."""
        server, postmaster = self._started(), self._postmaster()
        there = _family(psutil.Process(server.pid)) + (_family(postmaster) if postmaster else [])
        server.terminate()
        server.wait(_START_S)
        return len(_outlast(there))

    def clear(self) -> None:
        """End whatever is left after a failure."""
        if self._server is not None and self._server.poll() is None:
            os.killpg(self._server.pid, signal.SIGKILL)
            self._server.wait()
        if (postmaster := self._postmaster()) is not None:
            postmaster.kill()

    def _started(self) -> subprocess.Popen[bytes]:
        assert self._server is not None
        return self._server

    def _postmaster(self) -> psutil.Process | None:
        """Return the first process of our database, known by the folder that it serves."""
        with contextlib.suppress(FileNotFoundError, psutil.NoSuchProcess):
            process = psutil.Process(int((self.data / "postmaster.pid").read_text(encoding="ascii").split()[0]))
            if str(self.data) in process.cmdline():
                return process
        return None


def soak(rounds: int = 20, *, clients: int = 6, load_s: float = 2.5) -> Report:
    """Run the rounds; each loads the server for up to *load_s* seconds before it is killed."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="authsvc-soak-") as folder:
        Path(folder).chmod(0o755)  # The embedded database gives up the rights of root and must still reach its data.
        home = Path(folder).resolve() / "home"
        service = Service(home)
        try:
            targets = _register(service, home)
            diary, slowest = Diary(), 0.0
            rand = random.Random(rounds)  # noqa: S311  a workload, not a secret
            with _loaded(service.port, targets, clients, diary):
                for number in range(rounds):
                    slowest = max(slowest, service.start())
                    _wait_for_answers(diary)
                    time.sleep(rand.uniform(0.0, load_s))
                    service.kill(with_database=number % 2 == 1, pause_s=rand.uniform(0.0, 0.2))
                service.start()
                _wait_for_answers(diary)
            left = service.stop()
            with db.embedded(service.data) as url:
                stored, lost, miscounted = _compare(url, diary.recorded)
        finally:
            service.clear()
    return Report(
        rounds=rounds,
        database_kills=rounds // 2,
        seconds=round(time.monotonic() - began, 1),
        slowest_restart_s=round(slowest, 1),
        answered=len(diary.recorded),
        unconfirmed=diary.outcomes["unconfirmed"],
        cut_off=diary.outcomes["cut-off"],
        stored=stored,
        stored_unanswered=stored - len(diary.recorded) + lost,
        lost=lost,
        items_miscounted=miscounted,
        processes_left=left,
    )


@click.command()
@click.option("--rounds", type=click.IntRange(1), default=20, show_default=True, help="How many kills.")
@click.option("--clients", type=click.IntRange(1), default=6, show_default=True, help="Client threads.")
@click.option("--load", type=float, default=2.5, show_default=True, help="Seconds of load before a kill, at most.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program.")
def main(rounds: int, clients: int, load: float, as_json: bool) -> None:
    """Kill a loaded server again and again, and check that no scan that was answered is lost."""
    report = soak(rounds, clients=clients, load_s=load)
    figures = dataclasses.asdict(report)
    if as_json:
        click.echo(json.dumps(figures))
    else:
        for name, figure in figures.items():
            click.echo(f"{name.replace('_', ' '):<20}{figure:>10,}")
        click.echo("Nothing that was answered is lost." if report.is_good else "This is a fault.")
    raise SystemExit(0 if report.is_good else 1)


# --- The installation and its clients --------------------------------------------------------------------------------


def _register(service: Service, home: Path) -> list[str]:
    """Set the installation up with the commands that an operator uses; return the targets to ask for."""
    products, codes = home.parent / "products.csv", home.parent / "codes.csv"
    products.write_text(f"gtin,brand,name,granularity\n{GTIN},halden,Halden Watch,serial\n", encoding="utf-8")
    service.command("init")
    service.command("brands", "add", "halden", "--name", "Halden", "--gcp", "9506000")
    service.command("products", "import", str(products))
    service.command("keys", "new", "--brand", "halden")
    service.command("issue", "--gtin", GTIN, "--lot", "SOAK", "--count", str(ITEMS), "--out", str(codes))
    with codes.open(encoding="utf-8", newline="") as lines:
        return [row["uri"][row["uri"].index("/01/") :] for row in csv.DictReader(lines)]


@contextlib.contextmanager
def _loaded(port: int, targets: list[str], clients: int, diary: Diary) -> Iterator[None]:
    """Keep *clients* threads scanning, also while nobody answers."""
    ended = threading.Event()
    threads = [threading.Thread(target=_scan, args=(ended, port, targets, diary)) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _scan(ended: threading.Event, port: int, targets: list[str], diary: Diary) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    while not ended.is_set():
        cookie = base64.urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b"=").decode()
        headers = {
            "Accept": "application/json",
            "User-Agent": BROWSER,
            "Cookie": f"v={cookie}",
            # A private address: it has no place and stands in no list of data centres.
            "X-Forwarded-For": ".".join(["10", *(str(byte) for byte in secrets.token_bytes(3))]),
        }
        try:
            connection.request("GET", secrets.choice(targets), headers=headers)
            response = connection.getresponse()
            document = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError):
            # Cut off: the scan may be stored or not, and nobody was told either.
            connection.close()
            diary.outcomes["cut-off"] += 1
            ended.wait(0.05)
            continue
        if response.status != 200 or document["receipt"] is None:
            diary.outcomes["unconfirmed"] += 1
            continue
        item = document["item"]
        answer = Answer(receipts.parse(document["receipt"]), f"{item['gtin']}.{item['serial']}", item["scan_number"])
        diary.recorded.append(answer)
    connection.close()


def _wait_for_answers(diary: Diary) -> None:
    wanted, until = len(diary.recorded) + LEAST_ANSWERS, time.monotonic() + _START_S
    while len(diary.recorded) < wanted:
        if time.monotonic() > until:
            raise RuntimeError(f"The server is up and records nothing: {dict(diary.outcomes)}.")
        time.sleep(0.02)


# --- The reckoning ---------------------------------------------------------------------------------------------------


def _compare(url: str, answers: list[Answer]) -> tuple[int, int, int]:
    """Return how many scans are stored, how many answers are not among them, and how many items count wrongly."""
    with psycopg.connect(url) as connection:
        scans = connection.execute("SELECT id, sgtin, scan_number, is_counted FROM scans").fetchall()
        items: dict[str, int] = dict(connection.execute("SELECT sgtin, counted FROM items").fetchall())
        visitors: dict[str, int] = dict(
            connection.execute("SELECT sgtin, count(*) FROM sightings GROUP BY sgtin").fetchall()
        )
    stored = {Answer(row[0], row[1], row[2]) for row in scans}
    numbers: dict[str, list[int]] = {}
    for _, sgtin, number, is_counted in scans:
        if is_counted:
            numbers.setdefault(sgtin, []).append(number)
    # Every scan had a cookie of its own: each counts, once, and the numbers of an item have neither gap nor double.
    miscounted = sum(
        sorted(numbers.get(sgtin, [])) != list(range(1, items.get(sgtin, 0) + 1))
        or items.get(sgtin) != visitors.get(sgtin)
        for sgtin in items.keys() | numbers.keys() | visitors.keys()
    )
    return len(scans), sum(answer not in stored for answer in answers), miscounted


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def _outlast(processes: list[psutil.Process], wait_s: float = 10.0) -> list[psutil.Process]:
    """Wait for the end of *processes*; return those that are still there."""
    until = time.monotonic() + wait_s
    while (there := [process for process in processes if _is_there(process)]) and time.monotonic() < until:
        time.sleep(0.02)
    return there


def _is_there(process: psutil.Process) -> bool:
    try:
        # A zombie runs no more; how soon it is buried is up to whoever inherited it.
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _free_port() -> int:
    # Below the ports that clients are given: a client that knocks on such a port while nobody listens there can be
    # connected with itself, and keep the server from it.
    while True:
        port = 20_000 + secrets.randbelow(10_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


if __name__ == "__main__":
    main()
