import hashlib

import pytest
from scene import BASE_URL, Page, forge

from authsvc.core.gs1 import DigitalLink
from authsvc.web import limits


@pytest.fixture(autouse=True)
def fresh_limits(scene):
    scene.forget_limits()


def typed(visitor, text):
    return visitor.open("/", "POST", data={"code": text})


def test_the_start_page_asks_for_a_code(visitor):
    response = visitor.open("/")

    assert response.status_code == 200
    assert 'name="code"' in response.text
    assert "Set-Cookie" not in response.headers


def spellings(link):
    gtin, serial = link.gtin, link.serial
    groups = " ".join(serial[i : i + 4] for i in range(0, 16, 4))
    return [
        f"(01){gtin}(21){serial}",
        f" (01) {gtin} (21) {groups} ",
        f"(01){gtin[1:]}(21){serial}",
        f"{gtin}.{serial}",
        f"{gtin[1:]}.{serial.lower()}",
        f"/01/{gtin}/21/{serial}",
        f"{BASE_URL}/01/{gtin}/21/{serial}",
        f"HTTPS://ID.EXAMPLE.COM/01/{gtin}/21/{serial}",
        f"http://other.example/a/b/01/{gtin[1:]}/21/{serial}?utm_source=x",
        f"(01){gtin}\t(21){groups}\r\n",
        f"GTIN {gtin} SN {serial}",
        f"GTIN: {gtin[1:]}, Serial: {groups}",
        f"gtin {gtin[:5]} {gtin[5:]}\nserial no. {serial.lower()}",
        f"{gtin} {groups}",
        f"{gtin[1:]}/{serial}",
    ]


@pytest.mark.parametrize("which", range(15))
def test_a_typed_number_is_known_in_every_spelling(scene, visitor, which):
    link = scene.codes.link()

    page = Page(typed(visitor, spellings(link)[which]))

    assert (page.status, page.title) == (200, "We know this number")
    assert scene.counts(link.path()) == (0, 0)
    assert scene.row("SELECT reason, is_typed, channel FROM rejections WHERE serial = %s", link.serial) == (
        "unsigned",
        True,
        "typed",
    )


def test_the_number_of_a_case_or_a_batch_is_known_as_its_page_shows_it(scene, visitor):
    shirts = scene.add_product(granularity="hybrid")
    sscc = scene.issue(shirts, 2, lot="C1", contents=24).link().sscc
    groups = " ".join(sscc[at : at + 4] for at in range(0, 18, 4))

    titles = {Page(typed(visitor, text)).title for text in (f"(00){sscc}", groups, f"(01){shirts.gtin}(10)C1")}

    assert titles == {"We know this number"}


@pytest.mark.parametrize("text", ["hello", "7K3M-9QX2-V4TD-1RZ8", "https://shop.example/?x", "09506000134352."])
def test_what_is_no_number_is_answered_with_what_to_do(visitor, text):
    response = typed(visitor, text)

    assert response.status_code == 400
    assert ("Compare it with the label" in response.text) is not text.startswith("0")


def test_a_typed_number_of_nobody_is_not_known(scene, visitor):
    assert Page(typed(visitor, f"(01){scene.watch.gtin}(21)MADEUP")).title == "We do not know this code"
    assert Page(typed(visitor, "(01)04012345678901(21)MADEUP")).title == "We do not know this code"


def test_a_typed_product_number_gets_no_more_than_the_product(scene, visitor):
    page = Page(typed(visitor, scene.watch.gtin[1:]))

    assert page.status == 200
    assert "genuine" not in page.html.lower().partition("<main")[2].partition("<footer")[0]


@pytest.mark.parametrize(
    "text",
    ["", "   ", "hello", "123", "(01)123(21)A", "09506000134353", "(21)A", "(01)09506000134352(21)", "💶", "x" * 5000,
     "https://example.com/", "javascript:alert(1)", "(01)09506000134352(21)A(21)B", "\x00", "٠٩٥٠٦٠٠٠١٣٤٣٥٢"],
)  # fmt: skip
def test_what_is_no_number_comes_back_with_a_sentence(visitor, text):
    response = typed(visitor, text)

    assert response.status_code == 400
    assert 'id="fault"' in response.text
    assert "x" * 300 not in response.text


