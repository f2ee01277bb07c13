"""The pages of products in a browser, by the names of controls, in both themes."""

from dataclasses import replace

import pytest
from playwright.sync_api import expect
from walking import Walk, browser, site

from authsvc import errand_work
from authsvc.deliveries import Courier
from authsvc.staff import Role

__all__ = ["browser", "site"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


def test_a_file_with_faults_and_a_batch(cast, scene, site, browser):
    operator = cast.add(Role.OPERATOR)
    walk = Walk.seen(browser, site)
    page = walk.page

    walk.sign_in(operator.email, operator.password)
    page.goto(f"{site}/console/products")
    walk.heading("Products")
    content = b"gtin,name,granularity\n123,Kettle,sometimes\n"
    page.get_by_label("File", exact=True).set_input_files(
        {"name": "kettles.csv", "mimeType": "text/csv", "buffer": content}
    )
    walk.click("Check it")
    courier = replace(Courier.make(scene.config, scene._sessions), now=scene.clock)
    for (number,) in scene.rows("SELECT id FROM errands WHERE state = 'waiting'"):
        errand_work.do_errand(courier, scene.url, number)
    courier.client.close()
    page.goto(f"{site}/console/products")
    expect(page.get_by_text("row 2, granularity:").first).to_be_visible()
    walk.look("product-list")
    page.get_by_role("link", name="Meridian 36").first.click()
    walk.heading("Meridian 36")
    walk.click("New batch", "link")
    page.get_by_label("Batch").fill("P1")
    page.get_by_label("Use by").fill("2031-01-31")
    page.get_by_label("Origin").fill("Biel")
    walk.look("product-lot")
    walk.click("Save")
    expect(page.get_by_role("status")).to_contain_text("Batch P1 is saved")
    walk.look("product-one")
    walk.click("Change", "link")
    walk.look("product-form")

    assert walk.found == []
    assert walk.complaints == []
