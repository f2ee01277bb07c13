"""An owner in Chromium gives a platform a permit, and takes it back."""

import os
import re

import pytest
from looking import violations, width_of
from owning import letters
from playwright.sync_api import expect
from walking import Walk, browser, site

__all__ = ["browser", "site"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

SHOTS = os.environ.get("OWN_SHOTS")  # A folder for pictures, for whoever wants to look.


def link_of(scene, email, site):
    return re.search(rf"^{site}/own/\S+", letters(scene, email)[-1][1], re.MULTILINE)[0]


def test_an_owner_gives_a_permit_and_takes_it_back(scene, site, browser, watches, buyer):
    item = buyer.own(watches.path())
    walk = Walk(browser, site, bypass_csp=True, viewport={"width": 320, "height": 900})
    walk.page.goto(f"{site}/own/sign-in")
    walk.page.get_by_label("E-mail address").fill(buyer.email)
    walk.click("Send me a link")
    walk.page.goto(link_of(scene, buyer.email, site))
    walk.click("Sign in")
    walk.page.goto(f"{site}{item}")
    walk.page.get_by_role("link", name="Permits for platforms").click()
    walk.page.get_by_label("Platform").fill("Market Ltd")
    walk.page.get_by_label(re.compile("^Sell it for me")).check()
    walk.click("Give the permit")
    expect(walk.page.locator("#permit")).to_be_visible()
    assert violations(walk.page) == []
    assert width_of(walk.page) <= 320
    if SHOTS:
        walk.page.screenshot(path=f"{SHOTS}/permit.png", full_page=True)
    walk.page.get_by_role("button", name="Take it back from Market Ltd").click()
    expect(walk.page.get_by_role("heading", name="Over")).to_be_visible()

    assert walk.complaints == []
