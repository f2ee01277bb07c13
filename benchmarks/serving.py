"""
Scans through the whole service: throughput against hello world, latency at a steady load, answers without a database.

The servers take turns, round by round, because a shared machine is never equally fast for a minute; a figure is the
middle one of its rounds. After each phase the database must hold one counted scan for every answer, or the run is void.
"""

import csv
import random
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from urllib.parse import urlsplit

from authsvc.core.clones import Network
from authsvc.places import Locator
from benchmarks.figures import Figure, Report, median
from benchmarks.load import HTML, JSON, Burst, Workload, burst, steady
from benchmarks.stand import BROWSER, Stand, WebServer, hello, service

SHARE_OF_LOAD = 0.7
LOG_FILES = 32
"""Files of the database's log, enough for all that is measured here."""


def measure(at: Stand, codes: Path, report: Report, *, rounds: int, seconds: float) -> None:
    """Measure scans as JSON and as a page, at full speed and at a steady load, and then with the database down."""
    work = Workload.write(at.config.home / "links.tsv", list(_pairs(codes)))
    nothing = Workload.write(at.config.home / "hello.tsv", [("/", "192.0.2.1")])
    _make_log_files(at)
    with hello() as bare, service(at) as server:
        _check(server, work, "first-check")
        database = at.postmaster()
        for target, load in ((bare, nothing), (server, work)):
            burst(target, load, HTML, min(seconds, 2.0))
        kinds: dict[str, tuple[WebServer, Workload, str]] = {
            "hello": (bare, nothing, JSON),
            "json": (server, work, JSON),
            "html": (server, work, HTML),
        }
        seen: dict[str, list[Burst]] = {name: [] for name in kinds}
        before = _counted(at)
        for _ in range(rounds):
            for name, (target, load, accept) in kinds.items():
                seen[name].append(burst(target, load, accept, seconds, database=database if target is server else None))
        answers = sum(each.requests for name in ("json", "html") for each in seen[name])
        _check_counted(_counted(at) - before, answers)
        report.raw["bursts"] = {name: [asdict(each) for each in bursts] for name, bursts in seen.items()}
        rates = {name: median([each.rate for each in bursts]) for name, bursts in seen.items()}
        report.add(_reference(rates["hello"], seen["hello"]))
        for name, words, least in (("json", "as JSON", 0.20), ("html", "as a page", 0.15)):
            report.add(_throughput(f"scan, durable and counted, {words}", seen[name], seen["hello"], least))
        for name, words in (("json", "as JSON"), ("html", "as a page")):
            _, load, accept = kinds[name]
            latency = steady(server, load, accept, rates[name] * SHARE_OF_LOAD, 2 * seconds)
            report.raw[f"steady_{name}"] = asdict(latency)
            report.add(
                Figure(
                    f"99 of 100 scans {words}, at {SHARE_OF_LOAD:.0%} of that load, answered within",
                    latency.p99_ms,
                    "ms",
                    target=50,
                    is_ceiling=True,
                    detail=f"{latency.rate:.0f}/s; half within {latency.p50_ms:.1f} ms, all within "
                    f"{latency.max_ms:.0f} ms; client {latency.client_share:.0%} of the CPU",
                )
            )
        at.stop_database()
        _await_outage(server, work)
        _measure_outage(bare, nothing, server, work, report, rounds=rounds, seconds=seconds)


def _make_log_files(at: Stand) -> None:
    """
    Give the database the files of its log that one has which has worked for a while, and writes into again and again.

    A new one makes each file of 16 MB when it is needed, and all scans wait meanwhile, 30 to 140 ms.
    """
    at.ask(f"ALTER SYSTEM SET min_wal_size = '{LOG_FILES * 16} MB'")
    at.ask("SELECT pg_reload_conf()")
    for _ in range(LOG_FILES):
        at.ask("SELECT pg_logical_emit_message(false, 'benchmarks', ''), pg_switch_wal()")
    at.ask("CHECKPOINT")


