"""The pages of links: hosts by an admin with a fresh proof, links by an operator, each act in the log; and by eye."""

import pytest
from playwright.sync_api import expect
from walking import Walk, browser, site

from authsvc import production_lines
from authsvc.production_lines import Act, Batch
from authsvc.staff import Role

__all__ = ["browser", "site"]

SITE = "https://www.halden.example"


def acts(scene):
    return [act for (act,) in scene.rows("SELECT act FROM audit_events WHERE act LIKE 'link%%' ORDER BY seq")]


def test_a_host_is_registered_and_links_are_added_changed_moved_and_removed(scene, cast):
    admin, operator = cast.add(Role.ADMIN), cast.add(Role.OPERATOR)
    admin.sign_in()
    operator.sign_in()
    gtin, here = scene.watch.gtin, f"/console/links/{scene.watch.gtin}"
    form = {"link_type": "pip", "href": f"{SITE}/watch", "title": "Watch", "languages": "en, pt-BR"}
    before = len(acts(scene))

    refused = operator.post(here, **form)
    assert refused.status_code == 409
    assert "may not lead to www.halden.example" in refused.text
    assert admin.post("/console/links/hosts", host="WWW.halden.example").status_code == 303
    assert operator.post(here, **form).status_code == 303
    assert (
        operator.post(here, **form | {"title": "Manual", "link_type": "instructions", "lot": "L2410"}).status_code
        == 303
    )
    for wrong in ({"languages": "English"}, {"link_type": "nosuch"}, {"title": " "}, {"lot": "A", "serial": "B"}):
        assert operator.post(here, **form | wrong).status_code == 400

    rows = scene.rows("SELECT id, title, lot, languages FROM links WHERE gtin = %s ORDER BY position", gtin)
    (first, *_), (second, *_) = rows
    assert [row[1:] for row in rows] == [("Watch", None, ["en", "pt-BR"]), ("Manual", "L2410", ["en", "pt-BR"])]
    assert operator.post(f"{here}/{first}", **form | {"title": "The watch"}).status_code == 303
    assert operator.post(f"{here}/{second}/move", to="up").status_code == 303
    assert [title for (title,) in scene.rows("SELECT title FROM links WHERE gtin = %s ORDER BY position", gtin)] == [
        "Manual", "The watch",
    ]  # fmt: skip
    used = admin.post("/console/links/hosts/remove", host="www.halden.example")
    assert (used.status_code, "2 links lead to www.halden.example" in used.text) == (409, True)
    for link in first, second:
        assert operator.post(f"{here}/{link}/remove").status_code == 303
    assert admin.post("/console/links/hosts/remove", host="www.halden.example").status_code == 303
    assert acts(scene)[before:] == [
        "link-host.add", "link.add", "link.add", "link.change", "link.move", "link.remove", "link.remove",
        "link-host.remove",
    ]  # fmt: skip


def test_hosts_need_a_fresh_proof_and_a_viewer_only_reads(scene, cast, later):
    admin, viewer = cast.add(Role.ADMIN), cast.add(Role.VIEWER)
    admin.sign_in()
    viewer.sign_in()
    token = admin.token()

    assert "Add the link" not in viewer.get(f"/console/links/{scene.watch.gtin}").text
    later(minutes=6)
    assert admin.post("/console/links/hosts", token, host="www.elsewhere.example").status_code == 403
    assert scene.rows("SELECT FROM link_hosts WHERE host = 'www.elsewhere.example'") == []


@pytest.mark.browser
@pytest.mark.timeout(240)
def test_links_are_written_in_a_browser(cast, site, browser):
    person, scene = cast.add(Role.ADMIN), cast.scene
    with scene.owner_session() as session:
        codes = [scene.codes.uri(0), scene.codes.uri(0), "smudge"]
        batch = Batch(line="Line 3, Biel", number=1, act=Act.COMMISSION, codes=codes)
        keys = scene.rt.held.serial_keys_of(scene.halden.id)
        production_lines.take_batch(session, scene.halden, batch, serial_keys=keys, now=scene.clock())
    walk = Walk.seen(browser, site, (1440, "light"), (320, "dark"))
    page = walk.page
    walk.sign_in(person.email, person.password)

    page.goto(f"{site}/console/links/hosts/edit")
    page.get_by_label("Host (needed)").fill("www.halden.example")
    walk.click("Add the host")
    walk.look("all")
    page.goto(f"{site}/console/links/{cast.scene.watch.gtin}")
    page.get_by_label("What it is").select_option("instructions")
    page.get_by_label("Title").fill("Manual")
    page.get_by_label("Address").fill("https://www.halden.example/manual")
    page.get_by_label("Languages").fill("en")
    walk.click("Add the link")
    expect(page.get_by_role("status").first).to_contain_text("Manual is added")
    walk.look("product")
    page.get_by_role("link", name="Manual", exact=True).first.click()
    page.get_by_label("Address").fill("https://evil.example/")
    walk.click("Save")
    expect(page.get_by_role("alert")).to_contain_text("may not lead to evil.example")
    walk.look("refused")
    page.goto(f"{site}/console/lines")
    walk.heading("Lines")
    walk.look("lines")
    page.goto(f"{site}/01/{cast.scene.watch.gtin}?linkType=linkset")
    walk.heading("Meridian 36")
    walk.look("public")

    assert walk.found == []
    assert all("409" in complaint for complaint in walk.complaints), "the refusal is a 409, which Chromium notes"
    assert walk.foreign() == []
