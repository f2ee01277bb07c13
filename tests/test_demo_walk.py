"""
The demo as a stranger meets it: started by its command, walked in a real browser, stopped by Ctrl-C, started again.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import chromium
import psutil
import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, expect, sync_playwright

from authsvc.core.verdicts import Reason
from authsvc.core.wording import WORDS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

PHONE = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36"
)
TITLES = {reason: words.title.format(brand="Halden") for reason, words in WORDS.items()}
WEIGHT = 30_000
ALWAYS = {"case": "first-check"}


class Demo:
    """The running command, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}"
        self.said = ""
        self.start()

    def start(self) -> None:
        environment = {**os.environ, "AUTHSVC_HOME": str(self.folder / "home")}
        command = [Path(sys.executable).with_name("authsvc"), "demo", "--port", str(self.port), "--out", "out"]
        self.process = subprocess.Popen(
            command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.base}/readyz", timeout=5) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                assert self.process.poll() is None, self.process.stdout.read()
                time.sleep(0.2)
        raise AssertionError("the demo did not start in a minute")

    def stop(self) -> list[psutil.Process]:
        """Press Ctrl-C and return whatever it left running."""
        family = psutil.Process(self.process.pid).children(recursive=True)
        family += [
            process
            for process in psutil.process_iter(["cmdline"])
            if any(str(self.folder) in word for word in process.info["cmdline"] or ())
        ]
        self.process.send_signal(signal.SIGINT)
        self.said = self.process.communicate(timeout=30)[0]
        _, alive = psutil.wait_procs(family, timeout=10)
        return alive

    @property
    def entries(self) -> list[dict[str, str]]:
        return json.loads((self.folder / "home" / "demo.json").read_text())["entries"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    demo = Demo(tmp_path_factory.mktemp("demo"))
    yield demo
    if demo.process.poll() is None:
        demo.stop()


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        yield browser
        browser.close()


def opened(browser: Browser, **options):
    """Open a page of a fresh phone; collect what it complains of, and every address it asks for."""
    page = browser.new_context(user_agent=PHONE, viewport={"width": 390, "height": 844}, **options).new_page()
    complaints, asked = [], []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    return page, complaints, asked


def test_every_card_shows_its_answer(demo, browser):
    page, complaints, asked = opened(browser)
    for entry in demo.entries:
        page.goto(demo.base + entry["path"])
        expect(page.locator("h1")).to_have_text(TITLES[Reason(entry["reason"])])

    assert len(demo.entries) == 21
    assert complaints == []
    assert {url for url in asked if not url.startswith(demo.base)} == set()


def test_the_console_opens_with_the_printed_login(demo, browser):
    page, complaints, _ = opened(browser)
    login = json.loads((demo.folder / "home" / "demo-login.json").read_text())
    page.goto(demo.base + "/demo")
    page.get_by_role("link", name="Console").click()
    page.get_by_label("E-mail address").fill(login["email"])
    page.get_by_label("Password").fill(login["password"])
    page.get_by_role("button", name="Sign in", exact=True).click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    page.goto(demo.base + "/console/audit?act=recall")
    expect(page.get_by_text("recall.announce")).to_have_count(1)
    assert complaints == []


def test_the_index_draws_symbols_that_lead_to_their_codes(demo, browser, tmp_path):
    page, complaints, _ = opened(browser)
    page.goto(f"{demo.base}/demo")
    symbols = page.locator("main img")
    expect(symbols).to_have_count(len(demo.entries))
    for index, entry in enumerate(demo.entries):
        symbols.nth(index).scroll_into_view_if_needed()
        page.wait_for_function("i => document.querySelectorAll('main img')[i].naturalWidth > 0", arg=index)
        symbols.nth(index).screenshot(path=tmp_path / "symbol.png", scale="css")
        found = zxingcpp.read_barcodes(Image.open(tmp_path / "symbol.png"), formats=zxingcpp.BarcodeFormat.QRCode)

        assert [symbol.text for symbol in found] == [demo.base + entry["path"]]
    assert complaints == []


def test_a_check_counts_once_and_its_address_is_safe_to_share(demo, browser):
    path = next(entry["path"] for entry in demo.entries if entry["name"] == "case")
    first, complaints, _ = opened(browser)
    with first.expect_response(lambda response: response.url.endswith("/confirm")) as confirmed:
        first.goto(demo.base + path)
    assert confirmed.value.status == 204
    first.wait_for_url("**/s/*")
    receipt = first.url
    first.reload()
    expect(first.locator("h1")).to_have_text("This code is genuine")
    friend, _, _ = opened(browser)
    friend.goto(receipt)

    expect(friend.locator("h1")).to_have_text("This is somebody else's check")
    assert complaints == []


def test_a_verdict_weighs_little_and_needs_no_script(demo, browser):
    path = next(entry["path"] for entry in demo.entries if entry["name"] == "possible-copy")
    page, _, _ = opened(browser)
    sizes = {}
    page.on("response", lambda response: sizes.update({response.url: response}))
    page.goto(demo.base + path, wait_until="networkidle")
    needed = {
        url: len(response.body())
        for url, response in sizes.items()
        if "/media/" not in url and not url.endswith("/confirm")
    }
    pictures = [len(response.body()) for url, response in sizes.items() if "/media/" in url]
    scripts = [size for url, size in needed.items() if url.endswith(".js")]

    assert sum(needed.values()) <= WEIGHT
    assert len(needed) <= 4
    assert all(size <= 3_000 for size in scripts)
    assert pictures
    assert all(size <= 18_432 for size in pictures)
    plain, _, _ = opened(browser, java_script_enabled=False)
    plain.goto(demo.base + path)
    expect(plain.locator("h1")).to_have_text("Be careful: this code may have been copied")


def test_a_typed_number_is_known_and_proves_nothing(demo, browser):
    page, complaints, _ = opened(browser)
    gtin, serial = "09506000134352", demo.entries[0]["path"].split("/21/")[1].split("?")[0]
    page.goto(demo.base)
    page.get_by_label("Number or link").fill(f"(01) {gtin} (21) {serial[:4]} {serial[4:]}")
    page.get_by_role("button", name="Check the code").click()
    expect(page.locator("h1")).to_have_text("We know this number")
    page.goto(demo.base)
    page.get_by_label("Number or link").fill("12345")
    page.get_by_role("button", name="Check the code").click()

    expect(page.get_by_text("got '12345'")).to_be_visible()
    assert [complaint for complaint in complaints if "400" not in complaint] == []


def test_the_figures_of_all_workers_are_published(demo):
    with urllib.request.urlopen(f"{demo.base}/metrics", timeout=5) as answer:
        figures = answer.read().decode()

    assert 'authsvc_scans_total{reason="stolen"}' in figures
    assert "authsvc_scan_seconds_count" in figures
    assert "authsvc_database_up 1.0" in figures


def test_the_outbox_shows_the_mail_about_the_copied_watch(demo, browser):
    page, complaints, _ = opened(browser)
    page.goto(f"{demo.base}/demo")
    page.get_by_role("link", name="Outbox").click()
    mail = page.get_by_role("article", name=re.compile(r"\d+ new alerts? for Halden"))
    for _ in range(60):
        if mail.count():
            break
        page.wait_for_timeout(500)
        page.reload()

    expect(mail).to_contain_text("security@halden.example")
    expect(mail.get_by_role("link")).to_have_attribute("href", f"{demo.base}/console/alerts")
    assert complaints == []


def test_files_to_print_are_there(demo):
    out = demo.folder / "out"

    assert (out / "sheet.pdf").read_bytes().startswith(b"%PDF-")
    assert (out / "watches.csv").read_text().startswith("uri,gtin,lot,serial,claim_code\n")


def test_ctrl_c_stops_all_and_a_second_start_goes_on(demo):
    before = demo.entries
    assert demo.stop() == []
    assert "Making the sample brand" in demo.said
    assert "Stopped." in demo.said
    demo.start()
    assert demo.entries == before
    assert demo.stop() == []

    assert "Making the sample brand" not in demo.said
