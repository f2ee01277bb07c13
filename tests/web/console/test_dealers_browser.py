"""A dealer in Chromium: let in by the console, receives, sells, and gives its till a key."""

import re
from datetime import timedelta

import pytest
from owning import letters
from playwright.sync_api import expect
from walking import Walk, browser, site

from authsvc.staff import Role

__all__ = ["browser", "site"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


def link_of(scene, email, site):
    return re.search(rf"^{site}/own/\S+", letters(scene, email)[-1][1], re.MULTILINE)[0]


def test_a_dealer_is_let_in_receives_and_sells(cast, scene, site, browser):
    codes = scene.issue(scene.add_product(name="Meridian 38", warranty_months="24"), 3)
    boss, email, paths = cast.add(Role.ADMIN), "till@example.com", [codes.path() for _ in range(3)]
    office, shop = (Walk.seen(browser, site) for _ in range(2))

    office.sign_in(boss.email, boss.password)
    office.page.goto(f"{site}/console/dealers")
    office.heading("Dealers")
    office.page.get_by_label("Name").fill("Uhren Meier Biel")
    office.page.get_by_label("E-mail address").fill(email)
    office.page.get_by_label("Country").select_option("Switzerland")
    office.click("Let it in")
    expect(office.page.get_by_role("status")).to_contain_text("Uhren Meier Biel is let in")
    office.look("dealer-console")

    shop.page.goto(link_of(scene, email, site))
    shop.click("Sign in")
    shop.heading("Your stock")
    shop.look("dealer-empty")
    pasted = shop.page.get_by_label("Codes, one a line")
    pasted.fill("\n".join(f"{site}{path}" for path in paths) + "\n12")
    shop.click("Do it")
    shop.heading("Nothing was changed")
    shop.look("dealer-faults")
    shop.page.get_by_role("link", name="Back to the stock").click()
    pasted.fill("\n".join(f"{site}{path}" for path in paths))
    shop.click("Check the list first")
    expect(shop.page.get_by_text("All lines can be done")).to_be_visible()
    shop.click("Do it")
    shop.heading("Done: 3 items")
    shop.page.get_by_role("link", name="Back to the stock").click()
    shop.page.get_by_label("Mark as sold").check()
    pasted.fill(f"{site}{paths[0]}")
    shop.page.get_by_label("Sold on").fill((scene.clock() - timedelta(days=2)).date().isoformat())
    shop.click("Do it")
    shop.heading("Done: 1 item")
    shop.look("dealer-sold")
    shop.page.get_by_role("link", name="Back to the stock").click()
    shop.look("dealer-stock")
    shop.page.get_by_label("Transfer codes or links, one a line").fill("7K3M-9QX2-V4TD-1RZ8")
    shop.click("Take them over")
    shop.heading("Nothing was changed")
    expect(shop.page.get_by_text("There is no offer with this code")).to_be_visible()
    shop.look("dealer-take")
    shop.page.get_by_role("link", name="Back to the stock").click()
    shop.page.get_by_role("link", name="Programs and phones").click()
    shop.page.get_by_label("Name", exact=True).fill("Till 1")
    shop.click("Make a key")
    expect(shop.page.locator("#key")).to_be_visible()
    shop.look("dealer-access")

    assert office.found + shop.found == []
    assert office.complaints == []
    assert [said for said in shop.complaints if "400" not in said] == []
