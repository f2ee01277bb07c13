"""What the roles of the database may do, tried: the console within one brand, the web with what a scan needs."""

import contextlib
from dataclasses import replace

import psycopg
import pytest
from scene import Scene
from sqlalchemy.engine import make_url

from authsvc import db
from authsvc import scan_statements as sql
from authsvc.connections import Connections
from authsvc.errors import BadConfig, Unavailable

HOT = ("items", "sightings", "scans", "rejections", "receipt_opens", "alerts")


@pytest.fixture
def connection(scene):
    with psycopg.connect(scene.url) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def halden(scene: Scene, connection):
    """Return what everybody can read off a label of Halden; an item of it was scanned and called possibly copied."""
    product = scene.add_product(scene.halden)
    code = scene.issue(product, lot="L")
    visitor = scene.visitor()
    visitor.confirm(visitor.scan(code.path(0)))
    link = code.link(0)
    values = {"gtin": link.gtin, "sgtin": f"{link.gtin}.{link.serial}", "brand": scene.halden.id, "run": code.run}
    connection.execute(
        "INSERT INTO alerts (sgtin, id, brand_id, rule, score, evidence, opened_at) "
        "VALUES (%(sgtin)s, gen_random_uuid(), %(brand)s, 'x', 1, '{}', now())",
        values,
    )
    return values


def as_console(connection, brand):
    connection.execute(f"SET LOCAL ROLE {db.CONSOLE_ROLE}")
    connection.execute("SELECT set_config('authsvc.brand', %s, true)", (str(brand.id),))


# --- The console ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO lots (gtin, lot, brand_id) VALUES (%(gtin)s, 'M', %(rival)s)",
        "INSERT INTO recalls (brand_id, gtin, reason) VALUES (%(rival)s, %(gtin)s, 'x')",
        "INSERT INTO runs (brand_id, number, gtin, mode, count) VALUES (%(rival)s, 9000, %(gtin)s, 'derived', 1)",
        "UPDATE recalls SET gtin = %(gtin)s",
    ],
)
def test_a_console_says_nothing_of_a_product_of_another_brand(scene, connection, halden, statement):
    own = scene.add_product(scene.rival)
    scene.recall(own)
    as_console(connection, scene.rival)

    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="gtin_brand_id"):
        connection.execute(statement, {**halden, "rival": scene.rival.id})


def test_a_console_recalls_its_own_products(scene, connection, halden):
    as_console(connection, scene.halden)

    connection.execute("INSERT INTO lots (gtin, lot, brand_id) VALUES (%(gtin)s, 'M', %(brand)s)", halden)
    connection.execute(
        "INSERT INTO recalls (brand_id, gtin, lot, reason) VALUES (%(brand)s, %(gtin)s, 'M', 'x')", halden
    )


@pytest.mark.parametrize("table", HOT)
def test_a_console_makes_no_row_that_a_scan_finds_by_its_number(scene, connection, halden, table):
    columns = {
        "items": "sgtin, brand_id, disposition) VALUES (%(sgtin)s || '1', %(rival)s, 'stolen'",
        "alerts": "sgtin, id, brand_id, rule, score, evidence, opened_at) "
        "VALUES (%(sgtin)s, gen_random_uuid(), %(rival)s, 'y', 1, '{}', now()",
    }
    as_console(connection, scene.rival)

    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied"):
        connection.execute(
            f"INSERT INTO {table} ({columns.get(table, 'brand_id) VALUES (%(rival)s')})",
            {**halden, "rival": scene.rival.id},
        )


@pytest.mark.parametrize(
    ("table", "settings"),
    [
        ("brands", {"target_rate", "approves_runs"}),
        ("brand_prefixes", set()),
        ("brand_hosts", set()),
        ("products", {"target_rate"}),
    ],
)
def test_a_console_writes_of_the_register_its_settings_alone(scene, connection, table, settings):
    as_console(connection, scene.rival)

    writes = "has_any_column_privilege(%(t)s, 'INSERT') OR has_table_privilege(%(t)s, 'DELETE, TRUNCATE')"
    assert connection.execute(f"SELECT {writes}", {"t": table}).fetchone() == (False,)
    changed = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %(t)s::regclass AND attnum > 0 AND NOT attisdropped "
        "AND has_column_privilege(attrelid, attnum, 'UPDATE')", {"t": table},
    ).fetchall()  # fmt: skip
    assert {row[0] for row in changed} == settings


