"""GS1 Lightweight Messaging: the requests of the standard, and each answer that it knows."""

import re
from datetime import date

import pytest

from authsvc import messaging
from authsvc.core.verdicts import Disposition

RESPONDER, REQUESTER, DENIED = "0614141000005", "9521321000018", "4012345000009"
UUID = "21EC2020-3AEA-4069-A2DD-08002B30309D"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture(scope="module")
def packs(scene):
    """Return codes of a medicine in the lot 1A/2, whose brand answers one requester and denies another."""
    medicine = scene.add_product(name="Medicine")
    codes = scene.issue(medicine, 20, lot="1A/2", expires_on=date(2070, 2, 28))
    with scene.owner_session() as session:
        now, brand = scene.clock(), scene.halden.id
        messaging.set_service(session, brand, RESPONDER, "listed", now=now)
        messaging.set_requester(session, brand, REQUESTER, "Wholesale", is_permitted=True, now=now)
        messaging.set_requester(session, brand, DENIED, "Not them", is_permitted=False, now=now)
    return codes


@pytest.fixture
def ask(scene):
    visitor = scene.visitor(agent="vrs")

    def ask(link, lot="1A%2F2", exp="700228", headers=None, **query):
        wanted = {"exp": exp, "linkType": "verificationService", "context": "dscsaSaleableReturn",
                  "reqGLN": REQUESTER, "corrUUID": UUID, **query}  # fmt: skip
        path = f"/verify/gtin/{link.gtin}/lot/{lot}/ser/{link.serial}"
        asked = {name: value for name, value in wanted.items() if value is not None}
        return visitor.open(path, query_string=asked, headers={"Accept": "application/json", **(headers or {})})

    return ask


def data(response):
    assert response.status_code == 200, response.text
    return response.json["data"]


def test_a_pack_that_matches_is_verified_as_in_the_standards_example(scene, packs, ask):
    before = scene.fingerprint()
    response = ask(packs.link(0))

    assert response.content_type == "application/json"
    assert TIME.fullmatch(response.json["verificationTimestamp"])
    assert {name: part for name, part in response.json.items() if name != "verificationTimestamp"} == {
        "responderGLN": RESPONDER, "data": {"verified": True}, "corrUUID": UUID,
    }  # fmt: skip
    assert scene.fingerprint() == before
    assert data(ask(packs.link(0), exp="700200")) == {"verified": True}
    assert data(ask(packs.link(0), exp=None, linkType=None, context=None)) == {"verified": True}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"lot": "L2"}, "No_match_GTIN_Serial_Lot"),
        ({"exp": "700101"}, "No_match_GTIN_Serial_Expiry"),
        ({"lot": "L2", "exp": "700101"}, "No_match_GTIN_Serial_Lot_Expiry"),
    ],
)
def test_what_does_not_match_has_its_reason(packs, ask, change, reason):
    assert data(ask(packs.link(0), **change)) == {"verified": False, "verificationFailureReason": reason}


def test_a_serial_that_was_never_issued_has_its_reason(scene, packs, ask):
    nobody = type(packs.link(0)).build({"01": packs.link(0).gtin, "21": "NOSUCHSERIAL"})
    scene.forget_limits()

    assert data(ask(nobody)) == {"verified": False, "verificationFailureReason": "No_match_GTIN_Serial"}
    assert [ask(nobody).status_code for _ in range(31)][-1] == 429
    scene.forget_limits()


@pytest.mark.parametrize(
    ("disposition", "reason", "info"),
    [
        (Disposition.STOLEN, "Not_for_re-distribution", "Suspect"),
        (Disposition.BLOCKED, "Not_for_re-distribution", "Suspect"),
        (Disposition.DESTROYED, "No_reason_provided", None),
        (Disposition.RECALLED, "No_reason_provided", "Recalled"),
    ],
)
def test_what_is_not_to_be_sold_is_not_verified(scene, packs, ask, disposition, reason, info):
    link = packs.link(next(packs.fresh) + 1)
    scene.set_disposition(link, disposition)
    plain = {"verified": False, "verificationFailureReason": "No_reason_provided"}

    assert data(ask(link)) == plain | ({"additionalInfo": "recalled"} if info == "Recalled" else {})
    told = data(ask(link, headers={"GS1US-Version": "1.3.0"}))
    assert (told["verificationFailureReason"], told.get("additionalInfo")) == (reason, info)


