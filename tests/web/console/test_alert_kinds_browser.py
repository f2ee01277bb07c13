"""Alerts of every kind in Chromium: their page and a mixed selection, narrow and dark, wide and light."""

import re

import pytest
from casework import report
from playwright.sync_api import expect
from psycopg.types.json import Jsonb
from scene import BERLIN
from test_investigations import FAR, check_daily
from walking import Walk, browser, site

from authsvc.core import lots
from authsvc.core.lots import LotPlace, LotWindow, Refused
from authsvc.runtime import new_id
from authsvc.staff import Role

__all__ = ["browser", "site"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

WIDE = (1440, "light")
BOTH = (WIDE, (320, "dark"))
EVERY = (WIDE, (320, "light"), (320, "dark"), (1440, "dark"))
FAR_AWAY = LotPlace(gtin="", lot="B260802", country="VN", known=40, fresh=5, before=2, first=200)


def raise_on(scene, key, subject, finding, **facts):
    """Open an alert of the watch over lots, as it does."""
    evidence = {"parts": [{"rule": p.rule, "weight": p.weight, "text": p.text} for p in finding.parts], **facts}
    scene.admin.execute(
        "INSERT INTO alerts (sgtin, id, brand_id, subject, rule, score, evidence, opened_at) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        (key, new_id(), scene.halden.id, subject, finding.rule, finding.score, Jsonb(evidence), scene.clock()),
    )


@pytest.fixture
def raised(scene, later):
    """Have one alert each about an item, a shop, a batch and a network; return the name of the item's product."""
    scene.admin.execute("TRUNCATE alerts, alert_countries, alert_decisions, resolutions, case_alerts CASCADE")
    product = scene.add_product(name="Meridian 38")
    check_daily(scene, scene.issue(product, lot="B260915").link(), (BERLIN, *FAR * 4))
    for _ in range(3):
        report(scene, shop_name="Duomo Time", shop_address="Via Torino 40, Milano")
    window = LotWindow(place=FAR_AWAY, lot_now=400, lot_before=500, usual_known=1.0, usual_share=0.002)
    found = lots.examine(window)[1]
    key = f"lot/{product.gtin}/B260802"
    raise_on(scene, key, "lot", found, gtin=product.gtin, lot="B260802", country="VN", until="2026-11-20")
    (refused,) = lots.examine(Refused(forged=203, not_issued=11, hours=3.0, usual=1.4))
    raise_on(scene, f"network/{scene.halden.id}/ab12", "network", refused, prefix="ab12", country="RU",
             since="2026-11-20T08:00:00+00:00", until="2026-11-20T11:00:00+00:00")  # fmt: skip
    return product.name


@pytest.mark.usefixtures("raised")
def test_each_kind_is_offered_what_fits_it_and_a_mixed_selection_what_fits_all(scene, site, browser, cast):
    person = cast.add(Role.ANALYST)
    walk = Walk.seen(browser, site, WIDE)
    page = walk.page
    walk.sign_in(person.email, person.password)
    walk.heading("Overview")
    page.goto(f"{site}/console/alerts")
    walk.look("kinds-list", *BOTH)
    offered = {}
    for name, headline in (("item", "phones in"), ("shop", "Duomo Time"), ("lot", "batch B260802"),
                           ("network", "from one network")):  # fmt: skip
        page.goto(f"{site}/console/alerts")
        page.get_by_role("link", name=re.compile(headline)).first.click()
        offered[name] = page.locator("#decision .opt").all_inner_texts()
        walk.look(f"kinds-{name}", *EVERY)
        page.get_by_text("the points mean").click()
        walk.look(f"kinds-{name}-points")

    page.goto(f"{site}/console/alerts")
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_label("What to do").select_option(label="Decide them together…")
    walk.click("Apply")
    walk.heading("Decide 4 alerts together")
    page.get_by_role("radio", name=re.compile("False alarm")).check()
    walk.look("kinds-mixed", *EVERY)
    page.get_by_role("button", name="1 about a shop").click()
    walk.heading("Decide 1 alert together")
    page.get_by_role("radio", name=re.compile("Counterfeits are sold here")).check()
    page.get_by_label("Reason (needed)").fill(" ")
    walk.click("Confirm and close")
    page.get_by_role("link", name=re.compile("Give the reason")).click()
    expect(page.get_by_label("Reason (needed)")).to_be_focused()
    walk.look("kinds-refused", *BOTH)
    page.get_by_label("Reason (needed)").fill("A test purchase was a copy")
    walk.click("Confirm and close")
    expect(page.get_by_role("status").first).to_contain_text("1 alert done.")

    assert any("block this serial" in text for text in offered["item"])
    for kind in ("shop", "lot", "network"):
        assert not any("serial" in text or "owner" in text for text in offered[kind]), offered[kind]
        assert any("Harmless" in text for text in offered[kind])
    decided = scene.row("SELECT kind FROM resolutions WHERE sgtin LIKE 'shop/%%'")
    assert decided == ("confirmed",)
    assert walk.found == []
    # The browser names the form that was refused, and nothing else.
    assert len(walk.complaints) == 1
    assert "status of 400" in walk.complaints[0]
