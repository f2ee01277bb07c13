"""The pages of recalls in a browser: announced and lifted by the names of controls, in both themes."""

import pytest
from playwright.sync_api import expect
from walking import Walk, browser, site

from authsvc.staff import Role

__all__ = ["browser", "site"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


def test_a_range_is_recalled_and_lifted(cast, scene, site, browser):
    operator = cast.add(Role.OPERATOR)
    walk = Walk.seen(browser, site)
    page = walk.page

    walk.sign_in(operator.email, operator.password)
    page.goto(f"{site}/console/recalls")
    walk.heading("Recalls")
    walk.click("New recall", "link")
    walk.click("Serial range", "link")
    page.get_by_label("Product").select_option(scene.watch.gtin)
    page.get_by_label("First serial").fill(scene.codes.link(7).serial)
    page.get_by_label("Last serial").fill(scene.codes.link(106).serial)
    page.get_by_label("Reason").fill("The strap may break")
    page.get_by_label("What to do").fill("Bring it to any shop for a new strap.")
    walk.look("recall-new")
    walk.click("Look at what it hits")
    walk.heading("Recall Meridian 36?")
    expect(page.locator("#precision")).to_contain_text("spares 3,900 items that a recall of the whole batch")
    walk.look("recall-draft")
    page.get_by_label("I have looked at these figures").check()
    walk.click("Announce the recall")
    expect(page.get_by_role("status")).to_contain_text("Every page says so from now on")
    assert scene.visitor().check(scene.codes.path(50))["reason"] == "recalled"
    walk.look("recall-one")
    page.goto(f"{site}/console/recalls")
    walk.look("recall-list")
    page.get_by_role("link", name="Meridian 36").first.click()
    walk.click("Lift this recall", "link")
    walk.look("recall-lift")
    walk.click("Lift the recall")
    expect(page.get_by_role("status")).to_contain_text("Pages no longer show it")

    assert scene.visitor().check(scene.codes.path(51))["reason"] != "recalled"
    assert walk.found == []
    assert walk.complaints == []
