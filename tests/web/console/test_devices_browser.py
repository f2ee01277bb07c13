"""The page of trusted devices in a browser: a phone is trusted by the names of controls, in both themes."""

import pytest
from playwright.sync_api import expect
from walking import Walk, browser, site

from authsvc.staff import Role

__all__ = ["browser", "site"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


def test_a_browser_and_a_program_are_trusted(cast, site, browser):
    operator = cast.add(Role.OPERATOR)
    walk = Walk.seen(browser, site, (390, "dark"), (1440, "light"))
    page = walk.page
    walk.sign_in(operator.email, operator.password)
    page.goto(f"{site}/console/devices")
    walk.heading("Trusted devices")

    page.get_by_label("Name").first.fill("Shop phone")
    walk.click("Trust this browser")
    expect(page.get_by_role("status")).to_contain_text("Its scans no longer count")
    page.get_by_label("Name").last.fill("Line camera")
    walk.click("Make a key")
    expect(page.locator("#key")).to_be_visible()

    walk.look("devices")
    assert walk.found == []
    assert walk.complaints == []
