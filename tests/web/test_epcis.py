"""EPCIS by its routes: what happened to codes of Halden, and what its partners tell of them."""

import json
import re
import time
from base64 import urlsafe_b64encode
from pathlib import Path
from urllib.parse import parse_qsl

import jsonschema
import owning
import pytest
from cases import record, subject
from programs import make_key
from telling import CASE, envelope, packing

from authsvc import production_lines
from authsvc.core import epcis
from authsvc.core.clones import FactKind
from authsvc.core.verdicts import Disposition
from authsvc.production_lines import Act, Batch
from authsvc.runtime import new_id

SCHEMA = Path(epcis.__file__).parents[1] / "data" / "gs1" / "epcis-json-schema.json"
HERE = "/api/v1/epcis"


class Partner:
    """A program of a brand."""

    def __init__(self, scene, brand, *scopes):
        self.visitor = scene.visitor(agent="partner")
        self.key = make_key(scene, brand, *scopes).text

    def get(self, path, **query):
        return self.visitor.open(f"{HERE}{path}", query_string=query, headers={"Authorization": f"Bearer {self.key}"})

    def events(self, **query):
        response = self.get("/events", perPage=1000, **query)
        assert response.status_code == 200, response.text
        return response.json["epcisBody"]["queryResults"]["resultsBody"]["eventList"]

    def post(self, document):
        return self.visitor.open(
            f"{HERE}/capture", "POST", json=document, headers={"Authorization": f"Bearer {self.key}"}
        )

    def raw(self, body):
        return self.visitor.open(f"{HERE}/capture", "POST", data=body, headers={"Authorization": f"Bearer {self.key}"})


@pytest.fixture(scope="module")
def partner(scene):
    return Partner(scene, scene.halden)


@pytest.fixture(scope="module")
def story(scene):
    """Let everything happen that is an event."""
    product = scene.add_product(name="Tern", release="on-commission")
    codes = scene.issue(product, 500, lot="T1")
    scene.commission(product, codes.run, 0, 2)
    scene.commission(product, codes.run, 3, 499)
    gone, dead = codes.link(1), codes.link(2)
    for condition in Disposition.STOLEN, Disposition.ACTIVE, Disposition.LOST, Disposition.BLOCKED, Disposition.ACTIVE:
        scene.set_disposition(gone, condition)
    scene.set_disposition(dead, Disposition.DESTROYED)
    lot = scene.recall(product, lot="T1")
    scene.recall(product, listed=tuple((n, codes.link(n).serial) for n in (5, 6)))
    scene.admin.execute("UPDATE recalls SET lifted_at = now() WHERE id = %s", (lot,))
    scene.issue(scene.add_product(granularity="batch", token="none"), 1, lot="B1", is_lot_level=True)
    owning.dispute(scene)
    drawn = scene.issue(scene.add_product(release="on-commission"), texts=("490154203237518",), lot="I1").link(0)
    with scene.owner_session() as session:
        batch = Batch(line="L1", number=1, act=Act.COMMISSION, codes=(f"{drawn.gtin}.{drawn.serial}",))
        production_lines.take_batch(session, scene.halden, batch, serial_keys={}, now=scene.clock())
    record(scene, subject(scene, codes.link(8), product), FactKind.SOLD)
    return codes


def test_every_format_that_the_schema_names_is_checked():
    named = set(re.findall(r'"format": *"([^"]+)"', SCHEMA.read_text()))

    assert named == {"date-time", "uri"}
    assert named <= jsonschema.Draft7Validator.FORMAT_CHECKER.checkers.keys()


@pytest.fixture(scope="module")
def check():
    schema = json.loads(SCHEMA.read_text())
    return jsonschema.Draft7Validator(schema, format_checker=jsonschema.Draft7Validator.FORMAT_CHECKER).validate


def test_everything_that_happened_is_told_in_order_and_is_valid(partner, story, check):
    response = partner.get("/events", perPage=1000)
    found = response.json["epcisBody"]["queryResults"]["resultsBody"]["eventList"]

    check(response.json)
    check(partner.get("/document", perPage=1000).json)
    assert response.headers["GS1-EPCIS-Version"] == "2.0"
    assert len({event["eventID"] for event in found}) == len(found)
    assert [event["recordTime"] for event in found] == sorted(event["recordTime"] for event in found)
    assert {(event["action"], event["bizStep"], event.get("disposition")) for event in found} >= {
        ("ADD", "commissioning", "active"), ("OBSERVE", "other", "stolen"), ("OBSERVE", "inspecting", "active"),
        ("OBSERVE", "other", "urn:authsvc:voc:Disp-lost"), ("OBSERVE", "holding", "urn:authsvc:voc:Disp-blocked"),
        ("DELETE", "destroying", "destroyed"), ("OBSERVE", "holding", "recalled"), ("OBSERVE", "holding", "active"),
        ("OBSERVE", "retail_selling", "retail_sold"), ("ADD", "accepting", None),
    }  # fmt: skip
    assert [event["ilmd"] for event in found if "490154203237518" in event.get("epcList", [""])[0]] == [
        {"cbvmda:lotNumber": "I1"}
    ]
    text = json.dumps(found)
    assert "s=" not in text
    assert "@example.com" not in text


