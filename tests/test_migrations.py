"""The schema in the database: equal to the models, guarded by brand, and writable by whom it should be."""

import re
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from authsvc import audit, db, service_records, staff, staff_proofs
from authsvc.models import Base
from authsvc.runtime import new_id

PARTITION = re.compile(r"(scans|rejections)_[0-9]{6}.*|.*_[0-9]{6}_.*")
HOT = (
    "items", "sightings", "scans", "alerts", "item_facts", "resolutions", "registrations", "transfers",
    "item_attributes", "item_records", "label_replacements",
)  # fmt: skip
SECRET = (
    "signing_keys", "serial_keys", "claim_keys", "brand_counters", "staff_identities", "staff_sessions", "owners",
    "owner_links", "owner_sessions", "followers", "transfer_codes", "transfer_keys",
    "owner_link_files", "owner_files", "owner_requests", "owner_changes", "owner_passkeys",
)  # fmt: skip
OF_A_PERSON = {
    "staff_accounts",
    "staff_passkeys",
    "staff_recovery_codes",
    "staff_flows",
    "staff_attempts",
    "owner_attempts",
    "owner_challenges",
}


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
    url = old_database("0038")
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


def test_revisions_are_numbered_without_a_gap():
    names = sorted(file.name for file in Path("migrations/versions").glob("0*.py"))

    assert [name[:4] for name in names] == [f"{n:04}" for n in range(1, len(names) + 1)]


@pytest.mark.parametrize("file", sorted(Path("migrations/versions").glob("0*.py")), ids=lambda file: file.stem)
def test_no_migration_waits_for_a_lock_for_ever(file):
    source = file.read_text(encoding="utf-8")

    if "ALTER TABLE" in source or "add_column" in source:
        assert "lock_timeout" in source


@pytest.fixture
def connection(scene):
    with psycopg.connect(scene.url) as connection:
        yield connection
        connection.rollback()


def tables(connection, column):
    return [
        name
        for (name,) in connection.execute(
            "SELECT c.table_name FROM information_schema.columns c JOIN pg_class r ON r.relname = c.table_name "
            "WHERE c.table_schema = 'public' AND c.column_name = %s AND NOT r.relispartition "
            "AND r.relkind IN ('r', 'p') AND c.table_name NOT LIKE 'procrastinate%%' ORDER BY 1",
            (column,),
        )
    ]


def test_every_table_of_ours_belongs_to_a_brand(connection):
    every = tables(connection, "brand_id")
    mapped = set(Base.metadata.tables)

    assert mapped - set(every) == {"brands", "job_marks", "register_version", *OF_A_PERSON}


def test_every_brand_owned_table_is_under_row_level_security(connection):
    unguarded = connection.execute(
        "SELECT relname FROM pg_class WHERE relname = ANY(%s) AND NOT relrowsecurity",
        ([*tables(connection, "brand_id"), *OF_A_PERSON, "brands"],),
    ).fetchall()

    assert unguarded == []


def test_every_hot_table_has_sgtin_first_in_its_primary_key_and_no_foreign_key(connection):
    for table in HOT:
        (first,) = connection.execute(
            "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid "
            "WHERE a.attnum = i.indkey[0] AND i.indrelid = %s::regclass AND i.indisprimary",
            (table,),
        ).fetchone()
        assert first == "sgtin", table
        assert (
            connection.execute(
                "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'f'", (table,)
            ).fetchall()
            == []
        ), table


def test_no_counter_of_a_hot_row_is_indexed(connection):
    """Or no update of it would stay on its page (HOT)."""
    indexed = connection.execute(
        "SELECT DISTINCT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid "
        "AND a.attnum = ANY(i.indkey) WHERE i.indrelid = ANY(ARRAY['items', 'sightings']::regclass[])"
    ).fetchall()

    assert not {name for (name,) in indexed} & {"seq", "counted", "confirmed", "last_at", "score", "counted_at"}


