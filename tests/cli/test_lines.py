import json
import os


def test_files_of_a_line_are_done_once_and_in_order(halden, tmp_path, place):
    products = json.loads(halden("products", "list", "--json").out)
    gtin = next(one["gtin"] for one in products if one["granularity"] == "serial")
    halden("issue", "--gtin", gtin, "--count", 700, "--out", tmp_path / "codes.csv")
    folder, line = tmp_path / "in", ("--brand", "halden", "--line", "L1")
    folder.mkdir()
    rows = (tmp_path / "codes.csv").read_text().splitlines()
    (folder / "02.csv").write_text("\n".join([rows[0], *rows[600:], "smudge,,,,"]))
    (folder / "01.csv").write_text("\n".join(rows[:600]))
    (folder / "03.csv").write_text("serial\nx\n")
    (folder / "04.csv.part").write_text("\n".join(rows[:2]))

    told = halden("line", "watch", folder, *line, "--once")

    assert told.out.splitlines() == [
        "01.csv: 599 done, 0 done before, 0 refused", "02.csv: 101 done, 0 done before, 1 refused",
    ]  # fmt: skip
    assert "02.csv, row 103: unreadable: smudge" in told.err
    assert "03.csv: The first line names a column uri or code" in told.err
    assert sorted(path.name for path in folder.iterdir()) == ["04.csv.part", "done", "failed"]
    assert json.loads((folder / "done" / "02.csv.json").read_text())["refused"] == 1
    counts = json.loads(halden("line", "show", *line, "--json").out)
    assert (counts["done"], counts["batches"], counts["refused"]) == (700, 3, 1)
    # Put there again, as a machine does that had no answer: what was done is told, and nothing is done.
    (folder / "done" / "01.csv").rename(folder / "01.csv")
    assert halden("line", "watch", folder, *line, "--once").out == "01.csv: 599 done, 0 done before, 0 refused\n"
    assert json.loads(halden("line", "show", *line, "--json").out)["done"] == 700


def test_files_wait_while_the_database_does_not_answer(halden, tmp_path, monkeypatch):
    line = ("--brand", "halden", "--line", "L1")
    (tmp_path / "01.csv").write_text("code\nx\n")
    good = os.environ["AUTHSVC_DATABASE_URL"]
    monkeypatch.setenv("AUTHSVC_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")

    assert "does not answer" in halden("line", "watch", tmp_path, *line, "--once", code=1).err
    assert (tmp_path / "01.csv").exists()
    monkeypatch.setenv("AUTHSVC_DATABASE_URL", good)
    assert halden("line", "watch", tmp_path, *line, "--once").out == "01.csv: 0 done, 0 done before, 1 refused\n"


def test_a_run_is_put_on_a_line(halden, tmp_path):
    products = json.loads(halden("products", "list", "--json").out)
    gtin = next(one["gtin"] for one in products if one["granularity"] == "serial")
    halden("issue", "--gtin", gtin, "--count", 5, "--out", tmp_path / "codes.csv")
    line = ("--brand", "halden", "--line", "L1")

    assert halden("line", "set", *line, "--run", 1, "--next", 2).out == "Line L1 expects code 2 of run 1.\n"
    assert "next is code 2" in halden("line", "show", *line).out
    assert "has the codes 0 to 4" in halden("line", "set", *line, "--run", 1, "--next", 5, code=1).err
