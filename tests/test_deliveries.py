"""Acts become events, events become deliveries, deliveries are made until they are taken or given up."""

import base64
import contextlib
import hashlib
import hmac
import ipaddress
import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from receiver import running
from sqlalchemy import text

from authsvc import alert_mails, db, deliveries, webhook_history, webhooks
from authsvc.connections import Connections
from authsvc.core import webhooks as standard
from authsvc.core.verdicts import Disposition
from authsvc.deliveries import Courier
from authsvc.investigations import open_alert
from authsvc.outbound import Client

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


@pytest.fixture
def receiver():
    with running() as server:
        yield server


@pytest.fixture
def courier(scene):
    """A courier on the scene's database and clock; every test begins with an empty queue and no endpoint."""
    scene.admin.execute(
        "TRUNCATE procrastinate_jobs, events, webhook_endpoints, mails, alert_mails, alert_recipients CASCADE"
    )
    config = replace(scene.config, webhook_allow=LOOPBACK, webhook_schedule=(5.0, 300.0))
    made = Courier.make(config, scene._sessions)
    made.client.close()
    client = Client(allow=LOOPBACK, total_s=2)
    yield replace(made, client=client, now=scene.clock)
    client.close()


@pytest.fixture
def endpoint(scene, courier, receiver):
    return add(courier, scene.halden, receiver)


def add(courier, brand, receiver, **values):
    with courier.sessions.begin() as session:
        return webhooks.add_endpoint(
            session,
            brand.id,
            uuid4(),
            **{
                "url": f"http://127.0.0.1:{receiver.port}/in",
                "allow": LOOPBACK,
                "wrapping_key": courier.wrapping_key,
                "random": courier.random,
                "now": courier.now(),
                **values,
            },
        )


TAKE = """
DELETE FROM procrastinate_jobs WHERE id = (
  SELECT id FROM procrastinate_jobs WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= :now)
  ORDER BY priority DESC, id LIMIT 1)
RETURNING task_name, args"""


def run(courier, at_most=50):
    """Run every job that is due, as a worker does, and return the names of their tasks."""
    ran = []
    for _ in range(at_most):
        with courier.sessions.begin() as session:
            row = session.execute(
                text(TAKE),
                {"now": courier.now()},
            ).one_or_none()
        if row is None:
            return ran
        ran.append(row.task_name)
        task = getattr(deliveries, row.task_name)
        task(courier, *(UUID(value) if isinstance(value, str) else value for value in row.args.values()))
    raise AssertionError("the queue does not end")


def bodies(receiver):
    return [json.loads(content) for _, _, content in receiver.requests]


def delivery(courier, brand):
    with courier.sessions() as session:
        [found] = webhook_history.list_deliveries(session, brand.id).deliveries
        return webhook_history.get_delivery(session, brand.id, found.id)


def is_signed(secret_text, headers, content):
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + content
    right = base64.b64encode(hmac.new(standard.parse_secret(secret_text), signed, hashlib.sha256).digest()).decode()
    return f"v1,{right}" in headers["webhook-signature"].split(" ")


def act_on_an_item(scene):
    """Set the condition of an item: the shortest way to an event."""
    link = scene.codes.link()
    scene.set_disposition(link, Disposition.STOLEN)
    return link


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
    number = scene.recall(scene.watch, lot="L2410", remedy="Bring it back")
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


def test_every_event_has_the_members_that_its_example_shows(scene, courier, receiver, endpoint):
    act_on_an_item(scene)
    number = scene.recall(scene.watch)
    scene.admin.execute("UPDATE recalls SET lifted_at = now() WHERE id = %s", (number,))
    scene.admin.execute(
        "INSERT INTO alerts (sgtin, id, brand_id, rule, score, evidence, opened_at) "
        "VALUES ('09506000134352.X', gen_random_uuid(), %s, 'r', 1, '{}', now())",
        (scene.halden.id,),
    )
    scene.admin.execute("UPDATE alerts SET closed_at = now() WHERE sgtin = '09506000134352.X'")
    scene.admin.execute("UPDATE alerts SET closed_at = NULL WHERE sgtin = '09506000134352.X'")
    run(courier)

    found = {body["type"]: set(body["data"]) for body in bodies(receiver)}
    assert found == {kind: set(event.example) for kind, event in standard.EVENT_TYPES.items()}


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


# --- Delivering -------------------------------------------------------------------------------------------------------


