"""
Hostile requests: whatever arrives gets a verdict or a 4xx with a sentence, never a 5xx, and soon.

``FUZZ_EXAMPLES`` is the number of examples of each test; the usual run takes a few hundred, ``make fuzz`` 10,000. The
slowest request is printed with its time: run with ``-rP`` to see it.
"""

import itertools
import json
import os
import time
from dataclasses import dataclass
from io import BytesIO
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "300"))
SLOWEST_S = 0.25
"""What the slowest request may cost in processor time: a busy machine makes any request wait, and none dear."""

FUZZ = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
addresses = itertools.count(1)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float
    cost: float
    target: str


@pytest.fixture(scope="module")
def seen():
    """Collect every answer's time; print the slowest at the end."""
    times: list[tuple[float, str]] = []
    yield times
    slowest, target = max(times, default=(0.0, ""))
    report = f"{len(times)} hostile requests; the slowest took {slowest * 1000:.0f} ms: {target[:200]!a}"
    print(report)  # noqa: T201  the figure that the run is for


@pytest.fixture(scope="module")
def send(scene, seen):
    """Return a sender of raw requests, past every client that would correct them."""

    def once(target, method, body, headers, is_raw) -> Answer:
        n = next(addresses)
        path, _, query = target.partition("?")
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path.encode("utf-8", "replace").decode("latin-1"),
            "QUERY_STRING": query.encode("utf-8", "replace").decode("latin-1"),
            "SERVER_NAME": "id.example.com",
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": f"81.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_HOST": "id.example.com",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https",
            "wsgi.input": BytesIO(body),
            "wsgi.errors": BytesIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            **headers,
        }
        if is_raw:
            environ["RAW_URI"] = target.encode("utf-8", "replace").decode("latin-1")
        started: list = []
        start, cost = time.perf_counter(), time.thread_time()
        body = b"".join(scene.app.wsgi_app(environ, lambda status, fields, *_: started.extend([status, fields])))
        seconds, cost = time.perf_counter() - start, time.thread_time() - cost
        return Answer(int(started[0].split()[0]), dict(started[1]), body, seconds, cost, target)

    def send(target, method="GET", body=b"", headers=None, *, is_raw=True) -> Answer:
        answer = once(target, method, body, headers or {}, is_raw)
        if answer.cost > SLOWEST_S:
            # The garbage of ten thousand examples may be collected in the midst of one request; not of the next one.
            answer = once(target, method, body, headers or {}, is_raw)
        seen.append((answer.seconds, f"{method} {target}"))
        check(answer)
        return answer

    scene.forget_limits()
    return send


def check(answer: Answer) -> None:
    assert answer.status < 500, answer
    assert answer.cost < SLOWEST_S, answer
    assert "Content-Security-Policy" in answer.headers
    for name, value in answer.headers.items():
        assert "\n" not in value, (name, value)
        assert "\r" not in value, (name, value)
        value.encode("latin-1")
    if (
        answer.body
        and answer.status >= 400
        and answer.headers.get("Content-Type", "").startswith("application/problem")
    ):
        assert b'"detail"' in answer.body


hostile = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("%/?&;=#+ \\'\"<>\x00\r\n.:@[]{}|^`~$!*(),_-"),
        st.sampled_from("0123456789ABCDEFabcdef"),
    ),
    max_size=80,
)
escapes = st.sampled_from(
    ["%2F", "%252F", "%00", "%0D%0A", "%ZZ", "%", "%C3%A9", "%FF", "%E2%80%AE", "%2e%2e", "..", "\u202e", "\ud800"]
)
ai = st.one_of(
    st.sampled_from(["01", "21", "10", "22", "235", "00", "02", "37", "17", "8030", "414", "s", "linkType", "99"]),
    hostile,
)
value = st.one_of(
    st.sampled_from(["09506000134352", "9506000134352", "7K3M9QX2V4TD1RZ8", "270101", "L1", "A" * 21, "A" * 3000]),
    hostile,
    escapes,
    st.lists(escapes, max_size=30).map("".join),
)
pair = st.tuples(ai, value)


@st.composite
def targets(draw) -> str:
    """Draw a target that looks like a Digital Link, more or less."""
    start = draw(st.sampled_from(["/01/", "/00/", "/01//", "/01/09506000134352/", "//01/", "/x/01/", "/"]))
    path = "/".join(f"{k}/{v}" for k, v in draw(st.lists(pair, max_size=4)))
    joint = draw(st.sampled_from(["&", ";", "&&", "?"]))
    query = joint.join(f"{k}={v}" for k, v in draw(st.lists(pair, max_size=5)))
    return start + path + ("?" + query if query else "")


