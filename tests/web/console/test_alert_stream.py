"""News of alerts: for the brand that they are of, without taking the threads that serve pages and scans."""

import threading
import time

import psycopg
import pytest
from psycopg.types.json import Jsonb
from scene import Scene

from authsvc.alert_feed import Feed
from authsvc.cli import serving
from authsvc.runtime import new_id
from authsvc.staff import Role
from authsvc.web.console import alert_stream


@pytest.fixture
def feed(scene):
    feed = Feed(scene.url, most=1)
    yield feed
    feed.close()


@pytest.fixture
def short(monkeypatch):
    """Let a connection last for two seconds."""
    monkeypatch.setattr(alert_stream, "STAY_S", 2.0)
    monkeypatch.setattr(alert_stream, "HEARTBEAT_S", 0.5)


def put(scene: Scene, brand):
    alert_id = new_id()
    scene.admin.execute(
        "INSERT INTO alerts (sgtin, id, brand_id, rule, score, evidence, opened_at) "
        "VALUES (%s, %s, %s, 'x', 1, %s, %s)",
        (f"{scene.watch.gtin}.{alert_id.hex[:16].upper()}", alert_id, brand.id, Jsonb({}), scene.clock()),
    )
    return alert_id


def micros(scene):
    return int(scene.clock().timestamp() * 1_000_000)


def signed_in(cast, role=Role.VIEWER, brand=None):
    person = cast.add(role, brand)
    person.sign_in()
    return person


@pytest.mark.usefixtures("short")
def test_a_page_hears_of_a_new_alert_of_its_brand_alone(scene, cast):
    person = signed_in(cast)
    answer = person.get(f"/console/alerts/stream?since={micros(scene)}")
    chunks = iter(answer.response)
    heard, ready = [next(chunks)], threading.Event()

    def listen():
        for chunk in chunks:
            ready.set()
            heard.append(chunk)

    thread = threading.Thread(target=listen)
    thread.start()
    ready.wait(3)
    theirs, ours = put(scene, scene.rival), put(scene, scene.halden)
    began = time.monotonic()
    thread.join()

    assert time.monotonic() - began < 4
    text = b"".join(chunk if isinstance(chunk, bytes) else chunk.encode() for chunk in heard).decode()
    assert answer.content_type.startswith("text/event-stream")
    assert text.startswith("retry: 5000\n\n")
    assert f"event: alert\ndata: {ours}\n\n" in text
    assert str(theirs) not in text
    assert ": still here" in text


def test_whoever_comes_back_is_told_what_was_missed_once(scene, cast, monkeypatch):
    person = signed_in(cast)
    monkeypatch.setattr(alert_stream, "STAY_S", 0.0)
    since = micros(scene)
    first = put(scene, scene.halden)

    told = person.get(f"/console/alerts/stream?since={since}").get_data(as_text=True)
    last = told.split("id: ")[-1].partition("\n")[0]
    second = put(scene, scene.halden)
    again = person.get("/console/alerts/stream", **{"Last-Event-ID": last}).get_data(as_text=True)

    assert told.count(str(first)) == 1
    assert again.count(str(second)) == 1
    assert person.get("/console/alerts/stream?since=nonsense").status_code == 200


@pytest.mark.usefixtures("short")
def test_few_wait_and_all_others_are_answered_at_once(scene, cast):
    people = [signed_in(cast) for _ in range(alert_stream.MOST + 1)]
    alert = put(scene, scene.halden)
    waiting = [iter(person.get("/console/alerts/stream").response) for person in people[1:]]
    for chunks in waiting:
        next(chunks)
        next(chunks)

    began = time.monotonic()
    told = people[0].get(f"/console/alerts/stream?since={micros(scene) - 5_000_000}").get_data(as_text=True)

    assert time.monotonic() - began < 1
    assert str(alert) in told


def test_those_who_wait_leave_three_threads_of_four_to_pages_and_scans():
    assert 0 < alert_stream.MOST <= serving.THREADS // 4


def test_a_feed_is_called_for_its_brand_and_for_everybody_when_it_has_lost_its_connection(scene, feed):
    mark = feed.mark(scene.halden.id)
    mark = feed.wait(scene.halden.id, mark, 5)  # It listens now.
    put(scene, scene.rival)
    assert feed.wait(scene.halden.id, mark, 0.5) == mark
    put(scene, scene.halden)
    called = feed.wait(scene.halden.id, mark, 5)
    with psycopg.connect(scene.url, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%%' AND datname = "
            "current_database()"
        )

    assert called != mark
    assert feed.wait(scene.halden.id, called, 10) != called


def test_an_alert_that_wakes_calls_too(scene, feed):
    alert = put(scene, scene.halden)
    scene.admin.execute("UPDATE alerts SET snoozed_until = now() + interval '1 day' WHERE id = %s", (alert,))
    mark = feed.wait(scene.halden.id, feed.mark(scene.halden.id), 5)

    scene.admin.execute("UPDATE alerts SET snoozed_until = NULL WHERE id = %s", (alert,))

    assert feed.wait(scene.halden.id, mark, 5) != mark
