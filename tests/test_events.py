"""Acts become events, in their own transaction, and events become the deliveries of those who listen."""

import contextlib
from uuid import uuid4

import psycopg
from postman import act_on_an_item, add, bodies, run
from raising import put
from sqlalchemy import text

from authsvc import db, deliveries, triage, webhooks
from authsvc.audit import Actor
from authsvc.connections import Connections
from authsvc.core import webhooks as standard
from authsvc.core.decisions import Choice
from authsvc.core.recall_texts import Text
from authsvc.core.verdicts import Disposition
from authsvc.investigations import Subject, open_alert

# --- Acts -------------------------------------------------------------------------------------------------------------


def test_an_alert_of_a_scan_is_told_with_no_line_in_the_scan_path(scene, courier, receiver, endpoint, config):
    web = Connections(db.web_url(config, scene.url), role=db.SCAN_ROLE)
    item, alert = f"{scene.watch.gtin}.ALERT1", uuid4()
    evidence = {"parts": [{"rule": "r", "weight": 1, "text": "12 people hold it"}]}
    for _ in range(2):
        open_alert(web, item, scene.halden.id, "r", evidence, at=scene.clock(), new_id=lambda: alert)
    web.close()
    run(courier)

    [body] = bodies(receiver)
    assert body["type"] == "alert.opened"
    assert body["data"]["gtin"] == scene.watch.gtin
    assert body["data"]["serial"] == "ALERT1"
    assert (body["data"]["alert"], body["data"]["rule"]) == (str(alert), "r")
    assert body["data"]["reasons"] == ["12 people hold it"]


def test_an_alert_is_told_in_the_words_of_the_console_and_keeps_them(scene, courier, receiver, endpoint):
    parts = [
        {"rule": "kinds-of-network", "weight": 0.5, "text": "one came by a relay"},
        {"rule": "usual-explanations", "weight": -1.0, "text": "a fair was on"},
        {"rule": "away-from-its-owner", "weight": 4.0, "text": "three phones were far from its owner"},
    ]
    seen = [
        {"country": country, "first_at": f"2026-05-01T1{n}:00:00+00:00", "is_confirmed": True}
        for n, country in enumerate(("DE", "IT"))
    ]
    alert = put(scene, rule="kinds-of-network", score=3.5, evidence={"threshold": 1, "parts": parts, "sightings": seen})
    (event,) = scene.row("SELECT id FROM events")
    deliveries.spread_event(courier, event)
    scene.admin.execute("UPDATE alerts SET severity = 3, closed_at = now() WHERE id = %s", (alert[0],))
    deliveries.spread_event(courier, event)
    run(courier)

    opened, closed = sorted((body["data"] for body in bodies(receiver)), key=lambda data: data["closed_at"] or "")
    words = {name: opened[name] for name in ("headline", "about", "where", "strongest")}
    assert words == {name: closed[name] for name in words}
    assert words == {
        "headline": "The same serial was scanned in Germany and Italy, 1 h apart",
        "about": "item",
        "where": "Italy, Germany",
        "strongest": [
            {"rule": "away-from-its-owner", "weight": 4.0, "text": "Three phones were far from its owner"},
            {"rule": "kinds-of-network", "weight": 0.5, "text": "One came by a relay"},
        ],
    }
    assert opened["reasons"] == [part["text"] for part in parts]
    assert [(data["severity"], data["how_sure"]) for data in (opened, closed)] == [
        ("medium", "3 times over the limit"),
        ("high", "20 times over the limit"),
    ]