def test_a_query_of_an_item_finds_its_own_story(scene, partner, story):
    gone, other, far = story.link(1), story.link(6), story.link(400)
    told = partner.events(epc=f"https://id.gs1.org/01/{gone.gtin}/21/{gone.serial}")

    assert [event["bizStep"] for event in told] == [
        "commissioning", "other", "inspecting", "other", "holding", "inspecting", "holding", "holding",
    ]  # fmt: skip
    assert len(told[0]["epcList"]) == 3
    assert told[2]["persistentDisposition"] == {"unset": ["stolen"]}
    assert told[4]["persistentDisposition"] == {
        "set": ["urn:authsvc:voc:Disp-blocked"], "unset": ["urn:authsvc:voc:Disp-lost"],
    }  # fmt: skip
    assert [event["bizStep"] for event in partner.events(MATCH_epc=f"{scene.config.base_url}{other.path()}")] == [
        "commissioning", "holding", "holding", "holding",
    ]  # fmt: skip
    (commissioned, *_) = partner.events(epc=f"https://id.gs1.org{far.path()}")
    assert commissioned["quantityList"] == [
        {"epcClass": f"https://id.gs1.org/01/{far.gtin}/10/T1", "quantity": 497}
    ]  # fmt: skip
    assert commissioned["ilmd"] == {"cbvmda:lotNumber": "T1"}


def test_a_query_of_a_lot_and_of_a_product(partner, story):
    gtin = story.link(0).gtin

    assert [event["bizStep"] for event in partner.events(epc=f"https://id.gs1.org/01/{gtin}/10/T1")] == [
        "commissioning", "commissioning", "holding", "holding", "holding",
    ]  # fmt: skip
    assert len(partner.events(epc=f"https://id.gs1.org/01/{gtin}")) == 12
    (sold,) = (event for event in partner.events(epc=f"https://id.gs1.org{story.link(8).path()}")
               if event["bizStep"] == "retail_selling")  # fmt: skip
    assert sold["epcList"] == [f"https://id.gs1.org{story.link(8).path()}"]
    assert partner.events(epc="https://id.gs1.org/01/04006381333931") == []


