"""Cases, registrations, transfers and records by API: read page by page, decided, told, and closed to every rival."""

import io

import owning
import pytest
from owning import Buyer, letters
from programs import Program, make_key, program

from authsvc import api_keys
from authsvc.core.gs1 import DigitalLink
from authsvc.investigations import facts

PDF = b"%PDF-1.7\n% a receipt\n%%EOF\n"


@pytest.fixture(scope="module")
def erp(scene):
    return program(scene)


@pytest.fixture(scope="module")
def rival(scene):
    return program(scene, scene.rival)


@pytest.fixture(scope="module")
def watches(scene):
    product = scene.add_product(name="Meridian 45", warranty_months="24", claim="required")
    return scene.issue(product, 40)


def everything(program, path, family):
    """Return a list with all of its pages, two at a time."""
    found, path = [], f"{path}{'&' if '?' in path else '?'}limit=2"
    while path:
        page = program.get(path)
        assert page.status_code == 200, page.text
        found += page.json[family]
        path = page.headers.get("Link", "").partition(">")[0].removeprefix("</api/v1")
    return found


def alert(scene, product):
    return scene.row(
        "INSERT INTO alerts (sgtin, id, brand_id, rule, score, evidence, opened_at) VALUES (%s || '.A', "
        "gen_random_uuid(), %s, gen_random_uuid(), 5, '{\"parts\": [{\"rule\": \"x\", \"weight\": 5, \"text\": "
        "\"Five\"}]}', now()) RETURNING id::text", product.gtin, product.brand_id,
    )[0]  # fmt: skip


def test_a_case_is_opened_filled_commented_on_and_closed(scene, erp, rival):
    alerts = [alert(scene, scene.watch) for _ in range(3)]
    made = erp.post("/cases", {"title": "Copies at a fair", "alerts": alerts[:2]})
    assert (made.status_code, made.json["state"], made.json["alerts"]) == (201, "open", 2)
    path = made.location
    number = made.json["id"]
    assert erp.post(f"{path}/alerts", {"alerts": alerts[1:]}).json["alerts"] == 3
    assert erp.open("DELETE", f"{path}/alerts/{alerts[0]}").status_code == 204
    assert erp.open("DELETE", f"{path}/alerts/{alerts[0]}").status_code == 404
    said = erp.post(f"{path}/comments", {"text": "An invoice\nwas shown"})
    assert (said.status_code, said.json["comments"][0]["text"]) == (201, "An invoice\nwas shown")
    assert said.json["comments"][0]["by"].startswith("ERP (")
    assert erp.post(f"{path}/move", {"to": "closed"}).status_code == 400
    assert erp.post(f"{path}/move", {"to": "closed", "reason": "Taken down"}).json["state"] == "closed"
    assert erp.post(f"{path}/move", {"to": "escalated"}).status_code == 409
    assert erp.post(f"{path}/alerts", {"alerts": alerts}).status_code == 409
    others = [erp.post("/cases", {"title": f"Case {n}"}).json["id"] for n in range(3)]
    listed = [row["id"] for row in everything(erp, "/cases", "cases")]
    assert listed[:4] == [*reversed(others), number]
    assert [row["id"] for row in everything(erp, "/cases?state=closed", "cases")] == [number]

    assert rival.get(path).status_code == 404
    assert rival.get("/cases").json["cases"] == []
    assert rival.post("/cases", {"title": "Theirs", "alerts": alerts[:1]}).status_code == 404
    assert rival.get("/cases").json["cases"] == []
    reader = program(scene, None, "cases:read")
    assert reader.get(path).json["contents"][0]["subject"] == f"{scene.watch.gtin}.A"
    assert reader.post(f"{path}/comments", {"text": "x"}).status_code == 403
    acts = scene.rows("SELECT act, actor_kind FROM audit_events WHERE brand_id = %s AND subject = %s ORDER BY seq",
                      scene.halden.id, f"case {made.json['number']}")  # fmt: skip
    assert acts == [(act, "key") for act in ("case.open", "case.alerts-add", "case.alerts-add", "case.alert-remove",
                                             "case.comment", "case.move")]  # fmt: skip