headers = st.fixed_dictionaries(
    {},
    optional={
        "HTTP_ACCEPT": st.sampled_from(["application/json", "text/html", "*/*", "application/linkset+json"]) | hostile,
        "HTTP_COOKIE": hostile,
        "HTTP_USER_AGENT": hostile,
        "HTTP_X_FORWARDED_FOR": hostile,
        "HTTP_X_REQUEST_ID": hostile,
        "HTTP_HOST": hostile,
        "HTTP_SEC_PURPOSE": hostile,
        "HTTP_IF_NONE_MATCH": hostile,
    },
)  # fmt: skip


@FUZZ
@given(targets(), headers, st.sampled_from(["GET", "HEAD"]), st.booleans())
@example("/01/09506000134352/21/A?s=A&s=B", {}, "GET", True)
@example("/01/09506000134352/21/A%252FB?s=%00", {}, "GET", False)
@example("/01/" + "1" * 100_000, {}, "GET", True)
@example("/01/09506000134352/21/A?" + "&".join(f"x{n}={n}" for n in range(20_000)), {}, "GET", True)
@example("/01/09506000134352?" + "%" * 1990, {}, "GET", True)
@example("/01/" + "01/" * 600, {}, "GET", True)
def test_hostile_links(send, target, headers, method, is_raw):
    answer = send(target, method, headers=headers, is_raw=is_raw)

    assert answer.status in {200, 303, 308, 400, 404}


@FUZZ
@given(hostile | targets().map(lambda target: "https://id.example.com" + target) | value)
def test_hostile_numbers_typed(send, text):
    body = f"code={quote(text, safe='', errors='replace')}".encode()

    answer = send("/", "POST", body, {"CONTENT_TYPE": "application/x-www-form-urlencoded"})

    assert answer.status in {200, 303, 400, 413}


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | hostile,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(hostile, inner, max_size=4),
    max_leaves=8,
)


@FUZZ
@given(
    st.sampled_from(["/api/v1/verify", "/api/v1/verify/bulk"]),
    anything
    | st.fixed_dictionaries({"uri": anything | targets()})
    | st.fixed_dictionaries({"uris": anything | st.lists(targets() | hostile, max_size=5)}),
)
def test_hostile_documents(send, path, body):
    answer = send(path, "POST", json.dumps(body).encode("utf-8", "replace"), {"CONTENT_TYPE": "application/json"})

    assert answer.status in {200, 400, 413}
    json.loads(answer.body)


@FUZZ
@given(
    st.sampled_from(["/api/v1/verify", "/api/v1/verify/bulk", "/", "/s/AAAAAAAAAAAAAAAAAAAAAA/confirm"]),
    st.binary(max_size=300),
    st.sampled_from(
        ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
         "multipart/form-data", "text/plain; charset=utf-7", "application/json; charset=nosuch", "", "\u00e9"]
    ),
)  # fmt: skip
def test_hostile_bodies(send, path, body, kind):
    answer = send(path, "POST", body, {"CONTENT_TYPE": kind})

    assert answer.status in {200, 204, 303, 400, 413, 415}


@FUZZ
@given(
    st.sampled_from(["/s/", "/static/", "/media/", "/demo/", "/.well-known/", "/api/", "/", "/readyz", "/metrics"]),
    hostile,
    headers,
    st.sampled_from(["GET", "HEAD", "POST", "PUT", "OPTIONS", "TRACE", "\u00e9"]),
)
def test_hostile_paths(send, stem, rest, headers, method):
    send(stem + rest, method, headers=headers, is_raw=False)


@pytest.mark.parametrize("path", ["/", "/api/v1/verify", "/api/v1/verify/bulk", "/s/AAAAAAAAAAAAAAAAAAAAAA/confirm"])
@pytest.mark.parametrize(
    "kind", ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
@pytest.mark.parametrize("size", [1_000_000, 3_000_000])
def test_bodies_of_megabytes(send, path, kind, size):
    answer = send(path, "POST", b"a" * size, {"CONTENT_TYPE": kind})

    assert answer.status in {204, 303, 400, 413}


def test_a_body_without_a_length_is_not_read_for_ever(send):
    answer = send("/api/v1/verify", "POST", b"{}", {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"})

    assert answer.status == 400


def test_a_length_that_is_no_number_is_a_400(send):
    for length in ("x", "-1", "9" * 5000, "\u0663"):
        assert send("/api/v1/verify", "POST", b"{}", {"CONTENT_LENGTH": length}).status in {400, 413}
