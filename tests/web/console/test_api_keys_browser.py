"""The page of the API and those of its keys in a browser: both themes, a phone and a wide screen, nothing foreign."""

import pytest
from playwright.sync_api import expect
from walking import Walk, browser, site

from authsvc.staff import Role

__all__ = ["browser", "site"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.mark.parametrize(("width", "scheme"), [(320, "dark"), (1440, "light")])
def test_the_reference_and_the_keys(cast, site, browser, width, scheme):
    admin = cast.add(Role.ADMIN)
    walk = Walk.seen(browser, site, width, scheme)
    page = walk.page
    page.goto(f"{site}/api/docs")
    walk.heading("The API")
    page.get_by_text("Answers").first.click()
    walk.look("docs")

    walk.sign_in(admin.email, admin.password)
    page.goto(f"{site}/console/api-keys")
    walk.look("keys-none")
    page.get_by_role("main").get_by_role("link", name="Make a key").or_(
        page.get_by_role("link", name="Make a key")
    ).first.click()
    page.get_by_label("Name").fill(f"ERP {width}")
    page.get_by_label("See products and their imports").check()
    walk.look("keys-new")
    walk.click("Make the key and show its secret")
    expect(page.locator("#secret")).to_contain_text("authsvc_")
    walk.look("keys-secret")
    walk.click("I have kept it", "link")
    page.get_by_role("link", name=f"New secret for ERP {width}").click()
    walk.look("keys-rotate")
    walk.click("Make and show the secret")
    walk.click("I have kept it", "link")
    walk.look("keys")
    page.get_by_role("link", name=f"Revoke ERP {width}").click()
    walk.look("keys-revoke")
    walk.click("Revoke")
    expect(page.get_by_role("status")).to_contain_text("is revoked")
    assert walk.found == []
    assert walk.complaints == []
    assert walk.foreign() == []
