"""The overview: figures of the brand alone, how old they are, and what waits."""

import html
import itertools
import re
from datetime import timedelta

import casework
import psycopg
import pytest
from scene import forge

from authsvc import cases, daily_counts
from authsvc.core.verdicts import Disposition
from authsvc.runtime import new_id
from authsvc.staff import Role


def needed(answer):
    """Return the sentences of what needs somebody now, in their order, with where they lead and why."""
    listed = answer.text.partition('<ol class="now">')[2].partition("</ol>")[0]
    found = re.findall(r'<a href="([^"]+)">(.*?)</a><small>(.*?)</small>', listed)
    return [(html.unescape(said), href, html.unescape(why)) for href, said, why in found]


def raise_alert(scene, rule="away-from-its-owner", **values):
    alert_id, number = new_id(), next(NUMBERS)
    columns = {
        "sgtin": f"{scene.watch.gtin}.N{number}", "id": alert_id, "brand_id": scene.halden.id, "rule": rule,
        "score": 5, "opened_at": scene.clock(), "evidence": "{}", **values,
    }  # fmt: skip
    scene.admin.execute(
        f"INSERT INTO alerts ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})",
        tuple(columns.values()),
    )
    return alert_id


@pytest.fixture
def quiet(scene):
    """Let nothing wait when the test begins, and when it ends."""

    def clear():
        for table in ("case_alerts", "cases", "alerts", "report_photos", "consumer_reports", "items"):
            scene.admin.execute(f"DELETE FROM {table}")

    clear()
    yield
    clear()


NUMBERS = itertools.count(1)


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


@pytest.mark.usefixtures("quiet")
def test_what_needs_somebody_is_ranked_and_says_why(scene, cast):
    me = cast.add(Role.ANALYST)
    me.sign_in()
    now = scene.clock()
    low = raise_alert(scene, evidence='{"threshold": 5}', score=5)
    high = raise_alert(scene, rule="signed-not-issued", score=9)
    mine = raise_alert(scene, evidence='{"threshold": 4}', score=5.5, assignee=me.account_id)
    theirs = raise_alert(scene, rule="signed-not-issued", score=9, assignee=cast.add(Role.ANALYST).account_id)
    asleep = raise_alert(scene, rule="signed-not-issued", snoozed_until=now + timedelta(days=1))
    woken = raise_alert(scene, evidence='{"threshold": 5}', score=5, snoozed_until=now - timedelta(hours=1))
    closed = raise_alert(scene, rule="signed-not-issued", closed_at=now)
    stolen = scene.codes.link()
    scene.set_disposition(stolen, Disposition.STOLEN)
    scene.visitor().scan(scene.codes.path(next_index_of(scene, stolen)))
    casework.report(scene)
    with scene.owner_session() as session:
        case = cases.open_case(session, scene.halden.id, "Market in Milan", id=new_id(), by=casework.ANALYST, now=now)
        cases.move(session, scene.halden.id, case.id, cases.State.ESCALATED, reason="", by=casework.ANALYST, now=now)

    found = needed(me.get("/console/"))

    order = [href.rpartition("/")[2] for _, href, _ in found]
    assert set(order) == {
        str(low), str(high), str(mine), str(woken), str(case.id), stolen.sgtin, "reports?list=new"
    }  # fmt: skip
    assert not {str(theirs), str(asleep), str(closed)} & set(order)
    assert order.index(str(high)) < order.index(str(low))
    assert order.index(str(mine)) < order.index(str(low))
    assert order.index(str(woken)) < order.index(str(low))
    assert order.index(str(case.id)) < order.index("reports?list=new")
    by = {href.rpartition("/")[2]: (said, why) for said, href, why in found}
    assert "a signing key may have leaked" in by[str(high)][0]
    assert "assigned to you" in by[str(mine)][1]
    assert "woken from its sleep" in by[str(woken)][1]
    assert by[str(case.id)][0] == "Case “Market in Milan” was escalated"
    assert by[stolen.sgtin][0] == "Somebody has scanned an item that was reported stolen"
    assert by["reports?list=new"][0] == "1 report of a consumer was not looked at"


@pytest.mark.usefixtures("quiet")
def test_an_alert_that_a_risen_score_has_woken_says_so(scene, viewer):
    sgtin = f"{scene.watch.gtin}.WOKEN"
    scene.admin.execute(
        "INSERT INTO items (sgtin, brand_id, gtin, score) VALUES (%s, %s, %s, 4)",
        (sgtin, scene.halden.id, scene.watch.gtin),
    )
    raise_alert(scene, sgtin=sgtin, snoozed_until=scene.clock() + timedelta(days=9), wakes_at_score=6)
    assert needed(viewer.get("/console/")) == []

    scene.admin.execute("UPDATE items SET score = 7 WHERE sgtin = %s", (sgtin,))

    [(_, _, why)] = needed(viewer.get("/console/"))
    assert "woken from its sleep" in why


@pytest.mark.usefixtures("quiet")
def test_every_page_tells_how_many_alerts_are_new_up_to_99(scene, viewer):
    def badge(path):
        return re.findall(r'Alerts<span class="c">(.*?)<span class="sr"> new', viewer.get(path).text)

    assert badge("/console/") == []
    for _ in range(3):
        raise_alert(scene)
    raise_alert(scene, snoozed_until=scene.clock() + timedelta(days=1))
    raise_alert(scene, assignee=viewer.account_id)
    assert badge("/console/search") == ["3", "3"]
    for _ in range(97):
        raise_alert(scene)
    assert badge("/console/devices") == ["99+", "99+"]


def next_index_of(scene, link):
    """Return the index of a code among those of the scene."""
    return next(n for n in range(4000) if scene.codes.link(n).sgtin == link.sgtin)
