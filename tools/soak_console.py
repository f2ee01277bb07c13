"""
Fill the tables and time the console: ``python -m tools.soak_console --scans 10000000 --alerts 1000000``.

A private PostgreSQL in a temporary folder gets scans of 90 days over many items, products, lots and countries, refused
codes and alerts. The job counts them from nothing. Then each page is asked for as a signed-in person asks, several
times, and its slowest and median answer are told. Nothing else should run meanwhile.
"""

import json
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import click
import psycopg
from flask.testing import FlaskClient

from authsvc import catalogue, daily_counts, db, signing_keys, staff
from authsvc.app import create_app
from authsvc.config import Config
from authsvc.connections import Connections
from authsvc.core.clones import UNKNOWN_PLACE, Network
from authsvc.core.gs1 import check_digit
from authsvc.core.register import Brand
from authsvc.core.wrapping import derive_key
from authsvc.runtime import Runtime, new_id, utc_now
from authsvc.staff import Role

SECRET = bytes(range(32))
BASE_URL = "https://id.example.com"
EMAIL, PASSWORD = "soak@example.com", "a password for the soak"
PRODUCTS, LOTS, DAYS = 60, 10, 90
BATCH = 500_000
LIMIT_MS = 300.0
COUNTRIES = "DE,IT,FR,GB,PL,ES,US,BR,JP,CN,IN,VN,TR,MX,NG,ZA,AU,SE,NL,CH"

# One item in twenty is scanned often; the most of all 5,000 times or more.
_SCANS = """
INSERT INTO scans (sgtin, at, id, brand_id, gtin, visitor, prefix, country, latitude, longitude, radius_km, network,
  channel, is_weak, is_counted, confirmed_at, key_id, format, run, lot, scan_number, first_at, is_released, is_flagged)
SELECT p.gtin || '.' || lpad(to_hex(x.item::bigint), 12, '0'), x.at, gen_random_uuid(), %(brand)s, p.gtin,
  decode(md5(x.n::text), 'hex'), decode(md5((x.n / 3)::text), 'hex'),
  (string_to_array(%(countries)s, ','))[1 + (power(x.r, 3) * 20)::int %% 20], 50, 10, 300, 'fixed', 'camera', false,
  true, x.at, 1, 'ed25519', NULL, 'L' || (x.item %% %(lots)s::bigint), (x.n %% 3 + 1)::int, x.at, true, x.r > 0.999
FROM (SELECT n, random() AS r, CASE WHEN n %% 2000 = 0 THEN 1 ELSE (n * 2654435761) %% %(items)s::bigint END AS item,
    now() - (%(total)s - n)::float8 / %(total)s * %(days)s * interval '1 day' AS at FROM generate_series(%(first)s::bigint, %(last)s::bigint) n) x
JOIN (SELECT gtin, row_number() OVER (ORDER BY gtin) - 1 AS number FROM products) p
  ON p.number = x.item %% %(products)s::bigint"""
_REFUSED = """
INSERT INTO rejections (at, id, brand_id, reason, gtin, serial, is_typed, is_flagged, visitor, prefix, country, network,
  channel)
SELECT now() - random() * %(days)s::float8 * interval '1 day', gen_random_uuid(), %(brand)s, 'forged', p.gtin, to_hex(n), false,
  false, decode(md5(n::text), 'hex'), decode(md5(n::text), 'hex'), 'VN', 'fixed', 'camera'
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n JOIN (SELECT gtin, row_number() OVER (ORDER BY gtin) - 1 AS number
  FROM products) p ON p.number = n %% %(products)s::bigint"""
_ITEMS = """
INSERT INTO items (sgtin, brand_id, gtin, lot, seq, counted, confirmed, first_at, last_at, first_valid_at)
SELECT sgtin, brand_id, min(gtin), min(lot), count(*), count(*), count(*), min(at), max(at), min(at)
FROM scans GROUP BY sgtin, brand_id"""
_ALERTS = """
INSERT INTO alerts (sgtin, id, brand_id, rule, score, evidence, opened_at, closed_at)
SELECT 'x.' || n, gen_random_uuid(), %(brand)s, 'rule-' || n %% 7, random() * 20, '{}',
  now() - random() * %(days)s::float8 * interval '1 day', CASE WHEN n %% 20 > 0 THEN now() END
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n"""