def test_partitions_are_made_three_months_ahead_and_once(connection):
    names = "SELECT count(*) FROM pg_class WHERE relname ~ '^(scans|rejections)_[0-9]{6}$'"

    assert connection.execute(names).fetchone() == (10,)
    assert connection.execute("SELECT authsvc_make_partitions(3)").fetchone() == (0,)
    assert connection.execute("SELECT authsvc_make_partitions(5)").fetchone() == (4,)


# --- Roles ------------------------------------------------------------------------------------------------------------


def hire(scene, brand):
    """Let somebody work for a brand, somebody else be invited, and the log say so."""
    with scene.owner_session() as session:
        for email in ("one@example.com", "two@example.com"):
            if any(member.email == email for member in staff.list_members(session, brand.id)):
                return
            invited = staff.invite(
                session, brand, email, staff.Role.ADMIN, invited_by="x", now=scene.clock(), new_id=new_id,
                random=scene.random,
            )  # fmt: skip
        known = staff_proofs.find(session, email)
        account_id = known.account_id if known else staff.open_account(
            session, email, "Two", "a password for tests", now=scene.clock(), new_id=new_id
        )  # fmt: skip
        staff.accept(session, invited, account_id, now=scene.clock())
        audit.record(session, brand.id, audit.Actor("system", None, "x"), "x.y", "z", at=scene.clock())


DELIVERIES = """
WITH e AS (INSERT INTO webhook_endpoints (id, brand_id, url) VALUES (gen_random_uuid(), %(brand)s, 'x') RETURNING id),
s AS (INSERT INTO webhook_secrets (endpoint_id, number, brand_id, wrapped) SELECT id, 1, %(brand)s, '' FROM e),
v AS (INSERT INTO events (id, brand_id, type, at, data) VALUES (gen_random_uuid(), %(brand)s, 'x', now(), '{}')
  RETURNING id),
d AS (INSERT INTO webhook_deliveries (id, brand_id, endpoint_id, event_id, next_at, created_at)
  SELECT gen_random_uuid(), %(brand)s, e.id, v.id, now(), now() FROM e, v RETURNING id),
a AS (INSERT INTO webhook_attempts (delivery_id, brand_id, at, duration_ms) SELECT id, %(brand)s, now(), 1 FROM d),
m AS (INSERT INTO mails (id, brand_id, template, next_at, created_at)
  VALUES (gen_random_uuid(), %(brand)s, 'x', now(), now())),
r AS (INSERT INTO alert_recipients (brand_id, address) VALUES (%(brand)s, 'x') ON CONFLICT DO NOTHING)
INSERT INTO alert_mails (brand_id) VALUES (%(brand)s) ON CONFLICT DO NOTHING"""


CASEWORK = """
WITH c AS (INSERT INTO cases (brand_id, id, number, title, state, opened_by, opened_at, changed_at)
  VALUES (%(brand)s, gen_random_uuid(), (SELECT coalesce(max(number), 0) + 1 FROM cases WHERE brand_id = %(brand)s),
    'x', 'open', 'x', now(), now()) RETURNING id),
a AS (INSERT INTO case_alerts SELECT %(brand)s, id, gen_random_uuid(), 'x', 'x', now() FROM c),
t AS (INSERT INTO case_comments (brand_id, id, case_id, text, author_id, author, at)
  SELECT %(brand)s, gen_random_uuid(), id, 'x', gen_random_uuid(), 'x', now() FROM c),
f AS (INSERT INTO case_attachments (brand_id, id, case_id, name, media_type, size, sha256, original_sha256, content,
    added_by_id, added_by, at)
  SELECT %(brand)s, gen_random_uuid(), id, 'x', 'x', 1, '', '', '', gen_random_uuid(), 'x', now() FROM c),
r AS (INSERT INTO consumer_reports (brand_id, id, number, text, reporter, prefix, created_at)
  VALUES (%(brand)s, gen_random_uuid(), gen_random_uuid()::text, 'x', '', '', now()) RETURNING id),
p AS (INSERT INTO report_photos SELECT %(brand)s, id, 1, 'x', '', '' FROM r),
n AS (INSERT INTO report_counts VALUES (%(brand)s, 'x', now(), 1) ON CONFLICT DO NOTHING)
INSERT INTO evidence_keys (brand_id, number, public_key, wrapped)
  VALUES (%(brand)s, 1, %(key)s, '') ON CONFLICT DO NOTHING"""


