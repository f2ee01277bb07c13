import re
import threading
from urllib.parse import quote

import pytest
from scene import DATACENTRE, forge, sign

from authsvc.core.gs1 import DigitalLink

THREADS = 20
BOTS = (
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "WhatsApp/2.23.20.0",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "TelegramBot (like TwitterBot)",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Twitterbot/1.0",
    "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
    "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
    "SkypeUriPreview Preview/0.5",
    "curl/8.5.0",
)


# --- Counting ---------------------------------------------------------------------------------------------------------


def test_twenty_threads_with_a_cookie_each_count_exactly_twenty_and_one_first_check(scene, pool):
    path, start = scene.codes.path(), threading.Barrier(THREADS)
    visitors = [scene.visitor() for _ in range(THREADS)]
    for visitor in visitors:
        visitor.scan(scene.codes.path())  # mints the cookie

    def check(visitor):
        start.wait()
        return visitor.check(path)

    given = list(pool.map(check, visitors))

    assert scene.counts(path) == (THREADS, 0)
    assert sorted(d["item"]["scan_number"] for d in given) == list(range(1, THREADS + 1))
    assert [d["reason"] for d in given].count("first-check") == 1
    assert {d["reason"] for d in given} == {"first-check", "checked-before"}


def test_three_visitors_who_hammer_one_item_count_exactly_three(scene, pool):
    path = scene.codes.path()
    visitors = [scene.visitor() for _ in range(3)]
    for visitor in visitors:
        visitor.scan(scene.codes.path())

    def hammer(n):
        # A client is not for several threads; a visitor is, by the cookie.
        cookie = visitors[n % 3].client.get_cookie("__Host-v", domain="id.example.com").value
        twin = scene.visitor(address=visitors[n % 3].address)
        twin.client.set_cookie("__Host-v", cookie, domain="id.example.com")
        return {twin.check(path)["reason"] for _ in range(8)}

    given = set().union(*pool.map(hammer, range(12)))

    assert scene.counts(path) == (3, 0)
    assert given <= {"first-check", "checked-before", "checked-by-you"}


def test_a_first_visit_mints_a_cookie_and_the_second_is_a_repeat(scene, visitor):
    path = scene.codes.path()
    first, second = visitor.scan(path), visitor.scan(path)

    (cookie,) = first.cookies
    assert re.fullmatch(r"__Host-v=[A-Za-z0-9_-]{22}; Path=/; Max-Age=2592000; Secure; HttpOnly; SameSite=Lax", cookie)
    assert second.cookies == []
    assert (first.reason, second.title) == (None, "This code is genuine")
    assert visitor.check(path)["reason"] == "checked-by-you"
    assert scene.counts(path) == (1, 0)


def test_without_the_cookie_coming_back_nobody_is_told_that_they_checked_it(scene):
    path, address = scene.codes.path(), "91.5.6.7"

    given = [scene.visitor(address=address).check(path)["reason"] for _ in range(3)]

    assert given == ["first-check", "checked-before", "checked-before"]


@pytest.mark.parametrize("cookie", ["", "x", "A" * 22 + "A", "A" * 21 + "B", "../../etc/passwd", "é" * 22])
def test_a_cookie_that_is_not_ours_is_no_cookie(scene, visitor, cookie):
    response = visitor.open(scene.codes.path(), headers={"Cookie": f"__Host-v={cookie}"})

    assert response.status_code == 200
    assert response.headers["Set-Cookie"].startswith("__Host-v=")


def test_a_plain_cookie_that_a_neighbour_set_is_ignored_on_a_public_host(scene, visitor):
    visitor.client.set_cookie("v", "A" * 22, domain="id.example.com")

    assert visitor.scan(scene.codes.path()).cookies[0].startswith("__Host-v=")


def test_the_scans_of_two_items_share_no_visitor(scene, visitor):
    paths = [scene.codes.path() for _ in range(2)]
    pages = [visitor.scan(path) for path in paths]

    stored = {
        scene.row("SELECT visitor FROM sightings WHERE sgtin = %s", DigitalLink.parse(path).sgtin) for path in paths
    }
    assert len(stored) == len(pages)


@pytest.mark.parametrize("agent", BOTS)
def test_a_bot_changes_no_count(scene, agent):
    path = scene.codes.path()

    page = scene.visitor(agent=agent).scan(path)

    assert (page.status, page.nonce) == (200, None)
    assert scene.counts(path) == (0, 0)
    assert scene.visitor().check(path)["reason"] == "first-check"


