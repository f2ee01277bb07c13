"""Endpoints of a brand and what was sent to them, as its console works with them."""

import ipaddress
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from authsvc import db, webhook_history, webhooks
from authsvc.core import webhooks as standard
from authsvc.errors import BadInput, Conflict, NotFound

URL = "https://hooks.example.com/in"


@pytest.fixture
def keys(wrapping_key, rand, now):
    return {"wrapping_key": wrapping_key, "random": rand, "now": now}


@pytest.fixture
def console(session, brand, rival_brand):
    """Give the session the rights of a console of Halden."""
    session.flush()
    session.execute(text(f"SET LOCAL ROLE {db.CONSOLE_ROLE}"))
    session.execute(text("SELECT set_config('authsvc.brand', :b, true)"), {"b": str(brand.id)})
    return session


def add(session, brand, keys, **values):
    return webhooks.add_endpoint(session, brand.id, uuid4(), **{"url": URL, **keys, **values})


def make_deliveries(session, brand, endpoint, count, now, state="delivered"):
    """Store deliveries that ended, a minute apart; two of each time, so that the id decides."""
    session.execute(text("RESET ROLE"))
    for number in range(count):
        values = {
            "brand": brand.id, "endpoint": endpoint.id, "event": uuid4(), "id": UUID(int=number + 1),
            "at": now + timedelta(minutes=number // 2), "state": state,
        }  # fmt: skip
        session.execute(
            text("INSERT INTO events VALUES (:event, :brand, 'recall.created', :at, '{}')"),
            values,
        )
        session.execute(
            text(
                "INSERT INTO webhook_deliveries (id, brand_id, endpoint_id, event_id, state, tries, next_at, "
                "created_at, ended_at) VALUES (:id, :brand, :endpoint, :event, :state, 10, :at, :at, :at)"
            ),
            values,
        )


def jobs_of(session, task):
    session.execute(text("RESET ROLE"))
    query = "SELECT args FROM procrastinate_jobs WHERE task_name = :t AND status = 'todo' ORDER BY id"
    return session.scalars(text(query), {"t": task}).all()


def test_an_endpoint_is_added_with_a_secret_that_is_shown_once(console, brand, keys, now):
    made = add(console, brand, keys, description="  Our  ERP ", types=["recall.created", "alert.opened"])

    assert len(standard.parse_secret(made.text)) == 32
    assert made.text not in repr(made)
    [found] = webhooks.list_endpoints(console, brand.id, now=now)
    assert found == made.endpoint
    assert (found.description, found.types) == ("Our ERP", ("alert.opened", "recall.created"))
    assert [secret.number for secret in found.secrets] == [1]


def test_a_secret_is_wrapped_and_no_console_reads_it(console, brand, keys):
    made = add(console, brand, keys)

    with pytest.raises(Exception, match="permission denied"), console.begin_nested():
        console.execute(text("SELECT wrapped FROM webhook_secrets"))
    console.execute(text("RESET ROLE"))
    wrapped = bytes(console.scalar(text("SELECT wrapped FROM webhook_secrets")))
    assert standard.parse_secret(made.text) not in wrapped


@pytest.mark.parametrize(
    "values",
    [
        {"url": "http://hooks.example.com/"},
        {"url": "https://127.0.0.1/"},
        {"url": "https://hooks.example.com:22/"},
        {"types": ["alert.opened", "no.such"]},
    ],
)
def test_an_endpoint_that_could_not_work_is_refused(console, brand, keys, values):
    with pytest.raises(BadInput):
        add(console, brand, keys, **values)


def test_http_is_for_allowed_networks(console, brand, keys):
    allow = (ipaddress.ip_network("10.0.0.0/8"),)

    assert add(console, brand, keys, url="http://10.1.2.3:8080/", allow=allow).endpoint.url == "http://10.1.2.3:8080/"


def test_a_brand_has_so_many_endpoints_and_no_more(console, brand, keys, monkeypatch):
    monkeypatch.setattr(webhooks, "MOST_ENDPOINTS", 2)
    add(console, brand, keys)
    add(console, brand, keys)

    with pytest.raises(Conflict, match="may have 2"):
        add(console, brand, keys)


def test_two_secrets_sign_during_the_overlap_and_never_three(console, brand, keys, now):
    endpoint = add(console, brand, keys).endpoint
    first = webhooks.rotate_secret(console, brand.id, endpoint.id, **keys)
    assert [(s.number, s.expires_at) for s in first.endpoint.secrets] == [(1, now + timedelta(days=1)), (2, None)]

    later = {**keys, "now": now + timedelta(hours=1)}
    second = webhooks.rotate_secret(console, brand.id, endpoint.id, overlap=timedelta(hours=2), **later)
    assert [(s.number, s.expires_at) for s in second.endpoint.secrets] == [(2, now + timedelta(hours=3)), (3, None)]
    [after] = webhooks.list_endpoints(console, brand.id, now=now + timedelta(hours=4))
    assert [secret.number for secret in after.secrets] == [3]


def test_an_endpoint_is_changed_disabled_and_enabled(console, brand, keys, now):
    endpoint = add(console, brand, keys).endpoint
    changed = webhooks.change_endpoint(
        console, brand.id, endpoint.id, url=f"{URL}/2", description="x", types=["alert.closed"], now=now
    )
    off = webhooks.disable_endpoint(console, brand.id, endpoint.id, reason="moving house", now=now)
    again = webhooks.disable_endpoint(console, brand.id, endpoint.id, reason="other", now=now + timedelta(1))
    on = webhooks.enable_endpoint(console, brand.id, endpoint.id, now=now)

    assert (changed.url, changed.types) == (f"{URL}/2", ("alert.closed",))
    assert (off.disabled_at, off.disabled_reason) == (again.disabled_at, again.disabled_reason) == (now, "moving house")
    assert on == replace(changed, disabled_at=None)


def test_a_test_event_goes_to_one_endpoint_and_not_to_a_disabled_one(console, brand, keys, now):
    endpoint = add(console, brand, keys, types=["alert.opened"]).endpoint
    event = uuid4()
    webhooks.send_test(console, brand.id, endpoint.id, event, now=now)
    webhooks.disable_endpoint(console, brand.id, endpoint.id, reason="x", now=now)
    with pytest.raises(Conflict, match="disabled"):
        webhooks.send_test(console, brand.id, endpoint.id, uuid4(), now=now)

    assert jobs_of(console, "spread_event") == [{"id": str(event)}]


def test_another_brand_has_none_of_it(console, brand, rival_brand, keys, now):
    endpoint = add(console, brand, keys).endpoint
    rival = rival_brand.id
    make_deliveries(console, brand, endpoint, 1, now, "dead")

    assert webhooks.list_endpoints(console, rival, now=now) == []
    assert webhook_history.list_deliveries(console, rival).deliveries == ()
    for act in (
        lambda: webhooks.rotate_secret(console, rival, endpoint.id, **keys),
        lambda: webhooks.disable_endpoint(console, rival, endpoint.id, reason="x", now=now),
        lambda: webhooks.send_test(console, rival, endpoint.id, uuid4(), now=now),
        lambda: webhook_history.get_delivery(console, rival, UUID(int=1)),
        lambda: webhook_history.replay(console, rival, UUID(int=1), now=now),
        lambda: webhook_history.replay_dead(console, rival, endpoint.id, now=now),
    ):
        with pytest.raises(NotFound):
            act()


# --- The history ------------------------------------------------------------------------------------------------------


def test_deliveries_are_paged_the_latest_first_without_gap_or_double(console, brand, keys, now):
    endpoint = add(console, brand, keys).endpoint
    make_deliveries(console, brand, endpoint, 7, now)
    seen, older = [], None
    for _ in range(4):
        page = webhook_history.list_deliveries(console, brand.id, older=older, limit=2)
        seen += [delivery.id.int for delivery in page.deliveries]
        older = page.older
        if older is None:
            break

    assert seen == [7, 6, 5, 4, 3, 2, 1]
    assert older is None


def test_deliveries_are_told_apart_by_endpoint_and_state(console, brand, keys, now):
    one, two = (add(console, brand, keys).endpoint for _ in range(2))
    make_deliveries(console, brand, one, 3, now, "dead")

    def count(**which):
        return len(webhook_history.list_deliveries(console, brand.id, **which).deliveries)

    assert (count(), count(state="dead"), count(state="delivered")) == (3, 3, 0)
    assert (count(endpoint_id=one.id), count(endpoint_id=two.id)) == (3, 0)
    with pytest.raises(BadInput):
        count(state="lost")


def test_a_dead_delivery_is_played_again_under_its_id(console, brand, keys, now):
    endpoint = add(console, brand, keys).endpoint
    make_deliveries(console, brand, endpoint, 1, now, "dead")
    before = webhook_history.get_delivery(console, brand.id, UUID(int=1))
    console.execute(text(f"SET LOCAL ROLE {db.CONSOLE_ROLE}"))

    webhook_history.replay(console, brand.id, before.id, now=now)
    with pytest.raises(Conflict, match="waiting"):
        webhook_history.replay(console, brand.id, before.id, now=now)

    after = webhook_history.get_delivery(console, brand.id, before.id)
    assert (after.state, after.tries, after.ended_at) == ("waiting", 0, None)
    assert after.webhook_id == before.webhook_id == f"evt_{before.event_id.hex}"
    assert jobs_of(console, "deliver_webhook") == [{"id": str(before.id), "version": 1}]


def test_a_whole_dead_list_is_played_again_when_its_endpoint_is_enabled(console, brand, keys, now):
    endpoint = add(console, brand, keys).endpoint
    make_deliveries(console, brand, endpoint, 3, now, "dead")
    webhooks.disable_endpoint(console, brand.id, endpoint.id, reason="x", now=now)
    with pytest.raises(Conflict, match="Enable it first"):
        webhook_history.replay_dead(console, brand.id, endpoint.id, now=now)
    webhooks.enable_endpoint(console, brand.id, endpoint.id, now=now)

    assert webhook_history.replay_dead(console, brand.id, endpoint.id, now=now) == 3
    assert webhook_history.replay_dead(console, brand.id, endpoint.id, now=now) == 0
    assert len(jobs_of(console, "deliver_webhook")) == 3
