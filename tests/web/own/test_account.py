"""The account of an owner: an address that both mailboxes agree to, an archive of all that is kept, and no passkeys."""

import io
import json
import zipfile

import pytest
from owning import Buyer, letters

from authsvc import languages, owner_passkeys
from authsvc.errors import BadInput, LinkSpent

PDF = b"%PDF-1.7\n% a receipt\n%%EOF\n"


def link(scene, person, template):
    text = next(text for name, text in reversed(letters(scene, person.email)) if name == template)
    return next(line for line in text.split() if "/own/address/" in line).partition("example.com")[2]


def want(buyer, email):
    buyer.get("/own/account")
    return buyer.post("/own/account/address", email=email)


def agree(person, path):
    person.get(path)
    return person.post(path)


@pytest.fixture
def moved(scene, buyer):
    """Return somebody else who has the mailbox of the new address."""
    return Buyer(scene, buyer.email.replace("ada", "lovelace"))


def test_an_address_changes_once_both_mailboxes_agree_and_every_session_ends(scene, watches, buyer, moved):
    item = buyer.own(watches.path(), shop="Uhren Meier")
    assert want(buyer, moved.email).status_code == 200
    old, new = link(scene, buyer, "owner-change-old"), link(scene, moved, "owner-change-new")
    assert buyer.email not in moved.get(new).text
    assert "Nothing has changed yet" in agree(moved, new).text
    assert "Uhren Meier" in buyer.get(item).text

    assert "signed out everywhere" in agree(buyer, old).text

    assert buyer.get(item).headers["Location"] == "/own/sign-in"
    for person in (buyer, moved):
        assert "owner-changed" in person.mails()
    moved.get("/own/sign-in")
    moved.post("/own/sign-in", email=moved.email)
    moved.follow("owner-sign-in")
    assert "Uhren Meier" in moved.get(item).text
    assert buyer.get(old).status_code == LinkSpent.status
    sent = len(buyer.mails())
    buyer.get("/own/sign-in")
    buyer.post("/own/sign-in", email=buyer.email)
    assert len(buyer.mails()) == sent


@pytest.mark.parametrize("side", ["owner-change-old", "owner-change-new"])
def test_one_mailbox_alone_changes_nothing(scene, watches, buyer, moved, side):
    buyer.own(watches.path())
    want(buyer, moved.email)
    person = buyer if side == "owner-change-old" else moved

    assert "Nothing has changed yet" in agree(person, link(scene, person, side)).text

    assert buyer.email in buyer.get("/own").text
    assert "owner-changed" not in buyer.mails() + moved.mails()


def test_a_later_wish_makes_the_links_of_the_first_void(scene, watches, buyer, moved):
    buyer.own(watches.path())
    want(buyer, moved.email)
    first = link(scene, moved, "owner-change-new")
    other = Buyer(scene, moved.email.replace("lovelace", "hopper"))
    want(buyer, other.email)

    assert moved.get(first).status_code == LinkSpent.status
    assert "Nothing has changed yet" in agree(other, link(scene, other, "owner-change-new")).text


def test_an_address_with_items_of_its_own_is_not_taken_over(scene, watches, buyer, moved):
    buyer.own(watches.path())
    moved.own(watches.path())
    want(buyer, moved.email)
    agree(moved, link(scene, moved, "owner-change-new"))

    answer = agree(buyer, link(scene, buyer, "owner-change-old"))

    assert answer.status_code == 409
    assert "has items of its own" in answer.text
    assert buyer.email in buyer.get("/own").text


def test_a_wish_is_refused_with_words_that_help(watches, buyer):
    buyer.own(watches.path())

    assert want(buyer, "no address").status_code == 400
    assert "Write one e-mail address" in buyer.last.text
    assert want(buyer, buyer.email.upper()).status_code == 400
    assert "that you have already" in buyer.last.text


def test_the_archive_holds_all_that_is_kept_and_nothing_of_others(scene, watches, buyer, stranger):
    item = buyer.own(watches.path(), shop="Uhren Meier", proof=(io.BytesIO(PDF), "receipt.pdf"))
    path = watches.path()
    second = buyer.own(path)
    stranger.take(buyer.offer(second, how="present"), path)
    buyer.get("/own/account")

    got = buyer.get("/own/account/export.zip")

    assert got.mimetype == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(got.data))
    document = json.loads(archive.read("my-items.json"))
    assert document["email"] == buyer.email
    assert {entry["state"] for entry in document["items"]} == {"confirmed", "transferred"}
    held = next(entry for entry in document["items"] if entry["number"] == item.rpartition("/")[2])
    assert (held["shop"], held["with_claim_code"]) == ("Uhren Meier", True)
    assert [entry["you_are"] for entry in document["transfers"]] == ["seller"]
    (file,) = document["files"]
    assert archive.read(file["file"]) == PDF
    assert stranger.email not in archive.read("my-items.json").decode()
    assert Buyer(scene, "nobody@example.com").get("/own/account/export.zip").headers["Location"] == "/own/sign-in"


def test_a_challenge_is_good_once_and_for_the_browser_that_asked(scene):
    key, now = b"k" * 32, scene.clock()
    with scene.owner_session() as session:
        asked = owner_passkeys.ask(session, "sign-in", "mine", key=key, random=scene.random, now=now)
        with pytest.raises(BadInput):
            owner_passkeys.take(session, "sign-in", "another", key=key, now=now)
        with pytest.raises(BadInput):
            owner_passkeys.take(session, "new", "mine", key=key, now=now)
        assert owner_passkeys.take(session, "sign-in", "mine", key=key, now=now) == asked
        with pytest.raises(BadInput):
            owner_passkeys.take(session, "sign-in", "mine", key=key, now=now)
        owner_passkeys.ask(session, "sign-in", "mine", key=key, random=scene.random, now=now)
        with pytest.raises(BadInput):
            owner_passkeys.take(session, "sign-in", "mine", key=key, now=now + owner_passkeys.LIVES)


def test_a_passkey_that_nobody_has_is_refused_and_a_form_of_another_site_too(buyer, watches):
    buyer.own(watches.path())
    buyer.get("/own/account")
    token = buyer.field("form_token")

    def post(path, body, **headers):
        return buyer.visitor.open(path, "POST", json=body, headers={"Accept": "application/json", **headers})

    assert post("/own/passkey/options", {}).status_code == 403
    assert post("/own/account/passkeys/options", {}, **{"X-Form-Token": token}).status_code == 200
    answer = post("/own/account/passkeys", {"answer": {"id": "AAAA"}}, **{"X-Form-Token": token})
    assert (answer.status_code, "not accepted" in answer.text) == (400, True)
    assert post("/own/passkey/options", {}, **{"X-Form-Token": token}).status_code == 200
    answer = post("/own/passkey/sign-in", {"answer": {"id": "AAAA"}}, **{"X-Form-Token": token})
    assert (answer.status_code, "not accepted" in answer.text) == (400, True)
    refused = post("/own/account/passkeys", {"answer": 1}, **{"X-Form-Token": token, "Accept-Language": "de"})
    assert refused.json["detail"] == languages.get("de").gettext(owner_passkeys.LATE)
    assert refused.json["title"] == languages.get("de").gettext(BadInput.title) != BadInput.title
    assert buyer.get("/own/account").status_code == 200
    assert buyer.post("/own/account/passkeys/AAAA/remove").status_code == 404