def _measure_outage(
    bare: WebServer,
    nothing: Workload,
    server: WebServer,
    work: Workload,
    report: Report,
    *,
    rounds: int,
    seconds: float,
) -> None:
    without: list[Burst] = []
    beside: list[Burst] = []
    for _ in range(rounds):
        beside.append(burst(bare, nothing, JSON, seconds / 2))
        without.append(burst(server, work, JSON, seconds / 2))
    report.raw["outage"] = {"hello": [asdict(each) for each in beside], "json": [asdict(each) for each in without]}
    report.add(_throughput("signature verdict, database down", without, beside, 0.40))


def _reference(rate: float, bursts: list[Burst]) -> Figure:
    web = median([each.web_us for each in bursts])
    client = median([each.client_share for each in bursts])
    return Figure("hello world (bare Flask)", rate, "/s", detail=f"web {web:.0f} us; client {client:.0%} of the CPU")


def _throughput(name: str, bursts: list[Burst], beside: list[Burst], target: float) -> Figure:
    """
    Compare each round with its hello world; the ratio is the middle one of the rounds.

    The same by processor time, of clients and all, stands in the notes: other tenants of the machine change it less.
    """
    pairs = list(zip(bursts, beside, strict=True))
    by_time = median([_spent_us(other) / _spent_us(each) for each, other in pairs])
    web, database = median([each.web_us for each in bursts]), median([each.database_us for each in bursts])
    client = median([each.client_share for each in bursts])
    parts = [f"web {web:.0f} us", *([f"database {database:.0f} us"] if database else [])]
    return Figure(
        name,
        median([each.rate for each in bursts]),
        "/s",
        reference=f"{median([each.rate for each in beside]):,.0f} /s",
        ratio=median([each.rate / other.rate for each, other in pairs]),
        target=target,
        detail=", ".join(parts) + f"; client {client:.0%} of the CPU; by processor time {by_time:.2f}",
    )


def _spent_us(burst: Burst) -> float:
    return burst.web_us + burst.database_us + burst.client_us


def _pairs(codes: Path) -> Iterator[tuple[str, str]]:
    """Yield each link with an address of its own that no list knows as a data centre: its scan will be counted."""
    locate = Locator().locate
    draw = random.Random(1)
    with codes.open(encoding="ascii", newline="") as file:
        for row in csv.DictReader(file):
            parts = urlsplit(row["uri"])
            while True:
                address = (
                    f"{draw.randrange(77, 96)}.{draw.randrange(256)}.{draw.randrange(256)}.{draw.randrange(1, 255)}"
                )
                if locate(address)[1] is not Network.DATACENTRE:
                    break
            yield f"{parts.path}?{parts.query}", address


def _check(server: WebServer, work: Workload, reason: str) -> None:
    """Ask as the load will, and see that the answer is the one to be measured."""
    target, address = work.pairs()[-1]
    answer = server.get(target, Accept=JSON, **{"User-Agent": BROWSER, "X-Forwarded-For": address})
    if answer["reason"] != reason or answer["signature"]["valid"] is not True:
        raise RuntimeError(f"A scan was to be {reason}, and the service said {answer['reason']}.")


def _await_outage(server: WebServer, work: Workload) -> None:
    """Wait until every worker has noticed: the first scans after the end of the database find out."""
    for _ in range(50):
        _check(server, work, "unavailable")
        time.sleep(0.02)


def _counted(at: Stand) -> int:
    return int(at.ask("SELECT coalesce(sum(counted), 0) FROM items"))


def _check_counted(stored: int, answered: int) -> None:
    # What was in flight when a burst ended is stored and not answered; the other way round would be a lost scan.
    if not answered <= stored <= answered * 1.05 + 200:
        raise RuntimeError(f"{answered} scans were answered and {stored} are counted: the measurement is void.")