def test_a_recalled_lot_and_an_expired_one_are_told(scene, ask, packs):
    recalled = scene.add_product()
    codes = scene.issue(recalled, 1, lot="R1", expires_on=date(2070, 2, 28))
    scene.recall(recalled, lot="R1")
    old = scene.issue(scene.add_product(), 1, lot="OLD", expires_on=date(2020, 1, 31))
    us = {"GS1US-Version": "1.3.0"}

    assert data(ask(codes.link(0), lot="R1"))["additionalInfo"] == "recalled"
    assert data(ask(old.link(0), lot="OLD", exp="200131")) == {
        "verified": False, "verificationFailureReason": "No_reason_provided",
    }  # fmt: skip
    assert data(ask(old.link(0), lot="OLD", exp="200131", headers=us))["additionalInfo"] == "Expired"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"reqGLN": "9521321000025"}, 401), ({"reqGLN": None}, 401), ({"reqGLN": "x"}, 401), ({"reqGLN": DENIED}, 403),
        ({"linkType": "pip"}, 400), ({"context": "other"}, 400), ({"exp": "991332"}, 400), ({"exp": "2099"}, 400),
        ({"corrUUID": "1"}, 400), ({"lot": "A" * 21}, 400),
    ],
)  # fmt: skip
def test_a_request_that_is_not_to_be_answered_is_refused(packs, ask, change, status):
    assert ask(packs.link(0), **change).status_code == status


def test_connectivity(scene, packs):
    visitor = scene.visitor(agent="vrs")
    gtin, theirs = packs.link(0).gtin, scene.add_product(scene.rival).gtin

    def check(gtin, gln):
        return visitor.open(
            "/checkConnectivity", query_string={"gtin": gtin, "reqGLN": gln, "context": "dscsaSaleableReturn"}
        )

    assert check(gtin, REQUESTER).json == {"responderGLN": RESPONDER}
    assert [check(gtin, gln).status_code for gln in ("9521321000025", DENIED)] == [401, 403]
    assert check(theirs, REQUESTER).status_code == 404
    assert check("123", REQUESTER).status_code == 400


def test_a_code_leads_to_its_verification_service(scene, packs):
    link = packs.link(0)
    path = f"/01/{link.gtin}/10/1A%2F2/21/{link.serial}?17=700228&linkType=verificationService"
    visitor = scene.visitor(agent="vrs")
    led = visitor.open(f"{path}&reqGLN={REQUESTER}&corrUUID={UUID}", headers={"Accept": "application/json"})
    told = visitor.open(led.location.removeprefix(scene.config.base_url))

    assert led.status_code == 307
    assert led.location.startswith(
        f"{scene.config.base_url}/verify/gtin/{link.gtin}/lot/1A%2F2/ser/{link.serial}?exp=700228&"
    )
    assert (told.json["data"], told.json["corrUUID"]) == ({"verified": True}, UUID)


def test_a_brand_that_answers_all_answers_any_gln(scene, packs, ask):
    with scene.owner_session() as session:
        messaging.set_service(session, scene.halden.id, RESPONDER, "all", now=scene.clock())

    assert data(ask(packs.link(0), reqGLN="9521321000025")) == {"verified": True}
    assert ask(packs.link(0), reqGLN="9521321000026").status_code == 401
    assert ask(packs.link(0), reqGLN=DENIED).status_code == 403
    assert len(ask(packs.link(0), corrUUID=None).json["corrUUID"]) == 36
