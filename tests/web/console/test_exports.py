"""The page of exports: asked for, watched, downloaded with a fresh proof, and noted in the log."""

import csv
import hashlib
import io
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from authsvc import errand_work
from authsvc.deliveries import Courier
from authsvc.staff import Role

HERE = "/console/exports"


@pytest.fixture(autouse=True)
def nothing_under_way(scene):
    scene.admin.execute("TRUNCATE errands CASCADE")
    yield
    scene.clock.ahead = timedelta()


def work(scene):
    courier = replace(Courier.make(scene.config, scene._sessions), now=scene.clock)
    for (number,) in scene.rows("SELECT id FROM errands WHERE state = 'waiting' ORDER BY created_at"):
        errand_work.do_errand(courier, scene.url, number)
    courier.client.close()


def form(scene, **values):
    today = scene.clock().date()
    return {"kind": "scans", "format": "csv", "first": str(today - timedelta(days=3)), "last": str(today), **values}


def order(person, scene, **values):
    answer = person.post(HERE, **form(scene, **values))
    assert answer.location == HERE, answer.text
    return scene.row("SELECT id FROM errands ORDER BY created_at DESC LIMIT 1")[0]


def acts(scene, number):
    return [act for (act,) in scene.rows("SELECT act FROM audit_events WHERE subject = %s ORDER BY seq", str(number))]


def text_of(answer):
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def test_a_file_is_asked_for_watched_and_downloaded(analyst, scene):
    visitor, path = scene.visitor(), scene.codes.path()
    visitor.confirm(visitor.scan(path))
    number = order(analyst, scene, gtin=scene.watch.gtin)
    waiting = analyst.get(HERE)
    assert "Waits" in text_of(waiting)
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in waiting.text
    scene.admin.execute("UPDATE errands SET state = 'running', done = 40, total = 100")
    assert "40 of 100" in text_of(analyst.get(HERE))
    assert analyst.get(f"{HERE}/{number}/file").status_code == 404
    scene.admin.execute("UPDATE errands SET state = 'waiting'")
    work(scene)

    ready = analyst.get(HERE)
    assert "Ready" in text_of(ready)
    assert "http-equiv" not in ready.text
    answer = analyst.get(f"{HERE}/{number}/file")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert f"scans-{scene.watch.gtin}-" in answer.headers["Content-Disposition"]
    assert answer.content_length == len(answer.data)
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))
    assert {row["gtin"] for row in rows} == {scene.watch.gtin}
    assert acts(scene, number) == ["export.order", "export.download"]
    assert scene.row(
        "SELECT details->>'sha256', (details->>'rows')::int FROM audit_events WHERE act = 'export.download' "
        "AND subject = %s", str(number),
    ) == (hashlib.sha256(answer.data).hexdigest(), len(rows))  # fmt: skip


@pytest.mark.parametrize("kind", ["alerts", "scans", "counts"])
@pytest.mark.parametrize("as_", ["csv", "xlsx", "jsonl"])
def test_every_kind_comes_in_every_format(analyst, scene, kind, as_):
    number = order(analyst, scene, kind=kind, format=as_)
    work(scene)

    answer = analyst.get(f"{HERE}/{number}/file")

    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith(f'attachment; filename="{kind}-')
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_download_needs_a_fresh_proof(analyst, scene, later):
    number = order(analyst, scene)
    work(scene)
    later(minutes=6)

    answer = analyst.get(f"{HERE}/{number}/file")

    assert answer.location == f"/console/confirm?next=%2Fconsole%2Fexports%2F{number}%2Ffile"
    assert acts(scene, number) == ["export.order"]


def test_another_brand_finds_no_file(analyst, scene, cast):
    number = order(analyst, scene)
    work(scene)
    rival = cast.add(Role.ADMIN, scene.rival)
    rival.sign_in()

    assert rival.get(f"{HERE}/{number}/file").status_code == 404
    assert rival.post(f"{HERE}/{number}/remove").status_code == 404
    assert "No file yet." in rival.get(HERE).text
    theirs = scene.add_product(scene.rival).gtin
    answer = analyst.post(HERE, **form(scene, gtin=theirs))
    assert answer.status_code == 400
    assert "The brand has no product with this GTIN." in answer.text


def test_a_viewer_takes_nothing_away(cast, scene):
    person = cast.add(Role.VIEWER)
    person.sign_in()

    assert person.get(HERE).status_code == 403
    assert person.post(HERE, **form(scene)).status_code == 403
    assert "Exports" not in text_of(person.get("/console/"))


def test_a_file_is_cancelled_removed_and_gone_after_its_time(analyst, scene):
    number = order(analyst, scene)
    analyst.post(f"{HERE}/{number}/cancel")
    assert "The export is cancelled." in analyst.get(HERE).text
    assert acts(scene, number) == ["export.order", "export.cancel"]

    number = order(analyst, scene)
    work(scene)
    analyst.post(f"{HERE}/{number}/remove")
    assert analyst.get(f"{HERE}/{number}/file").status_code == 404
    assert acts(scene, number) == ["export.order", "export.remove"]

    number = order(analyst, scene)
    work(scene)
    # The hour has come, and the job that removes it has not.
    scene.admin.execute("UPDATE errands SET expires_at = %s", (scene.clock() - timedelta(seconds=1),))
    assert analyst.get(f"{HERE}/{number}/file").status_code == 404


def test_who_waits_long_is_told_what_may_be_wrong(analyst, scene, later):
    order(analyst, scene)
    assert "no worker runs" not in analyst.get(HERE).text
    later(minutes=6)

    assert "Waits For minutes: others may be before it, or no worker runs." in text_of(analyst.get(HERE))


def test_a_failed_file_says_why(analyst, scene):
    order(analyst, scene)
    scene.admin.execute("UPDATE errands SET state = 'failed', fault = 'The disk is full.'")

    assert "Failed The disk is full." in text_of(analyst.get(HERE))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"first": "2026-02-31"}, "Give the first and the last day"),
        ({"last": "2999-01-01"}, "today at the latest"),
        ({"kind": "owners"}, "Say what you want"),
    ],
)
def test_what_makes_no_sense_is_told_beside_the_form(analyst, scene, values, words):
    answer = analyst.post(HERE, **form(scene, **values))

    assert answer.status_code == 400
    assert words in answer.text
    assert scene.rows("SELECT 1 FROM errands") == []


def test_every_column_is_stated(analyst):
    told = text_of(analyst.get(HERE))

    for words in ("visitor a pseudonym that is another one for every item", "reason and why", "count how often"):
        assert words in told
