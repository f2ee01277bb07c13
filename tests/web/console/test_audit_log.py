"""The log on its page: filtered, in pages, and as files that are safe to open."""

import csv
import hashlib
import io
import json
import re
from datetime import timedelta

import pytest

from authsvc import audit
from authsvc.audit import Actor
from authsvc.staff import Role

MACHINE = Actor("command", None, "=cmd|' /C calc'!A0")


@pytest.fixture(scope="module")
def logged(scene, cast):
    """Return an admin of a brand with 120 acts of two kinds in its log."""
    brand = scene.add_brand("logged", "96111111")
    with scene.owner_session() as session:
        for number in range(120):
            act = "item.block" if number % 2 else "recall.announce"
            at = scene.clock() - timedelta(days=number // 40)
            audit.record(session, brand.id, MACHINE, act, f"@item{number:03}", {"reason": "+1 \u00e4"}, at=at)
    person = cast.add(Role.ADMIN, brand)
    person.sign_in()
    return person


def subjects(answer):
    assert answer.status_code == 200
    return re.findall(r"@item\d{3}", answer.text)


def test_the_newest_acts_come_first_and_pages_go_back_to_the_first(logged):
    seen, path = [], "/console/audit"
    while path:
        answer = logged.get(path)
        seen += subjects(answer)
        older = answer.text.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
        path = older or None

    assert seen == [f"@item{number:03}" for number in reversed(range(120))]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("act=item", 50),
        ("act=item.block&subject=@item11", 5),
        ("act=ite", 0),
        ("who=CALC", 50),
        ("who=%25", 0),
        ("subject=item_", 0),
        ("subject=@item00", 10),
        ("before=abc", 49),
        ("before=99999999999999999999", 49),
        ("from=nonsense&to=9999-12-31", 49),
        ("to=2000-01-01", 0),
    ],
)
def test_a_filter_finds_what_it_says(logged, query, count):
    assert len(subjects(logged.get(f"/console/audit?{query}"))) == count


def test_the_days_of_a_filter_are_whole_days(logged, scene):
    day = (scene.clock() - timedelta(days=1)).date()

    found = subjects(logged.get(f"/console/audit?subject=@item&from={day}&to={day}"))
    assert found
    assert set(found) <= {f"@item{number:03}" for number in range(40, 80)}


def test_a_spreadsheet_runs_nothing_of_the_export(logged):
    answer = logged.get("/console/audit/export.csv")

    assert answer.headers["Content-Disposition"].startswith('attachment; filename="audit-')
    rows = list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"), newline="")))
    assert len(rows) >= 121
    assert rows[1][3:6] == ["'=cmd|' /C calc'!A0", "recall.announce", "'@item000"]
    assert not [cell for row in rows for cell in row if cell[:1] in set("=+-@\t\r")]


def test_the_lines_of_the_export_are_a_chain_that_anybody_can_check(logged, scene):
    lines = [json.loads(line) for line in logged.get("/console/audit/export.jsonl").text.splitlines()]

    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    assert [line["previous"] for line in lines[1:]] == [line["hash"] for line in lines[:-1]]
    first = lines[0]
    brand = scene.row("SELECT id::text FROM brands WHERE slug = 'logged'")[0]
    (details,) = scene.row("SELECT details::text FROM audit_events WHERE brand_id = %s AND seq = 1", brand)
    (micros,) = scene.row(
        "SELECT (extract(epoch FROM %s::timestamptz) * 1000000)::bigint::text", first["at"]
    )  # fmt: skip
    fields = [
        brand, "1", micros, first["actor"]["kind"], first["actor"]["id"], first["actor"]["name"], first["act"],
        first["subject"], details,
    ]  # fmt: skip
    message = "".join("-" if text is None else f"{len(text.encode())}:{text}" for text in fields)
    expected = hashlib.sha256(bytes.fromhex(first["previous"]) + f"authsvc/audit/1{message}".encode())
    assert first["hash"] == expected.hexdigest()


def test_an_export_is_an_act_too(logged):
    logged.get("/console/audit/export.csv")

    assert "audit.export" in logged.get("/console/audit?act=audit").text


@pytest.mark.parametrize("kind", ["xlsx", "CSV", "csv.exe"])
def test_another_kind_of_file_is_not_found(logged, kind):
    assert logged.get(f"/console/audit/export.{kind}").status_code == 404


def test_a_list_reads_as_a_list(scene, cast):
    brand = scene.add_brand("lists", "96222222")
    with scene.owner_session() as session:
        details = {"prefixes": ["9622222", "9633333"]}
        audit.record(session, brand.id, MACHINE, "brand.add", "lists", details, at=scene.clock())
    person = cast.add(Role.ADMIN, brand)
    person.sign_in()

    assert "prefixes: 9622222, 9633333" in person.get("/console/audit").text


def test_texts_in_languages_read_as_text(scene, cast):
    brand = scene.add_brand("told", "96111133")
    texts = {"de": {"reason": "Feuer", "remedy": None}}
    with scene.owner_session() as session:
        audit.record(session, brand.id, MACHINE, "recall.announce", "1", {"texts": texts}, at=scene.clock())
    person = cast.add(Role.ANALYST, brand)
    person.sign_in()

    assert "texts: de: reason: Feuer, remedy: none" in person.get("/console/audit").text


def test_a_hostile_name_stays_text(scene, cast):
    person = cast.add(Role.ADMIN)
    person.sign_in()
    with scene.owner_session() as session:
        hostile = "<script>alert(1)</script>\0"
        audit.record(session, scene.halden.id, MACHINE, "x.y", hostile, {"reason": hostile}, at=scene.clock())

    page = person.get("/console/audit?act=x").text
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert(1)") == 2
