"""Trade-ins by a program of a dealer: the very deals of its page, by the key of its till."""

import re

import pytest
from dealing import Shop
from owning import letters
from scene import BASE_URL

from authsvc.core.gs1 import DigitalLink
from authsvc.owner_attempts import TRANSFER_CODE_OF_DEALER

HERE = "/api/v1/dealer/trade-ins"


@pytest.fixture
def shop(scene):
    made = Shop(scene).sign_in()
    made.make_key()
    return made


@pytest.fixture
def path(watches):
    return watches.path()


@pytest.fixture
def offer(buyer, path):
    """Return the path of an offer of a watch that ``buyer`` owns."""
    return buyer.offer(buyer.own(path, purchased_on="2026-05-31"))


def code_of(offer):
    return offer.rpartition("/")[2]


def take(shop, *offers, **rest):
    return shop.call("POST", HERE, {"offers": list(offers), **rest})


def held(scene, path):
    return scene.rows("SELECT state FROM dealer_items WHERE sgtin = %s", DigitalLink.parse(path).sgtin)


def test_offers_are_answered_one_by_one_and_an_owner_in_the_shop_has_confirmed(
    scene, shop, offer, stranger, path, watches
):
    other = watches.path()
    present = code_of(stranger.offer(stranger.own(other), how="present"))

    answer = take(shop, f"{BASE_URL}{offer}?lang=de", f" {present.lower()} ", "7K3M-9QX2-V4TD-1RZ8", "12")

    assert (answer.status_code, answer.json["accepted"]) == (200, 2)
    rows = answer.json["rows"]
    assert [row["line"] for row in rows] == [1, 2, 3, 4]
    assert [row["trade_in"] and row["trade_in"]["state"] for row in rows] == ["accepted", "completed", None, None]
    assert [row["fault"] and row["fault"]["code"] for row in rows] == [None, None, *["wrong-transfer-code"] * 2]
    assert rows[3]["fault"]["detail"].startswith("A transfer code has 16 letters")
    first = rows[0]["trade_in"]
    assert DigitalLink.parse(path).sgtin == f"{first['gtin']}.{first['serial']}"
    assert (held(scene, path), held(scene, other)) == ([], [("held",)])
    assert [one["id"] for one in shop.call("GET", HERE).json["trade_ins"]] == [first["id"]]
    assert "@" not in answer.text


def test_what_is_sent_again_is_done_already_and_the_owner_is_told_once(scene, shop, buyer, offer, path):
    before = take(shop, code_of(offer), dry_run=True).json
    assert (before["accepted"], before["rows"][0]["trade_in"]["state"]) == (0, "accepted")
    assert shop.call("GET", HERE).json == {"trade_ins": []}
    assert "owner-accepted" not in buyer.mails()

    first, again = (take(shop, code_of(offer)).json for _ in range(2))

    assert first == again
    assert buyer.mails().count("owner-accepted") == 1
    text = next(text for name, text in reversed(letters(scene, buyer.email)) if name == "owner-accepted")
    assert shop.name in text
    page = re.search(r"(/own/transfers/\S+)", text)[1]
    buyer.get(page)
    buyer.post(f"{page}/confirm", buyer=buyer.field("buyer"))
    done = shop.call("GET", f"{HERE}/{first['rows'][0]['trade_in']['id']}").json
    assert (done["state"], held(scene, path)) == ("completed", [("held",)])
    assert done["dispute_until"] > done["completed_at"]
    assert shop.call("GET", HERE).json == {"trade_ins": []}


def test_a_program_steps_back_once_and_not_from_what_is_done(scene, shop, buyer, stranger, offer, watches):
    number = take(shop, code_of(offer)).json["rows"][0]["trade_in"]["id"]

    answers = [shop.call("POST", f"{HERE}/{number}/decline").json["state"] for _ in range(2)]

    assert answers == ["declined"] * 2
    assert buyer.mails().count("owner-offer-ended") == 1
    over = take(shop, code_of(offer)).json["rows"][0]["fault"]
    assert (over["code"], over["detail"][:40]) == ("transfer-over", "The buyer has taken back their acceptanc")
    done = code_of(stranger.offer(stranger.own(watches.path()), how="present"))
    number = take(shop, done).json["rows"][0]["trade_in"]["id"]
    refused = shop.call("POST", f"{HERE}/{number}/decline")
    assert (refused.status_code, refused.json["title"]) == (409, "This offer is over")


def test_a_dealer_sees_and_ends_nothing_of_another_dealer_or_brand(scene, shop, offer):
    number = take(shop, code_of(offer)).json["rows"][0]["trade_in"]["id"]
    for other in (Shop(scene), Shop(scene, brand=scene.rival)):
        other.sign_in().make_key()
        assert other.call("GET", HERE).json == {"trade_ins": []}
        assert other.call("GET", f"{HERE}/{number}").status_code == 404
        assert other.call("POST", f"{HERE}/{number}/decline").status_code == 404
        assert take(other, code_of(offer)).json["accepted"] == 0

    assert shop.call("GET", f"{HERE}/{number}").json["state"] == "accepted"
    assert {shop.call(method, HERE, {}, key="adk_none").status_code for method in ("GET", "POST")} == {401}


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 400), ({"offers": []}, 400), ({"offers": [5]}, 400), ({"offers": [""]}, 400), ({"offers": ["x" * 201]}, 400),
     ({"offers": "7K3M-9QX2-V4TD-1RZ8"}, 400), ({"offers": ["x"], "dry_run": 1}, 400), ({"offers": ["x"] * 101}, 413)],
)  # fmt: skip
def test_bodies_are_read_strictly(shop, body, status):
    answer = shop.call("POST", HERE, body)

    assert answer.status_code == status
    assert answer.json["detail"].endswith(".")


def test_guessed_codes_are_counted_for_the_page_and_the_programs_of_a_dealer_together(scene, shop, buyer, offer):
    scene.forget_limits()
    take(shop, *(f"{number:016d}" for number in range(TRANSFER_CODE_OF_DEALER.most)))

    refused = take(shop, code_of(offer))

    assert refused.json["rows"][0]["fault"]["code"] == "too-many-requests"
    assert "codes that do not match were tried" in refused.json["rows"][0]["fault"]["detail"]
    shop.get("/own/dealer")
    shop.post("/own/dealer/take", offers=code_of(offer))
    assert "codes that do not match were tried" in shop.faults()[0]
    assert "owner-accepted" not in buyer.mails()
    scene.forget_limits()
