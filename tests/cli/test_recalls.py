import csv
import io
import json
from datetime import UTC, datetime

import pytest

WATCH, SHIRTS = "09506000134352", "09506000134369"


def issue(command, file, *arguments, gtin=WATCH):
    command("issue", "--gtin", gtin, *arguments, "--out", file)
    with file.open(newline="") as lines:
        return [row["serial"] for row in csv.DictReader(lines)]


@pytest.fixture
def serials(halden, tmp_path):
    return issue(halden, tmp_path / "a.csv", "--lot", "A1", "--count", "10")


def recall(command, *arguments, code=0, gtin=WATCH):
    result = command("recall", "--gtin", gtin, "--reason", "Glass may break", *arguments, "--json", code=code)
    return json.loads(result.out) if code == 0 else result.err


def test_a_product_a_lot_and_a_range_are_recalled(halden, serials, tmp_path):
    issue(halden, tmp_path / "b.csv", "--lot", "B2", "--count", "7")

    assert recall(halden)["covered"] == 17
    assert recall(halden, "--lot", "B2")["covered"] == 7
    found = recall(halden, "--from-serial", serials[2], "--to-serial", serials[5], "--remedy", "Return it")
    assert (found["run"], found["index_from"], found["index_to"], found["covered"]) == (1, 2, 5, 4)
    assert (found["lot"], found["remedy"], found["id"]) == (None, "Return it", 3)


def test_a_range_of_one_lot_may_name_it(halden, serials):
    assert recall(halden, "--lot", "A1", "--from-serial", serials[0], "--to-serial", serials[0])["covered"] == 1


def test_imported_serials_are_a_range_of_text(halden, tmp_path):
    file = tmp_path / "serials.csv"
    file.write_text("serial\nSN-07\nSN-08\nSN-09\nSN-10\nSN-1\nsn\n")
    issue(halden, tmp_path / "a.csv", "--import", str(file))

    found = recall(halden, "--from-serial", "SN-08", "--to-serial", "SN-10")
    assert (found["serial_from"], found["serial_to"], found["run"], found["covered"]) == ("SN-08", "SN-10", None, 3)
    assert "same length" in recall(halden, "--from-serial", "SN-1", "--to-serial", "SN-10", code=1)


@pytest.fixture
def two_lots(halden, tmp_path):
    """Imported serials of two lots and of none, one among the other in the order of their characters."""
    for lot, content in (("A1", "SN-1\nSN-4\n"), ("B2", "SN-2\nSN-5\n"), (None, "SN-3\n")):
        file = tmp_path / "serials.csv"
        file.write_text(f"serial\n{content}")
        issue(halden, tmp_path / f"{lot}.csv", *(("--lot", lot) if lot else ()), "--import", file)


def test_a_range_of_imported_serials_covers_the_lot_that_it_names(halden, two_lots):
    ends = ("--from-serial", "SN-1", "--to-serial", "SN-4")

    assert recall(halden, *ends)["covered"] == 4
    assert recall(halden, "--lot", "A1", *ends)["covered"] == 2


@pytest.mark.parametrize(
    ("lot", "first", "last", "sentence"),
    [
        ("B2", "SN-1", "SN-4", "Serial SN-1 belongs to lot A1, and the recall says B2."),
        ("A1", "SN-1", "SN-5", "Serial SN-5 belongs to lot B2, and the recall says A1."),
        ("A1", "SN-1", "SN-3", "Serial SN-3 belongs to lot (none), and the recall says A1."),
    ],
)
def test_a_range_of_imported_serials_lies_in_the_lot_that_it_names(halden, two_lots, lot, first, last, sentence):
    assert sentence in recall(halden, "--lot", lot, "--from-serial", first, "--to-serial", last, code=1)


def test_a_range_of_imported_serials_covers_no_derived_one(halden, serials, tmp_path):
    file = tmp_path / "serials.csv"
    file.write_text("serial\n--------------01\nZZZZZZZZZZZZZZ-9\n")
    issue(halden, tmp_path / "b.csv", "--import", file)
    halden("items", "set", f"{WATCH}.{serials[0]}", "--disposition", "lost", "--reason", "It has a row of its own now")

    found = recall(halden, "--from-serial", "--------------01", "--to-serial", "ZZZZZZZZZZZZZZ-9")
    assert found["covered"] == 2


def test_cases_are_recalled_by_lot(halden, tmp_path):
    issue(halden, tmp_path / "a.csv", "--lot", "S1", "--count", "4", "--contents", "10", gtin=SHIRTS)

    assert recall(halden, "--lot", "S1", gtin=SHIRTS)["covered"] == 4


