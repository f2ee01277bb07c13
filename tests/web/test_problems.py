import json
import re
from http import HTTPStatus

import pytest
from scene import BASE_URL, Visitor
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from authsvc import errors
from authsvc.models import Dealer
from authsvc.runtime import new_id
from authsvc.web import problems

ASKED = {"request_id": "0123456789abcdef", "base_url": BASE_URL}
POLICY = "default-src 'none'"


def leaves(family=errors.AuthsvcError):
    for child in family.__subclasses__():
        yield child
        yield from leaves(child)


@pytest.mark.parametrize("leaf", sorted(set(leaves()), key=lambda leaf: leaf.__name__), ids=lambda leaf: leaf.__name__)
def test_a_refusal_is_a_problem_document_and_its_twin_a_page(leaf):
    error = leaf("Type another <number>.")

    document = problems.of_error(error, as_json=True, **ASKED)
    page = problems.of_error(error, as_json=False, **ASKED)

    body = json.loads(document.body)
    assert document.media_type == "application/problem+json"
    assert body["type"] == f"{BASE_URL}/problems/{leaf.code}"
    assert (body["title"], body["status"], body["detail"]) == (leaf.title, leaf.status, "Type another <number>.")
    assert body["instance"] == "urn:request:0123456789abcdef"
    assert page.status == document.status == leaf.status
    assert "Type another &lt;number&gt;." in page.body.decode()
    assert "0123456789abcdef" in page.body.decode()


@pytest.mark.parametrize(("leaf", "seconds"), [(errors.TooManyRequests, 60), (errors.Unavailable, 5)])
def test_who_may_come_back_is_told_when(leaf, seconds):
    for as_json in (True, False):
        answer = problems.of_error(leaf("Wait."), as_json=as_json, **ASKED)
        assert ("Retry-After", str(seconds)) in answer.headers
    assert json.loads(problems.of_error(leaf("Wait."), as_json=True, **ASKED).body)["retry_after"] == seconds


def test_an_accident_tells_nothing(capfd):
    answer = problems.of_accident(ValueError("SELECT secret FROM t"), as_json=True, **ASKED)

    assert answer.status == 500
    assert b"secret" not in answer.body
    assert "SELECT secret" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("given", "is_taken"),
    [("abcdef12", True), ("A_b-" * 16, True), ("short", False), ("x" * 65, False), ("a b c d e f", False),
     ("abcdefgh\n", False), ("<script>alert", False), ("é" * 10, False)],
)  # fmt: skip
def test_only_a_plain_request_id_is_taken_over(given, is_taken):
    assert (problems.request_id({"HTTP_X_REQUEST_ID": given}, "fresh") == given) is is_taken


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("/nope", "GET", 404), ("/01", "GET", 404), ("/s/x", "GET", 404), ("/api/v1/nope", "GET", 404),
     ("/livez", "POST", 405), ("/demo", "GET", 404), ("/01/x", "GET", 400), ("/s/x/confirm", "GET", 405)],
)  # fmt: skip
def test_every_refusal_has_both_forms(visitor, path, method, status):
    as_page = visitor.open(path, method)
    as_document = visitor.open(path, method, headers={"Accept": "application/json"})

    assert (as_page.status_code, as_document.status_code) == (status, status)
    assert as_document.content_type == "application/problem+json"
    document = as_document.json
    assert {"type", "title", "status", "detail", "instance"} <= set(document)
    assert len(document["detail"]) > 20
    assert ("/api/openapi.json" in document["detail"]) is path.startswith("/api/")
    if not path.startswith("/api/"):
        assert as_page.content_type == "text/html; charset=utf-8"
        assert "<h1" in as_page.text
        assert re.search(r"[0-9a-f]{16}", as_page.text)


NOBODYS = "00000000-0000-4000-8000-000000000000"


