"""The dispute desk: what happened when, both sides in their own words, and three decisions that are told and noted."""

import re

import owning
import pytest
from dealing import Shop
from owning import Buyer, letters

from authsvc.staff import Role


@pytest.fixture
def disputed(scene):
    return owning.dispute(scene)


@pytest.fixture
def operator(cast):
    person = cast.add(Role.OPERATOR)
    person.sign_in()
    return person


def row(scene, transfer_id):
    return scene.row("SELECT sgtin, state, decision FROM transfers WHERE id = %s", transfer_id)


def holders(scene, transfer_id):
    return scene.rows(
        "SELECT r.state, r.owner_id = t.seller_id, r.warranty_until = first.warranty_until FROM registrations r "
        "JOIN transfers t ON t.sgtin = r.sgtin AND t.id = %s "
        "JOIN registrations first ON first.sgtin = r.sgtin AND first.version = 1 ORDER BY r.version",
        transfer_id,
    )


def decide(person, transfer_id, decision, reason="Both were heard"):
    person.get(f"/console/disputes/{transfer_id}/decide")
    return person.post(f"/console/disputes/{transfer_id}/decide", decision=decision, reason=reason)


def test_the_desk_shows_what_happened_and_what_each_side_says_and_no_address(scene, operator, disputed):
    assert "Meridian 40" in operator.get("/console/disputes").text
    page = operator.get(f"/console/disputes/{disputed}").text

    assert "I was not paid." in page
    assert "Nothing yet. They were asked by mail." in page
    for said in ("Offered by the seller", "Accepted by the buyer", "Handed over", "Disputed by the seller"):
        assert said in page
    assert not re.search(r"(seller|taker)[0-9]+@", page)
    assert "s•••@e•••.com" in page


def test_an_item_that_is_given_back_is_the_sellers_again_with_its_warranty(scene, operator, disputed):
    answer = decide(operator, disputed, "returns")

    assert answer.status_code == 303
    assert row(scene, disputed)[1:] == ("reversed", "returns")
    assert holders(scene, disputed) == [("transferred", True, True), ("reversed", False, True),
                                        ("confirmed", True, True)]  # fmt: skip
    facts = "SELECT withdrawn_at IS NOT NULL FROM item_facts WHERE sgtin = %s AND kind = 'transferred' ORDER BY at"
    assert scene.rows(facts, row(scene, disputed)[0]) == [(True,), (False,)]


def test_a_transfer_that_stands_can_be_passed_on_and_is_not_disputed_again(scene, operator, disputed):
    decide(operator, disputed, "stands")

    assert row(scene, disputed)[1:] == ("completed", "stands")
    assert [state for state, *_ in holders(scene, disputed)] == ["transferred", "confirmed"]
    assert decide(operator, disputed, "returns").status_code == 409


def test_a_blocked_code_stops_whoever_checks_it(scene, operator, disputed):
    decide(operator, disputed, "blocks", "Both are part of a fraud")

    found = scene.row("SELECT disposition, disposition_reason FROM items WHERE sgtin = %s", row(scene, disputed)[0])
    assert found == ("blocked", "Both are part of a fraud")


def test_the_decision_is_noted_and_told_to_both(scene, operator, disputed):
    decide(operator, disputed, "stands", "The bank shows the payment")

    details = scene.row(
        "SELECT details FROM audit_events WHERE act = 'transfer.decide' AND subject = %s", str(disputed)
    )[0]  # fmt: skip
    assert details["decision"] == "stands"
    assert details["reason"] == "The bank shows the payment"
    gtin = row(scene, disputed)[0][:14]
    told = [letters(scene, f"{side}{gtin}@example.com")[-1] for side in ("seller", "taker")]
    assert [template for template, _ in told] == ["owner-decided"] * 2
    assert "the transfer stands" in told[0][1]
    assert "The bank shows" not in told[0][1]


@pytest.mark.parametrize(("decision", "reason"), [("", "x"), ("stands", "  "), ("sell it", "x")])
def test_a_decision_needs_a_choice_and_a_reason(scene, operator, disputed, decision, reason):
    assert decide(operator, disputed, decision, reason).status_code == 400
    assert row(scene, disputed)[1] == "disputed"


def test_deciding_needs_a_fresh_proof_and_the_role(scene, cast, operator, disputed, later):
    analyst = cast.add(Role.ANALYST)
    analyst.sign_in()
    page = analyst.get(f"/console/disputes/{disputed}")
    assert page.status_code == 200
    assert "An operator decides" in page.text
    assert decide(analyst, disputed, "stands").status_code == 403
    later(minutes=6)
    assert decide(operator, disputed, "stands").status_code == 403

    assert row(scene, disputed)[1] == "disputed"


def test_a_rival_finds_no_dispute(scene, cast, disputed):
    rival = cast.add(Role.ADMIN, scene.rival)
    rival.sign_in()

    assert rival.get(f"/console/disputes/{disputed}").status_code == 404
    assert "Meridian 40" not in rival.get("/console/disputes").text
    assert decide(rival, disputed, "blocks").status_code == 404


def test_what_an_erased_person_said_is_gone(scene, operator, disputed):
    scene.admin.execute(
        "UPDATE owners SET email_hash = NULL, wrapped_key = NULL, sealed = NULL, erased_at = now() "
        "WHERE id = (SELECT seller_id FROM transfers WHERE id = %s)",
        (disputed,),
    )

    page = operator.get(f"/console/disputes/{disputed}").text

    assert "This person was erased" in page
    assert "I was not paid" not in page
    assert decide(operator, disputed, "returns").status_code == 409
    assert row(scene, disputed)[1] == "disputed"


def test_what_a_dealer_has_taken_over_goes_back_out_of_its_stock(scene, operator):
    product = scene.add_product(name="Meridian 41", warranty_months="24", claim="required")
    seller, shop = Buyer(scene, "trade-in@example.com"), Shop(scene).sign_in()
    offer = seller.offer(seller.own(scene.issue(product, 1).path()), how="present")
    shop.get("/own/dealer")
    shop.post("/own/dealer/take", offers=offer)
    page = re.search(r"(/own/transfers/\S+)", letters(scene, seller.email)[-1][1])[1]
    seller.get(page)
    assert seller.post(f"{page}/dispute", said="I was not paid.").status_code == 303
    transfer_id = page.rpartition("/")[2]
    assert f"{shop.name}, a dealer" in operator.get(f"/console/disputes/{transfer_id}").text

    assert decide(operator, transfer_id, "returns").status_code == 303

    assert holders(scene, transfer_id) == [("transferred", True, True), ("confirmed", True, True)]
    stock = "SELECT i.state FROM dealer_items i JOIN transfers t ON t.sgtin = i.sgtin AND t.id = %s"
    assert scene.rows(stock, transfer_id) == [("returned",)]
