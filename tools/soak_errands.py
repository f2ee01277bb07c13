"""
Have a real worker export and replay a million scans, and watch its memory: ``python -m tools.soak_errands``.

A database of its own is filled by SQL: items that four people each have checked within the last 85 days, some of them
all over the world. Then ``authsvc worker`` makes each kind of file and a preview, and its resident memory is read all
the while. Every file is read back: its digest, its size and its rows must be those that the errand has told.
"""

import contextlib
import hashlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import click
import psutil
import psycopg
from sqlalchemy.orm import Session, sessionmaker

from authsvc import db, errands, export_files
from authsvc.audit import Actor
from authsvc.core.wrapping import derive_key

AUTHSVC = (sys.executable, "-c", "from authsvc.cli import main; main()")
GTIN = "09506000134352"
EACH = 4
"""Scans of one item."""
MOST_MB = 150
_MB = 1 << 20
_MOST_S = 3_600.0

_SERIAL = "'0' || translate(substr(md5((n % {items})::text), 1, 15), '0123456789abcdef', '02468ACEGJMPRTWY')"
_AT = (
    "now() - interval '85 days' + (n / {items}) * interval '20 days' "
    "+ (n * 7919::bigint % 1728000) * interval '1 second'"
)
_COUNTRY = "CASE WHEN n % {items} % 500 = 0 THEN (ARRAY['VN', 'BR', 'US', 'ZA'])[n / {items} + 1] ELSE 'DE' END"
_FROM = "FROM generate_series(0, {scans} - 1) n"
_FILL = (
    f"""
INSERT INTO scans (sgtin, at, id, brand_id, gtin, visitor, prefix, country, latitude, longitude, radius_km, network,
  channel, is_weak, is_counted, confirmed_at, key_id, format, run, lot, scan_number, first_at, disposition, is_released,
  is_flagged)
SELECT '{GTIN}.' || {_SERIAL}, {_AT}, md5('i' || n)::uuid, '{{brand}}', '{GTIN}', decode(md5('v' || n), 'hex'),
  decode(substr(md5('p' || n), 1, 16), 'hex'), {_COUNTRY}, 51, -10.5, 300, 'fixed', 'camera', false, true,
  {_AT} + interval '2 seconds', 1, 'ed25519', 1, 'L1', n / {{items}} + 1, {_AT}, 'active', true, false {_FROM}""",
    f"""
INSERT INTO sightings (sgtin, visitor, brand_id, prefix, first_at, counted_at, counted_id, confirmed_id, is_evidence,
  is_weak, country, latitude, longitude, radius_km, network)
SELECT '{GTIN}.' || {_SERIAL}, decode(md5('v' || n), 'hex'), '{{brand}}', decode(substr(md5('p' || n), 1, 16), 'hex'),
  {_AT}, {_AT}, md5('i' || n)::uuid, md5('i' || n)::uuid, true, false, {_COUNTRY}, 51, -10.5, 300, 'fixed' {_FROM}""",
    f"""
INSERT INTO items (sgtin, brand_id, gtin, seq, counted, confirmed)
SELECT '{GTIN}.' || {_SERIAL}, '{{brand}}', '{GTIN}', 1, {EACH}, {EACH} {_FROM} WHERE n < {{items}}""",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one errand came to."""

    errand: str
    rows: int
    seconds: float
    megabytes: float
    idle_mb: float
    peak_mb: float

    @property
    def is_good(self) -> bool:
        """Whether the worker stayed within its bounds, all that it holds counted."""
        return self.peak_mb < MOST_MB


@click.command()
@click.option("--scans", default=1_000_000, show_default=True, help="Scans in the table.")
@click.option("--only", type=click.Choice(["csv", "jsonl", "xlsx", "preview"]), help="One errand in place of all.")
def main(scans: int, only: str | None) -> None:
    """Fill a database, run every errand, print what each took."""
    wanted: list[tuple[str, Mapping[str, Any]]] = [
        (errands.EXPORT, {"kind": "scans", "format": form}) for form in ("csv", "jsonl", "xlsx")
    ]
    wanted.append((errands.PREVIEW, {"gtin": None, "rates": []}))
    wanted = [(kind, asked) for kind, asked in wanted if only in {None, kind, asked.get("format")}]
    good = True
    with tempfile.TemporaryDirectory(prefix="authsvc-soak-") as folder, db.embedded(Path(folder) / "db") as url:
        db.upgrade(url)
        brand = _fill(url, scans)
        engine = db.make_engine(url)
        secret = secrets.token_bytes(32)
        for kind, asked in wanted:
            report = _measure(url, db.make_sessions(engine), brand, kind, asked, Path(folder), secret)
            click.echo(json.dumps(asdict(report)))
            good = good and report.is_good and report.rows == scans
        engine.dispose()
    sys.exit(not good)


# --- Private ---------------------------------------------------------------------------------------------------------


def _fill(url: str, scans: int) -> UUID:
    brand = uuid4()
    with psycopg.connect(url, autocommit=True) as connection:
        # Scans of three months ago have their table from a worker that ran then.
        connection.execute(
            "DO $$ DECLARE month date; BEGIN FOR i IN -4 .. -2 LOOP "
            "month := date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => i); "
            "EXECUTE format('CREATE TABLE IF NOT EXISTS scans_%s PARTITION OF scans FOR VALUES FROM (%L) TO (%L)', "
            "to_char(month, 'YYYYMM'), month || ' 00:00:00+00', (month + interval '1 month')::date || ' 00:00:00+00'); "
            "END LOOP; END $$"
        )
        connection.execute("INSERT INTO brands (id, slug, name) VALUES (%s, 'halden', 'Halden')", (brand,))
        connection.execute(
            "INSERT INTO products (gtin, brand_id, name, granularity) VALUES (%s, %s, 'Meridian 36', 'serial')",
            (GTIN, brand),
        )
        for statement in _FILL:
            connection.execute(statement.format(items=scans // EACH, scans=scans, brand=brand))
        connection.execute("ANALYZE")
    return brand


def _measure(
    url: str,
    sessions: sessionmaker[Session],
    brand: UUID,
    kind: str,
    asked: Mapping[str, Any],
    home: Path,
    secret: bytes,
) -> Report:
    now = datetime.now(UTC)
    if kind == errands.EXPORT:
        asked = {**asked, "first": str((now - timedelta(days=89)).date()), "last": str(now.date()), "gtin": None}
    number = uuid4()
    with _worker(url, home, secret) as worker:
        time.sleep(2)
        idle = peak = worker.memory_info().rss
        began = time.monotonic()
        with sessions.begin() as session:
            errands.order(session, brand, kind, asked, Actor("staff", None, "Soak"), id=number, now=now)
        while True:
            peak = max(peak, worker.memory_info().rss)
            with sessions.begin() as session:
                found = errands.get_errand(session, brand, number, kind)
            if not found.is_open:
                break
            if time.monotonic() - began > _MOST_S:
                raise SystemExit(f"{kind} did not end.")
            time.sleep(0.2)
    if found.state != "done":
        raise SystemExit(f"{kind}: {found.fault}")
    rows, size = (found.result["scans"], 0) if kind == errands.PREVIEW else _read_back(sessions, brand, found, secret)
    return Report(
        errand=f"{kind} {asked.get('kind') or ''} {asked.get('format') or ''}".strip(),
        rows=rows,
        seconds=round(time.monotonic() - began, 1),
        megabytes=round(size / _MB, 1),
        idle_mb=round(idle / _MB, 1),
        peak_mb=round(peak / _MB, 1),
    )


def _read_back(sessions: sessionmaker[Session], brand: UUID, found: errands.Errand, secret: bytes) -> tuple[int, int]:
    digest, size, key = hashlib.sha256(), 0, derive_key(secret, "wrapping")
    for number in range(1, found.result["parts"] + 1):
        with sessions.begin() as session:
            piece = export_files.read(session, found.id, brand, number, key=key)
        digest.update(piece)
        size += len(piece)
    if (digest.hexdigest(), size) != (found.result["sha256"], found.result["bytes"]):
        raise SystemExit("A file is not what its errand says.")
    return found.result["rows"], size


@contextlib.contextmanager
def _worker(url: str, home: Path, secret: bytes) -> Iterator[psutil.Process]:
    """Run a worker of its own, so that one errand's memory is not another's."""
    env = os.environ | {"AUTHSVC_HOME": str(home), "AUTHSVC_SECRET": secret.hex(), "AUTHSVC_DATABASE_URL": url}
    with (home / "worker.log").open("a") as log:
        process = subprocess.Popen([*AUTHSVC, "worker"], env=env, stdout=log, stderr=log)
        try:
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            # It finishes what the clock has begun meanwhile, such as the watch over a million sightings.
            process.wait(_MOST_S)


if __name__ == "__main__":
    main()
