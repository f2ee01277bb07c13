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
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import click
import psycopg
from flask import Flask
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
from tools import soak_rows

SECRET = bytes(range(32))
BASE_URL = "https://id.example.com"
EMAIL, PASSWORD = "soak@example.com", "a password for the soak"
LIMIT_MS = 300.0


def sign_in(app: Flask) -> FlaskClient:
    """Sign in as a person does, in a browser that is new."""
    client = app.test_client()
    form = client.get("/console/sign-in", base_url=BASE_URL, headers={"Accept": "text/html"}).text
    token = re.search(r'name="form_token" value="([^"]+)"', form)
    assert token
    done = client.post(
        "/console/sign-in", base_url=BASE_URL, headers={"Origin": BASE_URL, "Sec-Fetch-Site": "same-origin"},
        data={"form_token": token[1], "email": EMAIL, "password": PASSWORD, "next": "/console/"},
    )  # fmt: skip
    assert done.status_code == 303, done.text
    return client


def measure(client: FlaskClient, path: str, times: int) -> dict[str, Any]:
    """Ask for a page several times, and say how long it took in milliseconds."""
    took = []
    for _ in range(times):
        started = time.perf_counter()
        answer = client.get(path, base_url=BASE_URL, headers={"Accept": "text/html"})
        took.append((time.perf_counter() - started) * 1000)
        if answer.status_code != HTTPStatus.OK:
            raise SystemExit(f"{path} answered {answer.status_code} {answer.location or ''}")
    return {"median": round(statistics.median(took), 1), "most": round(max(took), 1)}


