"""Data of single items: written by use cases, seen by scans, each circle for itself, and only ever added to."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from scene import Scene

from authsvc import catalogue, db, lot_data, unit_attributes, unit_records
from authsvc.audit import Actor
from authsvc.core.unit_data import Attribute, Audience, Level
from authsvc.errors import BadInput, Conflict, Forbidden, NotFound
from authsvc.item_rows import ItemName
from authsvc.lot_data import LotInfo
from authsvc.unit_records import PARTNER, STAFF, NewRecord, Permission

AT = datetime(2026, 3, 1, tzinfo=UTC)
WORKSHOP, RIVAL = (Actor("key", uuid4(), name) for name in ("Werkstatt Nord", "Werkstatt Nord"))


@pytest.fixture(scope="module")
def battery(scene: Scene):
    product = scene.add_product(name="Cell 75", attributes={"noun": "battery", "facts": [["Chemistry", "LFP"]]})
    with scene.owner_session() as session:
        lot_data.save_lot(session, product, LotInfo(lot="B1", made_on=None, expires_on=None,
                                                    attributes={"origin": "Norway"}), now=scene.clock())  # fmt: skip
    return product, scene.issue(product, 40, lot="B1")


@pytest.fixture
def name(scene, battery):
    """An item that nobody has scanned."""
    link = battery[1].link()
    return ItemName(brand=scene.halden, key=link.gtin, serial=link.serial,
                    serial_keys=scene.rt.held.serial_keys_of(scene.halden.id))  # fmt: skip


def path(scene, battery, name):
    codes = battery[1]
    return next(p for p in (codes.path(n) for n in range(40)) if name.serial in p)


def add(scene, name, *, permission=STAFF, number=None, by=WORKSHOP, **values):
    given = NewRecord(**{"kind": "battery", "at": AT, "values": {"state_of_health": 98}, **values})
    with scene.owner_session() as session:
        return unit_records.append(session, name, given, id=number or uuid4(), by=by, permission=permission,
                                   now=scene.clock())  # fmt: skip


def read(scene, name, viewer=Audience.AUTHORITY):
    with scene.owner_session() as session:
        return unit_records.read(session, name, viewer=viewer)


def put(scene, name, fact, value, audience=Audience.PUBLIC):
    with scene.owner_session() as session:
        given = Attribute(fact, value, Level.ITEM, audience)
        return unit_attributes.put(session, name, given, by="x", now=scene.clock())


def test_whoever_scans_sees_what_is_public_and_the_nearest_level(scene, battery, name):
    for days, health in enumerate((99.0, 97.5, 96.0)):
        add(scene, name, at=AT + timedelta(days=30 * days), values={"state_of_health": health},
            audience=Audience.PUBLIC)  # fmt: skip
    add(scene, name, values={"charge_cycles": 12})
    put(scene, name, "Origin", "Moss")
    put(scene, name, "Cell grade", "A", Audience.PARTNER)

    told = scene.visitor().check(path(scene, battery, name))
    page = scene.visitor().scan(path(scene, battery, name)).html

    assert told["data"] == [
        {"name": "Chemistry", "value": "LFP", "from": "product"},
        {"name": "Origin", "value": "Moss", "from": "item"},
    ]
    assert [record["values"] for record in told["records"]] == [
        {"state_of_health": 96}, {"state_of_health": 97.5}, {"state_of_health": 99},
    ]  # fmt: skip
    assert "About this one battery" in page
    assert "State of health: 96 %" in page
    assert 'class="course"' in page
    assert "Moss" in page
    assert "Norway" not in page
    assert "Charge cycles" not in page
    assert "Cell grade" not in page


def test_an_item_without_data_shows_its_lot_and_nothing_of_another(scene, battery, name):
    page = scene.visitor().scan(path(scene, battery, name)).html

    assert "Norway (this batch)" in page
    assert "About this one battery" not in page


def test_a_number_that_was_typed_gets_no_fact(scene, battery, name):
    put(scene, name, "Origin", "Moss")

    told = scene.visitor().check(path(scene, battery, name).partition("?")[0])

    assert (told["reason"], told["data"], told["records"]) == ("unsigned", [], [])


def test_a_partner_adds_and_never_changes_hides_or_publishes(scene, name):
    first = add(scene, name, permission=PARTNER)
    with pytest.raises(Forbidden, match="only the brand widens"):
        add(scene, name, permission=PARTNER, audience=Audience.PUBLIC)
    with pytest.raises(Forbidden, match="records of service only"):
        add(scene, name, permission=Permission(kinds={"service"}))
    hidden = add(scene, name, kind="test", values={"result": "passed"}, audience=Audience.AUTHORITY)
    with pytest.raises(NotFound):
        add(scene, name, permission=PARTNER, kind="test", values={"result": "failed"}, corrects=hidden.id)

    add(scene, name, permission=PARTNER, values={"state_of_health": 89}, corrects=first.id)

    told = {record.values.get("state_of_health"): record for record in read(scene, name, Audience.PARTNER)}
    assert told[98].is_corrected
    assert not told[89].is_corrected
    assert hidden.id not in {record.id for record in told.values()}
    assert read(scene, name, Audience.PUBLIC) == []


def test_whoever_has_seen_a_wrong_record_sees_that_it_was_corrected(scene, battery, name):
    wrong = add(scene, name, values={"state_of_health": 40}, audience=Audience.PUBLIC)
    with pytest.raises(BadInput, match="for public, or a wider circle"):
        add(scene, name, values={"state_of_health": 97}, corrects=wrong.id, audience=Audience.OWNER)

    add(scene, name, values={"state_of_health": 97}, corrects=wrong.id)

    assert {r.values["state_of_health"]: r.is_corrected for r in read(scene, name, Audience.PUBLIC)} == {
        40: True, 97: False,
    }  # fmt: skip
    assert len(scene.visitor().check(path(scene, battery, name))["records"]) == 2


def test_a_partner_corrects_what_it_has_written_itself_and_the_brand_all(scene, name):
    first = add(scene, name, permission=PARTNER)
    for somebody in (RIVAL, Actor("command", None, WORKSHOP.name)):
        with pytest.raises(Forbidden, match="Somebody else wrote this record"):
            add(scene, name, permission=PARTNER, by=somebody, corrects=first.id)
    assert not any(record.is_corrected for record in read(scene, name))

    add(scene, name, permission=PARTNER, corrects=first.id)
    second = add(scene, name, permission=PARTNER)
    add(scene, name, permission=STAFF, by=RIVAL, corrects=second.id)

    assert {record.id for record in read(scene, name) if record.is_corrected} == {first.id, second.id}


def test_a_record_sent_twice_is_one_and_its_id_is_not_reused(scene, name):
    number = uuid4()
    assert add(scene, name, number=number) == add(scene, name, number=number)
    with pytest.raises(Conflict, match="another record"):
        add(scene, name, number=number, values={"state_of_health": 1})

    assert scene.row("SELECT records FROM items WHERE sgtin = %s", name.sgtin) == (1,)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"values": {}}, "says something"),
        ({"at": datetime.now(UTC) + timedelta(days=2)}, "in the future"),
        ({"at": datetime(2026, 1, 1)}, "names its zone"),  # noqa: DTZ001  that is what is refused
        ({"text": "x" * 501}, "at most 500"),
        ({"kind": "rumour"}, "is one of"),
    ],
)
def test_what_is_no_record_is_refused(scene, name, given, why):
    with pytest.raises(BadInput, match=why):
        add(scene, name, **given)


def test_a_code_that_was_never_issued_gets_no_record(scene, name):
    other = ItemName(brand=name.brand, key=name.key, serial="NEVER", serial_keys=name.serial_keys)
    with pytest.raises(NotFound):
        add(scene, other)


def test_a_fact_taken_away_lets_that_of_the_lot_show_again(scene, name):
    put(scene, name, "Origin", "Moss")
    with scene.owner_session() as session:
        assert unit_attributes.put(session, name, Attribute("Origin", "Oslo", Level.ITEM), by="x",
                                   now=scene.clock()) == "Moss"  # fmt: skip
        assert unit_attributes.remove(session, name, "Origin") == "Oslo"
        with pytest.raises(NotFound):
            unit_attributes.remove(session, name, "Origin")
        found = unit_attributes.read(session, name, "B1", viewer=Audience.PUBLIC)

    assert [(fact.name, fact.value, fact.level) for fact in found] == [
        ("Chemistry", "LFP", "product"), ("Origin", "Norway", "lot"),
    ]  # fmt: skip


@pytest.mark.parametrize("statement", ["UPDATE item_records SET text = 'x'", "DELETE FROM item_records"])
def test_nobody_rewrites_a_record_not_even_the_owner_of_the_tables(scene, name, statement):
    add(scene, name)
    with psycopg.connect(scene.url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)


@pytest.mark.parametrize(
    ("role", "seen"), [(db.SCAN_ROLE, {"public"}), ("authsvc_owner", {"public", "owner"}),
                       (db.CONSOLE_ROLE, {"public", "owner", "partner", "authority"})]
)  # fmt: skip
def test_a_role_of_the_database_sees_its_circle(scene, name, role, seen):
    for audience in Audience:
        add(scene, name, audience=audience)
        put(scene, name, audience.value, "x", audience)
    with psycopg.connect(scene.url) as connection:
        connection.execute(f"SET LOCAL ROLE {role}")
        connection.execute("SELECT set_config('authsvc.brand', %s, true)", (str(scene.halden.id),))
        for table in ("item_records", "item_attributes"):
            found = connection.execute(f"SELECT DISTINCT audience FROM {table} WHERE sgtin = %s", (name.sgtin,))
            assert {audience for (audience,) in found} == seen
            if role != db.CONSOLE_ROLE:
                with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                    connection.execute(f"INSERT INTO {table} SELECT * FROM {table} LIMIT 1")


# --- From batch to serial, and formats of numbers --------------------------------------------------------------------


def change(scene, product, **cells):
    row = {"gtin": product.gtin, "brand": "halden", "name": product.name, "granularity": "batch", **cells}
    with scene.owner_session() as session:
        catalogue.import_products(session, [(2, row)], read_image=lambda _: b"", now=scene.clock())
    scene.refresh()
    with scene.owner_session() as session:
        return catalogue.get_product(session, product.gtin)


def test_a_product_moves_from_batch_to_serial_with_a_day(scene):
    product = scene.add_product(name="Shirt", granularity="batch", attributes={"noun": "shirt"})
    old = scene.issue(product, 1, lot="S1")
    today = scene.clock().date()
    with pytest.raises(BadInput, match="say in serial_from"):
        change(scene, product, granularity="serial")
    with pytest.raises(BadInput, match="later day is needed"):
        change(scene, product, granularity="serial", serial_from=str(today - timedelta(days=1)))
    with pytest.raises(BadInput, match="has no serials"):
        change(scene, product, serial_from=str(today))

    product = change(scene, product, granularity="serial", serial_from=str(today + timedelta(days=2)))
    assert "It shows product facts" in scene.visitor().check(old.path(0))["text"]
    last = scene.issue(product, 1, lot="S2", is_lot_level=True)
    new = scene.issue(product, 3, lot="S3")
    product = change(scene, product, granularity="serial", serial_from=str(today))
    with pytest.raises(BadInput, match="no lot gets a code any more"):
        scene.issue(product, 1, lot="S4", is_lot_level=True)

    for stock in (old, last):
        told = scene.visitor().check(stock.path(0))
        assert (told["reason"], told["outcome"]) == ("lot-only", "informational")
        assert f"stock from before {today.day} {today:%b %Y}" in told["text"]
    assert scene.visitor().check(new.path())["reason"] == "first-check"


def test_the_day_from_which_items_have_codes_is_not_forgotten(scene):
    product = scene.add_product(granularity="batch")
    scene.issue(product, 1, lot="S1")
    product = change(scene, product, granularity="serial", serial_from=str(scene.clock().date()))

    with pytest.raises(BadInput, match="stay older stock"):
        change(scene, product, granularity="serial", serial_from="")


def test_a_new_lot_and_a_serial_follow_the_format_of_the_product(scene):
    product = scene.add_product(lot_format="L{YY}-##", serial_format="imei")
    with scene.owner_session() as session, pytest.raises(BadInput, match=r"format L\{YY\}-## of this product"):
        lot_data.save_lot(session, product, LotInfo(lot="X1", made_on=None, expires_on=None), now=scene.clock())
    with pytest.raises(BadInput, match="are imported, not derived"):
        scene.issue(product, 3, lot="L26-01")
    with pytest.raises(BadInput, match="does not follow"):
        scene.issue(product, lot="X2", texts=("490154203237518",))
    with pytest.raises(BadInput, match="row 3, column serial: '490154203237517': has a wrong check digit: expected 8"):
        scene.issue(product, lot="L26-01", texts=("490154203237518", "490154203237517"))

    codes = scene.issue(product, lot="L26-01", texts=("490154203237518",))

    assert scene.visitor().check(codes.path(0))["reason"] == "first-check"
