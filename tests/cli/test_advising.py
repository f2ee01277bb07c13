"""The advisor as a person meets it: by options, by questions on a terminal, as JSON and on paper."""

import json
import os
import pty
import select
import subprocess
import sys

import pytest

from authsvc.cli import main

TEXTILE = ("--category", "textile", "--value", "15", "--volume", "100000")


@pytest.fixture
def advise(capsys):
    """Run the command without a home or a database: it needs neither."""

    def run(*arguments, code=0):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["advise", *map(str, arguments)])
        assert int(ended.value.code or 0) == code
        return capsys.readouterr()

    return run


def test_the_answer_comes_with_reasons_costs_chart_and_assumptions(advise):
    out = advise(*TEXTILE).out

    for words in (
        "Batch codes suit this product (textile).",
        "Material, care and origin",
        "not decided, so",
        "total            2,140.00  3,011.54  2,790.65",
        "▓▓▓▓",
        "within the +20% to +50% that the market names",
        "variable_print  0.024   printing one label that differs from unit to unit",
    ):
        assert words in out


def test_json_has_all_of_it(advise):
    found = json.loads(advise("--category", "ev-battery", "--value", 9000, "--volume", 1000, "--json").out)

    assert found["granularity"] == "serial"
    assert found["rule"]["id"] == "eu-battery-passport"
    assert found["case"]["battery"] == "ev"
    assert [year["granularity"] for year in found["costs"]["years"]] == ["batch", "serial", "hybrid"]
    assert sum(found["costs"]["years"][1]["parts"].values()) == pytest.approx(found["costs"]["years"][1]["total"])
    assert found["costs"]["assumptions"]["lot_size"] == 5000


def test_answers_are_options(advise):
    found = json.loads(
        advise(*TEXTILE, "--authentication", "--market", "de", "--market", "US", "--recall", "lot", "--json").out
    )

    assert found["granularity"] == "serial"
    assert found["case"]["markets"] == ["DE", "US"]
    assert [reason["factor"] for reason in found["reasons"]] == ["recall", "authentication"]


def test_a_choice_against_law_is_refused(advise):
    battery = ("--category", "battery", "--value", 500, "--volume", 100, "--battery", "industrial")
    refused = advise(*battery, "--kwh", 2.5, "--choose", "batch", code=1)

    assert "authsvc: batch is not allowed for this product" in refused.err
    assert "Regulation (EU) 2023/1542" in refused.err
    assert refused.out == ""
    advise(*battery, "--kwh", 2, "--choose", "batch")


def test_assumptions_come_from_a_file_and_options_beat_it(advise, tmp_path):
    file = tmp_path / "costs.toml"
    file.write_text("lot_size = 100\nstatic_print = 0.5\n")
    found = json.loads(advise(*TEXTILE, "--assumptions", file, "--assume", "lot_size=50", "--json").out)

    assert (found["costs"]["assumptions"]["lot_size"], found["costs"]["assumptions"]["static_print"]) == (50, 0.5)
    assert found["costs"]["years"][0]["parts"]["printing"] == 50_000


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("--category", "wine"), 2, "--value, --volume"),
        ((), 2, "on a terminal, `authsvc advise` alone asks"),
        ((*TEXTILE, "--assume", "lot_size"), 1, "NAME=NUMBER"),
        ((*TEXTILE, "--assume", "size=3"), 1, "no assumption 'size'"),
        ((*TEXTILE, "--market", "Germany"), 1, "country code of two letters"),
        ((*TEXTILE, "--kwh", "nan"), 1, "number of kWh"),
        ((*TEXTILE, "--pdf", "/nowhere/advice.pdf"), 1, "cannot be written: No such file"),
    ],
)
def test_what_cannot_be_understood_is_refused(advise, arguments, code, sentence):
    assert sentence in advise(*arguments, code=code).err


@pytest.mark.parametrize("content", [b"lot_size = ", b"\xff"])
def test_a_file_of_assumptions_is_toml(advise, tmp_path, content):
    file = tmp_path / "costs.toml"
    file.write_bytes(content)

    assert "is no TOML file" in advise(*TEXTILE, "--assumptions", file, code=1).err


def test_the_advice_on_paper_has_the_figures_and_embeds_its_fonts(advise, tmp_path):
    paper = tmp_path / "advice.pdf"
    advise("--category", "ev-battery", "--value", 9000, "--volume", 100000, "--market", "DE", "--pdf", paper)
    text = subprocess.run(["pdftotext", "-layout", paper, "-"], check=True, capture_output=True).stdout.decode()
    fonts = subprocess.run(["pdffonts", paper], check=True, capture_output=True).stdout.decode().splitlines()[2:]

    for words in ("Serial codes are mandatory", "2023/1542", "18 February 2027", "3,011.54", "+41%", "scans_per_item"):
        assert words in text
    assert fonts
    assert all(font.split()[-5] == "yes" for font in fonts), fonts


def test_the_chart_on_paper_has_a_bar_for_each(advise, tmp_path):
    paper = tmp_path / "advice.pdf"
    advise(*TEXTILE, "--pdf", paper)
    subprocess.run(["pdftoppm", "-r", "72", "-singlefile", paper, tmp_path / "page"], check=True)
    data = (tmp_path / "page.ppm").read_bytes()

    # Printing is the widest part of every bar: its colour, some thousand times.
    assert data.count(bytes.fromhex("2f7a8c")) > 3_000


def test_without_options_a_terminal_asks():
    mine, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", "from authsvc.cli import main; main(['advise'])"],
        stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    os.close(theirs)
    os.write(mine, b"battery\nindustrial\n5\n400\n2000\nDE FR\n" + b"\n" * 6)
    shown = b""
    try:
        while select.select([mine], [], [], 30)[0] and (chunk := os.read(mine, 4096)):
            shown += chunk
    except OSError:  # how a terminal says that nobody holds its other end
        pass
    os.close(mine)
    try:
        code = process.wait(timeout=30)
    finally:
        process.kill()

    assert code == 0, shown
    text = shown.decode()
    assert "Which kind of battery?" in text
    assert "Do customers report by serial number?" in text
    assert "Serial codes are mandatory for this product (battery)." in text
