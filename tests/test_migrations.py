"""The schema in the database: equal to the models, and reached from what was there before."""

import re
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from authsvc import db, service_records
from authsvc.models import Base

PARTITION = re.compile(r"(scans|rejections)_[0-9]{6}.*|.*_[0-9]{6}_.*")


def is_ours(_object, name, kind, *_):
    """Leave out what is made by the month or for some collations only, and the tables of the job queue."""
    if name == "ix_items_sgtin_bytes":
        return False
    return not (name or "").startswith("procrastinate_") and not (kind == "table" and PARTITION.fullmatch(name or ""))


def test_migrations_at_head_equal_the_models(engine):
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_object": is_ours, "compare_type": True, "compare_server_default": True}
        )
        found = compare_metadata(context, Base.metadata)

    assert found == []


def test_the_comparison_would_see_a_difference(engine):
    with engine.connect() as connection:
        connection.execute(text("ALTER TABLE products ADD COLUMN stray text"))
        context = MigrationContext.configure(connection, opts={"include_object": is_ours})
        found = compare_metadata(context, Base.metadata)
        connection.rollback()

    assert [difference[0] for difference in found] == ["remove_column"]


def test_the_database_is_at_the_newest_revision(engine):
    current, newest = db.revisions(engine)

    assert current == newest


def test_upgrading_again_changes_nothing(database):
    db.upgrade(database)


@pytest.fixture
def old_database(postgres):
    """Yield a function that makes a database at an old revision and returns its address."""
    with psycopg.connect(postgres, autocommit=True) as server:
        server.execute("CREATE DATABASE authsvc_old")
        url = make_url(postgres).set(database="authsvc_old").render_as_string(hide_password=False)

        def make(revision):
            command.upgrade(db._alembic(url), revision)
            return url

        yield make
        server.execute("DROP DATABASE authsvc_old WITH (FORCE)")


def test_a_host_of_two_brands_stays_with_the_older_one(old_database):
    url = old_database("0006")
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO brands (id, slug, name, hosts, created_at) VALUES "
            "(gen_random_uuid(), 'young', 'Young', '{b.example,a.example}', '2026-02-01'), "
            "(gen_random_uuid(), 'old', 'Old', '{c.example,a.example}', '2026-01-01')"
        )
    db.upgrade(url)

    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT b.slug, h.host FROM brand_hosts h JOIN brands b ON b.id = h.brand_id ORDER BY b.slug, position"
        ).fetchall()
    assert found == [("old", "c.example"), ("old", "a.example"), ("young", "b.example")]


def test_ranges_that_were_commissioned_and_default_limits_are_taken_over(old_database):
    url = old_database("0010")
    brand = "00000000-0000-4000-8000-000000000001"
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO brands (id, slug, name) VALUES (%s, 'old', 'Old')", (brand,))
        for gtin, limit in (("09506000000008", 10), ("09506000000015", 4)):
            connection.execute(
                "INSERT INTO products (gtin, brand_id, name, granularity, copy_threshold) "
                "VALUES (%s, %s, 'x', 'serial', %s)",
                (gtin, brand, limit),
            )
        connection.execute(
            "INSERT INTO runs (brand_id, number, gtin, mode, count, commissioned, issued_at) VALUES "
            "(%s, 1, '09506000000008', 'derived', 50, '{[0,5),[10,12)}', '2026-01-02T00:00Z'), "
            "(%s, 2, '09506000000008', 'derived', 50, '{}', '2026-01-02T00:00Z')",
            (brand, brand),
        )
        connection.execute(
            "INSERT INTO items (sgtin, brand_id, gtin, run, counted) VALUES ('09506000000008.A', %s, "
            "'09506000000008', 1, 3)",
            (brand,),
        )
        connection.execute(
            "INSERT INTO sightings (sgtin, visitor, brand_id, prefix, first_at, counted_at, counted_id, is_evidence, "
            "is_weak, network) VALUES ('09506000000008.A', 'v', %s, 'p', now(), now(), gen_random_uuid(), true, false, "
            "'fixed')",
            (brand,),
        )
    db.upgrade(url)

    with psycopg.connect(url) as connection:
        ranges = connection.execute(
            "SELECT run, index_from, index_to, at::date::text FROM commissions ORDER BY 1, 2"
        ).fetchall()
        limits = connection.execute("SELECT copy_threshold, target_rate FROM products ORDER BY gtin").fetchall()
        item = connection.execute(
            "SELECT i.facts, i.counted, s.asn FROM items i JOIN sightings s USING (sgtin)"
        ).fetchone()
        rate = connection.execute("SELECT round(target_rate::numeric, 4), has_lifecycle FROM brands").fetchone()
    assert ranges == [(1, 0, 4, "2026-01-02"), (1, 10, 11, "2026-01-02")]
    assert limits == [(None, None), (4, None)]
    assert item == (0, 3, None)
    assert (float(rate[0]), rate[1]) == (0.001, False)


