"""The page of exports in a browser: a file is asked for and saved, by the names of controls, in both themes."""

from dataclasses import replace

import pytest
from playwright.sync_api import expect
from walking import Walk, browser, site

from authsvc import errand_work
from authsvc.deliveries import Courier
from authsvc.staff import Role

__all__ = ["browser", "site"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.fixture
def work(scene):
    courier = replace(Courier.make(scene.config, scene._sessions), now=scene.clock)
    scene.admin.execute("TRUNCATE errands CASCADE")
    for _ in range(3):
        scene.visitor().scan(scene.codes.path())

    def run():
        for (number,) in scene.rows("SELECT id FROM errands WHERE state = 'waiting'"):
            errand_work.do_errand(courier, scene.url, number)

    yield run
    courier.client.close()


def test_a_file_is_made_and_saved(cast, scene, site, browser, work, tmp_path):
    analyst = cast.add(Role.ANALYST)
    walk = Walk.seen(browser, site, (390, "dark"), (1440, "light"))
    page = walk.page
    walk.sign_in(analyst.email, analyst.password)
    page.goto(f"{site}/console/exports")
    walk.heading("Exports")
    walk.look("exports-none")

    page.get_by_label("What", exact=True).select_option(label="Scans")
    page.get_by_label("As", exact=True).select_option(label="XLSX (Excel)")
    walk.click("Make the file")
    scene.admin.execute("UPDATE errands SET state = 'running', done = 700, total = 3000")
    expect(page.get_by_text("700 of 3,000")).to_be_visible()
    walk.look("exports-running")
    scene.admin.execute("UPDATE errands SET state = 'waiting'")
    work()
    # Without a reload: the page looks for itself.
    expect(page.get_by_role("link", name="Download Scans, XLSX")).to_be_visible()
    page.get_by_text("Scans", exact=True).last.click()
    walk.look("exports")
    with page.expect_download() as saved:
        page.get_by_role("link", name="Download Scans, XLSX").click()
    saved.value.save_as(tmp_path / "book.xlsx")
    assert (tmp_path / "book.xlsx").read_bytes()[:2] == b"PK"
    walk.click("Remove Scans, XLSX")
    expect(page.get_by_role("status").first).to_contain_text("The file is removed.")
    assert walk.found == []
    assert walk.complaints == []
    assert walk.foreign() == []


def test_the_page_is_reached_by_the_keyboard_and_needs_no_javascript(cast, site, browser, work):
    analyst = cast.add(Role.ANALYST)
    walk = Walk(browser, site, viewport={"width": 1200, "height": 900}, java_script_enabled=False)
    page = walk.page
    walk.sign_in(analyst.email, analyst.password)
    page.get_by_role("link", name="Exports", exact=True).click()
    walk.heading("Exports")
    button = page.get_by_role("button", name="Make the file")
    for _ in range(40):
        page.keyboard.press("Tab")
        if button.evaluate("e => e === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_text("Waits")).to_be_visible()
    work()

    # The page reloads itself every few seconds, as its head says.
    expect(page.get_by_role("link", name="Download Alerts, CSV")).to_be_visible(timeout=10_000)
