"""The pages of webhooks: endpoints, secrets shown once, deliveries with every try, who gets alert mails."""

import re
from uuid import UUID

import postman
import pytest

from authsvc import webhook_history
from authsvc.core import webhooks as standard
from authsvc.staff import Role

HERE = "/console/webhooks"
URL = "https://hooks.example.com/in"


@pytest.fixture
def operator(cast):
    person = cast.add(Role.OPERATOR)
    person.sign_in()
    return person


def add(person, **form):
    answer = person.post(HERE, **{"url": URL, "description": "Ticket system", "scope": "all", **form})
    found = re.search(r'id="secret">(whsec_[^<]+)<', answer.text)
    return answer, found and found[1]


def last_act(scene, act):
    return scene.row(
        "SELECT details FROM audit_events WHERE act = %s AND brand_id = %s ORDER BY seq DESC LIMIT 1",
        act, scene.halden.id,
    )  # fmt: skip


def only_endpoint(scene):
    return scene.row("SELECT id FROM webhook_endpoints WHERE brand_id = %s", scene.halden.id)[0]


@pytest.mark.usefixtures("courier")
def test_an_endpoint_is_added_with_a_secret_that_is_shown_once(admin, scene):
    answer, secret = add(admin, scope="some", types="recall.created")

    assert answer.status_code == 200
    assert len(standard.parse_secret(secret)) == 32
    endpoint = only_endpoint(scene)
    again = admin.get(f"{HERE}/{endpoint}").text
    assert secret not in again
    assert "A recall was announced" in again
    assert "Ticket system" in admin.get(HERE).text
    assert last_act(scene, "webhook.add")[0] == {"url": URL, "types": ["recall.created"]}


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"url": "https://10.0.0.7/in"}, "AUTHSVC_WEBHOOK_ALLOW"),
        ({"url": "https://[::1]/in"}, "The address is not public."),
        ({"url": "http://hooks.example.com/in"}, "travels encrypted only"),
        ({"url": "https://hooks.example.com:22/in"}, "443 or 8443"),
        ({"url": "hooks"}, "Write an address such as"),
        ({"scope": "some"}, "Tick at least one event"),
    ],
)
@pytest.mark.usefixtures("courier")
def test_what_is_refused_is_told_with_what_helps(admin, scene, form, said):
    answer, secret = add(admin, **form)

    assert answer.status_code == 400
    assert said in answer.text
    assert secret is None
    assert "Ticket system" in answer.text
    assert scene.row("SELECT count(*) FROM webhook_endpoints")[0] == 0


@pytest.mark.usefixtures("courier")
def test_a_secret_is_rotated_and_both_sign_for_a_day(admin, scene):
    _, first = add(admin)
    here = f"{HERE}/{only_endpoint(scene)}"

    assert "For a day, until" in admin.get(f"{here}/rotate").text
    answer = admin.post(f"{here}/rotate")

    second = re.search(r'id="secret">(whsec_[^<]+)<', answer.text)[1]
    assert second != first
    assert "the secret before it signs too" in answer.text
    ends = scene.row("SELECT count(*) FILTER (WHERE expires_at IS NULL), count(*) FROM webhook_secrets")
    assert ends == (1, 2)
    assert last_act(scene, "webhook.rotate") is not None


@pytest.mark.usefixtures("courier")
def test_an_endpoint_is_changed_paused_resumed_and_removed(admin, scene):
    add(admin)
    here = f"{HERE}/{only_endpoint(scene)}"

    assert URL in admin.get(f"{here}/change").text
    admin.post(f"{here}/change", url="https://new.example.com/", description="", scope="some", types="alert.opened")
    assert last_act(scene, "webhook.change")[0] == {
        "url": "https://new.example.com/", "types": ["alert.opened"], "previous": URL,
    }  # fmt: skip
    admin.post(f"{here}/pause")
    paused = admin.get(here).text
    assert "Paused by" in paused
    assert ">Send a test event</button>" not in paused
    assert admin.post(f"{here}/test").status_code == 303
    assert "No test was sent." in admin.get(here).text
    admin.post(f"{here}/resume")
    assert ">Send a test event</button>" in admin.get(here).text

    assert "cannot be undone" in admin.get(f"{here}/remove").text
    assert admin.post(f"{here}/remove").status_code == 303
    assert admin.get(here).status_code == 404
    assert admin.post(f"{here}/resume").status_code == 404
    assert "No endpoint yet." in admin.get(HERE).text
    assert scene.row("SELECT count(*) FROM webhook_secrets WHERE expires_at IS NULL")[0] == 0


def test_a_test_event_is_delivered_and_its_answer_is_shown(admin, scene, courier, receiver, endpoint):
    receiver.answer = lambda handler: handler.say(200, b"taken")
    here = f"{HERE}/{endpoint.endpoint.id}"
    admin.post(f"{here}/test")
    postman.run(courier)

    [(_, headers, content)] = receiver.requests
    assert postman.is_signed(endpoint.text, headers, content)
    page = admin.get(here).text
    assert "HTTP 200" in page
    delivery = re.search(r'href="(/console/webhooks/deliveries/[0-9a-f-]{36})"', page)[1]
    shown = admin.get(delivery).text
    assert "Delivered" in shown
    assert "5 B" in shown
    assert f"{len(content)} B" in shown
    assert last_act(scene, "webhook.test") is not None


