"""Deliveries are made until they are taken or given up, signed, and noted once."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from postman import act_on_an_item, delivery, is_signed, run

from authsvc import alert_mails, deliveries, webhook_history, webhooks
from authsvc.core import webhooks as standard
from authsvc.lanes import SLOW_S, STRIKES, WIDTH


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


def test_what_waits_for_an_endpoint_that_hangs_steps_aside_and_loses_no_try(scene, courier, receiver, endpoint):
    act_on_an_item(scene)
    for _ in range(STRIKES):
        courier.lanes.enter(endpoint.endpoint.id)
        courier.lanes.leave(endpoint.endpoint.id, SLOW_S + 1)
    for _ in range(WIDTH):
        courier.lanes.enter(endpoint.endpoint.id)
    run(courier)
    assert receiver.requests == []
    assert delivery(courier, scene.halden).tries == 0

    courier.lanes.leave(endpoint.endpoint.id, 0.1)
    scene.clock.ahead += timedelta(minutes=1)
    run(courier)
    assert delivery(courier, scene.halden).state == "delivered"


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


def test_a_delivery_that_waits_long_for_its_job_keeps_its_place(scene, courier, receiver, endpoint):
    act_on_an_item(scene)
    deliveries.spread_event(courier, scene.row("SELECT id FROM events")[0])
    scene.clock.ahead += timedelta(hours=1)

    assert deliveries.sweep(courier) == 0
    assert scene.row("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'deliver_webhook'") == (1,)


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