def test_a_range_across_runs_is_refused(halden, serials, tmp_path):
    others = issue(halden, tmp_path / "b.csv", "--lot", "A1", "--count", "2")

    assert "make one recall for each run" in recall(
        halden, "--from-serial", serials[0], "--to-serial", others[0], code=1
    )


def test_a_range_that_runs_backwards_is_turned_round_by_its_author(halden, serials):
    errors = recall(halden, "--from-serial", serials[5], "--to-serial", serials[2], code=1)

    assert f"Turn it round: from {serials[2]} to {serials[5]}." in errors


def test_a_range_of_another_lot_is_refused(halden, serials, tmp_path):
    issue(halden, tmp_path / "b.csv", "--lot", "B2", "--count", "1")

    assert "belongs to lot A1" in recall(
        halden, "--lot", "B2", "--from-serial", serials[0], "--to-serial", serials[1], code=1
    )


@pytest.mark.parametrize("serial", ["0000000000000000", "SN-1", "lower"])
def test_a_serial_that_was_never_issued_is_refused(halden, serials, serial):
    errors = recall(halden, "--from-serial", serial, "--to-serial", serials[1], code=1)

    assert f"Serial '{serial}' of Halden Watch was never issued" in errors


def test_an_unknown_lot_is_refused_with_those_that_exist(halden, serials):
    assert "has no lot 'A2'. The latest ones are A1." in recall(halden, "--lot", "A2", code=1)


def test_a_recall_is_lifted_once(halden, serials):
    recall(halden, "--lot", "A1")

    assert halden("recall", "--lift", 1).out == f"Recall 1 of {WATCH} is lifted.\n"
    assert "was lifted before" in halden("recall", "--lift", 1, code=1).err
    assert "no recall 2" in halden("recall", "--lift", 2, code=1).err
    (listed,) = json.loads(halden("recall", "--list", "--json").out)
    assert listed["lifted_at"] is not None


def test_people_read_what_is_covered(halden, serials):
    result = halden("recall", "--gtin", WATCH, "--lot", "A1", "--reason", "Glass may break")

    assert result.out == "Recall 1 of Halden Watch is in force and covers 10 issued codes.\n"


@pytest.mark.parametrize(
    "arguments",
    [(), ("--gtin", WATCH), ("--gtin", WATCH, "--reason", "x", "--from-serial", "A"), ("--lift", "1", "--lot", "A")],
)
def test_half_a_recall_is_wrong_usage(halden, arguments):
    halden("recall", *arguments, code=2)


def test_a_range_is_derived_or_imported(halden, serials, tmp_path):
    file = tmp_path / "serials.csv"
    file.write_text("serial\nSN-1\n")
    issue(halden, tmp_path / "b.csv", "--import", str(file))

    assert "make two recalls" in recall(halden, "--from-serial", serials[0], "--to-serial", "SN-1", code=1)


def test_a_recall_has_a_reason(halden):
    assert "Give the reason" in halden("recall", "--gtin", WATCH, "--reason", " ", code=1).err


def test_the_list_shows_what_is_in_force(halden, serials):
    assert halden("recall", "--list").err == "There is no recall.\n"
    recall(halden, "--from-serial", serials[0], "--to-serial", serials[3])

    assert "codes 0 to 3 of run 1  4 " in halden("recall", "--list", "--gtin", WATCH).out
    assert halden("recall", "--list", "--gtin", SHIRTS).out == ""


def preview(command, *arguments):
    return json.loads(command("recall", "--gtin", WATCH, "--preview", "--json", *arguments).out)


def test_a_preview_says_what_a_recall_would_hit_and_spare_and_announces_nothing(halden, serials, tmp_path):
    issue(halden, tmp_path / "b.csv", "--lot", "B2", "--count", "7")

    assert preview(halden) == {"of": "the whole product", "covered": 17, "owners": 0, "spares": None}
    assert preview(halden, "--lot", "A1")["spares"] == {"items": 7, "beside": "product"}
    found = preview(halden, "--from-serial", serials[2], "--to-serial", serials[5])
    assert (found["covered"], found["spares"]) == (4, {"items": 6, "beside": "lot"})
    shown = halden("recall", "--gtin", WATCH, "--preview", "--lot", "A1").out
    assert "It spares 7 items that a recall of the whole product would hit." in shown
    assert halden("recall", "--list").err == "There is no recall.\n"


def test_a_list_of_serials_is_recalled(halden, serials, tmp_path):
    file = tmp_path / "list.csv"
    file.write_text("lot,serial\nA1," + serials[3] + "\nA1," + serials[7] + "\nA1," + serials[3] + "\n")

    found = recall(halden, "--serials", file)
    assert (found["listed"], found["covered"], found["lot"]) == (2, 2, None)
    assert "a list of 2 items  2 " in halden("recall", "--list").out


