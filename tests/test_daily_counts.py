"""Counts by day: every scan is counted once, under the verdict that a person got, and the overview shows them all."""

from datetime import UTC, timedelta

import psycopg
import pytest
from scene import DATACENTRE, Scene, forge

from authsvc import daily_counts, overview, receipts
from authsvc.core.verdicts import Disposition
from authsvc.daily_counts import LAG
from authsvc.desk import Desk

A_WHILE = timedelta(minutes=30)


@pytest.fixture
def connection(scene: Scene):
    with psycopg.connect(scene.url, autocommit=True) as connection:
        yield connection


def count(scene, connection, **options):
    return daily_counts.count(connection, now=scene.clock() + A_WHILE, **options)


def counts(scene, dimension="day", columns="kind", brand=None):
    """Return what is counted, by the columns asked for."""
    rows = scene.rows(
        f"SELECT {columns}, sum(count) FROM daily_counts WHERE dimension = %s AND brand_id = %s "
        f"GROUP BY {columns} ORDER BY {columns}",
        dimension,
        (brand or scene.halden).id,
    )
    return {row[:-1] if len(row) > 2 else row[0]: int(row[-1]) for row in rows}


@pytest.fixture
def start_anew(scene, connection):
    """Forget what other tests left behind."""
    for table in ("daily_counts", "scans", "rejections", "sightings", "alerts", "items"):
        connection.execute(f"DELETE FROM {table}")
    connection.execute("UPDATE job_marks SET at = %s WHERE job = 'days-counted'", (scene.clock() - LAG,))


def happen(scene: Scene):
    """Let every kind of answer be given, and return the product and the receipts of all of them."""
    product = scene.add_product(release="on-commission")
    codes = scene.issue(product, 40, lot="L9")
    scene.commission(product, codes.run, 0, 30)
    first, other = scene.visitor(), scene.visitor()
    shown = []

    def check(who, path):
        shown.append(who.scan(path).receipt)

    for index, disposition in enumerate(
        (Disposition.STOLEN, Disposition.LOST, Disposition.BLOCKED, Disposition.DESTROYED, Disposition.INACTIVE)
    ):
        scene.set_disposition(codes.link(index), disposition)
        check(first, codes.path(index))
    scene.admin.execute(
        "INSERT INTO lots (gtin, lot, brand_id) VALUES (%s, 'L8', %s)", (product.gtin, product.brand_id)
    )
    old = scene.issue(product, 5, lot="L8", expires_on=(scene.clock() - timedelta(days=9)).date())
    scene.commission(product, old.run, 0, 4)
    check(first, old.path(0))
    check(first, codes.path(35))  # Not commissioned.
    for who in (first, other, first):
        check(who, codes.path(10))
    check(first, forge(codes.path(11)))
    check(first, codes.path(12).partition("?")[0])
    check(first, f"/01/{product.gtin}/21/nobody-made-it?s={codes.path(12).partition('s=')[2]}")
    scene.admin.execute("UPDATE items SET flagged_at = now() WHERE sgtin = %s", (codes.link(10).sgtin,))
    check(other, codes.path(10))
    recalled = scene.issue(scene.add_product(), 5, lot="R1")
    scene.recall(next(p for p in scene.rt.held.register.products() if p.gtin == recalled.link(0).gtin), lot="R1")
    check(first, recalled.path(0))
    return product, [receipts.parse(text) for text in shown]


@pytest.mark.usefixtures("start_anew")
def test_scans_are_counted_under_the_verdict_that_people_got(scene, connection):
    _, shown = happen(scene)

    count(scene, connection)

    expected: dict[str, int] = {}
    for receipt in shown:
        reason = receipts.get(scene.rt.held, scene.rt.connections, receipt, at=scene.clock()).then.reason.value
        expected[reason] = expected.get(reason, 0) + 1
    assert counts(scene) == expected
    assert len(expected) > 11


@pytest.mark.usefixtures("start_anew")
def test_each_dimension_tells_the_same_scans(scene, connection):
    product, shown = happen(scene)

    count(scene, connection)

    lots = counts(scene, "lot", "gtin, lot")
    assert sum(counts(scene, "country", "country").values()) == len(shown)
    assert sum(counts(scene, "product", "gtin").values()) == len(shown)
    assert counts(scene, "cell", "gtin, country")[product.gtin, "DE"] == counts(scene, "product", "gtin")[product.gtin]
    assert (lots[product.gtin, "L8"], counts(scene, brand=scene.rival)) == (1, {})
    assert "" not in {lot for _, lot in lots}


