"""Sandboxes: a twin that sees nothing of its brand, counts nowhere in it, and can be emptied."""

import json
from dataclasses import replace
from ipaddress import ip_network

import pytest
from programs import Program, make_key, program
from receiver import running
from sqlalchemy import text
from working import signing_config

from authsvc import (
    audit,
    catalogue,
    deliveries,
    errand_work,
    errands,
    outbound,
    retention,
    sandbox_work,
    sandboxes,
    webhooks,
)
from authsvc.core.gs1.values import check_digit
from authsvc.deliveries import Courier
from authsvc.errors import Conflict, NotFound
from authsvc.models import Base
from authsvc.runtime import new_id

BY = audit.Actor("command", None, "A test")


@pytest.fixture(scope="module")
def courier(scene):
    courier = replace(Courier.make(signing_config(scene), scene._sessions), now=scene.clock)
    yield courier
    courier.client.close()


@pytest.fixture(scope="module")
def twin(scene, courier):
    """The sandbox of Halden."""
    made = sandbox_work.make(courier, scene.halden.id, BY)
    scene.refresh()
    return made


@pytest.fixture(scope="module")
def engineer(scene, twin):
    """A program with a key of the sandbox that may do everything."""
    return program(scene, twin)


def work(scene, courier):
    for (number,) in scene.rows("SELECT id FROM errands WHERE state IN ('waiting', 'running')"):
        errand_work.do_errand(courier, scene.url, number)
    scene.refresh()


def codes(engineer, scene, courier, count=3):
    """Order codes of the sample watch by API, and return its GTIN and the paths of the codes."""
    gtin = next(row["gtin"] for row in engineer.get("/products").json["products"] if row["granularity"] == "serial")
    order = engineer.post("/runs/orders", {"gtin": gtin, "lot": "T1", "count": count})
    work(scene, courier)
    file = engineer.get(f"/runs/orders/{order.json['id']}/codes").text
    return gtin, [line.partition(",")[0].removeprefix("https://id.example.com") for line in file.splitlines()[1:]]


def test_a_sandbox_has_numbers_and_keys_of_its_own_and_is_made_once(scene, courier, twin):
    assert (twin.sandbox_of, twin.is_sandbox, twin.slug) == (scene.halden.id, True, "halden-sandbox")
    assert twin.prefixes[0].startswith("9529")
    with pytest.raises(Conflict, match="has a sandbox already"):
        sandbox_work.make(courier, scene.halden.id, BY)
    with pytest.raises(Conflict, match="is a sandbox itself"):
        sandbox_work.make(courier, twin.id, BY)
    with pytest.raises(NotFound):
        sandbox_work.wipe(courier, scene.rival.id, BY)
    other = sandbox_work.make(courier, scene.rival.id, BY)
    assert other.prefixes != twin.prefixes
    acts = scene.rows("SELECT act FROM audit_events WHERE brand_id = %s ORDER BY seq", twin.id)
    assert acts[:3] == [("brand.add",), ("key.new",), ("key.new",)]


def test_what_was_cut_off_after_the_brand_is_given_its_keys(scene, courier):
    brand = scene.add_brand("cutoff", "9507200")
    with scene.owner_session() as session:
        sandboxes.make(session, brand, id=new_id(), wrapping_key=courier.wrapping_key, random=scene.random,
                       now=scene.clock())  # fmt: skip
    made = sandbox_work.make(courier, brand.id, BY)
    keys = scene.rows("SELECT format, state FROM signing_keys WHERE brand_id = %s ORDER BY key_id", made.id)
    assert keys == [("ed25519", "active"), ("compact", "active")]


def test_a_test_key_says_so_and_sees_the_sandbox_alone(scene, twin, engineer):
    assert engineer.secret.startswith("authsvc_test_")
    real = program(scene)
    assert not real.secret.startswith("authsvc_test_")
    shown = engineer.get("/products")
    assert shown.headers["Authsvc-Sandbox"] == "true"
    assert "Authsvc-Sandbox" not in real.get("/products").headers
    assert {row["gtin"][1:10] for row in shown.json["products"]} == {twin.prefixes[0]}
    assert engineer.get(f"/products/{scene.watch.gtin}").status_code == 404
    assert engineer.get(f"/items/{scene.codes.link().sgtin}").status_code == 404
    sample = shown.json["products"][0]["gtin"]
    for brand in (None, scene.rival):
        assert program(scene, brand).get(f"/products/{sample}").status_code == 404
    # A prefix that says "test" opens nothing real, nor the other way round.
    assert Program(scene.app, real.secret.replace("authsvc_", "authsvc_test_")).get("/products").status_code == 401
    assert Program(scene.app, engineer.secret.replace("test_", "")).get("/products").status_code == 401


