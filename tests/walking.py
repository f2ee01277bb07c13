"""Walks through the console in Chromium: the application on a port of localhost, a browser, its complaints."""

import os
import threading

import chromium
import pytest
from looking import VIEWS, faults, window
from playwright.sync_api import expect, sync_playwright
from werkzeug.serving import make_server

SHOTS = os.environ.get("CONSOLE_SHOTS")  # A folder for pictures, for whoever wants to look.


@pytest.fixture(scope="module")
def site(scene):
    """Serve the application on a port of localhost, where browsers have passkeys, and return its address."""
    server = make_server("127.0.0.1", 0, scene.app, threaded=True)
    base = f"http://localhost:{server.server_port}"
    server.app = scene.start(base_url=base)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield base
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        yield browser
        browser.close()


class Walk:
    """One page of a fresh browser, everything it complained of, and what was found where somebody looked."""

    def __init__(self, browser, site, **options):
        self.site = site
        self.page = browser.new_context(**{"reduced_motion": "reduce"} | options).new_page()
        self.views = ()
        self.complaints, self.asked, self.found = [], [], []
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))

    @classmethod
    def seen(cls, browser, site, *views):
        """Begin a walk that is looked at in several views, each a width and a theme; it goes on in the first."""
        walk = cls(browser, site, **window((views or VIEWS)[0]))
        walk.views = views or VIEWS
        return walk

    def look(self, name, *views):
        """Note what is wrong with the page as it stands; leave pictures of it where somebody wants to look."""
        self.found += faults(self.page, name, views or self.views, SHOTS)

    def sign_in(self, email, password):
        self.page.goto(f"{self.site}/console/")
        self.page.get_by_label("E-mail address").fill(email)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in", exact=True).click()

    def click(self, name, role="button"):
        self.page.get_by_role(role, name=name, exact=True).click()

    def heading(self, text):
        expect(self.page.get_by_role("heading", level=1)).to_have_text(text)

    def foreign(self):
        return [url for url in self.asked if not url.startswith((self.site, "data:"))]
