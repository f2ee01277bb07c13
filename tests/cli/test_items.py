import csv
import json

import pytest
from sqlalchemy import text

WATCH, SHIRTS = "09506000134352", "09506000134369"


def issue(command, file, *arguments, gtin=WATCH):
    command("issue", "--gtin", gtin, *arguments, "--out", file)
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


def put(command, item, disposition="blocked", code=0):
    return command("items", "set", item, "--disposition", disposition, "--reason", "Returned broken", code=code)


def rows(place):
    query = "SELECT sgtin, gtin, run, lot, disposition, disposition_reason, seq FROM items ORDER BY sgtin"
    with place.sessions() as session:
        return [tuple(row) for row in session.execute(text(query))]


@pytest.mark.parametrize("spelling", ["{gtin}.{serial}", "(01){gtin}(21){serial}", "{uri}"])
def test_an_item_is_named_in_every_usual_way(halden, place, tmp_path, spelling):
    (code,) = issue(halden, tmp_path / "a.csv", "--lot", "A1", "--count", "1")
    sgtin = f"{WATCH}.{code['serial']}"

    assert put(halden, spelling.format(**code)).out == f"{sgtin} is blocked; it was active.\n"
    assert rows(place) == [(sgtin, WATCH, 1, "A1", "blocked", "Returned broken", 1)]


def test_a_disposition_changes_again(halden, place, tmp_path):
    (code,) = issue(halden, tmp_path / "a.csv", "--count", "1")
    sgtin = f"{WATCH}.{code['serial']}"
    put(halden, sgtin, "stolen")

    assert put(halden, sgtin, "active").out == f"{sgtin} is active; it was stolen.\n"
    assert [(row[4], row[6]) for row in rows(place)] == [("active", 2)]


@pytest.mark.parametrize("spelling", ["{serial}", "00.{serial}", "(00){serial}", "{uri}"])
def test_a_case_is_named_by_its_sscc(halden, place, tmp_path, spelling):
    _, code = issue(halden, tmp_path / "a.csv", "--lot", "S1", "--count", "2", "--contents", "9", gtin=SHIRTS)
    put(halden, spelling.format(**code))

    assert rows(place) == [(f"00.{code['serial']}", SHIRTS, 1, "S1", "blocked", "Returned broken", 1)]


def test_an_imported_item_keeps_its_row(halden, place, tmp_path):
    file = tmp_path / "serials.csv"
    file.write_text("serial\nSN-1\n")
    issue(halden, tmp_path / "a.csv", "--lot", "A1", "--import", str(file))
    put(halden, f"{WATCH}.SN-1", "destroyed")

    assert rows(place) == [(f"{WATCH}.SN-1", WATCH, 1, "A1", "destroyed", "Returned broken", 1)]


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        (f"{WATCH}.0000000000000000", "was never issued"),
        (f"{WATCH}.SN-1", "was never issued"),
        ("095060000000000022", "Case 095060000000000022 was never issued"),
        ("195211010000000006", "company prefix of no brand"),
        ("095060000000000023", "check digit"),
        ("09506000134383.A", "No product has the GTIN"),
        ("09506000134353.A", "check digit"),
        (WATCH, "has 14 digits"),
        ("hello", "GTIN.SERIAL"),
        ("https://id.example.com/01/09506000134352", "(21)"),
    ],
)
def test_what_was_never_issued_has_no_disposition(halden, place, item, sentence):
    assert sentence in put(halden, item, code=1).err
    assert rows(place) == []


def test_an_unknown_disposition_is_wrong_usage(halden):
    assert "destroyed" in put(halden, f"{WATCH}.A", "broken", code=2).err


def test_the_line_commissions_ranges(halden, place, tmp_path):
    issue(halden, tmp_path / "a.csv", "--count", "100")

    def commission(first, last, code=0):
        return halden("items", "commission", "--gtin", WATCH, "--run", 1, "--from", first, "--to", last, code=code)

    assert commission(0, 9).out == "10 of 100 codes of run 1 are commissioned.\n"
    assert commission(20, 29).out == "20 of 100 codes of run 1 are commissioned.\n"
    assert commission(5, 24).out == "30 of 100 codes of run 1 are commissioned.\n"
    with place.sessions() as session:
        assert session.scalar(text("SELECT commissioned::text FROM runs")) == "{[0,30)}"
    assert "has the codes 0 to 99" in commission(90, 100, code=1).err
    assert "has the codes 0 to 99" in commission(9, 8, code=1).err


def test_a_run_of_another_product_is_not_commissioned(halden, tmp_path):
    issue(halden, tmp_path / "a.csv", "--count", "1")

    result = halden("items", "commission", "--gtin", SHIRTS, "--run", 1, "--from", 0, "--to", 0, code=1)
    assert "has issued no run 1" in result.err


def test_json_says_what_was(halden, tmp_path):
    (code,) = issue(halden, tmp_path / "a.csv", "--count", "1")
    result = halden("items", "set", f"{WATCH}.{code['serial']}", "--disposition", "lost", "--reason", "x", "--json")

    assert json.loads(result.out)["previous"] == "active"