def test_what_was_decided_is_told_where_the_alert_is_closed_and_only_there(scene, courier, receiver, endpoint):
    (alert,) = put(scene, sgtin=f"lot/{scene.watch.gtin}/L7", rule="lot-in-a-far-place")
    subject = Subject.of_stored(scene.rt.held, scene.halden, f"lot/{scene.watch.gtin}/L7")
    by = Actor("staff", uuid4(), "Ada")
    with courier.sessions.begin() as session:
        triage.decide(
            session, subject, alert, Choice.FALSE_ALARM, reason="Shown at a fair", by=by, id=uuid4(), now=scene.clock()
        )
    run(courier)
    with courier.sessions.begin() as session:
        triage.undo(session, subject, alert, reason="It was not", by=by, now=scene.clock())
    run(courier)

    told = {body["type"]: body["data"] for body in bodies(receiver)}
    assert {kind: data["decision"] for kind, data in told.items()} == {
        "alert.opened": None,
        "alert.closed": {"choice": "false-alarm", "reason": "Shown at a fair"},
        "alert.reopened": None,
    }
    assert {data["about"] for data in told.values()} == {"lot"}
    assert "Ada" not in str(told)


def test_an_event_of_an_alert_that_is_gone_is_delivered_as_it_is(scene, courier, receiver, endpoint):
    for alert in ('"gone"', "{}", f'"{uuid4()}"'):
        scene.admin.execute(
            "SELECT authsvc_emit(%s, 'alert.opened', now(), jsonb_build_object('alert', cast(%s AS jsonb)))",
            (scene.halden.id, alert),
        )
    run(courier)

    assert [set(body["data"]) for body in bodies(receiver)] == [{"alert"}] * 3


def test_an_alert_is_closed_and_opened_again_by_a_console(scene, courier, receiver, endpoint):
    scene.admin.execute(
        "INSERT INTO alerts (sgtin, id, brand_id, rule, score, evidence, opened_at) "
        "VALUES ('00.095060000000000017', gen_random_uuid(), %s, 'r', 1, '{}', now())",
        (scene.halden.id,),
    )
    with psycopg.connect(scene.url) as connection:
        connection.execute(f"SET ROLE {db.CONSOLE_ROLE}")
        connection.execute("SELECT set_config('authsvc.brand', %s, false)", (str(scene.halden.id),))
        for closed in "now()", "now()", "NULL":
            connection.execute(f"UPDATE alerts SET closed_at = {closed} WHERE sgtin LIKE '00.%'")
            connection.commit()
    run(courier)

    assert [body["type"] for body in bodies(receiver)] == ["alert.opened", "alert.closed", "alert.reopened"]
    assert {body["data"]["sscc"] for body in bodies(receiver)} == {"095060000000000017"}


def test_conditions_and_recalls_are_told(scene, courier, receiver, endpoint):
    link = act_on_an_item(scene)
    scene.set_disposition(link, Disposition.STOLEN)
    scene.set_disposition(link, Disposition.ACTIVE)
    number = scene.recall(
        scene.watch, lot="L2410", remedy="Bring it back", texts=[Text("de", "Es reißt", "Zurück damit")]
    )
    scene.admin.execute("UPDATE recalls SET lifted_at = now() WHERE id = %s", (number,))
    run(courier)

    told = [(body["type"], body["data"]) for body in bodies(receiver)]
    assert [(kind, data["previous"], data["disposition"]) for kind, data in told[:2]] == [
        ("item.disposition_changed", "active", "stolen"),
        ("item.disposition_changed", "stolen", "active"),
    ]
    assert [(kind, data["recall"], data["lot"]) for kind, data in told[2:]] == [
        ("recall.created", number, "L2410"),
        ("recall.lifted", number, "L2410"),
    ]
    assert [data["language"] for _, data in told[2:]] == ["en", "en"]
    assert [data["texts"] for _, data in told[2:]] == [{"de": {"reason": "Es reißt", "remedy": "Zurück damit"}}] * 2


