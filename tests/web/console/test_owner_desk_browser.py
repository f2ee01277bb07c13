"""The desk for owners in a browser: a lost mailbox after its wait, and the services of an item, in both themes."""

import os
from datetime import timedelta
from pathlib import Path

import owning
import pytest
from looking import violations, width_of
from playwright.sync_api import expect
from walking import Walk, browser, site

from authsvc.staff import Role

__all__ = ["browser", "site"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

SHOTS = os.environ.get("CONSOLE_SHOTS")  # A folder for pictures, for whoever wants to look.


@pytest.mark.parametrize(("width", "scheme"), [(320, "dark"), (1440, "light")])
def test_an_operator_moves_an_item_to_a_new_address_and_notes_a_service(scene, cast, site, browser, width, scheme):
    number = owning.lost_mailbox(scene)
    scene.admin.execute("UPDATE owner_requests SET due_at = %s", (scene.clock() - timedelta(days=1),))
    operator = cast.add(Role.OPERATOR)
    walk = Walk(browser, site, bypass_csp=True, color_scheme=scheme, viewport={"width": width, "height": 900})
    page, found = walk.page, []

    def look(name):
        found.extend((name, *fault) for fault in violations(page))
        if width_of(page) > width:
            found.append((name, "too wide", width_of(page)))
        if SHOTS:
            page.screenshot(path=Path(SHOTS) / f"{name}-{width}-{scheme}.png", full_page=True)

    walk.sign_in(operator.email, operator.password)
    page.goto(f"{site}/console/owners")
    walk.heading("Owners who need you")
    look("owners")
    page.goto(f"{site}/console/owners/requests/{number}")
    walk.heading("Lost mailbox of Meridian 42")
    look("owner-request")
    walk.click("Decide", role="link")
    walk.heading("Decide")
    look("owner-decision")
    page.get_by_label("Move it to the new address").check()
    page.get_by_label("Reason").fill("The invoice has the serial number.")
    walk.click("Decide")
    expect(page.get_by_role("status")).to_contain_text("Both addresses are told")
    walk.click("The item", role="link")
    walk.click("Proofs of purchase of the present owner", role="link")
    walk.heading("Registration of Meridian 42")
    look("owner-registration")
    walk.click("The item", role="link")
    walk.click("Services", role="link")
    page.get_by_label("Day").fill("2026-05-31")
    page.get_by_label("What was done").fill("Movement oiled")
    page.get_by_label("By whom").fill("Atelier Biel")
    walk.click("Add the service")
    expect(page.get_by_text("Movement oiled")).to_be_visible()
    look("services")

    assert found == []
    assert walk.complaints == []
    assert walk.foreign() == []
