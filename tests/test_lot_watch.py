"""The watch over lots on a real database: what it counts, what it opens, and that no kill or race changes either."""

import threading
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from scene import forge, sign

from authsvc import lot_watch
from authsvc.core.lots import WINDOW_DAYS

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def connection(scene):
    with psycopg.connect(scene.url, autocommit=True) as connection:
        connection.execute("TRUNCATE sightings, items, alerts, lot_days, job_marks, rejections")
        yield connection


@pytest.fixture
def lots(scene, connection):
    """Let six lots of one product live an ordinary life in Italy for two months, two of ten items checked again."""
    product = scene.add_product(scene.halden)
    with connection.transaction(), connection.pipeline():
        for lot in range(6):
            for item in range(150):
                see(connection, product, f"L{lot}", item, "IT", NOW - (85 - item % 40) * DAY)
                if item % 10 < 2:
                    see(connection, product, f"L{lot}", item, "IT", NOW - (45 - item % 30) * DAY)
    return product


def see(connection, product, lot, item, country, at, **more):
    """Write down one sighting as a confirmed scan does."""
    row = {
        "sgtin": f"{product.gtin}.{lot}{item}", "brand_id": product.brand_id, "gtin": product.gtin, "lot": lot,
        "visitor": uuid4().bytes, "prefix": uuid4().bytes[:8], "at": at, "scan": uuid4(), "confirmed": uuid4(),
        "country": country, "network": "mobile", "is_evidence": True, **more,
    }  # fmt: skip
    connection.execute(
        "INSERT INTO items (sgtin, brand_id, gtin, lot) VALUES (%(sgtin)s, %(brand_id)s, %(gtin)s, %(lot)s) "
        "ON CONFLICT DO NOTHING",
        row,
    )
    connection.execute(
        "INSERT INTO sightings (sgtin, visitor, brand_id, prefix, first_at, counted_at, counted_id, confirmed_id, "
        "is_evidence, is_weak, country, network) VALUES (%(sgtin)s, %(visitor)s, %(brand_id)s, %(prefix)s, %(at)s, "
        "%(at)s, %(scan)s, %(confirmed)s, %(is_evidence)s, false, %(country)s, %(network)s)",
        row,
    )


def copy(connection, product, lot="L3", country="VN", items=range(40)):
    """Let one copy each of many items of a lot, all checked long before, meet somebody in another country."""
    for item in items:
        see(connection, product, lot, item, country, NOW - 2 * DAY - item * timedelta(minutes=7))


def watch(connection, *, now=NOW, **more):
    return lot_watch.watch(connection, now=now, new_id=uuid4, **{"wrapping_key": None, **more})


def alerts(connection):
    return connection.execute("SELECT sgtin, subject, rule, brand_id FROM alerts ORDER BY sgtin, rule").fetchall()


def counts(connection):
    return connection.execute("SELECT * FROM lot_days ORDER BY gtin, lot, country, day").fetchall()


# --- Counting --------------------------------------------------------------------------------------------------------


def test_what_speaks_of_a_place_is_counted_by_lot_country_and_day(scene, connection):
    product = scene.add_product(scene.halden)
    first = NOW - 60 * DAY
    see(connection, product, "L", 1, "IT", first)
    see(connection, product, "L", 1, "FR", first + 2 * DAY)
    see(connection, product, "L", 1, "VN", first + 7 * DAY)
    see(connection, product, "L", 1, "VN", first + 20 * DAY)
    see(connection, product, "L", 1, "VN", first + (20 + WINDOW_DAYS) * DAY)
    see(connection, product, "L", 2, None, first)
    see(connection, product, "L", 3, "IT", first, network="relay")
    see(connection, product, "L", 4, "IT", first, confirmed=None)
    see(connection, product, "L", 5, "IT", first, is_evidence=False)
    see(connection, product, "L", 6, "IT", NOW - timedelta(minutes=5))

    watch(connection)

    found = [(country, (day - first.date()).days, *row) for _, _, _, country, day, *row in counts(connection)]
    assert found == [("FR", 2, 0, 1, 0), ("IT", 0, 0, 1, 1), ("VN", 7, 1, 0, 0), ("VN", 48, 1, 0, 0)]


