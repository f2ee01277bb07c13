"""The desk for owners in a browser: a lost mailbox after its wait, and the services of an item, in both themes."""

from datetime import timedelta

import owning
import pytest
from playwright.sync_api import expect
from walking import Walk, browser, site

from authsvc.staff import Role

__all__ = ["browser", "site"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


def test_an_operator_moves_an_item_to_a_new_address_and_notes_a_service(scene, cast, site, browser):
    number = owning.lost_mailbox(scene)
    scene.admin.execute("UPDATE owner_requests SET due_at = %s", (scene.clock() - timedelta(days=1),))
    operator = cast.add(Role.OPERATOR)
    walk = Walk.seen(browser, site)
    page = walk.page

    walk.sign_in(operator.email, operator.password)
    page.goto(f"{site}/console/owners")
    walk.heading("Owners who need you")
    walk.look("owners")
    page.goto(f"{site}/console/owners/requests/{number}")
    walk.heading("Lost mailbox of Meridian 42")
    walk.look("owner-request")
    walk.click("Decide", role="link")
    walk.heading("Decide")
    walk.look("owner-decision")
    page.get_by_label("Move it to the new address").check()
    page.get_by_label("Reason").fill("The invoice has the serial number.")
    walk.click("Decide")
    expect(page.get_by_role("status")).to_contain_text("Both addresses are told")
    walk.click("The item", role="link")
    walk.click("Proofs of purchase of the present owner", role="link")
    walk.heading("Registration of Meridian 42")
    walk.look("owner-registration")
    walk.click("The item", role="link")
    walk.click("Services", role="link")
    page.get_by_label("Day").fill("2026-05-31")
    page.get_by_label("What was done").fill("Movement oiled")
    page.get_by_label("By whom").fill("Atelier Biel")
    walk.click("Add the service")
    expect(page.get_by_text("Movement oiled")).to_be_visible()
    walk.look("services")

    assert walk.found == []
    assert walk.complaints == []
    assert walk.foreign() == []
