"""The page of resellers in a real browser: faked camera, photo, list with progress, and no connection."""

import json
from pathlib import Path

import pytest
from filming import address, film, is_ready, launch, playwright, server, symbol, title
from looking import violations, width_of
from PIL import Image
from playwright.sync_api import expect
from scene import BASE_URL, forge

from authsvc.web import vendored

__all__ = ["address", "launch", "playwright", "server"]

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "artefacts" / "reseller"
VECTORS = ROOT / "tests" / "vectors" / "token_v1.json"
BUDGET = 450_000

DIGEST = """async () => {
  const body = await (await fetch(document.querySelector("main").dataset.wasm)).arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-384", body));
  return btoa(String.fromCharCode(...digest));
}"""
OUTDATE = """async () => {
  const store = await caches.open("check-keys");
  const kept = await (await store.match("/check/keys")).json();
  await store.put("/check/keys", Response.json({ ...kept, at: kept.at - 8 * 24 * 3600 * 1000 }));
}"""
VERIFY = """async ({ verifier, jwks, uris }) => {
  const { signature, noble } = document.querySelector("main").dataset;
  const script = await import(signature);
  const ed25519 = verifier === "noble" ? await script.noble(noble) : script.webcrypto;
  return Promise.all(uris.map(async (uri) => (await script.verify(uri, jwks, ed25519)).answer));
}"""
WEAK = """async ({ verifier, keys }) => {
  const { signature, noble } = document.querySelector("main").dataset;
  const script = await import(signature);
  const ed25519 = verifier === "noble" ? await script.noble(noble) : script.webcrypto;
  const read = (key) => Uint8Array.from(key.match(/../g) ?? [], (two) => parseInt(two, 16));
  const isRefused = async (key) => script.isWeak(key) || !(await ed25519(key, new Uint8Array(64), new Uint8Array(8)));
  return Promise.all(keys.map((key) => isRefused(read(key))));
}"""
BRANDS = """async ({ jwks, keys }) => {
  const { brandOf } = await import(document.querySelector("main").dataset.signature);
  return keys.map((key) => brandOf(key, [...jwks.keys, ...jwks.revoked]));
}"""

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def code(scene):
    return BASE_URL + scene.codes.path()


@pytest.fixture(scope="module")
def camera(launch, code, tmp_path_factory):
    """A browser whose camera sees a good code."""
    return launch(film(tmp_path_factory.mktemp("film") / "code.mjpeg", code))


@pytest.fixture
def opened(address, scene):
    """Return a function that opens the page; what the browser complains about fails the test."""
    scene.forget_limits()
    complaints, contexts = [], []

    def opened(browser, *, expects=(), **options):
        context = browser.new_context(
            **{"viewport": {"width": 390, "height": 844}, "reduced_motion": "reduce"} | options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: request.url.startswith((address, "blob:")) or complaints.append(request.url))
        page.goto(f"{address}/check")
        return page

    opened.complaints = complaints
    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def test_the_camera_reads_a_code_and_the_page_weighs_little(opened, camera, server):
    server.sent.clear()
    page = opened(camera, permissions=["camera"])
    is_ready(page)
    sent = list(server.sent)
    assert page.evaluate(DIGEST) == next(one["sha384"] for one in vendored.entries() if one["name"] == "zxing-wasm")
    page.get_by_role("button", name="Scan with the camera").click()

    expect(title(page)).to_have_text("This code is genuine")
    expect(page.get_by_text("Not yet")).to_be_visible()
    assert sum(length for _, length in sent) < BUDGET, sorted(sent, key=lambda one: -one[1])
    assert len([path for path, _ in server.sent if path.endswith("zxing_reader.wasm")]) == 1
    assert [length for path, length in sent if path.endswith(".wasm")] == [len(vendored.read("zxing-wasm", ".br"))]


