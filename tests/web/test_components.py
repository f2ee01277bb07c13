"""Every named piece of the console, as the real application renders it, in a real browser."""

import itertools
import re
from html.parser import HTMLParser
from pathlib import Path

import chromium
import components
import pytest
from looking import violations, width_of
from playwright.sync_api import expect, sync_playwright

from authsvc.web.wire import POLICY

HOST = "https://id.example.com"
PICTURES = Path(__file__).parents[2] / "artefacts" / "console"
WIDTHS = (390, 1200, 1440)


class Tags(HTMLParser):
    """The start tags of a page."""

    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def client(scene):
    """Return a client of the application, with routes that show the pieces and exist here alone."""
    app = scene.start()
    app.register_blueprint(components.blueprint())
    return app.test_client()


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, client):
    """Return a function that opens pages of the application; what the browser complains about fails the test."""
    complaints, contexts = [], []

    def serve(route):
        url = route.request.url
        if not url.startswith(HOST):
            complaints.append(f"foreign host: {url}")
        response = client.get(url.removeprefix(HOST))
        headers = {name: value for name, value in response.headers if name != "Content-Length"}
        route.fulfill(status=response.status_code, body=response.data, headers=headers)

    def make(**options):
        contexts.append(browser.new_context(**{"reduced_motion": "reduce"} | options))
        page = contexts[-1].new_page()
        page.route("**/*", serve)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


def html(client, name):
    response = client.get(f"/components/{name}")
    assert response.status_code == 200
    assert response.headers["Content-Security-Policy"] == POLICY
    return response.get_data(as_text=True)


@pytest.mark.parametrize("name", components.PAGES)
def test_page_has_no_inline_style_or_script(client, name):
    tags = Tags(html(client, name)).found

    assert not [tag for tag, _ in tags if tag == "style"]
    assert all("src" in attributes for tag, attributes in tags if tag == "script")
    assert not [key for _, attributes in tags for key in attributes if key == "style" or key.startswith("on")]


@pytest.mark.parametrize("name", components.PAGES)
def test_ids_are_unique_and_references_lead_somewhere(client, name):
    tags = Tags(html(client, name)).found
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    named = {
        target
        for _, attributes in tags
        for key in ("for", "aria-labelledby", "aria-describedby")
        for target in attributes.get(key, "").split()
    }
    drawn = {attributes["href"][1:] for tag, attributes in tags if tag == "use" and attributes["href"][0] == "#"}

    assert len(ids) == len(set(ids))
    assert named | drawn <= set(ids)


def test_every_piece_is_shown_here_and_described_at_the_top_of_its_file(client):
    env = client.application.jinja_env
    templates = Path(components.__file__).parent / "templates" / "components"
    sources = {name: env.loader.get_source(env, f"console/{name}.html")[0] for name in ("base", "parts", "forms")}
    used = "".join((templates / f"{name}.html").read_text() for name in components.PAGES)
    used += "".join(re.sub(r"{#.*?#}|{% macro .*?%}", "", source, flags=re.DOTALL) for source in sources.values())
    pieces = {
        (file, name)
        for file in ("parts", "forms")
        for name in env.get_template(f"console/{file}.html").module.__dict__
        if not name.startswith("_")
    }

    assert len(pieces) > 30
    assert [name for _, name in pieces if not re.search(rf"\b{name}\(", used)] == []
    assert [name for file, name in pieces if f"\n  {name}(" not in sources[file].partition("-#}")[0]] == []


def test_hostile_values_stay_text(client, monkeypatch):
    hostile = '"><script>alert(1)</script>{{7*7}}'
    monkeypatch.setitem(components.PAGES, "alert", hostile)
    monkeypatch.setattr(components, "QUEUE", [{**components.QUEUE[0], "title": hostile, "text": hostile}])
    monkeypatch.setattr(components, "HIDDEN", {"form_token": hostile})
    page = html(client, "alert")

    assert "<script" not in page
    assert "{{7*7}}" in page


@pytest.mark.browser
def test_pages_have_no_accessibility_violations(open_page):
    page = open_page(bypass_csp=True)
    found = []
    for name in components.PAGES:
        page.goto(f"{HOST}/components/{name}")
        page.eval_on_selector_all("main details", "found => found.slice(0, 1).forEach(one => { one.open = true })")
        for width, scheme in itertools.product((390, 1440), ("light", "dark")):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            found += [(name, width, scheme, *fault) for fault in violations(page)]

    assert found == []