def test_batches_of_any_size_and_a_second_watch_count_the_same(connection, lots):
    watch(connection)
    whole = counts(connection)
    watch(connection, now=NOW + timedelta(minutes=1))

    assert counts(connection) == whole
    connection.execute("TRUNCATE lot_days, job_marks")
    while lot_watch.count_sightings(connection, now=NOW, batch=97):
        pass
    assert counts(connection) == whole


def test_what_one_run_leaves_waits_for_the_next_and_lots_are_judged_when_all_is_counted(connection, lots):
    copy(connection, lots)

    assert watch(connection, batches=2, batch=100) == 0
    assert sum(row[5] + row[6] for row in counts(connection)) < 250
    assert watch(connection) == len(alerts(connection)) > 0


def test_a_watch_that_is_killed_goes_on_without_loss_or_double(scene, connection, lots):
    copy(connection, lots)
    with psycopg.connect(scene.url) as dying:
        lot_watch.count_sightings(dying, now=NOW, batch=300)
        dying.commit()
        lot_watch.count_sightings(dying, now=NOW, batch=300)
        connection.execute("SELECT pg_terminate_backend(%s)", (dying.info.backend_pid,))
        with pytest.raises(psycopg.OperationalError):
            dying.commit()
    watch(connection)
    resumed, raised = counts(connection), alerts(connection)
    connection.execute("TRUNCATE lot_days, job_marks, alerts")
    watch(connection)

    assert (resumed, raised) == (counts(connection), alerts(connection))


def test_watches_at_once_count_and_raise_once(scene, connection, lots):
    copy(connection, lots)
    opened = []

    def run():
        with psycopg.connect(scene.url, autocommit=True) as own:
            opened.append(watch(own, batch=100))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = counts(connection)
    connection.execute("TRUNCATE lot_days, job_marks")
    watch(connection)

    assert sum(opened) == len(alerts(connection)) == 2
    assert counts(connection) == found


# --- Lots ------------------------------------------------------------------------------------------------------------


def test_ordinary_lots_raise_nothing(connection, lots):
    assert watch(connection) == 0
    assert len(counts(connection)) > 100


def test_a_copied_lot_is_found_and_its_alert_says_why(connection, lots):
    copy(connection, lots)
    key = f"lot/{lots.gtin}/L3"

    assert watch(connection) == 2
    assert alerts(connection) == [
        (key, "lot", "known-items-meet-new-people", lots.brand_id), (key, "lot", "lot-in-a-far-place", lots.brand_id),
    ]  # fmt: skip
    evidence, score = connection.execute("SELECT evidence, score FROM alerts ORDER BY rule LIMIT 1").fetchone()
    assert evidence["parts"][0]["text"].startswith("40 items of batch L3 that somebody had checked at least 7 days")
    assert (evidence["gtin"], evidence["lot"], evidence["country"]) == (lots.gtin, "L3", "VN")
    assert score == pytest.approx(sum(part["weight"] for part in evidence["parts"]), rel=1e-5)


def test_goods_that_are_merely_sold_elsewhere_are_a_far_place_and_no_copies(connection, lots):
    copy(connection, lots, items=range(1_000, 1_040))

    watch(connection)
    assert [rule for _, _, rule, _ in alerts(connection)] == ["lot-in-a-far-place"]


def test_a_country_of_the_products_markets_is_no_far_place(connection, lots):
    connection.execute("UPDATE products SET markets = '{IT,VN}' WHERE gtin = %s", (lots.gtin,))
    copy(connection, lots, items=range(1_000, 1_040))

    assert watch(connection) == 0


def test_an_alert_that_was_closed_is_not_raised_again_by_the_same_counts_but_by_new_ones(connection, lots):
    copy(connection, lots)
    watch(connection)
    connection.execute("UPDATE alerts SET closed_at = %s", (NOW,))

    assert watch(connection, now=NOW + DAY) == 0
    later = NOW + (WINDOW_DAYS + 5) * DAY
    for item in range(40, 80):
        see(connection, lots, "L3", item, "TH", later - 2 * DAY)
    assert watch(connection, now=later) == 2


