"""Passing an item on: offered, accepted with the item in hand, confirmed; and every way in which it ends otherwise."""

import re
from dataclasses import replace
from datetime import timedelta

import psycopg
from histories import NOW, copies
from owning import claim_code, confirm, holders, letters

from authsvc import retention
from authsvc.core import clones
from authsvc.core.clones import FactKind
from authsvc.core.gs1 import DigitalLink
from authsvc.investigations import Subject, weighing

# --- The way ---------------------------------------------------------------------------------------------------------


def test_an_item_passes_to_the_buyer_with_its_warranty_and_both_are_told(scene, seller, stranger, item, path):
    offer = seller.offer(item)
    stranger.take(offer, path)
    assert holders(scene, path) == [(1, "confirmed", "2028-05-31")]
    assert confirm(seller, stranger).status_code == 303
    seller.get(seller.last.headers["Location"])

    assert seller.title() == "You have handed it over"
    assert holders(scene, path) == [(1, "transferred", "2028-05-31"), (2, "confirmed", "2028-05-31")]
    assert seller.mails()[-2:] == ["owner-accepted", "owner-sold"]
    assert stranger.mails() == ["owner-take", "owner-bought"]
    assert seller.get(item).status_code == 404
    stranger.get("/own")
    assert "Meridian 38" in stranger.last.text


def test_the_seller_sees_the_recipient_masked_and_the_buyer_sees_no_serial_number(scene, seller, stranger, item, path):
    offer = seller.offer(item)
    stranger.get(offer)
    serial = DigitalLink.parse(path).serial
    assert serial not in stranger.last.text.replace(" ", "")
    stranger.take(offer, path)
    seller.get(f"{item}/sell")
    seller.get(seller.last.headers["Location"])

    assert stranger.email not in seller.last.text
    assert f"{stranger.email[0]}•••@e•••.com" in seller.last.text
    assert seller.email not in stranger.get(stranger.last.headers["Location"]).text


def test_in_the_presence_of_the_buyer_accepting_completes_it_and_the_page_says_so(scene, seller, stranger, item, path):
    offer = seller.offer(item, how="present")
    assert "You are not asked again" in seller.last.text
    stranger.get(offer)
    assert "It completes at once" in stranger.last.text

    stranger.take(offer, path)

    assert stranger.get(stranger.last.headers["Location"]).status_code == 200
    assert stranger.title() == "It is yours now"
    assert [state for _, state, _ in holders(scene, path)] == ["transferred", "confirmed"]


def test_an_offer_in_presence_is_good_for_ten_minutes(scene, seller, stranger, item, path, later):
    offer = seller.offer(item, how="present")
    later(minutes=10, seconds=1)

    answer = stranger.ask_for(offer, path)

    assert answer.status_code == 409
    assert "expired" in answer.text


def test_the_number_on_the_label_shows_the_item_too(scene, seller, stranger, item, path):
    offer = seller.offer(item)
    serial = DigitalLink.parse(path).serial

    assert stranger.ask_for(offer).status_code == 400
    assert "Scan the label" in stranger.last.text
    assert stranger.ask_for(offer, item=serial.lower()).status_code == 200
    assert stranger.mails() == ["owner-take"]


def test_an_owner_who_is_signed_in_accepts_without_a_mail(scene, seller, stranger, item, path, watches):
    stranger.own(watches.path())
    offer = seller.offer(item)

    stranger.visitor.scan(path)
    stranger.get(offer)
    assert stranger.email in stranger.last.text
    stranger.post(offer, key=stranger.field("key"))

    assert stranger.last.headers["Location"].startswith("/own/transfers/")
    assert "owner-take" not in stranger.mails()
    assert confirm(seller, stranger).status_code == 303


