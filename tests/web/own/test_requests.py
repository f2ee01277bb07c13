"""Bought used although it has an owner, and the mailbox is lost: what each side learns, how it ends, and its limits."""

import pytest
from owning import Buyer, letters, link_in, recover

from authsvc.core.gs1 import DigitalLink
from authsvc.errors import LinkSpent


@pytest.fixture
def owned(watches, buyer):
    """Return path and page of an item that the buyer owns."""
    path = watches.path()
    return path, buyer.own(path, purchased_on="2026-05-31")


def ask(person, path):
    page = person.scan(path).replace("/register/", "/ask/")
    person.get(page)
    return person.post(page, email=person.email)


def asked(person, path):
    assert ask(person, path).status_code == 200, person.last.text
    assert person.follow("owner-ask-confirm").status_code == 200, person.last.text


def request_of(scene, path, kind="used"):
    return scene.row(
        "SELECT id, state FROM owner_requests WHERE sgtin = %s AND kind = %s ORDER BY created_at DESC LIMIT 1",
        DigitalLink.parse(path).sgtin, kind,
    )  # fmt: skip


def text_of(scene, person, template):
    return next(text for name, text in reversed(letters(scene, person.email)) if name == template)


def states(scene, path):
    return [
        state
        for (state,) in scene.rows(
            "SELECT state FROM registrations WHERE sgtin = %s ORDER BY version", DigitalLink.parse(path).sgtin
        )
    ]


def test_the_owner_is_asked_and_neither_side_sees_the_other(scene, owned, buyer, stranger):
    path, page = owned
    register = stranger.scan(path)
    assert register.replace("/register/", "/ask/") in stranger.get(register).text
    asked(stranger, path)

    said = stranger.last.text + text_of(scene, buyer, "owner-asked") + buyer.get(page).text

    assert "Somebody has it and asks for it" in said
    assert stranger.email not in text_of(scene, buyer, "owner-asked") + buyer.last.text
    assert buyer.email not in stranger.last.text
    assert all(buyer.email not in text for _, text in letters(scene, stranger.email))
    asked(stranger, path)
    assert scene.row("SELECT count(*) FROM owner_requests WHERE sgtin = %s", DigitalLink.parse(path).sgtin) == (1,)


def test_the_owner_offers_it_and_the_transfer_goes_its_way(scene, owned, buyer, stranger):
    path, page = owned
    asked(stranger, path)
    number, _ = request_of(scene, path)
    buyer.get(page)
    assert buyer.post(f"/own/requests/{number}/offer").status_code == 303

    offer = link_in(("", text_of(scene, stranger, "owner-ask-answered")))
    stranger.take(offer, path)
    transfer = stranger.last.headers["Location"]
    buyer.get(page)
    buyer.get(transfer)
    assert buyer.post(f"{transfer}/confirm", buyer=buyer.field("buyer")).status_code == 303

    assert states(scene, path) == ["transferred", "confirmed"]
    assert request_of(scene, path)[1] == "offered"


def test_the_owner_gives_it_up_and_who_asked_registers_it(scene, owned, buyer, stranger):
    path, page = owned
    asked(stranger, path)
    number, _ = request_of(scene, path)
    buyer.get(page)
    assert buyer.post(f"/own/requests/{number}/release").status_code == 400
    assert "Tick the box" in buyer.last.text
    assert buyer.post(f"/own/requests/{number}/release", sure="yes").status_code == 303

    assert "no longer has it" in text_of(scene, stranger, "owner-ask-answered")
    assert (states(scene, path), request_of(scene, path)[1]) == (["released"], "released")


def test_a_theft_ends_the_request_and_says_no_more_than_the_code(scene, owned, buyer, stranger):
    path, page = owned
    asked(stranger, path)
    buyer.get(page)
    buyer.post(f"{page}/condition", condition="stolen", reason="Police 4711")

    said = text_of(scene, stranger, "owner-ask-answered")
    assert "Check the code again" in said
    assert "4711" not in said
    assert request_of(scene, path)[1] == "reported"
    assert stranger.visitor.check(path)["reason"] == "stolen"
    assert ask(stranger, path).status_code == 409


def test_nobody_but_the_owner_answers_and_silence_tells_nothing(scene, watches, owned, buyer, stranger):
    path, page = owned
    asked(stranger, path)
    number, _ = request_of(scene, path)
    before = stranger.mails()
    other = Buyer(scene, "owner-of-another@example.com")
    other.get(other.own(watches.path()))
    for act in ("offer", "release", "ignore"):
        assert other.post(f"/own/requests/{number}/{act}", sure="yes").status_code == 404
        other.get("/own")
    assert request_of(scene, path)[1] == "waiting"
    buyer.get(page)

    assert buyer.post(f"/own/requests/{number}/ignore").status_code == 303

    assert request_of(scene, path)[1] == "ignored"
    assert stranger.mails() == before


def test_requests_about_one_item_are_counted_and_lock_nobody_out(scene, owned, buyer):
    path, page = owned
    answers = []
    for n in range(5):
        person = Buyer(scene, f"asker{n}@example.com")
        answers.append(ask(person, path).status_code)

    assert answers == [200, 200, 200, 429, 429]
    assert buyer.get(page).status_code == 200


def test_a_lost_mailbox_waits_for_the_old_address_which_stops_it(scene, owned, buyer, stranger):
    path, _ = owned
    register = stranger.scan(path)
    assert register.replace("/register/", "/recover/") in stranger.get(register).text
    assert recover(stranger, path, code="AAAA-AAAA").status_code == 400
    assert recover(stranger, path).status_code == 303
    assert "You asked to move Meridian 38" in stranger.get("/own").text
    notice = text_of(scene, buyer, "owner-recover-notice")
    assert stranger.email not in notice
    other = Buyer(scene, "second@example.com")
    assert recover(other, path).status_code == 409
    assert "being looked into" in other.last.text
    facts = scene.row("SELECT count(*) FROM item_facts WHERE kind = 'claimed'")[0]

    anybody = Buyer(scene, buyer.email)
    link = link_in(("", notice))
    assert "Is it still yours?" in anybody.get(link).text
    assert request_of(scene, path, "mailbox")[1] == "waiting"
    assert "It stays yours" in anybody.post(link).text

    assert request_of(scene, path, "mailbox")[1] == "stopped"
    assert "says that it is theirs" in text_of(scene, stranger, "owner-recover-decided")
    # Two people have the code, and the clone rules know.
    assert scene.row("SELECT count(*) FROM item_facts WHERE kind = 'claimed'")[0] == facts + 1
    assert anybody.get(link).status_code == LinkSpent.status
    assert states(scene, path) == ["confirmed"]


def test_the_owner_who_is_signed_in_stops_it_too_and_nobody_else(scene, owned, buyer, stranger):
    path, page = owned
    recover(stranger, path)
    number, _ = request_of(scene, path, "mailbox")
    stranger.get("/own")
    assert stranger.post(f"/own/requests/{number}/stop").status_code == 404
    assert "Somebody says that it is theirs" in buyer.get(page).text

    assert buyer.post(f"/own/requests/{number}/stop").status_code == 303

    assert request_of(scene, path, "mailbox")[1] == "stopped"


def test_a_code_that_is_wrong_too_often_is_not_looked_at_and_the_owner_stays(scene, owned, stranger, buyer):
    path, page = owned
    answers = [recover(stranger, path, code="AAAA-AAAA").status_code for _ in range(6)]

    assert answers == [400] * 5 + [429]
    assert buyer.get(page).status_code == 200
    assert states(scene, path) == ["confirmed"]