def test_pages_are_the_whole_and_types_and_times_narrow_it(partner, story):
    whole, paged, query = partner.events(), [], {"perPage": 4}
    while True:
        response = partner.get("/events", **query)
        paged += response.json["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
        if "Link" not in response.headers:
            break
        query["nextPageToken"] = response.headers["Link"].partition("nextPageToken=")[2].partition(">")[0]
    middle = whole[len(whole) // 2]["recordTime"]

    assert paged == whole
    assert {event["type"] for event in partner.events(eventType="TransactionEvent")} == {"TransactionEvent"}
    before, after = partner.events(LT_recordTime=middle), partner.events(GE_recordTime=middle)
    assert before + after == whole
    assert before
    assert after
    assert partner.events(GE_eventTime="2099-01-01T00:00:00Z") == []


@pytest.mark.parametrize(
    "query",
    [
        {"epc": "urn:epc:id:sgtin:0614141.107346.2017"}, {"epc": "https://id.gs1.org/414/9506000134352"},
        {"eventType": "Scan"}, {"perPage": "0"}, {"perPage": "x"}, {"nextPageToken": "x"}, {"nextPageToken": "W10"},
        {"GE_eventTime": "yesterday"}, {"GE_eventTime": "2026-05-01"}, {"EQ_disposition": "active"},
    ],
)  # fmt: skip
def test_a_query_that_cannot_be_read_is_refused(partner, query):
    assert partner.get("/events", **query).status_code == 400


# --- Capture ----------------------------------------------------------------------------------------------------------


def test_what_a_partner_captures_is_found_again_and_kept_once(scene, partner, story, check):
    unpacking = packing(story, action="DELETE", bizStep="unpacking", eventTime="2026-06-01T12:00:00Z")
    first = partner.post(envelope(packing(story), unpacking))
    again = partner.post(envelope(packing(story)))
    child = story.link(3)
    found = partner.events(epc=f"https://id.gs1.org{child.path()}", eventType="AggregationEvent")

    assert (first.status_code, first.json["authsvc:added"], first.json["success"]) == (202, 2, True)
    assert partner.get(first.headers["Location"].removeprefix(HERE)).json["authsvc:added"] == 2
    assert (again.status_code, again.json["authsvc:known"]) == (202, 1)
    assert again.headers["Location"] == first.headers["Location"]
    assert {event["bizStep"] for event in found} == {"packing", "unpacking"}
    assert all(event["eventID"].startswith("urn:uuid:") for event in found)
    assert len(partner.events(epc=CASE)) == 2
    assert scene.row("SELECT count(*) FROM audit_events WHERE act = 'epcis.capture'") == (1,)
    check(partner.get("/events", perPage=1000).json)


def test_an_event_is_never_replaced_but_can_be_declared_an_error(partner, story):
    number = "urn:uuid:3f0c8a1e-5a0b-4c1d-9e2f-0a1b2c3d4e5f"
    error = {"declarationTime": "2026-06-01T12:00:00Z", "reason": "did_not_occur"}

    assert partner.post(envelope(packing(story, eventID=number))).status_code == 202
    assert partner.post(envelope(packing(story, eventID=number, bizStep="loading"))).status_code == 409
    assert partner.post(envelope(packing(story, eventID=number, errorDeclaration=error))).status_code == 202


def test_only_whoever_captured_an_event_or_the_brand_declares_it_an_error(scene, partner, story):
    mill, press = (Partner(scene, scene.halden, "epcis:capture", "epcis:read") for _ in range(2))
    wrong = {"errorDeclaration": {"declarationTime": "2026-06-01T12:00:00Z", "reason": "did_not_occur"}}
    first, second, third = ({"eventID": f"urn:uuid:{new_id()}"} for _ in range(3))
    assert mill.post(envelope(packing(story, **first), packing(story, **second))).status_code == 202

    # Neither what the mill has said, nor what nobody has: it may be an event of the service itself.
    for number in first, third, {}:
        refused = press.post(envelope(packing(story, **number, **wrong)))
        assert (refused.status_code, refused.json["type"].rpartition("/")[2]) == (403, "forbidden")
    assert mill.post(envelope(packing(story, **first, **wrong))).status_code == 202
    assert partner.post(envelope(packing(story, **second, **wrong))).status_code == 202
    both = envelope(packing(story, **third), packing(story, **third, **wrong))
    assert press.post(both).json["authsvc:added"] == 2


@pytest.mark.parametrize(
    "change",
    [
        {"bizStep": "authenticating"}, {"action": "LOOK"}, {"eventTimeZoneOffset": "Z"}, {"childEPCs": ["not a uri"]},
        {"eventTime": "yesterday"}, {"parentID": None}, {"stray": 1}, {"type": "Scan"},
        {"childEPCs": ["https://id.gs1.org/01/04006381333931/21/A"], "parentID": "https://id.gs1.org/00/106141412345678908"},
        {"childEPCs": ["https://id.example.com/01/09506000134352/21/A?s=AQAB"]},
    ],
)  # fmt: skip
def test_a_document_with_one_wrong_event_captures_nothing(scene, partner, story, change):
    before = scene.row("SELECT count(*) FROM epcis_events")
    response = partner.post(envelope(packing(story, eventTime="2026-07-01T12:00:00Z"), packing(story, **change)))

    assert response.status_code == 400, response.text
    assert scene.row("SELECT count(*) FROM epcis_events") == before


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"x"',
        b"[" * 100_000,
        b'{"type": "EPCISQueryDocument"}',
        b'{"type": {}}',
        b'{"type": "\\u0000"}',
        b'{"type": "\\ud800"}',
    ],
)
def test_a_body_that_is_no_document_is_refused(partner, body):
    response = partner.visitor.open(
        f"{HERE}/capture", "POST", data=body, headers={"Authorization": f"Bearer {partner.key}"}
    )

    assert response.status_code == 400


def many(count, **event):
    return json.dumps(envelope(*[{"type": "ObjectEvent", **event}] * count)).encode()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (many(20_000), 413),
        (json.dumps(envelope(*[{}] * 200_000)).encode(), 413),
        (many(1000), 400),
        (json.dumps(envelope({"type": "ObjectEvent", "epcList": ["urn:x:y"] * 60_000})).encode(), 413),
        (json.dumps(envelope({"x": [{"y": {}}] * 20_000})).encode(), 413),
        (json.dumps({**envelope(), "type": "x", "z": [{}] * 200_000}).encode(), 400),
    ],
)
def test_no_document_costs_more_than_it_is_worth(partner, body, status):
    cost = time.thread_time()
    response = partner.raw(body)

    assert response.status_code == status, response.text
    assert time.thread_time() - cost < 4  # it was 74 seconds


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1899-12-31T23:59:59Z"])
def test_no_partner_makes_events_unreadable_by_a_time_that_nobody_can_read(partner, story, at):
    assert partner.post(envelope(packing(story, eventTime=at))).status_code == 400
    assert partner.events()


