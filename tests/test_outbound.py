"""Requests to addresses that outsiders name: they reach nothing near us, however the address is written."""

import contextlib
import ipaddress
import socket
import time

import pytest
from receiver import Tls, running, speaking

from authsvc import outbound
from authsvc.errors import BadInput
from authsvc.outbound import Client, Unreachable

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
pytestmark = pytest.mark.same_on_any_server

SPELLINGS = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0x7f.1", "0177.0.0.1", "017700000001",
    "0177.1", "127.0.0.1.", "127.000.000.001", "127.0.0.1%00", "localhost", "LOCALHOST", "localhost.", "0", "0.0",
    "0.0.0.0", "①②⑦.⓪.⓪.①",
    "127。0。0。1", "\uff11\uff12\uff17.0.0.1", "127.0.0.1\u200b", "ⓛocalhost", "%31%32%37.0.0.1",
    "x@127.0.0.1",
    "x:y@127.0.0.1", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::127.0.0.1]", "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]",
    "[2001:0:7f00:1::]", "[fe80::1]", "[fe80::1%25lo]", "[::1%25lo]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]",
    "[2001:db8::1]", "169.254.169.254", "100.64.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "192.0.0.192",
    "168.63.129.16", "198.18.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1",
]  # fmt: skip


@pytest.fixture
def canary():
    """Yield a server on every address of this machine, which must hear of nothing."""
    with running(host="") as server:
        yield server
        assert server.connections == 0


@pytest.fixture
def make_client():
    made = []

    def make(**options):
        made.append(Client(**options))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.mark.parametrize("host", SPELLINGS)
def test_no_spelling_of_an_address_near_us_is_connected_to(canary, make_client, host):
    client = make_client(ports=frozenset({canary.port}), total_s=2)

    for scheme in "https", "http":
        with pytest.raises(Unreachable):
            client.post(f"{scheme}://{host}:{canary.port}/", b"{}", {})


def test_there_are_more_than_forty_spellings():
    assert len(set(SPELLINGS)) >= 40


