import csv
import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from sqlalchemy import text

from authsvc import signing_keys
from authsvc.cli.issuing import issue_codes
from authsvc.core import claim_codes, keyring, serials, tokens
from authsvc.core.gs1 import DigitalLink
from authsvc.errors import Conflict
from authsvc.issuing import Order

WATCH, SHIRTS, WINE = "09506000134352", "09506000134369", "09506000134376"
HEADER = ["uri", "gtin", "lot", "serial", "claim_code"]


@pytest.fixture
def out(tmp_path):
    return tmp_path / "codes.csv"


def read(file):
    with file.open(newline="") as lines:
        header, *rows = csv.reader(lines)
    assert header == HEADER
    return [dict(zip(HEADER, row, strict=True)) for row in rows]


def query(place, sql, **values):
    with place.sessions() as session:
        return [tuple(row) for row in session.execute(text(sql), values)]


def ring(place):
    rows = query(place, "SELECT brand_id, key_id, public_key FROM signing_keys WHERE public_key IS NOT NULL")
    return keyring.Keyring(
        keyring.VerificationKey(b, k, keyring.ED25519, keyring.KeyState.ACTIVE, public=keyring.load_public(p))
        for b, k, p in rows
    )


def brand_id(place):
    return query(place, "SELECT id FROM brands WHERE slug = 'halden'")[0][0]


def test_derived_codes_are_signed_serials_of_the_run(halden, place, out):
    result = halden("issue", "--gtin", WATCH, "--lot", "A1", "--count", 3, "--out", out)

    rows, brand = read(out), brand_id(place)
    with place.sessions() as session:
        serial_keys = signing_keys.load_serial_keys(session, brand, wrapping_key=place.wrapping_key)
        claim_key = signing_keys.load_claim_key(session, brand, 1, wrapping_key=place.wrapping_key)
    assert result.out.startswith("3 codes of run 1 written to ")
    for index, row in enumerate(rows):
        link = DigitalLink.parse(row["uri"])
        assert row["uri"].startswith(f"https://id.example.com/01/{WATCH}/21/{row['serial']}?s=")
        assert dict(link.ais) == {"01": WATCH, "21": row["serial"]}
        assert tokens.verify(link.extension("s"), link.ais, brand, ring(place)).key_id == 1
        assert serials.decode(row["serial"], WATCH, serial_keys) == (1, index)
        assert row["claim_code"] == claim_codes.claim_code(claim_key, brand, WATCH, row["serial"])
        assert (row["gtin"], row["lot"]) == (WATCH, "A1")
    run = "SELECT number, mode, count, epoch, format, key_id, claim_key, lot, issued_at IS NOT NULL FROM runs"
    assert query(place, run) == [(1, "derived", 3, "0", "ed25519", 1, 1, "A1", True)]
    assert query(place, "SELECT count(*) FROM items") == [(0,)]


def test_one_code_is_one_code_and_the_next_command_is_named(halden, out):
    result = halden("issue", "--gtin", WATCH, "--count", 1, "--out", out)

    assert result.out.startswith("1 code of run 1 written to ")
    assert result.err == "Next: authsvc serve\n"
    assert "Next" not in halden("issue", "--gtin", WATCH, "--count", 1, "--force", "--out", out, "--json").err


def test_a_large_run_is_the_same_in_many_processes(halden, place, out):
    halden("issue", "--gtin", WATCH, "--count", 9001, "--out", out)

    rows, brand = read(out), brand_id(place)
    with place.sessions() as session:
        serial_keys = signing_keys.load_serial_keys(session, brand, wrapping_key=place.wrapping_key)
    decoded = [serials.decode(row["serial"], WATCH, serial_keys) for row in rows]
    assert decoded == [(1, index) for index in range(9001)]


def test_expiry_and_lot_stand_in_the_link_where_asked(halden, out):
    halden(
        "issue", "--gtin", WATCH, "--lot", "A/1", "--count", 1, "--expiry", "2030-01-31", "--lot-in-link", "--out", out
    )

    (row,) = read(out)
    assert row["uri"].startswith(f"https://id.example.com/01/{WATCH}/10/A%2F1/21/{row['serial']}?17=300131&s=")
    assert row["lot"] == "A/1"