@pytest.mark.parametrize(
    "headers", [{"Sec-Purpose": "prefetch"}, {"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}]
)
def test_a_prefetch_changes_no_count(scene, visitor, headers):
    path = scene.codes.path()
    visitor.scan(path, **headers)

    assert scene.counts(path) == (0, 0)
    assert scene.visitor().check(path)["reason"] == "first-check"


def test_head_answers_like_get_without_a_body_and_counts_nothing(scene, visitor):
    path = scene.codes.path()

    response = visitor.open(path, "HEAD")

    assert (response.status_code, response.data) == (200, b"")
    assert int(response.headers["Content-Length"]) > 1000
    assert scene.counts(path) == (0, 0)
    assert scene.visitor().check(path)["reason"] == "first-check"


def test_a_data_centre_counts_only_by_its_page(scene):
    path, relayed = scene.codes.path(), scene.visitor(address=DATACENTRE)
    page = relayed.scan(path)
    assert (page.title, scene.counts(path)) == ("This code is genuine", (0, 0))
    relayed.confirm(page)

    assert scene.counts(path) == (1, 1)
    assert scene.visitor().check(path)["reason"] == "checked-before"


def test_a_confirmed_scan_stays_one_scan(scene, visitor):
    path = scene.codes.path()
    page = visitor.scan(path)

    assert visitor.confirm(page).status_code == 204
    assert scene.counts(path) == (1, 1)


# --- What is not looked at --------------------------------------------------------------------------------------------


def test_a_hundred_scans_of_a_wine_leave_every_table_as_it_was(scene):
    wine = scene.add_product(granularity="batch", tracking="none", token="none", name="Riesling")
    path = scene.issue(wine, 1, lot="2024A").path(0)
    before = scene.fingerprint()

    for n in range(100):
        visitor = scene.visitor()
        response = visitor.open(path + ("" if n % 4 else "?s=AQAB"), "HEAD" if n % 10 == 0 else "GET")
        assert response.status_code == 200
        assert "Set-Cookie" not in response.headers
        assert "data-receipt" not in response.text

    assert scene.fingerprint() == before


def test_a_visitor_of_a_wine_is_not_even_asked_for_an_address(scene, monkeypatch):
    wine = scene.add_product(granularity="batch", tracking="none", token="none")
    path = scene.issue(wine, 1, lot="2024A").path(0)
    monkeypatch.setattr("authsvc.web.visitors.client_address", lambda *_: pytest.fail("somebody looked"))

    assert scene.visitor().open(path).status_code == 200


def test_no_token_address_or_cookie_is_logged(scene, visitor, capfd):
    path = scene.codes.path()
    token = path.partition("s=")[2]
    page = visitor.scan(path)
    visitor.confirm(page)
    cookie = visitor.client.get_cookie("__Host-v", domain="id.example.com").value
    visitor.open(path + "&s=x")
    visitor.open("/01/123/21/" + token)
    visitor.open("/", "POST", data={"code": "https://x.example" + path})
    visitor.open("/api/v1/verify", "POST", json={"uri": 3})
    visitor.open(f"/s/{page.receipt}x")

    out = "".join(capfd.readouterr())

    for secret in (token, token[4:40], visitor.address, cookie, page.nonce):
        assert secret not in out


def test_an_accident_is_a_bare_500_and_tells_only_the_log(scene, visitor, monkeypatch, capfd):
    secret = "password=hunter2"

    def break_down(*_, **__):
        raise RuntimeError(secret)

    monkeypatch.setattr("authsvc.web.consumer.scanning.story", break_down)
    path = scene.codes.path()
    response = visitor.open(path, headers={"X-Request-Id": "abcdef123456"})

    out = "".join(capfd.readouterr())
    assert response.status_code == 500
    assert secret not in response.text
    assert "says nothing about your item" in response.text
    assert response.headers["X-Request-Id"] == "abcdef123456"
    assert secret in out
    assert "abcdef123456" in out
    assert path.partition("s=")[2] not in out


# --- Forms of answer --------------------------------------------------------------------------------------------------


def test_json_has_the_members_of_the_design(scene, visitor):
    path = scene.codes.path()

    document = visitor.check(path)

    assert list(document) == [
        "outcome", "reason", "title", "text", "signature", "product", "lot", "item", "data", "records", "notices",
        "receipt", "checked_at",
    ]  # fmt: skip
    assert document["signature"] == {"valid": True, "kid": f"{scene.halden.id}.1", "format": "ed25519"}
    assert document["item"]["serial"] == DigitalLink.parse(path).serial
    assert document["item"]["warranty"] is None
    assert (document["outcome"], document["lot"]["lot"], document["notices"]) == ("authentic", "L2410", [])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", document["checked_at"])


def test_a_code_that_is_not_ours_borrows_no_product(scene, visitor):
    document = visitor.check(forge(scene.codes.path()))

    assert (document["product"], document["signature"]["valid"]) == (None, False)
    assert document["item"]["scan_number"] is None
    assert scene.watch.name not in visitor.scan(forge(scene.codes.path())).html


def test_unknown_and_not_issued_are_the_same_page(scene, visitor):
    ours = scene.signer(scene.halden)
    signed = visitor.scan(sign(ours, {"01": scene.watch.gtin, "21": "AAAABBBBCCCCDDDD"}))
    bare = visitor.scan(f"/01/{scene.watch.gtin}/21/AAAABBBBCCCCDDDD")

    def stripped(page):
        return re.sub(r'/[a-z]+/[\w-]{22}|data-\w+="[^"]*"|<bdi[^>]*>[\w-]+</bdi>|\d\d:\d\d(:\d\d)?', "", page.html)

    assert signed.title == bare.title == "We do not know this code"
    assert stripped(signed) == stripped(bare)


def test_the_page_says_what_it_may_be_cached_and_varies_by(scene, visitor):
    response = visitor.open(scene.codes.path())

    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Vary"] == "Accept, Accept-Language, Cookie"
    assert response.content_type == "text/html; charset=utf-8"


def test_a_page_weighs_little(scene, visitor):
    page = visitor.scan(scene.codes.path())
    files = sorted(set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page.html)))
    sizes = {name: len(visitor.open(name).data) for name in files}

    assert len(files) + 1 <= 4
    assert sum(sizes.values()) + len(page.html.encode()) <= 30 * 1024
    assert max(size for name, size in sizes.items() if name.endswith(".js")) <= 3 * 1024


