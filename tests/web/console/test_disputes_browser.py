"""The dispute desk in a browser: an operator reads both sides and decides, in both themes."""

import owning
import pytest
from playwright.sync_api import expect
from walking import Walk, browser, site

from authsvc.staff import Role

__all__ = ["browser", "site"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


def test_an_operator_decides_a_dispute(scene, cast, site, browser):
    owning.dispute(scene, "The buyer has not paid, and does not answer any more.")
    operator = cast.add(Role.OPERATOR)
    walk = Walk.seen(browser, site)
    page = walk.page

    walk.sign_in(operator.email, operator.password)
    page.goto(f"{site}/console/disputes")
    walk.heading("Disputed transfers")
    walk.look("disputes")
    page.get_by_role("link", name="Meridian 40").first.click()
    walk.heading("Dispute about Meridian 40")
    expect(page.get_by_text("does not answer any more")).to_be_visible()
    walk.look("dispute")
    walk.click("Decide", role="link")
    walk.heading("Decide the dispute")
    walk.look("dispute-decision")
    page.get_by_label("Give it back").check()
    page.get_by_label("Reason").fill("The seller has shown that nothing was paid.")
    walk.click("Decide")
    expect(page.get_by_role("status")).to_contain_text("Both sides are told")
    walk.look("dispute-decided")

    assert walk.found == []
    assert walk.complaints == []
    assert walk.foreign() == []
