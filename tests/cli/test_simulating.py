import json

from click.testing import CliRunner

from authsvc.cli.simulating import simulate
from authsvc.core.traces import read_line


def run(*arguments):
    return CliRunner().invoke(simulate, [str(part) for part in arguments])


def test_a_simulation_is_written_without_a_home_or_a_database(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("--seed", 1, "--items", 50, "--out", "new/folder")

    assert result.exit_code == 0
    events = [read_line(line) for line in (tmp_path / "new/folder/trace.jsonl").read_text().splitlines()]
    assert result.output.startswith(f"{len(events)} events of 50 items written to new/folder/trace.jsonl in ")
    assert {path.name for path in tmp_path.iterdir()} == {"new"}


def test_a_rate_can_be_varied(tmp_path):
    run("--seed", 1, "--items", 1, "--out", tmp_path, "--vary", "resale=2", "--vary", "returns=0.5")

    world = json.loads((tmp_path / "world.json").read_text())
    assert (world["world"]["resale"], world["world"]["returns"], world["source"]) == (0.08, 0.15, "assumed")


def test_a_wrong_variation_is_refused_and_nothing_is_written(tmp_path):
    for wrong in ("resale", "resale=much", "resale=-1", "nothing=2", "days=2"):
        result = run("--seed", 1, "--items", 1, "--out", tmp_path / "a", "--vary", wrong)

        assert result.exit_code == 1
        assert not (tmp_path / "a").exists()
