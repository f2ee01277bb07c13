"""The audit log: in the transaction of the act, in a chain, and whoever breaks the chain is found."""

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from authsvc import audit, db
from authsvc.audit import Actor
from authsvc.desk import Desk
from authsvc.errors import Unavailable

SOMEBODY = Actor("staff", UUID(int=7), "Grète O'Neill <g@halden.example>")


@pytest.fixture
def log(scene):
    """Return a brand of its own with a log of six acts, and a function that verifies it."""
    brand = scene.add_brand(f"logged-{scene.clock():%H%M%S%f}", f"9{scene.row('SELECT count(*) FROM brands')[0]:07}")
    for number in range(6):
        with scene.owner_session() as session:
            details = {"reason": f"Müller № {number}", "count": number, "none": None, "list": [1, "x"]}
            audit.record(session, brand.id, SOMEBODY, "item.block", f"item {number}", details, at=scene.clock())

    def verify():
        with scene.owner_session() as session:
            return audit.verify(session, brand.id)

    verify.brand = brand
    return verify


@pytest.fixture
def tamper(scene):
    """Return a function that changes the log as only the owner of the server can."""

    def run(statement, *params):
        with psycopg.connect(scene.url) as connection:
            connection.execute("SET session_replication_role = replica")
            return connection.execute(statement, params).rowcount

    return run


def faults(chain):
    return [(finding.seq, finding.fault) for finding in chain.findings]


def test_a_whole_chain_is_found_whole(log):
    chain = log()

    assert (chain.seq, chain.findings) == (6, ())


@pytest.mark.parametrize(
    "change",
    [
        "subject = 'another item'",
        'details = details || \'{"reason": "x"}\'',
        "actor_name = 'Nobody'",
        "actor_id = NULL",
        "act = 'item.unblock'",
        "at = at + interval '1 microsecond'",
        "hash = sha256('x')",
        "previous = sha256('x')",
    ],
)
def test_a_changed_row_is_named(log, tamper, change):
    assert tamper(f"UPDATE audit_events SET {change} WHERE brand_id = %s AND seq = 3", log.brand.id) == 1

    assert (3, "changed") in faults(log())
    assert {seq for seq, _ in faults(log())} <= {3, 4}


@pytest.mark.parametrize("seq", range(1, 7))
def test_a_missing_row_is_named(log, tamper, seq):
    tamper("DELETE FROM audit_events WHERE brand_id = %s AND seq = %s", log.brand.id, seq)

    assert faults(log()) == [(seq, "missing")]


def test_rows_that_changed_places_are_named(log, tamper):
    tamper("UPDATE audit_events SET seq = seq + 100 WHERE brand_id = %s AND seq IN (2, 5)", log.brand.id)
    tamper("UPDATE audit_events SET seq = 107 - seq WHERE brand_id = %s AND seq > 100", log.brand.id)

    assert faults(log()) == [(2, "reordered"), (5, "reordered")]


def test_a_row_that_was_forged_with_its_hash_does_not_fit_its_neighbour(log, scene, tamper):
    tamper("UPDATE audit_events SET subject = 'forged' WHERE brand_id = %s AND seq = 3", log.brand.id)
    with scene.owner_session() as session:
        row, details = list(audit._rows(session, log.brand.id))[2]
        forged = audit._digest(row, details, 3)
    tamper("UPDATE audit_events SET hash = %s WHERE brand_id = %s AND seq = 3", forged, log.brand.id)

    assert faults(log()) == [(4, "foreign")]


def test_an_act_that_is_rolled_back_is_not_in_the_log(log, scene):
    with scene.owner_session() as session:
        audit.record(session, log.brand.id, SOMEBODY, "item.block", "never", at=scene.clock())
        session.rollback()

    assert log().seq == 6


def test_of_a_savepoint_only_what_was_kept_is_in_the_log(log, scene):
    with scene.owner_session() as session:
        with session.begin_nested():
            audit.record(session, log.brand.id, SOMEBODY, "x.y", "kept", at=scene.clock())
        lost = session.begin_nested()
        audit.record(session, log.brand.id, SOMEBODY, "x.y", "lost", at=scene.clock())
        with session.begin_nested():
            audit.record(session, log.brand.id, SOMEBODY, "x.y", "lost too", at=scene.clock())
        lost.rollback()

    with scene.owner_session() as session:
        subjects = [event.subject for event in audit.find_events(session, log.brand.id, act="x")]
    assert subjects == ["kept"]


