"""A new user at a shell, with the words of the console: from the advisor to printed labels and a recall of one lot."""

import csv
import json

import pytest
from printing import pages_of, read
from sqlalchemy import text

from authsvc.core.number_formats import luhn

JACKET, PHONE = "09506000770017", "09506000134352"


def codes(file):
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


def good(authsvc, uri):
    """Say why a code is good; the command ends with 0."""
    return json.loads(authsvc("verify", uri, "--json").out)["reason"]


def bad(authsvc, uri):
    """Say why a code is not good; the command ends with 1."""
    return json.loads(authsvc("verify", uri, "--json", code=1).out)["reason"]


def test_from_the_advisor_to_printed_labels_and_a_recall(halden, tmp_path):
    advised = halden(
        "advise", "--category", "luxury-textile", "--value", 400, "--volume", 20000, "--authentication", "--json"
    ).out
    assert '"serial"' in advised
    products = tmp_path / "jackets.csv"
    products.write_text(f"gtin,brand,name,granularity,lot_format\n{JACKET},halden,Fell jacket,serial,J{{YY}}-##\n")
    halden("products", "import", products)
    refused = halden("issue", "--gtin", JACKET, "--lot", "J1", "--count", 21, "--out", tmp_path / "no.csv", code=1)
    assert "does not follow the format J{YY}-##" in refused.err

    halden("issue", "--gtin", JACKET, "--lot", "J26-01", "--count", 21, "--out", tmp_path / "codes.csv")
    halden("labels", tmp_path / "codes.csv", "--as", "pdf", "--out", tmp_path / "labels.pdf")
    rows = codes(tmp_path / "codes.csv")
    assert set(read(pages_of(tmp_path / "labels.pdf")[0])) == {row["uri"] for row in rows}
    assert good(halden, rows[0]["uri"]) == "checked-before"
    halden("recall", "--gtin", JACKET, "--lot", "J26-01", "--reason", "The zip may tear", "--yes")

    assert {bad(halden, row["uri"]) for row in rows[:3]} == {"recalled"}


def test_units_by_command(halden, tmp_path):
    out = tmp_path / "codes.csv"
    halden("sites", "set", "Line 2", "--brand", "halden", "--quota", 6, "--per", "day")
    assert "Name the one" in halden("issue", "--gtin", PHONE, "--count", 5, "--out", out, code=1).err
    halden("issue", "--gtin", PHONE, "--count", 5, "--out", out, "--site", "Line 2")
    over = halden("issue", "--gtin", PHONE, "--count", 5, "--out", tmp_path / "b.csv", "--site", "Line 2", code=1)
    assert "1 are left" in over.err
    assert "6 a day" in halden("sites", "list", "--brand", "halden").out
    halden("sites", "close", "Line 2", "--brand", "halden")
    rows = codes(out)
    item = f"{PHONE}.{rows[0]['serial']}"

    halden("items", "record", item, "--kind", "battery", "--value", "state_of_health=97.5", "--for", "public")
    halden("items", "record", item, "--kind", "software", "--value", "version=2.10")
    halden("items", "fact", item, "Colour", "red")
    told = json.loads(halden("items", "records", item, "--as", "owner", "--json").out)
    assert [record["values"] for record in told["records"]] == [{"version": "2.10"}, {"state_of_health": 97.5}]
    assert told["facts"][0]["name"] == "Colour"
    assert "from 0 to 100" in halden(
        "items", "record", item, "--kind", "battery", "--value", "state_of_health=120", code=1
    ).err  # fmt: skip
    halden("items", "fact", item, "Colour", "--remove")
    assert "Version 2.10" in halden("items", "records", item).out

    new = json.loads(
        halden("items", "replace", item, "--reason", "scratched", "--out", tmp_path / "new.csv", "--json").out
    )
    assert new["old"] == item
    (fresh,) = codes(tmp_path / "new.csv")
    assert (bad(halden, rows[0]["uri"]), good(halden, fresh["uri"])) == ("withdrawn", "checked-before")
    assert "Version 2.10" in halden("items", "records", new["new"]).out
    done = halden("runs", "void", 1, "--brand", "halden", "--from", 1, "--to", 2, "--reason", "spoilt").out
    assert "2 codes of run 1 are void" in done
    assert {bad(halden, row["uri"]) for row in rows[1:3]} == {"withdrawn"}
    assert good(halden, rows[3]["uri"]) == "checked-before"
    assert "derived" in halden("runs", "list", "--brand", "halden").out


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_dry_run_of_serials_says_every_fault_and_keeps_nothing(halden, place, tmp_path, form):
    bodies = [f"35{number:012}" for number in range(3)]
    good = [body + luhn(body) for body in bodies]
    file = tmp_path / f"serials.{form}"
    lines = [json.dumps({"serial": serial, "gtin": PHONE}) for serial in good] if form == "jsonl" else ["serial", *good]
    file.write_text("\n".join(lines) + "\n")
    products = tmp_path / "phones.csv"
    products.write_text(f"gtin,brand,name,granularity,serial_format\n{PHONE},halden,Phone,serial,imei\n")
    halden("products", "import", products)

    assert "3 serials could be issued" in halden("issue", "--gtin", PHONE, "--import", file, "--dry-run").out
    with file.open("a") as more:
        more.write('{"serial": "12", "gtin": "1"}\n' if form == "jsonl" else "12\n")
    said = halden("issue", "--gtin", PHONE, "--import", file, "--dry-run", code=1).err
    assert f"row {len(lines) + 1}, column serial: '12': has 2 characters" in said
    assert ("column gtin" in said) == (form == "jsonl")
    with place.sessions() as session:
        assert session.execute(text("SELECT FROM runs UNION ALL SELECT FROM items")).all() == []
