"""The page of the API and those of its keys in a browser: both themes, a phone and a wide screen, nothing foreign."""

import os
from pathlib import Path

import pytest
from looking import violations, width_of
from playwright.sync_api import expect
from walking import Walk, browser, site

from authsvc.staff import Role

__all__ = ["browser", "site"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
SHOTS = os.environ.get("CONSOLE_SHOTS")


def look(page, name, width):
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}-{width}.png", full_page=name != "docs")
    assert violations(page) == [], name
    assert width_of(page) <= width, name


@pytest.mark.parametrize(("width", "scheme"), [(320, "dark"), (1440, "light")])
def test_the_reference_and_the_keys(cast, site, browser, width, scheme):
    admin = cast.add(Role.ADMIN)
    walk = Walk(browser, site, bypass_csp=True, color_scheme=scheme, viewport={"width": width, "height": 900})
    page = walk.page
    page.goto(f"{site}/api/docs")
    walk.heading("The API")
    page.get_by_text("Answers").first.click()
    look(page, "docs", width)

    walk.sign_in(admin.email, admin.password)
    page.goto(f"{site}/console/api-keys")
    look(page, "keys-none", width)
    page.get_by_role("main").get_by_role("link", name="Make a key").or_(
        page.get_by_role("link", name="Make a key")
    ).first.click()
    page.get_by_label("Name").fill(f"ERP {width}")
    page.get_by_label("See products and their imports").check()
    look(page, "keys-new", width)
    walk.click("Make the key and show its secret")
    expect(page.locator("#secret")).to_contain_text("authsvc_")
    look(page, "keys-secret", width)
    walk.click("I have kept it", "link")
    page.get_by_role("link", name=f"New secret for ERP {width}").click()
    look(page, "keys-rotate", width)
    walk.click("Make and show the secret")
    walk.click("I have kept it", "link")
    look(page, "keys", width)
    page.get_by_role("link", name=f"Revoke ERP {width}").click()
    look(page, "keys-revoke", width)
    walk.click("Revoke")
    expect(page.get_by_role("status")).to_contain_text("is revoked")
    assert walk.complaints == []
    assert walk.foreign() == []
