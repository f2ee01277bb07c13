"""The pages of runs in a browser: one person orders, another approves, by the names of controls, in both themes."""

import pytest
from playwright.sync_api import expect
from walking import Walk, browser, site

from authsvc.staff import Role

__all__ = ["browser", "site"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


def test_two_people_stand_behind_a_run(cast, scene, site, browser):
    scene.admin.execute("UPDATE brands SET approves_runs = true WHERE id = %s", (scene.halden.id,))
    first, second = (Walk.seen(browser, site) for _ in range(2))

    for walk in first, second:
        person = cast.add(Role.OPERATOR)
        walk.sign_in(person.email, person.password)
        walk.page.goto(f"{site}/console/runs")
        walk.heading("Runs")
    first.click("Order codes", "link")
    first.heading("Order codes")
    first.page.get_by_label("Product", exact=True).select_option(scene.watch.gtin)
    first.page.get_by_label("How many codes").fill("5000")
    first.page.get_by_label("Batch").fill("W1")
    first.look("run-new")
    first.click("Order")
    expect(first.page.get_by_role("status")).to_contain_text("waits until somebody else approves it")
    first.look("run-waits")
    second.page.goto(f"{site}/console/runs")
    second.page.get_by_role("link", name="Look at it").first.click()
    second.look("run-order")
    second.click("Approve")
    expect(second.page.get_by_role("status")).to_contain_text("on its way to the worker")
    scene.admin.execute("UPDATE errands SET state = 'running', done = 2000, total = 5000 WHERE kind = 'issue'")
    second.page.goto(f"{site}/console/runs")
    expect(second.page.get_by_text("2,000 of 5,000").first).to_be_visible()
    second.look("run-runs")

    assert first.found == second.found == []
    assert first.complaints == second.complaints == []
