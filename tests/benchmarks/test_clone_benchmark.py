import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from authsvc.core.clones import RECENT, examine
from authsvc.core.traces import Event
from authsvc.simulation import World
from benchmarks import examining
from benchmarks.clones import __main__ as benchmark
from benchmarks.clones import pilot
from benchmarks.clones.baselines import DistinctVisitors, RawCount
from benchmarks.clones.detectors import Family, Tier
from benchmarks.figures import Report

SMALL = replace(benchmark.QUICK, lesson_items=500, training=(51,), reporting=(61, 62), genuine=200, copied=4)
FAMILIES = (Family("counts", (RawCount, DistinctVisitors)),)


def scan(at, visitor="v", **more):
    return Event("scan", at, "09506000134413", "S", visitor, **more)


def test_the_pilots_detectors_look_at_points_and_at_people():
    milan, hanoi = {"latitude": 45.5, "longitude": 9.2}, {"latitude": 21.0, "longitude": 105.9}

    assert pilot._fast_at([scan(0, **milan), scan(86_400, **hanoi)]) is None
    assert pilot._fast_at([scan(0, **milan), scan(60), scan(3_600, **hanoi)]) == 2
    assert pilot._tenth_at([scan(60 * n, f"v{n // 2}") for n in range(20)]) == 18
    assert pilot._tenth_at([scan(60 * n, f"v{n // 2}") for n in range(18)]) is None


def test_the_world_flags_genuine_items_about_as_often_as_the_pilot_did():
    found = pilot.measured(World(), 12_000)

    assert found.keys() == pilot.PILOT.keys()
    assert found["three scans or more: flags"] == pytest.approx(0.41, abs=0.04)
    assert found["geo-velocity above 900 km/h: flags"] == pytest.approx(0.27, abs=0.04)
    assert found["ten distinct visitors: flags"] < 0.01


def test_of_a_family_the_better_setting_speaks_and_is_kept(tmp_path, monkeypatch):
    first = benchmark._kept(tmp_path, FAMILIES, SMALL, World(), 1)
    monkeypatch.setattr(benchmark, "_judged", None)
    again = benchmark._kept(tmp_path, FAMILIES, SMALL, World(), 1)

    assert [again.best[tier]["counts"].name for tier in Tier] == [first.best[tier]["counts"].name for tier in Tier]
    assert [len(table) for table in again.tables] == [len(Tier), len(Tier)]
    assert len(again.training[Tier.A, "counts"][0].genuine) == SMALL.genuine


def test_another_plan_is_played_anew(tmp_path):
    benchmark._kept(tmp_path, FAMILIES, SMALL, World(), 1)
    benchmark._kept(tmp_path, FAMILIES, replace(SMALL, copied=3), World(), 1)

    assert len(list(tmp_path.iterdir())) == 2


def test_examining_is_measured_on_a_full_history_that_is_flagged():
    history = examining.full_history()
    report = Report(is_quick=True, machine={})
    examining.measure(report, seconds=0.05)
    figure = report.figures[0]

    assert len({seen.prefix for seen in history.sightings}) == len(history.sightings) == RECENT
    assert examine(history).is_flagged
    assert figure.is_ceiling
    assert figure.target == 150.0
    assert 1.0 < figure.value < 100_000.0
