"""Facts of items: recorded once, heard by the score from then on, and within a brand."""

from dataclasses import replace
from datetime import timedelta

import pytest
from cases import (
    FAR,
    PARIS,
    alert_of,
    check,
    check_daily,
    flagged_item,
    record,
    score,
    set_lifecycle,
    subject,
)
from scene import BERLIN, session_of
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from authsvc import db, investigations, scanning
from authsvc import scan_statements as sql
from authsvc.core.clones import Fact, FactKind
from authsvc.core.verdicts import Disposition, Reason
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.investigations import Proof, Subject
from authsvc.item_rows import ItemName


@pytest.fixture(autouse=True)
def clock(scene):
    """Let time stand where it is for the next test."""
    yield
    scene.clock.ahead = timedelta()


@pytest.fixture
def session(scene):
    with session_of(scene) as session:
        yield session


@pytest.fixture
def flagged(scene):
    return flagged_item(scene)


# --- Facts ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def watched(scene):
    """Return an item of a product of which records are kept, seen by a few people."""
    product = scene.add_product(markets="DE;FR")
    set_lifecycle(scene, product)
    codes = scene.issue(product)
    link = codes.link(0)
    check_daily(scene, link, (BERLIN, BERLIN, *FAR))
    return product, codes, link, subject(scene, link, product)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (FactKind.SOLD, {}),
        (FactKind.REGISTERED, {"visitor": b"owner-of-the-item", "place": BERLIN}),
        (FactKind.CLAIMED, {}),
        (FactKind.TRANSFERRED, {"visitor": b"its-next-owner", "place": PARIS}),
        (FactKind.COMMISSIONED, {"markets": frozenset({"IT"})}),
    ],
    ids=str,
)
def test_a_recorded_fact_reaches_the_score_of_the_next_scan(scene, watched, kind, values):
    _, _, link, about = watched
    before = score(scene, about)

    record(scene, about, kind, at=scene.clock() - timedelta(days=30), **values)

    assert score(scene, about) != before
    row = investigations.judge_again(scene.rt.connections, link.sgtin, about.product)
    assert [fact.kind for fact in row.history.facts] == [kind]
    assert row.history.facts[0].visitor == values.get("visitor")


def test_an_offer_is_told(scene, watched):
    _, _, link, about = watched
    record(scene, about, FactKind.OFFERED)

    told = investigations.judge_again(scene.rt.connections, link.sgtin, about.product)
    assert [fact.kind for fact in told.history.facts] == [FactKind.OFFERED]


def test_a_commissioned_range_is_a_fact_of_each_item_without_a_row(scene, watched):
    product, codes, _, about = watched
    before = score(scene, about)
    rows = scene.row("SELECT count(*) FROM items WHERE gtin = %s", product.gtin)
    scene.clock.ahead -= timedelta(days=60)
    scene.commission(product, codes.run, 0, 10)
    scene.clock.ahead += timedelta(days=60)

    with session_of(scene) as session:
        (fact,) = investigations.weigh(session, about).history.facts
    assert (fact.kind, fact.markets) == (FactKind.COMMISSIONED, frozenset({"DE", "FR"}))
    assert score(scene, about) != before
    assert scene.row("SELECT count(*) FROM items WHERE gtin = %s", product.gtin) == rows
    # The statement of a scan reads it too: whatever makes it raise an alert, the fact is in its evidence.
    scene.admin.execute("UPDATE products SET copy_threshold = 2 WHERE gtin = %s", (product.gtin,))
    scene.refresh()
    other = codes.link(1)
    check_daily(scene, other, (BERLIN, BERLIN))
    assert scene.row("SELECT evidence -> 'facts' -> 0 ->> 'kind' FROM alerts WHERE sgtin = %s", other.sgtin) == (
        "commissioned",
    )


def test_an_item_that_is_gone_and_seen_again_says_so(scene, watched):
    _, _, link, about = watched
    scene.set_disposition(link, Disposition.STOLEN)
    check(scene, link, place=PARIS)

    with session_of(scene) as session:
        parts = investigations.weigh(session, about).examination.parts
    assert "seen-though-gone" in {part.rule for part in parts}


def test_a_withdrawn_fact_no_longer_speaks(scene, session, watched):
    _, _, link, about = watched
    record(scene, about, FactKind.SOLD)
    (fact,) = scene.row("SELECT id FROM item_facts WHERE sgtin = %s", link.sgtin)

    with session.begin():
        investigations.withdraw_fact(session, about, fact, by="ana", now=scene.clock())

    assert investigations.judge_again(scene.rt.connections, link.sgtin, about.product).history.facts == ()
    with pytest.raises(Conflict, match="taken back"):
        investigations.withdraw_fact(session, about, fact, by="ana", now=scene.clock())
    with pytest.raises(NotFound, match="no such fact"):
        investigations.withdraw_fact(session, about, scene.rt.new_id(), by="ana", now=scene.clock())


def test_a_fact_is_of_an_issued_item_and_of_the_past(scene, session):
    product = scene.add_product()
    link = scene.issue(product).link()
    about = subject(scene, link, product)
    order = {"id": scene.rt.new_id(), "by": "shop", "now": scene.clock()}

    for _ in range(2):
        investigations.record_fact(session, about, Fact(kind=FactKind.SOLD, at=order["now"]), **order)
    session.commit()
    assert scene.row("SELECT count(*) FROM item_facts WHERE sgtin = %s", link.sgtin) == (1,)
    assert scene.scan(link).verdict.reason is Reason.FIRST_CHECK
    with pytest.raises(BadInput, match="in the future"):
        investigations.record_fact(
            session, about, Fact(kind=FactKind.SOLD, at=order["now"] + timedelta(days=1)), **order
        )
    with pytest.raises(BadInput, match="is a resolution"):
        investigations.record_fact(session, about, Fact(kind=FactKind.TEST, at=order["now"]), **order)
    other = ItemName(brand=scene.halden, key=link.gtin, serial="NEVER", serial_keys={})
    with pytest.raises(NotFound, match="never issued"):
        investigations.record_fact(session, Subject(other, None), Fact(kind=FactKind.SOLD, at=order["now"]), **order)


