"""Walks through the console in Chromium: the application on a port of localhost, a browser, its complaints."""

import os
import threading

import pytest
from playwright.sync_api import expect, sync_playwright
from werkzeug.serving import make_server

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
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
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield browser
        browser.close()


class Walk:
    """One page of a fresh browser, and everything it complained of."""

    def __init__(self, browser, site, **options):
        self.site = site
        self.page = browser.new_context(reduced_motion="reduce", **options).new_page()
        self.complaints, self.asked = [], []
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))

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
