"""A seller's proof: checked by anybody for a quarter of an hour, worth nothing after it, and no way to the item."""

import json
import re
import subprocess

import jwt
import pytest
from owning import Buyer

from authsvc.core.gs1 import DigitalLink


@pytest.fixture
def path(watches):
    return watches.path()


@pytest.fixture
def item(buyer, path):
    return buyer.own(path)


@pytest.fixture
def proof(buyer, item):
    """Return the path of a proof that the owner has made."""
    return make(buyer, item)


def make(owner, item):
    owner.get(item)
    page = owner.post(f"{item}/proof")
    assert page.status_code == 200, page.text
    return re.search(r"(/check/proof/[A-Za-z0-9_-]{43})<", page.text)[1]


def said(page):
    return " ".join(re.sub(r"<[^>]+>", " ", page.text).split())


def test_anybody_sees_that_the_owner_made_it_and_nothing_of_them(scene, buyer, stranger, proof, path):
    page = stranger.get(proof)

    assert page.status_code == 200
    text = said(page)
    serial = DigitalLink.parse(path).serial
    for part in (
        "The registered owner made this proof",
        "Meridian 38",
        serial[-4:],
        "Registered Yes",
        "Owners so far 1",
    ):
        assert part in text
    assert serial not in text.replace(" ", "")
    assert buyer.email not in page.text
    assert "@" not in text
    assert page.headers["Cache-Control"] == "no-store"


def test_looking_at_it_stores_nothing(scene, stranger, proof):
    before = scene.fingerprint()
    stranger.get(proof)

    assert scene.fingerprint() == before


def test_the_page_of_resellers_takes_its_link(scene, stranger, proof):
    page = stranger.visitor.open("/check", "POST", data={"code": f"https://id.example.com{proof}"})

    assert "The registered owner made this proof" in page.text


def test_it_is_over_after_a_quarter_of_an_hour(stranger, proof, later):
    later(minutes=15, seconds=1)

    page = stranger.get(proof)

    assert page.status_code == 409
    assert "good for 15 minutes" in page.text


@pytest.mark.parametrize("change", ["last", "first", "short"])
def test_another_secret_is_no_proof(stranger, proof, change):
    head, _, secret = proof.rpartition("/")
    other = {"last": secret[:-1] + ("A" if secret[-1] != "A" else "E"), "first": "~" + secret[1:], "short": secret[:-1]}

    page = stranger.get(f"{head}/{other[change]}")

    assert page.status_code == 409
    assert "do not pay" in page.text


def test_no_other_link_is_taken_for_a_proof_nor_a_proof_for_another_link(scene, buyer, stranger, item, proof):
    secret = proof.rpartition("/")[2]
    for path in (f"/own/sign-in/{secret}", f"/own/confirm/{secret}", f"/own/take/confirm/{secret}"):
        assert stranger.get(path).status_code == 409
    assert stranger.get(f"/own/take/{secret}").status_code == 400
    offer = buyer.offer(item)

    assert stranger.get(f"/check/proof/{offer.rpartition('/')[2]}").status_code == 409


def test_a_proof_of_somebody_who_has_passed_the_item_on_shows_nothing(buyer, stranger, item, proof, path):
    stranger.take(buyer.offer(item, how="present"), path)

    page = stranger.get(proof)

    assert page.status_code == 409
    assert "does not own the item any more" in page.text


def test_the_next_owner_proves_two_owners(scene, buyer, stranger, item, path):
    stranger.take(buyer.offer(item, how="present"), path)
    mine = stranger.last.headers["Location"].partition("?")[0]

    assert "Owners so far 2" in said(Buyer(scene, "x@example.com").get(make(stranger, mine)))


def test_what_was_reported_since_shows(buyer, stranger, item, proof):
    buyer.get(item)
    buyer.post(f"{item}/condition", condition="stolen", reason="Report 4711")

    assert "reported stolen" in stranger.get(proof).text


def test_a_provisional_registration_proves_nothing(scene, kettles, stranger):
    stranger.register(kettles.path())
    page = stranger.last.headers["Location"].partition("?")[0]
    stranger.get("/own")

    assert stranger.post(f"{page}/proof").status_code == 409


def test_certificate_and_receipt_name_the_number_of_owners_and_the_transfer(buyer, stranger, item, path, tmp_path):
    stranger.take(buyer.offer(item, how="present"), path)
    mine = stranger.last.headers["Location"].partition("?")[0]
    file = tmp_path / "certificate.pdf"
    file.write_bytes(stranger.get(f"{mine}/certificate.pdf").data)
    text = subprocess.run(["pdftotext", "-layout", file, "-"], check=True, capture_output=True, text=True).stdout
    receipt = stranger.get(f"{mine}/receipt.jws").text

    assert re.search(r"Owners so far\s+2", text)
    assert "Transfer from the owner before" in text
    facts = json.loads(jwt.api_jws.decode_complete(receipt, options={"verify_signature": False})["payload"])
    assert (facts["owners"], facts["version"]) == (2, 2)
    assert buyer.email not in text
