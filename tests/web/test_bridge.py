"""From the server's protocol to WSGI and back: heads, bodies, answers in parts, and clients that go away."""

import asyncio
import threading
import time
from concurrent.futures import Future
from types import SimpleNamespace

import pytest
from granian.rsgi import ProtocolClosed
from werkzeug.exceptions import ServiceUnavailable

from authsvc.web import bridge
from authsvc.web.wire import Answer


class Exchange:
    """What a server does with one request: the body that it has, and what it was told to answer."""

    def __init__(self, *body, leaves_after=None):
        self.body = body
        self.leaves_after = leaves_after
        self.answered = None
        self.parts = []
        self.threads = set()

    async def __aiter__(self):
        for part in self.body:
            self.threads.add(threading.current_thread())
            yield part

    def response_empty(self, status, headers):
        self.answered = (status, dict(headers), None)

    def response_bytes(self, status, headers, body):
        self.answered = (status, dict(headers), body)

    def response_stream(self, status, headers):
        self.answered = (status, dict(headers), self.parts)
        return self

    async def send_bytes(self, data):
        if self.leaves_after == len(self.parts):
            raise ProtocolClosed
        self.parts.append(data)


def scope(*headers, **values):
    return SimpleNamespace(
        **{
            "proto": "http", "http_version": "1.1", "server": "127.0.0.1:8000", "client": "192.0.2.7:5000",
            "scheme": "http", "method": "GET", "path": "/", "query_string": "", "authority": None,
            "headers": SimpleNamespace(items=lambda: list(headers)), **values,
        }
    )  # fmt: skip


def served(app, exchange, *headers, ending=None, **values):
    """Let *app* answer in a thread, beside a loop, and return what was answered."""

    async def run():
        loop = asyncio.get_running_loop()
        asked = bridge.environ(scope(*headers, **values))
        await loop.run_in_executor(None, bridge.serve, app, asked, exchange, loop, ending or Future())

    asyncio.run(run())
    return exchange.answered


# --- The head ---------------------------------------------------------------------------------------------------------


def test_a_head_becomes_an_environ():
    asked = bridge.environ(
        scope(
            ("host", "id.example.com"), ("content-type", "text/plain"), ("content-length", "3"), ("accept", "x/y"),
            method="POST", path="/own/é", query_string="a=%2F", scheme="https",
        )
    )  # fmt: skip

    assert asked == {
        "REQUEST_METHOD": "POST", "SCRIPT_NAME": "", "PATH_INFO": "/own/Ã©", "QUERY_STRING": "a=%2F",
        "REMOTE_ADDR": "192.0.2.7", "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8000", "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "https", "HTTP_HOST": "id.example.com", "CONTENT_TYPE": "text/plain", "CONTENT_LENGTH": "3",
        "HTTP_ACCEPT": "x/y",
    }  # fmt: skip


def test_what_a_proxy_adds_last_stands_last_and_nothing_passes_for_it():
    asked = bridge.environ(
        scope(
            ("x-forwarded-for", "10.0.0.1"), ("x_forwarded_for", "6.6.6.6"), ("x-forwarded-for", "198.51.100.4"),
            ("cookie", "a=1"), ("cookie", "b=2"),
        )
    )  # fmt: skip

    assert asked["HTTP_X_FORWARDED_FOR"] == "10.0.0.1,198.51.100.4"
    assert asked["HTTP_COOKIE"] == "a=1; b=2"


@pytest.mark.parametrize(
    ("client", "address"),
    [("192.0.2.7:80", "192.0.2.7"), ("[2001:db8::1]:80", "2001:db8::1"), ("2001:db8::1:80", "2001:db8::1")],
)
def test_an_address_has_no_port(client, address):
    assert bridge.environ(scope(client=client))["REMOTE_ADDR"] == address


def test_http_2_names_the_host_elsewhere():
    assert bridge.environ(scope(authority="id.example.com"))["HTTP_HOST"] == "id.example.com"
    assert bridge.environ(scope(("host", "one"), authority="other"))["HTTP_HOST"] == "one"


# --- The body ---------------------------------------------------------------------------------------------------------


def test_a_body_is_taken_in_as_it_is_read():
    exchange = Exchange(b"one\ntw", b"", b"o\n", b"three")

    def app(environ, start_response):
        start_response("200 OK", [("Content-Length", "4")])
        assert exchange.threads == set(), "nothing is taken in before it is asked for"
        assert environ["wsgi.input"].read(4) == b"one\n"
        assert environ["wsgi.input"].readline() == b"two\n"
        assert environ["wsgi.input"].read() == b"three"
        assert environ["wsgi.input"].read() == b""
        return [b"done"]

    assert served(app, exchange, ("content-length", "13"), method="POST") == (200, {"Content-Length": "4"}, b"done")
    assert threading.current_thread() in exchange.threads, "the loop reads, no thread does"