def test_acts_at_the_same_time_make_one_chain_each_and_no_deadlock(log, scene):
    other = scene.add_brand(f"other-{scene.clock():%H%M%S%f}", f"8{scene.row('SELECT count(*) FROM brands')[0]:07}")
    start = threading.Barrier(8)

    def act(number):
        start.wait()
        for turn in range(10):
            with scene.owner_session() as session:
                order = (log.brand, other) if (number + turn) % 2 else (other, log.brand)
                for brand in order:
                    audit.record(session, brand.id, SOMEBODY, "x.y", str(number), at=scene.clock())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(act, range(8)))

    assert (log().seq, log().findings) == (86, ())
    with scene.owner_session() as session:
        chain = audit.verify(session, other.id)
    assert (chain.seq, chain.findings) == (80, ())


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_events SET act = act", "DELETE FROM audit_events", "TRUNCATE audit_events"]
)
def test_the_owner_too_does_not_change_the_log_by_accident(log, scene, statement):
    with psycopg.connect(scene.url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)


@pytest.fixture
def desk(scene, config):
    """Return the desk of an installation whose console has its own login, as with the embedded server."""
    desk = Desk(db.desk_url(config, scene.url))
    yield desk
    desk.close()


@pytest.mark.parametrize("right", ["UPDATE", "DELETE", "TRUNCATE"])
@pytest.mark.parametrize("role", [db.CONSOLE_ROLE, db.AUTH_ROLE, db.SCAN_ROLE])
def test_no_role_may_change_the_log(scene, role, right):
    assert scene.row("SELECT has_table_privilege(%s, 'audit_events', %s)", role, right) == (False,)


def test_the_console_writes_into_the_log_of_its_own_brand_alone(log, scene, desk):
    with desk.as_brand(log.brand.id) as session:
        audit.record(session, log.brand.id, SOMEBODY, "x.y", "ours", at=scene.clock())
    with pytest.raises(Exception, match="row-level security"), desk.as_brand(log.brand.id) as session:
        audit.record(session, scene.rival.id, SOMEBODY, "x.y", "theirs", at=scene.clock())

    assert log().seq == 7


def test_the_login_of_the_console_may_do_nothing_by_itself(scene, config):
    with psycopg.connect(db.desk_url(config, scene.url), autocommit=True) as connection:
        for table in ("brands", "staff_accounts", "staff_sessions", "audit_events", "items", "signing_keys"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"SELECT * FROM {table}")
        for role in ("postgres", db.SCAN_ROLE):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"SET ROLE {role}")


def test_raw_sql_as_the_console_without_a_brand_sees_no_row(scene, config):
    with psycopg.connect(db.desk_url(config, scene.url)) as connection:
        connection.execute(f"SET ROLE {db.CONSOLE_ROLE}")
        for table in ("brands", "products", "items", "staff", "staff_accounts", "audit_events"):
            columns = "id" if table == "staff_accounts" else "*"
            assert connection.execute(f"SELECT {columns} FROM {table}").fetchall() == [], table


def test_the_roles_of_a_transaction_are_gone_after_it(log, desk):
    with desk.as_brand(log.brand.id) as session:
        session.execute(text("SELECT 1"))
    with desk._sessions() as session:
        assert session.execute(text("SELECT current_user, current_setting('authsvc.brand', true)")).one() in {
            (db.DESK_LOGIN, ""),
            (db.DESK_LOGIN, None),
        }


def test_the_auth_role_reads_nothing_of_a_brand(scene):
    may = "SELECT bool_or(has_any_column_privilege(%s, t, 'SELECT')) FROM unnest(%s::text[]) t"

    tables = ["products", "items", "scans", "alerts", "signing_keys", "claim_keys"]
    assert scene.row(may, db.AUTH_ROLE, tables) == (False,)


def test_a_login_that_may_not_be_the_console_is_told_so(scene, config):
    desk = Desk(db.web_url(config, scene.url))

    with pytest.raises(Unavailable, match="doctor"), desk.as_auth():
        pass
    desk.close()
    assert db.may_serve_console(db.desk_url(config, scene.url))
    assert not db.may_serve_console(db.web_url(config, scene.url))
