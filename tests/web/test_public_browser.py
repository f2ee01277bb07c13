"""What somebody in a shop does after a check, in Chromium: reporting and following, without JavaScript, at 320 px."""

import io
import os
import re
from urllib.parse import urlsplit

import pytest
from casework import picture
from looking import VIEWS, faults, window
from owning import letters
from PIL import Image, ImageDraw
from playwright.sync_api import expect
from walking import browser, site

from authsvc import brand_looks
from authsvc.core.gs1 import DigitalLink
from authsvc.core.verdicts import Disposition

__all__ = ["browser", "site"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

SHOTS = os.environ.get("PUBLIC_SHOTS")  # A folder for pictures, for whoever wants to look.


@pytest.fixture
def photos(tmp_path):
    """Return two photos as files."""
    found = [tmp_path / "one.jpg", tmp_path / "two.png"]
    found[0].write_bytes(picture(size=(800, 600)))
    found[1].write_bytes(picture("PNG"))
    return found


def logo():
    """Draw a letter on a ground of its own."""
    drawn = Image.new("RGB", (128, 128), "#12263f")
    for box in ((32, 26, 48, 102), (80, 26, 96, 102), (32, 56, 96, 72)):
        ImageDraw.Draw(drawn).rectangle(box, "#e8dcc2")
    target = io.BytesIO()
    drawn.save(target, "PNG")
    return target.getvalue()


def fill_in(page, photos):
    page.get_by_label("What is wrong?").fill("The strap is glued on, and the number is only a sticker.")
    page.get_by_label("Shop, market or website").fill("Market hall")
    page.get_by_label("Street or town").fill("Basel")
    page.get_by_label("Address of the offer").fill("market.example/offer/7")
    page.get_by_label("Name of the seller").fill("M. Muster")
    page.get_by_label("When").fill("2026-04-30")
    page.get_by_label("Price").fill("129.90")
    page.get_by_label("Currency").fill("EUR")
    page.get_by_label("Photos").set_input_files(photos)
    page.get_by_label("How can we reach you?").fill("ada@example.com")


@pytest.mark.parametrize("has_script", [True, False])
def test_somebody_checks_and_reports_what_differs(scene, site, browser, photos, has_script):
    context = browser.new_context(java_script_enabled=has_script, viewport={"width": 320, "height": 700})
    page = context.new_page()
    complaints, asked = [], []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("request", lambda request: asked.append(request.url))

    page.goto(site + scene.codes.path())
    page.get_by_text("It differs", exact=True).click()
    page.get_by_role("link", name="Report what differs").click()
    fill_in(page, photos)
    page.get_by_role("button", name="Send the report").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your report has arrived")
    with page.expect_download() as download:
        page.get_by_role("link", name="Sheet for a refund").click()

    assert download.value.path().read_bytes().startswith(b"%PDF")
    found = scene.row("SELECT number, price, contact FROM consumer_reports ORDER BY created_at DESC LIMIT 1")
    assert page.get_by_text(f"{found[0][:3]}-{found[0][3:6]}-{found[0][6:]}").is_visible()
    assert (found[1], b"ada@" in found[2]) == ("129.90 EUR", False)
    assert complaints == []
    assert {urlsplit(url).netloc for url in asked} == {urlsplit(site).netloc}
    context.close()


def link_of(scene, email):
    """Return the path in the latest mail."""
    return re.search(r"(/follow/mail/\S+)", letters(scene, email)[-1][1])[1]


@pytest.mark.parametrize("has_script", [True, False])
def test_somebody_asks_to_be_told_and_changes_their_mind(scene, site, browser, has_script):
    email = f"follows-{has_script}@example.com"
    context = browser.new_context(java_script_enabled=has_script, viewport={"width": 320, "height": 700})
    page = context.new_page()

    page.goto(site + scene.codes.path())
    page.get_by_role("link", name="Tell me if this changes").click()
    page.get_by_label("E-mail address").fill(email)
    page.get_by_role("button", name="Tell me").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirm your address")
    page.goto(site + link_of(scene, email))
    page.get_by_role("button", name="Yes, tell me").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("We will tell you")
    page.get_by_role("button", name="Forget my address").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your address is forgotten")
    context.close()


@pytest.fixture(scope="module")
def verdicts(scene):
    """Return the path of a code for each verdict of an item or a lot that a page can show."""
    paths = {"used": scene.codes.path(), "forged": f"{scene.codes.path()[:-4]}AAAA"}
    for _ in range(5):
        scene.visitor().scan(paths["used"])
    for disposition in (Disposition.STOLEN, Disposition.LOST, Disposition.BLOCKED):
        paths[disposition.value] = scene.codes.path()
        scene.visitor().scan(paths[disposition.value])
        scene.set_disposition(DigitalLink.parse(paths[disposition.value]), disposition)
    recalled = scene.add_product(name="Kettle", attributes={"noun": "kettle"})
    paths["recalled"] = scene.issue(recalled, lot="K7").path()
    scene.recall(recalled, lot="K7", remedy="Bring it back to the shop.")
    paths["unknown"] = f"/01/{scene.watch.gtin}/21/0000000000000000"
    brand = scene.add_brand("maison", "9530002")
    with scene.owner_session() as session:
        brand_looks.set_look(session, brand.id, "#5b2c86", "#d9b8ff", logo())
    scene.refresh()
    bag = scene.add_product(brand, name="Bag", description="Calf leather, brown", warranty_months="24")
    paths["in-colours"] = scene.issue(bag).path()
    return paths


def test_no_public_page_has_a_violation_or_is_too_wide(scene, site, browser, verdicts, photos):
    email = "looks@example.com"
    context = browser.new_context(**window(VIEWS[0]))
    page = context.new_page()
    found = []

    def look(name):
        found.extend(faults(page, name, VIEWS, SHOTS))

    page.goto(f"{site}/report")
    look("report-code")
    page.get_by_label("Number on the label").fill("12")
    page.get_by_role("button", name="Go on").click()
    look("report-code-fault")
    page.goto(site + scene.codes.path())
    look("verdict")
    page.get_by_role("link", name="Report something wrong").click()
    look("report")
    fill_in(page, photos)
    page.get_by_label("Price").fill("free")
    page.get_by_role("button", name="Send the report").click()
    look("report-fault")
    page.get_by_label("Price").fill("12")
    page.get_by_role("button", name="Send the report").click()
    look("report-sent")
    page.goto(site + scene.codes.path())
    page.get_by_role("link", name="Tell me if this changes").click()
    look("follow")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_role("button", name="Tell me").click()
    look("follow-sent")
    page.goto(site + link_of(scene, email))
    look("follow-link")
    page.get_by_role("button", name="Yes, tell me").click()
    look("follow-confirmed")
    page.get_by_role("button", name="Forget my address").click()
    look("follow-forgotten")
    page.goto(f"{site}/privacy")
    look("privacy")
    for name, path in verdicts.items():
        page.goto(site + path)
        look(f"verdict-{name}")
    context.close()

    assert found == []
