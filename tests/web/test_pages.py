import re
from dataclasses import replace
from html.parser import HTMLParser

import chromium
import pytest
from looking import violations, width_of
from playwright.sync_api import sync_playwright
from verdict_pages import DEMO, HALDEN, HOST, NONCE, PICTURE, RECEIPT, VERDICTS, WATCH, check, every_page, of, opened

from authsvc.core import wording
from authsvc.core.verdicts import Reason
from authsvc.web import assets, pages

PAGES = every_page()


class Elements(HTMLParser):
    """The start tags of a page, with their attributes."""

    def __init__(self, html):
        super().__init__()
        self.tags = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def text_of(html):
    body = re.sub(r"<svg.*?</svg>", "", html[html.index("<main") :], flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).replace("&#39;", "'").split())


def test_every_reason_is_among_the_cases():
    assert {verdict.reason for verdict in VERDICTS.values()} == set(Reason)


@pytest.mark.parametrize("name", VERDICTS)
def test_verdict_says_its_words(name):
    said = wording.words(VERDICTS[name])
    html, text = PAGES[name], text_of(PAGES[name])

    assert f'class="verdict {said.tone}"' in html
    assert re.search(f"<title>{re.escape(said.title)} . (Halden|Code check)</title>", html)
    assert all(part in text for part in (said.chip, said.title, said.text, said.limit or ""))
    assert all(
        part in text for _, notice in wording.notice_words(VERDICTS[name]) for part in (notice.title, notice.text)
    )
    assert "23 Nov 2026, 10:14 UTC" in text
    assert HOST in text


@pytest.mark.parametrize("name", PAGES)
def test_page_has_no_inline_style_or_script(name):
    tags = Elements(PAGES[name]).tags

    assert not [tag for tag, _ in tags if tag == "style"]
    assert all("src" in attributes for tag, attributes in tags if tag == "script")
    assert not [key for _, attributes in tags for key in attributes if key == "style" or key.startswith("on")]


@pytest.mark.parametrize("name", PAGES)
def test_page_links_only_to_what_exists(name):
    tags = Elements(PAGES[name]).tags
    links = {attributes["href"] for tag, attributes in tags if tag == "a"}
    targets = {attributes.get("id") for _, attributes in tags}

    assert links <= {
        "#main",
        "/",
        "",
        HALDEN.contact,
        "/01/1",
        "/demo",
        "/check",
        "/privacy",
        "/report",
        f"/follow/{RECEIPT}",
        f"/report/{RECEIPT}",
        "/demo/outbox",
        "/own",
        "/console/",
        f"https://{HOST}/c",
    }
    assert {attributes["href"][1:] for tag, attributes in tags if tag == "use"} <= targets
    assert all(
        assets.find(attributes[key].removeprefix("/static/"))
        for _, attributes in tags
        for key in ("src", "href")
        if attributes.get(key, "").startswith("/static/")
    )


@pytest.mark.parametrize("name", PAGES)
def test_page_weighs_at_most_30_kb_in_four_requests(name):
    tags = Elements(PAGES[name]).tags
    asked = [
        attributes["href"] for tag, attributes in tags if tag == "link" and attributes["rel"] in {"icon", "stylesheet"}
    ]
    asked += [attributes["src"] for tag, attributes in tags if tag == "script"]
    sizes = {path: len(assets.find(path.removeprefix("/static/"))[0]) for path in asked}

    assert len(asked) + 1 <= 4
    assert len(PAGES[name].encode()) + sum(sizes.values()) <= 30_000
    assert all(size <= 3_000 for path, size in sizes.items() if path.endswith(".js"))


@pytest.mark.parametrize("name", ["watch", "battery", "wine", "case"])
def test_picture_of_the_demo_weighs_at_most_18_kb(name):
    assert 0 < (DEMO / f"{name}.webp").stat().st_size <= 18_000
    assert (DEMO / f"{name}.svg").exists()


def test_picture_comes_after_the_verdict_and_keeps_its_place():
    html = PAGES["first-check"]
    (picture,) = [attributes for tag, attributes in Elements(html).tags if tag == "img"]

    assert picture["src"] == f"/media/{PICTURE}"
    assert html.index('class="verdict') < html.index("<figure>")
    assert (picture["loading"], picture["width"], picture["height"]) == ("lazy", "400", "500")