def test_every_event_has_the_members_that_its_example_shows(scene, courier, receiver, endpoint):
    act_on_an_item(scene)
    number = scene.recall(scene.watch)
    scene.admin.execute("UPDATE recalls SET lifted_at = now() WHERE id = %s", (number,))
    scene.admin.execute(
        "INSERT INTO alerts (sgtin, id, brand_id, rule, score, evidence, opened_at) "
        "VALUES ('09506000134352.X', gen_random_uuid(), %s, 'r', 1, '{}', now())",
        (scene.halden.id,),
    )
    scene.admin.execute(
        "INSERT INTO line_batches VALUES (%s, 'L', 1, 'commission', '', now(), 0, 0, 1, %s), "
        "(%s, 'L', 2, 'commission', '', now(), 1, 0, 0, '[]')",
        (scene.halden.id, '[{"kind": "unknown", "position": 0, "code": "x"}]', scene.halden.id),
    )
    scene.admin.execute("UPDATE alerts SET closed_at = now() WHERE sgtin = '09506000134352.X'")
    scene.admin.execute("UPDATE alerts SET closed_at = NULL WHERE sgtin = '09506000134352.X'")
    run(courier)

    found = {body["type"]: set(body["data"]) for body in bodies(receiver)}
    # What owners do is tried with the pages of owners.
    assert found == {
        kind: set(event.example) for kind, event in standard.EVENT_TYPES.items() if not kind.startswith("item.regist")
    }


def test_an_act_that_fails_is_not_told(scene, courier, endpoint):
    with contextlib.suppress(RuntimeError), courier.sessions.begin() as session:
        session.execute(
            text(
                "INSERT INTO alerts (sgtin, id, brand_id, rule, score, evidence, opened_at) "
                "VALUES ('x', gen_random_uuid(), :b, 'r', 1, '{}', now())"
            ),
            {"b": scene.halden.id},
        )
        raise RuntimeError

    assert run(courier) == []


def test_a_scan_without_an_alert_queues_nothing(scene, courier, endpoint):
    before = scene.fingerprint()
    visitor = scene.visitor()
    visitor.confirm(visitor.scan(scene.codes.path()))
    after = scene.fingerprint()

    changed = {table for table in after if after[table] != before[table]}
    assert "scans" in {name.partition("_")[0] for name in changed}
    assert not changed & {"events", "procrastinate_jobs", "webhook_deliveries", "mails"}


def test_nothing_is_stored_where_nobody_listens(scene, courier, receiver):
    add(courier, scene.halden, receiver, types=["recall.created"])
    act_on_an_item(scene)

    assert scene.row("SELECT count(*) FROM events") == (0,)


def test_a_brand_hears_of_its_own_alone(scene, courier, receiver, endpoint):
    add(courier, scene.rival, receiver, url=f"http://127.0.0.1:{receiver.port}/rival")
    act_on_an_item(scene)
    run(courier)

    assert [path for path, _, _ in receiver.requests] == ["/in"]


# --- Spreading --------------------------------------------------------------------------------------------------------


def test_an_event_that_is_spread_twice_is_delivered_once(scene, courier, receiver, endpoint):
    act_on_an_item(scene)
    (event,) = scene.row("SELECT id FROM events")
    for _ in range(3):
        deliveries.spread_event(courier, event)
    run(courier)

    assert len(receiver.requests) == 1


def test_each_endpoint_gets_what_it_asked_for_under_the_same_id(scene, courier, receiver, endpoint):
    add(courier, scene.halden, receiver, url=f"http://127.0.0.1:{receiver.port}/other")
    add(courier, scene.halden, receiver, url=f"http://127.0.0.1:{receiver.port}/recalls", types=["recall.created"])
    act_on_an_item(scene)
    run(courier)

    assert sorted(path for path, _, _ in receiver.requests) == ["/in", "/other"]
    assert len({headers["webhook-id"] for _, headers, _ in receiver.requests}) == 1


def test_a_test_event_goes_to_its_endpoint_alone(scene, courier, receiver, endpoint):
    other = add(courier, scene.halden, receiver, url=f"http://127.0.0.1:{receiver.port}/o", types=["recall.created"])
    with courier.sessions.begin() as session:
        webhooks.send_test(session, scene.halden.id, other.endpoint.id, uuid4(), now=courier.now())
    run(courier)

    assert [path for path, _, _ in receiver.requests] == ["/o"]
    assert bodies(receiver)[0]["type"] == "webhook.test"
