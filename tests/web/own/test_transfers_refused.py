"""Offers that are not taken: ended, used, replaced, aimed at somebody else, or of an item that may not change hands."""

import re

import pytest
from owning import confirm, holders, letters

from authsvc.core.gs1 import DigitalLink


def test_a_new_offer_voids_the_old_one(scene, seller, stranger, item, path):
    old = seller.offer(item)
    new = seller.offer(item)

    assert stranger.ask_for(old, path).status_code == 409
    assert "Ask for the new link" in stranger.last.text
    assert stranger.ask_for(new).status_code == 200


def test_an_offer_is_good_for_72_hours_and_its_owner_sees_the_end(scene, seller, stranger, item, path, later):
    offer = seller.offer(item)
    later(hours=72, seconds=1)
    assert stranger.ask_for(offer, path).status_code == 409

    seller.get("/own/sign-in")
    seller.post("/own/sign-in", email=seller.email)
    seller.follow("owner-sign-in")
    assert "Make an offer" in seller.get(f"{item}/sell").text


def test_a_link_of_an_expired_offer_accepts_nothing(scene, seller, stranger, item, path, later):
    offer = seller.offer(item, how="present")
    stranger.ask_for(offer, path)
    later(minutes=11)
    link = re.search(r"(/own/take/confirm/\S+)", letters(scene, stranger.email)[-1][1])[1]

    assert stranger.get(link).status_code == 409
    assert len(holders(scene, path)) == 1


def test_a_used_code_is_refused(scene, seller, stranger, item, path):
    offer = seller.offer(item)
    stranger.take(offer, path)
    confirm(seller, stranger)
    third = type(stranger)(scene, f"third-{path[-5:].lower()}@example.com".replace("_", "-"))

    assert third.ask_for(offer, path).status_code == 409
    assert "was used" in third.last.text


def test_an_offer_that_somebody_has_accepted_sends_no_mail_to_another(scene, seller, stranger, item, path):
    offer = seller.offer(item)
    third = type(stranger)(scene, f"late-{path[-5:].lower()}@example.com".replace("_", "-"))
    third.visitor.scan(path)
    third.get(offer)
    key, token = third.field("key"), third.field("form_token")
    stranger.take(offer, path)

    assert third.post(offer, token=token, key=key, email=third.email).status_code == 409
    assert "Somebody has accepted it already" in third.last.text
    assert third.mails() == []


def test_a_code_of_no_offer_is_refused_and_counted_and_a_right_one_is_not(scene, seller, stranger, item):
    offer = seller.offer(item)
    for _ in range(10):
        assert stranger.get("/own/take/0000000000000000").status_code == 400
        assert "There is no offer" in stranger.last.text
    assert stranger.get(offer).status_code == 429
    assert "not locked" in stranger.last.text

    for _ in range(12):
        assert seller.get(offer).status_code == 200


def test_no_code_is_looked_at_where_nothing_can_be_counted(scene, seller, stranger, item):
    offer = seller.offer(item)
    scene.admin.execute("ALTER TABLE owner_attempts RENAME TO away")
    try:
        stranger.get(offer)
    finally:
        scene.admin.execute("ALTER TABLE away RENAME TO owner_attempts")

    assert stranger.last.status_code >= 500


@pytest.mark.parametrize("of", ["another item", "another brand"])
def test_another_item_in_hand_is_refused_in_words(scene, seller, stranger, item, path, watches, of):
    offer = seller.offer(item)
    other = watches.path()
    if of == "another brand":
        other = scene.issue(scene.add_product(scene.rival, name="Rival watch")).path()

    answer = stranger.ask_for(offer, other, item=other)

    assert answer.status_code == 400
    assert "do not pay" in answer.text
    assert stranger.mails() == []


def test_the_recipient_who_was_not_shown_is_not_confirmed(scene, seller, stranger, item, path):
    offer = seller.offer(item)
    stranger.take(offer, path)
    seller.get(f"{item}/sell")
    page = seller.last.headers["Location"]
    seller.get(page)

    answer = seller.post(f"{page}/confirm", buyer="00000000-0000-4000-8000-000000000000")

    assert answer.status_code == 409
    assert "Look at who it is" in answer.text
    assert len(holders(scene, path)) == 1


def test_nobody_but_the_seller_confirms_and_nobody_else_sees_a_transfer(scene, seller, stranger, item, path, watches):
    offer = seller.offer(item)
    stranger.take(offer, path)
    page = stranger.last.headers["Location"]
    buyer_id = scene.row("SELECT buyer_id FROM transfers WHERE sgtin = %s", DigitalLink.parse(path).sgtin)[0]
    third = type(stranger)(scene, f"other-{path[-5:].lower()}@example.com".replace("_", "-"))
    third.own(watches.path())

    assert third.get(page).status_code == 404
    stranger.get("/own")
    assert stranger.post(f"{page}/confirm", buyer=str(buyer_id)).status_code == 404
    assert len(holders(scene, path)) == 1


def test_the_seller_does_not_take_their_own_offer(scene, seller, item, path):
    offer = seller.offer(item)

    assert "your own offer" in seller.get(offer).text
    seller.get("/own/take")
    assert seller.post(offer, key="A" * 22, item=DigitalLink.parse(path).serial).status_code == 409


def test_either_side_steps_back_and_the_other_is_told(scene, seller, stranger, item, path):
    stranger.take(seller.offer(item), path)
    page = stranger.last.headers["Location"]
    stranger.get(page)
    assert stranger.post(f"{page}/decline").status_code == 303
    assert seller.mails()[-1] == "owner-offer-ended"

    stranger.take(seller.offer(item), path)
    seller.get(f"{item}/sell")
    page = seller.last.headers["Location"]
    seller.get(page)
    seller.post(f"{page}/cancel")
    assert stranger.mails()[-1] == "owner-offer-ended"
    assert seller.post(f"{page}/confirm", token="x").status_code == 403
    assert len(holders(scene, path)) == 1