@pytest.mark.parametrize(
    "image",
    [
        "//evil.example/a.webp",
        "https://evil.example/a.webp",
        "javascript:alert(1)",
        "gone.webp",
        "../" + PICTURE,
        PICTURE + "\n",
    ],
)
def test_picture_of_another_host_is_left_out(image):
    html = pages.verdict(check(verdict=of(Reason.FIRST_CHECK, product=replace(WATCH, image=image))))

    assert "<img" not in html


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", "{{7*7}}", "{brand}", '" onload="x', "' pwned='", "&lt;b&gt;"]
)
def test_hostile_values_stay_text(hostile):
    product = replace(
        WATCH,
        name=hostile,
        description=hostile,
        attributes={"noun": hostile, "image_alt": hostile, "facts": [[hostile, hostile]]},
    )
    verdict = of(Reason.RECALLED, brand=replace(HALDEN, name=hostile), product=product, lot=hostile, serial=hostile)
    html = pages.verdict(check(verdict=verdict, host=hostile, reference=hostile, receipt=hostile, nonce=hostile))
    tags = Elements(html).tags

    assert not [attributes for tag, attributes in tags if tag == "script" and "src" not in attributes]
    assert not [key for _, attributes in tags for key in attributes if key.startswith("on") or key == "pwned"]
    assert "49" not in text_of(html)
    assert [attributes["alt"] for tag, attributes in tags if tag == "img"] == [hostile]


@pytest.mark.parametrize(
    "render",
    [
        lambda x: pages.check_form(typed=x, fault=x),
        lambda x: pages.problem(status=400, title=x, detail=x, request_id=x),
    ],
)
def test_typed_text_stays_text(render):
    html = render('"><script>alert(1)</script>{{7*7}}')

    assert "<script" not in html
    assert "{{7*7}}" in html


@pytest.mark.parametrize("contact", ["javascript:alert(1)", "data:text/html,x", "help desk", "javascript:x@y"])
def test_contact_that_is_no_page_or_mail_is_no_link(contact):
    html = pages.verdict(check("forged", verdict=of(Reason.FORGED, brand=replace(HALDEN, contact=contact))))

    assert contact not in html


def test_contact_may_be_a_mail_address():
    html = pages.verdict(
        check("forged", verdict=of(Reason.FORGED, brand=replace(HALDEN, contact="help@halden.example")))
    )

    assert 'href="mailto:help@halden.example"' in html


@pytest.mark.parametrize("name", VERDICTS)
def test_preview_carries_no_verdict(name):
    html = PAGES[name]
    meta = {
        attributes.get("property", attributes.get("name")): attributes.get("content")
        for tag, attributes in Elements(html).tags
        if tag == "meta"
    }

    assert meta["og:title"] == "A code check"
    assert "genuine" not in " ".join(value or "" for value in meta.values())
    assert meta["og:url"] == f"https://{HOST}/s/{RECEIPT}"
    assert (meta["robots"], meta["referrer"]) == ("noindex", "no-referrer")
    assert f'<link rel="canonical" href="/s/{RECEIPT}">' in html


def test_not_issued_is_the_page_of_unknown():
    # The signature of a serial that was never issued is good; of that the page says nothing.
    assert PAGES["not-issued"] == PAGES["unknown"]


@pytest.mark.parametrize("name", ["unknown", "not-issued", "not-released"])
def test_page_shows_no_product_where_it_would_tell_which_serials_exist(name):
    assert WATCH.name not in PAGES[name]
    assert "B260915" not in PAGES[name]
    assert len(PAGES[name]) == pytest.approx(len(PAGES["unknown"]), rel=0.1)


def test_warning_rounds_its_number():
    shown = {
        n: text_of(pages.verdict(check(verdict=of(Reason.POSSIBLE_COPY, scan_number=n))))
        for n in (7, 11, 20, 41, 5_000)
    }

    assert "Too many checks" in shown[7]
    assert "More than 10 checks" in shown[11]
    assert "More than 10 checks" in shown[20]
    assert "More than 20 checks" in shown[41]
    assert "More than 1,000 checks" in shown[5_000]


def test_serial_stands_in_groups_of_four():
    assert '<bdi class="mono" dir="ltr">7K3M 9QX2 V4TD 1RZ8</bdi>' in PAGES["first-check"]


def test_untracked_product_stores_nothing():
    html = pages.verdict(check("lot-only", receipt=None, nonce=None, reference=None))

    assert "This page stores nothing about you." in html
    assert "cookie" not in html
    assert "<script" not in html
    assert "/s/" not in html


def test_confirm_button_stands_alone_without_script():
    html = pages.verdict(check(has_script=False))

    assert "<noscript>" not in html
    assert "<script" not in html
    assert f'action="/s/{RECEIPT}/confirm"' in html


