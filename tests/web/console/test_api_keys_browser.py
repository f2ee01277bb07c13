"""The page of the API and those of its keys in a browser: both themes, a phone and a wide screen, nothing foreign."""

import pytest
from playwright.sync_api import expect
from walking import Walk, browser, site
from working import work

from authsvc.staff import Role

__all__ = ["browser", "site"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


def test_the_reference_the_keys_and_the_sandbox(scene, cast, site, browser):
    admin = cast.add(Role.ADMIN)
    walk = Walk.seen(browser, site)
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
    page.get_by_label("Name").fill("ERP")
    page.get_by_label("See products and their imports").check()
    walk.look("keys-new")
    walk.click("Make the key and show its secret")
    expect(page.locator("#secret")).to_contain_text("authsvc_")
    walk.look("keys-secret")
    walk.click("I have kept it", "link")
    page.get_by_role("link", name="New secret for ERP").click()
    walk.look("keys-rotate")
    walk.click("Make and show the secret")
    walk.click("I have kept it", "link")
    walk.look("keys")
    page.get_by_role("link", name="Revoke ERP").click()
    walk.look("keys-revoke")
    walk.click("Revoke")
    expect(page.get_by_role("status")).to_contain_text("is revoked")

    visit_the_sandbox(scene, walk)
    assert walk.found == []
    assert walk.complaints == []
    assert walk.foreign() == []


def visit_the_sandbox(scene, walk):
    """Have it made, open it, come back and have it wiped."""
    page = walk.page
    page.goto(f"{page.url.partition('/console')[0]}/console/sandbox")
    walk.look("sandbox-none")
    walk.click("Make a sandbox")
    expect(page.get_by_text("Waits for the worker")).to_be_visible()
    work(scene)
    page.reload()
    walk.look("sandbox")
    walk.click("Open the sandbox")
    expect(page.get_by_text("This is a sandbox: nothing here is real")).to_be_visible()
    page.goto(f"{page.url.partition('/console')[0]}/console/sandbox")
    walk.look("sandbox-inside")
    walk.click("Back to the brand")
    expect(page.get_by_text("This is a sandbox: nothing here is real")).to_have_count(0)
    walk.heading("API keys")
    page.goto(f"{page.url.partition('/console')[0]}/console/sandbox")
    walk.click("Wipe it", "link")
    walk.heading("Wipe the sandbox")
    walk.look("sandbox-wipe")
    walk.click("Wipe")
    expect(page.get_by_text("The sandbox is being wiped.")).to_be_visible()
    work(scene)
    page.reload()
    expect(page.get_by_text("rows have gone").first).to_be_visible()
    walk.look("sandbox-wiped")