def test_the_clone_rules_hear_of_it_with_the_browser_of_the_buyer(scene, seller, stranger, item, path):
    offer = seller.offer(item)
    stranger.take(offer, path)
    confirm(seller, stranger)

    sgtin = DigitalLink.parse(path).sgtin
    kinds = scene.rows("SELECT kind, visitor IS NOT NULL FROM item_facts WHERE sgtin = %s ORDER BY at, id", sgtin)
    assert ("offered", False) in kinds
    assert ("transferred", True) in kinds
    seen = scene.row("SELECT visitor FROM item_facts WHERE sgtin = %s AND kind = 'transferred'", sgtin)[0]
    assert (seen,) in scene.rows("SELECT visitor FROM sightings WHERE sgtin = %s", sgtin)


def test_the_clone_score_takes_the_buyer_for_the_owner_from_then_on(scene, seller, stranger, item, path):
    stranger.take(seller.offer(item, how="present"), path)
    link = DigitalLink.parse(path)
    with scene.owner_session() as session:
        judged = weighing.weigh(session, Subject.of(scene.rt.held, link.gtin, link.serial))

    (moved,) = (fact for fact in judged.history.facts if fact.kind is FactKind.TRANSFERRED)
    assert moved.visitor in {seen.visitor for seen in judged.history.sightings}
    assert scene.row("SELECT visitor, country FROM transfers WHERE sgtin = %s", link.sgtin) == (None, None)
    later = tuple(replace(each, first_at=scene.clock() + (each.first_at - NOW)) for each in copies(6))
    # A brand that keeps records of sale lets the rules hear of what owners do.
    history = replace(judged.history, sightings=judged.history.sightings + later, has_lifecycle=True)
    as_if_not = replace(history, facts=tuple(fact for fact in history.facts if fact is not moved))
    assert clones.examine(history).score < clones.examine(as_if_not).score


def test_an_act_that_is_refused_leaves_no_fact_and_no_mail(scene, seller, stranger, item, path):
    offer = seller.offer(item, how="present")
    stranger.ask_for(offer, path)
    link = re.search(r"(/own/take/confirm/\S+)", letters(scene, stranger.email)[-1][1])[1]
    stranger.get(link)
    key = stranger.field("key")
    scene.admin.execute(
        "UPDATE registrations SET state = 'released', ended_at = now() WHERE sgtin = %s",
        (DigitalLink.parse(path).sgtin,),
    )
    before = seller.mails()

    assert stranger.post(link, key=key).status_code == 409
    assert "does not own this item any more" in stranger.last.text
    facts = "SELECT 1 FROM item_facts WHERE sgtin = %s AND kind = 'transferred'"
    assert scene.rows(facts, DigitalLink.parse(path).sgtin) == []
    assert seller.mails() == before


# --- Twice -----------------------------------------------------------------------------------------------------------


def test_a_form_that_is_sent_twice_makes_one_offer(scene, seller, item, path):
    seller.get(f"{item}/sell")
    key, token = seller.field("key"), seller.field("form_token")
    for _ in range(2):
        assert seller.post(f"{item}/offer", token=token, how="link", key=key).status_code == 303

    assert scene.rows("SELECT state FROM transfers WHERE sgtin = %s", DigitalLink.parse(path).sgtin) == [("offered",)]


def test_accepting_twice_is_answered_twice_alike(scene, seller, stranger, item, path, later):
    offer = seller.offer(item)
    stranger.take(offer, path)
    (link, key), first = stranger.sent, stranger.last.headers["Location"]
    stranger.get("/own/take")

    second = stranger.post(link, key=key)

    assert (second.status_code, second.headers["Location"]) == (303, first)
    assert seller.mails().count("owner-accepted") == 1
    stranger.get("/own/take")
    assert stranger.post(link, key="A" * 22).status_code == 409
    later(minutes=11)
    stranger.get("/own/take")
    assert stranger.post(link, key=key).status_code == 409


