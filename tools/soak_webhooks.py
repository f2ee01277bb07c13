"""
Kill the workers again and again while they deliver to a receiver that fails: ``python -m tools.soak_webhooks``.

A private PostgreSQL and two processes ``authsvc worker`` run in a temporary folder. Alerts are raised as scans raise
them, some of them in transactions that are rolled back. What the receiver does follows from the ``webhook-id``: it
takes a delivery at once, or drops it, answers 500, 503, 302, is slow or takes it and hangs up, a few times before it
takes it for good, or it never takes it. It checks every signature by code of its own. Half-way a secret is rotated.

At the end every delivery of a committed act must be delivered, and have been taken, or be in the dead list, and be one
that is never taken; nothing of an act that was rolled back may have been sent, and no job may be left. Only processes
that this program has started are killed.
"""

import base64
import contextlib
import dataclasses
import ipaddress
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import click
import psycopg

from authsvc import catalogue, db, webhooks
from authsvc.core.register import Brand
from authsvc.core.wrapping import derive_key
from tools.flaky_receiver import Book, is_never, receiving

ROOT = Path(__file__).parent.parent
WORKER = (sys.executable, "-c", "from authsvc.cli import main; main()", "worker")
SECRET = bytes(range(32))
WAITS = ("0.2", "0.4", "0.8", "1", "1", "1", "1", "1", "1")
"""Between ten tries, as many as the real schedule has, within seconds."""

