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
    assert (lot.status_code, lot.json["codes"]) == (201, 0)
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

    draft = erp.post("/recalls/drafts", {"gtin": gtin, "lot": "S1", "reason": "It may break"})
    assert (draft.status_code, draft.json["covers"], draft.json["scope"]) == (201, 20, "batch S1")
    announced = erp.post(f"{draft.location}/announce")
    assert announced.status_code == 201, announced.text
    assert erp.post(f"{draft.location}/announce").json["id"] == announced.json["id"]
    assert scene.visitor().check(path)["reason"] == "recalled"
    item = erp.get(f"/items/{gtin}.{rows[3]['serial']}").json
    assert (item["lot"], item["scans"], item["recalls"][0]["id"]) == ("S1", 2, announced.json["id"])
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
            "recall.announce", "recall.lift",
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