@pytest.mark.parametrize(
    "found", [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::ffff:127.0.0.1"], ["::1"], ["10.0.0.1"]]
)
def test_a_name_that_leads_inside_is_not_followed(canary, make_client, found):
    client = make_client(ports=frozenset({canary.port}), resolve=lambda _host, _port: found)

    with pytest.raises(Unreachable, match="not public"):
        client.post(f"https://hooks.example.com:{canary.port}/", b"{}", {})


def test_a_name_that_moves_inside_between_look_ups_is_not_followed(make_client):
    """The receiver is at 127.0.0.2, which is allowed; the second look-up answers 127.0.0.1, which is not."""
    asked = []

    def rebind(host, _port):
        asked.append(host)
        return ["127.0.0.2"] if len(asked) == 1 else ["127.0.0.1"]

    with running(host="127.0.0.2") as receiver, running(port=receiver.port) as inside:
        client = make_client(allow=(ipaddress.ip_network("127.0.0.2/32"),), resolve=rebind)
        url = f"http://hooks.example.com:{receiver.port}/in"

        assert client.post(url, b"{}", {}).status == 200
        assert asked == ["hooks.example.com"]
        with pytest.raises(Unreachable):
            client.post(url, b"{}", {})
    assert (len(receiver.requests), inside.connections) == (1, 0)


def test_an_allowed_network_is_reached_by_name_with_what_was_given(make_client):
    with running() as receiver:
        client = make_client(allow=LOOPBACK, resolve=lambda *_: ["127.0.0.1"])
        client.post(f"http://hooks.example.com:{receiver.port}/a?b=c", b'{"x":1}', {"webhook-id": "evt_1"})

    [(path, headers, content)] = receiver.requests
    assert (path, content) == ("/a?b=c", b'{"x":1}')
    assert headers["Host"] == f"hooks.example.com:{receiver.port}"
    assert headers["webhook-id"] == "evt_1"


def test_without_an_allowed_network_there_is_no_http_and_no_other_port(make_client):
    client = make_client(resolve=lambda *_: ["8.8.8.8"])
    for url in "http://hooks.example.com/", "https://hooks.example.com:22/", "https://hooks.example.com:80/":
        with pytest.raises(Unreachable):
            client.post(url, b"", {})


def test_an_allowed_network_opens_no_port_of_the_internet(make_client):
    client = make_client(allow=LOOPBACK, resolve=lambda *_: ["8.8.8.8"])
    for url in "http://hooks.example.com/", "https://hooks.example.com:22/":
        with pytest.raises(Unreachable, match="Only https"):
            client.post(url, b"", {})


def test_a_redirect_is_an_answer_and_is_not_followed(canary, make_client):
    def redirect(request):
        request.say(302, Location=f"http://127.0.0.1:{canary.port}/")

    with running(host="127.0.0.2", answer=redirect) as receiver:
        client = make_client(allow=(ipaddress.ip_network("127.0.0.2/32"),))
        assert client.post(f"http://127.0.0.2:{receiver.port}/", b"{}", {}).status == 302


def test_a_proxy_of_the_environment_is_not_used(canary, make_client, monkeypatch):
    for name in "http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY":
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
    with running(host="127.0.0.2") as receiver:
        client = make_client(allow=(ipaddress.ip_network("127.0.0.2/32"),))
        assert client.post(f"http://127.0.0.2:{receiver.port}/", b"{}", {}).status == 200


# --- TLS --------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def over_tls(tls):
    with running() as receiver:
        receiver.socket = tls.server_context().wrap_socket(receiver.socket, server_side=True)
        yield receiver


def test_tls_is_asked_for_the_name_and_sees_its_certificate(tmp_path, make_client):
    tls = Tls(tmp_path)
    with over_tls(tls) as receiver:
        client = make_client(allow=LOOPBACK, resolve=lambda *_: ["127.0.0.1"], context=tls.client_context())
        assert client.post(f"https://hooks.example.com:{receiver.port}/", b"{}", {}).status == 200

    assert tls.asked == ["hooks.example.com"]


@pytest.mark.parametrize("is_trusted", [True, False])
def test_a_certificate_of_another_name_or_of_nobody_is_refused(tmp_path, make_client, is_trusted):
    tls = Tls(tmp_path, "other.example.com" if is_trusted else "hooks.example.com")
    with over_tls(tls) as receiver:
        context = {"context": tls.client_context()} if is_trusted else {}
        client = make_client(allow=LOOPBACK, resolve=lambda *_: ["127.0.0.1"], **context)
        with pytest.raises(Unreachable, match="certificate is not good"):
            client.post(f"https://hooks.example.com:{receiver.port}/", b"{}", {})
    assert receiver.requests == []


# --- Answers ----------------------------------------------------------------------------------------------------------


def send_all(*parts, pause=0.0):
    def talk(plug):
        for part in parts:
            plug.sendall(part)
            time.sleep(pause)

    return talk


def endless(part, pause=0.0):
    def talk(plug):
        while True:
            plug.sendall(part)
            time.sleep(pause)

    return talk


@pytest.mark.parametrize(
    ("talk", "fault"),
    [
        (send_all(), "not HTTP"),
        (send_all(b"SSH-2.0-x\r\n"), "not HTTP"),
        (send_all(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000), "not HTTP"),
        (endless(b"HTTP/1.1 100 Continue\r\n\r\n", 0.01), "No answer within"),
        (endless(b"H", 0.05), "No answer within|not HTTP"),
        (send_all(b"", pause=1.0), "No answer within"),
    ],
)
def test_what_is_no_answer_ends_in_time(make_client, talk, fault):
    with speaking(talk) as port:
        client = make_client(allow=LOOPBACK, total_s=0.5)
        began = time.monotonic()
        with pytest.raises(Unreachable, match=fault):
            client.post(f"http://127.0.0.1:{port}/", b"{}", {})
        assert time.monotonic() - began < 1


def test_an_endless_body_keeps_its_status_and_ends(make_client):
    sent = []

    def talk(plug):
        plug.sendall(b"HTTP/1.1 202 Accepted\r\n\r\n")
        for _ in range(2000):
            plug.sendall(b"x" * 10_000)
            sent.append(10_000)

    with speaking(talk) as port:
        client = make_client(allow=LOOPBACK, total_s=2)
        assert client.post(f"http://127.0.0.1:{port}/", b"{}", {}).status == 202
    assert sum(sent) < 15_000_000


def test_a_body_that_never_comes_keeps_its_status(make_client):
    with speaking(send_all(b"HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n", pause=1.0)) as port:
        client = make_client(allow=LOOPBACK, total_s=0.3)
        assert client.post(f"http://127.0.0.1:{port}/", b"{}", {}).status == 204


def test_a_name_that_takes_long_to_find_ends_in_time(make_client):
    client = make_client(resolve=lambda *_: time.sleep(1) or ["8.8.8.8"], total_s=0.2)
    began = time.monotonic()
    with pytest.raises(Unreachable, match="No answer within"):
        client.post("https://hooks.example.com/", b"{}", {})
    assert time.monotonic() - began < 0.6


def test_a_name_that_is_not_there_and_a_port_where_nobody_listens_say_so(make_client):
    def unknown(*_):
        raise socket.gaierror

    with pytest.raises(Unreachable, match="not found"):
        make_client(resolve=unknown).post("https://hooks.example.com/", b"{}", {})
    with pytest.raises(Unreachable, match="connection failed: Connection refused"):
        make_client(allow=LOOPBACK).post("http://127.0.0.1:1/", b"{}", {})


# --- Addresses as they are typed --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "", "hooks.example.com", "ftp://hooks.example.com/", "javascript:alert(1)", "https://", "https:///x",
        "https://hooks.example.com/ x", "https://hooks.example.com/\r\nX: y",
        "https://hooks.example.com\\@evil.example/", "https://user@hooks.example.com/", "https://hooks.example.com/#x",
        "https://hooks.example.com:99999/", "https://hooks.example.com/ü", "http://hooks.example.com/",
        "https://hooks.example.com:8080/", "https://-x.example.com/", f"https://{'a' * 64}.example.com/",
        "https://10.0.0.1/", f"https://h.example/{'a' * 2000}",
    ],
)  # fmt: skip
def test_what_is_no_address_for_a_webhook_is_refused(url):
    with pytest.raises(BadInput):
        outbound.parse_target(url)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://hooks.example.com", ("hooks.example.com", 443, "/", "hooks.example.com")),
        ("https://Hooks.Example.com:8443/a?c=%20d", ("hooks.example.com", 8443, "/a?c=%20d", "hooks.example.com:8443")),
        ("https://bücher.example/x", ("xn--bcher-kva.example", 443, "/x", "xn--bcher-kva.example")),
        ("https://[2606:4700:4700::1111]/", ("2606:4700:4700::1111", 443, "/", "[2606:4700:4700::1111]")),
    ],
)
def test_an_address_for_a_webhook_is_read(url, target):
    found = outbound.parse_target(url)

    assert (found.host, found.port, found.path, found.authority) == target
