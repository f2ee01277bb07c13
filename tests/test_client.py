"""The client of the API against a real server: from a product to codes and the recall of one lot, and its refusals."""

import csv
import io
from urllib.parse import urlsplit

import pytest
from programs import make_key, work, worker_settings

from authsvc import client as client_module
from authsvc.client import Client, NotAnswered, Refused
from authsvc.web import path_keys

pytestmark = pytest.mark.same_on_any_server


@pytest.fixture(scope="module")
def settings(scene):
    return worker_settings(scene)


@pytest.fixture
def client(scene, settings, address):
    """Return a client for which the worker works while it waits."""
    return Client(address, make_key(scene).text, sleep=lambda _: work(scene, settings))


def test_the_same_words_lead_from_a_product_to_the_recall_of_one_lot(scene, client):
    gtin = "09506000188881"
    asked = client.import_products([{"gtin": gtin, "name": "Buckle", "granularity": "serial"}])
    assert client.wait_for_import(asked["id"])["created"] == 1
    assert client.product(gtin)["name"] == "Buckle"
    assert gtin in {product["gtin"] for product in client.products()}
    assert client.save_lot(gtin, "B/1", origin="Biel")["origin"] == "Biel"
    order = client.wait_for_order(client.order_codes(gtin=gtin, lot="B/1", count=30)["id"])
    file = io.BytesIO()
    assert client.download_codes(order["id"], file) == len(file.getvalue())
    rows = list(csv.DictReader(io.StringIO(file.getvalue().decode())))
    assert (len(rows), order["made"]) == (30, 30)
    assert client.verify(rows[0]["uri"])["outcome"] == "authentic"
    sgtin = f"{gtin}.{rows[0]['serial']}"
    assert client.add_fact(sgtin, "sold", at=scene.clock().isoformat(), country="CH")
    assert client.item(sgtin)["facts"][0]["kind"] == "sold"
    assert client.add_record(sgtin, "software", at=scene.clock().isoformat(), values={"version": "2.1"})
    assert [list(found(gtin)) for found in (client.registrations, client.transfers)] == [[], []]
    assert client.call("POST", "/cases", {"title": "A case"})["id"] in {case["id"] for case in client.cases()}
    assert client.act(sgtin, "lost", reason="Said by the shop")["disposition"] == "lost"

    draft = client.draft_recall(gtin=gtin, lot="B/1", reason="It may open")
    assert draft["covers"] == 30
    recall = client.announce_recall(draft["id"])
    path = urlsplit(rows[1]["uri"])._replace(scheme="", netloc="").geturl()
    assert scene.visitor().check(path)["reason"] == "recalled"
    assert [one["id"] for one in client.recalls(gtin)] == [recall["id"]]
    assert client.lift_recall(recall["id"])["lifted_at"]
    assert [lot["lot"] for lot in client.lots(gtin)] == ["B/1"]


def test_refusals_have_their_code_and_the_faults_of_fields(scene, client):
    with pytest.raises(Refused) as refused:
        client.order_codes(gtin="1", count=0)
    assert (refused.value.status, refused.value.code) == (400, "bad-fields")
    assert {fault["at"] for fault in refused.value.errors} == {"body.gtin", "body.count"}
    theirs = scene.add_product(scene.rival).gtin
    bad = client.import_products([{"gtin": theirs, "name": "x", "granularity": "serial"}])
    with pytest.raises(Refused, match="row 1, gtin"):
        client.wait_for_import(bad["id"])


def test_it_tries_again_while_the_service_is_busy_and_gives_up_in_the_end(scene, address, monkeypatch):
    key = make_key(scene, per_minute=2).text
    waits = []
    client = Client(address, key, sleep=waits.append)
    list(client.products())
    list(client.products())
    with pytest.raises(Refused) as refused:
        list(client.products())
    assert refused.value.code == "too-many-requests"
    assert len(waits) == client_module.TRIES - 1
    gone = Client("http://127.0.0.1:9", key, sleep=waits.append)
    with pytest.raises(NotAnswered):
        gone.product("09506000134352")
    with pytest.raises(ValueError, match="https"):
        Client("id.example.com", key)


@pytest.mark.parametrize("name", ["B1", "09506000134352.A-b_c.1", "A/B", "a%2", "tail.", ".dot", "x~y", "é"])
def test_it_spells_addresses_as_the_service_does(name):
    assert client_module.spell(name) == path_keys.spell(name)
