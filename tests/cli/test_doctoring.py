import json
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from authsvc import catalogue, db, issuing, signing_keys
from authsvc.core.codes import HEADER
from authsvc.issuing import Order

WATCH = "09506000134352"


def findings(command, check):
    found = json.loads(command("doctor", "--json").out)
    return [(f["mark"], f["text"]) for f in found if f["check"] == check]


@pytest.fixture
def open_run(halden, place):
    """Return a function that leaves a run as an issue leaves it that is killed: open."""

    def make(age):
        with place.sessions.begin() as session:
            brand, product = catalogue.get_brand(session, "halden"), catalogue.get_product(session, WATCH)
            key = signing_keys.get_active_key(session, brand.id, "ed25519", wrapping_key=place.wrapping_key)
            order = Order(count=3000)
            return issuing.open_run(session, brand, product, order, key=key, now=place.now() - age).number

    return make


def test_the_login_of_the_web_is_examined(halden, database, monkeypatch):
    ((mark, sentence),) = findings(halden, "web login")
    assert mark == "warning"
    assert sentence.startswith("web processes log in as postgres, act as authsvc_scan and could take more back: ")
    own = make_url(database).set(username=db.WEB_LOGIN).render_as_string()
    monkeypatch.setenv("AUTHSVC_SCAN_DATABASE_URL", own)

    assert findings(halden, "web login") == [
        ("ok", "web processes log in as authsvc_web, which may scan and nothing else")
    ]


def test_a_run_that_was_cut_off_is_named(halden, open_run):
    open_run(timedelta(minutes=2))

    ((mark, sentence),) = findings(halden, "runs")
    assert mark == "warning"
    assert sentence.startswith(f"run 1 of halden, 3,000 codes of {WATCH} begun ")
    assert "unless `authsvc issue` is still at it, it was cut off and none of its codes counts" in sentence


def test_a_run_that_has_just_begun_or_has_ended_is_left_alone(halden, place, open_run, tmp_path):
    open_run(timedelta(seconds=30))
    open_run(timedelta(hours=1))
    halden("issue", "--gtin", WATCH, "--count", 1, "--out", tmp_path / "codes.csv")
    with place.sessions.begin() as session:
        session.execute(text("UPDATE runs SET failure = 'It was interrupted.' WHERE number = 2"))
        session.execute(text("UPDATE runs SET created_at = created_at - interval '1 day' WHERE number = 3"))

    assert findings(halden, "runs") == [("ok", "none was cut off")]


def test_many_runs_that_were_cut_off_are_counted(halden, open_run):
    for _ in range(7):
        open_run(timedelta(hours=1))

    found = findings(halden, "runs")
    assert [mark for mark, _ in found] == ["warning"] * 6
    assert found[0][1].startswith("run 7 of halden")
    assert found[-1][1] == "and 2 more"


@pytest.mark.parametrize("content", ["", HEADER, HEADER + "https://id.example.com/"])
def test_the_file_of_an_issue_that_was_cut_off_is_named(halden, tmp_path, monkeypatch, content):
    folder = tmp_path / "labels"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "codes.csv.partial").write_text(content)

    ((mark, sentence),) = findings(halden, "files")
    assert mark == "warning"
    assert sentence.startswith(f"{folder / 'codes.csv.partial'} is of an issue that is at work or was cut off")


def test_a_partial_file_of_others_is_none_of_our_business(halden, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "film.partial").write_bytes(b"\xff\x00uri,gtin")

    assert findings(halden, "files") == [("ok", "no file of codes is left half-written here")]


def test_jobs_that_nobody_runs_are_named(halden, place):
    assert findings(halden, "jobs") == [("ok", "none waits longer than it should")]
    with place.sessions.begin() as session:
        session.execute(
            text(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, scheduled_at, status) VALUES "
                "('deliveries', 'send_mail', now() - interval '6 minutes', 'todo'), "
                "('deliveries', 'send_mail', now() + interval '6 minutes', 'todo'), "
                "('deliveries', 'send_mail', NULL, 'todo'), ('deliveries', 'send_mail', NULL, 'failed')"
            )
        )

    waiting, failed = findings(halden, "jobs")
    assert waiting == ("warning", "1 job waited too long. Is `authsvc worker` running?")
    assert failed[1].startswith("1 job failed: ")