def test_brand_host_is_the_base_of_its_links(authsvc, tmp_path, out):
    authsvc("brands", "add", "rival", "--name", "Rival", "--host", "id.rival.example", "--host", "rival.example")
    authsvc("keys", "new", "--brand", "rival", "--format", "compact")
    file = tmp_path / "p.jsonl"
    file.write_text(
        '{"gtin": "09521101530018", "brand": "rival", "name": "Cap", "granularity": "serial", "token": "compact"}\n'
    )
    authsvc("products", "import", file)
    authsvc("issue", "--gtin", "09521101530018", "--count", 1, "--out", out)

    (row,) = read(out)
    link = DigitalLink.parse(row["uri"])
    assert row["uri"].startswith("https://id.rival.example/01/")
    assert tokens.peek(link.extension("s")) == (tokens.COMPACT, 1)
    assert row["claim_code"] == ""


def test_a_lot_has_one_code(halden, place, out):
    halden("issue", "--gtin", WINE, "--lot", "L7", "--count", 1, "--expiry", "2031-12-31", "--out", out)

    (row,) = read(out)
    link = DigitalLink.parse(row["uri"])
    assert dict(link.ais) == {"01": WINE, "10": "L7", "17": "311231"}
    assert tokens.verify(link.extension("s"), link.ais, brand_id(place), ring(place)).key_id == 1
    assert (row["serial"], row["claim_code"]) == ("", "")
    lot = "SELECT run, issued_at IS NOT NULL, expires_on::text FROM lots WHERE lot = 'L7'"
    assert query(place, lot) == [(1, True, "2031-12-31")]


def test_cases_are_numbered_without_a_gap(halden, place, out):
    ordered = ("issue", "--gtin", SHIRTS, "--lot", "S1", "--count", 2, "--contents", 24, "--force", "--out", out)
    halden(*ordered)
    halden(*ordered)

    rows = read(out)
    links = [DigitalLink.parse(row["uri"]) for row in rows]
    assert [link.sscc for link in links] == ["095060000000000022", "095060000000000039"]
    assert [row["serial"] for row in rows] == [link.sscc for link in links]
    assert rows[0]["uri"].startswith(f"https://id.example.com/00/095060000000000022?02={SHIRTS}&10=S1&37=24&s=")
    assert tokens.verify(links[0].extension("s"), links[0].ais, brand_id(place), ring(place)).key_id == 1
    assert query(place, "SELECT mode, count, sscc_first FROM runs ORDER BY number") == [
        ("sscc", 2, 9506000000000000),
        ("sscc", 2, 9506000000000002),
    ]


def test_hybrid_lot_has_its_own_code(halden, out):
    halden("issue", "--gtin", SHIRTS, "--lot", "S1", "--count", 1, "--level", "lot", "--out", out)

    (row,) = read(out)
    assert row["uri"].startswith(f"https://id.example.com/01/{SHIRTS}/10/S1?s=")


def test_imported_serials_become_items(halden, place, out, tmp_path):
    file = tmp_path / "serials.csv"
    file.write_text('note,serial\nfirst,IMEI-1\nsecond,"A,B/1"\n')
    halden("issue", "--gtin", WATCH, "--lot", "A1", "--import", file, "--out", out)

    rows = read(out)
    assert [row["serial"] for row in rows] == ["IMEI-1", "A,B/1"]
    assert [DigitalLink.parse(row["uri"]).serial for row in rows] == ["IMEI-1", "A,B/1"]
    link = DigitalLink.parse(rows[1]["uri"])
    assert tokens.verify(link.extension("s"), link.ais, brand_id(place), ring(place)).key_id == 1
    items = "SELECT sgtin, gtin, run, lot, claim_key, disposition, counted FROM items ORDER BY sgtin"
    assert query(place, items) == [
        (f"{WATCH}.A,B/1", WATCH, 1, "A1", 1, "active", 0),
        (f"{WATCH}.IMEI-1", WATCH, 1, "A1", 1, "active", 0),
    ]
    assert query(place, "SELECT mode, count FROM runs") == [("imported", 2)]


