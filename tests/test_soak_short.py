"""Two rounds of the soak: the whole service is killed under load, and nothing that it had answered is lost."""

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
