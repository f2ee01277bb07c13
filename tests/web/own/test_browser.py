"""The way of a buyer in Chromium: from check to certificate, also without JavaScript, at 320 px, in the dark."""

import os
import re
from urllib.parse import urlsplit

import pytest
from looking import VIEWS, faults, window
from owning import claim_code, letters
from playwright.sync_api import expect
from walking import browser, site

__all__ = ["browser", "site"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

PDF = b"%PDF-1.7\n% a receipt\n%%EOF\n"
SHOTS = os.environ.get("OWN_SHOTS")  # A folder for pictures, for whoever wants to look.


def link_of(scene, email, site):
    """Return the address in the latest mail."""
    text = letters(scene, email)[-1][1]
    return re.search(rf"^{site}/own/\S+", text, re.MULTILINE)[0]


@pytest.mark.parametrize("has_script", [True, False])
def test_a_buyer_checks_registers_and_gets_the_certificate(scene, site, browser, watches, has_script):
    path = watches.path()
    email = f"walker{has_script}@example.com"
    context = browser.new_context(java_script_enabled=has_script, viewport={"width": 320, "height": 700})
    page = context.new_page()
    complaints, asked = [], []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("request", lambda request: asked.append(request.url))

    page.goto(site + path)
    page.get_by_role("link", name="Start your 2-year warranty").click()
    page.get_by_label("Claim code").fill(claim_code(scene, path).lower())
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Date of purchase").fill("2026-05-31")
    page.get_by_label("Shop").fill("Uhren Meier")
    page.get_by_label("Proof of purchase").set_input_files(
        {"name": "a.pdf", "mimeType": "application/pdf", "buffer": PDF}
    )
    page.get_by_role("button", name="Start the warranty").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirm your address")
    page.goto(link_of(scene, email, site))
    page.get_by_role("button", name="Confirm the registration").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your warranty has started")
    expect(page.get_by_role("link", name="a.pdf")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Certificate (PDF)").click()

    assert download.value.path().read_bytes().startswith(b"%PDF")
    assert complaints == []
    assert {urlsplit(url).netloc for url in asked} == {urlsplit(site).netloc}
    context.close()


class Walk:
    """Somebody who opens every page of owners."""

    def __init__(self, scene, site, email, page, look):
        self.scene, self.site, self.email, self.page, self.look = scene, site, email, page, look
        self.item = self.path = None

    def press(self, name):
        self.page.get_by_role("button", name=name).click()

    def register(self, path):
        self.page.goto(self.site + path)
        self.look("verdict")
        self.page.get_by_role("link", name="Start your 2-year warranty").click()
        self.look("register")
        self.page.get_by_label("Claim code").fill("00000000")
        self.page.get_by_label("E-mail address").fill(self.email)
        self.press("Start the warranty")
        self.look("register-fault")
        self.page.get_by_label("Claim code").fill(claim_code(self.scene, path))
        self.press("Start the warranty")
        self.look("sent")
        self.page.goto(link_of(self.scene, self.email, self.site))
        self.look("confirm")
        self.press("Confirm the registration")
        self.look("registered")
        self.item, self.path = self.page.url.partition("?")[0], path

    def report_and_return(self):
        self.page.goto(self.item)
        self.look("item")
        self.press("It was stolen")
        expect(self.page.get_by_label("What happened")).to_be_focused()
        self.look("item-needed")
        self.page.get_by_label("What happened").fill("Police report 4711")
        self.press("It was stolen")
        self.look("item-stolen")
        self.page.goto(f"{self.site}{self.path}")
        self.look("verdict-stolen")
        self.page.goto(self.item)
        self.press("I have it again")
        self.page.goto(f"{self.site}{self.path}")
        self.look("verdict-owned")
        self.page.get_by_role("link", name="Record that you own it").click()
        self.look("owned")

    def register_without_a_code(self, path):
        self.page.goto(self.site + path)
        self.page.get_by_role("link", name="Start your 2-year warranty").click()
        self.page.get_by_label("E-mail address").fill(self.email)
        self.press("Start the warranty")
        self.page.goto(link_of(self.scene, self.email, self.site))
        self.press("Confirm the registration")
        self.look("pending")

    def leave(self):
        self.page.goto(f"{self.site}/own")
        self.look("items")
        self.page.goto(f"{self.site}/own/erase")
        self.look("erase")
        self.page.goto(f"{self.site}/own")
        self.press("Sign out")
        self.look("sign-in")
        self.page.get_by_label("E-mail address").fill(self.email)
        self.press("Send me a link")
        self.look("sent-sign-in")
        self.page.goto(link_of(self.scene, self.email, self.site))
        self.look("arrive")
        self.press("Sign in")
        self.page.goto(f"{self.site}/own/erase")
        self.page.get_by_label("Yes, erase my data").check()
        self.press("Erase my data now")
        self.look("erased")
        self.page.goto(f"{self.site}/own/register/{'A' * 22}")
        self.look("no-check")


def test_no_page_of_owners_has_a_violation_or_is_too_wide(scene, site, browser, watches, kettles):
    context = browser.new_context(**window(VIEWS[0]))
    page = context.new_page()
    found = []

    def look(name):
        found.extend(faults(page, name, VIEWS, SHOTS))

    walk = Walk(scene, site, "looker@example.com", page, look)
    walk.register(watches.path())
    walk.report_and_return()
    walk.register_without_a_code(kettles.path())
    walk.leave()
    context.close()

    assert found == []