@pytest.mark.parametrize(
    ("header", "ends"), [(("transfer-encoding", "chunked"), True), (("content-length", "1"), False)]
)
def test_only_a_body_without_a_length_ends_where_the_stream_does(header, ends):
    def app(environ, start_response):
        start_response("200 OK", [("Content-Length", "0")])
        assert environ.get("wsgi.input_terminated", False) is ends
        return []

    assert served(app, Exchange(b"x"), header, method="POST")[0] == 200


class Slow(Exchange):
    """A client that has sent a part and sends the rest after a while."""

    def __init__(self, after_s):
        super().__init__()
        self.after_s = after_s

    async def __aiter__(self):
        yield b"a"
        await asyncio.sleep(self.after_s)
        yield b"b"


def reading(environ, start_response):
    assert environ["wsgi.input"].read(2) == b"ab"
    start_response("200 OK", [("Content-Length", "0")])
    return []


def test_nobody_waits_for_ever_for_a_body(monkeypatch):
    monkeypatch.setattr(bridge, "PATIENCE_S", 0.1)

    with pytest.raises(TimeoutError):
        served(reading, Slow(60), ("content-length", "2"), method="POST")


@pytest.mark.parametrize("is_told_before", [True, False])
def test_a_worker_that_ends_waits_a_moment_for_the_rest_of_a_body(is_told_before):
    def answer_to(after_s, grace_s):
        ending = Future()
        told = threading.Timer(0 if is_told_before else 0.1, lambda: ending.set_result(time.monotonic() + grace_s))
        told.start()
        if is_told_before:
            told.join()
        return served(reading, Slow(after_s), ("content-length", "2"), method="POST", ending=ending)

    assert answer_to(after_s=0.2, grace_s=30)[0] == 200
    with pytest.raises(ServiceUnavailable):
        answer_to(after_s=60, grace_s=0.1)


# --- The answer -------------------------------------------------------------------------------------------------------


class Parts:
    def __init__(self, *parts):
        self.parts = iter(parts)
        self.is_closed = False

    def __iter__(self):
        return self.parts

    def close(self):
        self.is_closed = True


def answering(parts, *headers, status="200 OK"):
    def app(_environ, start_response):
        start_response(status, list(headers))
        return parts

    return app


def test_a_short_answer_goes_out_at_once():
    parts = Parts(b"a", b"b")

    assert served(answering(parts, ("Content-Length", "2")), Exchange()) == (200, {"Content-Length": "2"}, b"ab")
    assert parts.is_closed


def test_an_answer_without_a_length_goes_out_as_it_is_made():
    exchange = Exchange()

    def news():
        yield b"one"
        assert exchange.parts == [b"one"], "it is out before the next is made"
        yield b""
        yield b"two"

    assert served(answering(news()), exchange) == (200, {}, [b"one", b"two"])


def test_a_long_answer_is_never_held_as_a_whole():
    length = bridge.AT_ONCE + 1
    exchange = Exchange()

    served(answering(Parts(b"a" * bridge.AT_ONCE, b"b"), ("content-length", str(length))), exchange)

    assert [len(part) for part in exchange.parts] == [bridge.AT_ONCE, 1]


@pytest.mark.parametrize(
    ("method", "status"), [("HEAD", "200 OK"), ("GET", "304 Not Modified"), ("GET", "204 No Content")]
)
def test_an_answer_without_a_body(method, status):
    parts = Parts(b"ab")

    answered = served(answering(parts, ("Content-Length", "2"), status=status), Exchange(), method=method)

    assert answered == (int(status[:3]), {"Content-Length": "2"}, None)
    assert parts.is_closed


def test_a_client_that_goes_away_ends_the_answer():
    made = []

    def news():
        for number in range(100):
            made.append(number)
            yield b"x"

    exchange = Exchange(leaves_after=2)
    served(answering(news()), exchange)

    assert (exchange.parts, made) == ([b"x"] * 2, [0, 1, 2])


def test_a_client_that_takes_nothing_ends_the_answer(monkeypatch):
    monkeypatch.setattr(bridge, "PATIENCE_S", 0.1)

    class Stalled(Exchange):
        async def send_bytes(self, data):
            await asyncio.sleep(60)

    parts = Parts(b"x", b"x")
    began = time.monotonic()
    served(answering(parts), Stalled())

    assert parts.is_closed
    assert time.monotonic() - began < 5


def test_an_application_that_fails_is_closed_and_its_error_goes_on():
    def broken():
        yield b"x"
        raise ValueError("ours")

    with pytest.raises(ValueError, match="ours"):
        served(answering(broken()), Exchange())


def test_our_own_answers_carry_what_all_do():
    answer, exchange = Answer(b"body", "text/plain", 200, [("Set-Cookie", "a"), ("Set-Cookie", "b")]), Exchange()
    bridge.send(exchange, answer, is_secure=True, is_head=False)
    status, headers, body = exchange.answered
    bridge.send(exchange, answer, is_secure=False, is_head=True)
    _, bare, nothing = exchange.answered

    assert (status, body, nothing) == (200, b"body", None)
    assert (headers["Content-Length"], bare["Content-Length"]) == ("4", "4")
    assert {"Content-Security-Policy", "Strict-Transport-Security"} <= set(headers)
    assert "Strict-Transport-Security" not in bare
