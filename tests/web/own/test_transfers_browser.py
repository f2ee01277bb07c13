"""The way of an item from owner to owner in Chromium: with and without JavaScript, at 320 px, in the dark."""

import os
import re
from urllib.parse import urlsplit

import pytest
from looking import VIEWS, faults, window
from owning import claim_code, letters
from playwright.sync_api import expect
from scene import PHONE
from walking import browser, site

from authsvc.core.gs1 import DigitalLink

__all__ = ["browser", "site"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

SHOTS = os.environ.get("OWN_SHOTS")  # A folder for pictures, for whoever wants to look.


class Phone:
    """Somebody with a browser of their own and a mailbox."""

    def __init__(self, scene, site, browser, email, look=lambda _name, _page: None, **options):
        self.scene, self.site, self.email = scene, site, email
        # A headless browser calls itself one, and is then taken for a program.
        self.context = browser.new_context(user_agent=PHONE, **options)
        self.page = self.context.new_page()
        self.complaints, self.asked = [], []
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.page.on("request", lambda request: self.asked.append(request.url))
        self._look = look

    def go(self, path):
        self.page.goto(path if path.startswith("http") else self.site + path)

    def press(self, name):
        self.page.get_by_role("button", name=name, exact=True).click()

    def follow(self, name):
        self.page.get_by_role("link", name=name, exact=True).click()

    def mail(self):
        """Open the link of the latest mail."""
        text = letters(self.scene, self.email)[-1][1]
        self.go(re.search(rf"^{self.site}/own/\S+", text, re.MULTILINE)[0])

    def look(self, name):
        self._look(name, self.page)

    def heading(self, text):
        expect(self.page.get_by_role("heading", level=1)).to_have_text(text)

    def register(self, path):
        self.go(path)
        self.page.get_by_role("link", name="Start your 2-year warranty").click()
        self.page.get_by_label("Claim code").fill(claim_code(self.scene, path))
        self.page.get_by_label("E-mail address").fill(self.email)
        self.press("Start the warranty")
        self.heading("Confirm your address")
        self.mail()
        self.press("Confirm the registration")
        self.heading("Your warranty has started")

    def offer(self, button="Make an offer"):
        self.follow("Sell or give away")
        self.look(f"sell-{button[0]}")
        self.press(button)
        self.heading("Your offer is open")
        self.look(f"offer-{button[0]}")
        return re.search(r"/own/take/[0-9A-Z]{16}", self.page.inner_text("main"))[0]

    def take(self, offer, path):
        self.go(path)
        self.go(offer)
        self.look("take")
        self.page.get_by_label("Your e-mail address").fill(self.email)
        self.press("Send me the link")
        self.heading("Open the link in your mail")
        self.look("take-sent")
        self.mail()
        self.look("take-confirm")
        self.press("Accept the offer")
        self.heading("One step is left: the seller confirms")

    def certificate(self):
        with self.page.expect_download() as download:
            self.page.get_by_role("link", name="Certificate (PDF)").click()
        return download.value.path().read_bytes()


@pytest.mark.parametrize("has_script", [True, False])
def test_an_item_goes_from_the_shop_to_its_second_owner(scene, site, browser, watches, has_script):
    path = watches.path()
    options = {"java_script_enabled": has_script, "viewport": {"width": 320, "height": 700}}
    seller = Phone(scene, site, browser, f"first{has_script}@example.com", **options)
    buyer = Phone(scene, site, browser, f"second{has_script}@example.com", **options)

    seller.register(path)
    offer = seller.offer()
    buyer.take(offer, path)
    seller.mail()
    seller.heading("Confirm the buyer")
    expect(seller.page.get_by_text("s•••@e•••.com").first).to_be_visible()
    seller.press("Confirm: it is theirs")
    seller.heading("You have handed it over")
    buyer.mail()
    buyer.heading("It is yours")
    buyer.follow("Open its page")

    assert buyer.certificate().startswith(b"%PDF")
    assert seller.complaints + buyer.complaints == []
    assert {urlsplit(url).netloc for url in seller.asked + buyer.asked} == {urlsplit(site).netloc}
    seller.context.close()
    buyer.context.close()


def prove(seller, buyer, path):
    """Let the seller register and make a proof, and the buyer look at it; return the page of the item."""
    seller.register(path)
    seller.look("item")
    item = seller.page.url.partition("?")[0]
    seller.press("Make a 15-minute proof")
    seller.heading("Your proof for 15 minutes")
    seller.look("proof")
    buyer.go(re.search(r"/check/proof/\S+", seller.page.inner_text("main"))[0])
    buyer.look("proof-seen")
    buyer.go("/check/proof/none")
    buyer.look("proof-over")
    return item


def refuse(buyer):
    """Let the buyer type a code of no offer."""
    buyer.go("/own/take")
    buyer.look("take-code")
    buyer.page.get_by_role("textbox", name="Transfer code").fill("7K3M-9QX2-V4TD-1RZ8")
    buyer.press("Open the offer")
    expect(buyer.page.get_by_text("There is no offer with this code")).to_be_visible()
    buyer.look("take-code-fault")


def sell(scene, seller, buyer, item, path):
    """Let the item change hands under a warning of copies, and the buyer dispute it."""
    seller.go(item)
    offer = seller.offer()
    scene.admin.execute("UPDATE items SET flagged_at = now() WHERE sgtin = %s", (DigitalLink.parse(path).sgtin,))
    buyer.go(offer)
    buyer.page.get_by_label("Your e-mail address").fill(buyer.email)
    buyer.press("Send me the link")
    expect(buyer.page.get_by_text("Scan the label of the item with this phone, or type")).to_be_visible()
    buyer.look("take-fault")
    buyer.take(offer, path)
    buyer.look("transfer-waiting")
    buyer.go("/own")
    buyer.look("own-waiting")
    seller.mail()
    seller.look("transfer-confirm")
    seller.press("Confirm: it is theirs")
    seller.heading("You have handed it over")
    seller.look("transfer-sold")
    buyer.mail()
    buyer.look("transfer-bought")
    buyer.page.get_by_label("What happened").fill("The serial number on the case differs.")
    buyer.press("Dispute the transfer")
    buyer.heading("The transfer is disputed")
    buyer.look("transfer-disputed")
    buyer.follow("Your items")
    buyer.page.get_by_role("link", name="Open").click()
    buyer.look("item-bought")
    buyer.follow("Sell or give away")
    buyer.look("sell-waits")


def test_no_page_of_a_transfer_has_a_violation_or_is_too_wide(scene, site, browser, watches):
    found = []

    def look(name, page):
        found.extend(faults(page, name, VIEWS, SHOTS))

    path = watches.path()
    seller = Phone(scene, site, browser, "alice@example.com", look, **window(VIEWS[0]))
    buyer = Phone(scene, site, browser, "bruno@example.com", look, **window(VIEWS[0]))
    item = prove(seller, buyer, path)
    refuse(buyer)
    sell(scene, seller, buyer, item, path)
    path = watches.path()
    seller.register(path)
    seller.offer("Show the code")
    seller.context.close()
    buyer.context.close()

    assert found == []
