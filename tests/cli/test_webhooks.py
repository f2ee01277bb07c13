import json
import re

import pytest
from sqlalchemy import text


@pytest.fixture
def endpoint(halden):
    made = json.loads(halden("webhooks", "add", "--brand", "halden", "https://hooks.example.com/in", "--json").out)
    return made["endpoint"]["id"]


def test_an_endpoint_is_added_listed_rotated_and_disabled(halden):
    added = halden("webhooks", "add", "--brand", "halden", "https://hooks.example.com/in", "--event", "recall.created")
    (endpoint,) = re.findall(r"^Endpoint (\S+) gets", added.out)
    first, second = (
        re.search(r"^Secret: (whsec_\S{44})$", found.out, re.MULTILINE)[1]
        for found in (added, halden("webhooks", "rotate", "--brand", "halden", endpoint))
    )
    assert first != second
    halden("webhooks", "disable", "--brand", "halden", endpoint, "--reason", "moving house")

    table = halden("webhooks", "list", "--brand", "halden").out
    assert "recall.created" in table
    assert "moving house" in table
    assert first not in table
    assert "gets events again" in halden("webhooks", "enable", "--brand", "halden", endpoint).out
    assert "is removed" in halden("webhooks", "remove", "--brand", "halden", endpoint).out
    assert endpoint not in halden("webhooks", "list", "--brand", "halden").out


def test_a_test_is_sent_listed_and_played_again(halden, endpoint, place):
    halden("webhooks", "test", "--brand", "halden", endpoint)
    with place.sessions.begin() as session:
        assert session.scalar(text("SELECT type FROM events")) == "webhook.test"
        session.execute(
            text(
                "INSERT INTO webhook_deliveries (id, brand_id, endpoint_id, event_id, state, next_at, created_at) "
                "SELECT gen_random_uuid(), brand_id, endpoint_id, id, 'dead', now(), now() FROM events"
            )
        )

    [dead] = json.loads(halden("webhooks", "deliveries", "--brand", "halden", "--state", "dead", "--json").out)
    assert json.loads(dead["body"])["type"] == "webhook.test"
    assert "webhook.test" in halden("webhooks", "deliveries", "--brand", "halden").out
    again = halden("webhooks", "replay", "--brand", "halden", "--endpoint", endpoint)
    assert again.out == "1 delivery will be tried again now.\n"
    waiting = halden("webhooks", "replay", "--brand", "halden", "--delivery", dead["id"], code=1)
    assert "waiting for its next try" in waiting.err


@pytest.mark.parametrize("url", ["http://hooks.example.com/", "https://127.0.0.1/", "https://hooks.example.com:22/"])
def test_an_address_that_may_not_be_reached_is_refused(halden, url):
    assert "authsvc: The " in halden("webhooks", "add", "--brand", "halden", url, code=1).err


def test_a_replay_is_of_one_thing(halden, endpoint):
    halden("webhooks", "replay", "--brand", "halden", code=2)
    halden("webhooks", "replay", "--brand", "halden", "--endpoint", endpoint, "--delivery", endpoint, code=2)


def test_who_is_mailed_is_shown_and_changed(halden):
    shown = halden("alert-mails", "--brand", "halden").out
    assert shown == "Alerts of halden are mailed at once. Recipients: none.\n"
    halden("alert-mails", "--brand", "halden", "--add", "ann@example.com", "--add", "bob@example.com")
    changed = halden("alert-mails", "--brand", "halden", "--remove", "bob@example.com", "--mode", "daily", "--hour", 7)

    assert changed.out == "Alerts of halden are mailed daily at 07:00 UTC. Recipients: ann@example.com.\n"
    found = json.loads(halden("alert-mails", "--brand", "halden", "--json").out)
    assert found == {"mode": "daily", "hour": 7, "recipients": ["ann@example.com"]}
    assert "e-mail address" in halden("alert-mails", "--brand", "halden", "--add", "nobody", code=1).err


def test_every_act_is_in_the_log_and_no_look_is(halden, endpoint, place):
    halden("webhooks", "rotate", "--brand", "halden", endpoint)
    halden("webhooks", "test", "--brand", "halden", endpoint)
    halden("webhooks", "replay", "--brand", "halden", "--endpoint", endpoint)
    halden("webhooks", "disable", "--brand", "halden", endpoint, "--reason", "moving house")
    halden("webhooks", "enable", "--brand", "halden", endpoint)
    halden("webhooks", "list", "--brand", "halden")
    halden("alert-mails", "--brand", "halden", "--add", "ann@example.com")
    halden("alert-mails", "--brand", "halden")

    with place.sessions() as session:
        acts = session.scalars(text("SELECT act FROM audit_events WHERE act ~ '^(webhook|mail)' ORDER BY seq")).all()
        details = session.scalars(text("SELECT details::text FROM audit_events WHERE act ~ '^(webhook|mail)'")).all()
    assert acts == [
        *("webhook.add", "webhook.rotate", "webhook.test", "webhook.replay", "webhook.disable", "webhook.enable"),
        "mail.recipients",
    ]
    assert not any("whsec_" in text or "ann@" in text for text in details)