def test_a_registration_is_read_without_its_owner_and_a_proof_is_decided(scene, erp, rival, watches):
    people = [Buyer(scene, f"reads{n}@example.com") for n in range(3)]
    paths = [watches.path() for _ in people]
    for person, path in zip(people, paths, strict=True):
        person.own(path)
    gtin = DigitalLink.parse(paths[0]).gtin
    rows = everything(erp, f"/registrations?gtin={gtin}", "registrations")
    assert [row["sgtin"] for row in rows] == [DigitalLink.parse(path).sgtin for path in reversed(paths)]
    first = erp.get(f"/registrations/{rows[-1]['id']}")
    assert first.json == rows[-1]
    assert (first.json["state"], first.json["has_claim"], first.json["version"]) == ("confirmed", True, 1)
    assert first.json["warranty"]["first"] < first.json["warranty"]["last"]
    assert "reads0" not in first.text
    assert everything(erp, f"/registrations?sgtin={rows[0]['sgtin']}&state=confirmed", "registrations") == rows[:1]
    assert everything(erp, f"/registrations?gtin={gtin}&state=pending", "registrations") == []
    assert rival.get(f"/registrations/{rows[0]['id']}").status_code == 404
    assert rival.get("/registrations").json["registrations"] == []
    assert erp.post(
        f"/registrations/{rows[0]['id']}/decision", {"decision": "taken", "reason": "x"}
    ).status_code == 409  # fmt: skip

    used = Buyer(scene, "used@example.com")
    path = watches.path()
    scene.visitor().scan(path)
    used.register(path, bought="used", purchased_on="2026-05-31", proof=(io.BytesIO(PDF), "receipt.pdf"))
    (waiting,) = everything(erp, f"/registrations?gtin={gtin}&state=pending", "registrations")
    assert (waiting["waits_for_brand"], waiting["is_used"]) == (True, True)
    route, body = f"/registrations/{waiting['id']}/decision", {"decision": "taken", "reason": "The invoice names it"}
    assert rival.post(route, body).status_code == 404
    assert program(scene, None, "registrations:read").post(route, body).status_code == 403
    done = erp.post(route, body)
    assert (done.status_code, done.json["state"], done.json["waits_for_brand"]) == (200, "confirmed", False)
    assert letters(scene, used.email)[-1][0] == "owner-proof-decided"
    noted = scene.row("SELECT details, actor_kind FROM audit_events WHERE act = 'owner.registration' ORDER BY at DESC "
                      "LIMIT 1")  # fmt: skip
    assert noted == ({"item": waiting["sgtin"], "decision": "taken", "reason": body["reason"]}, "key")


def test_a_disputed_transfer_is_read_and_decided_and_both_are_told(scene, erp, rival):
    disputed = [str(owning.dispute(scene, "I was not paid.")) for _ in range(2)]
    rows = everything(erp, "/transfers?state=disputed", "transfers")
    assert [row["id"] for row in rows] == disputed[::-1]
    shown = erp.get(f"/transfers/{disputed[0]}").json
    seller, buyer = shown["parties"]
    assert (seller["side"], seller["said"], buyer["said"]) == ("seller", "I was not paid.", None)
    assert seller["address"] == "s•••@e•••.com"
    assert (
        everything(erp, f"/registrations?sgtin={shown['sgtin']}&state=transferred", "registrations")[0]["id"]
        == (shown["registration"])
    )
    assert rival.get(f"/transfers/{disputed[0]}").status_code == 404
    assert rival.get("/transfers").json["transfers"] == []
    route, body = f"/transfers/{disputed[0]}/decision", {"decision": "returns", "reason": "Nobody was paid"}
    assert rival.post(route, body).status_code == 404
    assert program(scene, None, "transfers:read").post(route, body).status_code == 403
    before = scene.row("SELECT count(*) FROM mails WHERE template = 'owner-decided'")[0]
    done = erp.post(route, body, repeats="decide")
    assert (done.status_code, done.json["state"], done.json["decision"]) == (200, "reversed", "returns")
    assert erp.post(route, body, repeats="decide").headers["Idempotency-Replayed"] == "true"
    assert scene.row("SELECT count(*) FROM mails WHERE template = 'owner-decided'")[0] == before + 2
    assert erp.post(route, body).status_code == 409
    assert erp.get(f"/transfers?gtin={shown['sgtin'][:14]}").json["transfers"][0]["state"] == "reversed"


