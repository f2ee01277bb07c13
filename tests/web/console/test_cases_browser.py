"""An analyst groups alerts into a case and takes its evidence away, in Chromium, by the names of controls alone."""

import re

import pytest
from casework import alert_on, picture, report
from playwright.sync_api import expect
from walking import Walk, browser, site

from authsvc import evidence_bundles, reports
from authsvc.staff import Role
from authsvc.web.rendering import grouped

__all__ = ["browser", "site"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


def follow(walk, name):
    """Follow a link of the menu, which a narrow window folds away; one may tell how many are new."""
    link = walk.page.get_by_role("link", name=re.compile(rf"^{name}( \d+\+? new)?$"))
    if not link.first.is_visible():
        walk.page.get_by_text("Menu", exact=True).click()
    link.locator("visible=true").first.click()


def fill(walk):
    """Write a comment and attach a photo."""
    walk.page.get_by_label("New comment").fill("Ordered one.\nIt differs from ours.")
    walk.click("Add the comment")
    walk.page.get_by_label("Attach a file").set_input_files(
        {"name": "photo of the clasp.png", "mimeType": "image/png", "buffer": picture("PNG", (300, 200))}
    )
    walk.click("Attach")
    expect(walk.page.get_by_role("link", name="photo of the clasp.png")).to_be_visible()


def escalate_and_write(walk):
    """Move the case on, and look at the letter."""
    walk.page.get_by_label("Next step").select_option("Escalate")
    walk.click("Move the case")
    walk.look("case")
    walk.click("Takedown letter", "link")
    walk.heading("Takedown letter")
    walk.page.get_by_label("Marketplace or shop").fill("Market Ltd, Milan")
    walk.click("Put it in")
    walk.look("letter")
    walk.page.go_back()
    walk.page.go_back()


def test_two_alerts_are_grouped_and_their_evidence_is_exported(scene, site, browser, cast, tmp_path):
    person = cast.add(Role.ANALYST)
    links = [alert_on(scene)[0] for _ in range(2)]
    for _ in range(3):
        filed = report(
            scene, sgtin=links[0].sgtin, text="It came in a plain bag, without papers.", price="49 EUR",
            listing_url="https://market.example/7", photos=(picture(size=(640, 480)),),
            contact="who@example.com",
        )  # fmt: skip
    walk = Walk.seen(browser, site, (390, "dark"), (1440, "light"))
    page = walk.page
    walk.sign_in(person.email, person.password)
    walk.heading("Overview")

    follow(walk, "Alerts")
    walk.heading("Alerts")
    for link in links:
        page.get_by_role("checkbox", name=grouped(link.serial)).check()
    walk.click("Add to case")
    walk.heading("Add 2 alerts to a case")
    walk.look("case-add")
    page.get_by_role("radio", name="A new case").check()
    page.get_by_label("Title of the new case").fill("Watches offered on a market")
    walk.click("Add to case")
    walk.heading("Watches offered on a market")
    fill(walk)
    follow(walk, "Reports")
    walk.heading("Reports of consumers")
    walk.look("reports")
    page.get_by_role("link", name=reports.grouped(filed.number)).click()
    walk.heading(f"Report {reports.grouped(filed.number)}")
    page.get_by_label("Case", exact=True).select_option(index=1)
    walk.look("report")
    walk.click("Link")
    walk.heading("Watches offered on a market")
    escalate_and_write(walk)
    walk.click("Export evidence", "link")
    walk.heading("Export the evidence")
    walk.look("evidence")
    with page.expect_download() as coming:
        walk.click("Download the evidence")
    coming.value.save_as(tmp_path / "evidence.zip")
    for path, title in (("cases", "Cases"), ("reports/shops", "Reported shops"), ("cases?list=closed", "Cases")):
        page.goto(f"{site}/console/{path}")
        walk.heading(title)
        walk.look(path.replace("/", "-").replace("?", "-"))

    scene.refresh()
    with (tmp_path / "evidence.zip").open("rb") as source:
        keys = scene.visitor().open("/.well-known/jwks.json").json
        _, document = evidence_bundles.verify(source, keys)
    assert {item["serial"] for item in document["items"]} == {link.serial for link in links}
    assert document["case"]["state"] == "escalated"
    assert walk.found == []
    assert walk.foreign() == []
    assert walk.complaints == []
