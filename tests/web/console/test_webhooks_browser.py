"""The pages of webhooks in a browser: an endpoint is added, tested and paused by the names of controls."""

import postman
import pytest
from looking import violations, width_of
from playwright.sync_api import expect
from walking import SHOTS, Walk, browser, site

from authsvc import webhooks
from authsvc.runtime import new_id
from authsvc.staff import Role

__all__ = ["browser", "site"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.mark.parametrize(("width", "scheme"), [(320, "dark"), (1440, "light")])
def test_an_endpoint_is_added_tested_and_paused(cast, site, browser, courier, receiver, endpoint, width, scheme):
    receiver.answer = 410
    with courier.sessions.begin() as session:
        webhooks.send_test(session, cast.scene.halden.id, endpoint.endpoint.id, new_id(), now=courier.now())
    postman.run(courier)
    person = cast.add(Role.ADMIN)
    walk = Walk(browser, site, bypass_csp=True, color_scheme=scheme, viewport={"width": width, "height": 900})
    page = walk.page
    walk.sign_in(person.email, person.password)

    def look(name):
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/webhooks-{name}-{width}-{scheme}.png", full_page=True)
        assert violations(page) == [], name
        assert width_of(page) <= width, name

    page.goto(f"{site}/console/webhooks")
    walk.heading("Webhooks")
    look("endpoints")
    walk.click("Add an endpoint", "link")
    page.get_by_label("Address").fill("https://hooks.example.com/authsvc")
    page.get_by_label("What it is").fill("Ticket system")
    look("form")
    walk.click("Add and show the secret")
    expect(page.locator("#secret")).to_contain_text("whsec_")
    look("secret")
    walk.click("Send a test event")
    expect(page.get_by_role("status").first).to_contain_text("A test event is on its way")
    walk.click("Pause")
    expect(page.get_by_role("status").first).to_contain_text("gets nothing more")
    walk.click("New secret", "link")
    look("rotate")
    page.goto(f"{site}/console/webhooks/deliveries")
    look("deliveries")
    page.get_by_role("link", name="Test", exact=True).first.click()
    look("delivery")
    page.goto(f"{site}/console/webhooks/mails/new")
    page.get_by_label("E-mail address").fill("desk@halden.example")
    look("recipient")
    walk.click("Add")
    expect(page.get_by_role("status").first).to_contain_text("gets the alert mails")
    look("mails")

    assert walk.complaints == []
    assert walk.foreign() == []
