"""Investigations: facts that reach the score, alerts that are raised once, and what people make of them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from scene import BERLIN, Scene, session_of

from authsvc import investigations, receipts, signing_keys
from authsvc.core import claim_codes
from authsvc.core.clones import Fact, FactKind, Place
from authsvc.core.verdicts import Disposition, Outcome, Reason
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.investigations import Proof, Subject
from authsvc.item_rows import ItemName

PARIS = Place("FR", 48.9, 2.3, 200.0)
FAR = [
    Place("VN", 10.8, 106.7, 200.0), Place("BR", -23.5, -46.6, 200.0), Place("US", 40.7, -74.0, 200.0),
    Place("AU", -33.9, 151.2, 200.0), Place("ZA", -26.2, 28.0, 200.0), Place("JP", 35.7, 139.7, 200.0),
]  # fmt: skip
CLAIM_KEY = bytes(range(32))


@pytest.fixture(autouse=True)
def clock(scene):
    """Let time stand where it is for the next test."""
    yield
    scene.clock.ahead = timedelta()


@pytest.fixture
def session(scene):
    with session_of(scene) as session:
        yield session


def subject(scene: Scene, link, product) -> Subject:
    with session_of(scene) as session:
        keys = signing_keys.load_serial_keys(session, scene.halden.id, wrapping_key=scene.wrapping_key)
    brand = next(brand for brand in (scene.halden, scene.rival) if brand.id == product.brand_id)
    name = ItemName(brand=brand, key=link.gtin, serial=link.serial, serial_keys=keys)
    return Subject(name, scene.rt.held.register.find_product(product.gtin))


def check(scene: Scene, link, **values):
    """Let somebody new scan and confirm."""
    checked = scene.scan(link, **values)
    rt = scene.rt
    receipts.confirm(rt.held, rt.connections, checked.receipt, at=scene.clock(), new_id=rt.new_id)
    return checked


def check_daily(scene: Scene, link, places) -> None:
    """Let somebody new check the code every day, the last of them now."""
    scene.clock.ahead -= timedelta(days=len(places))
    for place in places:
        scene.clock.ahead += timedelta(days=1)
        check(scene, link, place=place)


def record(scene: Scene, about: Subject, kind: FactKind, **values) -> None:
    now = scene.clock()
    with session_of(scene) as session, session.begin():
        fact = Fact(kind=kind, at=values.pop("at", now), **values)
        investigations.record_fact(session, about, fact, id=scene.rt.new_id(), by="shop", now=now)


def set_lifecycle(scene: Scene, product) -> None:
    scene.admin.execute("UPDATE products SET has_lifecycle = true WHERE gtin = %s", (product.gtin,))
    scene.refresh()


def score(scene: Scene, about: Subject) -> float:
    with session_of(scene) as session:
        return investigations.weigh(session, about).examination.score


@pytest.fixture
def flagged(scene):
    """Return a code that copies were made of, told of by its alert, and what an investigation is about."""
    product = scene.add_product()
    link = scene.issue(product).link()
    check_daily(scene, link, (BERLIN, *FAR * 4))
    assert scene.scan(link).verdict.reason is Reason.POSSIBLE_COPY
    return link, subject(scene, link, product)


def alert_of(scene: Scene, about: Subject):
    return scene.row("SELECT id FROM alerts WHERE sgtin = %s AND closed_at IS NULL", about.sgtin)[0]


def resolve(scene: Scene, about: Subject, kind: FactKind, **values):
    with session_of(scene) as session, session.begin():
        return investigations.resolve(
            session, about, values.pop("alert", None) or alert_of(scene, about), kind, reason="looked at it", by="ana",
            id=scene.rt.new_id(), now=scene.clock(),
        )  # fmt: skip


def undo(scene: Scene, about: Subject, id_):
    with session_of(scene) as session, session.begin():
        return investigations.undo(session, about, id_, reason="wrong item", by="ana", now=scene.clock())


# --- Alerts -----------------------------------------------------------------------------------------------------------


def test_an_alert_keeps_what_it_rested_on(scene, flagged):
    link, _about = flagged

    (rule, stored, evidence), *others = scene.rows(
        "SELECT rule, score, evidence FROM alerts WHERE sgtin = %s", link.sgtin
    )
    assert others == []
    assert stored == pytest.approx(evidence["score"], abs=0.01)
    assert evidence["score"] >= evidence["threshold"]
    assert sum(part["weight"] for part in evidence["parts"]) == pytest.approx(evidence["score"], abs=0.02)
    assert rule == max(evidence["parts"], key=lambda part: part["weight"])["rule"]
    assert {"country", "radius_km", "network", "first_at", "prefix"} <= set(evidence["sightings"][0])
    assert evidence["facts"] == []
    assert evidence["target_rate"] == pytest.approx(0.001)


def test_twenty_racing_scans_raise_one_alert(scene):
    product = scene.add_product()
    link = scene.issue(product).link()
    scene.admin.execute("UPDATE products SET target_rate = 0.000001 WHERE gtin = %s", (product.gtin,))
    scene.refresh()
    check_daily(scene, link, (BERLIN, *FAR * 4))
    scene.admin.execute("UPDATE items SET flagged_at = NULL, score = 0 WHERE sgtin = %s", (link.sgtin,))
    scene.admin.execute("DELETE FROM alerts WHERE sgtin = %s", (link.sgtin,))
    scene.admin.execute("UPDATE products SET target_rate = NULL WHERE gtin = %s", (product.gtin,))
    scene.refresh()

    with ThreadPoolExecutor(20) as pool:
        reasons = list(pool.map(lambda n: check(scene, link, place=FAR[n % 6]).verdict.reason, range(20)))

    assert set(reasons) == {Reason.POSSIBLE_COPY}
    assert scene.row("SELECT count(*) FROM alerts WHERE sgtin = %s", link.sgtin) == (1,)


# --- Resolutions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", [FactKind.FALSE_ALARM, FactKind.OWNER_ERROR, FactKind.GREY_MARKET, FactKind.TEST], ids=str
)
def test_explained_evidence_does_not_raise_again_and_new_evidence_does(scene, flagged, kind):
    link, about = flagged

    found = resolve(scene, about, kind)
    assert not found.is_flagged
    assert scene.scan(link).verdict.outcome is Outcome.AUTHENTIC
    check(scene, link)
    assert scene.rows("SELECT 1 FROM alerts WHERE sgtin = %s AND closed_at IS NULL", link.sgtin) == []
    scene.clock.ahead += timedelta(days=40)
    check_daily(scene, link, FAR * 6)

    assert scene.scan(link).verdict.reason is Reason.POSSIBLE_COPY
    assert scene.row("SELECT count(*) FROM alerts WHERE sgtin = %s", link.sgtin) == (2,)


def test_a_confirmed_clone_stays_flagged_without_a_second_alert(scene, flagged):
    link, about = flagged

    assert resolve(scene, about, FactKind.CONFIRMED_CLONE).is_flagged
    for place in FAR:
        assert check(scene, link, place=place).verdict.reason is Reason.POSSIBLE_COPY
    assert scene.row("SELECT count(*), count(closed_at) FROM alerts WHERE sgtin = %s", link.sgtin) == (1, 1)


def test_an_undone_resolution_no_longer_speaks_and_stays_in_the_history(scene, flagged):
    link, about = flagged
    alert = alert_of(scene, about)
    before = scene.row("SELECT score FROM items WHERE sgtin = %s", link.sgtin)

    resolved = resolve(scene, about, FactKind.FALSE_ALARM)
    assert undo(scene, about, resolved.id).is_flagged

    assert scene.scan(link).verdict.reason is Reason.POSSIBLE_COPY
    assert alert_of(scene, about) == alert
    assert scene.row("SELECT score FROM items WHERE sgtin = %s", link.sgtin) == pytest.approx(before, abs=0.6)
    assert scene.row("SELECT kind, undone_by, undone_reason FROM resolutions WHERE sgtin = %s", link.sgtin) == (
        "false-alarm", "ana", "wrong item",
    )  # fmt: skip
    with pytest.raises(Conflict, match="taken back already"):
        undo(scene, about, resolved.id)


def test_an_alert_is_resolved_once_and_with_a_reason(scene, session, flagged):
    _, about = flagged
    alert = alert_of(scene, about)
    resolve(scene, about, FactKind.TEST)

    with pytest.raises(Conflict, match="closed already"):
        resolve(scene, about, FactKind.TEST, alert=alert)
    with pytest.raises(NotFound, match="no such alert"):
        resolve(scene, about, FactKind.TEST, alert=scene.rt.new_id())
    order = {"by": "ana", "id": scene.rt.new_id(), "now": scene.clock()}
    with pytest.raises(BadInput, match="Give the reason"):
        investigations.resolve(session, about, alert, FactKind.TEST, reason=" ", **order)
    with pytest.raises(BadInput, match="A resolution is one of"):
        investigations.resolve(session, about, alert, FactKind.SOLD, reason="x", **order)


def test_a_scan_under_way_does_not_raise_what_was_just_explained(scene, flagged):
    link, about = flagged
    rt = scene.rt
    old = investigations.judge_again(rt.connections, link.sgtin, about.product)
    resolve(scene, about, FactKind.FALSE_ALARM)

    seen = scene.presentation()
    is_flagged = investigations.open_alerts(
        rt.connections, link.sgtin, old, about.product, at=seen.at, scan=(seen.at, seen.id), new_id=rt.new_id
    )

    assert not is_flagged
    assert scene.row("SELECT flagged_at FROM items WHERE sgtin = %s", link.sgtin) == (None,)


def test_a_verdict_that_was_given_is_not_rewritten(scene, flagged):
    link, about = flagged
    rt = scene.rt
    given = scene.scan(link)
    resolve(scene, about, FactKind.FALSE_ALARM)

    read = receipts.get(rt.held, rt.connections, given.receipt, at=scene.clock())
    assert read.then.reason is Reason.POSSIBLE_COPY


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
    product, codes, link, about = watched
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
    scene.scan(link)
    assert scene.row("SELECT evidence -> 'facts' -> 0 ->> 'kind' FROM alerts WHERE sgtin = %s", link.sgtin) == (
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


# --- Proofs -----------------------------------------------------------------------------------------------------------


def claim(scene: Scene, about: Subject, code: str) -> Proof:
    with session_of(scene) as session, session.begin():
        return investigations.prove_by_claim_code(
            session, about, code, claim_key=CLAIM_KEY, by="owner", now=scene.clock(), new_id=scene.rt.new_id
        )


def code_of(about: Subject) -> str:
    return claim_codes.claim_code(CLAIM_KEY, about.name.brand.id, about.name.key, about.name.serial)


def test_a_claim_code_clears_an_alert_once_and_is_evidence_the_second_time(scene, flagged):
    link, about = flagged

    assert claim(scene, about, "0000-0000") is Proof.WRONG
    assert scene.rows("SELECT 1 FROM item_facts WHERE sgtin = %s", link.sgtin) == []
    assert claim(scene, about, code_of(about)) is Proof.CLEARED
    assert scene.scan(link).verdict.outcome is Outcome.AUTHENTIC
    assert scene.rows("SELECT 1 FROM alerts WHERE sgtin = %s AND closed_at IS NULL", link.sgtin) == []
    assert claim(scene, about, code_of(about)) is Proof.SPENT
    with session_of(scene) as session:
        parts = investigations.weigh(session, about).examination.parts
    assert {part.rule for part in parts} >= {"claim-code-used-again"}


def test_a_claim_code_of_an_item_without_a_warning_is_noted(scene):
    product = scene.add_product()
    about = subject(scene, scene.issue(product).link(), product)

    assert claim(scene, about, code_of(about)) is Proof.NOTED


def test_the_owner_s_browser_clears_and_a_stranger_s_does_not(scene, flagged):
    link, about = flagged
    record(scene, about, FactKind.REGISTERED, visitor=b"owner", place=BERLIN)

    def prove(visitor):
        with session_of(scene) as session, session.begin():
            return investigations.prove_by_visitor(
                session, about, visitor, by="owner", now=scene.clock(), new_id=scene.rt.new_id
            )

    assert prove(b"stranger") is Proof.WRONG
    assert scene.scan(link).verdict.reason is Reason.POSSIBLE_COPY
    assert prove(b"owner") is Proof.CLEARED
    assert scene.scan(link).verdict.outcome is Outcome.AUTHENTIC
    assert prove(b"owner") is Proof.NOTED


def test_a_proof_splits_an_alert_where_copies_are_certain(scene, flagged):
    link, about = flagged
    resolve(scene, about, FactKind.CONFIRMED_CLONE)

    assert claim(scene, about, code_of(about)) is Proof.SPLIT
    assert scene.scan(link).verdict.reason is Reason.POSSIBLE_COPY