def run(folder: Path, scans: int, alerts: int, times: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Do everything; return the figures. A folder that was filled before is measured again as it is."""
    filled, home = folder / "filled.json", folder / "home"
    with db.embedded(folder / "postgres") as url:
        db.upgrade(url)
        if not filled.exists():
            filled.write_text(json.dumps(_fill(url, home, scans, alerts, say)), encoding="utf-8")
        report = json.loads(filled.read_text(encoding="utf-8"))
        with psycopg.connect(url, autocommit=True) as connection:
            daily_counts.count(connection, now=datetime.now(UTC))
            named = _named(connection)
        config = Config(
            home=home, secret=SECRET, base_url=BASE_URL, database_url=url, keys_dir=home, passphrase_file=home / "none"
        )
        connections = Connections(url, role=db.SCAN_ROLE, wait_s=config.breaker_wait_s, probe_s=0.1)
        rt = Runtime.make(config, connections, lambda _: (UNKNOWN_PLACE, Network.UNKNOWN))
        app = create_app(config, runtime=replace(rt, now=utc_now))
        rt.keeper.refresh()
        figures: dict[str, Any] = {}
        for name, path in _pages(app, named).items():
            say(name)
            if len(figures) % 8 == 0:
                client = sign_in(app)  # Some pages ask for a proof of the last five minutes.
            figures[name] = measure(client, path, times)
        app.extensions["authsvc.desk"].close()
        rt.keeper.stop()
        connections.close()
    return {**report, "pages_ms": figures}


def _fill(url: str, home: Path, scans: int, alerts: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Make the rows and count them; return how many they are and how long the counting took."""
    home.mkdir(mode=0o700)
    brand = Brand(id=uuid4(), slug="soak", name="Soak", prefixes=("9506000",))
    _register(url, brand)
    report: dict[str, Any] = {"scans": scans, "alerts": alerts}
    with psycopg.connect(url, autocommit=True) as connection:
        soak_rows.fill(connection, brand.id, scans, alerts, say)
        for name, ahead, count in (
            ("count_all_s", 0, daily_counts.count),
            ("count_more_s", 1, daily_counts.count),
            ("recount_s", 1, daily_counts.recount),
        ):
            say(name)
            started = time.perf_counter()
            count(connection, now=datetime.now(UTC) + timedelta(minutes=ahead))
            report[name] = round(time.perf_counter() - started, 2)
    return report


_NAMED = {
    "key": "SELECT sgtin FROM items ORDER BY counted DESC LIMIT 1",
    "alert_id": "SELECT id FROM alerts WHERE closed_at IS NULL ORDER BY opened_at LIMIT 1",
    "case_id": "SELECT case_id FROM case_alerts LIMIT 1",
    "report_id": "SELECT id FROM consumer_reports LIMIT 1",
    "endpoint_id": "SELECT id FROM webhook_endpoints LIMIT 1",
    "delivery_id": "SELECT id FROM webhook_deliveries LIMIT 1",
    "gtin": "SELECT gtin FROM products LIMIT 1",
}
"""For each argument of an address, what names something large."""
_OTHERS = {"act": "stolen"}
_NOT_TIMED = {"/console/alerts/stream", "/console/sso", "/console/sso/callback", "/console/sign-in",
              "/console/cases/<uuid:case_id>/letter/file", "/console/advisor/advice.pdf",
              "/console/rules/set", "/console/sandbox/wipe"}  # fmt: skip
"""Addresses that lead elsewhere, stay open, send a file, or answer a form that was filled in."""


def _named(connection: psycopg.Connection[Any]) -> dict[str, str]:
    found = {name: connection.execute(query).fetchone() for name, query in _NAMED.items()}
    return {name: str(row[0]) for name, row in found.items() if row} | _OTHERS


def _pages(app: Flask, named: dict[str, str]) -> dict[str, str]:
    """Return every page of the console, and some that are asked for with a filter, a search or a key."""
    pages = {}
    with app.test_request_context(base_url=BASE_URL):
        for rule in app.url_map.iter_rules():
            is_page = rule.rule.startswith("/console") and "GET" in (rule.methods or ()) and rule.rule not in _NOT_TIMED
            # An object of a kind that is not made here has no page to ask for.
            if is_page and rule.arguments <= named.keys():
                values = {name: named[name] for name in rule.arguments}
                pages[rule.rule] = app.url_for(rule.endpoint, _external=False, **values)
    serial, old = named["key"].partition(".")[2], (utc_now() - timedelta(days=60)).isoformat()
    more = {
        "overview, 7 days": "/console/?days=7",
        "overview, 90 days": "/console/?days=90",
        "search, first characters": f"/console/search?q={serial[:6]}",
        "search, a serial": f"/console/search?q={serial}",
        "search, a reference": "/console/search?q=H4-7Q2X",
        "search, a certificate": "/console/search?q=0123-4567-89AB",
        "alerts, mine": "/console/alerts?list=mine",
        "alerts, closed": "/console/alerts?list=closed",
        "alerts, worst first": "/console/alerts?sort=worst",
        "alerts, of a country": "/console/alerts?list=closed&country=VN&sort=worst",
        "alerts, of a batch": "/console/alerts?list=closed&lot=L3",
        "alerts, an old page": "/console/alerts?list=closed&" + urlencode({"after": f"{old}_{uuid4()}"}),
        "reports of one shop": "/console/reports?shop=shop+7",
        "deliveries given up": f"/console/webhooks/deliveries?state=dead&endpoint={named['endpoint_id']}",
        "deliveries that wait": "/console/webhooks/deliveries?state=waiting",
    }
    pages["/console/cases/add"] += f"?alert={named['alert_id']}"
    return pages | more


def _register(url: str, brand: Brand) -> None:
    wrapping_key = derive_key(SECRET, "wrapping")
    drawn = iter(range(1, soak_rows.PRODUCTS + 1))
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
@click.option("--times", type=click.IntRange(1), default=5, show_default=True, help="How often each page is asked for.")
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), help="Keep the database here, or find it.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def main(scans: int, alerts: int, times: int, *, folder: Path | None, as_json: bool) -> None:
    """Fill the tables and time the console."""
    with tempfile.TemporaryDirectory(prefix="authsvc-soak-") as made:
        where = folder or Path(made)
        where.mkdir(parents=True, exist_ok=True)
        report = run(where, scans, alerts, times, lambda text: click.echo(text, err=True))
    if as_json:
        click.echo(json.dumps(report, indent=1))
    else:
        click.echo(f"{report['scans']:,} scans and {report['alerts']:,} alerts")
        click.echo(
            f"counting all took {report['count_all_s']} s, what was new {report['count_more_s']} s, "
            f"four days anew {report['recount_s']} s"
        )
        for name, took in sorted(report["pages_ms"].items(), key=lambda pair: -pair[1]["median"]):
            click.echo(f"{name:58} {took['median']:8.1f} ms (slowest {took['most']:.1f})")
    sys.exit(max(took["median"] for took in report["pages_ms"].values()) >= LIMIT_MS)


if __name__ == "__main__":
    main()
