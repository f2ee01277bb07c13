"""The pages of webhooks in a browser: an endpoint is added, tested and paused by the names of controls."""

import postman
import pytest
from playwright.sync_api import expect
from walking import Walk, browser, site

from authsvc import webhooks
from authsvc.runtime import new_id
from authsvc.staff import Role

__all__ = ["browser", "site"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


def test_an_endpoint_is_added_tested_and_paused(cast, site, browser, courier, receiver, endpoint):
    receiver.answer = 410
    with courier.sessions.begin() as session:
        webhooks.send_test(session, cast.scene.halden.id, endpoint.endpoint.id, new_id(), now=courier.now())
    postman.run(courier)
    person = cast.add(Role.ADMIN)
    walk = Walk.seen(browser, site)
    page = walk.page
    walk.sign_in(person.email, person.password)

    page.goto(f"{site}/console/webhooks")
    walk.heading("Webhooks")
    walk.look("webhooks-endpoints")
    walk.click("Add an endpoint", "link")
    page.get_by_label("Address").fill("https://hooks.example.com/authsvc")
    page.get_by_label("What it is").fill("Ticket system")
    walk.look("webhooks-form")
    walk.click("Add and show the secret")
    expect(page.locator("#secret")).to_contain_text("whsec_")
    walk.look("webhooks-secret")
    walk.click("Send a test event")
    expect(page.get_by_role("status").first).to_contain_text("A test event is on its way")
    walk.click("Pause")
    expect(page.get_by_role("status").first).to_contain_text("gets nothing more")
    walk.click("New secret", "link")
    walk.look("webhooks-rotate")
    page.goto(f"{site}/console/webhooks/deliveries")
    walk.look("webhooks-deliveries")
    page.get_by_role("link", name="Test", exact=True).first.click()
    walk.look("webhooks-delivery")
    page.goto(f"{site}/console/webhooks/mails/new")
    page.get_by_label("E-mail address").fill("desk@halden.example")
    walk.look("webhooks-recipient")
    walk.click("Add")
    expect(page.get_by_role("status").first).to_contain_text("gets the alert mails")
    walk.look("webhooks-mails")

    assert walk.found == []
    assert walk.complaints == []
    assert walk.foreign() == []