def test_random_serials_become_items(halden, place, out):
    halden("issue", "--gtin", WATCH, "--count", 20, "--mode", "random", "--out", out)

    drawn = sorted(f"{WATCH}.{row['serial']}" for row in read(out))
    assert [sgtin for (sgtin,) in query(place, 'SELECT sgtin FROM items ORDER BY sgtin COLLATE "C"')] == drawn
    assert len(set(drawn)) == 20


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("serial\nA1\n.\n", "row 3, column serial: '.': browsers remove"),
        ("serial\n..\n", "row 2, column serial: '..': browsers remove"),
        ("serial\nA B\n", "row 2, column serial: 'A B': a serial has letters"),
        ("serial\nÄ\n", "row 2, column serial: 'Ä': a serial has letters"),
        ("serial\nA\nX23456789012345678901\n", "at most 20 characters, this one has 21"),
        ("serial\nA1\nB\nA1\n", "row 4, column serial: 'A1': is in the file already, in row 2"),
        ("serial\nsn1\nSN1\n", "row 3, column serial: 'SN1': differs only in case from 'sn1' in row 2"),
        ("serial\nOLD-1\n", "row 2, column serial: 'OLD-1': is an item of this product already"),
        ("serial\nold-1\n", "row 2, column serial: 'old-1': differs only in case from 'OLD-1', which is an item"),
        ('serial,x\n"",1\n', "row 2, column serial: '': the serial is empty"),
        ("number\nA1\n", "names the column serial"),
    ],
)
def test_a_bad_serial_file_loads_nothing(halden, place, out, tmp_path, content, sentence):
    file = tmp_path / "serials.csv"
    file.write_text("serial\nOLD-1\n")
    halden("issue", "--gtin", WATCH, "--import", file, "--out", tmp_path / "old.csv")
    file.write_text(content, encoding="utf-8")

    result = halden("issue", "--gtin", WATCH, "--import", file, "--out", out, code=1)

    assert sentence in result.err
    assert "Traceback" not in result.err
    assert not list(tmp_path.glob("codes.csv*"))
    assert query(place, "SELECT sgtin FROM items") == [(f"{WATCH}.OLD-1",)]
    assert query(place, "SELECT count(*) FROM runs WHERE issued_at IS NOT NULL") == [(1,)]


def test_an_imported_serial_that_was_derived_is_refused(halden, out, tmp_path):
    halden("issue", "--gtin", WATCH, "--count", 1, "--out", out)
    (row,) = read(out)
    file = tmp_path / "serials.csv"
    file.write_text(f"serial\n{row['serial'].lower()}\n")

    result = halden("issue", "--gtin", WATCH, "--import", file, "--out", tmp_path / "b.csv", code=1)

    assert "was issued already, in run 1" in result.err


def test_an_existing_file_is_kept(halden, place, out):
    out.write_text("precious")

    result = halden("issue", "--gtin", WATCH, "--count", 1, "--out", out, code=1)

    assert "is there already" in result.err
    assert out.read_text() == "precious"
    assert query(place, "SELECT count(*) FROM runs") == [(0,)]


def test_an_issue_that_comes_second_to_a_file_is_refused_before_its_run_counts(halden, place, out):
    """Two commands looked at the same moment and found the name free; the first is done before the second begins."""
    issue_codes(place, WATCH, Order(count=3), out)
    first = out.read_bytes()

    with pytest.raises(Conflict, match="is there already"):
        issue_codes(place, WATCH, Order(count=2), out)
    assert out.read_bytes() == first
    assert query(place, "SELECT number, count, issued_at IS NOT NULL FROM runs") == [(1, 3, True)]
    assert [file.name for file in out.parent.glob("codes.csv*")] == ["codes.csv"]


def test_an_issue_into_a_file_that_another_one_is_writing_is_refused_before_its_run_counts(halden, place, out):
    refused = []

    def issue_too(_done):
        with pytest.raises(Conflict) as error:
            issue_codes(place, WATCH, Order(count=2), out, may_replace=True)
        refused.append(str(error.value))

    issue_codes(place, WATCH, Order(count=3), out, progress=issue_too)

    assert "another issue is writing it" in refused[0]
    assert len(read(out)) == 3
    assert query(place, "SELECT number, count, issued_at IS NOT NULL FROM runs") == [(1, 3, True)]


def test_a_file_that_appears_meanwhile_is_kept_and_the_codes_too(halden, place, out):
    partial = out.with_name("codes.csv.partial")

    with pytest.raises(Conflict, match=r"They count, and lie in .*codes\.csv\.partial"):
        issue_codes(place, WATCH, Order(count=3), out, progress=lambda _done: out.write_text("precious"))
    assert out.read_text() == "precious"
    assert len(read(partial)) == 3
    assert query(place, "SELECT count, issued_at IS NOT NULL FROM runs") == [(3, True)]