def routes(scene, visitor: Visitor):
    page = visitor.scan(scene.codes.path())
    css = visitor.open("/").text.partition('rel="stylesheet" href="')[2].partition('"')[0]
    yield from (
        (scene.codes.path(), "GET"), (scene.codes.path(), "HEAD"), (scene.codes.path(), "POST"), ("/01/x", "GET"),
        ("/", "GET"), ("/", "POST"), (f"/s/{page.receipt}", "GET"), (f"/s/{page.receipt}/confirm", "POST"),
        (css, "GET"), ("/media/x", "GET"), ("/api/v1/verify", "POST"), ("/api/v1/verify", "GET"),
        ("/api/v1/verify/bulk", "POST"), ("/.well-known/jwks.json", "GET"), ("/livez", "GET"), ("/readyz", "GET"),
        ("/metrics", "GET"), ("/demo", "GET"), ("/demo/x.svg", "GET"), ("/demo/outbox", "GET"),
        ("/nope", "GET"), ("/nope", "OPTIONS"),
        ("//evil.example/", "GET"),
        ("/check", "GET"), ("/check", "POST"), ("/check/bulk", "POST"), ("/check/list", "POST"),
        ("/check/keeper.js", "GET"), ("/check/decoder.js", "GET"),
        ("/check/app.webmanifest", "GET"), ("/check/brands.json", "GET"),
        (f"/own/register/{page.receipt}", "GET"), (f"/own/register/{page.receipt}", "POST"), ("/own/confirm/x", "GET"),
        ("/own/confirm/x", "POST"), ("/own", "GET"), ("/own/sign-in", "GET"), ("/own/sign-in", "POST"),
        ("/own/sign-in/x", "GET"), ("/own/sign-in/x", "POST"), ("/own/sign-out", "POST"),
        (f"/own/items/{NOBODYS}", "GET"),
        (f"/own/items/{NOBODYS}/condition", "POST"), (f"/own/items/{NOBODYS}/release", "POST"),
        (f"/own/items/{NOBODYS}/certificate.pdf", "GET"), ("/own/erase", "GET"), ("/own/erase", "POST"),
        (f"/own/items/{NOBODYS}/receipt.jws", "GET"),
        (f"/own/items/{NOBODYS}/proof", "POST"), (f"/check/proof/{'0' * 16}", "GET"),
        (f"/own/items/{NOBODYS}/sell", "GET"), (f"/own/items/{NOBODYS}/offer", "POST"),
        (f"/own/transfers/{NOBODYS}", "GET"),
        *((f"/own/transfers/{NOBODYS}/{act}", "POST") for act in ("confirm", "cancel", "decline", "dispute")),
        *((path, method) for path in (f"/own/ask/{page.receipt}", "/own/ask/confirm/x", f"/own/recover/{page.receipt}",
                                      "/own/recover/confirm/x", "/own/stop/x", "/own/address/x")
          for method in ("GET", "POST")),
        ("/own/account", "GET"), ("/own/account/export.zip", "GET"), (f"/own/files/{NOBODYS}", "GET"),
        *((path, "POST") for path in ("/own/account/address", "/own/passkey/options", "/own/passkey/sign-in",
                                      "/own/account/passkeys/options", "/own/account/passkeys",
                                      "/own/account/passkeys/x/remove", f"/own/files/{NOBODYS}/remove",
                                      f"/own/items/{NOBODYS}/proofs")),
        *((f"/own/requests/{NOBODYS}/{act}", "POST") for act in ("offer", "release", "ignore", "stop")),
        ("/own/take", "GET"), ("/own/take", "POST"), (f"/own/take/{'0' * 16}", "GET"),
        (f"/own/take/{'0' * 16}", "POST"), ("/own/take/confirm/x", "GET"), ("/own/take/confirm/x", "POST"),
        ("/privacy", "GET"), ("/report", "GET"), (f"/report/{page.receipt}", "GET"),
        (f"/report/{page.receipt}", "POST"), ("/report/halden/x", "GET"), ("/report/halden/x/refund-help.pdf", "GET"),
        ("/report", "POST"), ("/look/x", "GET"), ("/language?to=/check&lang=de", "GET"), ("/language?to=//x", "GET"),
        ("/own/dealer", "GET"), ("/own/dealer/sign-in", "GET"), ("/own/dealer/sign-in", "POST"),
        ("/own/dealer/sign-in/x", "GET"), ("/own/dealer/sign-in/x", "POST"), ("/own/dealer/sign-out", "POST"),
        ("/own/dealer/list", "POST"), ("/own/dealer/take", "POST"),
        (f"/own/dealer/take/{NOBODYS}/decline", "POST"), ("/own/dealer/stock.csv", "GET"),
        ("/own/dealer/access", "GET"),
        ("/own/dealer/access/keys", "POST"), (f"/own/dealer/access/keys/{NOBODYS}/revoke", "POST"),
        ("/own/dealer/access/browser", "POST"), (f"/own/items/{NOBODYS}/permits", "GET"),
        (f"/own/items/{NOBODYS}/permits", "POST"), (f"/own/items/{NOBODYS}/permits/{NOBODYS}/revoke", "POST"),
        ("/api/v1/dealer", "GET"), ("/api/v1/dealer/stock", "GET"), ("/api/v1/dealer/offers", "GET"),
        ("/api/v1/dealer/stock/receive", "POST"), ("/api/v1/dealer/trade-ins", "GET"),
        ("/api/v1/dealer/trade-ins", "POST"), (f"/api/v1/dealer/trade-ins/{NOBODYS}", "GET"),
        (f"/api/v1/dealer/trade-ins/{NOBODYS}/decline", "POST"),
        *((f"/api/v1/permits/{act}", "POST") for act in ("status", "offer", "transfer", "confirm", "cancel")),
        ("/api/v1/epcis/events", "GET"), ("/api/v1/epcis/document", "GET"), ("/api/v1/epcis/capture", "POST"),
        (f"/api/v1/epcis/capture/{NOBODYS}", "GET"), ("/checkConnectivity", "GET"), ("/verify/gtin/x", "GET"),
        ("/api/v1/lines/one/batches", "POST"), ("/api/v1/lines/one/reads", "POST"), ("/api/v1/lines/one", "PUT"),
        ("/api/v1/lines/one", "GET"), ("/.well-known/gs1resolver", "GET"),
        (f"/follow/{page.receipt}", "GET"), (f"/follow/{page.receipt}", "POST"), ("/follow/mail/x", "GET"),
        ("/follow/mail/x/confirm", "POST"), ("/follow/mail/x/forget", "POST"),
    )  # fmt: skip