def test_what_was_given_up_is_sent_once_more_one_or_all(admin, scene, courier, receiver, endpoint, later):
    receiver.answer = 410
    here = f"{HERE}/{endpoint.endpoint.id}"
    for _ in range(2):
        admin.post(f"{here}/test")
    postman.run(courier)
    admin.post(f"{here}/resume")  # 410 has switched it off, after the first.
    page = admin.get(f"{HERE}/deliveries?endpoint={endpoint.endpoint.id}&state=dead").text
    dead = sorted(set(re.findall(r"/console/webhooks/deliveries/([0-9a-f-]{36})", page)))
    assert len(dead) == 2
    assert "Send all of these once more" in page
    assert "HTTP 410" in page

    receiver.answer = 200
    admin.post(f"{HERE}/deliveries/{dead[0]}/replay")
    assert "Waiting" in admin.get(f"{HERE}/deliveries/{dead[0]}").text
    postman.run(courier)
    assert "2 deliveries" not in admin.get(here).text
    told = admin.post(f"{here}/replay")
    assert told.status_code == 303
    assert "1 delivery is sent once more" in admin.get(here).text
    postman.run(courier)

    with courier.sessions() as session:
        found = webhook_history.list_deliveries(session, scene.halden.id).deliveries
    assert {one.state for one in found} == {"delivered"}
    assert last_act(scene, "webhook.replay")[0] == {"deliveries": 1}


def test_a_try_that_failed_says_why_and_what_helps(admin, courier, receiver, endpoint):
    receiver.shutdown()
    receiver.server_close()
    here = f"{HERE}/{endpoint.endpoint.id}"
    admin.post(f"{here}/test")
    postman.run(courier)

    page = admin.get(here).text
    assert "The connection failed" in page
    assert "It has taken nothing since" in page
    assert "Waiting" in page


def test_deliveries_are_read_page_by_page(admin, scene, endpoint):
    for number in range(120):
        event = scene.random(16)
        scene.admin.execute(
            "INSERT INTO events (id, brand_id, type, at, data) VALUES (%s, %s, 'recall.created', now(), '{}')",
            (UUID(bytes=event), scene.halden.id),
        )
        scene.admin.execute(
            "INSERT INTO webhook_deliveries (id, brand_id, endpoint_id, event_id, state, next_at, created_at) "
            "VALUES (gen_random_uuid(), %s, %s, %s, 'delivered', now(), now() - interval '1 second' * %s)",
            (scene.halden.id, endpoint.endpoint.id, UUID(bytes=event), number // 7),
        )

    seen, address = [], f"{HERE}/deliveries"
    while address:
        page = admin.get(address).text
        seen += re.findall(r'/console/webhooks/deliveries/([0-9a-f-]{36})"', page)
        older = re.search(r'rel="next" href="([^"]+)"', page)
        address = older and older[1].replace("&amp;", "&")

    assert len(seen) == len(set(seen)) == 120


def test_an_address_that_names_no_page_is_refused(admin):
    for asked in ("older=1", "older=20260101T000000.000000-zz", "endpoint=7", "state=lost"):
        assert admin.get(f"{HERE}/deliveries?{asked}").status_code == 400


def test_an_operator_runs_what_is_there_and_adds_nothing(operator, endpoint):
    here = f"{HERE}/{endpoint.endpoint.id}"
    page = operator.get(here).text
    assert "Send a test event" in page
    assert "New secret" not in page
    assert "Add an endpoint" not in operator.get(HERE).text

    assert add(operator)[0].status_code == 403
    for act in ("change", "rotate", "remove"):
        assert operator.get(f"{here}/{act}").status_code == 403
    assert operator.post(f"{here}/test").status_code == 303


@pytest.mark.usefixtures("courier")
def test_a_new_place_needs_a_fresh_proof(admin, later):
    later(minutes=6)

    assert admin.get(f"{HERE}/new").location.startswith("/console/confirm?next=")
    assert add(admin)[0].status_code == 403


@pytest.mark.usefixtures("courier")
def test_alert_mails_are_set(admin, scene):
    assert "Nobody is mailed." in admin.get(f"{HERE}/mails").text

    admin.post(f"{HERE}/mails/recipients", address=" Desk@Halden.example ")
    admin.post(f"{HERE}/mails", mode="daily", hour="7")
    page = admin.get(f"{HERE}/mails").text
    stored = scene.row("SELECT address FROM alert_recipients")[0]
    assert stored.lower() == "desk@halden.example"
    assert stored in page
    assert scene.row("SELECT mode, hour FROM alert_mails WHERE brand_id = %s", scene.halden.id) == ("daily", 7)
    assert last_act(scene, "mail.mode")[0] == {"from": "at-once", "mode": "daily", "hour": 7}

    assert admin.post(f"{HERE}/mails", mode="hourly").status_code == 400
    refused = admin.post(f"{HERE}/mails/recipients", address="nobody")
    assert refused.status_code == 400
    assert "nobody" in refused.text
    admin.post(f"{HERE}/mails/recipients/remove", address=stored)
    assert "Nobody is mailed." in admin.get(f"{HERE}/mails").text
    acts = scene.admin.execute("SELECT subject FROM audit_events WHERE act = 'mail.recipients'").fetchall()
    assert [subject.lower() for (subject,) in acts] == ["d…@halden.example"] * 2