@pytest.mark.browser
def test_pages_are_drawn_without_complaint(open_page):
    PICTURES.mkdir(parents=True, exist_ok=True)
    page = open_page()
    for name in components.PAGES:
        page.goto(f"{HOST}/components/{name}")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                page.screenshot(path=PICTURES / f"{name}-{width}-{scheme}.png", full_page=True)

            assert width_of(page) <= width


@pytest.mark.browser
def test_land_of_the_maps_is_loaded_and_drawn(open_page):
    page = open_page(viewport={"width": 1440, "height": 900})
    page.goto(f"{HOST}/components/parts")
    sizes = page.eval_on_selector_all("svg.map .land", "found => found.map(one => one.getBBox().width)")

    assert len(sizes) == 2
    assert all(size > 15_000 for size in sizes)


@pytest.mark.browser
def test_vendored_scripts_run_under_the_policy(open_page):
    page = open_page()
    page.goto(f"{HOST}/components/parts")

    assert page.evaluate("[htmx.version, htmx.config.includeIndicatorCSS, document.adoptedStyleSheets.length]") == [
        "4.0.1", False, 0,
    ]  # fmt: skip


@pytest.mark.browser
def test_pages_reflow_at_320_pixels_and_with_large_letters(open_page):
    page = open_page()
    for name in components.PAGES:
        page.goto(f"{HOST}/components/{name}")
        for width, size in ((320, "100%"), (640, "200%")):
            page.set_viewport_size({"width": width, "height": 800})
            page.evaluate("size => { document.documentElement.style.fontSize = size }", size)

            assert width_of(page) == width, name


@pytest.mark.browser
def test_controls_are_large_enough_to_hit(open_page):
    page = open_page()
    small = []
    for name in components.PAGES:
        page.goto(f"{HOST}/components/{name}")
        for width in (390, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            small += page.eval_on_selector_all(
                "button, .btn, select, textarea, summary, .nav a, .tabs a, .logo, label.tick, .opt,"
                " input:not([type=hidden], [type=checkbox], [type=radio])",
                # The side bar is for a mouse, and shows all its entries at once on a laptop.
                "found => found.filter(one => one.checkVisibility()"
                " && one.getBoundingClientRect().height < (one.closest('.side') ? 27.9 : 35.9))"
                ".map(one => one.outerHTML.slice(0, 200))",
            )

    assert small == []


@pytest.mark.browser
def test_menu_works_below_1200_pixels_without_javascript(open_page):
    page = open_page(java_script_enabled=False, viewport={"width": 1199, "height": 900})
    page.goto(f"{HOST}/components/alert")
    expect(page.get_by_role("link", name="Overview")).to_be_hidden()
    page.get_by_text("Menu", exact=True).click()

    expect(page.get_by_role("navigation", name="Menu").get_by_role("link", name="Overview")).to_be_visible()
    expect(page.get_by_role("link", name="Alerts 7 open")).to_have_attribute("aria-current", "page")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


@pytest.mark.browser
def test_side_bar_stands_from_1200_pixels_on(open_page):
    page = open_page(java_script_enabled=False, viewport={"width": 1200, "height": 900})
    page.goto(f"{HOST}/components/alert")

    expect(page.get_by_role("navigation", name="Main").get_by_role("link", name="Overview")).to_be_visible()
    expect(page.get_by_text("Menu", exact=True)).to_be_hidden()


@pytest.mark.browser
def test_decision_says_what_will_change_without_javascript(open_page):
    page = open_page(java_script_enabled=False, viewport={"width": 1440, "height": 900})
    page.goto(f"{HOST}/components/alert")
    expect(page.get_by_role("button", name="Block serial and close")).to_be_visible()
    page.get_by_role("radio", name="Wait for more scans").check()

    expect(page.get_by_role("button", name="Snooze the alert")).to_be_visible()
    expect(page.get_by_role("button", name="Block serial and close")).to_have_count(0)
    expect(page.get_by_text("The alert leaves this list until it gets worse.")).to_be_visible()
    expect(page.get_by_text("The owner, 1 person, gets an e-mail.")).to_be_hidden()


@pytest.mark.browser
def test_keyboard_reaches_the_content_first(open_page):
    page = open_page(viewport={"width": 1440, "height": 900})
    page.goto(f"{HOST}/components/alert")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the alert")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.get_by_role("main")).to_be_focused()
