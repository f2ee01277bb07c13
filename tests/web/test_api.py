import pytest
from scene import BASE_URL, DATACENTRE, forge

from authsvc.web import limits

VERIFY = "/api/v1/verify"
BULK = "/api/v1/verify/bulk"


@pytest.fixture(autouse=True)
def fresh_limits(scene):
    scene.forget_limits()


def verify(visitor, body, **options):
    return visitor.open(VERIFY, "POST", json=body, **options)


def test_verify_reads_only_and_is_nobodys_first_check(scene, visitor):
    path = scene.codes.path()
    before = scene.fingerprint()

    given = [verify(visitor, {"uri": BASE_URL + path}) for _ in range(5)]

    assert {response.status_code for response in given} == {200}
    assert {response.json["reason"] for response in given} == {"checked-before"}
    assert {response.json["receipt"] for response in given} == {None}
    assert not any("Set-Cookie" in response.headers for response in given)
    assert scene.fingerprint() == before
    assert scene.visitor().check(path)["reason"] == "first-check"


def test_verify_says_nothing_of_a_check_that_nobody_made(scene, visitor):
    document = verify(visitor, {"uri": BASE_URL + scene.codes.path()}).json

    assert document["item"]["scan_number"] is None
    assert document["item"]["first_checked_at"] is None
    assert "before" not in document["text"]


def test_verify_writes_nothing_of_forged_unsigned_or_unknown_codes(scene, visitor):
    path = scene.codes.path()
    before = scene.fingerprint()

    given = [
        verify(visitor, {"uri": BASE_URL + uri}).json["reason"]
        for uri in (forge(path), path.partition("?")[0], "/01/04012345678901/21/A", f"/01/{scene.watch.gtin}/21/NO")
    ]

    assert given == ["forged", "unsigned", "unknown", "unknown"]
    assert scene.fingerprint() == before


def test_verify_tells_of_a_recall(scene, visitor):
    product = scene.add_product()
    path = scene.issue(product, lot="B1").path()
    scene.recall(product, lot="B1", remedy="Return it.")

    document = verify(visitor, {"uri": BASE_URL + path}).json

    assert (document["outcome"], document["reason"]) == ("withdrawn", "recalled")
    assert document["lot"] == {"lot": "B1", "expires_on": None, "recalled": True}


def test_verify_takes_short_gtins_of_older_links(scene, visitor):
    path = scene.codes.path()

    assert verify(visitor, {"uri": BASE_URL + path.replace("/01/0", "/01/", 1)}).json["signature"]["valid"] is True


@pytest.mark.parametrize("uri", ["", "x", "https://example.com/", "/01/1", "ftp://x/01/09506000134352", "/01/\u0663"])
def test_verify_refuses_what_is_no_digital_link(visitor, uri):
    response = verify(visitor, {"uri": uri})

    assert response.status_code == 400
    assert response.json["type"].endswith("/problems/bad-digital-link")


def test_verify_knows_no_other_keys_of_gs1(visitor):
    response = verify(visitor, {"uri": "https://x.example/414/9521101530001"})

    assert (response.status_code, response.json["reason"]) == (200, "unknown")


@pytest.mark.parametrize(
    "body",
    [None, 3, "x", [], True, {}, {"uri": None}, {"uri": 3}, {"uri": ["x"]}, {"uri": {}}, {"uri": True}, {"url": "x"}],
)
def test_verify_refuses_wrong_types_with_a_sentence(visitor, body):
    response = verify(visitor, body)

    assert response.status_code == 400
    assert response.content_type == "application/problem+json"
    assert response.json["type"].endswith("/problems/bad-input")
    assert "must be" in response.json["detail"]


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"\xff\xfe", b"[" * 15000, b'{"uri":' * 2000, b'{"uri": ' + b"9" * 6000 + b"}", b'{"uri": NaN}',
     b'{"uri": "\\ud800"}', b'{"uri": "https://x/01/\\ud800\\u0000"}', b"null"],
)  # fmt: skip
def test_verify_refuses_bodies_that_are_no_json_of_ours(visitor, data):
    response = visitor.open(VERIFY, "POST", data=data, headers={"Content-Type": "application/json"})

    assert response.status_code == 400
    assert response.json["status"] == 400


