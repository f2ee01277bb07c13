"""A unit of a batch: registered as GTIN, lot and number, with warranty and transfer; its verdict stays lot-only."""

from datetime import timedelta

import pytest
from owning import Buyer, letters, link_in

from authsvc.core.gs1 import DigitalLink

DAYS = timedelta(days=1)


@pytest.fixture(scope="module")
def batch(scene):
    """Return the code of a batch, as every unit of it carries it."""
    product = scene.add_product(granularity="batch", name="Sauce pan", warranty_months="24", attributes={"noun": "pan"})
    return scene.issue(product, 1, lot="P7", is_lot_level=True).path()


def unit(buyer, path, number):
    page = f"{buyer.scan(path)}?unit={number}"
    buyer.get(page)
    assert buyer.post(page, email=buyer.email, purchased_on="2026-05-31").status_code == 200, buyer.last.text
    return buyer.follow("owner-confirm")


def registrations(scene, path, number):
    gtin = DigitalLink.parse(path).gtin
    return scene.rows(
        "SELECT version, state, warranty_until::text FROM registrations WHERE sgtin = %s ORDER BY version",
        f"{gtin}..P7#{number}",
    )


def test_a_unit_registers_by_its_number_and_the_verdict_stays_that_of_the_batch(scene, batch, buyer, stranger):
    page = buyer.visitor.scan(batch)
    assert "Start your 2-year warranty" in page.html
    register = buyer.scan(batch)
    assert "Which one do you have?" in buyer.get(register).text
    assert buyer.get(f"{register}?unit=%23").status_code == 400
    unit(buyer, batch, "0042")

    assert registrations(scene, batch, "0042") == [(1, "pending", "2028-05-31")]
    shown = buyer.get(buyer.last.headers["Location"]).text
    assert "0042 of batch P7" in shown
    assert "Lost or stolen?" not in shown
    assert "0042 of batch P7" in dict(letters(scene, buyer.email))["owner-registered"] + str(
        letters(scene, buyer.email)
    )
    document = stranger.visitor.check(batch)
    assert (document["reason"], document["item"]) == ("lot-only", None)
    # Another unit of the batch is another item; the same one is taken.
    unit(stranger, batch, "0043")
    assert registrations(scene, batch, "0043") == [(1, "pending", "2028-05-31")]
    assert registrations(scene, batch, "0042") == [(1, "pending", "2028-05-31")]
    page = f"{stranger.scan(batch)}?unit=0042"
    stranger.get(page)
    assert stranger.post(page, email=stranger.email).status_code == 409


def test_a_unit_has_a_certificate_and_passes_on_with_its_warranty(scene, batch, buyer, stranger):
    unit(buyer, batch, "A/1")
    item = buyer.last.headers["Location"].partition("?")[0]
    scene.clock.ahead += 15 * DAYS
    try:
        buyer.get("/own/sign-in")
        buyer.post("/own/sign-in", email=buyer.email)
        buyer.follow("owner-sign-in")
        assert buyer.get(f"{item}/certificate.pdf").data.startswith(b"%PDF")
        buyer.get(item)
        assert buyer.post(f"{item}/condition", condition="lost").status_code == 409
        offer = buyer.offer(item, how="present")
        stranger.get(offer)
        assert stranger.ask_for(offer, item="A/2").status_code == 400
        assert stranger.ask_for(offer, item="a/1").status_code == 200, stranger.last.text
        link = link_in([letter for letter in letters(scene, stranger.email) if letter[0] == "owner-take"][-1])
        stranger.get(link)
        assert stranger.post(link, key=stranger.field("key")).status_code == 303
    finally:
        scene.clock.ahead -= 15 * DAYS

    assert registrations(scene, batch, "A/1") == [(1, "transferred", "2028-05-31"), (2, "confirmed", "2028-05-31")]


def test_a_unit_of_a_batch_that_was_never_issued_is_nobodys(scene, batch):
    asker = Buyer(scene, "no-batch@example.com")

    assert asker.get("/own/register/AAAAAAAAAAAAAAAAAAAAAA?unit=1").status_code in {403, 404}