def test_a_list_with_faults_names_every_row_and_recalls_nothing(halden, serials, tmp_path):
    file = tmp_path / "list.txt"
    file.write_text(f"{serials[0]}\n0000000000000000\n{serials[1]}\nSN 1\n")
    assert "row 4: 'SN 1'" in recall(halden, "--serials", file, code=1)

    file.write_text(f"{serials[0]}\n0000000000000000\n{serials[1]}\nSN-1\n")
    errors = recall(halden, "--serials", file, code=1)
    assert "row 2: '0000000000000000': was never issued for this product" in errors
    assert "row 4: 'SN-1': was never issued for this product" in errors
    assert halden("recall", "--list").err == "There is no recall.\n"


def test_a_production_window_is_recalled(halden, serials):
    today = datetime.now(UTC).date().isoformat()

    found = recall(halden, "--made-from", today, "--made-to", today)
    assert found["covered"] == 10
    later = recall(halden, "--made-from", "2020-01-01", "--made-to", "2020-12-31", code=1)
    assert "No code of Halden Watch was issued from 2020-01-01 to 2020-12-31" in later


def test_one_recall_has_one_kind_of_scope(halden, serials, tmp_path):
    file = tmp_path / "list.txt"
    file.write_text(serials[0])

    assert "names no lot" in recall(halden, "--serials", file, "--lot", "A1", code=1)
    range_too = ("--from-serial", serials[0], "--to-serial", serials[1])
    assert "one of them at a time" in recall(halden, "--serials", file, *range_too, code=1)


def test_on_a_terminal_a_recall_is_confirmed(halden, serials, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)

    result = halden("recall", "--gtin", WATCH, "--lot", "A1", "--reason", "x", code=1)
    assert "It covers 10 issued codes: batch A1." in result.out
    assert halden("recall", "--list").err == "There is no recall.\n"


# --- Languages ---


@pytest.fixture
def german(tmp_path):
    file = tmp_path / "recall.de.txt"
    file.write_text("Das Glas kann brechen\n \nBringen Sie es zurück,\nbitte bald.\n\nDanke.\n", encoding="utf-8-sig")
    return file


def test_a_recall_is_said_in_further_languages(halden, serials, german):
    found = recall(halden, "--lot", "A1", "--remedy", "Return it", "--text", f"de={german}")

    assert found["language"] == "en"
    assert found["texts"] == {
        "de": {"reason": "Das Glas kann brechen", "remedy": "Bringen Sie es zurück,\nbitte bald.\n\nDanke."}
    }


def test_texts_are_added_to_a_recall_that_is_in_force(halden, serials, german, tmp_path):
    number = recall(halden, "--lot", "A1", "--remedy", "Return it")["id"]
    french = tmp_path / "fr.txt"
    french.write_text("Le verre peut casser\n\nRendez-le")
    said = halden("recall", "--add-texts", number, "--text", f"de={german}", "--text", f"fr={french}")
    assert said.out == "Recall 1 of Halden Watch is said in de, en, fr.\n"

    found = json.loads(halden("recall", "--add-texts", number, "--language", "it", "--json").out)
    assert (found["language"], sorted(found["texts"])) == ("it", ["de", "fr"])


def test_the_languages_of_the_markets_that_are_missing_are_named(halden, serials, tmp_path):
    file = tmp_path / "markets.csv"
    file.write_text(f"gtin,brand,name,granularity,markets\n{WATCH},halden,Halden Watch,serial,BE GB\n")
    halden("products", "import", file)

    said = halden("recall", "--gtin", WATCH, "--lot", "A1", "--reason", "Glass may break")
    assert "No text yet for Belgium: Dutch, French, German." in said.err
    assert "United Kingdom" not in said.err


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("--text", "de"), 2, "takes a language and a file"),
        (("--text", "de=nowhere.txt"), 2, "takes a language and a file"),
        (("--language", "tlh"), 2, "Invalid value for '--language'"),
        (("--add-texts", "1", "--text", "de=FILE"), 2, "takes the number of the recall"),
        (("--text", "de=FILE"), 1, "and the original does not"),
        (("--text", "xx=FILE"), 1, "no language 'xx'"),
        (("--text", "de=FILE", "--text", "de=FILE", "--remedy", "Return it"), 1, "two texts in German"),
    ],
)
def test_texts_that_cannot_be_used_are_refused(halden, serials, german, arguments, code, sentence):
    given = [argument.replace("FILE", str(german)) for argument in arguments]

    assert sentence in recall(halden, "--lot", "A1", *given, code=code)
    assert json.loads(halden("recall", "--list", "--json").out or "[]") == []
