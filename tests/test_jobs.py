import os
import signal
import subprocess
import sys
import time

import psycopg
import pytest

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