def test_confirming_twice_is_answered_twice_alike(scene, seller, stranger, item, path):
    offer = seller.offer(item)
    stranger.take(offer, path)
    seller.get(f"{item}/sell")
    page = seller.last.headers["Location"]
    seller.get(page)
    form = {"token": seller.field("form_token"), "buyer": seller.field("buyer")}
    for _ in range(2):
        assert seller.post(f"{page}/confirm", **form).status_code == 303

    assert seller.mails().count("owner-sold") == 1
    assert len(holders(scene, path)) == 2


# --- Stolen and lost -------------------------------------------------------------------------------------------------


def test_a_reported_item_is_not_offered_and_an_open_offer_ends_by_the_report(scene, seller, stranger, item, path):
    offer = seller.offer(item)
    seller.get(item)
    assert seller.post(f"{item}/condition", condition="stolen", reason="Report 4711").status_code == 303
    assert stranger.ask_for(offer, path).status_code == 409
    seller.get(f"{item}/sell")
    assert "cannot be passed on now" in seller.last.text
    seller.get("/own/take")

    assert seller.post(f"{item}/offer", how="link", key="A" * 22).status_code == 409


def test_stolen_is_not_set_between_acceptance_and_the_end_of_the_dispute_time(
    scene, seller, stranger, item, path, later
):
    stranger.take(seller.offer(item), path)
    seller.get(item)
    assert seller.post(f"{item}/condition", condition="stolen", reason="x").status_code == 409
    confirm(seller, stranger)
    scene.visitor().check(path)
    theirs = (
        f"/own/items/{scene.row('SELECT given_id FROM transfers WHERE sgtin = %s', DigitalLink.parse(path).sgtin)[0]}"
    )
    stranger.get(theirs)
    assert stranger.post(f"{theirs}/condition", condition="stolen", reason="x").status_code == 409
    stranger.get(theirs)
    assert stranger.post(f"{theirs}/release", sure="yes").status_code == 409
    later(hours=24, seconds=1)
    stranger.get("/own/sign-in")
    stranger.post("/own/sign-in", email=stranger.email)
    stranger.follow("owner-sign-in")
    stranger.get(theirs)

    assert stranger.post(f"{theirs}/condition", condition="stolen", reason="x").status_code == 303


def test_a_warning_of_copies_is_told_to_the_buyer(scene, seller, stranger, item, path):
    offer = seller.offer(item)
    scene.admin.execute("UPDATE items SET flagged_at = now() WHERE sgtin = %s", (DigitalLink.parse(path).sgtin,))

    stranger.get(offer)

    assert "may have been copied" in stranger.last.text
    assert "Do not pay yet" in stranger.last.text


def test_a_buyer_who_is_erased_gets_nothing(scene, seller, stranger, item, path):
    stranger.take(seller.offer(item), path)
    stranger.get("/own/erase")
    stranger.post("/own/erase", sure="yes")

    assert scene.rows("SELECT state FROM transfers WHERE sgtin = %s", DigitalLink.parse(path).sgtin) == [("declined",)]


def test_the_browser_of_who_accepted_in_vain_is_forgotten(scene, seller, stranger, item, path):
    stranger.take(seller.offer(item), path)
    seen = "SELECT visitor IS NULL, country IS NULL FROM transfers WHERE sgtin = %s"
    sgtin = DigitalLink.parse(path).sgtin
    assert scene.row(seen, sgtin) == (False, False)
    at = scene.clock() + timedelta(days=scene.config.keep_visitors_days + 4)

    with psycopg.connect(scene.url, autocommit=True) as connection:
        retention.run(connection, scene.config, now=at, random=scene.random)

    assert scene.row(seen, sgtin) == (True, True)


def test_the_claim_code_moves_nothing_after_a_transfer(scene, seller, stranger, item, path):
    stranger.take(seller.offer(item), path)
    confirm(seller, stranger)
    third = type(stranger)(scene, f"claimer-{path[-5:].lower()}@example.com".replace("_", "-"))

    third.apply(path, code=claim_code(scene, path))

    assert third.last.status_code == 409