def test_a_wrong_code_is_named_and_the_camera_goes_on(opened, launch, tmp_path):
    page = opened(launch(film(tmp_path / "menu.mjpeg", "https://restaurant.example/menu")), permissions=["camera"])
    page.get_by_role("button", name="Scan with the camera").click()

    expect(page.locator("#scan-note")).to_contain_text("not the code of a product: https://restaurant.example/menu")
    expect(page.get_by_role("button", name="Stop the camera")).to_be_visible()
    page.get_by_role("button", name="Stop the camera").click()
    expect(page.get_by_role("button", name="Scan with the camera")).to_be_visible()


def test_without_the_permission_a_photo_is_the_way(opened, camera, code, tmp_path):
    symbol(code).save(tmp_path / "photo.jpg")
    Image.new("RGB", (80, 80)).save(tmp_path / "black.png")
    (tmp_path / "text.png").write_text("no picture")
    page = opened(camera)
    page.get_by_role("button", name="Scan with the camera").click()
    note = page.locator("#scan-note")

    expect(note).to_contain_text("The camera is not allowed on this page")
    page.locator("#photo").set_input_files(tmp_path / "black.png")
    expect(note).to_contain_text("no code in this photo")
    page.locator("#photo").set_input_files(tmp_path / "text.png")
    expect(note).to_contain_text("could not be read as a picture")
    page.locator("#photo").set_input_files(tmp_path / "photo.jpg")
    expect(title(page)).to_have_text("This code is genuine")


def test_a_list_is_checked_in_parts_with_progress(opened, camera, scene, server):
    page = opened(camera)
    codes = [scene.codes.uri(number) for number in range(120)]
    codes[7], codes[8] = forge(codes[7]), "nonsense"
    page.get_by_label("Codes, one a line").fill("\n".join([*codes, codes[0]]))
    before = scene.fingerprint()
    server.sent.clear()
    page.get_by_role("button", name="Check the list").click()
    rows = page.locator("#rows tr")

    expect(rows).to_have_count(121)
    expect(page.locator("#summary")).to_have_text("119 Code check passed1 Check failed1 Not read")
    expect(page.locator("#repeated")).to_contain_text("Lines that repeat a code: 1.")
    expect(rows.nth(120)).to_contain_text("Same code as line 1")
    assert [path for path, _ in server.sent].count("/api/v1/verify/bulk") == 3
    assert scene.fingerprint() == before
    with page.expect_download() as download:
        page.get_by_role("button", name="Get the answers as CSV").click()
    assert len(Path(download.value.path()).read_text("utf-8-sig").splitlines()) == 122


def test_a_list_that_breaks_off_keeps_what_was_answered(opened, camera, scene):
    page = opened(camera)
    answered = []

    def answer(route):
        answered.append(route)
        route.continue_() if len(answered) == 1 else route.abort()

    page.route("**/verify/bulk*", answer)
    page.get_by_label("Codes, one a line").fill("\n".join(scene.codes.uri(number) for number in range(70)))
    page.get_by_role("button", name="Check the list").click()

    expect(page.locator("#list-problem")).to_contain_text("lost after 50 answers")
    expect(page.locator("#rows tr")).to_have_count(50)
    opened.complaints.clear()  # The browser says that the connection failed, as it should.


def test_everything_but_the_scanner_works_without_javascript(opened, camera, code, tmp_path):
    (tmp_path / "stock.csv").write_text(f"uri,price\n{code},3\n{forge(code)},4\n")
    page = opened(camera, java_script_enabled=False)
    expect(page.get_by_text("Scanning and offline checks need JavaScript")).to_be_visible()
    expect(page.get_by_role("button", name="Scan with the camera")).to_be_hidden()
    page.get_by_label("Number or link").fill(code)
    page.get_by_role("button", name="Look it up").click()
    expect(title(page)).to_have_text("This code is genuine")
    page.get_by_role("link", name="New check").click()
    page.get_by_label("Or a CSV file").set_input_files(tmp_path / "stock.csv")
    page.get_by_role("button", name="Check the list").click()

    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator("tbody tr").nth(1)).to_contain_text("Halden did not make this code")


