"""The soaks in short: what is killed under load has lost nothing that it had answered or had to tell."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.same_on_any_server


def test_no_answered_scan_is_lost_when_everything_is_killed():
    command = [sys.executable, "-m", "tools.soak", "--rounds", "2", "--load", "0.5", "--json"]

    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)

    assert ended.returncode == 0, ended.stderr + ended.stdout
    report = json.loads(ended.stdout)
    assert report["answered"] > 0
    assert (report["rounds"], report["database_kills"]) == (2, 1)
    assert (report["lost"], report["items_miscounted"], report["processes_left"]) == (0, 0, 0)


def test_no_webhook_is_lost_or_sent_unsigned_when_workers_are_killed(database):
    command = [sys.executable, "-m", "tools.soak_webhooks", "--deliveries", "300", "--kills", "2", "--tries", "6"]

    ended = subprocess.run(
        [*command, "--no-hangs", "--database", database, "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert ended.returncode == 0, ended.stderr + ended.stdout
    report = json.loads(ended.stdout)
    assert (report["deliveries"], report["worker_kills"]) == (300, 2)
    assert report["delivered"] + report["dead"] == 300
    assert (report["lost"], report["wrong_signatures"], report["of_acts_rolled_back"]) == (0, 0, 0)
    assert min(report["faults"].get(kind, 0) for kind in ("drop", "500", "503", "redirect", "cut", "slow")) > 0


def test_every_item_has_one_owner_when_people_race_and_the_database_is_killed():
    command = [sys.executable, "-m", "tools.soak_transfers", "--races", "200", "--kills", "1", "--json"]

    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)

    assert ended.returncode == 0, ended.stderr + ended.stdout
    report = json.loads(ended.stdout)
    assert (report["races"], report["database_kills"], report["acts"]) == (200, 1, 800)
    assert set(report["kinds"].values()) == {50}
    assert report["outcomes"]["transfer-over"] > 0
    assert report["outcomes"]["completed"] > 0


def test_a_worker_makes_a_file_that_is_whole_and_stays_small():
    command = [sys.executable, "-m", "tools.soak_errands", "--scans", "4000", "--only", "csv"]

    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)

    assert ended.returncode == 0, ended.stderr + ended.stdout
    report = json.loads(ended.stdout)
    assert report["rows"] == 4_000
    assert report["peak_mb"] < 150