def test_services_of_before_are_records_and_a_withdrawn_one_is_withdrawn_by_a_further_record(old_database):
    url = old_database("0037")
    brand = "00000000-0000-4000-8000-000000000001"
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO brands (id, slug, name) VALUES (%s, 'old', 'Old')", (brand,))
        connection.execute(
            "INSERT INTO products (gtin, brand_id, name, granularity) VALUES ('09506000000008', %s, 'x', 'serial')",
            (brand,),
        )
        connection.execute(
            "INSERT INTO items (sgtin, brand_id, gtin, records) VALUES ('09506000000008.A', %s, '09506000000008', 1)",
            (brand,),
        )
        connection.execute(
            "INSERT INTO item_records (sgtin, id, brand_id, kind, at, values, text, audience, by_name, recorded_at) "
            "VALUES ('09506000000008.A', gen_random_uuid(), %s, 'test', now(), '{}', 'x', 'partner', 'x', now())",
            (brand,),
        )
        for what, withdrawn in (("Oiled", None), ("By mistake", "2026-03-06T09:00Z")):
            connection.execute(
                "INSERT INTO service_records VALUES ('09506000000008.A', gen_random_uuid(), %s, '2026-03-04', %s, "
                "'Atelier', 'Ada', '2026-03-05T09:00Z', %s, %s)",
                (brand, what, withdrawn and "Bob", withdrawn),
            )
    db.upgrade(url)

    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with Session(engine) as session:
        found = service_records.list_of(session, "09506000000008.A", with_withdrawn=True)
        shown = service_records.list_of(session, "09506000000008.A")
    engine.dispose()
    with psycopg.connect(url) as connection:
        count = connection.execute("SELECT records FROM items").fetchone()[0]
    said = {(each.what, each.done_by, each.recorded_by, str(each.done_on), each.withdrawn_at is None) for each in found}
    assert said == {
        ("Oiled", "Atelier", "Ada", "2026-03-04", True),
        ("By mistake", "Atelier", "Ada", "2026-03-04", False),
    }
    assert [each.what for each in shown] == ["Oiled"]
    assert count == 4


def test_a_captured_event_of_before_has_the_author_that_the_log_names(old_database):
    url = old_database("0043")
    brand, author, logged, lost = (f"00000000-0000-4000-8000-00000000000{n}" for n in range(1, 5))
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO brands (id, slug, name) VALUES (%s, 'old', 'Old')", (brand,))
        for capture in (logged, lost):
            connection.execute(
                "INSERT INTO epcis_events (brand_id, event_id, is_correction, capture_id, event_at, recorded_at,"
                " recorded_by, type, epcs, document) VALUES (%s, %s, false, %s, now(), now(), 'x', 'x', '{}', '{}')",
                (brand, capture, capture),
            )
        connection.execute(
            "INSERT INTO audit_events (brand_id, at, actor_kind, actor_id, actor_name, act, subject, details) VALUES "
            "(%s, now(), 'key', %s, 'x', 'epcis.capture', %s, '{}')",
            (brand, author, logged),
        )
    db.upgrade(url)

    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT event_id, recorded_by_id::text FROM epcis_events ORDER BY 1").fetchall()
    assert found == [(logged, author), (lost, None)]


def test_a_record_of_before_has_the_author_that_the_log_names(old_database):
    url = old_database("0040")
    brand, author, record = (f"00000000-0000-4000-8000-00000000000{n}" for n in range(1, 4))
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO brands (id, slug, name) VALUES (%s, 'old', 'Old')", (brand,))
        for sgtin, number in (("A", record), ("B", record), ("A", brand)):
            connection.execute(
                "INSERT INTO item_records (sgtin, id, brand_id, kind, at, values, text, audience, by_name, recorded_at)"
                " VALUES (%s, %s, %s, 'test', now(), '{}', 'x', 'partner', 'x', now())",
                (f"09506000000008.{sgtin}", number, brand),
            )
        connection.execute(
            "INSERT INTO audit_events (brand_id, at, actor_kind, actor_id, actor_name, act, subject, details) VALUES "
            "(%s, now(), 'key', %s, 'x', 'item.record', '09506000000008.A', jsonb_build_object('id', %s::text))",
            (brand, author, record),
        )
    db.upgrade(url)

    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT id::text, by_id::text FROM item_records ORDER BY 1, 2").fetchall()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("UPDATE item_records SET text = 'y'")
    assert found == [(brand, None), (record, author), (record, author)]


def test_revisions_are_numbered_without_a_gap():
    names = sorted(file.name for file in Path("migrations/versions").glob("0*.py"))

    assert [name[:4] for name in names] == [f"{n:04}" for n in range(1, len(names) + 1)]


@pytest.mark.parametrize("file", sorted(Path("migrations/versions").glob("0*.py")), ids=lambda file: file.stem)
def test_no_migration_waits_for_a_lock_for_ever(file):
    source = file.read_text(encoding="utf-8")

    if "ALTER TABLE" in source or "add_column" in source:
        assert "lock_timeout" in source
