"""Triage: every decision and every undo reaches the next scan, in one transaction, and is in the log."""

from datetime import timedelta

import pytest
from psycopg.types.json import Jsonb
from scene import BERLIN, Scene, session_of
from test_investigations import FAR, check, check_daily

from authsvc import audit, triage
from authsvc.core import alerts
from authsvc.core.clones import Place
from authsvc.core.verdicts import Disposition, Reason
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.investigations import Subject
from authsvc.triage import Choice

ANA = audit.Actor("staff", None, "Ana <ana@halden.example>")


@pytest.fixture(autouse=True)
def clock(scene):
    yield
    scene.clock.ahead = timedelta()


def about(scene: Scene, sgtin: str, brand=None) -> Subject:
    return Subject.of_stored(scene.rt.held, brand or scene.halden, sgtin)


def alert_of(scene: Scene, sgtin: str):
    return scene.row("SELECT id FROM alerts WHERE sgtin = %s ORDER BY opened_at DESC LIMIT 1", sgtin)[0]


@pytest.fixture
def flagged(scene):
    """Return a code that copies were made of, and its alert."""
    link = scene.issue(scene.add_product()).link()
    check_daily(scene, link, (BERLIN, *FAR * 4))
    assert scene.scan(link).verdict.reason is Reason.POSSIBLE_COPY
    return link, alert_of(scene, link.sgtin)


def decide(scene, link, alert_id, choice, reason="looked at it", brand=None):
    with session_of(scene) as session, session.begin():
        return triage.decide(
            session, about(scene, link.sgtin, brand), alert_id, choice, reason=reason, by=ANA, id=scene.rt.new_id(),
            now=scene.clock(),
        )  # fmt: skip


def undo(scene, link, alert_id):
    with session_of(scene) as session, session.begin():
        return triage.undo(
            session, about(scene, link.sgtin), alert_id, reason="wrong item", by=ANA, now=scene.clock()
        )  # fmt: skip


def snooze(scene, link, alert_id, **values):
    with session_of(scene) as session, session.begin():
        triage.snooze(
            session, about(scene, link.sgtin), alert_id,
            **{"until": None, "rise": None, "reason": "wait for more", "by": ANA, "now": scene.clock(), **values},
        )  # fmt: skip


def acts(scene, alert_id):
    with session_of(scene) as session:
        return [event.act for event in triage.history(session, scene.halden.id, alert_id)]


def countries(scene, alert_id):
    return {country for (country,) in scene.rows("SELECT country FROM alert_countries WHERE alert_id = %s", alert_id)}


# --- Decisions and the next scan -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "after"),
    [
        (Choice.BLOCK, Reason.BLOCKED),
        (Choice.WARN, Reason.POSSIBLE_COPY),
        (Choice.FALSE_ALARM, Reason.CHECKED_BEFORE),
        (Choice.OWNER_ERROR, Reason.CHECKED_BEFORE),
        (Choice.GREY_MARKET, Reason.CHECKED_BEFORE),
        (Choice.TEST, Reason.CHECKED_BEFORE),
    ],
)
def test_the_next_scan_follows_a_decision_and_its_undo(scene, flagged, choice, after):
    link, alert_id = flagged

    decide(scene, link, alert_id, choice)
    decided = scene.scan(link).verdict.reason
    is_whole = undo(scene, link, alert_id)
    undone = scene.scan(link).verdict.reason

    assert (decided, is_whole, undone) == (after, True, Reason.POSSIBLE_COPY)
    assert scene.row("SELECT closed_at FROM alerts WHERE id = %s", alert_id) == (None,)
    assert acts(scene, alert_id) == ["alert.undo", "alert.decide"]


def test_a_block_is_undone_to_the_condition_before_it(scene, flagged):
    link, alert_id = flagged
    before = scene.row("SELECT disposition, disposition_reason, disposition_at FROM items WHERE sgtin = %s", link.sgtin)

    decide(scene, link, alert_id, Choice.BLOCK)
    undo(scene, link, alert_id)

    query = "SELECT disposition, disposition_reason, disposition_at FROM items WHERE sgtin = %s"
    assert scene.row(query, link.sgtin) == before