def test_a_console_sets_the_condition_of_its_items_and_closes_its_alerts(scene, connection, halden):
    as_console(connection, scene.halden)
    block = "UPDATE items SET disposition = 'blocked', disposition_reason = 'x', seq = seq + 1 WHERE sgtin = %(sgtin)s"
    close = "UPDATE alerts SET closed_at = now() WHERE sgtin = %(sgtin)s"

    assert connection.execute(block, halden).rowcount == 1
    assert connection.execute(close, halden).rowcount == 1
    as_console(connection, scene.rival)
    assert connection.execute(block, halden).rowcount == 0
    assert connection.execute(close, halden).rowcount == 0


def test_a_console_records_and_withdraws_facts_and_resolutions_of_its_own(scene, connection, halden):
    as_console(connection, scene.halden)
    fact = (
        "INSERT INTO item_facts (sgtin, id, brand_id, kind, at, recorded_by, recorded_at) "
        "VALUES (%(sgtin)s, gen_random_uuid(), %(whose)s, 'sold', now(), 'x', now())"
    )
    connection.execute(fact, {**halden, "whose": scene.halden.id})
    assert connection.execute("UPDATE item_facts SET withdrawn_at = now(), withdrawn_by = 'x'").rowcount == 1
    assert connection.execute("UPDATE items SET facts = facts + 1, flagged_at = NULL, score = 0").rowcount >= 1
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"), connection.transaction():
        connection.execute(fact, {**halden, "whose": scene.rival.id})
    for rewrite in (
        "UPDATE item_facts SET at = now()",
        "UPDATE resolutions SET kind = 'test'",
        "UPDATE trusted_devices SET secret_hash = ''",
        "DELETE FROM item_facts",
        "DELETE FROM resolutions",
        "INSERT INTO base_rates VALUES (gen_random_uuid(), 'x', 1, 1, now())",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied"), connection.transaction():
            connection.execute(rewrite)


def test_a_fact_that_another_brand_writes_of_an_item_does_not_speak(scene, connection, halden):
    as_console(connection, scene.rival)
    connection.execute(
        "INSERT INTO item_facts (sgtin, id, brand_id, kind, at, recorded_by, recorded_at) "
        "VALUES (%(sgtin)s, gen_random_uuid(), %(rival)s, 'proven', now(), 'x', now())",
        {**halden, "rival": scene.rival.id},
    )
    connection.execute("RESET ROLE")
    connection.execute("UPDATE items SET facts = 1 WHERE sgtin = %(sgtin)s", halden)

    row = connection.execute(sql.EVIDENCE, {"sgtin": halden["sgtin"], "run": None, "index": None}).fetchone()
    facts, *_, known, _commissioned_at = row
    assert (facts, known) == (1, None)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("items", "first_at"),
        ("items", "counted"),
        ("items", "brand_id"),
        ("alerts", "sgtin"),
        ("scans", "is_flagged"),
    ],
)
def test_a_console_does_not_rewrite_what_was_seen(scene, connection, table, column):
    as_console(connection, scene.halden)

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(f"UPDATE {table} SET {column} = {column}")


# --- The web ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE items SET disposition = 'active'",
        "UPDATE items SET brand_id = brand_id",
        "UPDATE items SET commissioned_at = now()",
        "INSERT INTO items (sgtin, brand_id, disposition) VALUES ('x', %(brand)s, 'active')",
        "INSERT INTO items (sgtin, brand_id, commissioned_at) VALUES ('x', %(brand)s, now())",
        "UPDATE alerts SET closed_at = now()",
        "UPDATE alerts SET evidence = '{}'",
        "INSERT INTO alerts (sgtin, id, closed_at) VALUES ('x', gen_random_uuid(), now())",
        "UPDATE rejections SET reason = 'unknown'",
        "UPDATE receipt_opens SET at = now()",
        "UPDATE scans SET visitor = ''",
        "UPDATE scans SET brand_id = brand_id",
        "UPDATE sightings SET country = 'DE'",
        "INSERT INTO item_facts (sgtin, id) VALUES ('x', gen_random_uuid())",
        "INSERT INTO resolutions (sgtin, id) VALUES ('x', gen_random_uuid())",
        "UPDATE items SET facts = 0",
        "INSERT INTO trusted_devices (brand_id, id) VALUES (%(brand)s, gen_random_uuid())",
        "UPDATE trusted_devices SET revoked_at = NULL",
        "UPDATE base_rates SET items = 1",
        "DELETE FROM alerts",
        "DELETE FROM sightings",
        "SELECT * FROM claim_keys",
        "SELECT * FROM brand_counters",
    ],
)
def test_a_web_process_takes_nothing_back_and_reads_no_claim_key(scene, connection, halden, statement):
    connection.execute(f"SET LOCAL ROLE {db.SCAN_ROLE}")

    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied"):
        connection.execute(statement, halden)