API_KEYS = """
WITH k AS (INSERT INTO api_keys VALUES (%(brand)s, gen_random_uuid(), 'x', '{verify}', 1, 'x', now()) RETURNING id),
s AS (INSERT INTO api_secrets SELECT left(id::text, 8), %(brand)s, id, '', now() FROM k),
a AS (INSERT INTO api_answers SELECT %(brand)s, id, 'x', '', NULL, now() FROM k)
INSERT INTO api_checks SELECT 'x', id, %(brand)s, 1, now(), now() FROM k"""


@pytest.fixture
def two_brands(scene):
    """Let both brands have rows in all tables that a console reads."""
    for brand in (scene.halden, scene.rival):
        product = scene.add_product(brand)
        run = scene.issue(product, lot="L")
        path = run.path()
        visitor = scene.visitor()
        page = visitor.scan(path)
        visitor.confirm(page)
        scene.visitor().open(f"/s/{page.receipt}")
        visitor.scan(path.replace("s=", "s=x"))
        scene.recall(product, lot="L")
        scene.admin.execute(
            "INSERT INTO alerts SELECT sgtin, gen_random_uuid(), brand_id, 'x', 1, "
            '\'{"country": "DE"}\', now(), NULL FROM items WHERE brand_id = %s LIMIT 1 ON CONFLICT DO NOTHING',
            (brand.id,),
        )
        sgtin = run.link(0).sgtin
        for statement, *values in (
            (("INSERT INTO item_facts (sgtin, id, brand_id, kind, at, recorded_by, recorded_at) "
             "VALUES (%s, gen_random_uuid(), %s, 'sold', now(), 'x', now())"), sgtin, brand.id),
            (("INSERT INTO resolutions (sgtin, id, brand_id, alert_id, kind, reason, is_evidence, resolved_by, at) "
             "VALUES (%s, gen_random_uuid(), %s, gen_random_uuid(), 'test', 'x', true, 'x', now())"), sgtin, brand.id),
            (("INSERT INTO alert_decisions (sgtin, id, brand_id, alert_id, choice, at) "
             "VALUES (%s, gen_random_uuid(), %s, gen_random_uuid(), 'test', now())"), sgtin, brand.id),
            ("INSERT INTO commissions VALUES (%s, %s, 0, 1, now())", brand.id, run.run),
            (("INSERT INTO trusted_devices (brand_id, id, kind, name, secret_hash) "
             "VALUES (%s, gen_random_uuid(), 'key', 'x', uuid_send(gen_random_uuid()))"), brand.id),
            (("INSERT INTO registrations (sgtin, version, id, brand_id, owner_id, state, has_claim, registered_at) "
             "VALUES (%s, 1, gen_random_uuid(), %s, gen_random_uuid(), 'pending', false, now())"), sgtin, brand.id),
            (("INSERT INTO transfers (sgtin, id, brand_id, version, registration_id, seller_id, is_present, state, "
             "offered_at, expires_at) VALUES (%s, gen_random_uuid(), %s, 1, gen_random_uuid(), gen_random_uuid(), "
             "false, 'offered', now(), now())"), sgtin, brand.id),
            (("WITH d AS (INSERT INTO dealers (id, brand_id, name, country, email, created_at, created_by) "
              "VALUES (gen_random_uuid(), %s, 'x', 'DE', gen_random_uuid()::text, now(), 'x') RETURNING id, brand_id), "
              "i AS (INSERT INTO dealer_items (sgtin, version, brand_id, dealer_id, state, received_at) "
              "SELECT %s, 1, brand_id, id, 'held', now() FROM d) "
              "INSERT INTO dealer_accesses (secret_hash, id, brand_id, dealer_id, kind, created_at) "
              "SELECT uuid_send(id), id, brand_id, id, 'session', now() FROM d"), brand.id, sgtin),
            (("INSERT INTO permits (sgtin, id, brand_id, owner_id, registration_id, scope, platform, made_at, "
              "expires_at) VALUES (%s, gen_random_uuid(), %s, gen_random_uuid(), gen_random_uuid(), 'status', 'x', "
              "now(), now())"),
             sgtin, brand.id),
            ("INSERT INTO base_rates VALUES (%s, %s, 1, 1, now())", brand.id, product.gtin),
            (("INSERT INTO run_orders (brand_id, id, gtin, count, mode, is_lot_level, state, needs_two, ordered_by, "
              "ordered_name, ordered_at) VALUES (%s, gen_random_uuid(), %s, 1, 'derived', false, 'awaiting', true, "
              "gen_random_uuid(), 'x', now())"), brand.id, product.gtin),
            ("INSERT INTO item_changes (brand_id, sgtin, at, disposition, previous) VALUES (%s, 'x', now(), 'x', 'x')",
             brand.id),
            (("INSERT INTO epcis_events VALUES (%s, gen_random_uuid(), false, gen_random_uuid(), now(), now(), 'x', "
             "'x', '{}', '{}')"), brand.id),
            ("INSERT INTO production_lines VALUES (%s, gen_random_uuid(), %s, %s, 0, 0, 0, now())",
             brand.id, product.gtin, run.run),
            ("INSERT INTO line_batches VALUES (%s, gen_random_uuid(), 1, 'x', 'x', now(), 0, 0, 0, '[]')", brand.id),
            ("INSERT INTO message_responders VALUES (%s, 'x', 'all', now()) ON CONFLICT DO NOTHING", brand.id),
            ("INSERT INTO message_requesters VALUES (%s, gen_random_uuid(), 'x', true, now())", brand.id),
            ("INSERT INTO link_hosts VALUES (%s, 'x.example') ON CONFLICT DO NOTHING", brand.id),
            (("INSERT INTO links (brand_id, id, gtin, position, link_type, href, host, title) VALUES "
             "(%s, gen_random_uuid(), %s, 1, 'pip', 'https://x.example/', 'x.example', 'x')"), brand.id, product.gtin),
            ("INSERT INTO recall_items VALUES (%s || '.S', 1, %s)", product.gtin, brand.id),
            ("INSERT INTO item_attributes VALUES (%s, 'x', %s, 'x', 'owner', now(), 'x')", sgtin, brand.id),
            (("INSERT INTO item_records VALUES (%s, gen_random_uuid(), %s, 'test', now(), '{}', 'x', 'owner', 'x', "
              "NULL, now())"), sgtin, brand.id),
            ("INSERT INTO label_replacements VALUES (%s, 'x', %s, 'x', 'x', now()) ON CONFLICT DO NOTHING",
             sgtin, brand.id),
            ("INSERT INTO sites VALUES (%s, 'x', NULL, 'all', now(), now()) ON CONFLICT DO NOTHING", brand.id),
            ("INSERT INTO recall_drafts VALUES (%s, gen_random_uuid(), %s, '{}', 'x', NULL, false, 'x', now())",
             brand.id, product.gtin),
            (("INSERT INTO recall_notices SELECT id, gen_random_uuid(), 'announced', brand_id, 1, now() FROM recalls "
             "WHERE brand_id = %s"), brand.id),
            ("INSERT INTO daily_counts VALUES (%s, 'day', '2026-05-01', %s, '', '', 'x', 1)", brand.id, product.gtin),
            ("INSERT INTO lot_days VALUES (%s, %s, 'L', 'IT', '2026-05-01', 1, 1, 1)", brand.id, product.gtin),
            (("WITH e AS (INSERT INTO errands (id, brand_id, kind, asked, asked_name, created_at, expires_at) "
             "VALUES (gen_random_uuid(), %s, 'export', '{}', 'x', now(), now()) RETURNING id, brand_id) "
             "INSERT INTO errand_parts SELECT id, 1, brand_id, 'x' FROM e"), brand.id),
        ):  # fmt: skip
            scene.admin.execute(statement, values)
        hire(scene, brand)
        scene.admin.execute(DELIVERIES, {"brand": brand.id})
        scene.admin.execute(API_KEYS, {"brand": brand.id})
        key = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()
        scene.admin.execute(CASEWORK, {"brand": brand.id, "key": key})
    return scene.halden, scene.rival


