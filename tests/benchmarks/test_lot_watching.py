import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psycopg

sys.path.insert(0, str(Path(__file__).parents[2]))

from authsvc import lot_statements as sql
from authsvc import lot_watch
from authsvc.core.lots import WINDOW_DAYS, LotPlace
from authsvc.simulation import DAY, Simulation, World, counted
from benchmarks.clones.lot_watching import Counts, watch
from benchmarks.clones.lots import lot_year

SMALL = replace(World(), days=365)


def test_the_copied_lot_of_a_small_brand_is_found_and_no_other():
    year = lot_year(watch, seed=172, world=SMALL, lots=20)

    assert year.found_after_days is not None
    assert year.false_alerts == 0


def test_what_is_counted_in_memory_is_what_the_job_counts_in_the_database(scene):
    product = scene.add_product(scene.halden)
    simulation = Simulation(3, replace(SMALL, lot_size=40))
    scans = sorted(
        (
            (event.at, life.truth.lot, event)
            for life in simulation.lives(range(480))
            for _, event in counted(life.events)
        ),
        key=lambda scan: scan[0],
    )
    scans = scans[: len(scans) * 2 // 3]
    counts = Counts()
    for _, lot, event in scans:
        counts.take(lot, event._replace(gtin=product.gtin))
    last = scans[-1][0] // DAY
    with psycopg.connect(scene.url) as connection:
        connection.execute("TRUNCATE sightings, items, lot_days, job_marks")
        store(connection, product, scans)
        now = datetime.fromtimestamp((last + 2) * DAY, UTC)
        lot_watch.count_sightings(connection, now=now)
        until = datetime.fromtimestamp(last * DAY, UTC).date()
        rows = lot_watch._all(
            connection, sql.LOT_PLACES, {"until": until, "window": WINDOW_DAYS, "since": until - lot_watch.HISTORY}
        )
        connection.rollback()

    stored = {lot_watch._place(row) for row in rows}
    kept = {place for place in counts.places(last) if place.known + place.fresh + place.before}
    assert stored == kept
    assert sum(place.known for place in kept) > 3 < sum(place.fresh + place.first for place in kept)
    assert all(isinstance(place, LotPlace) for place in stored)


def store(connection, product, scans):
    """Write down the first scan of each visitor whose page ran, as the service does."""
    seen = set()
    for at, lot, event in scans:
        if not event.is_confirmed or (event.serial, event.visitor) in seen:
            continue
        seen.add((event.serial, event.visitor))
        sgtin = f"{product.gtin}.{event.serial}"
        connection.execute(
            "INSERT INTO items (sgtin, brand_id, gtin, lot) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (sgtin, product.brand_id, product.gtin, lot),
        )
        connection.execute(
            "INSERT INTO sightings (sgtin, visitor, brand_id, prefix, first_at, counted_at, counted_id, confirmed_id, "
            "is_evidence, is_weak, country, network) VALUES (%s, %s, %s, '', to_timestamp(%s), now(), %s, %s, true, "
            "false, %s, %s)",
            (sgtin, bytes.fromhex(event.visitor), product.brand_id, at, uuid4(), uuid4(), event.country, event.network),
        )
