"""Alerts by API: each tells what it is about, what happened and what fits it; what does not fit is refused."""

import uuid

import pytest
from programs import program


@pytest.fixture(scope="module")
def erp(scene):
    return program(scene)


def raised(scene, key, rule, evidence="{}"):
    return scene.row(
        "INSERT INTO alerts (sgtin, id, brand_id, rule, score, evidence, opened_at) "
        "VALUES (%s, gen_random_uuid(), %s, %s, 5, %s, now()) RETURNING id::text", key, scene.halden.id, rule, evidence,
    )[0]  # fmt: skip


def test_a_shop_is_confirmed_and_taken_back_but_never_blocked(scene, erp):
    evidence = '{"parts": [{"rule": "shop-reported", "weight": 3, "text": "Three people reported “Duomo Time”"}]}'
    number = raised(scene, f"shop/{scene.halden.id}/{uuid.uuid4().hex}", "shop-reported", evidence)

    told = erp.get(f"/alerts/{number}").json
    refused = erp.post(f"/alerts/{number}/decision", {"choice": "block", "reason": "They sell copies"})
    done = erp.post(f"/alerts/{number}/decision", {"choice": "confirmed", "reason": "They sell copies"})
    back = erp.post(f"/alerts/{number}/undo", {"reason": "Another shop of that name"})

    assert (told["about"], told["headline"]) == ("shop", "Three people reported “Duomo Time”")
    assert told["choices"] == ["confirmed", "grey-market", "false-alarm", "test"]
    assert refused.status_code == 409
    assert "does not fit an alert about a shop" in refused.json["detail"]
    assert (done.status_code, done.json["decision"]["choice"]) == (200, "confirmed")
    assert (back.status_code, back.json["decision"]) == (200, None)


def test_an_item_has_all_that_speaks_of_an_item(scene, erp):
    told = erp.get(f"/alerts/{raised(scene, f'{scene.watch.gtin}.K1', 'away-from-its-owner')}").json

    assert told["about"] == "item"
    assert told["choices"] == ["block", "warn", "false-alarm", "owner-error", "grey-market", "test"]
    assert told["headline"] == "Away from its owner"