def test_an_undo_leaves_what_somebody_has_done_to_the_item_since(scene, flagged):
    link, alert_id = flagged
    decide(scene, link, alert_id, Choice.BLOCK)
    scene.set_disposition(link, Disposition.STOLEN)

    is_whole = undo(scene, link, alert_id)

    assert not is_whole
    assert scene.scan(link).verdict.reason is Reason.STOLEN
    assert scene.row("SELECT closed_at FROM alerts WHERE id = %s", alert_id) == (None,)


@pytest.mark.parametrize("disposition", sorted(triage.CONDITIONS_THAT_STAY))
def test_a_block_hides_no_other_condition(scene, flagged, disposition):
    link, alert_id = flagged
    scene.set_disposition(link, disposition)

    with pytest.raises(Conflict, match="nothing to block"):
        decide(scene, link, alert_id, Choice.BLOCK)

    assert scene.row("SELECT disposition FROM items WHERE sgtin = %s", link.sgtin) == (disposition,)
    assert acts(scene, alert_id) == []


def test_a_decision_without_a_reason_changes_nothing(scene, flagged):
    link, alert_id = flagged

    with pytest.raises(BadInput, match="reason"):
        decide(scene, link, alert_id, Choice.BLOCK, reason="  ")

    assert scene.scan(link).verdict.reason is Reason.POSSIBLE_COPY
    assert acts(scene, alert_id) == []


def test_an_alert_is_decided_once(scene, flagged):
    link, alert_id = flagged
    decide(scene, link, alert_id, Choice.WARN)

    with pytest.raises(Conflict, match="closed already"):
        decide(scene, link, alert_id, Choice.FALSE_ALARM)
    undo(scene, link, alert_id)
    with pytest.raises(Conflict, match="no decision"):
        undo(scene, link, alert_id)


def test_a_rival_decides_nothing(scene, flagged):
    link, alert_id = flagged

    with pytest.raises(NotFound):
        decide(scene, link, alert_id, Choice.WARN, brand=scene.rival)

    assert scene.row("SELECT closed_at FROM alerts WHERE id = %s", alert_id) == (None,)


@pytest.mark.parametrize(
    ("key", "choice"),
    [("lot/09506000134352/L1", Choice.GREY_MARKET), ("network/x/ab12", Choice.CONFIRMED),
     ("shop/x/ab12", Choice.CONFIRMED), ("run/x/7", Choice.FALSE_ALARM), ("09506000134352..L1", Choice.GREY_MARKET)],
)  # fmt: skip
def test_an_alert_on_no_item_is_decided_too(scene, key, choice):
    alert_id = scene.rt.new_id()
    scene.admin.execute(
        "INSERT INTO alerts (sgtin, id, brand_id, rule, score, evidence, opened_at) "
        'VALUES (%s, %s, %s, \'lot-in-a-far-place\', 25, \'{"gtin": "09506000134352", "country": "PL"}\', now())',
        (key, alert_id, scene.halden.id),
    )
    subject = about(scene, key)
    with session_of(scene) as session, session.begin():
        triage.decide(
            session, subject, alert_id, choice, reason="sold on", by=ANA, id=scene.rt.new_id(),
            now=scene.clock(),
        )  # fmt: skip
    with session_of(scene) as session:
        standing = triage.find_standing(session, triage.get(session, scene.halden.id, alert_id))
    with session_of(scene) as session, session.begin(), pytest.raises(BadInput, match="until when"):
        triage.snooze(
            session, subject, alert_id, until=None, rise=1.0, reason="x", by=ANA, now=scene.clock()
        )  # fmt: skip

    assert standing.choice == choice
    assert scene.row("SELECT gtin, severity FROM alerts WHERE id = %s", alert_id) == ("09506000134352", 2)
    assert countries(scene, alert_id) == {"PL"}


