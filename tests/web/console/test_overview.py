"""The overview: figures of the brand alone, how old they are, and what waits."""

import html
import re
from datetime import timedelta

import psycopg
import pytest
from scene import forge

from authsvc import daily_counts
from authsvc.staff import Role


@pytest.fixture
def viewer(cast):
    person = cast.add(Role.VIEWER)
    person.sign_in()
    return person


def text_of(answer):
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.text.partition("<main")[2])))


def tile(answer, label):
    return re.search(rf"<dt>{label}</dt><dd><b>([^<]+)</b>", answer.text)[1]


def numbers(answer):
    labels = ("Scans", "Passed", "Forged codes", "Alerts opened")
    return [int(tile(answer, label).replace(",", "")) for label in labels]


def test_figures_grow_by_what_was_just_scanned(scene, viewer):
    before = numbers(viewer.get("/console/"))
    path = scene.codes.path()
    scene.visitor().scan(path)
    scene.visitor().scan(forge(path))

    after = numbers(viewer.get("/console/"))

    assert [new - old for new, old in zip(after, before, strict=True)] == [2, 1, 1, 0]


def test_counting_moves_figures_from_one_place_to_the_other_and_changes_none(scene, viewer):
    scene.visitor().scan(scene.codes.path())
    before = numbers(viewer.get("/console/?days=7"))
    with psycopg.connect(scene.url, autocommit=True) as connection:
        daily_counts.count(connection, now=scene.clock() + timedelta(minutes=10))

    assert numbers(viewer.get("/console/?days=7")) == before


def test_open_alerts_wait_by_rule_and_closed_ones_do_not(scene, viewer):
    insert = (
        "INSERT INTO alerts (sgtin, id, brand_id, rule, score, evidence, opened_at, closed_at) "
        "VALUES (%s, gen_random_uuid(), %s, %s, 9, '{}', now(), %s)"
    )
    for n, (rule, closed) in enumerate(
        (("away-from-its-owner", None), ("away-from-its-owner", None), ("done", "now()"))
    ):
        scene.admin.execute(insert, (f"{n}", scene.halden.id, rule, closed))
    scene.admin.execute(insert, ("9", scene.rival.id, "of-a-rival", None))

    text = text_of(viewer.get("/console/"))

    assert "2 Away from its owner open alerts" in text
    assert "Of a rival" not in text
    assert "Done" not in text


def test_a_brand_sees_its_own_figures(scene, cast):
    scene.visitor().scan(scene.codes.path())
    rival = cast.add(Role.VIEWER, scene.rival)
    rival.sign_in()

    answer = rival.get("/console/?days=90")

    assert numbers(answer)[:3] == [0, 0, 0]
    assert "Meridian 36" not in answer.text
    assert "Nobody has checked a code in these days." in answer.text


@pytest.mark.parametrize(("asked", "days"), [("7", 7), ("90", 90), ("", 30), ("8", 30), ("x", 30)])
def test_the_days_shown_are_7_30_or_90(viewer, asked, days):
    page = viewer.get(f"/console/?days={asked}").text

    table = page.partition("What people were told, by day")[2].partition("</table>")[0]
    assert len(re.findall("<tr", table)) == days + 1


def test_the_page_says_how_old_its_figures_are(scene, viewer, later):
    assert "Figures as of" in text_of(viewer.get("/console/"))

    later(hours=5)
    viewer.sign_in()

    assert "Newer scans are not counted yet" in text_of(viewer.get("/console/"))