def test_a_failed_run_keeps_its_number_and_issues_nothing(halden, place, out, monkeypatch):
    def fail(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    result = halden("issue", "--gtin", WATCH, "--count", 1, "--out", out, code=1)
    monkeypatch.undo()

    assert not list(out.parent.glob("codes.csv*"))
    sentence = f"{out}.partial cannot be written: No space left on device."
    assert result.err == f"authsvc: {sentence}\n"
    assert query(place, "SELECT number, issued_at, failure FROM runs") == [(1, None, sentence)]
    assert query(place, "SELECT next_run FROM brand_counters") == [(2,)]


def test_a_retired_key_signs_nothing(halden, place, out):
    halden("keys", "retire", "--brand", "halden", "--key", 1)

    result = halden("issue", "--gtin", WATCH, "--count", 1, "--out", out, code=1)

    assert "no active ed25519 key" in result.err
    assert query(place, "SELECT count(*) FROM runs") == [(0,)]


def test_a_key_that_others_can_read_signs_nothing(halden, out, config):
    (key,) = [p for p in config.keys_dir.rglob("*.pem") if not p.name.endswith(".pub.pem")]
    key.chmod(0o640)

    result = halden("issue", "--gtin", WATCH, "--count", 1, "--out", out, code=1)

    assert "has mode 0640, allowed is 0600" in result.err
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--gtin", "9506000134352", "--count", "1"), "14 digits"),
        (("--gtin", "09506000134383", "--count", "1"), "No product has the GTIN"),
        (("--gtin", WATCH, "--count", "1", "--lot", "A B"), "(10)"),
        (("--gtin", WATCH, "--count", "1", "--lot", ".."), "browsers drop"),
        (("--gtin", WATCH, "--count", "1", "--level", "lot"), "Leave out --level lot"),
        (("--gtin", WATCH, "--count", "1", "--level", "case"), "not packed in cases"),
        (("--gtin", WATCH, "--count", "1", "--contents", "2"), "Only a case has contents"),
        (("--gtin", WATCH, "--count", "1", "--format", "compact"), "no active compact key"),
        (("--gtin", WINE, "--count", "1"), "Name the lot"),
        (("--gtin", WINE, "--lot", "L1", "--count", "2"), "--count 1"),
        (("--gtin", SHIRTS, "--lot", "L1", "--count", "2"), "--contents K"),
        (("--gtin", SHIRTS, "--count", "2", "--contents", "24"), "Name the lot"),
        (("--gtin", SHIRTS, "--lot", "L1", "--count", "2", "--contents", "24", "--mode", "random"), "no serials"),
    ],
)
def test_an_order_that_does_not_fit_is_refused(halden, place, out, arguments, sentence):
    result = halden("issue", *arguments, "--out", out, code=1)

    assert sentence in result.err
    assert result.err.startswith("authsvc: ")
    assert query(place, "SELECT count(*) FROM runs") == [(0,)]


@pytest.mark.parametrize("arguments", [("--gtin", WATCH), ("--gtin", WATCH, "--count", "0"), ("--count", "1")])
def test_wrong_usage_ends_with_two(halden, out, arguments):
    halden("issue", *arguments, "--out", out, code=2)


def test_two_issues_at_once_share_no_number(halden, place, tmp_path):
    def issue(name):
        issue_codes(place, SHIRTS, Order(count=5, lot="S1", contents=2), tmp_path / name)

    threads = [threading.Thread(target=issue, args=(f"{n}.csv",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    ssccs = [row["serial"] for n in range(4) for row in read(tmp_path / f"{n}.csv")]
    assert len(set(ssccs)) == 20
    assert query(place, "SELECT array_agg(number ORDER BY number) FROM runs") == [([1, 2, 3, 4],)]


def test_ctrl_c_ends_every_process_and_issues_nothing(halden, place, out):
    # A shell that starts the tests in the background has them ignore SIGINT, and every process under them.
    heeding = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = f"{heeding}; from authsvc.cli import main; main()"
    issue = subprocess.Popen(
        [sys.executable, "-c", code, "issue", "--gtin", WATCH, "--count", "3000000", "--out", out],
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
    )
    partial = out.with_name("codes.csv.partial")
    deadline = time.monotonic() + 30
    while not (partial.exists() and partial.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(issue.pid, signal.SIGINT)  # as a terminal does
    # The blocks that are being written are finished first, which takes a while on a busy machine.
    _, errors = issue.communicate(timeout=150)

    assert (issue.returncode, errors.strip()) == (1, "Aborted!")
    assert not list(out.parent.glob("codes.csv*"))
    assert query(place, "SELECT issued_at, failure FROM runs") == [(None, "It was interrupted.")]


def test_json_says_what_was_issued(halden, out):
    result = halden("issue", "--gtin", WATCH, "--count", 2, "--out", out, "--json")

    found = json.loads(result.out)
    assert (found["run"], found["count"], found["mode"], found["file"]) == (1, 2, "derived", str(out))
