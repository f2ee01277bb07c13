"""What the roles of the database may do, tried: the console within one brand, the web with what a scan needs."""

import psycopg
import pytest
from scene import Scene

from authsvc import db

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


@pytest.mark.parametrize("table", ["brands", "brand_prefixes", "brand_hosts", "products"])
def test_a_console_does_not_write_the_register(scene, connection, table):
    as_console(connection, scene.rival)

    writes = "has_any_column_privilege(%(t)s, 'INSERT, UPDATE') OR has_table_privilege(%(t)s, 'DELETE, TRUNCATE')"
    assert connection.execute(f"SELECT {writes}", {"t": table}).fetchone() == (False,)


def test_a_console_sets_the_condition_of_its_items_and_closes_its_alerts(scene, connection, halden):
    as_console(connection, scene.halden)
    block = "UPDATE items SET disposition = 'blocked', disposition_reason = 'x', seq = seq + 1 WHERE sgtin = %(sgtin)s"
    close = "UPDATE alerts SET closed_at = now() WHERE sgtin = %(sgtin)s"

    assert connection.execute(block, halden).rowcount == 1
    assert connection.execute(close, halden).rowcount == 1
    as_console(connection, scene.rival)
    assert connection.execute(block, halden).rowcount == 0
    assert connection.execute(close, halden).rowcount == 0


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("items", "flagged_at"),
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