def test_every_answer_has_the_security_headers(scene, visitor):
    for path, method in routes(scene, visitor):
        response = visitor.open(path, method)
        headers = response.headers
        where = (path, method, response.status_code)
        assert response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR, where
        assert headers["Content-Security-Policy"].startswith(POLICY), where
        # The pages that decode pictures need WebAssembly, and nothing else that is called unsafe.
        policy = headers["Content-Security-Policy"]
        assert "unsafe" not in (policy.replace("'wasm-unsafe-eval'", "") if path.startswith("/check") else policy), (
            where
        )
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"], where
        assert headers["X-Content-Type-Options"] == "nosniff", where
        assert headers["Referrer-Policy"] == "no-referrer", where
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin", where
        assert headers["Strict-Transport-Security"] == "max-age=31536000", where
        assert "Cache-Control" in headers, where
        assert len(headers.getlist("Content-Security-Policy")) == 1, where
        if "Location" in headers:
            assert headers["Location"].startswith("/"), where
            assert not headers["Location"].startswith("//"), where


def test_every_rule_of_the_application_was_visited(scene, visitor):
    """A new route must be added to the list above; the doors of the console are tried by tests of their own."""
    rules = scene.app.url_map.bind("id.example.com")
    asked = [(path.partition("?")[0], method) for path, method in routes(scene, visitor)]
    visited = {rules.match(path, method)[0] for path, method in asked if rules.test(path, method)}
    # Operations with a key are walked by tests/web/api/test_fuzz.py, from the document that must name each of them.
    walked = ("/console", "/api/v1", "/api/docs", "/api/openapi.json")
    endpoints = {rule.endpoint for rule in scene.app.url_map.iter_rules() if not rule.rule.startswith(walked)}

    assert endpoints - visited == set()


def test_no_page_holds_a_script_or_style_of_its_own(scene, visitor):
    for path, method in routes(scene, visitor):
        text = visitor.open(path, method).get_data(as_text=True)
        if text.startswith("<!doctype html>"):
            assert not re.search(r"<script(?![^>]*\bsrc=)", text), path
            assert "<style" not in text, path
            assert not re.search(r"<[^>]+\son\w+=", text), path
            assert not re.search(r"<[^>]+\sstyle=", text), path


def test_without_https_no_browser_is_told_to_insist_on_it(scene):
    app = scene.start(base_url="http://127.0.0.1:8000")
    visitor = scene.visitor(app)

    for path in ("/", scene.codes.path()):
        response = visitor.open(path, base_url="http://127.0.0.1:8000")
        assert "Strict-Transport-Security" not in response.headers
    assert response.headers["Set-Cookie"].startswith("v=")
    assert "Secure" not in response.headers["Set-Cookie"]
    page = visitor.open(scene.codes.path(), base_url="http://127.0.0.1:8000")
    assert "Set-Cookie" not in page.headers, "the cookie that was set is the one that is read"


@pytest.mark.parametrize(("country", "rule"), [("CH", "uq_dealers_email"), ("x", "ck_dealers_country")])
def test_an_error_of_the_database_is_logged_without_what_was_said(scene, capfd, country, rule):
    said = {"name": "Quill and Sons\n\nof Basel", "email": "quill@example.com", "country": country}
    row = {"brand_id": scene.halden.id, "created_at": scene.clock(), "created_by": "A test", **said}
    twice = insert(Dealer).values([{"id": new_id(), **row}, {"id": new_id(), **row}])
    with pytest.raises(IntegrityError) as caught, scene.owner_session() as session:
        session.execute(twice)
    problems.of_accident(caught.value, as_json=True, **ASKED)

    logged = "".join(capfd.readouterr())
    assert rule in logged
    assert "INSERT INTO dealers" in logged
    for secret in ("quill@example.com", "Quill", "Basel"):
        assert secret not in logged