def test_a_real_number_is_not_lost_to_a_sandbox(scene, courier, twin, engineer):
    digits = "0871234500001"
    sent = {"products": [{"gtin": digits + check_digit(digits), "name": "Real", "granularity": "serial"}]}
    asked = engineer.post("/products/imports", sent)
    work(scene, courier)
    faults = engineer.get(f"/products/imports/{asked.json['id']}").json["faults"]
    assert faults[1] == f"row 1, gtin: a sandbox has numbers of its own, beginning with 0{twin.prefixes[0]}"


def test_its_codes_are_tests_and_count_nowhere_in_the_brand(scene, courier, twin, engineer):
    before = scene.row("SELECT count(*) FROM scans WHERE brand_id = %s", scene.halden.id)
    gtin, paths = codes(engineer, scene, courier)
    assert gtin[1:10] == twin.prefixes[0]
    verdict = scene.visitor().check(paths[0])
    assert (verdict["reason"], verdict["outcome"], verdict["signature"]["valid"]) == ("test", "informational", True)
    assert scene.row("SELECT count(*) FROM scans WHERE brand_id = %s", scene.halden.id) == before
    assert scene.row("SELECT count(*) FROM scans WHERE brand_id = %s", twin.id) == (1,)
    published = scene.visitor().open(f"/.well-known/jwks.json?brand={twin.id}").json
    assert [key["sandbox"] for key in published["keys"]] == [True]
    assert all("sandbox" not in key for key in scene.visitor().open(
        f"/.well-known/jwks.json?brand={scene.halden.id}").json["keys"])  # fmt: skip


def test_its_webhooks_are_marked(scene, courier, twin):
    settings = replace(courier.config, webhook_allow=(ip_network("127.0.0.0/8"),))
    postman = replace(courier, client=outbound.Client(allow=settings.webhook_allow))
    with running() as receiver:
        for brand in (twin, scene.halden):
            with scene.owner_session() as session:
                made = webhooks.add_endpoint(
                    session, brand.id, new_id(), url=f"http://127.0.0.1:{receiver.port}/",
                    allow=settings.webhook_allow, wrapping_key=courier.wrapping_key, random=scene.random,
                    now=scene.clock(),
                )  # fmt: skip
                webhooks.send_test(session, brand.id, made.endpoint.id, new_id(), now=scene.clock())
            (event,) = scene.row("SELECT id FROM events WHERE endpoint_id = %s", made.endpoint.id)
            deliveries.spread_event(postman, event)
            (number,) = scene.row("SELECT id FROM webhook_deliveries WHERE event_id = %s", event)
            deliveries.deliver_webhook(postman, number, 0)
    postman.client.close()
    assert [json.loads(content).get("sandbox") for _, _, content in receiver.requests] == [True, None]


def test_people_are_played_so_that_everything_can_be_tried(scene, courier, twin, engineer):
    gtin, paths = codes(engineer, scene, courier, count=4)
    sgtins = [f"{gtin}.{path.partition('?')[0].rpartition('/')[2]}" for path in paths]

    def play(sgtin, deed, key=engineer):
        return key.post("/sandbox/deeds", {"sgtin": sgtin, "deed": deed})

    mailed = scene.row("SELECT count(*) FROM mails")
    made = play(sgtins[0], "register")
    assert made.status_code == 201, made.text
    assert engineer.get(f"/registrations/{made.json['registration']}").json["state"] == "confirmed"
    assert play(sgtins[0], "register").status_code == 409
    waiting = play(sgtins[1], "register-used").json["registration"]
    assert engineer.get(f"/registrations/{waiting}").json["waits_for_brand"] is True
    taken = engineer.post(f"/registrations/{waiting}/decision", {"decision": "taken", "reason": "A try"})
    assert taken.json["state"] == "confirmed"
    assert play(sgtins[0], "transfer").json["registration"] != made.json["registration"]
    disputed = play(sgtins[2], "dispute").json["transfer"]
    shown = engineer.get(f"/transfers/{disputed}").json
    assert (shown["state"], shown["parties"][0]["said"]) == ("disputed", "I was not paid.")
    decided = engineer.post(f"/transfers/{disputed}/decision", {"decision": "returns", "reason": "A try"})
    assert decided.json["state"] == "reversed"
    assert scene.row("SELECT count(*) FROM mails") == mailed
    events = scene.rows("SELECT DISTINCT type FROM events WHERE brand_id = %s AND type LIKE 'item.reg%%'", twin.id)
    assert {kind for (kind,) in events} == {"item.registered", "item.registration_changed"}

    real = program(scene)
    assert play(scene.codes.link().sgtin, "register", real).status_code == 403
    assert play(scene.codes.link().sgtin, "register").status_code == 404
    assert play(f"{gtin}.NEVERISSUED", "register").status_code == 404
    assert play(sgtins[3], "register", program(scene, twin, "items:append")).status_code == 403


