"""Papers, requests, a lost mailbox and the account of an owner in Chromium: 320 px in the dark, wide in the light."""

import os
import re

import pytest
from looking import VIEWS, faults, window
from owning import claim_code, letters
from playwright.sync_api import expect
from walking import browser, site

from authsvc import service_records
from authsvc.audit import Actor
from authsvc.core.gs1 import DigitalLink
from authsvc.investigations import Subject
from authsvc.runtime import new_id

__all__ = ["browser", "site"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

SHOTS = os.environ.get("OWN_SHOTS")  # A folder for pictures, for whoever wants to look.
PROOF = {"name": "receipt.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7\n% a receipt\n%%EOF\n"}
AUTHENTICATOR = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


def link_of(scene, email, template):
    """Return the address in the latest mail of a kind."""
    text = next(text for name, text in reversed(letters(scene, email)) if name == template)
    return re.search(r"^http\S+/own/\S+", text, re.MULTILINE)[0]


def serve(scene, path):
    """Let the brand note a service of an item."""
    link = DigitalLink.parse(path)
    service = service_records.Service(done_on=scene.clock().date(), what="Movement oiled", done_by="Atelier Biel")
    with scene.owner_session() as session:
        subject = Subject.of(scene.rt.held, link.gtin, link.serial)
        service_records.add(
            session, subject, service, id=new_id(), by=Actor("command", None, "A test"), now=scene.clock()
        )


class Person:
    """Somebody with a browser, who looks at every page that they come to."""

    def __init__(self, browser, site, scene, email, *views):
        self.page = browser.new_context(**window(views[0])).new_page()
        self.site, self.scene, self.email, self.views, self.found = site, scene, email, views, []

    def look(self, name, heading=None):
        if heading:
            expect(self.page.get_by_role("heading", level=1)).to_have_text(heading)
        self.found += faults(self.page, name, self.views, SHOTS)

    def press(self, name):
        self.page.get_by_role("button", name=name).click()

    def follow(self, template, button, name):
        self.page.goto(link_of(self.scene, self.email, template))
        self.look(name)
        self.press(button)

    def own(self, path):
        self.page.goto(self.site + path)
        self.page.get_by_role("link", name="Start your 2-year warranty").click()
        self.page.get_by_label("Claim code").fill(claim_code(self.scene, path))
        self.page.get_by_label("E-mail address").fill(self.email)
        self.page.get_by_label("Proof of purchase").set_input_files(PROOF)
        self.press("Start the warranty")
        self.follow("owner-confirm", "Confirm the registration", "confirm-with-proof")
        return self.page.url.partition("?")[0]

    def to_owned(self, path, link):
        self.page.goto(self.site + path)
        self.page.get_by_role("link", name="Record that you own it").click()
        self.look("owned-papers", "This item has an owner")
        self.page.get_by_role("link", name=link).click()


def test_papers_requests_and_a_lost_mailbox(scene, site, browser, watches):
    path = watches.path()
    owner = Person(browser, site, scene, "papers@example.com", *VIEWS)
    asker = Person(browser, site, scene, "asks@example.com", *VIEWS)
    item = owner.own(path)
    serve(scene, path)
    owner.page.goto(item)
    owner.page.get_by_label("Add a receipt").set_input_files({**PROOF, "buffer": b"no receipt"})
    owner.press("Keep it here")
    owner.look("papers-fault")
    expect(owner.page.get_by_text("This is no PDF, JPEG or PNG file")).to_be_visible()

    asker.to_owned(path, "Ask the owner through us")
    asker.look("ask", "Ask its owner")
    asker.page.get_by_label("E-mail address").fill(asker.email)
    asker.press("Ask the owner")
    asker.follow("owner-ask-confirm", "Ask the owner", "ask-confirm")
    asker.look("asked", "We have asked the owner")
    asker.to_owned(path, "you can move it to a new address")
    asker.look("recover", "Have you lost its mailbox?")
    asker.page.get_by_label("Claim code").fill("00000000")
    asker.page.get_by_label("New e-mail address").fill(asker.email)
    asker.page.get_by_label("Proof of purchase").set_input_files(PROOF)
    asker.press("Go on")
    asker.look("recover-fault")
    asker.page.get_by_label("Claim code").fill(claim_code(scene, path))
    asker.page.get_by_label("Proof of purchase").set_input_files(PROOF)
    asker.press("Go on")
    asker.follow("owner-recover-confirm", "Send the request", "recover-confirm")
    asker.look("items-asked", "Your items")
    owner.page.goto(item)
    owner.look("item-asked")
    owner.page.goto(link_of(scene, owner.email, "owner-recover-notice"))
    owner.look("stop", "Is it still yours?")
    owner.press("Stop it, it is mine")
    owner.look("stopped", "It stays yours")

    assert owner.found + asker.found == []


def test_an_account_with_a_passkey_and_another_address(scene, site, browser, watches):
    person = Person(browser, site, scene, "account@example.com", (320, "light"))
    page, new = person.page, "account-new@example.com"
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    person.own(watches.path())

    page.goto(f"{site}/own/account")
    person.press("Add a passkey")
    expect(page.get_by_role("button", name="Remove the passkey")).to_be_visible(timeout=30_000)
    person.look("account", "Your account")
    page.context.clear_cookies()
    page.goto(f"{site}/own/sign-in")
    person.look("sign-in-passkey")
    person.press("Sign in with a passkey")
    expect(page.get_by_text(person.email)).to_be_visible(timeout=30_000)
    page.goto(f"{site}/own/account")
    expect(page.get_by_text("last used on")).to_be_visible()
    page.get_by_label("New e-mail address").fill(new)
    person.press("Change the address")
    person.look("address-sent", "Open both mails")
    for email, template in ((person.email, "owner-change-old"), (new, "owner-change-new")):
        page.goto(link_of(scene, email, template))
        person.look("address-confirm", "Another address for your items")
        person.press("This mailbox agrees")
    person.look("address-done", "Your items have a new address")
    # The passkey is the person's, whatever their address.
    page.goto(f"{site}/own/sign-in")
    person.press("Sign in with a passkey")
    expect(page.get_by_text(new)).to_be_visible(timeout=30_000)
    page.goto(f"{site}/own/account")
    person.press("Remove the passkey")
    expect(page.get_by_role("button", name="Remove the passkey")).to_have_count(0, timeout=30_000)

    assert person.found == []