class Spy:
    """Hands statements on, and remembers the last."""

    def __init__(self, connections) -> None:
        self.connections = connections
        self.is_available = True
        self.statement, self.params = "", {}

    def fetch(self, statement, params):
        self.statement, self.params = statement, params
        return self.connections.fetch(statement, params)


def test_a_scan_of_an_item_without_facts_reads_none_and_is_one_statement(scene):
    """The tables of facts stand in the statement, and the plan never runs them until an item's counter says so."""
    rt, link, product = scene.rt, scene.codes.link(), scene.watch
    spy = Spy(rt.connections)
    seen = scene.presentation()
    check(scene, link)
    scanning.scan(rt.held, spy, link, link.extension("s"), seen, at=seen.at, new_id=rt.new_id)

    def plan():
        scene.admin.execute("BEGIN")
        values = spy.params | {"id": rt.new_id(), "visitor": scene.random(16)}
        lines = scene.admin.execute("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) " + spy.statement, values).fetchall()
        scene.admin.execute("ROLLBACK")
        tables = ("item_facts", "resolutions", "commissions")
        return {t: "never executed" in line for (line,) in lines for t in tables if f" on {t} " in line}

    assert spy.statement == sql.SCAN_ITEM
    assert plan() == {"item_facts": True, "resolutions": True, "commissions": True}
    record(scene, subject(scene, link, product), FactKind.SOLD)
    assert plan() == {"item_facts": False, "resolutions": False, "commissions": True}


# --- A console --------------------------------------------------------------------------------------------------------


def as_console(session, brand) -> None:
    session.execute(text(f"SET LOCAL ROLE {db.CONSOLE_ROLE}"))
    session.execute(text("SELECT set_config('authsvc.brand', :brand, true)"), {"brand": str(brand.id)})


def test_a_console_does_all_of_it_under_row_level_security(scene, session, flagged):
    _, about = flagged
    alert, now = alert_of(scene, about), scene.clock()
    order = {"by": "ana", "now": now}
    with session.begin():
        as_console(session, scene.halden)
        for kind in (FactKind.SOLD, FactKind.REGISTERED):
            fact = Fact(kind=kind, at=now, visitor=b"owner")
            investigations.record_fact(session, about, fact, id=scene.rt.new_id(), **order)
        found = investigations.resolve(
            session, about, alert, FactKind.FALSE_ALARM, reason="seen", id=scene.rt.new_id(), **order
        )
        assert not found.is_flagged
        assert investigations.undo(session, about, found.id, reason="not yet", **order).is_flagged
        proof = investigations.prove_by_visitor(session, about, b"owner", new_id=scene.rt.new_id, **order)
        assert proof is Proof.CLEARED


def test_a_console_records_the_sale_of_an_item_that_nobody_has_scanned(scene, session):
    product = scene.add_product()
    about = subject(scene, scene.issue(product).link(), product)
    with session.begin():
        as_console(session, scene.halden)
        investigations.record_fact(
            session,
            about,
            Fact(kind=FactKind.SOLD, at=scene.clock()),
            id=scene.rt.new_id(),
            by="shop",
            now=scene.clock(),
        )

    assert scene.row("SELECT facts, counted, brand_id FROM items WHERE sgtin = %s", about.sgtin) == (
        1, 0, scene.halden.id,
    )  # fmt: skip


def test_a_console_reaches_no_item_of_another_brand(scene, session, flagged):
    _, about = flagged
    theirs = Subject(replace(about.name, brand=scene.rival), about.product)
    new = subject(scene, scene.issue(product := scene.add_product()).link(), product)
    alert, now = alert_of(scene, about), scene.clock()
    fact = Fact(kind=FactKind.SOLD, at=now)

    for other in (about, theirs, new):
        with session.begin():
            as_console(session, scene.rival)
            with pytest.raises(NotFound):
                investigations.record_fact(session, other, fact, id=scene.rt.new_id(), by="eve", now=now)
    with session.begin():
        as_console(session, scene.rival)
        with pytest.raises(NotFound, match="no such alert"):
            investigations.resolve(
                session, theirs, alert, FactKind.TEST, reason="x", id=scene.rt.new_id(), by="eve", now=now
            )
    assert scene.rows("SELECT 1 FROM item_facts WHERE sgtin = %s", about.sgtin) == []


def test_the_function_that_makes_items_makes_none_for_another_brand(scene, session):
    product = scene.add_product()
    codes = scene.issue(product)
    sgtin = codes.link().sgtin
    make = text("SELECT authsvc_make_item(:item, :brand, :run)")

    with session.begin():
        as_console(session, scene.rival)
        with pytest.raises(DBAPIError, match="for the brand of the transaction"), session.begin_nested():
            session.execute(make, {"item": sgtin, "brand": scene.halden.id, "run": codes.run})
        session.execute(make, {"item": sgtin, "brand": scene.rival.id, "run": codes.run})
    with session.begin():
        as_console(session, scene.halden)
        session.execute(make, {"item": "09521101000002.A", "brand": scene.halden.id, "run": codes.run})
    assert scene.rows("SELECT 1 FROM items WHERE sgtin = ANY(%s)", [sgtin, "09521101000002.A"]) == []