def test_without_a_connection_the_signature_alone_is_judged_and_said_so(opened, camera, scene, code):
    page = opened(camera, permissions=["camera"])
    is_ready(page)
    page.context.set_offline(True)
    page.reload()
    answer = page.locator("#answer")
    page.get_by_role("button", name="Scan with the camera").click()

    expect(title(page)).to_have_text("The signature is valid")
    expect(answer).to_contain_text("Signature only")
    expect(answer).to_contain_text(
        "Halden made this code. You are offline: blocks, recalls and copies were not checked."
    )
    expect(answer).to_contain_text("Offline, with keys of")
    for text, said in [
        (forge(code), "Halden did not make this code"),
        (code.partition("?")[0], "This code needs a connection"),
        ("(01)09506000134352(21)A", "This is no product code"),
    ]:
        page.get_by_label("Number or link").fill(text)
        page.get_by_role("button", name="Look it up").click()
        expect(title(page)).to_have_text(said)
        expect(answer).to_contain_text("Signature only")
    page.evaluate(OUTDATE)
    page.reload()
    page.get_by_label("Number or link").fill(code)
    page.get_by_role("button", name="Look it up").click()
    expect(title(page)).to_have_text("This device has no recent keys")
    opened.complaints.clear()  # The browser says that it is offline, as it should.
    page.context.set_offline(False)
    page.get_by_role("button", name="Check again online").click()
    expect(title(page)).to_have_text("This code is genuine")


@pytest.mark.parametrize("verifier", ["webcrypto", "noble"])
def test_the_verifier_agrees_with_every_vector(opened, camera, verifier):
    vectors = json.loads(VECTORS.read_text())
    page = opened(camera)
    cases = vectors["good"] + vectors["refused"] + vectors["revoked"]
    found = page.evaluate(
        VERIFY, {"verifier": verifier, "jwks": vectors["jwks"], "uris": [case["uri"] for case in cases]}
    )
    tests = {"keys": [{**key, "sandbox": True} for key in vectors["jwks"]["keys"]]}
    tried = page.evaluate(VERIFY, {"verifier": verifier, "jwks": tests, "uris": [cases[0]["uri"]]})
    weak = page.evaluate(WEAK, {"verifier": verifier, "keys": [case["public_key"] for case in vectors["weak_keys"]]})
    brands = page.evaluate(BRANDS, {"jwks": vectors["jwks"], "keys": [case["key"] for case in vectors["brands"]]})
    revoked = {"good": "good", "ask online": "undecided", "withdrawn": "withdrawn"}

    good, bad = len(vectors["good"]), len(vectors["refused"])
    assert found[:good] == ["good"] * good
    assert set(found[good : good + bad]) <= {"forged", "unknown-key", "unreadable"}
    assert found[good + bad :] == [revoked[case["offline"]] for case in vectors["revoked"]]
    assert tried == ["test"]
    assert all(weak)
    assert brands == [case["brand_id"] for case in vectors["brands"]]


def test_pages_are_reachable_by_everybody(opened, launch, code, scene):
    PICTURES.mkdir(parents=True, exist_ok=True)
    page = opened(launch(), bypass_csp=True, viewport={"width": 320, "height": 720})
    found = []

    def look(name):
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found.extend((name, scheme, *fault) for fault in violations(page))
            for width in (320, 1200):
                page.set_viewport_size({"width": width, "height": 900})
                assert width_of(page) <= width
                page.screenshot(path=PICTURES / f"{name}-{width}-{scheme}.png", full_page=True)
            page.set_viewport_size({"width": 320, "height": 900})

    link = scene.codes.link()
    texts = [code, forge(code), f"(01){link.gtin}(21){link.serial}", "nonsense", code]
    expect(page.locator("#ready")).to_be_visible(timeout=15_000)
    look("start")
    page.get_by_label("Codes, one a line").fill("\n".join(texts))
    page.get_by_role("button", name="Check the list").click()
    expect(page.locator("#rows tr")).to_have_count(5)
    look("listed")
    page.evaluate("document.querySelector('#list').submit()")
    expect(title(page)).to_have_text("Your list")
    look("list")
    page.get_by_role("link", name="New check").click()
    page.get_by_label("Number or link").fill(code)
    page.get_by_role("button", name="Look it up").click()
    expect(title(page)).to_have_text("This code is genuine")
    look("item")

    assert found == []
