"""Scans at once, what is written of each, and scans while the database is away."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
from scans import confirmed, copy_threshold, reason, rejections
from scene import Scene, forge

from authsvc import db, holdings, prepared, receipts, scanning
from authsvc import scan_statements as sql
from authsvc.connections import Connections
from authsvc.core.clones import Network
from authsvc.core.gs1 import DigitalLink
from authsvc.core.verdicts import OUTCOMES, Outcome, Reason

THREADS = 20


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(THREADS) as pool:
        yield pool


# --- Races ------------------------------------------------------------------------------------------------------------


def test_twenty_racing_scans_of_an_item_over_the_threshold_open_one_alert(scene, pool):
    product = scene.add_product()
    link = scene.issue(product).link()
    for _ in range(6):
        confirmed(scene, link)
    copy_threshold(scene, product, 6)

    given = list(pool.map(lambda _: scene.scan(link).verdict.reason, range(THREADS)))

    assert set(given) == {Reason.POSSIBLE_COPY}
    assert scene.row("SELECT count(*) FROM alerts WHERE sgtin = %s", link.sgtin) == (1,)


def test_twenty_racing_confirmations_of_different_visitors_open_one_alert(scene, pool):
    product = scene.add_product()
    copy_threshold(scene, product, 5)
    link = scene.issue(product).link()
    tickets = [scene.scan(link).receipt for _ in range(THREADS)]
    rt = scene.rt

    won = list(
        pool.map(lambda t: receipts.confirm(rt.held, rt.connections, t, at=scene.clock(), new_id=rt.new_id), tickets)
    )

    assert won == [True] * THREADS
    assert scene.counts(link.path()) == (THREADS, THREADS)
    assert scene.row("SELECT count(*) FROM alerts WHERE sgtin = %s", link.sgtin) == (1,)


def test_evidence_that_came_behind_the_snapshot_is_read_again(scene, pool):
    """The scan waits for the item's row with an old snapshot; meanwhile the fifth confirmed visitor is committed."""
    product = scene.add_product()
    copy_threshold(scene, product, 5)
    link = scene.issue(product).link()
    for _ in range(4):
        confirmed(scene, link)
    with psycopg.connect(scene.url) as other:
        other.execute("UPDATE items SET seq = seq + 1, counted = counted + 1 WHERE sgtin = %s", (link.sgtin,))
        other.execute(
            "INSERT INTO sightings SELECT sgtin, '\\xaa', brand_id, '\\xbb', first_at, counted_at, counted_id,"
            " counted_id, true, false, country, latitude, longitude, radius_km, network FROM sightings"
            " WHERE sgtin = %s LIMIT 1",
            (link.sgtin,),
        )
        waiting = pool.submit(scene.scan, link)
        until(
            lambda: scene.rows("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%%seq%%'")
        )
        other.commit()
        checked = waiting.result()

    assert checked.verdict.reason is Reason.POSSIBLE_COPY
    assert checked.verdict.facts.scan_number == 6


def test_a_held_row_gives_the_signature_verdict_and_leaves_the_breaker_closed(scene):
    link = scene.codes.link()
    scene.scan(link)
    with psycopg.connect(scene.url) as other:
        other.execute("SELECT 1 FROM items WHERE sgtin = %s FOR UPDATE", (link.sgtin,))
        start = time.perf_counter()
        checked = scene.scan(link)
        took = time.perf_counter() - start
        elsewhere = scene.scan(scene.codes.link())

    assert checked.verdict.reason is Reason.UNAVAILABLE
    assert checked.verdict.facts.signature.kid is not None
    assert checked.receipt is None
    assert 0.2 < took < 0.6
    assert elsewhere.verdict.reason is Reason.FIRST_CHECK
    assert scene.counts(link.path()) == (1, 0)


