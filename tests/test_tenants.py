"""Tables in the database: each of a brand, guarded by it, and read and written by whom it should be."""

import re

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from authsvc import audit, db, staff, staff_proofs
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


def test_every_column_of_a_hot_table_and_of_its_partitions_is_sampled_little(connection):
    """Or its analysis would take a processor from the scans, again and again. New columns too: authsvc_sample_less."""
    connection.execute("SELECT authsvc_make_partitions(4)")

    others = connection.execute(
        "SELECT a.attrelid::regclass::text, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
        "WHERE c.relkind IN ('r', 'p') AND c.relname ~ '^(items|sightings|(scans|rejections)(_[0-9]{6})?)$' "
        "AND a.attnum > 0 AND NOT a.attisdropped AND a.attstattarget IS DISTINCT FROM 10"
    ).fetchall()

    assert others == []


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