def test_what_was_typed_is_shown_again_as_text(visitor):
    response = typed(visitor, '"><script>alert(1)</script>')

    assert response.status_code == 400
    assert "<script>alert" not in response.text
    assert "&lt;script&gt;" in response.text


def test_a_form_without_the_field_is_a_400(visitor):
    assert visitor.open("/", "POST").status_code == 400
    assert visitor.open("/", "POST", json={"code": "x"}).status_code == 400


def test_a_pasted_link_with_its_token_is_sent_to_where_scans_are_answered(scene, visitor):
    path = scene.codes.path()

    response = typed(visitor, "https://fake.example/shop" + path)

    assert (response.status_code, response.headers["Location"]) == (303, path)
    assert visitor.check(response.headers["Location"])["reason"] == "first-check"


@pytest.mark.parametrize(
    "token", ["%0d%0aSet-Cookie:x", "a%26s=b", "%C3%A9", "%23", "%2F%2Fevil.example", "a+b", "%25"]
)
def test_a_pasted_token_cannot_change_where_it_leads(scene, visitor, token):
    response = typed(visitor, f"https://x.example/01/{scene.watch.gtin}/21/A?s={token}")

    assert response.status_code in {303, 400}
    if response.status_code == 303:
        target = response.headers["Location"]
        assert target.startswith(f"/01/{scene.watch.gtin}/21/A?s=")
        assert visitor.check(target)["reason"] == "forged"
        assert len(DigitalLink.parse(target).extensions) == 1


def test_two_pasted_tokens_are_refused(scene, visitor):
    response = typed(visitor, "https://x.example" + scene.codes.path() + "&s=AQAB")

    assert response.status_code == 400
    assert "stands once" in response.text


def test_a_forged_link_that_is_pasted_is_forged(scene, visitor):
    target = typed(visitor, "https://x.example" + forge(scene.codes.path())).headers["Location"]

    assert visitor.check(target)["reason"] == "forged"


def test_typing_a_number_of_a_wine_leaves_no_trace(scene, visitor):
    wine = scene.add_product(granularity="batch", tracking="none", token="none")
    scene.issue(wine, 1, lot="2024")
    before = scene.fingerprint()

    response = typed(visitor, wine.gtin)
    linked = typed(visitor, f"/01/{wine.gtin}/10/2024")

    assert (response.status_code, linked.status_code) == (200, 200)
    assert "Set-Cookie" not in response.headers
    assert scene.fingerprint() == before


def test_too_many_writes_of_one_network_are_refused(scene, visitor):
    counted = scene.app.extensions["authsvc.limits"]
    while counted.is_within(limits.WRITES, visitor.address):
        pass

    assert typed(visitor, scene.watch.gtin).status_code == 429
    assert visitor.open("/").status_code == 200
    assert typed(scene.visitor(), scene.watch.gtin).status_code == 200


def test_files_lie_under_the_hash_of_their_bytes_for_ever(scene, visitor):
    page = visitor.open("/").text
    name = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    response = visitor.open(name)

    assert response.status_code == 200
    assert hashlib.sha256(response.data).hexdigest()[:12] in name
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "path", ["/static/ui.css", "/static/000000000000/ui.css", "/static/../app.py", "/static/%2e%2e/app.py", "/static/"]
)
def test_there_are_no_other_files(visitor, path):
    assert visitor.open(path).status_code == 404


@pytest.mark.parametrize("name", ["x", "a" * 64 + ".webp", "%00", "'; DROP TABLE images;--", "é", "." * 100])
def test_there_are_no_other_pictures(visitor, name):
    assert visitor.open(f"/media/{name}").status_code == 404


def test_a_picture_is_served_by_its_content(scene, visitor):
    data = b"RIFF\x00\x00\x00\x00WEBP" + b"\0" * 40
    digest = hashlib.sha256(data).hexdigest()
    scene.admin.execute("INSERT INTO images VALUES (%s, %s, 'image/webp', %s)", (digest, scene.halden.id, data))

    response = visitor.open(f"/media/{digest}.webp")

    assert (response.data, response.mimetype) == (data, "image/webp")
    assert "immutable" in response.headers["Cache-Control"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
