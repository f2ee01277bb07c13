"""Investigations: alerts that are raised once, what people make of them, and owners who prove what they hold."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from cases import FAR, alert_of, check, check_daily, flagged_item, record, resolve, subject, undo
from scene import BERLIN, Scene, session_of

from authsvc import investigations, receipts
from authsvc.core import claim_codes
from authsvc.core.clones import FactKind
from authsvc.core.verdicts import Outcome, Reason
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.investigations import Proof, Subject

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


@pytest.fixture
def flagged(scene):
    return flagged_item(scene)


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


def test_what_is_said_of_another_alert_says_nothing_of_the_scans(scene, flagged):
    """A receipt that was copied, or a code that was never issued, does not rest on the history of an item."""
    link, about = flagged
    copied, unissued = scene.rt.new_id(), scene.rt.new_id()
    for sgtin, alert, rule in (
        (link.sgtin, copied, "receipt-copied"),
        (f"{link.gtin}.NEVER", unissued, "signed-not-issued"),
    ):
        scene.admin.execute(
            "INSERT INTO alerts (sgtin, id, brand_id, rule, score, evidence, opened_at) "
            "VALUES (%s, %s, %s, %s, 1, '{}', now())",
            (sgtin, alert, scene.halden.id, rule),
        )

    assert resolve(scene, about, FactKind.FALSE_ALARM, alert=copied).is_flagged
    assert scene.scan(link).verdict.reason is Reason.POSSIBLE_COPY
    nowhere = Subject.of(scene.rt.held, link.gtin, "NEVER")
    found = resolve(scene, nowhere, FactKind.FALSE_ALARM, alert=unissued)
    assert not found.is_flagged
    assert not undo(scene, nowhere, found.id).is_flagged
    assert alert_of(scene, nowhere) == unissued
    with pytest.raises(NotFound, match="belongs to no brand"):
        Subject.of(scene.rt.held, "00000000000000", "A")


def test_a_resolution_among_racing_scans_is_not_raced_away(scene, flagged):
    link, about = flagged

    with ThreadPoolExecutor(12) as pool:
        scans = [pool.submit(check, scene, link, place=BERLIN) for _ in range(24)]
        resolved = resolve(scene, about, FactKind.FALSE_ALARM)
        for scan in scans:
            scan.result()

    assert not resolved.is_flagged
    assert scene.row("SELECT flagged_at, facts FROM items WHERE sgtin = %s", link.sgtin) == (None, 1)
    assert scene.rows("SELECT 1 FROM alerts WHERE sgtin = %s AND closed_at IS NULL", link.sgtin) == []
    assert scene.scan(link).verdict.outcome is Outcome.AUTHENTIC


def test_a_verdict_that_was_given_is_not_rewritten(scene, flagged):
    link, about = flagged
    rt = scene.rt
    given = scene.scan(link)
    resolve(scene, about, FactKind.FALSE_ALARM)

    read = receipts.get(rt.held, rt.connections, given.receipt, at=scene.clock())
    assert read.then.reason is Reason.POSSIBLE_COPY


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
