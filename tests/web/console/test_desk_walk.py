"""The way from the overview to one item, block and unblock, by the names of controls alone, in both themes."""

import re

import pytest
from playwright.sync_api import expect
from walking import Walk, browser, site

from authsvc.staff import Role

__all__ = ["browser", "site"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


def test_an_item_is_found_blocked_and_unblocked(scene, cast, site, browser):
    operator = cast.add(Role.OPERATOR)
    path = scene.codes.path()
    serial = re.match(r"/01/\d+/21/([^?]+)", path)[1]
    for _ in range(2):
        person = scene.visitor()
        person.confirm(person.scan(path))
    walk = Walk.seen(browser, site, (390, "dark"), (1200, "light"), (1440, "dark"))
    page = walk.page

    def go(name):
        page.get_by_text("Menu", exact=True).click()
        page.get_by_role("link", name=name, exact=True).locator("visible=true").first.click()

    walk.sign_in(operator.email, operator.password)
    walk.heading("Overview")
    page.get_by_role("link", name="7 days", exact=True).click()
    walk.look("overview")
    go("Items")
    walk.look("search-empty")
    page.get_by_label(re.compile("^Serial, link, batch")).fill(serial)
    walk.click("Find")
    walk.look("search")
    page.get_by_role("link", name=re.compile("^" + " ?".join(serial))).click()
    walk.heading("Meridian 36")
    walk.look("item")
    page.get_by_role("link", name="Block", exact=True).click()
    walk.look("block")
    page.get_by_label("Reason").fill("Copies of this label were seized")
    walk.click("Block")
    expect(page.get_by_role("status")).to_contain_text("is blocked")
    walk.look("item-blocked")
    assert scene.visitor().check(path)["reason"] == "blocked"
    page.get_by_role("link", name="Unblock", exact=True).click()
    page.get_by_label("Reason").fill("It was another label")
    walk.click("Unblock")
    expect(page.get_by_role("status")).to_contain_text("no longer blocked")

    assert scene.visitor().check(path)["reason"] == "checked-before"
    assert walk.found == []
    assert walk.foreign() == []
    assert walk.complaints == []