STALLED_AFTER_S = 2
WORKERS = 2
ENDPOINTS = ("a", "b")
_PATIENCE_S = 120.0
_ACTS_AT_A_TIME = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came out. Nothing is lost when ``is_good``."""

    deliveries: int
    worker_kills: int
    seconds: float
    tries: int
    delivered: int
    dead: int
    taken_twice: int
    lost: int
    delivered_but_never_taken: int
    dead_but_takeable: int
    of_acts_rolled_back: int
    wrong_signatures: int
    jobs_left: int
    faults: dict[str, int]

    @property
    def is_good(self) -> bool:
        """Whether every delivery ended as it must, signed, and nothing was sent that did not happen."""
        wrong = self.lost + self.delivered_but_never_taken + self.dead_but_takeable + self.of_acts_rolled_back
        return self.delivered > 0 and not wrong and not self.wrong_signatures and not self.jobs_left


class Workers:
    """Two workers at a time; one that is killed is replaced."""

    def __init__(self, home: Path, url: str, tries: int) -> None:
        self._home = home
        self._env = {name: value for name, value in os.environ.items() if not name.startswith("AUTHSVC_")} | {
            "AUTHSVC_HOME": str(home),
            "AUTHSVC_SECRET": SECRET.hex(),
            "AUTHSVC_DATABASE_URL": url,
            "AUTHSVC_WEBHOOK_ALLOW": "127.0.0.0/8",
            "AUTHSVC_WEBHOOK_SCHEDULE": ",".join(WAITS[: tries - 1]),
            "AUTHSVC_STALLED_AFTER": str(STALLED_AFTER_S),
        }
        self._running: list[subprocess.Popen[bytes]] = []

    def fill(self) -> None:
        """Start as many as there should be."""
        while len(self._running) < WORKERS:
            with (self._home / "worker.log").open("ab") as log:
                self._running.append(subprocess.Popen(WORKER, cwd=ROOT, env=self._env, stdout=log, stderr=log))

    def kill_one(self) -> None:
        """Kill the older one without a word, and start another."""
        process = self._running.pop(0)
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.fill()

    def clear(self) -> None:
        """Kill those that are left."""
        for process in self._running:
            process.kill()
            process.wait()


def soak(deliveries: int, kills: int, tries: int, *, has_hangs: bool, database: str | None = None) -> Report:
    """
    Raise alerts, kill workers, and compare what was sent with what must have been.

    *database* is the address of an empty database at the newest migration; without one, a private server is started.
    """
    began, book = time.monotonic(), Book(has_hangs=has_hangs)
    with tempfile.TemporaryDirectory(prefix="authsvc-soak-") as folder, receiving(book) as port:
        home = Path(folder) / "home"
        home.mkdir()
        with _database(Path(folder), database) as url:
            brand_id = _register(url, port, book)
            workers = Workers(home, url, tries)
            workers.fill()
            try:
                committed, rolled_back = _campaign(url, brand_id, deliveries, kills, workers, book)
            finally:
                workers.clear()
            return _compare(url, book, committed, rolled_back, kills=kills, seconds=round(time.monotonic() - began, 1))


@contextlib.contextmanager
def _database(folder: Path, given: str | None) -> Iterator[str]:
    if given is not None:
        yield given
        return
    with db.embedded(folder / "postgres") as url:
        db.upgrade(url)
        yield url


def _register(url: str, port: int, book: Book) -> UUID:
    brand = Brand(id=uuid4(), slug="halden", name="Halden", prefixes=("9506000",))
    engine = db.make_engine(url)
    with db.make_sessions(engine).begin() as session:
        catalogue.add_brand(session, brand, now=datetime.now(UTC))
        for name in ENDPOINTS:
            made = webhooks.add_endpoint(
                session,
                brand.id,
                uuid4(),
                url=f"http://127.0.0.1:{port}/{name}",
                description=name,
                allow=(ipaddress.ip_network("127.0.0.0/8"),),
                wrapping_key=derive_key(SECRET, "wrapping"),
                random=secrets.token_bytes,
                now=datetime.now(UTC),
            )
            book.secrets[name] = [base64.b64decode(made.text.removeprefix("whsec_"))]
    engine.dispose()
    return brand.id


def _rotate(url: str, brand_id: UUID, book: Book) -> None:
    engine = db.make_engine(url)
    now = datetime.now(UTC)
    with db.make_sessions(engine).begin() as session, book.lock:
        for endpoint in webhooks.list_endpoints(session, brand_id, now=now):
            made = webhooks.rotate_secret(
                session, brand_id, endpoint.id, wrapping_key=derive_key(SECRET, "wrapping"),
                random=secrets.token_bytes, now=now,
            )  # fmt: skip
            book.secrets[endpoint.description].append(base64.b64decode(made.text.removeprefix("whsec_")))
    engine.dispose()


# --- The campaign ----------------------------------------------------------------------------------------------------

_RAISE = """
INSERT INTO alerts (sgtin, id, brand_id, rule, score, evidence, opened_at)
SELECT '09506000134352.' || substr(i::text, 1, 20), i, %s, 'soak', 1, '{"parts": [{"text": "soak"}]}', now()
FROM unnest(%s::uuid[]) i"""

_LEFT = """
SELECT count(*) FROM procrastinate_jobs
WHERE task_name IN ('deliver_webhook', 'spread_event') AND status IN ('todo', 'doing', 'failed')"""

_ENDED = "SELECT count(*) FILTER (WHERE state <> 'waiting'), count(*) FROM webhook_deliveries"


def _campaign(
    url: str, brand_id: UUID, deliveries: int, kills: int, workers: Workers, book: Book
) -> tuple[set[str], set[str]]:
    """Raise the alerts while workers die; return the alerts that were committed and those that were not."""
    committed: set[str] = set()
    rolled_back: set[str] = set()
    acts = -(-deliveries // len(ENDPOINTS))
    total, killed, has_rotated = acts * len(ENDPOINTS), 0, False
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"SET ROLE {db.SCAN_ROLE}")
        owner = psycopg.connect(url, autocommit=True)
        moved_at, ended_before = time.monotonic(), -1
        with owner:
            while True:
                if len(committed) < acts:
                    _raise_some(
                        connection, brand_id, min(_ACTS_AT_A_TIME, acts - len(committed)), committed, rolled_back
                    )
                row = owner.execute(_ENDED).fetchone()
                assert row is not None
                ended = row[0]
                # Spread over the whole of it, each while there is work under way.
                if killed < kills and ended >= total * (killed + 1) // (kills + 1):
                    workers.kill_one()
                    killed += 1
                if not has_rotated and ended >= total // 2:
                    _rotate(url, brand_id, book)
                    has_rotated = True
                # A delivery ends a moment before its job, and the job of a worker that was killed is taken up again.
                if ended == total and killed == kills and owner.execute(_LEFT).fetchone() == (0,):
                    return committed, rolled_back
                if ended != ended_before:
                    moved_at, ended_before = time.monotonic(), ended
                if time.monotonic() - moved_at > _PATIENCE_S:
                    return committed, rolled_back
                time.sleep(0.25)


def _raise_some(
    connection: psycopg.Connection, brand_id: UUID, count: int, committed: set[str], rolled_back: set[str]
) -> None:
    """Raise alerts in one transaction, and others in one that comes to nothing."""
    fine, undone = [uuid4() for _ in range(count)], [uuid4() for _ in range(5)]
    with contextlib.suppress(psycopg.Rollback), connection.transaction():
        connection.execute(_RAISE, (brand_id, undone))
        raise psycopg.Rollback
    rolled_back |= {str(alert) for alert in undone}
    with connection.transaction():
        connection.execute(_RAISE, (brand_id, fine))
    committed |= {str(alert) for alert in fine}


# --- The reckoning ---------------------------------------------------------------------------------------------------

_RESULT = """
SELECT v.data->>'alert', 'evt_' || replace(v.id::text, '-', ''), e.description, d.state
FROM webhook_deliveries d JOIN events v ON v.id = d.event_id JOIN webhook_endpoints e ON e.id = d.endpoint_id"""


def _compare(url: str, book: Book, committed: set[str], rolled_back: set[str], *, kills: int, seconds: float) -> Report:
    with psycopg.connect(url) as connection:
        rows = connection.execute(_RESULT).fetchall()
        left = connection.execute(_LEFT).fetchone()
    assert left is not None
    states = {(identity, endpoint): state for _, identity, endpoint, state in rows}
    ended = {(alert, endpoint) for alert, _, endpoint, state in rows if state != "waiting"}
    delivered = {key for key, state in states.items() if state == "delivered"}
    dead = {key for key, state in states.items() if state == "dead"}
    taken = {key for key, count in book.taken.items() if count}
    return Report(
        deliveries=len(rows),
        worker_kills=kills,
        seconds=seconds,
        tries=book.tries.total(),
        delivered=len(delivered),
        dead=len(dead),
        taken_twice=sum(count > 1 for count in book.taken.values()),
        lost=len({(alert, endpoint) for alert in committed for endpoint in ENDPOINTS} - ended),
        delivered_but_never_taken=len(delivered - taken),
        dead_but_takeable=sum(not is_never(*key) for key in dead),
        of_acts_rolled_back=len(book.alerts & rolled_back) + len(book.alerts - committed - rolled_back),
        wrong_signatures=book.wrong,
        jobs_left=left[0],
        faults=dict(sorted(book.faults.items())),
    )


@click.command()
@click.option("--deliveries", type=click.IntRange(2), default=20_000, show_default=True, help="How many deliveries.")
@click.option("--kills", type=click.IntRange(0), default=20, show_default=True, help="How many workers are killed.")
@click.option("--tries", type=click.IntRange(6, 10), default=10, show_default=True, help="Tries of a delivery.")
@click.option("--hangs/--no-hangs", default=True, show_default=True, help="Let some tries run into the time limit.")
@click.option("--database", metavar="URL", help="An empty database. [default: a private server]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program.")
def main(deliveries: int, kills: int, tries: int, hangs: bool, database: str | None, as_json: bool) -> None:
    """Kill workers while they deliver to a flaky receiver, and check that every delivery ended as it must."""
    report = soak(deliveries, kills, tries, has_hangs=hangs, database=database)
    figures = dataclasses.asdict(report)
    if as_json:
        click.echo(json.dumps(figures))
    else:
        for name, figure in figures.items():
            shown = figure if isinstance(figure, dict) else f"{figure:>10,}"
            click.echo(f"{name.replace('_', ' '):<28}{shown}")
        click.echo("Nothing is lost, and nothing was sent unsigned." if report.is_good else "This is a fault.")
    raise SystemExit(0 if report.is_good else 1)


if __name__ == "__main__":
    main()
