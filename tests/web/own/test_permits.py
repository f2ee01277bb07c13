"""Permits: what a platform may do with one item, and every way in which a token is refused."""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

import jwt
import pytest
from owning import letters
from scene import BASE_URL

from authsvc import evidence_keys, permits
from authsvc.core.gs1 import DigitalLink


@pytest.fixture
def ask(scene):
    client = scene.visitor().client

    def ask(act, permit, key="sale-0001", **body):
        headers = {"Idempotency-Key": key, "Accept": "application/json"}
        return client.post(
            f"/api/v1/permits/{act}", json={"permit": permit, **body}, headers=headers, base_url=BASE_URL
        )

    return ask


def give(seller, item, scope="status", days="7"):
    seller.get(f"{item}/permits")
    seller.post(f"{item}/permits", platform="Market Ltd", scope=scope, days=days)
    seller.scene.refresh()
    return re.search(r'id="permit">([^<]+)<', seller.last.text)[1]


def claims(permit):
    return json.loads(urlsafe_b64decode(permit.split(".")[1] + "=="))


def test_a_platform_reads_how_the_item_stands_and_nothing_of_its_owner(buyer, item, path, ask):
    permit = give(buyer, item)

    answer = ask("status", permit)

    assert answer.status_code == 200
    assert answer.json["item"]["serial"] == DigitalLink.parse(path).serial
    assert answer.json["item"]["warranty"] == {"from": "2026-05-31", "until": "2028-05-31"}
    assert (answer.json["item"]["owners"], answer.json["item"]["disposition"]) == (1, "active")
    assert buyer.email not in answer.text + json.dumps(claims(permit))
    assert "Last used on" in buyer.get(f"{item}/permits").text


def test_a_token_verifies_by_the_jwks_alone(scene, buyer, item):
    permit = give(buyer, item)
    published = scene.visitor().open("/.well-known/jwks.json").json["keys"]
    kid = jwt.get_unverified_header(permit)["kid"]
    key = jwt.PyJWK(next({**one, "alg": "EdDSA"} for one in published if one["kid"] == kid))

    read = jwt.decode(permit, key, algorithms=["EdDSA"], audience="Market Ltd", options={"verify_exp": False,
                      "verify_iat": False})  # fmt: skip

    assert read["scope"] == "status"


def test_a_platform_sells_for_the_owner(scene, buyer, stranger, item, path, ask):
    permit = give(buyer, item, scope="transfer")
    made = ask("offer", permit).json
    assert ask("offer", permit).json == made
    stranger.take(made["link"].removeprefix(BASE_URL), path)
    masked = ask("transfer", permit).json["buyer"]
    assert stranger.email not in masked
    assert ask("confirm", permit, buyer="x•••@y•••.com").status_code == 409

    done = ask("confirm", permit, buyer=masked)

    assert done.json["state"] == "completed"
    query = "SELECT state FROM registrations WHERE sgtin = %s ORDER BY version"
    rows = scene.rows(query, DigitalLink.parse(path).sgtin)
    assert rows == [("transferred",), ("confirmed",)]
    assert [template for template, _ in letters(scene, buyer.email)][-1] == "owner-sold"
    assert "does not own the item any more" in ask("status", permit).json["detail"]


def test_an_offer_is_withdrawn(buyer, item, ask):
    permit = give(buyer, item, scope="transfer")
    assert ask("cancel", permit).status_code == 409
    ask("offer", permit)

    assert ask("cancel", permit).json["state"] == "cancelled"


@pytest.mark.parametrize("act", ["offer", "transfer", "confirm", "cancel"])
def test_a_permit_to_look_sells_nothing(buyer, item, ask, act):
    answer = ask(act, give(buyer, item), buyer="x")

    assert (answer.status_code, answer.json["type"].rpartition("/")[2]) == (403, "permit-over")
    assert "not sell it" in answer.json["detail"]


def test_one_that_was_taken_back_or_has_ended_is_refused(buyer, item, ask, later):
    first, second = give(buyer, item), give(buyer, item, days="1")
    buyer.get(f"{item}/permits")
    revoke = next(part.partition('"')[0] for part in buyer.last.text.split('action="') if claims(first)["jti"] in part)
    buyer.post(revoke)

    assert "taken this permit back" in ask("status", first).json["detail"]
    assert ask("status", second).status_code == 200
    later(days=1)
    assert "ended on" in ask("status", second).json["detail"]


@pytest.mark.parametrize("change", [{"serial": "OTHER"}, {"scope": "transfer"}, {"exp": 9_999_999_999}])
def test_a_token_that_was_changed_is_refused(buyer, item, ask, change):
    head, _, signature = give(buyer, item).split(".")
    changed = urlsafe_b64encode(json.dumps(claims(f"{head}.{_}.{signature}") | change).encode()).rstrip(b"=").decode()

    answer = ask("status", f"{head}.{changed}.{signature}")

    assert (answer.status_code, answer.json["type"].rpartition("/")[2]) == (403, "permit-over")


def test_no_key_of_another_brand_seals_a_permit(scene, buyer, item, ask):
    said = claims(give(buyer, item))
    with scene.owner_session() as session:
        sealer = evidence_keys.get_sealer(
            session, scene.rival.id, wrapping_key=scene.rt.wrapping_key, random=scene.random, now=scene.clock()
        )
    scene.refresh()

    answer = ask("status", sealer.sign(json.dumps(said).encode(), permits.TYPE))

    assert (answer.status_code, answer.json["type"].rpartition("/")[2]) == (403, "permit-over")


def test_other_signatures_of_the_brand_and_nonsense_are_no_permits(buyer, item, ask):
    receipt = buyer.get(f"{item}/receipt.jws").text
    for text in (receipt, "x", "a.b.c", "", 5, None):
        assert ask("status", text).status_code in {400, 403}


def test_only_the_owner_gives_one_and_of_a_firm_registration(buyer, stranger, item, batteries, watches):
    stranger.own(watches.path())
    assert stranger.get(f"{item}/permits").status_code == 404


def test_what_a_permit_says_has_to_be_chosen_and_five_hold_at_a_time(buyer, item):
    buyer.get(f"{item}/permits")
    assert buyer.post(f"{item}/permits", platform="x", scope="all", days="7").status_code == 400
    buyer.get(f"{item}/permits")
    assert buyer.post(f"{item}/permits", platform=" ", scope="status", days="7").status_code == 400
    for _ in range(5):
        give(buyer, item)
    buyer.get(f"{item}/permits")
    assert buyer.post(f"{item}/permits", platform="x", scope="status", days="7").status_code == 409
