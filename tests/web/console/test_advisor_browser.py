"""The page of the advisor in a browser: asked and answered by the names of controls, in both themes."""

import pytest
from playwright.sync_api import expect
from walking import Walk, browser, site

from authsvc.staff import Role

__all__ = ["browser", "site"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


def test_a_product_is_judged(cast, site, browser):
    person = cast.add(Role.VIEWER)
    walk = Walk.seen(browser, site)
    page = walk.page
    walk.sign_in(person.email, person.password)
    page.goto(f"{site}/console/advisor")
    walk.heading("Advisor")
    page.get_by_label("Category").select_option("wine")
    page.get_by_label("What one unit is worth").fill("18")
    page.get_by_label("Units a year").fill("200000")
    page.get_by_label("Customers report by serial number").select_option("No")
    walk.click("Advise")
    expect(page.get_by_role("heading", name="suit this product")).to_be_visible()
    expect(page.get_by_role("link", name="Download as PDF")).to_be_visible()
    walk.look("advisor")

    assert walk.found == []
    assert walk.complaints == []
