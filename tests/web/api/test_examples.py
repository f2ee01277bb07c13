"""
Every example of ``/api/openapi.json``, sent to a running service: each is done, and answered in its shape.

The service holds what the examples speak of, under the very ids that they name. What no document can know is put in: a
signature, a version, the number of what was made a moment ago. What it cannot bring about is in ``REFUSED``.
"""

import io
import json
import re
from uuid import UUID

import dealing
import owning
import pytest
import requests
from jsonschema import Draft202012Validator, FormatChecker
from owning import Buyer
from programs import make_key, work, worker_settings

from authsvc import cases, errands, product_work, recall_drafts, run_orders, webhooks
from authsvc.audit import Actor
from authsvc.issuing import Order
from authsvc.recalls import Target
from authsvc.runtime import new_id

pytestmark = pytest.mark.same_on_any_server

GTIN, SERIAL = "09506000134352", "0XES7CJNVN09GQYH"
UNSIGNED = "s=AQAB"
BY = Actor("key", UUID(int=1), "A test")
FIRST = ("scan", "line_set")
LAST = (
    "announce_recall", "lift_recall", "drop_draft", "remove_alert_from_case", "move_case", "remove_webhook",
    "dealer_act", "act_on_item",
)  # fmt: skip
"""What others need comes first, and what ends something last; the rest goes in the order of the document."""
REFUSED = {
    "permit_status": 403, "permit_offer": 403, "permit_transfer": 403, "permit_confirm": 403, "permit_cancel": 403,
    "seller_proof": 409, "play_deed": 403,
}  # fmt: skip
"""Only an owner makes a permit or a proof, and no example holds one; people are played in a sandbox alone."""


@pytest.fixture(scope="module")
def openapi(address):
    return requests.get(f"{address}/api/openapi.json", timeout=10).json()


@pytest.fixture(scope="module")
def ids(openapi):
    """The ids that the examples of paths name."""
    return {
        param["name"]: param["example"]
        for methods in openapi["paths"].values()
        for one in methods.values()
        for param in one["parameters"]
        if param["in"] == "path"
    }


@pytest.fixture(scope="module")
def world(scene, ids):
    """Make what the examples speak of; return the code of their item, and what their ids cannot be."""
    settings = worker_settings(scene)
    product = scene.add_product(gtin=GTIN, name="Meridian 38", warranty_months="24", claim="optional")
    path = scene.issue(product, lot="B1", texts=(SERIAL,)).path()
    with scene.owner_session() as session:
        webhooks.add_endpoint(
            session, scene.halden.id, UUID(ids["endpoint_id"]), url="https://hooks.example.com/in",
            wrapping_key=scene.wrapping_key, random=scene.random, now=scene.clock(),
        )  # fmt: skip
        rows = [(1, {"gtin": GTIN, "brand": "halden", "name": "Meridian 38", "granularity": "serial"})]
        errands.order(
            session, scene.halden.id, errands.PRODUCTS, product_work.asked(rows, file="api", is_dry=True, by="key"), BY,
            id=UUID(ids["import_id"]), now=scene.clock(),
        )  # fmt: skip
        run_orders.place(session, product, Order(count=3, lot="B1"), BY, id=UUID(ids["order_id"]), now=scene.clock())
        cases.open_case(session, scene.halden.id, "A case", id=UUID(ids["case_id"]), by=BY, now=scene.clock())
        drafts = [UUID(ids["draft_id"]), new_id()]
        for number in drafts:
            draft = recall_drafts.Draft(
                id=number, gtin=GTIN, target=Target(lot="B1"), reason="The strap may break", remedy=None,
                tells_owners=False, made_by="A test",
            )  # fmt: skip
            recall_drafts.write(session, scene.halden.id, draft, now=scene.clock())
    work(scene, settings)
    scene.admin.execute(
        "INSERT INTO alerts (sgtin, id, brand_id, rule, score, evidence, opened_at) "
        "VALUES (%s, %s, %s, 'clone-evidence', 5, '{}', now())",
        (f"{GTIN}.{SERIAL}", ids["alert_id"], scene.halden.id),
    )
    own(scene, product, ids)
    with scene.owner_session() as session:
        cancelled = new_id()
        run_orders.place(session, product, Order(count=3, lot="B1"), BY, id=cancelled, now=scene.clock())
    shop = dealing.Shop(scene).sign_in()
    shop.make_key()
    trade_in(scene, shop, ids)
    token = re.search(r"s=[A-Za-z0-9_-]+", path)[0]
    instead = {
        "cancel_order": {"order_id": cancelled},
        "drop_draft": {"draft_id": drafts[1]},
        "get_recall": {"recall_id": scene.recall(product, lot="B1", reason="It may break", remedy="Bring it")},
    }
    instead["lift_recall"] = instead["add_recall_texts"] = instead["get_recall"]
    return {
        "token": token,
        "instead": instead,
        "dealerKey": shop.key,
        "apiKey": make_key(scene, per_minute=60_000).text,
    }