@pytest.mark.parametrize(
    ("table", "lower"),
    [
        ("items", "flagged_at = NULL"),
        ("items", "score = score - 1"),
        ("scans", "is_flagged = false"),
        ("sightings", "is_evidence = false"),
    ],
)
def test_a_web_process_lowers_no_warning(connection, halden, table, lower):
    connection.execute("UPDATE items SET flagged_at = now(), score = 2 WHERE sgtin = %(sgtin)s", halden)
    connection.execute("UPDATE scans SET is_flagged = true WHERE sgtin = %(sgtin)s", halden)
    update = f"UPDATE {table} SET {lower} WHERE sgtin = %(sgtin)s"
    connection.execute(f"SET LOCAL ROLE {db.SCAN_ROLE}")

    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="lowers no warning"), connection.transaction():
        connection.execute(update, halden)
    connection.execute("RESET ROLE")
    assert connection.execute(update, halden).rowcount == 1


# --- The login of the web ---------------------------------------------------------------------------------------------


@pytest.fixture
def web(scene, config):
    """Return the address that web processes of an installation with an embedded server are given."""
    return db.web_url(config, scene.url)


@pytest.mark.parametrize("escape", ["SET ROLE NONE", "RESET ROLE", "RESET SESSION AUTHORIZATION", "SET ROLE postgres"])
def test_a_web_process_does_not_become_the_owner(web, escape):
    with psycopg.connect(web, autocommit=True, options=f"-c role={db.SCAN_ROLE}") as connection:
        with contextlib.suppress(psycopg.errors.InsufficientPrivilege):
            connection.execute(escape)
        for statement in "UPDATE items SET disposition = 'active'", "SELECT * FROM claim_keys", "DELETE FROM scans":
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_a_scan_is_recorded_by_the_login_of_the_web(scene, web):
    connections = Connections(web, role=db.SCAN_ROLE)
    visitor = scene.visitor(scene.start(runs_on=connections))
    page = visitor.scan(scene.codes.path())

    assert connections.fetch("SELECT session_user::text AS who", {}).who == db.WEB_LOGIN
    assert visitor.confirm(page).status_code == 204
    connections.close()


def test_a_login_is_confined_when_the_scan_role_is_all_it_has(scene, web):
    assert db.examine_login(web) == db.Login(db.WEB_LOGIN, may_scan=True, is_confined=True)
    assert db.examine_login(scene.url) == db.Login("postgres", may_scan=True, is_confined=False)


@pytest.mark.parametrize(
    ("given", "may_scan", "is_confined"),
    [
        ("", False, True),
        ("GRANT authsvc_scan TO authsvc_try", True, True),
        ("GRANT authsvc_scan, authsvc_console TO authsvc_try", True, False),
        ("GRANT authsvc_scan TO authsvc_try; ALTER ROLE authsvc_try CREATEROLE", True, False),
        ("GRANT authsvc_scan TO authsvc_try; ALTER TABLE products OWNER TO authsvc_try", True, False),
    ],
)
def test_a_login_that_could_be_more_is_not_confined(postgres, database, given, may_scan, is_confined):
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE authsvc_try LOGIN; {given}")
        try:
            url = make_url(database).set(username="authsvc_try").render_as_string()
            assert db.examine_login(url) == db.Login("authsvc_try", may_scan, is_confined)
        finally:
            connection.execute("REASSIGN OWNED BY authsvc_try TO postgres; DROP OWNED BY authsvc_try CASCADE")
            connection.execute("DROP ROLE authsvc_try")


def test_a_login_that_the_server_does_not_know_is_named(scene):
    with pytest.raises(Unavailable, match=r'login of the web processes: .*"nobody_here"'):
        db.examine_login(make_url(scene.url).set(username="nobody_here").render_as_string())


def test_the_web_uses_its_own_login_where_there_is_one(config):
    owner, own = "postgresql://owner:x@db/authsvc", "postgresql://web:y@db/authsvc"
    external = replace(config, database_url=owner)

    assert db.web_url(external, owner) == owner
    assert db.web_url(replace(external, scan_database_url=own), owner) == own
    assert db.web_url(config, "postgresql://postgres@/postgres?host=/x") == (
        "postgresql://authsvc_web@/postgres?host=%2Fx"
    )
    with pytest.raises(BadConfig, match="set both"):
        db.web_url(replace(config, scan_database_url=own), "postgresql://postgres@/postgres?host=/x")