def as_console(connection, brand=None):
    connection.execute(f"SET LOCAL ROLE {db.CONSOLE_ROLE}")
    if brand is not None:
        connection.execute("SELECT set_config('authsvc.brand', %s, true)", (str(brand.id),))


def readable(connection):
    return [table for table in (*tables(connection, "brand_id"), "brands") if table not in SECRET]


@pytest.mark.parametrize("setting", [None, ""])
def test_a_console_without_a_brand_sees_no_row_of_any_table(connection, two_brands, setting):
    names = readable(connection)
    as_console(connection)
    if setting is not None:
        connection.execute("SELECT set_config('authsvc.brand', %s, true)", (setting,))

    for table in names:
        assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table


def test_a_console_sees_its_own_brand_alone(connection, two_brands):
    ours, theirs = two_brands
    names = readable(connection)
    as_console(connection, ours)

    for table in names:
        column = "id" if table == "brands" else "brand_id"
        found = {brand for (brand,) in connection.execute(f"SELECT DISTINCT {column} FROM {table}")}
        assert theirs.id not in found, table
        assert found == {ours.id} or (table in {"images", "brand_hosts", "staff_sso"} and not found), table


def test_a_console_cannot_change_rows_of_another_brand_or_give_rows_away(connection, two_brands):
    ours, theirs = two_brands
    as_console(connection, ours)

    taken = connection.execute("UPDATE lots SET made_on = now() WHERE brand_id = %s", (theirs.id,))
    assert taken.rowcount == 0
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        connection.execute("UPDATE lots SET brand_id = %s", (theirs.id,))


