"""From a product to codes and the recall of one lot, by API alone; what was done names the key."""

import csv
import io
from urllib.parse import urlsplit

import pytest
from programs import program, work, worker_settings


@pytest.fixture(scope="module")
def settings(scene):
    return worker_settings(scene)


@pytest.fixture(scope="module")
def erp(scene):
    return program(scene)


def test_from_product_to_the_recall_of_one_lot(scene, settings, erp):
    gtin = "09506000199993"
    row = {"gtin": gtin, "name": "Strap", "granularity": "serial", "attributes": {"noun": "strap"}}
    dry = erp.post("/products/imports", {"products": [row], "dry_run": True})
    made = erp.post("/products/imports", {"products": [row]})
    assert (dry.status_code, made.status_code, made.json["state"]) == (202, 202, "waiting")
    work(scene, settings)
    assert erp.get(dry.location).json | {"created": 1, "changed": 0, "faults": []} == erp.get(dry.location).json
    assert erp.get(made.location).json["state"] == "done"
    assert erp.get(f"/products/{gtin}").json["name"] == "Strap"

    lot = erp.put(f"/lots/{gtin}/S1", {"made_on": "2026-05-04", "origin": "Biel"})
    assert lot.status_code == 201, lot.text
    assert lot.json["codes"] == 0
    order = erp.post("/runs/orders", {"gtin": gtin, "lot": "S1", "count": 20})
    assert order.status_code == 201, order.text
    assert order.json["state"] == "waiting"
    work(scene, settings)
    done = erp.get(order.location).json
    assert (done["state"], done["made"]) == ("done", 20)
    codes = erp.get(f"{order.location}/codes")
    rows = list(csv.DictReader(io.StringIO(codes.text)))
    assert len(rows) == 20
    path = urlsplit(rows[3]["uri"])._replace(scheme="", netloc="").geturl()
    assert scene.visitor().check(path)["reason"] == "first-check"

    german = {"de": {"reason": "Es kann reißen"}}
    draft = erp.post("/recalls/drafts", {"gtin": gtin, "lot": "S1", "reason": "It may break", "texts": german})
    assert (draft.status_code, draft.json["covers"], draft.json["scope"]) == (201, 20, "batch S1")
    announced = erp.post(f"{draft.location}/announce")
    assert announced.status_code == 201, announced.text
    assert erp.post(f"{draft.location}/announce").json["id"] == announced.json["id"]
    assert scene.visitor().check(path)["reason"] == "recalled"
    said = scene.visitor().check(path, **{"Accept-Language": "de"})["text"]
    assert "Grund: Es kann reißen." in said
    texts = {"fr": {"reason": "Il peut casser"}, "de": None}
    added = erp.post(f"/recalls/{announced.json['id']}/texts", {"texts": texts})
    assert (added.status_code, added.json["texts"]) == (200, {"fr": {"reason": "Il peut casser", "remedy": None}})
    assert erp.post("/recalls/999999/texts", {"texts": texts}).status_code == 404
    assert erp.post(f"/recalls/{announced.json['id']}/texts", {"texts": {"xx": texts["fr"]}}).status_code == 400
    item = erp.get(f"/items/{gtin}.{rows[3]['serial']}").json
    assert (item["lot"], item["scans"], item["recalls"][0]["id"]) == ("S1", 3, announced.json["id"])
    assert erp.post(f"/recalls/{announced.json['id']}/lift").json["lifted_at"]
    assert erp.post(f"/recalls/{announced.json['id']}/lift").status_code == 409

    acts = scene.rows(
        "SELECT act, actor_kind FROM audit_events WHERE brand_id = %s AND actor_name LIKE 'ERP (%%' ORDER BY seq",
        scene.halden.id,
    )
    assert acts == [
        (act, "key")
        for act in (
            "product.order", "product.order", "product.import", "lot.add", "run.order", "run.download",
            "recall.announce", "recall.texts", "recall.lift",
        )
    ]  # fmt: skip


def test_facts_and_acts_of_an_item(scene, erp):
    link = scene.codes.link()
    till = program(scene, None, "items:append", name="Till")
    fact = till.post(f"/items/{link.sgtin}/facts", {"kind": "sold", "at": scene.clock().isoformat(), "country": "CH"})
    assert fact.status_code == 201, fact.text
    refused = till.get(f"/items/{link.sgtin}")
    assert (refused.status_code, refused.json["type"].rpartition("/")[2]) == (403, "scope-needed")

    blocked = erp.post(f"/items/{link.sgtin}/acts", {"act": "block", "reason": "Seen twice"})
    assert (blocked.status_code, blocked.json["disposition"]) == (200, "blocked")
    assert blocked.json["facts"][0]["kind"] == "sold"
    assert erp.post(f"/items/{link.sgtin}/acts", {"act": "block", "reason": "Seen twice"}).status_code == 409
    listed = erp.get(f"/items?gtin={link.gtin}&disposition=blocked").json["items"]
    assert [row["sgtin"] for row in listed] == [link.sgtin]


