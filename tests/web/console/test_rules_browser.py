"""The rules page in a browser: a preview is asked for and read, and a setting changed, by the names of controls."""

from dataclasses import replace
from datetime import timedelta

import pytest
from cases import FAR, check
from playwright.sync_api import expect
from walking import Walk, browser, site

from authsvc import errand_work
from authsvc.deliveries import Courier
from authsvc.staff import Role

__all__ = ["browser", "site"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def copied(scene):
    """Items of a brand that were checked all over the world in the last days."""
    codes = scene.issue(scene.watch, 12)
    for number in range(12):
        link = codes.link()
        scene.clock.ahead = -timedelta(days=number + 2)
        for n in range(number + 2):
            scene.clock.ahead += timedelta(days=1)
            check(scene, link, place=FAR[n % 6])
    scene.clock.ahead = timedelta()


@pytest.fixture
def work(scene):
    courier = replace(Courier.make(scene.config, scene._sessions), now=scene.clock)

    def run():
        for (number,) in scene.rows("SELECT id FROM errands WHERE state = 'waiting'"):
            errand_work.do_errand(courier, scene.url, number)

    yield run
    courier.client.close()
    scene.admin.execute("TRUNCATE errands CASCADE")
    scene.admin.execute("UPDATE brands SET target_rate = 0.001")


def test_a_preview_is_asked_for_and_a_setting_changed(cast, scene, site, browser, copied, work):
    admin = cast.add(Role.ADMIN)
    walk = Walk.seen(browser, site, (390, "dark"), (1440, "light"))
    page = walk.page
    walk.sign_in(admin.email, admin.password)
    page.goto(f"{site}/console/rules")
    walk.heading("Rules")
    walk.look("rules-empty")

    page.get_by_label("Also for one in").fill("500")
    page.get_by_role("button", name="Compute the preview").click()
    expect(page.get_by_text("waits for the worker")).to_be_visible()
    walk.look("rules-waits")
    scene.admin.execute("UPDATE errands SET state = 'running', done = 31, total = 90")
    expect(page.get_by_text("31 of 90")).to_be_visible()
    walk.look("rules-running")
    scene.admin.execute("UPDATE errands SET state = 'waiting'")
    work()
    # Without a reload: the page looks for itself.
    expect(page.get_by_text("With this setting the last 90 days would have raised")).to_be_visible()
    walk.look("rules")

    walk.click("Set 1 in 500", role="link")
    walk.heading("Set the rate of false alarms")
    expect(page.get_by_text("With this setting the last 90 days would have raised")).to_be_visible()
    walk.look("rules-set")
    walk.click("Set 1 in 500")
    expect(page.get_by_role("status").first).to_contain_text("1 in 500 genuine items may be flagged")
    page.get_by_role("searchbox").fill("Meridian")
    walk.click("Find a product")
    page.get_by_role("link", name="Meridian 36").click()
    walk.heading("Rules for Meridian 36")
    walk.look("rules-product")
    assert walk.found == []
    assert walk.complaints == []
    assert walk.foreign() == []


def test_everything_is_reached_by_the_keyboard_and_read_without_javascript(cast, site, browser, copied, work):
    admin = cast.add(Role.ADMIN)
    walk = Walk(browser, site, viewport={"width": 1200, "height": 900}, java_script_enabled=False)
    page = walk.page
    walk.sign_in(admin.email, admin.password)
    page.goto(f"{site}/console/rules")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.get_by_role("button", name="Compute the preview").evaluate("e => e === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_text("waits for the worker")).to_be_visible()
    work()

    # The page reloads itself every few seconds, as its head says.
    expect(page.get_by_text("Computed")).to_be_visible(timeout=10_000)
    expect(page.get_by_role("link", name="Set 1 in 100", exact=True)).to_be_visible()