@pytest.mark.parametrize("table", SECRET)
def test_a_console_reads_no_key(connection, two_brands, table):
    as_console(connection, two_brands[0])

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(f"SELECT * FROM {table}")


def test_a_setting_of_one_transaction_is_gone_in_the_next(connection, two_brands):
    as_console(connection, two_brands[0])
    connection.commit()
    as_console(connection)

    assert connection.execute("SELECT count(*) FROM products").fetchone() == (0,)


@pytest.mark.parametrize("role", [db.SCAN_ROLE, db.CONSOLE_ROLE, db.OWNER_ROLE])
def test_no_role_of_the_web_is_above_the_rules(connection, role):
    (is_mighty,) = connection.execute(
        "SELECT rolsuper OR rolbypassrls OR rolcanlogin OR rolcreaterole OR rolcreatedb FROM pg_roles "
        "WHERE rolname = %s",
        (role,),
    ).fetchone()

    assert not is_mighty


@pytest.mark.parametrize(
    "table",
    [
        "brands",
        "brand_prefixes",
        "brand_hosts",
        "products",
        "lots",
        "runs",
        "signing_keys",
        "serial_keys",
        "register_version",
    ],
)
def test_the_scan_role_cannot_write_the_register(connection, table):
    connection.execute(f"SET LOCAL ROLE {db.SCAN_ROLE}")
    connection.execute(f"SELECT * FROM {table} LIMIT 1")

    for right in ("INSERT", "UPDATE", "DELETE", "TRUNCATE"):
        (may,) = connection.execute("SELECT has_table_privilege(%s, %s)", (table, right)).fetchone()
        assert not may, right


def test_no_partition_is_a_way_around_the_parent(connection, two_brands):
    partitions = [
        name for (name,) in connection.execute("SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'")
    ]
    as_console(connection, two_brands[0])

    assert partitions
    for name in partitions:
        with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
            connection.execute(f"SELECT * FROM {name}")
