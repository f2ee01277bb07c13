"""Codes after they were issued: voided unused, replaced by a new label, counted against the quota of a site."""

from uuid import UUID, uuid4

import pytest
from owning import Buyer
from working import codes_of, path_of, work

from authsvc import export_files, issuing, label_replacements, run_orders, sites, unit_records, voiding
from authsvc.audit import Actor
from authsvc.core.unit_data import Audience
from authsvc.core.verdicts import Disposition
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.item_rows import ItemName
from authsvc.models import Base
from authsvc.unit_records import STAFF, NewRecord

STAFFER = Actor("staff", UUID(int=7), "Mia <mia@halden.example>")


def keys(scene):
    return scene.rt.held.serial_keys_of(scene.halden.id)


def void(scene, run, first=None, last=None, reason="a roll was spoilt"):
    with scene.owner_session() as session:
        return voiding.void(session, scene.halden, run, first, last, reason=reason, serial_keys=keys(scene),
                            now=scene.clock())  # fmt: skip


def reason(scene, path):
    return scene.visitor().check(path)["reason"]


# --- Voiding ---------------------------------------------------------------------------------------------------------


def test_unused_codes_of_a_run_are_withdrawn_and_used_ones_stay(scene):
    codes = scene.issue(scene.watch, 100, lot="V1")
    scanned, stolen = codes.path(3), codes.link(4)
    scene.visitor().scan(scanned)
    scene.set_disposition(stolen, Disposition.STOLEN)
    scene.commission(scene.watch, codes.run, 10, 19)

    done = void(scene, codes.run, 0, 49)

    assert (done.withdrawn, done.kept, done.void) == (38, 12, 38)
    told = scene.visitor().check(codes.path(0))
    assert (told["outcome"], told["reason"], told["item"]["disposition"]) == ("withdrawn", "withdrawn", "inactive")
    assert reason(scene, scanned) == "checked-before"
    assert reason(scene, codes.path(4)) == "stolen"
    assert reason(scene, codes.path(15)) == "first-check"
    assert reason(scene, codes.path(50)) == "first-check"
    # Of the rest, one was scanned by now; of what is void, a scan makes nothing used.
    assert void(scene, codes.run).withdrawn == 49
    assert void(scene, codes.run).withdrawn == 0


def test_a_receipt_of_a_void_code_says_so_too(scene):
    codes = scene.issue(scene.watch, 5)
    visitor = scene.visitor()
    kept = visitor.check(codes.path(0))["receipt"]
    void(scene, codes.run)
    fresh = visitor.check(codes.path(1))["receipt"]

    assert "This code is genuine" in visitor.open(f"/s/{kept}").text
    assert "This code is no longer in use" in visitor.open(f"/s/{fresh}").text


def test_cases_and_imported_serials_are_voided_too(scene):
    shirts = scene.add_product(name="Shirts", granularity="hybrid")
    cases = scene.issue(shirts, 10, lot="C1", contents=12)
    scene.visitor().scan(cases.path(2))
    phones = scene.add_product(name="Phone")
    imported = scene.issue(phones, texts=("A1", "A2", "A3"))
    scene.visitor().scan(imported.path(1))

    assert void(scene, cases.run).withdrawn == 9
    assert void(scene, imported.run).withdrawn == 2
    assert [reason(scene, codes.path(n)) for codes in (cases, imported) for n in (0, 2)] == [
        "withdrawn", "checked-before", "withdrawn", "withdrawn",
    ]  # fmt: skip
    assert reason(scene, imported.path(1)) == "checked-before"