def test_other_systems_are_told_of_a_lot_as_of_a_lot(scene, connection, lots):
    connection.execute(
        "INSERT INTO alert_recipients (brand_id, address, created_at) VALUES (%s, 'a@b.example', now())",
        (scene.halden.id,),
    )
    connection.execute("DELETE FROM events")
    copy(connection, lots)
    watch(connection)

    data = connection.execute("SELECT data FROM events WHERE type = 'alert.opened' ORDER BY data->>'rule'").fetchall()
    connection.execute("DELETE FROM alert_recipients")
    members = ("subject", "gtin", "lot", "serial", "sscc")
    assert [tuple(told[name] for name in members) for (told,) in data] == [("lot", lots.gtin, "L3", None, None)] * 2


# --- Networks --------------------------------------------------------------------------------------------------------


def test_a_burst_of_forged_links_from_one_network_is_found(scene, connection):
    codes = scene.issue(scene.watch, 60)
    scene.forget_limits()
    mallory = scene.visitor()
    for index in range(25):
        mallory.check(forge(codes.path(index)))
    for index in range(30, 34):
        scene.visitor().check(forge(codes.path(index)))

    assert watch(connection, now=scene.clock()) == 1
    assert watch(connection, now=scene.clock()) == 0
    ((key, kind, rule, brand_id),) = alerts(connection)
    assert key.startswith(f"network/{scene.halden.id}/")
    assert (kind, rule, brand_id) == ("network", "codes-refused-from-one-network", scene.halden.id)


def test_one_forged_code_looked_at_by_a_crowd_behind_one_address_is_no_burst(scene, connection):
    scene.forget_limits()
    path = forge(scene.issue(scene.watch, 5).path(0))
    for _ in range(25):
        scene.visitor(address="81.99.99.9").check(path)

    assert watch(connection, now=scene.clock()) == 0


def test_good_signatures_on_codes_never_issued_weigh_more(scene, connection):
    scene.forget_limits()
    signer = scene.signer(scene.halden)
    mallory = scene.visitor()
    for n in range(20):
        mallory.check(sign(signer, {"01": scene.watch.gtin, "21": f"NEVER{n}"}))

    assert watch(connection, now=scene.clock()) == 1
    (parts,) = connection.execute("SELECT evidence->'parts' FROM alerts WHERE subject = 'network'").fetchone()
    assert [part["rule"] for part in parts] == ["refused-codes", "good-signatures"]


# --- Neighbours ------------------------------------------------------------------------------------------------------


def flag(connection, scene, codes, *indexes):
    for index in indexes:
        link = codes.link(index)
        connection.execute(
            "INSERT INTO items (sgtin, brand_id, gtin, run, lot, flagged_at) VALUES (%s, %s, %s, %s, 'L', %s) "
            "ON CONFLICT (sgtin) DO UPDATE SET flagged_at = excluded.flagged_at",
            (link.sgtin, scene.halden.id, link.gtin, codes.run, NOW - DAY),
        )


def test_copied_codes_that_lie_next_to_each_other_are_found(scene, connection):
    codes = scene.issue(scene.watch, 3_000, lot="L")
    flag(connection, scene, codes, 100, 130, 140, 2_900)

    assert watch(connection, wrapping_key=scene.wrapping_key) == 1
    assert watch(connection, wrapping_key=scene.wrapping_key) == 0
    ((key, kind, rule, _),) = alerts(connection)
    assert (key, kind, rule) == (f"run/{scene.halden.id}/{codes.run}", "run", "neighbours-of-a-copy")
    (indexes,) = connection.execute("SELECT evidence->'indexes' FROM alerts").fetchone()
    assert indexes == [100, 130, 140]


def test_copied_codes_all_over_a_run_are_no_neighbours(scene, connection):
    codes = scene.issue(scene.watch, 3_000, lot="L")
    flag(connection, scene, codes, 100, 900, 1_700, 2_900)

    assert watch(connection, wrapping_key=scene.wrapping_key) == 0


def test_imported_serials_have_no_neighbours(scene, connection):
    codes = scene.issue(scene.watch, texts=("A1", "A2", "A3", "A4"), lot="L")
    flag(connection, scene, codes, 0, 1, 2, 3)

    assert watch(connection, wrapping_key=scene.wrapping_key) == 0


def test_no_key_can_be_the_number_of_an_item(connection, lots):
    copy(connection, lots)
    watch(connection)

    assert not any(key[:14].isdigit() or key.startswith("00.") for key, *_ in alerts(connection))
