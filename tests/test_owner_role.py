"""What the role of the owner pages may do: within one brand, and nothing of staff or of keys that sign."""

import io
import itertools

import psycopg
import pytest
from owning import Buyer, recover

from authsvc import db, service_records
from authsvc.audit import Actor
from authsvc.core.gs1 import DigitalLink
from authsvc.investigations import Subject
from authsvc.runtime import new_id

_numbers = itertools.count(1)


@pytest.fixture
def sgtin(scene):
    """Return an item of Halden that somebody has registered."""
    product = scene.add_product(claim="required", warranty_months="24")
    path = scene.issue(product).path()
    owner = Buyer(scene, f"role{next(_numbers)}@example.com")
    owner.offer(owner.own(path, proof=(io.BytesIO(b"%PDF-1.7\n%%EOF\n"), "a.pdf")))
    owner.get("/own/account")
    owner.post("/own/account/address", email=f"new-{owner.email}")
    recover(Buyer(scene, f"asker-of-{owner.email}"), path)
    link = DigitalLink.parse(path)
    with scene.owner_session() as session:
        service_records.add(
            session, Subject.of(scene.rt.held, link.gtin, link.serial),
            service_records.Service(done_on=scene.clock().date(), what="Oiled", done_by="Atelier"), id=new_id(),
            by=Actor("command", None, "A test"), now=scene.clock(),
        )  # fmt: skip
    return DigitalLink.parse(path).sgtin


@pytest.fixture
def connection(scene):
    with psycopg.connect(scene.url) as connection:
        yield connection
        connection.rollback()


def become(connection, brand=None):
    connection.execute(f"SET LOCAL ROLE {db.OWNER_ROLE}")
    if brand is not None:
        connection.execute("SELECT set_config('authsvc.brand', %s, true)", (str(brand.id),))


@pytest.mark.parametrize(
    "table",
    [
        "registrations",
        "items",
        "item_facts",
        "claim_keys",
        "runs",
        "sightings",
        "transfers",
        "owner_files",
        "owner_requests",
        "owner_changes",
        "item_records",
    ],
)
def test_it_sees_items_of_the_brand_of_its_transaction_alone(scene, connection, sgtin, table):
    become(connection, scene.halden)
    found = {brand for (brand,) in connection.execute(f"SELECT DISTINCT brand_id FROM {table}")}
    assert found == {scene.halden.id}
    become(connection, scene.rival)
    found = {brand for (brand,) in connection.execute(f"SELECT DISTINCT brand_id FROM {table}")}
    assert scene.halden.id not in found
    connection.rollback()
    become(connection)

    assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_it_changes_nothing_of_another_brand(scene, connection, sgtin):
    become(connection, scene.rival)

    released = "UPDATE registrations SET state = 'released', ended_at = now() WHERE sgtin = %s"
    assert connection.execute(released, (sgtin,)).rowcount == 0
    stolen = "UPDATE items SET disposition = 'stolen', seq = seq + 1 WHERE sgtin = %s"
    assert connection.execute(stolen, (sgtin,)).rowcount == 0
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        connection.execute(
            "INSERT INTO registrations (sgtin, version, id, brand_id, owner_id, state, has_claim, registered_at) "
            "VALUES (%s, 9, gen_random_uuid(), %s, gen_random_uuid(), 'pending', false, now())",
            (sgtin, scene.halden.id),
        )


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM signing_keys",
        "SELECT * FROM serial_keys",
        "SELECT * FROM mails",
        "SELECT * FROM staff_accounts",
        "SELECT * FROM staff_sessions",
        "SELECT * FROM audit_events",
        "DELETE FROM registrations",
        "DELETE FROM owners",
        "UPDATE registrations SET owner_id = gen_random_uuid()",
        "UPDATE registrations SET warranty_until = '2999-01-01'",
        "UPDATE items SET counted = 0",
        "DELETE FROM item_facts",
        "DELETE FROM transfers",
        "UPDATE transfers SET seller_id = gen_random_uuid()",
        "UPDATE transfers SET version = 9",
        "UPDATE transfers SET offered_at = now()",
        "UPDATE transfer_codes SET transfer_id = gen_random_uuid()",
        "UPDATE item_facts SET visitor = NULL",
        "UPDATE owner_files SET owner_id = gen_random_uuid()",
        "UPDATE owner_requests SET asker_id = gen_random_uuid()",
        "UPDATE owner_requests SET due_at = now()",
        "UPDATE owner_passkeys SET owner_id = gen_random_uuid()",
        "UPDATE owner_passkeys SET public_key = ''",
        "INSERT INTO item_records SELECT * FROM item_records",
    ],
)
def test_it_may_not(scene, connection, statement):
    become(connection, scene.halden)

    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied"):
        connection.execute(statement)


@pytest.mark.parametrize("role", [db.SCAN_ROLE, db.CONSOLE_ROLE, db.AUTH_ROLE])
@pytest.mark.parametrize(
    "table",
    [
        "owners",
        "owner_links",
        "owner_sessions",
        "owner_attempts",
        "transfer_codes",
        "transfer_keys",
        "owner_files",
        "owner_link_files",
        "owner_requests",
        "owner_changes",
        "owner_passkeys",
        "owner_challenges",
    ],
)
def test_nobody_else_reads_people(connection, role, table):
    connection.execute(f"SET LOCAL ROLE {role}")

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(f"SELECT * FROM {table}")


def test_the_console_sees_that_an_item_is_registered_and_nothing_that_is_sealed(scene, connection, sgtin):
    connection.execute(f"SET LOCAL ROLE {db.CONSOLE_ROLE}")
    connection.execute("SELECT set_config('authsvc.brand', %s, true)", (str(scene.halden.id),))

    state = "SELECT state FROM registrations WHERE sgtin = %s"
    assert connection.execute(state, (sgtin,)).fetchone() == ("confirmed",)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT sealed FROM registrations")


def test_the_console_sees_that_an_item_was_offered_and_neither_code_nor_statement(scene, connection, sgtin):
    connection.execute(f"SET LOCAL ROLE {db.CONSOLE_ROLE}")
    connection.execute("SELECT set_config('authsvc.brand', %s, true)", (str(scene.halden.id),))

    assert connection.execute("SELECT state FROM transfers WHERE sgtin = %s", (sgtin,)).fetchone() == ("offered",)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT seller_statement FROM transfers")
