"""An analyst's walk through alerts in Chromium: controls are found by their names alone."""

import re

import pytest
from playwright.sync_api import expect
from scene import BERLIN
from test_investigations import FAR, check_daily
from walking import Walk, browser, site

from authsvc.core.verdicts import Reason
from authsvc.staff import Role

__all__ = ["browser", "site"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


ALERTS = re.compile(r"^Alerts( \d+\+? new)?$")
"""The entry of the side bar, which tells how many are new."""


@pytest.fixture
def flagged(scene, later):
    """Return a code that copies were made of."""
    link = scene.issue(scene.add_product(name="Meridian 38"), lot="B1").link()
    check_daily(scene, link, (BERLIN, *FAR * 4))
    return link


@pytest.mark.parametrize(
    "views",
    [((390, "light"), (390, "dark")), ((1440, "light"), (1200, "light"), (1440, "dark"))],
    ids=["phone", "desk"],
)
def test_a_new_analyst_closes_a_clone_alert_and_undoes_it(scene, site, browser, cast, flagged, views):
    person = cast.add(Role.ANALYST)
    walk = Walk.seen(browser, site, *views)
    page = walk.page
    walk.sign_in(person.email, person.password)
    walk.heading("Overview")
    if views[0][0] < 1200:
        page.get_by_text("Menu", exact=True).click()
    page.get_by_role("link", name=ALERTS).locator("visible=true").click()
    walk.heading("Alerts")
    walk.look("queue")
    page.get_by_label("Serial, link or batch").fill(flagged.serial)
    walk.click("Filter")
    page.get_by_role("link", name=re.compile("phones in")).first.click()
    walk.look("alert")

    page.get_by_role("radio", name=re.compile("Copied code: block")).check()
    expect(page.get_by_text("has blocked this code").locator("visible=true")).to_have_count(1)
    page.get_by_label("Reason (needed)").fill("Photos show no engraving")
    walk.click("Go on to block the serial")
    walk.heading("Block this serial?")
    walk.look("block")
    walk.click("Block serial and close")
    expect(page.get_by_role("status").first).to_contain_text("blocked")
    blocked = scene.scan(flagged).verdict.reason
    walk.look("blocked")
    page.get_by_label(re.compile("Reason to take it back")).fill("The owner wrote to us")
    walk.click("Undo this decision")
    expect(page.get_by_role("status").first).to_contain_text("open again")
    undone = scene.scan(flagged).verdict.reason

    assert (blocked, undone) == (Reason.BLOCKED, Reason.POSSIBLE_COPY)
    assert walk.found == []
    assert walk.foreign() == []
    assert walk.complaints == []


def test_the_keyboard_alone_finds_an_alert_and_closes_it(scene, site, browser, cast, flagged):
    person = cast.add(Role.ANALYST)
    walk = Walk(browser, site, viewport={"width": 1440, "height": 900})
    page = walk.page
    walk.sign_in(person.email, person.password)
    walk.heading("Overview")
    page.goto(f"{site}/console/alerts?q={flagged.serial}")
    walk.heading("Alerts")

    page.keyboard.press("j")
    expect(page.locator("a[data-alert]").first).to_be_focused()
    page.keyboard.press("x")
    expect(page.get_by_role("checkbox").first).to_be_checked()
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("e")
    expect(page.get_by_role("radio", name=re.compile("Copied code: block"))).to_be_visible()
    page.keyboard.press("e")
    expect(page.get_by_role("radio").first).to_be_focused()
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name=re.compile("false alarm"))).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.type("jxke: a travelling salesman")
    expect(page.get_by_label("Reason (needed)")).to_have_value("jxke: a travelling salesman")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page.get_by_role("status").first).to_contain_text("The alert is closed.")
    assert scene.scan(flagged).verdict.reason is Reason.CHECKED_BEFORE
    assert walk.complaints == []


def test_a_new_alert_arrives_without_moving_the_list(scene, site, browser, cast, flagged, later):
    person = cast.add(Role.VIEWER)
    walk = Walk(browser, site, viewport={"width": 1440, "height": 900})
    page = walk.page
    walk.sign_in(person.email, person.password)
    walk.heading("Overview")
    page.get_by_role("link", name=ALERTS).locator("visible=true").click()
    walk.heading("Alerts")
    before = page.locator("a[data-alert]").count()

    other = scene.issue(scene.add_product()).link()
    check_daily(scene, other, (BERLIN, *FAR * 4))

    # Its scans were in the days before, but it was opened with the last of them.
    scene.admin.execute(
        "INSERT INTO alerts (sgtin, id, brand_id, rule, score, evidence, opened_at) "
        "VALUES (%s, gen_random_uuid(), %s, 'receipt-copied', 1, '{\"visitors\": 21}', %s)",
        (other.sgtin, scene.halden.id, scene.clock()),
    )
    expect(page.get_by_text(re.compile(r"^\d new alerts?$"))).to_be_visible(timeout=15_000)
    assert page.locator("a[data-alert]").count() == before
    walk.click("Show", role="link")

    expect(page.get_by_role("link", name=re.compile("21 different networks")).first).to_be_visible()
    assert walk.complaints == []