def test_a_delivery_is_signed_and_noted(scene, courier, receiver, endpoint):
    act_on_an_item(scene)
    run(courier)

    [(_, headers, content)] = receiver.requests
    assert is_signed(endpoint.text, headers, content)
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    found = delivery(courier, scene.halden)
    assert (found.state, found.tries, found.webhook_id) == ("delivered", 1, headers["webhook-id"])
    assert [attempt.status for attempt in found.attempts] == [200]
    assert found.body.encode() == content


def test_both_secrets_sign_while_one_is_rotated(scene, courier, receiver, endpoint):
    keys = {"wrapping_key": courier.wrapping_key, "random": courier.random}
    with courier.sessions.begin() as session:
        new = webhooks.rotate_secret(session, scene.halden.id, endpoint.endpoint.id, **keys, now=courier.now())
    act_on_an_item(scene)
    run(courier)
    scene.clock.ahead += timedelta(days=1, minutes=1)
    act_on_an_item(scene)
    run(courier)

    (_, first, content), (_, second, later) = receiver.requests
    assert is_signed(endpoint.text, first, content)
    assert is_signed(new.text, first, content)
    assert is_signed(new.text, second, later)
    assert not is_signed(endpoint.text, second, later)


@pytest.mark.parametrize("answer", [500, 503, 404, 302, 429, lambda request: request.connection.close()])
def test_a_delivery_that_is_not_taken_is_tried_again_by_the_schedule_and_ends_dead(
    scene, courier, receiver, endpoint, answer
):
    receiver.answer = answer
    act_on_an_item(scene)
    run(courier)
    tried = [len(receiver.requests)]
    for wait in 4, 1.1, 298, 2:
        scene.clock.ahead += timedelta(seconds=wait)
        run(courier)
        tried.append(len(receiver.requests))

    assert tried == [1, 1, 2, 2, 3]
    assert len({headers["webhook-id"] for _, headers, _ in receiver.requests}) == 1
    assert all(is_signed(endpoint.text, headers, content) for _, headers, content in receiver.requests)
    found = delivery(courier, scene.halden)
    assert (found.state, found.tries, len(found.attempts)) == ("dead", 3, 3)
    assert all(attempt.status == answer or attempt.fault for attempt in found.attempts)


def test_a_receiver_that_asks_to_wait_is_given_an_hour_at_the_most(scene, courier, receiver, endpoint):
    receiver.answer = lambda request: request.say(503, Retry_After="99999")
    act_on_an_item(scene)
    run(courier)

    wait = delivery(courier, scene.halden).next_at - courier.now()
    assert timedelta(minutes=59) < wait <= timedelta(hours=1)


def test_a_dead_delivery_that_is_played_again_is_delivered_under_its_id(scene, courier, receiver, endpoint):
    receiver.answer = 500
    act_on_an_item(scene)
    for _ in range(3):
        run(courier)
        scene.clock.ahead += timedelta(seconds=301)
    receiver.answer = 200
    with courier.sessions.begin() as session:
        assert webhook_history.replay_dead(session, scene.halden.id, endpoint.endpoint.id, now=courier.now()) == 1
    run(courier)

    assert delivery(courier, scene.halden).state == "delivered"
    assert len({headers["webhook-id"] for _, headers, _ in receiver.requests}) == 1


def test_a_job_that_was_left_over_delivers_nothing(scene, courier, receiver, endpoint):
    act_on_an_item(scene)
    run(courier)
    found = delivery(courier, scene.halden)
    for version in range(3):
        deliveries.deliver_webhook(courier, found.id, version)
    deliveries.deliver_webhook(courier, uuid4(), 0)

    assert len(receiver.requests) == 1


def test_two_workers_with_one_job_note_one_try(scene, courier, receiver, endpoint):
    """The second, a worker that was asleep, makes the same try; what it finds is not counted."""

    def again(request):
        receiver.answer = 500
        found = delivery(courier, scene.halden)
        deliveries.deliver_webhook(courier, found.id, 0)
        request.say(200)

    receiver.answer = again
    act_on_an_item(scene)
    run(courier)

    found = delivery(courier, scene.halden)
    assert len(receiver.requests) == 2
    assert (found.state, found.tries, len(found.attempts)) == ("waiting", 1, 1)


def test_without_the_right_secret_nothing_leaves_unsigned(scene, courier, receiver, endpoint):
    act_on_an_item(scene)
    run(replace(courier, wrapping_key=bytes(32)))

    assert receiver.requests == []
    found = delivery(courier, scene.halden)
    assert found.state == "waiting"
    assert "does not open" in found.attempts[0].fault


