import asyncio
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import procrastinate
import psycopg
import pytest

from authsvc import db, jobs
from authsvc.deliveries import Courier

COMMAND = [sys.executable, "-c", "from authsvc.cli import main; main()", "worker"]


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT], ids=str)
def test_worker_makes_partitions_and_stops_cleanly(database, config, stop):
    months = "SELECT count(*) FROM pg_class WHERE relname ~ '^(scans|rejections)_[0-9]{6}$'"
    with psycopg.connect(database, autocommit=True) as connection:
        before = connection.execute(months).fetchone()
        connection.execute(
            "DO $$ BEGIN EXECUTE 'DROP TABLE scans_' || to_char(now() + interval '3 months', 'YYYYMM'); END $$"
        )
        env = os.environ | {
            "AUTHSVC_HOME": str(config.home),
            "AUTHSVC_SECRET": config.secret.hex(),
            "AUTHSVC_DATABASE_URL": database,
        }
        worker = subprocess.Popen(COMMAND, env=env, stderr=subprocess.PIPE, text=True)
        try:
            deadline = time.monotonic() + 30
            while connection.execute(months).fetchone() != before and time.monotonic() < deadline:
                assert worker.poll() is None, worker.stderr.read()
                time.sleep(0.1)
            worker.send_signal(stop)
            _, errors = worker.communicate(timeout=15)
        finally:
            worker.kill()
        after = connection.execute(months).fetchone()

    assert after == before
    assert worker.returncode == 0, errors
    assert "Traceback" not in errors
    assert errors.endswith("The worker has stopped.\n")


def test_the_job_of_the_night_learns_base_rates(database, config):
    brand, sgtin = "00000000-0000-4000-8000-000000000001", "09506000000008.A"
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("INSERT INTO brands (id, slug, name) VALUES (%s, 'b', 'B')", (brand,))
        connection.execute(
            "INSERT INTO products (gtin, brand_id, name, granularity) VALUES ('09506000000008', %s, 'x', 'serial')",
            (brand,),
        )
        connection.execute(
            "INSERT INTO items (sgtin, brand_id, gtin, counted, confirmed) VALUES (%s, %s, '09506000000008', 2, 2)",
            (sgtin, brand),
        )
        for visitor in (b"a", b"b"):
            connection.execute(
                "INSERT INTO sightings (sgtin, visitor, brand_id, prefix, first_at, counted_at, counted_id, "
                "confirmed_id, is_evidence, is_weak, network) VALUES (%s, %s, %s, %s, now(), now(), "
                "gen_random_uuid(), gen_random_uuid(), true, false, 'fixed')",
                (sgtin, visitor, brand, visitor),
            )

        async def night():
            app = jobs.make_app(database, Courier.make(config, db.make_sessions(db.make_engine(database))))
            async with app.open_async():
                await app.configure_task(jobs.LEARN_TRAFFIC).defer_async(timestamp=1_800_000_000)
                await app.run_worker_async(wait=False)

        asyncio.run(night())

        found = connection.execute("SELECT gtin, items, visitors, learned_at, judged FROM base_rates").fetchall()
    assert found == [("09506000000008", 1, 2, datetime.fromtimestamp(1_800_000_000, UTC), 1)]


def test_the_watch_over_lots_is_a_job_that_waits_once(database, config):
    engine = db.make_engine(database)
    app = jobs.make_app(database, Courier.make(config, db.make_sessions(engine)))

    async def run():
        async with app.open_async():
            task = app.configure_task(jobs.WATCH_LOTS, queueing_lock=jobs.WATCH_LOTS)
            await task.defer_async(timestamp=1_780_000_000)
            with pytest.raises(procrastinate.exceptions.AlreadyEnqueued):
                await task.defer_async(timestamp=1_780_000_900)
            await app.run_worker_async(wait=False, install_signal_handlers=False)

    asyncio.run(run())
    engine.dispose()
    with psycopg.connect(database) as connection:
        states = "SELECT status FROM procrastinate_jobs WHERE task_name = 'watch_lots'"
        # The worker may add the one that was due last by the clock.
        assert set(connection.execute(states).fetchall()) == {("succeeded",)}
        assert connection.execute("SELECT job FROM job_marks WHERE job LIKE 'lots-%' ORDER BY job").fetchall() == [
            ("lots-counted",),
            ("lots-judged",),
        ]