def test_scans_and_confirmations_of_one_item_never_deadlock(scene, pool):
    product = scene.add_product()
    copy_threshold(scene, product, 8)
    link = scene.issue(product).link()
    (before,) = scene.row("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")

    def visit(_):
        for _ in range(5):
            confirmed(scene, link)

    list(pool.map(visit, range(8)))

    scene.admin.execute("SELECT pg_stat_force_next_flush()")
    assert scene.row("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == (before,)
    assert scene.counts(link.path()) == (40, 40)
    assert scene.row("SELECT count(*) FROM alerts WHERE sgtin = %s", link.sgtin) == (1,)


# --- What is written --------------------------------------------------------------------------------------------------


@pytest.fixture
def statements(monkeypatch) -> list[str]:
    """Return the list of the statements that this thread runs from here on; the keeper polls in one of its own."""
    run, seen, here = prepared.run, [], threading.get_ident()

    def noted(connection, ready, statement, params):
        if threading.get_ident() == here:
            seen.append(statement)
        return run(connection, ready, statement, params)

    monkeypatch.setattr(prepared, "run", noted)
    return seen


def test_a_normal_scan_is_one_statement(scene, statements):
    link = scene.codes.link()

    scene.scan(link)
    scene.scan(link)

    assert statements == [sql.SCAN_ITEM] * 2


def test_a_forged_scan_reads_no_item(scene, statements):
    scene.scan(scene.codes.link(), token="AQAB")

    assert statements == [sql.REJECT]


def test_reading_writes_nothing_and_is_nobodys_first_check(scene):
    link, rt = scene.codes.link(), scene.rt
    before = scene.fingerprint()

    def read():
        return scanning.scan(
            rt.held, rt.connections, link, link.extension("s"), None, at=scene.clock(), new_id=rt.new_id
        )

    given = [read() for _ in range(3)]

    assert {(c.verdict.reason, c.verdict.facts.scan_number, c.receipt) for c in given} == {
        (Reason.CHECKED_BEFORE, None, None)
    }
    assert scene.fingerprint() == before
    assert scene.scan(link).verdict.reason is Reason.FIRST_CHECK
    assert (read().verdict.facts.scan_number, read().verdict.facts.first_at is not None) == (None, True)


@pytest.mark.parametrize("why", ["bot", "head", "prefetch", "datacentre"])
def test_automated_scans_count_nothing(scene, why):
    link = scene.codes.link()

    checked = scene.scan(link, automated=why)

    assert scene.counts(link.path()) == (0, 0)
    assert checked.may_confirm is (why in {"prefetch", "datacentre"})
    assert scene.row("SELECT automated, is_counted FROM scans WHERE id = %s", checked.receipt) == (why, False)
    assert scene.scan(link).verdict.reason is Reason.FIRST_CHECK


def test_a_scan_stores_pseudonyms_and_a_coarse_place(scene):
    seen = scene.presentation(network=Network.MOBILE)

    checked = scene.scan(scene.codes.link(), seen)

    stored = "SELECT visitor, prefix, country, radius_km, network, channel FROM scans WHERE id = %s"
    assert scene.row(stored, checked.receipt) == (seen.visitor, seen.prefix, "DE", 300.0, "mobile", "camera")


def test_a_product_that_is_not_tracked_writes_nothing_whoever_asks(scene):
    wine = scene.add_product(granularity="batch", tracking="none", token="none")
    lot = scene.issue(wine, 1, lot="2024")
    serial = scene.issue(scene.add_product(tracking="none"))
    before = scene.fingerprint()

    assert reason(scene, lot.path(0)) is Reason.LOT_ONLY
    assert reason(scene, serial.path()) is Reason.CHECKED_BEFORE
    assert reason(scene, forge(serial.path())) is Reason.FORGED
    assert scene.fingerprint() == before


def test_what_a_scan_may_not_write(scene):
    with psycopg.connect(scene.url, autocommit=True) as connection:
        connection.execute(f"SET ROLE {db.SCAN_ROLE}")
        for table in ("brands", "brand_prefixes", "products", "lots", "runs", "recalls", "signing_keys", "serial_keys"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"DELETE FROM {table}")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(
                    f"UPDATE {table} SET brand_id = brand_id" if table != "brands" else "UPDATE brands SET name = 'x'"
                )
        for table in ("scans", "items", "sightings", "rejections", "alerts"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"DELETE FROM {table}")


# --- Without a database -----------------------------------------------------------------------------------------------


@pytest.fixture
def nowhere() -> Iterator[Connections]:
    connections = Connections("postgresql://postgres@127.0.0.1:1/none", probe_s=10)
    yield connections
    connections.close()


def without(scene: Scene, connections: Connections, path: str) -> scanning.Checked:
    link = DigitalLink.parse(path)
    return scanning.scan(
        scene.rt.held, connections, link, link.extension("s"), scene.presentation(), at=scene.clock(),
        new_id=scene.rt.new_id,
    )  # fmt: skip


def test_unavailable_says_what_the_signature_says(scene, nowhere):
    good = without(scene, nowhere, scene.codes.path())

    assert (good.verdict.reason, good.verdict.outcome) == (Reason.UNAVAILABLE, Outcome.NONE)
    assert good.verdict.facts.signature.kid == f"{scene.halden.id}.1"
    assert (good.receipt, good.may_confirm) == (None, False)
    assert without(scene, nowhere, forge(scene.codes.path())).verdict.reason is Reason.FORGED
    assert without(scene, nowhere, scene.codes.path().partition("?")[0]).verdict.reason is Reason.UNAVAILABLE


def test_nothing_is_called_unknown_before_the_register_was_read(scene):
    """A process that starts while the database is down knows no brand; that says nothing about a code."""
    link = scene.codes.link()
    seen = scene.presentation()

    checked = scanning.scan(
        holdings.NOTHING, scene.rt.connections, link, link.extension("s"), seen, at=seen.at, new_id=scene.rt.new_id
    )

    assert checked.verdict.reason is Reason.UNAVAILABLE
    assert rejections(scene, seen.id) == []


def test_a_month_without_a_partition_still_gives_the_signature_verdict(scene):
    link = scene.codes.link()

    checked = scene.scan(link, at=scene.clock() + timedelta(days=400))

    assert checked.verdict.reason is Reason.UNAVAILABLE
    assert checked.verdict.facts.signature.kid is not None
    assert scene.counts(link.path()) == (0, 0)


def test_every_reason_has_an_outcome():
    assert set(OUTCOMES) == set(Reason)


def until(condition, seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "this never became true"
        threading.Event().wait(0.005)