def test_verify_takes_json_whatever_the_content_type(scene, visitor):
    response = visitor.open(
        VERIFY, "POST", data=b'{"uri": "%s"}' % (BASE_URL + scene.codes.path()).encode(),
        headers={"Content-Type": "text/plain"},
    )  # fmt: skip

    assert response.status_code == 200


@pytest.mark.parametrize("path", [VERIFY, BULK, "/"])
def test_a_body_of_a_megabyte_or_more_is_too_large(visitor, path):
    response = visitor.open(path, "POST", data=b'{"uri": "' + b"A" * 3_000_000 + b'"}',
                            headers={"Content-Type": "application/json", "Accept": "application/json"})  # fmt: skip

    assert response.status_code in {400, 413}
    if path != "/":
        assert response.status_code == 413
        assert response.content_type == "application/problem+json"


def test_get_is_refused(visitor):
    response = visitor.open(VERIFY)

    assert (response.status_code, response.json["status"]) == (405, 405)
    assert "POST" in response.headers["Allow"]


# --- Bulk -------------------------------------------------------------------------------------------------------------


def test_bulk_answers_in_order_and_one_bad_link_stops_no_other(scene, visitor):
    good, bad = scene.codes.path(), scene.codes.path()
    before = scene.fingerprint()

    response = visitor.open(BULK, "POST", json={"uris": [BASE_URL + good, "x", BASE_URL + forge(bad)]})

    first, second, third = response.json["results"]
    assert (first["outcome"], third["reason"]) == ("authentic", "forged")
    assert second["error"]["code"] == "bad-digital-link"
    assert scene.fingerprint() == before


def test_bulk_takes_a_thousand_and_no_more(scene, visitor):
    uris = [BASE_URL + scene.codes.path(n) for n in range(1001)]

    full = visitor.open(BULK, "POST", json={"uris": uris[:1000]})
    over = visitor.open(BULK, "POST", json={"uris": uris})

    assert (full.status_code, len(full.json["results"])) == (200, 1000)
    assert {result["outcome"] for result in full.json["results"]} == {"authentic"}
    assert (over.status_code, over.json["title"]) == (413, "Too large")
    assert "1000" in over.json["detail"]


def test_bulk_takes_a_thousand_links_of_the_greatest_length(scene, visitor):
    filler = "x=" + "y" * 1800
    uris = [f"{BASE_URL}{scene.codes.path(n)}&{filler}" for n in range(1000)]

    response = visitor.open(BULK, "POST", json={"uris": uris})

    assert response.status_code == 200
    assert {result["outcome"] for result in response.json["results"]} == {"authentic"}


@pytest.mark.parametrize("body", [{}, {"uris": None}, {"uris": "x"}, {"uris": [1]}, {"uris": {"a": 1}}, [], 3])
def test_bulk_refuses_wrong_types(visitor, body):
    response = visitor.open(BULK, "POST", json=body)

    assert response.status_code == 400
    assert "must be" in response.json["detail"]


def test_bulk_of_nothing_is_nothing(visitor):
    assert visitor.open(BULK, "POST", json={"uris": []}).json == {"results": []}


def test_links_are_limited_by_network(scene, visitor, monkeypatch):
    monkeypatch.setattr(limits, "LINKS", limits.Limit("links", limits.parse("10/minute")))
    assert visitor.open(BULK, "POST", json={"uris": ["x"] * 8}).status_code == 200
    assert [verify(visitor, {"uri": "x"}).status_code for _ in range(2)] == [400, 400]

    assert verify(visitor, {"uri": "x"}).status_code == 429
    assert visitor.open(BULK, "POST", json={"uris": ["x"]}).status_code == 429
    assert verify(scene.visitor(address=DATACENTRE), {"uri": "x"}).status_code == 400
