import io
import json
import os

import pytest

from authsvc.cli import main
from authsvc.core.traces import Event, Kind, write_line


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    def call(*arguments, code=0):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        found = capsys.readouterr()
        assert ended.value.code == code, found
        return found

    return call


@pytest.fixture
def world(run, tmp_path):
    run("simulate", "--seed", 1, "--items", 3_000, "--out", "world")
    return tmp_path / "world"


def test_a_simulated_trace_is_replayed_and_the_truth_says_who_was_rightly_flagged(run, world):
    found = run("replay", world / "trace.jsonl", "--alerts", "alerts.jsonl")
    alerts = [json.loads(line) for line in (world.parent / "alerts.jsonl").read_text().splitlines()]
    truth = {row["serial"]: row for row in map(json.loads, (world / "truth.jsonl").read_text().splitlines())}

    assert found.out.endswith(f"{len(alerts)} alerts written to alerts.jsonl.\n")
    assert len({(alert["gtin"], alert["serial"]) for alert in alerts}) == len(alerts)
    assert [alert["at"] for alert in alerts] == sorted(alert["at"] for alert in alerts)
    copied = [alert for alert in alerts if truth[alert["serial"]]["attack"]]
    missed = [row for row in truth.values() if row["fake_scans"] >= 20 and row["attack"] not in {None, "flood"}]
    assert len(copied) > 0.5 * len(missed) > 0
    assert {path.name for path in world.parent.iterdir()} == {"world", "alerts.jsonl"}


def test_a_program_reads_the_summary(run, world):
    found = run("replay", world / "trace.jsonl", "--alerts", "-", "--json", "--target-rate", 0.01, "--scratch", world)
    *alerts, rest = found.out.partition("{\n")[::2]
    summary = json.loads("{" + rest)

    assert summary["items"] == 3_000
    assert summary["alerts"] == len(alerts[0].splitlines()) > 0
    assert summary["events"] == len((world / "trace.jsonl").read_text().splitlines())
    assert summary["first_at"] < summary["last_at"]
    assert summary["events_per_second"] > 0


def test_standard_input_and_a_pipe_serve(run, monkeypatch, tmp_path):
    line = write_line(Event(Kind.SCAN, 1_767_607_872, "09506000134352", "S1", "v1")).encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(line)))
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)

    assert run("replay", "-", "--alerts", "pipe").out.startswith("1 event of 1 item read in ")
    os.close(reader)


@pytest.mark.parametrize(
    ("trace", "out", "says"),
    [
        ("{}\n", "alerts.jsonl", "authsvc: Line 1: An event is one of scan,"),
        ("", "nowhere/alerts.jsonl", "authsvc: There is no folder nowhere for the alerts."),
        ("", "trace.jsonl", "authsvc: trace.jsonl is the trace itself; name another file for the alerts."),
    ],
)
def test_a_refusal_is_a_sentence_and_leaves_everything_as_it_was(run, tmp_path, trace, out, says):
    (tmp_path / "trace.jsonl").write_text(trace)
    (tmp_path / "alerts.jsonl").write_text("of an earlier replay\n")
    found = run("replay", "trace.jsonl", "--alerts", out, code=1)

    assert found.err.startswith(says)
    assert (tmp_path / "alerts.jsonl").read_text() == "of an earlier replay\n"
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("wrong", [(), ("nothing.jsonl",), ("trace.jsonl",), ("trace.jsonl", "--target-rate", "2")])
def test_wrong_usage_ends_with_2(run, tmp_path, wrong):
    (tmp_path / "trace.jsonl").write_text("")

    run("replay", *wrong, *(("--alerts", "a") if len(wrong) != 1 or wrong[0] == "nothing.jsonl" else ()), code=2)