@pytest.mark.usefixtures("start_anew")
def test_counting_twice_or_in_pieces_counts_once(scene, connection):
    _, shown = happen(scene)

    count(scene, connection)
    count(scene, connection)
    whole = counts(scene)
    connection.execute("DELETE FROM daily_counts")
    connection.execute("UPDATE job_marks SET at = 'epoch' WHERE job = 'days-counted'")
    now, more = scene.clock() + A_WHILE, True
    while more:
        with connection.transaction():
            more = daily_counts.count_step(connection, now=now, step=timedelta(milliseconds=700)).may_be_more

    assert counts(scene) == whole
    assert sum(whole.values()) == len(shown)


@pytest.mark.usefixtures("start_anew")
def test_a_step_that_is_lost_moves_neither_mark_nor_count(scene, connection):
    happen(scene)

    with connection.transaction(force_rollback=True):
        daily_counts.count_step(connection, now=scene.clock() + A_WHILE)
    assert counts(scene) == {}
    count(scene, connection)

    assert counts(scene) != {}


@pytest.mark.usefixtures("start_anew")
def test_programs_and_ones_own_devices_are_no_scans(scene, connection):
    codes = scene.issue(scene.add_product())
    scene.visitor(address=DATACENTRE).scan(codes.path(0))
    scene.visitor(agent="Slackbot-LinkExpanding 1.0").scan(codes.path(1))
    looked = scene.visitor(address=DATACENTRE)
    looked.confirm(looked.scan(codes.path(2)))
    scene.visitor(address=DATACENTRE).scan(forge(codes.path(3)))

    count(scene, connection)

    # Its number was not given yet when the data centre fetched the page; the person behind it looked later.
    assert counts(scene) == {"checked-before": 1, "forged": 1}


@pytest.mark.usefixtures("start_anew")
@pytest.mark.parametrize("is_counted", [True, False])
def test_the_overview_has_what_is_counted_and_what_is_not_yet(scene, connection, is_counted):
    product, shown = happen(scene)
    if is_counted:
        count(scene, connection)
    desk = Desk(scene.url)

    with desk.as_brand(scene.halden.id) as session:
        found = overview.find_figures(session, scene.halden.id, days=7, now=scene.clock() + A_WHILE)
    with desk.as_brand(scene.rival.id) as session:
        others = overview.find_figures(session, scene.rival.id, days=7, now=scene.clock() + A_WHILE)
    desk.close()

    assert found.is_live
    assert found.days[-1] == (scene.clock() + A_WHILE).astimezone(UTC).date()
    assert sum(sum(values) for values in found.verdicts.values()) == len(shown)
    assert (found.products[0].gtin, found.products[0].name) == (product.gtin, product.name)
    assert found.products[0].bad == 11
    assert [(each.country, each.count) for each in found.countries] == [("DE", len(shown))]
    assert (others.verdicts, others.countries) == ({}, ())


@pytest.mark.usefixtures("start_anew")
def test_figures_end_at_the_mark_when_nobody_has_counted_for_hours(scene, connection):
    happen(scene)
    count(scene, connection)
    mark = scene.row("SELECT at FROM job_marks WHERE job = 'days-counted'")[0]
    desk = Desk(scene.url)

    with desk.as_brand(scene.halden.id) as session:
        found = overview.find_figures(session, scene.halden.id, days=7, now=scene.clock() + timedelta(hours=5))
    desk.close()

    assert (found.is_live, found.upto) == (False, mark)
    assert sum(sum(values) for values in found.verdicts.values()) > 0


@pytest.mark.usefixtures("start_anew")
def test_what_commits_late_is_counted_in_the_night_and_nothing_twice(scene, connection):
    scene.visitor().scan(scene.codes.path())
    count(scene, connection)
    before = counts(scene)
    late = "INSERT INTO rejections (at, id, brand_id, reason, is_typed, is_flagged, visitor, prefix, network, channel) "
    late += "VALUES (%s, gen_random_uuid(), %s, 'forged', false, false, '', '', 'fixed', 'camera')"
    for days in (0, 2):
        connection.execute(late, (scene.clock() - timedelta(days=days), scene.halden.id))
    count(scene, connection)
    assert counts(scene) == before

    for _ in range(2):
        daily_counts.recount(connection, now=scene.clock() + A_WHILE)

    assert counts(scene) == before | {"forged": 2}