# --- Sleep -----------------------------------------------------------------------------------------------------------


def test_a_snoozed_alert_wakes_when_its_item_gets_worse(scene, flagged):
    link, alert_id = flagged
    snooze(scene, link, alert_id, rise=0.5)
    assert scene.row("SELECT snoozed_until IS NOT NULL FROM alerts WHERE id = %s", alert_id) == (True,)

    for country in ("NG", "MX", "TH", "TR", "ID", "IN"):
        scene.clock.ahead += timedelta(days=1)
        check(scene, link, place=Place(country))

    assert scene.row("SELECT snoozed_until, wakes_at_score FROM alerts WHERE id = %s", alert_id) == (None, None)


def test_a_snoozed_alert_sleeps_while_its_item_gets_a_little_worse(scene, flagged):
    link, alert_id = flagged
    snooze(scene, link, alert_id, rise=triage.MOST_RISE)

    check(scene, link, place=FAR[0])

    assert scene.row("SELECT snoozed_until IS NOT NULL FROM alerts WHERE id = %s", alert_id) == (True,)


@pytest.mark.parametrize("values", [{"rise": 0.1}, {"rise": 99}, {}, {"reason": " ", "rise": 1.0}])
def test_a_snooze_needs_an_end_and_a_reason(scene, flagged, values):
    link, alert_id = flagged

    with pytest.raises(BadInput):
        snooze(scene, link, alert_id, **values)


def test_a_snooze_ends_in_the_future(scene, flagged):
    link, alert_id = flagged

    for until in (scene.clock() - timedelta(days=1), scene.clock() + timedelta(days=400)):
        with pytest.raises(BadInput, match="within the next year"):
            snooze(scene, link, alert_id, until=until)


# --- What follows from an alert --------------------------------------------------------------------------------------


def test_the_database_finds_the_severity_that_the_rules_say(scene):
    rules = (*alerts.CERTAIN, "more-visitors-than-usual", "new-visitors-in-other-places", "unheard-of")
    cases = [
        (rule, tenth / 10, {"threshold": threshold, "parts": [{"rule": part}]})
        for rule in rules for part in ("kinds-of-network", "seen-though-gone")
        for threshold in (None, 1.0, 4.25) for tenth in range(0, 120, 5)
    ]  # fmt: skip
    for rule, score, evidence in cases:
        stored = scene.row("SELECT authsvc_alert_severity(%s, %s, %s)", rule, score, Jsonb(evidence))
        assert stored == (alerts.severity(rule, score, evidence).value,), (rule, score, evidence)


def test_an_alert_becomes_more_severe_with_its_item(scene, flagged):
    link, alert_id = flagged
    query = "SELECT severity FROM alerts WHERE id = %s"
    scene.admin.execute("UPDATE alerts SET severity = 1 WHERE id = %s", (alert_id,))

    scene.admin.execute("UPDATE items SET score = score + 9 WHERE sgtin = %s", (link.sgtin,))

    assert scene.row(query, alert_id) == (3,)


def test_a_raised_alert_says_what_lists_are_filtered_by(scene, flagged):
    link, alert_id = flagged

    row = scene.row("SELECT gtin, serial, lot, severity, score, evidence FROM alerts WHERE id = %s", alert_id)

    gtin, serial, _lot, severity, score, evidence = row
    assert (gtin, serial) == (link.gtin, link.serial)
    assert countries(scene, alert_id) == {s["country"] for s in evidence["sightings"]}
    assert severity >= alerts.severity("x", score, evidence)


def test_many_are_acted_on_and_each_refusal_is_told(scene, flagged):
    _link, alert_id = flagged
    other = scene.issue(scene.add_product()).link()
    check_daily(scene, other, (BERLIN, *FAR * 4))
    decide(scene, other, alert_of(scene, other.sgtin), Choice.WARN)
    ids = [alert_id, alert_of(scene, other.sgtin), scene.rt.new_id()]

    with session_of(scene) as session, session.begin():
        outcome = triage.act_on_many(
            session, scene.halden.id, ids, lambda sgtin: about(scene, sgtin),
            lambda subject, one: triage.decide(
                session, subject, one, Choice.FALSE_ALARM, reason="bulk", by=ANA, id=scene.rt.new_id(),
                now=scene.clock(),
            ),
        )  # fmt: skip

    assert outcome.done == 1
    assert sorted(outcome.refused.values()) == [1, 1]
    assert acts(scene, alert_id) == ["alert.decide"]
    assert acts(scene, ids[1]) == ["alert.decide"]