def test_the_example_of_the_manual_takes_what_is_genuine_and_nothing_else(scene, courier, receiver, endpoint):
    page = (Path(__file__).parents[1] / "docs" / "webhooks.md").read_text(encoding="utf-8")
    example = {}
    exec(re.search(r"```python\n(.*?)```", page, re.DOTALL)[1], example)
    is_genuine = example["is_genuine"]
    scene.clock.ahead = timedelta()
    act_on_an_item(scene)
    run(courier)
    [(_, headers, content)] = receiver.requests
    old = {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) - 301)}

    assert is_genuine(headers, content, endpoint.text)
    assert is_genuine({**headers, "webhook-signature": f"v1,x {headers['webhook-signature']}"}, content, endpoint.text)
    assert not is_genuine(headers, content + b" ", endpoint.text)
    assert not is_genuine({**headers, "webhook-id": "evt_1"}, content, endpoint.text)
    assert not is_genuine(headers, content, standard.write_secret(bytes(32)))
    assert not is_genuine(old, content, endpoint.text)


def test_the_manual_lists_every_event_with_its_members():
    page = (Path(__file__).parents[1] / "docs" / "webhooks.md").read_text(encoding="utf-8")
    rows = {
        kind: set(re.findall(r"`([a-z_]+)`", data))
        for kind, data in re.findall(r"^\| `(\S+)` \|.*\| (.*) \|$", page, re.MULTILINE)
    }

    assert set(rows) == {*standard.EVENT_TYPES, standard.TEST}
    for kind, event in standard.EVENT_TYPES.items():
        assert rows[kind] in (set(event.example), set()), kind


# --- Endpoints that fail ----------------------------------------------------------------------------------------------


def test_an_endpoint_that_takes_nothing_for_days_is_disabled_with_a_notice(scene, courier, receiver, endpoint):
    with courier.sessions.begin() as session:
        alert_mails.add_recipient(session, scene.halden.id, "ann@example.com", now=courier.now())
    receiver.answer = 500
    for _ in range(3):
        act_on_an_item(scene)
        for _ in range(3):
            run(courier)
            scene.clock.ahead += timedelta(days=1)

    with courier.sessions() as session:
        [found] = webhooks.list_endpoints(session, scene.halden.id, now=courier.now())
    assert found.disabled_reason.startswith("It has taken nothing since")
    [mail] = courier.postbox.read()
    assert mail["Subject"] == "A webhook of Halden is disabled"
    assert mail["To"] == "ann@example.com"
    act_on_an_item(scene)
    assert run(courier) == []


def test_one_success_makes_an_endpoint_good_again(scene, courier, receiver, endpoint):
    receiver.answer = 500
    act_on_an_item(scene)
    run(courier)
    scene.clock.ahead += timedelta(days=6)
    receiver.answer = 200
    run(courier)

    with courier.sessions() as session:
        [found] = webhooks.list_endpoints(session, scene.halden.id, now=courier.now())
    assert (found.failing_since, found.disabled_at) == (None, None)


def test_an_endpoint_that_is_gone_is_disabled_at_once(scene, courier, receiver, endpoint):
    receiver.answer = 410
    act_on_an_item(scene)
    act_on_an_item(scene)
    run(courier)

    assert len(receiver.requests) == 1
    with courier.sessions() as session:
        [found] = webhooks.list_endpoints(session, scene.halden.id, now=courier.now())
        page = webhook_history.list_deliveries(session, scene.halden.id, state="dead")
    assert found.disabled_reason == "It answered 410 Gone."
    assert len(page.deliveries) == 2


# --- The second net, and forgetting -----------------------------------------------------------------------------------


def test_a_delivery_whose_job_was_lost_is_found(scene, courier, receiver, endpoint):
    act_on_an_item(scene)
    deliveries.spread_event(courier, scene.row("SELECT id FROM events")[0])
    scene.admin.execute("DELETE FROM procrastinate_jobs")
    assert deliveries.sweep(courier) == 0

    scene.clock.ahead += timedelta(minutes=11)
    assert deliveries.sweep(courier) == 1
    scene.clock.ahead += timedelta(seconds=1)
    run(courier)
    assert delivery(courier, scene.halden).state == "delivered"


def test_what_ended_long_ago_is_forgotten_and_what_waits_is_not(scene, courier, receiver, endpoint):
    act_on_an_item(scene)
    run(courier)
    receiver.answer = 500
    act_on_an_item(scene)
    run(courier)
    scene.clock.ahead += timedelta(days=31)
    deliveries.remove_old(courier)

    assert delivery(courier, scene.halden).state == "waiting"
    assert scene.row("SELECT count(*) FROM events") == (1,)
