"""The dispute desk in a browser: an operator reads both sides and decides, in both themes."""

import os
from pathlib import Path

import owning
import pytest
from looking import violations, width_of
from playwright.sync_api import expect
from walking import Walk, browser, site

from authsvc.staff import Role

__all__ = ["browser", "site"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

SHOTS = os.environ.get("CONSOLE_SHOTS")  # A folder for pictures, for whoever wants to look.


@pytest.mark.parametrize(("width", "scheme"), [(320, "dark"), (1440, "light")])
def test_an_operator_decides_a_dispute(scene, cast, site, browser, width, scheme):
    owning.dispute(scene, "The buyer has not paid, and does not answer any more.")
    operator = cast.add(Role.OPERATOR)
    walk = Walk(browser, site, bypass_csp=True, color_scheme=scheme, viewport={"width": width, "height": 900})
    page, found = walk.page, []

    def look(name):
        found.extend((name, *fault) for fault in violations(page))
        if width_of(page) > width:
            found.append((name, "too wide", width_of(page)))
        if SHOTS:
            page.screenshot(path=Path(SHOTS) / f"{name}-{width}-{scheme}.png", full_page=True)

    walk.sign_in(operator.email, operator.password)
    page.goto(f"{site}/console/disputes")
    walk.heading("Disputed transfers")
    look("disputes")
    page.get_by_role("link", name="Meridian 40").first.click()
    walk.heading("Dispute about Meridian 40")
    expect(page.get_by_text("does not answer any more")).to_be_visible()
    look("dispute")
    walk.click("Decide", role="link")
    walk.heading("Decide the dispute")
    look("dispute-decision")
    page.get_by_label("Give it back").check()
    page.get_by_label("Reason").fill("The seller has shown that nothing was paid.")
    walk.click("Decide")
    expect(page.get_by_role("status")).to_contain_text("Both sides are told")
    look("dispute-decided")

    assert found == []
    assert walk.complaints == []
    assert walk.foreign() == []
