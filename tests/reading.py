"""Readers of other languages: a small phone whose browser asks for one, and what is wrong with the pages it gets."""

import os
import re
from pathlib import Path

from looking import violations, width_of
from owning import claim_code, letters
from playwright.sync_api import expect
from scene import PHONE

from authsvc import languages

SHOTS = os.environ.get("LANGUAGE_SHOTS")  # A folder for pictures, for whoever wants to look.


def narrow(page, name):
    """Say what of a page is wider than a small phone."""
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name.replace('/', '-')}.png", full_page=True)
    width = width_of(page)
    return [] if width <= 320 else [(name, "too wide", width)]


class Reader:
    """
    Somebody whose browser asks for a language, at 320 px: they press what it calls things.

    Who reads Arabic has JavaScript, with which axe looks at the pages; who reads another language has none, unless a
    test says so: so every walk is also one without JavaScript.
    """

    def __init__(self, scene, site, browser, code, email, found, *, javascript=None, **options):
        self.scene, self.site, self.code, self.email, self.found = scene, site, code, email, found
        self.is_looked_at = code == "ar"
        self.context = browser.new_context(
            user_agent=PHONE, locale=code, bypass_csp=True, reduced_motion="reduce",
            viewport={"width": 320, "height": 700},
            java_script_enabled=self.is_looked_at if javascript is None else javascript, **options,
        )  # fmt: skip
        self.page = self.context.new_page()

    def say(self, text, **values):
        said = languages.get(self.code).gettext(text)
        return said % values if "%(" in said else said.format(**values) if values else said

    def go(self, path):
        self.page.goto(path if path.startswith("http") else self.site + path)
        self.look()

    def press(self, text):
        self.page.get_by_role("button", name=self.say(text), exact=True).click()

    def follow(self, text):
        self.page.get_by_role("link", name=self.say(text), exact=True).click()

    def fill(self, text, value):
        self.page.get_by_label(self.say(text)).first.fill(value)

    def heading(self, text, **values):
        expect(self.page.get_by_role("heading", level=1)).to_have_text(self.say(text, **values))
        self.look()

    def look(self):
        """Note what is wrong with the page: its language, its direction, its width, its accessibility."""
        html, name = self.page.locator("html"), f"{self.code}{self.page.url.removeprefix(self.site)[:24]}"
        expect(html).to_have_attribute("lang", self.code)
        expect(html).to_have_attribute("dir", languages.get(self.code).direction)
        self.found += narrow(self.page, name)
        if self.is_looked_at:
            self.found += [(name, *fault) for fault in violations(self.page)]

    def register(self, path):
        """Register an item with its claim code, by the mail that is sent."""
        self.go(path)
        self.page.locator("a[href^='/own/register/']").click()
        self.fill("Claim code", claim_code(self.scene, path))
        self.fill("E-mail address", self.email)
        self.press("Start the warranty")
        self.heading("Confirm your address")
        self.mail()
        self.press("Confirm the registration")
        self.heading("Your warranty has started")

    def mail(self):
        """Open the link of the latest mail."""
        text = letters(self.scene, self.email)[-1][1]
        self.go(re.search(rf"^{self.site}/own/\S+", text, re.MULTILINE)[0])