def test_an_alert_is_listed_decided_and_taken_back(scene, erp):
    product = scene.add_product()
    link = scene.issue(product).link(0)
    scene.admin.execute(
        "INSERT INTO items (sgtin, brand_id, gtin) VALUES (%s, %s, %s)", (link.sgtin, scene.halden.id, product.gtin)
    )
    numbers = [
        scene.row(
            "INSERT INTO alerts (sgtin, id, brand_id, rule, score, evidence, opened_at) VALUES (%s, gen_random_uuid(), "
            "%s, %s, 5, '{\"parts\": [{\"rule\": \"x\", \"weight\": 5, \"text\": \"Five people\"}]}', now()) "
            "RETURNING id::text", link.sgtin, scene.halden.id, f"rule-{n}",
        )[0]
        for n in range(3)
    ]  # fmt: skip
    seen, path = [], f"/alerts?gtin={product.gtin}&limit=2"
    while path:
        page = erp.get(path)
        seen += [alert["id"] for alert in page.json["alerts"]]
        following = page.headers.get("Link", "")
        path = following.partition(">")[0].removeprefix("</api/v1") if following else None
    assert sorted(seen) == sorted(numbers)
    decided = erp.post(f"/alerts/{numbers[0]}/decision", {"choice": "block", "reason": "Two at once"})
    assert decided.status_code == 200, decided.text
    assert decided.json["decision"]["choice"] == "block"
    assert decided.json["closed_at"]
    assert erp.get(f"/items/{link.sgtin}").json["disposition"] == "blocked"
    again = erp.post(f"/alerts/{numbers[0]}/decision", {"choice": "warn", "reason": "Two at once"})
    assert again.status_code == 409
    back = erp.post(f"/alerts/{numbers[0]}/undo", {"reason": "It was one"})
    assert (back.json["decision"], back.json["closed_at"]) == (None, None)
    assert erp.get(f"/items/{link.sgtin}").json["disposition"] == "active"
    assert program(scene, scene.rival).get(f"/alerts/{numbers[0]}").status_code == 404
    assert erp.get(f"/alerts?cursor={numbers[0].replace('-', '')}").status_code == 400


def test_a_webhook_is_added_tested_rotated_and_removed(scene, erp):
    made = erp.post("/webhooks", {"url": "https://hooks.example.com/in", "types": ["recall.created"]}, repeats="hook")
    assert made.status_code == 201, made.text
    assert erp.post(
        "/webhooks", {"url": "https://hooks.example.com/in", "types": ["recall.created"]}, repeats="hook"
    ).json["secret"] == made.json["secret"]  # fmt: skip
    rotated = erp.post(f"{made.location}/secret")
    assert rotated.json["secret"] != made.json["secret"]
    assert "secret" not in erp.get(made.location).json
    assert erp.post(f"{made.location}/test").status_code == 204
    assert [one["id"] for one in erp.get("/webhooks").json["webhooks"]] == [made.json["id"]]
    assert erp.post("/webhooks", {"url": "http://127.0.0.1/in"}).status_code == 400
    assert erp.post("/webhooks", {"url": "https://hooks.example.com/in", "types": ["x"]}).status_code == 400
    assert program(scene, scene.rival).get(made.location).status_code == 404
    assert erp.open("DELETE", made.location).status_code == 204
    assert erp.get(made.location).status_code == 404


def test_partners_ask_for_events_and_lines_commission_by_scope(scene, erp):
    codes = scene.issue(scene.add_product())
    partner, line = program(scene, None, "epcis:read"), program(scene, None, "items:commission")
    assert partner.get("/epcis/events").json["type"] == "EPCISQueryDocument"
    assert partner.post("/epcis/capture", {}).json["type"].endswith("/scope-needed")
    assert line.get("/epcis/events").status_code == 403
    batch = line.post("/lines/biel-3/batches", {"number": 1, "codes": [codes.uri(0), codes.uri(1)]})
    assert (batch.status_code, batch.json["done"]) == (200, 2), batch.text
    assert erp.get("/lines/biel-3").json["done"] == 2
    ranged = line.post(f"/runs/{codes.run}/commission", {"first": 0, "last": 9})
    assert ranged.json == {"run": codes.run, "commissioned": 10, "count": 50}
    assert scene.row(
        "SELECT actor_kind, actor_name LIKE 'ERP (%%' FROM audit_events WHERE act = 'line.commission' "
        "ORDER BY seq DESC LIMIT 1"
    ) == ("key", True)  # fmt: skip