def test_two_tokens_are_a_400_with_a_sentence(scene, visitor):
    path = scene.codes.path()
    for twice in (path + "&s=AQAB", path + "&s=", path.replace("?s=", "?s=&s=")):
        response = visitor.open(twice)
        assert response.status_code == 400
        assert "stands once" in response.text

    assert scene.counts(path) == (0, 0)


@pytest.mark.parametrize(
    "path",
    [
        "/01/09506000134353/21/ABC",
        "/01/950600013435/21/ABC",
        "/01/",
        "/01/x",
        "/01/09506000134352/21/",
        "/01/09506000134352/21/" + "A" * 21,
        "/01/09506000134352/21/%ZZ",
        "/01/09506000134352/21/%C3%A9",
        "/01/09506000134352/21/A%09",
        "/01/09506000134352/21/A%250%39%E2%82%AC",
        "/01/09506000134352/21/A?x=1;17=270101",
        "/01/09506000134352/21/A?01=09506000134352",
        "/01/09506000134352/21/A?17=991332",
        "/01/09506000134352/21/A?99999=1",
        "/01/09506000134352/10/A/10/B",
        "/00/123456789012345678",
        "/01/" + "9" * 3000,
    ],
)
def test_a_link_that_cannot_be_read_is_a_400_for_people_and_programs(visitor, path):
    page = visitor.open(path)
    document = visitor.open(path, headers={"Accept": "application/json"})

    assert (page.status_code, document.status_code) == (400, 400)
    assert "<h1" in page.text
    assert document.content_type == "application/problem+json"
    assert document.json["type"].endswith("/problems/bad-digital-link")
    assert len(document.json["detail"]) > 20


def test_a_trailing_slash_is_tolerated(scene, visitor):
    path = scene.codes.path().replace("?s=", "/?s=")

    assert visitor.check(path)["reason"] == "first-check"


def test_order_of_parameters_and_foreign_ones_do_not_matter(scene, visitor):
    path = scene.codes.path()
    stem, _, token = path.partition("?s=")

    assert visitor.check(f"{stem}?utm_source=x&s={token}&fbclid=y")["reason"] == "first-check"
    assert visitor.check(f"{stem}?s={quote(token, safe='')}#top")["reason"] == "checked-by-you"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "BREW"])
def test_other_methods_are_refused(scene, visitor, method):
    response = visitor.open(scene.codes.path(), method)

    assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