# --- What fits what an alert is about --------------------------------------------------------------------------------


def raised_on(scene, key, rule="shop-reported"):
    """Store an open alert on what is no item."""
    alert_id = scene.rt.new_id()
    scene.admin.execute(
        "INSERT INTO alerts (sgtin, id, brand_id, rule, score, evidence, opened_at) "
        "VALUES (%s, %s, %s, %s, 3, '{}', now())",
        (key, alert_id, scene.halden.id, rule),
    )
    return alert_id


def decide_on(scene, key, alert_id, choice):
    with session_of(scene) as session, session.begin():
        triage.decide(
            session, about(scene, key), alert_id, choice, reason="x", by=ANA, id=scene.rt.new_id(), now=scene.clock()
        )  # fmt: skip


@pytest.mark.parametrize("choice", [Choice.BLOCK, Choice.WARN, Choice.OWNER_ERROR])
def test_no_act_on_an_item_is_done_over_a_shop(scene, choice):
    key = f"shop/{scene.halden.id}/{choice}"
    alert_id = raised_on(scene, key)

    with pytest.raises(Conflict, match=r"an alert about a shop\. What fits: “Counterfeits are sold here”"):
        decide_on(scene, key, alert_id, choice)

    assert scene.row("SELECT closed_at FROM alerts WHERE id = %s", alert_id) == (None,)


def test_what_is_no_item_is_not_confirmed_about_one(scene, flagged):
    link, alert_id = flagged

    with pytest.raises(Conflict, match="does not fit an alert about an item"):
        decide(scene, link, alert_id, Choice.CONFIRMED)

    assert scene.scan(link).verdict.reason is Reason.POSSIBLE_COPY


def test_a_decision_of_old_is_read_and_taken_back_though_it_would_be_refused_today(scene):
    key = f"shop/{scene.halden.id}/a2"
    alert_id, decision = raised_on(scene, key), scene.rt.new_id()
    scene.admin.execute("UPDATE alerts SET closed_at = now() WHERE id = %s", (alert_id,))
    scene.admin.execute(
        "INSERT INTO resolutions (sgtin, id, brand_id, alert_id, kind, reason, is_evidence, resolved_by, at) "
        "VALUES (%s, %s, %s, %s, 'owner-error', 'as it was', true, 'Ana', now())",
        (key, decision, scene.halden.id, alert_id),
    )
    scene.admin.execute(
        "INSERT INTO alert_decisions (sgtin, id, brand_id, alert_id, choice, at) "
        "VALUES (%s, %s, %s, %s, 'owner-error', now())",
        (key, decision, scene.halden.id, alert_id),
    )

    with session_of(scene) as session, session.begin():
        stored = triage.find_choices(session, scene.halden.id, [(key, alert_id)])
        is_whole = triage.undo(session, about(scene, key), alert_id, reason="again", by=ANA, now=scene.clock())

    assert (stored, is_whole) == ({alert_id: "owner-error"}, True)
    assert scene.row("SELECT closed_at FROM alerts WHERE id = %s", alert_id) == (None,)


def test_a_confirmed_alert_on_no_item_is_no_evidence(scene):
    key = f"network/{scene.halden.id}/a3"
    alert_id = raised_on(scene, key, "codes-refused-from-one-network")

    decide_on(scene, key, alert_id, Choice.CONFIRMED)

    stored = scene.row("SELECT kind, is_evidence FROM resolutions WHERE alert_id = %s", alert_id)
    assert stored == ("confirmed", False)