def test_receipt_of_a_good_code_says_nothing_to_others():
    html = pages.receipt(check(), is_mine=False)

    assert "This is somebody else's check" in text_of(html)
    assert "genuine" not in html
    assert WATCH.name not in html
    assert "7K3M" not in html


@pytest.mark.parametrize("name", ["forged", "recalled", "stolen", "blocked", "possible-copy"])
def test_receipt_warns_everybody(name):
    html = pages.receipt(check(name), is_mine=False)

    assert wording.words(VERDICTS[name]).title in text_of(html)


@pytest.mark.parametrize("is_mine", [True, False])
def test_receipt_shows_what_became_known_since(is_mine):
    html = pages.receipt(check(), is_mine=is_mine, since=[VERDICTS["recalled"], VERDICTS["blocked"]])

    assert '<h1 id="v">Stop using this item: it is recalled</h1>' in html
    assert "Halden has blocked this code" in html
    assert "This code is genuine" not in html


@pytest.mark.parametrize("is_mine", [True, False])
@pytest.mark.parametrize("later", ["checked-before", "unavailable", "typed"])
def test_receipt_of_a_warning_never_turns_good(is_mine, later):
    html = pages.receipt(check("possible-copy"), is_mine=is_mine, since=[VERDICTS[later]])

    assert wording.words(VERDICTS["possible-copy"]).title in text_of(html)
    assert "genuine" not in html


def test_receipt_stays_neutral_when_nothing_bad_became_known():
    html = pages.receipt(check(), is_mine=False, since=[VERDICTS["checked-before"]])

    assert "This is somebody else's check" in text_of(html)
    assert "genuine" not in html


@pytest.mark.parametrize("name", ["my receipt", "their receipt", "later recalled"])
def test_receipt_confirms_nothing(name):
    assert "confirm" not in PAGES[name]
    assert NONCE not in PAGES[name]


@pytest.mark.parametrize("name", PAGES)
def test_sentences_have_at_most_fifteen_words(name):
    body = re.sub(r"<svg.*?</svg>", "", PAGES[name][PAGES[name].index("<main") :], flags=re.DOTALL)
    lines = re.sub(r"<[^>]+>", "", re.sub(r"</(?:p|li|b|h\d|dd|dt|div|summary|button|label)>", "\n", body)).split("\n")
    long = [s for line in lines for s in re.split(r"(?<=[.!?:])\s", line.strip()) if len(s.split()) > 15]

    assert long == []


# ---- In a browser ----


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        yield browser
        browser.close()


@pytest.mark.browser
def test_page_confirms_once_and_takes_the_address_of_its_receipt(browser):
    page, posted, complaints = opened(browser, PAGES)
    with page.expect_response(f"**/s/{RECEIPT}/confirm"):
        page.goto(f"https://{HOST}/p/first-check")
    page.wait_for_url(f"https://{HOST}/s/{RECEIPT}")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(200)

    assert posted == [(f"/s/{RECEIPT}/confirm", f"nonce={NONCE}")]
    assert complaints == []


@pytest.mark.browser
def test_page_that_nobody_sees_waits(browser):
    page, posted, _ = opened(browser, PAGES)
    page.add_init_script("Object.defineProperty(document, 'visibilityState', {get: () => window.shown ?? 'hidden'})")
    page.goto(f"https://{HOST}/p/first-check")
    page.wait_for_load_state("networkidle")
    before = (list(posted), page.url)
    with page.expect_response(f"**/s/{RECEIPT}/confirm"):
        page.evaluate("window.shown = 'visible'; document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_url(f"https://{HOST}/s/{RECEIPT}")

    assert before == ([], f"https://{HOST}/p/first-check")
    assert len(posted) == 1


@pytest.mark.browser
def test_button_confirms_without_javascript(browser):
    page, posted, _ = opened(browser, PAGES, java_script_enabled=False)
    page.goto(f"https://{HOST}/p/first-check")
    with page.expect_request(f"**/s/{RECEIPT}/confirm"):
        page.get_by_role("button", name="I have the item in my hand").click()

    assert posted == [(f"/s/{RECEIPT}/confirm", f"nonce={NONCE}")]


@pytest.mark.browser
def test_pages_have_no_accessibility_violations_and_reflow(browser):
    found = []
    # A colour that is fading while the theme changes has the contrast of neither theme: motion is off.
    page, _, _ = opened(
        browser, PAGES, bypass_csp=True, reduced_motion="reduce", viewport={"width": 320, "height": 800}
    )
    for name in PAGES:
        page.goto(f"https://{HOST}/p/{name}")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found += [(name, scheme, *fault) for fault in violations(page)]
        if (width := width_of(page)) > 320:
            found.append((name, "too wide", width))

    assert found == []