def test_a_partner_adds_records_and_sees_none(scene, erp, rival):
    link = scene.issue(scene.add_product()).link(0)
    made = make_key(scene, None, "items:append", name="Service")
    shop = Program(scene.app, made.text)
    path = f"/items/{link.sgtin}/records"
    for n in range(5):
        told = {"kind": "battery", "at": f"2026-05-0{n + 1}T10:00:00Z", "values": {"charge_cycles": n * 100}}
        added = shop.post(path, told)
        assert added.status_code == 201, added.text
    assert shop.get(path).status_code == 403
    rows = everything(erp, path, "records")
    assert [row["values"]["charge_cycles"] for row in rows] == [400, 300, 200, 100, 0]
    assert rows[0]["by"].startswith("Service (")
    wrong = {
        "kind": "battery",
        "at": "2026-05-05T10:00:00Z",
        "values": {"charge_cycles": 390},
        "corrects": added.json["id"],
    }
    assert shop.post(path, wrong).status_code == 201
    assert {row["id"]: row["is_corrected"] for row in everything(erp, path, "records")}[added.json["id"]]
    with scene.owner_session() as session:
        rotated = api_keys.rotate(
            session, scene.halden.id, made.key.id, random=scene.random, now=scene.clock()
        )  # fmt: skip
    shop = Program(scene.app, rotated.text)
    assert shop.post(path, {**wrong, "values": {"charge_cycles": 380}}).status_code == 201
    other = program(scene, None, "items:append", "items:read", name="Service")
    refused = other.post(path, {**wrong, "values": {"charge_cycles": 1}})
    assert (refused.status_code, "Somebody else wrote" in refused.json["detail"]) == (403, True)
    assert erp.post(path, {**wrong, "values": {"charge_cycles": 370}}).status_code == 201
    assert scene.visitor().check(scene.codes.path()) is not None
    for body, status in (
        ({"kind": "battery", "at": "2026-05-05T10:00:00Z", "values": {"colour": "red"}}, 400),
        ({"kind": "battery", "at": "2199-05-05T10:00:00Z", "values": {"charge_cycles": 1}}, 400),
        ({"kind": "magic", "at": "2026-05-05T10:00:00Z"}, 400),
        ({"kind": "test", "at": "2026-05-05T10:00:00Z", "text": "x", "audience": "public"}, 403),
    ):
        assert shop.post(path, body).status_code == status, body
    widened = {"kind": "test", "at": "2026-05-05T10:00:00Z", "text": "Passed", "audience": "public"}
    assert erp.post(path, widened).status_code == 201
    assert rival.get(path).status_code == 404
    assert rival.post(path, widened).status_code == 404


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "1899-12-31T23:59:59Z"])
def test_no_partner_makes_an_item_unreadable_by_a_time_that_nobody_can_read(scene, erp, watches, at):
    partner = program(scene, None, "items:append")
    path = watches.path()
    item = f"/items/{DigitalLink.parse(path).sgtin}"

    assert partner.post(f"{item}/facts", {"kind": "sold", "at": at}).status_code == 400
    assert partner.post(f"{item}/records", {"kind": "service", "at": at, "text": "x"}).status_code == 400
    assert scene.visitor().open(path).status_code == 200
    assert erp.get(item).status_code == 200
    assert erp.get(f"{item}/records").json["records"] == []


def test_a_key_stores_no_long_answer_and_a_repetition_does_nothing_again(scene, erp):
    path = erp.post("/cases", {"title": "Long"}).location
    for n in range(12):
        said = erp.post(f"{path}/comments", {"text": f"{n}" + "\u00e9" * 7_000}, repeats=f"long-{n}")
        assert said.status_code == 201
    again = erp.post(f"{path}/comments", {"text": "11" + "\u00e9" * 7_000}, repeats="long-11")

    assert len(said.json["comments"]) == 5
    assert (again.status_code, again.json["type"].rpartition("/")[2]) == (409, "answered-before")
    assert len(erp.get(path).json["comments"]) == 12
    assert scene.row("SELECT max(length(sealed)) < 70000 FROM api_answers") == (True,)


def test_facts_of_partners_push_nothing_out_of_what_the_rules_read(scene, watches):
    partner = program(scene, None, "items:append")
    path = watches.path()
    owning.Buyer(scene, "rosa@example.com").own(path)
    item = DigitalLink.parse(path).sgtin
    told = [
        partner.post(f"/items/{item}/facts", {"kind": kind, "at": f"2026-01-01T00:{n:02}:00Z"}).status_code
        for kind in ("sold", "commissioned") for n in range(facts.MOST_TOLD + 2)
    ]  # fmt: skip

    assert (told.count(201), told.count(409)) == (2 * facts.MOST_TOLD, 4)
    stand = scene.row("SELECT count(*) FROM item_facts WHERE sgtin = %s AND withdrawn_at IS NULL", item)[0]
    assert stand < 48
