"""The page of resellers in other languages at 320 px: a faked camera, and no connection."""

import pytest
from filming import address, film, is_kept, launch, playwright, server
from playwright.sync_api import expect
from reading import Reader
from scene import BASE_URL, forge

__all__ = ["address", "launch", "playwright", "server"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def code(scene):
    return BASE_URL + scene.codes.path()


@pytest.fixture(scope="module")
def camera(launch, code, tmp_path_factory):
    """A browser whose camera sees a good code."""
    return launch(film(tmp_path_factory.mktemp("film") / "code.mjpeg", code))


@pytest.mark.parametrize(("language", "page"), [("de", "/check"), ("ar", "/check"), ("ar", "/check?lang=de")])
def test_a_reseller_scans_with_and_without_a_connection(scene, address, camera, code, language, page):
    scene.forget_limits()
    found = []
    reader = Reader(scene, address, camera, language, "", found, javascript=True, permissions=["camera"])
    if "lang=" in page:
        reader.code = page.rpartition("=")[2]
    ready = reader.say("Ready for use offline. Keys of {}; they decide for seven days.").partition("{}")[0]

    reader.go(page)
    expect(reader.page.locator("#ready")).to_contain_text(ready, timeout=15_000)
    reader.press("Scan with the camera")
    reader.heading("This code is genuine")
    reader.go(page)
    for kept in (page, "zxing_reader.wasm"):
        is_kept(reader.page, kept)
    reader.context.set_offline(True)
    reader.page.reload()
    reader.press("Scan with the camera")
    title = reader.page.locator("#answer h1")
    expect(title).to_have_text(reader.say("The signature is valid"))
    reader.look()
    expect(reader.page.locator("#answer")).to_contain_text(reader.say("Signature only"))
    reader.fill("Number or link", forge(code))
    reader.press("Look it up")
    expect(title).to_have_text(reader.say("{brand} did not make this code", brand="Halden"))
    reader.look()

    assert found == []
    reader.context.close()