def test_a_wipe_takes_what_was_tried_and_leaves_keys_log_and_the_brand(scene, courier, twin, engineer):
    gtin, paths = codes(engineer, scene, courier)
    scene.visitor().check(paths[0])
    link = paths[0].partition("?")[0].split("/")
    sgtin = f"{gtin}.{link[link.index('21') + 1]}"
    assert engineer.post(f"/items/{sgtin}/facts", {"kind": "sold", "at": "2026-01-05T10:00:00Z"}).status_code == 201
    scene.admin.execute(
        "INSERT INTO item_records (sgtin, id, brand_id, kind, at, values, text, audience, by_name, recorded_at) "
        "VALUES (%s, %s, %s, 'service', now(), '{}', 'x', 'owner', 'A test', now())",
        (sgtin, new_id(), twin.id),
    )
    names = {
        table.name: table.c.brand_id
        for table in Base.metadata.sorted_tables
        if "brand_id" in table.c and table.name not in sandboxes.KEPT
    }

    def counted(brand):
        return {name: scene.row(f"SELECT count(*) FROM {name} WHERE brand_id = %s", brand)[0] for name in names}

    of_halden = counted(scene.halden.id)
    rows = sandbox_work.wipe(courier, scene.halden.id, BY)
    scene.refresh()

    assert rows > 10
    left = {name: count for name, count in counted(twin.id).items() if count}
    assert left == {"products": 3}
    assert counted(scene.halden.id) == of_halden
    assert {row["gtin"] for row in engineer.get("/products").json["products"]} >= {gtin}
    assert engineer.get(f"/items/{sgtin}").status_code == 404
    verdict = scene.visitor().check(paths[0])
    assert verdict["reason"] == "test"
    assert "not-issued" in [notice["reason"] for notice in verdict["notices"]]
    again, _ = codes(engineer, scene, courier)
    assert again == gtin
    for brand in (twin.id, scene.halden.id):
        acts = scene.rows("SELECT act FROM audit_events WHERE brand_id = %s", brand)
        assert ("sandbox.wipe",) in acts


def test_one_that_nobody_used_for_long_is_wiped_and_one_in_use_is_not(scene, courier, twin):
    used = scene.add_brand("inuse", "9507300")
    sandbox_work.make(courier, used.id, BY)
    days = scene.config.keep_sandbox_days
    scene.admin.execute("DELETE FROM errands WHERE kind = 'sandbox'")
    with scene.owner_session() as session:
        other = sandboxes.find(session, used.id)
    make_key(scene, catalogue_brand(scene, other.id))
    ago = "created_at = created_at - interval '1 year', wiped_at = wiped_at - interval '1 year'"
    scene.admin.execute(f"UPDATE brands SET {ago} WHERE sandbox_of IS NOT NULL")
    scene.admin.execute(
        "UPDATE api_secrets SET last_used_at = %s - make_interval(days => %s) WHERE brand_id = %s",
        (scene.clock(), days + 1, twin.id),
    )
    scene.admin.execute("UPDATE runs SET created_at = created_at - interval '1 year' WHERE brand_id = %s", (twin.id,))
    scene.admin.execute("UPDATE api_secrets SET last_used_at = %s WHERE brand_id = %s", (scene.clock(), other.id))

    for _ in range(2):
        retention.run(scene.admin, scene.config, now=scene.clock(), random=scene.random)

    asked = scene.rows("SELECT brand_id, asked->>'act' FROM errands WHERE kind = %s", errands.SANDBOX)
    assert asked == [(scene.halden.id, "wipe")]
    work(scene, courier)
    assert scene.row("SELECT count(*) FROM runs WHERE brand_id = %s", twin.id) == (0,)
    retention.run(scene.admin, scene.config, now=scene.clock(), random=scene.random)
    assert scene.rows("SELECT 1 FROM errands WHERE kind = 'sandbox' AND state = 'waiting'") == []


def catalogue_brand(scene, brand_id):
    with scene.owner_session() as session:
        return catalogue.get_brand_by_id(session, brand_id)


def test_records_of_a_real_item_are_still_only_added(scene):
    sgtin = scene.codes.link().sgtin
    scene.admin.execute(
        "INSERT INTO item_records (sgtin, id, brand_id, kind, at, values, text, audience, by_name, recorded_at) "
        "VALUES (%s, %s, %s, 'service', now(), '{}', 'x', 'owner', 'A test', now())",
        (sgtin, new_id(), scene.halden.id),
    )
    with scene.owner_session() as session, pytest.raises(Exception, match="only added"):
        session.execute(text("DELETE FROM item_records WHERE sgtin = :sgtin"), {"sgtin": sgtin})