def fill(
    connection: psycopg.Connection[Any], brand_id: UUID, scans: int, alerts: int, say: Callable[[str], None]
) -> None:
    """Insert what three months leave behind."""
    connection.execute("SET synchronous_commit = off")
    # The partitions of the past, which nobody makes otherwise.
    for parent in ("scans", "rejections"):
        for month in range(2, 5):
            connection.execute(
                f"DO $$ DECLARE m date := date_trunc('month', now()) - interval '{month} months'; BEGIN "  # noqa: S608  constants
                f"EXECUTE format('CREATE TABLE %I PARTITION OF {parent} FOR VALUES FROM (%L) TO (%L)', '{parent}_' || "
                "to_char(m, 'YYYYMM'), to_char(m, 'YYYY-MM-DD') || ' 00:00:00+00', "
                "to_char(m + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00'); END $$"
            )
    values = {
        "brand": brand_id, "countries": COUNTRIES, "lots": LOTS, "items": max(scans // 3, 1), "days": DAYS - 1,
        "products": PRODUCTS,
    }  # fmt: skip
    for name, statement, total in (
        ("scans", _SCANS, scans),
        ("refused", _REFUSED, scans // 50),
        ("alerts", _ALERTS, alerts),
    ):
        for first in range(0, total, BATCH):
            span = {"first": first, "last": min(first + BATCH, total) - 1, "total": total}
            connection.execute(statement, values | span)
            say(f"{name}: {span['last'] + 1:,} of {total:,}")
    connection.execute(_ITEMS)
    connection.execute("ANALYZE")
    connection.execute("VACUUM items, alerts")
    connection.execute("DELETE FROM job_marks WHERE job = 'days-counted'")


def sign_in(client: FlaskClient) -> None:
    """Sign in as a person does."""
    form = client.get("/console/sign-in", base_url=BASE_URL, headers={"Accept": "text/html"}).text
    token = re.search(r'name="form_token" value="([^"]+)"', form)
    assert token
    done = client.post(
        "/console/sign-in", base_url=BASE_URL, headers={"Origin": BASE_URL, "Sec-Fetch-Site": "same-origin"},
        data={"form_token": token[1], "email": EMAIL, "password": PASSWORD, "next": "/console/"},
    )  # fmt: skip
    assert done.status_code == 303, done.text


def measure(client: FlaskClient, path: str, times: int) -> dict[str, Any]:
    """Ask for a page several times, and say how long it took in milliseconds."""
    took = []
    for _ in range(times):
        started = time.perf_counter()
        answer = client.get(path, base_url=BASE_URL, headers={"Accept": "text/html"})
        took.append((time.perf_counter() - started) * 1000)
        assert answer.status_code == 200, (path, answer.status_code)
    return {"first": round(took[0], 1), "median": round(statistics.median(took), 1), "most": round(max(took), 1)}


def run(scans: int, alerts: int, times: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Do everything; return the figures."""
    with tempfile.TemporaryDirectory(prefix="authsvc-soak-") as folder, db.embedded(Path(folder) / "postgres") as url:
        db.upgrade(url)
        home = Path(folder) / "home"
        home.mkdir(mode=0o700)
        brand = Brand(id=uuid4(), slug="soak", name="Soak", prefixes=("9506000",))
        _register(url, brand)
        with psycopg.connect(url, autocommit=True) as connection:
            fill(connection, brand.id, scans, alerts, say)
            say("counting")
            started = time.perf_counter()
            daily_counts.count(connection, now=datetime.now(UTC))
            counted_s = time.perf_counter() - started
            started = time.perf_counter()
            daily_counts.count(connection, now=datetime.now(UTC) + timedelta(minutes=1))
            again_s = time.perf_counter() - started
            rows, sgtin = connection.execute(
                "SELECT (SELECT count(*) FROM daily_counts), (SELECT sgtin FROM items ORDER BY counted DESC LIMIT 1)"
            ).fetchone() or (0, "")
        config = Config(
            home=home, secret=SECRET, base_url=BASE_URL, database_url=url, keys_dir=home, passphrase_file=home / "none"
        )
        connections = Connections(url, role=db.SCAN_ROLE, wait_s=config.breaker_wait_s, probe_s=0.1)
        rt = Runtime.make(config, connections, lambda _: (UNKNOWN_PLACE, Network.UNKNOWN))
        app = create_app(config, runtime=replace(rt, now=utc_now))
        rt.keeper.refresh()
        client = app.test_client()
        sign_in(client)
        pages = {
            "overview, 7 days": "/console/?days=7",
            "overview, 30 days": "/console/?days=30",
            "overview, 90 days": "/console/?days=90",
            "item scanned most": f"/console/items/{sgtin}",
            "search, first characters": f"/console/search?q={sgtin.partition('.')[2][:6]}",
            "search, a serial": f"/console/search?q={sgtin.partition('.')[2]}",
        }
        figures = {name: measure(client, path, times) for name, path in pages.items()}
        app.extensions["authsvc.desk"].close()
        rt.keeper.stop()
        connections.close()
    return {
        "scans": scans, "alerts": alerts, "rows_of_counts": rows, "count_all_s": round(counted_s, 1),
        "count_more_s": round(again_s, 3), "pages_ms": figures,
    }  # fmt: skip


def _register(url: str, brand: Brand) -> None:
    wrapping_key = derive_key(SECRET, "wrapping")
    drawn = iter(range(1, PRODUCTS + 1))
    engine = db.make_engine(url)
    with db.make_sessions(engine).begin() as session:
        now = utc_now()
        catalogue.add_brand(session, brand, now=now)
        signing_keys.add_serial_key(session, brand.id, wrapping_key=wrapping_key, random=_random)
        rows = []
        for number in drawn:
            digits = f"09506000{number:05}"
            rows.append(
                (number + 1, {"gtin": digits + check_digit(digits), "brand": brand.slug, "name": f"Product {number}",
                              "granularity": "serial"})
            )  # fmt: skip
        catalogue.import_products(session, rows, read_image=lambda _: b"", now=now)
    with db.make_sessions(engine).begin() as session:
        invited = staff.invite(
            session, brand, EMAIL, Role.ADMIN, invited_by="The soak", now=now, new_id=new_id, random=_random
        )
        account_id = staff.open_account(session, EMAIL, "Soak", PASSWORD, now=now, new_id=new_id)
        staff.accept(session, invited, account_id, now=now)
    engine.dispose()


def _random(count: int) -> bytes:
    return uuid4().bytes[:count] if count <= 16 else uuid4().bytes + _random(count - 16)


@click.command()
@click.option("--scans", type=click.IntRange(1000), default=10_000_000, show_default=True, help="Scans to make.")
@click.option("--alerts", type=click.IntRange(0), default=1_000_000, show_default=True, help="Alerts to make.")
@click.option("--times", type=click.IntRange(1), default=7, show_default=True, help="How often each page is asked for.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def main(scans: int, alerts: int, times: int, *, as_json: bool) -> None:
    """Fill the tables and time the console."""
    report = run(scans, alerts, times, lambda text: click.echo(text, err=True))
    if as_json:
        click.echo(json.dumps(report, indent=1))
    else:
        click.echo(f"{scans:,} scans and {alerts:,} alerts; {report['rows_of_counts']:,} rows of counts")
        click.echo(f"counting all took {report['count_all_s']} s, counting what was new {report['count_more_s']} s")
        for name, took in report["pages_ms"].items():
            click.echo(f"{name:28} {took['median']:8.1f} ms (first {took['first']:.1f}, most {took['most']:.1f})")
    sys.exit(max(took["median"] for took in report["pages_ms"].values()) >= LIMIT_MS)


if __name__ == "__main__":
    main()