def test_what_cannot_be_voided_is_refused(scene):
    codes = scene.issue(scene.watch, 10)
    failed = scene.issue(scene.watch, 10, closes=False)
    wine = scene.issue(scene.add_product(granularity="batch"), 1, lot="W1")
    phones = scene.issue(scene.add_product(), texts=("B1",))

    for run, first, last, why in (
        (codes.run, 0, 10, "has the codes 0 to 9"), (codes.run, 5, 4, "has the codes"),
        (wine.run, None, None, "Recall"), (phones.run, 0, 0, "in no order"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=why):
            void(scene, run, first, last)
    with pytest.raises(BadInput, match="reason"):
        void(scene, codes.run, reason=" ")
    for run in (failed.run, 999_999):
        with pytest.raises(NotFound):
            void(scene, run)


# --- New labels ------------------------------------------------------------------------------------------------------


def name_of(scene, link):
    return ItemName(brand=scene.halden, key=link.gtin, serial=link.serial, serial_keys=keys(scene))


def relabel(scene, product, link, *, is_recalled=False):
    with scene.owner_session() as session:
        order = label_replacements.order_of(session, name_of(scene, link), reason="scratched", is_recalled=is_recalled)
        placed = run_orders.place(session, product, order, STAFFER, id=uuid4(), now=scene.clock())
    return placed.id


def new_code(scene, order_id):
    """Let the worker issue an order; return the path of its one code."""
    work(scene)
    with scene.owner_session() as session:
        result = run_orders.get(session, scene.halden.id, order_id).result
        text = export_files.read(session, order_id, scene.halden.id, 1, key=scene.wrapping_key)
    assert result["parts"] == 1
    (row,) = codes_of(text.decode())
    return path_of(row)


def test_a_new_label_is_the_item_from_then_on(scene):
    product = scene.add_product(name="Meridian 39", warranty_months="24", claim="required")
    codes = scene.issue(product, 1, lot="R1")
    old, link = codes.path(0), codes.link(0)
    owner = Buyer(scene, "kim@example.com")
    page = owner.own(old)
    with scene.owner_session() as session:
        given = NewRecord(kind="service", at=scene.clock(), text="New strap")
        unit_records.append(
            session, name_of(scene, link), given, id=uuid4(), by=Actor("command", None, "A test"), permission=STAFF,
            now=scene.clock(),
        )  # fmt: skip

    new = new_code(scene, relabel(scene, product, link))

    assert reason(scene, old) == "withdrawn"
    told = scene.visitor().check(new)
    assert (told["reason"], told["lot"]["lot"]) == ("first-check", "R1")
    assert told["item"]["serial"] != link.serial
    # The owner, their warranty and the records have gone with the item; the old code is nobody's.
    assert owner.get(page).status_code == 200
    assert "New strap" in owner.last.text
    assert told["item"]["serial"] in owner.last.text.replace(" ", "")
    assert scene.rows("SELECT FROM registrations WHERE sgtin = %s", link.sgtin) == []
    sgtin = f"{product.gtin}.{told['item']['serial']}"
    fresh = ItemName(brand=scene.halden, key=product.gtin, serial=told["item"]["serial"], serial_keys=keys(scene))
    with scene.owner_session() as session:
        assert [one.text for one in unit_records.read(session, fresh, viewer=Audience.OWNER)] == ["New strap"]
        assert label_replacements.find_new(session, link.sgtin) == sgtin
        assert label_replacements.find_old(session, sgtin) == link.sgtin
    acts = scene.rows("SELECT subject, actor_name, details->>'new' FROM audit_events WHERE act = 'item.relabel'")
    assert {subject for subject, *_ in acts} >= {link.sgtin, sgtin}
    assert {(who, serial) for _, who, serial in acts} == {(STAFFER.name, told["item"]["serial"])}
    # Whoever holds the old claim code, or the new one, starts no second warranty.
    stranger = Buyer(scene, "somebody@example.com")
    stranger.apply(new)
    assert "has an owner" in stranger.last.text or stranger.last.status_code == 409
    with pytest.raises(Conflict, match="Only an active item"):
        relabel(scene, product, link)


def test_no_new_label_hides_anything(scene):
    product = scene.add_product(name="Meridian 41")
    codes = scene.issue(product, 10)
    flagged, gone, ordered = codes.link(0), codes.link(1), codes.link(2)
    scene.visitor().scan(codes.path(0))
    scene.admin.execute(
        "INSERT INTO alerts (sgtin, id, brand_id, rule, score, evidence, opened_at) "
        "VALUES (%s, gen_random_uuid(), %s, 'x', 1, '{}', now())", (flagged.sgtin, scene.halden.id)
    )  # fmt: skip
    scene.set_disposition(gone, Disposition.LOST)
    relabel(scene, product, ordered)

    for link, why in ((flagged, "alert"), (gone, "is lost"), (ordered, "ordered already")):
        with pytest.raises(Conflict, match=why):
            relabel(scene, product, link)
    with pytest.raises(Conflict, match="recalled"):
        relabel(scene, product, codes.link(3), is_recalled=True)


def test_an_item_that_was_blocked_meanwhile_keeps_its_label(scene):
    product = scene.add_product(name="Meridian 42")
    codes = scene.issue(product, 1)
    order_id = relabel(scene, product, codes.link(0))
    scene.set_disposition(codes.link(0), Disposition.BLOCKED)

    work(scene)

    assert reason(scene, codes.path(0)) == "blocked"
    state, fault = scene.row("SELECT state, fault FROM errands WHERE id = %s", order_id)
    assert (state, "Only an active item" in fault) == ("failed", True)
    assert scene.row("SELECT count(*) FROM runs WHERE gtin = %s AND issued_at IS NOT NULL", product.gtin) == (1,)


def test_every_table_of_items_is_moved_copied_or_left_on_purpose():
    """Whoever adds a table of items says in ``label_replacements`` what becomes of it when the label is replaced."""
    tables = {table.name for table in Base.metadata.tables.values() if "sgtin" in table.c}
    moved = {table.__tablename__ for table in label_replacements.MOVED}

    assert tables == moved | set(label_replacements.COPIED) | set(label_replacements.STAYS)


# --- Sites -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def site(scene):
    """A printer that may have 100 codes a month; afterwards no order has to name one."""
    with scene.owner_session() as session:
        sites.save(session, scene.halden.id, "Printer 4", 100, "month", now=scene.clock())
    yield "Printer 4"
    scene.admin.execute("UPDATE sites SET closed_at = now()")


def test_a_site_gets_no_more_than_its_quota(scene, site):
    scene.issue(scene.watch, 60, site=site)
    with pytest.raises(BadInput, match="Name the one"):
        scene.issue(scene.watch, 1)
    with pytest.raises(Conflict, match="100 codes a month, and 40 are left; 41 are too many"):
        scene.issue(scene.watch, 41, site=site)
    scene.issue(scene.watch, 40, site=site)
    order = issuing.Order(count=1, site=site)
    with scene.owner_session() as session, pytest.raises(Conflict, match="0 are left"):
        run_orders.place(session, scene.watch, order, STAFFER, id=uuid4(), now=scene.clock())
    with scene.owner_session() as session:
        (listed,) = [one for one in sites.list_sites(session, scene.halden.id, now=scene.clock()) if one.name == site]
    assert (listed.used, listed.left) == (100, 0)

    with scene.owner_session() as session:
        sites.save(session, scene.halden.id, site, None, "all", now=scene.clock())
    scene.issue(scene.watch, 500, site=site)
    with scene.owner_session() as session:
        sites.close(session, scene.halden.id, site, now=scene.clock())
    with pytest.raises(Conflict, match="is closed"):
        scene.issue(scene.watch, 1, site=site)
    with pytest.raises(NotFound, match="no site"):
        scene.issue(scene.watch, 1, site="Printer 5")


@pytest.mark.parametrize(
    ("name", "quota", "per"), [("", 1, "day"), ("x" * 61, 1, "day"), ("x", -1, "day"), ("x", 1, "week")]
)
def test_what_is_no_site_is_refused(scene, name, quota, per):
    with scene.owner_session() as session, pytest.raises(BadInput):
        sites.save(session, scene.halden.id, name, quota, per, now=scene.clock())
