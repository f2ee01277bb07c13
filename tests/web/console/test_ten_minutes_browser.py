"""A new user in a browser, by the names of controls: from the advisor to printed labels and the recall of one batch."""

from pathlib import Path

import pytest
from playwright.sync_api import expect
from printing import pages_of, read
from walking import Walk, browser, site
from working import codes_of, path_of, work

from authsvc.core.gs1 import check_digit
from authsvc.staff import Role

__all__ = ["browser", "site"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(280)]
GTIN = "0950600077001"


def signed_in(cast, browser, site):
    person = cast.add(Role.ADMIN)
    walk = Walk.seen(browser, site, (1440, "light"), (320, "dark"))
    walk.sign_in(person.email, person.password)
    return walk, walk.page


def download(page, name):
    with page.expect_download() as waiting:
        page.get_by_role("link", name=name).first.click()
    return Path(waiting.value.path())


def define(walk, scene, gtin):
    """Ask the advisor, and define the product and its batch."""
    page = walk.page
    walk.click("Advisor", "link")
    page.get_by_label("Category").select_option("luxury-textile")
    page.get_by_label("What one unit is worth").fill("400")
    page.get_by_label("Units a year").fill("20000")
    page.get_by_label("People check whether a unit is genuine").select_option("Yes")
    walk.click("Advise")
    expect(page.get_by_role("heading", name="suit this product")).to_contain_text("erial")
    walk.click("Define the product", "link")
    page.get_by_label("GTIN").fill(gtin)
    page.get_by_label("Name (needed)").fill("Fell jacket")
    page.get_by_label("Format of batch numbers").fill("J{YY}-##")
    page.get_by_label("More facts").fill("Down: goose, 800 cuin\nMill: Prato [partner]")
    walk.look("product-form")
    walk.click("Save")
    work(scene)
    page.goto(f"{walk.site}/console/products")
    page.get_by_role("link", name="Fell jacket").click()
    walk.heading("Fell jacket")
    walk.look("product")
    walk.click("New batch", "link")
    page.get_by_label("Batch (needed)").fill("J1")
    walk.click("Save")
    expect(page.get_by_role("alert")).to_contain_text("does not follow the format J{YY}-##")
    page.get_by_label("Batch (needed)").fill("J26-01")
    page.get_by_label("Origin").fill("Portugal")
    walk.click("Save")


def order_codes(walk, scene, gtin, count):
    """Order codes for the batch and have them issued."""
    page = walk.page
    walk.click("Order codes", "link")
    expect(page.get_by_label("Product", exact=True)).to_have_value(gtin)
    page.get_by_label("How many codes").fill(str(count))
    page.get_by_label("Batch", exact=True).fill("J26-01")
    walk.click("Order")
    work(scene)


def print_labels(walk, scene):
    """Have the labels of the newest run drawn, and return the sheets."""
    page = walk.page
    page.goto(f"{walk.site}/console/runs")
    page.get_by_role("link", name="Labels of run").first.click()
    walk.look("labels")
    page.get_by_label("Label", exact=True).select_option("label-63x38")
    walk.click("Make the PDF")
    work(scene)
    page.reload()
    walk.look("sheets")
    return download(page, "Download PDF")


def recall(walk, gtin):
    """Recall the batch."""
    page = walk.page
    walk.click("Recalls", "link")
    walk.click("New recall", "link")
    walk.click("Batch", "link")
    page.get_by_label("Product").select_option(gtin)
    page.get_by_label("Batch (needed)").fill("J26-01")
    page.get_by_label("Reason").fill("The zip may tear")
    page.get_by_label("What to do").fill("Bring it to any shop.")
    walk.click("Look at what it hits")
    page.get_by_label("I have looked at these figures").check()
    walk.click("Announce the recall")
    expect(page.get_by_role("status")).to_contain_text("Every page says so from now on")


def test_from_the_advisor_to_printed_labels_and_a_recall(cast, scene, site, browser, tmp_path):
    gtin = GTIN + check_digit(GTIN)
    walk, page = signed_in(cast, browser, site)

    define(walk, scene, gtin)
    order_codes(walk, scene, gtin, 21)
    sheet = tmp_path / "labels.pdf"
    sheet.write_bytes(print_labels(walk, scene).read_bytes())
    page.goto(f"{site}/console/runs")
    rows = codes_of(download(page, "Download the codes of run").read_text())
    assert set(read(pages_of(sheet)[0])) == {row["uri"] for row in rows}
    assert scene.visitor().check(path_of(rows[0]))["reason"] == "first-check"
    recall(walk, gtin)

    assert {scene.visitor().check(path_of(row))["reason"] for row in rows[:3]} == {"recalled"}
    assert walk.found == []
    # The number of a batch that was refused on purpose is the one complaint.
    assert ["400 (BAD REQUEST)" in said for said in walk.complaints] == [True]


def test_an_item_has_records_over_time(cast, scene, site, browser):
    product = scene.add_product(name="Cell 80", attributes={"noun": "battery", "facts": [["Chemistry", "LFP"]]})
    codes = scene.issue(product, 30, lot="B7")
    walk, page = signed_in(cast, browser, site)
    page.goto(f"{site}/console/items/{codes.link(0).sgtin}")
    for at, health in (("2026-01-05T10:00", 99), ("2026-04-05T10:00", 97), ("2026-09-05T10:00", 93.5)):
        walk.click("Add a record", "link")
        page.get_by_label("About").select_option("Battery")
        page.get_by_label("When").fill(at)
        page.get_by_label("Values", exact=True).fill(f"state_of_health = {health}")
        page.get_by_label("Who may see it").select_option("Everybody")
        if health == 99:
            walk.look("record")
        walk.click("Add")
    walk.click("Add a fact", "link")
    page.get_by_label("Name (needed)").fill("Cell supplier")
    page.get_by_label("Value").fill("Plant 4")
    walk.look("fact")
    walk.click("Save")
    expect(page.get_by_role("img", name="State of health")).to_be_visible()
    walk.look("item")
    walk.click("Replace the label", "link")
    walk.look("relabel")
    page.goto(site + codes.path(0))
    expect(page.get_by_role("heading", name="About this one battery")).to_be_visible()
    walk.look("verdict")

    assert walk.found == []
    assert walk.complaints == []


def test_codes_are_voided_and_a_file_of_serials_is_checked(cast, scene, site, browser):
    codes = scene.issue(scene.watch, 30)
    walk, page = signed_in(cast, browser, site)
    page.goto(f"{site}/console/runs")
    walk.click("Printers and sites", "link")
    walk.look("sites")
    page.goto(f"{site}/console/runs/{codes.run}")
    page.get_by_label("From code").fill("10")
    page.get_by_label("To code").fill("19")
    page.get_by_label("Reason").fill("A roll was spoilt")
    page.get_by_label("These codes are not on any item").check()
    walk.click("Void them")
    expect(page.get_by_role("status")).to_contain_text("10 codes are void")
    walk.look("run")
    page.goto(f"{site}/console/runs/import")
    page.get_by_label("Product").select_option(scene.watch.gtin)
    file = {"name": "serials.csv", "mimeType": "text/csv", "buffer": b"serial\nA1\nA B\nA1\n"}
    page.locator("#f-file").set_input_files(file)
    walk.click("Check it")
    work(scene)
    page.reload()
    expect(page.get_by_text("row 3, column serial: 'A B'")).to_be_visible()
    expect(page.get_by_text("row 4, column serial: 'A1': is in the file already, in row 2")).to_be_visible()
    walk.look("import")

    assert walk.found == []
    assert walk.complaints == []