def own(scene, product, ids):
    """Let one item wait for the brand, and another be disputed, under the ids of the examples."""
    codes = scene.issue(scene.add_product(warranty_months="24", claim="required"), 1)
    scene.visitor().scan(codes.path())
    Buyer(scene, "used@example.com").register(
        codes.path(0), bought="used", purchased_on="2026-05-31", proof=(io.BytesIO(b"%PDF-1.7\n%%EOF\n"), "receipt.pdf")
    )
    scene.admin.execute(
        "UPDATE registrations SET id = %s WHERE sgtin = %s", (ids["registration_id"], codes.link(0).sgtin)
    )
    # What both sides said is sealed under the number that the transfer had.
    scene.admin.execute(
        "UPDATE transfers SET id = %s, seller_statement = NULL WHERE id = %s",
        (ids["transfer_id"], owning.dispute(scene)),
    )


def trade_in(scene, shop, ids):
    """Let the dealer wait for an owner, under the id of the example."""
    codes = scene.issue(scene.add_product(warranty_months="24", claim="required"), 1)
    owner = Buyer(scene, "trades@example.com")
    code = owner.offer(owner.own(codes.path(0), purchased_on="2026-05-31")).rpartition("/")[2]
    done = shop.call("POST", "/api/v1/dealer/trade-ins", {"offers": [code]}).json["rows"][0]["trade_in"]
    scene.admin.execute("UPDATE transfers SET id = %s WHERE id = %s", (ids["trade_in_id"], done["id"]))


def operations(openapi):
    """Yield every operation with its path and method, in an order in which each finds what it needs."""
    every = [
        (path, method, one) for path, methods in openapi["paths"].items() for method, one in methods.items()
    ]  # fmt: skip
    places = {name: n - 100 for n, name in enumerate(FIRST)} | {name: n + 1_000 for n, name in enumerate(LAST)}
    return sorted(every, key=lambda each: places.get(each[2]["operationId"], 0))


def test_every_example_is_done_and_answered_in_its_shape(openapi, world, address):
    seen = {}
    for path, method, one in operations(openapi):
        answer = send(one, path, method, world, address, seen)
        seen[one["operationId"]] = answer
        check(openapi, one, answer, REFUSED.get(one["operationId"]))
    assert len(seen) > 70


def send(one, path, method, world, address, seen):
    """Send an operation as its examples have it."""
    name, token = one["operationId"], world["token"]
    instead = {
        "s": token.removeprefix("s="),
        "Idempotency-Key": name,
        **world["instead"].get(name, {}),
        **known(name, seen),
    }
    values = {"path": {}, "query": {}, "header": {"Accept": "application/json"}}
    for param in one["parameters"]:
        if "example" in param:
            values[param["in"]][param["name"]] = str(instead.get(param["name"], param["example"]))
    path = re.sub(r"\{(\w+)\}", lambda part: values["path"][part[1]], path)
    for kind in one["security"][-1] if one["security"] else ():
        values["header"]["Authorization"] = f"Bearer {world[kind]}"
    given = None
    if "requestBody" in one:
        values["header"]["Content-Type"] = "application/json"
        given = json.dumps(one["requestBody"]["content"]["application/json"]["example"]).replace(UNSIGNED, token)
    return requests.request(
        method, address + path, params=values["query"], headers=values["header"], data=given, timeout=20
    )


def known(name, seen):
    """Return what only an answer before has said: a version, a receipt, a number."""
    if name == "change_product":
        return {"If-Match": seen["get_product"].headers["ETag"]}
    if name == "receipt":
        return {"receipt": seen["scan"].json()["receipt"]}
    if name == "epcis_captured":
        return {"capture_id": seen["epcis_capture"].headers["Location"].rpartition("/")[2]}
    return {}


def check(openapi, one, answer, refused):
    """Fail where an answer is not one of those that the document promises for what is done."""
    said = f"{one['operationId']}: {answer.status_code} {answer.text[:600]}"
    wanted = one["responses"].get(str(answer.status_code))
    assert wanted is not None, said
    assert answer.status_code == refused if refused else answer.ok, said
    for name, header in wanted.get("headers", {}).items():
        assert name in answer.headers or not header["required"], f"{name} of {said}"
    if "content" not in wanted:
        assert answer.content == b"", said
        return
    kind = answer.headers["Content-Type"].partition(";")[0]
    assert kind in wanted["content"], f"{kind} of {said}"
    if "json" in kind:
        schema = {**wanted["content"][kind]["schema"], "components": openapi["components"]}
        Draft202012Validator(schema, format_checker=FormatChecker()).validate(answer.json())