@pytest.mark.parametrize(
    "change",
    [
        {"authsvc:x": "a\0b"}, {"authsvc:x": {"deep": ["\ud800"]}}, {"authsvc:\0": 1},
        {"authsvc:x": float("nan")}, {"authsvc:x": {"deep": [float("inf")]}},
        {"eventID": "urn:x:" + "".join(f"{n:x}" for n in range(2000))},
        {"childEPCs": ["urn:x:" + "".join(f"{n:x}" for n in range(2000)), "https://id.gs1.org/01/09506000134352/21/A"]},
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused(partner, story, change):
    assert partner.raw(json.dumps(envelope(packing(story, **change))).encode()).status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        {"perPage": "9" * 5000},
        *({"nextPageToken": urlsafe_b64encode(raw).decode()} for raw in (
            b"[" * 5000, b'["2026-05-01T12:00:00Z", "\\u0000", "x"]', b'["2026-05-01T12:00:00Z", "x", "\\ud800"]',
            b'["0001-01-01T00:00:00+14:00", "x", "x"]', b'["2026-05-01T12:00:00", "x", "x"]')),
    ],
)  # fmt: skip
def test_a_mark_or_a_number_that_was_never_given_is_refused(partner, query):
    assert partner.get("/events", **query).status_code == 400


# --- Whose ------------------------------------------------------------------------------------------------------------


def test_a_rival_sees_nothing_of_halden_and_a_stranger_nothing_at_all(scene, partner, story):
    rival = Partner(scene, scene.rival)

    assert rival.events() == []
    assert rival.post(envelope(packing(story))).status_code == 400
    for path in ("/events", "/document", f"/capture/{new_id()}"):
        assert scene.visitor().open(f"{HERE}{path}").status_code == 401
        assert scene.visitor().open(f"{HERE}{path}", headers={"Authorization": "Bearer A"}).status_code == 401
    assert scene.visitor().open(f"{HERE}/capture", "POST", json={}).status_code == 401
    assert rival.get(f"/capture/{new_id()}").status_code == 404


def test_what_is_packed_in_cases_is_told_case_by_case_and_page_by_page(scene, check):
    brand = scene.add_brand("packer", "9507700")
    partner = Partner(scene, brand)
    shirts = scene.add_product(brand, granularity="hybrid")
    codes = scene.issue(shirts, 3, lot="C1", contents=12)
    scene.issue(shirts, 2, lot="C2", contents=6)

    told = [event for event in partner.events() if event["type"] == "AggregationEvent"]
    paged, query = [], {"eventType": "AggregationEvent", "perPage": "2"}
    while query:
        page = partner.get("/events", **query)
        paged += page.json["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
        query = dict(parse_qsl(page.headers.get("Link", "").partition(">")[0].partition("?")[2]))

    check(partner.get("/document", perPage=1000).json)
    assert [(event["bizStep"], event["childQuantityList"][0]["quantity"]) for event in told] == [
        *[("packing", 12)] * 3, *[("packing", 6)] * 2,
    ]  # fmt: skip
    assert paged == told
    case = f"https://id.gs1.org/00/{codes.link(0).sscc}"
    (own,) = partner.events(epc=case)
    assert (own["parentID"], own["childQuantityList"][0]["epcClass"]) == (
        case, f"https://id.gs1.org/01/{shirts.gtin}/10/C1"
    )  # fmt: skip
    assert len(partner.events(epc=f"https://id.gs1.org/01/{shirts.gtin}/10/C2", eventType="AggregationEvent")) == 2
    assert partner.events(epc=f"https://id.gs1.org/01/{shirts.gtin}/21/A") == []


def test_a_page_ends_before_no_run_of_cases_however_few_each_has(scene):
    brand = scene.add_brand("boxer", "9507701")
    partner = Partner(scene, brand)
    later, shirts = (
        scene.add_product(brand, granularity="hybrid", release=release) for release in ("on-commission", "on-issue")
    )
    for lot in ("L1", "L2", "L3"):
        scene.issue(later, 1, lot=lot, contents=12)
    cases = [scene.issue(shirts, 1, lot=f"C{n}", contents=12).link(0).sscc for n in range(4)]

    paged, query = [], {"eventType": "AggregationEvent", "perPage": "1"}
    while query:
        page = partner.get("/events", **query)
        paged += page.json["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
        query = dict(parse_qsl(page.headers.get("Link", "").partition(">")[0].partition("?")[2]))

    assert [event["parentID"].rpartition("/")[2] for event in paged] == cases
