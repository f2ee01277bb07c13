"""Error declarations of EPCIS: from whoever captured the event, or from the brand, and from nobody else."""

import pytest
from programs import make_key
from telling import envelope, packing

from authsvc.runtime import new_id

HERE = "/api/v1/epcis"
ERROR = {"declarationTime": "2026-06-01T12:00:00Z", "reason": "did_not_occur"}


class Sender:
    """A program with a key of its own, which may do what *scopes* say."""

    def __init__(self, scene, *scopes):
        self.visitor = scene.visitor(agent="partner")
        self.key = make_key(scene, scene.halden, *scopes, name="Carrier").text

    def post(self, *told):
        return self.visitor.open(
            f"{HERE}/capture", "POST", json=envelope(*told), headers={"Authorization": f"Bearer {self.key}"}
        )

    def told(self):
        found = self.visitor.open(f"{HERE}/document?perPage=1000", headers={"Authorization": f"Bearer {self.key}"})
        return found.json["epcisBody"]["eventList"]


@pytest.fixture(scope="module")
def story(scene):
    return scene.issue(scene.add_product(), 5, lot="E1")


@pytest.fixture(scope="module")
def author(scene):
    return Sender(scene, "epcis:capture")


@pytest.fixture(scope="module")
def other(scene):
    """Another partner, whose key has the very same name."""
    return Sender(scene, "epcis:capture", "epcis:read")


@pytest.fixture(scope="module")
def brand(scene):
    return Sender(scene, "epcis:capture", "epcis:read", "items:write")


def numbered(story, **values):
    return packing(story, eventID=f"urn:uuid:{new_id()}", **values)


def test_whoever_captured_an_event_declares_it_an_error_and_nobody_else_does(story, author, other):
    event = numbered(story)
    assert author.post(event).status_code == 202
    assert other.post(event).json["authsvc:known"] == 1  # which makes nobody its author

    refused = other.post(numbered(story), {**event, "errorDeclaration": ERROR})

    assert refused.status_code == 403
    assert refused.json["detail"] == (
        "Event 2 declares an error in an event that this key has not captured. Only the key that captured it or the "
        "brand does so; ask the brand."
    )
    assert [author.post({**event, "errorDeclaration": ERROR}).json["authsvc:added"] for _ in range(2)] == [1, 0]


def test_a_refused_document_keeps_nothing(scene, story, other):
    before = scene.row("SELECT count(*) FROM epcis_events")
    other.post(numbered(story), numbered(story, errorDeclaration=ERROR))

    assert scene.row("SELECT count(*) FROM epcis_events") == before


def test_the_brand_declares_what_any_partner_captured_an_error(story, author, brand):
    event = numbered(story)
    author.post(event)

    assert brand.post({**event, "errorDeclaration": ERROR}).status_code == 202


def test_an_event_and_its_error_come_in_one_document_in_any_order(story, author):
    event = numbered(story)

    assert author.post({**event, "errorDeclaration": ERROR}, event).json["authsvc:added"] == 2


def test_an_error_without_a_number_belongs_to_the_event_that_says_the_same(story, author, other, brand):
    event = packing(story, eventTime="2026-04-01T08:00:00Z")
    author.post(event)

    assert other.post({**event, "errorDeclaration": ERROR}).status_code == 403
    assert author.post({**event, "errorDeclaration": ERROR}).status_code == 202
    numbers = {each["eventID"] for each in brand.told() if each["eventTime"] == event["eventTime"]}
    assert len(numbers) == 1


def test_no_partner_becomes_the_author_of_what_the_brand_tells(story, other, brand):
    fact = next(each for each in other.told() if each["eventID"].startswith("ni:") and "ilmd" in each)
    fact = {name: part for name, part in fact.items() if name not in {"recordTime", "ilmd"}}
    assert other.post(fact).status_code == 202

    refused = other.post({**fact, "errorDeclaration": ERROR})

    assert refused.status_code == 403
    assert "Only the brand declares such an event an error; ask the brand." in refused.json["detail"]
    assert brand.post({**fact, "errorDeclaration": ERROR}).status_code == 202


def test_what_is_in_no_log_is_nobodys(scene, story, author, brand):
    event = numbered(story)
    author.post(event)
    scene.admin.execute("UPDATE epcis_events SET recorded_by_id = NULL WHERE event_id = %s", (event["eventID"],))

    assert author.post({**event, "errorDeclaration": ERROR}).status_code == 403
    assert brand.post({**event, "errorDeclaration": ERROR}).status_code == 202
