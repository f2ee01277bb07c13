"""
The front of a worker on its own server, as ``authsvc serve`` starts it: scans on the loop, pages in threads.

What a scan is told is for ``test_consumer``; here it is that both ways of serving tell the same, that nothing on the
way there is lost or made up, and that neither slow pages nor held rows hold scans up.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import psutil
import psycopg
import pytest
from scene import PHONE, Scene, forge

from authsvc.cli.serving import THREADS
from authsvc.core.gs1 import DigitalLink

ROOT = Path(__file__).parents[2]
VISITORS = 20


@dataclass
class Server:
    process: subprocess.Popen
    port: int

    def open(self, target, method="GET", body=None, **headers):
        """Ask once, as a phone behind a proxy, and return status, headers and body."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        with contextlib.closing(connection):
            usual = {"Host": "id.example.com", "User-Agent": PHONE, "X-Forwarded-For": "81.9.9.9"}
            connection.request(method, target, body, usual | {n.replace("_", "-"): v for n, v in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()

    def check(self, target, **headers):
        status, _, body = self.open(target, Accept="application/json", **headers)
        assert status == 200, body
        return json.loads(body)

    def send(self, head, wait_s=5.0):
        """Send bytes as they are and return what comes back until the end or *wait_s*."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait_s) as connection:
            connection.sendall(head)
            came = b""
            with contextlib.suppress(TimeoutError):
                while part := connection.recv(65536):
                    came += part
            return came


@contextlib.contextmanager
def running(scene: Scene, **settings) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {name: value for name, value in os.environ.items() if not name.startswith("AUTHSVC_")} | {
        "AUTHSVC_HOME": str(scene.config.home),
        "AUTHSVC_SECRET": scene.config.secret.hex(),
        "AUTHSVC_DATABASE_URL": scene.url,
        "AUTHSVC_BASE_URL": scene.config.base_url,
        "AUTHSVC_PROXY_HOPS": "1",
        **settings,
    }
    command = [sys.executable, "-c", "from authsvc.cli import main; main()", "serve", "--port", str(port), "--workers"]
    process = subprocess.Popen([*command, "1"], cwd=ROOT, env=env, start_new_session=True, stdout=subprocess.DEVNULL)
    server = Server(process, port)
    try:
        end = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError):
                if server.open("/livez")[0] == 200:
                    break
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.1)
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture(scope="module")
def server(scene) -> Iterator[Server]:
    with running(scene) as server:
        yield server


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(VISITORS) as pool:
        yield pool


# --- The same as by WSGI ----------------------------------------------------------------------------------------------


def test_a_scan_is_told_what_wsgi_tells(scene, server):
    paths = [scene.codes.path() for _ in range(2)]
    ours, theirs = server.check(paths[0]), scene.visitor().check(paths[1])

    for told in (ours, theirs):
        told["item"].pop("serial"), told.pop("receipt"), told.pop("checked_at"), told["item"].pop("first_checked_at")
    assert ours == theirs
    assert scene.counts(paths[0]) == (1, 0)


def test_every_kind_of_code_is_answered(scene, server):
    imported = scene.issue(scene.add_product(), texts=("A/B",)).path(0)
    batch = scene.issue(scene.add_product(granularity="batch"), 1, lot="L7").path(0)
    untracked = scene.issue(scene.add_product(granularity="batch", tracking="none", token="none"), 1, lot="L8").path(0)
    time.sleep(1.5)  # The server looks every second whether the register has changed.
    path = scene.codes.path()

    def reason(target):
        return server.check(target)["reason"]

    assert reason(path) == "first-check"
    assert reason(path) == "checked-before"
    assert reason(forge(path)) == "forged"
    assert reason(path.partition("?")[0]) == "unsigned"
    assert "A%2FB" in imported
    assert reason(imported) == "first-check"
    assert (reason(batch), reason(untracked)) == ("lot-only", "lot-only")
    assert reason("/01/04006381333931/21/X") == "unknown"
    assert server.open("/01/123/21/X")[0] == 400
    assert server.open(path + "&linkType=linkset")[0] == 200
    assert server.open(path + "&linkType=gs1:dpp")[0] == 404
    assert server.open(path, "POST", b"x")[0] == 405


def test_head_is_a_get_without_a_body(scene, server):
    path = scene.codes.path()
    status, head, body = server.open(path, "HEAD")
    _, whole, page = server.open(path)

    assert (status, body) == (200, b"")
    assert int(head["Content-Length"]) > 1000
    assert int(whole["Content-Length"]) == len(page)
    assert scene.counts(path) == (1, 0)
    assert {name: head[name] for name in head if name not in {"date", "content-length", "set-cookie"}} == {
        name: whole[name] for name in whole if name not in {"date", "content-length", "set-cookie"}
    }
    assert "default-src 'none'" in whole["Content-Security-Policy"]
    cookie = whole["Set-Cookie"].partition(";")[0]
    assert server.check(path, Cookie=cookie)["reason"] == "checked-by-you"


def test_bytes_in_a_head_break_nothing(scene, server):
    path = scene.codes.path().encode()
    for line in (
        b"Cookie: __Host-v=\xff\xfe",
        b"User-Agent: \xe9",
        b"X-Forwarded-For: \xff, 81.2.3.4",
        b"Accept: \x80",
    ):
        answer = server.send(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + line + b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200"), line
    for target in (b"/01/%FF%FE/21/x", b"/01/\xc3\xa9", b"/00/%00", b"/01//", b"/01/%2F%2F"):
        answer = server.send(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 400"), target
    whole = (
        b"GET http://id.example.com" + scene.codes.path().encode() + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    )
    assert server.send(whole + b"\r\n").startswith(b"HTTP/1.1 200")


# --- Many at a time ---------------------------------------------------------------------------------------------------


def test_twenty_at_a_time_count_exactly_twenty_and_one_first_check(scene, server, pool):
    path = scene.codes.path()

    told = list(pool.map(lambda n: server.check(path, X_Forwarded_For=f"81.7.7.{n}"), range(VISITORS)))

    assert scene.counts(path) == (VISITORS, 0)
    assert sorted(each["item"]["scan_number"] for each in told) == list(range(1, VISITORS + 1))
    assert [each["reason"] for each in told].count("first-check") == 1


def test_a_held_row_holds_no_other_scan_up(scene, server, pool):
    paths = [scene.codes.path() for _ in range(VISITORS)]
    server.check(paths[0])
    with psycopg.connect(scene.url) as other:
        sgtin = DigitalLink.parse(paths[0]).sgtin
        other.execute("SELECT 1 FROM items WHERE sgtin = %s FOR UPDATE", (sgtin,))
        told = list(pool.map(lambda n: server.check(paths[n], X_Forwarded_For=f"81.8.8.{n}"), range(VISITORS)))

    assert [each["reason"] for each in told] == ["unavailable"] + ["first-check"] * (VISITORS - 1)


def test_pages_that_wait_hold_no_scan_up(scene, server):
    head = b"POST /api/v1/verify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
    with contextlib.ExitStack() as stack:
        for _ in range(2 * THREADS):
            waiting = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            waiting.sendall(head)
        time.sleep(0.3)
        began = time.monotonic()
        told = [server.check(scene.codes.path())["reason"] for _ in range(5)]
        took = time.monotonic() - began

    assert told == ["first-check"] * 5
    assert took < 5
    assert server.open("/livez")[0] == 200  # Whoever went away has left the threads to others.


def test_who_goes_away_breaks_nothing(scene, server):
    for target in (scene.codes.path(), "/", "/privacy"):
        for _ in range(10):
            with socket.create_connection(("127.0.0.1", server.port)) as gone:
                gone.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    assert server.check(scene.codes.path())["reason"] == "first-check"
    assert server.open("/")[0] == 200


def test_limits_that_hosts_share_are_asked_beside_the_loop(scene):
    # A Redis that nobody reaches: each answer waits for it in a thread, and the counts of the process stand in.
    with running(scene, AUTHSVC_RATELIMIT_URL="redis://127.0.0.1:1/0") as server:
        path = scene.codes.path()
        assert server.check(path)["reason"] == "first-check"
        assert server.check(forge(path))["reason"] == "forged"
        assert scene.counts(path) == (1, 0)


# --- Pages ------------------------------------------------------------------------------------------------------------


def test_pages_and_forms_are_answered_by_the_application(scene, server):
    path = scene.codes.path()
    status, headers, page = server.open("/")
    assert (status, int(headers["Content-Length"])) == (200, len(page))
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    typed = server.open("/", "POST", f"code={DigitalLink.parse(path).serial}".encode(), **form)
    assert typed[0] in {200, 400}
    asked = json.dumps({"uri": scene.config.base_url + path}).encode()
    told = json.loads(server.open("/api/v1/verify", "POST", asked, Content_Type="application/json")[2])
    assert told["signature"]["valid"] is True
    head = b"POST /api/v1/verify HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
    parts = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (asked[:20], asked[20:])) + b"0\r\n\r\n"
    assert b'"valid":true' in server.send(head + b"Transfer-Encoding: chunked\r\n\r\n" + parts).replace(b" ", b"")
    assert server.open("/nowhere")[0] == 404
    assert server.open("/", "HEAD")[2] == b""


def test_a_body_that_is_too_large_is_refused(server):
    for size in (20_000, 5_000_000):
        with contextlib.suppress(OSError):  # The server may hang up before all of it is sent.
            assert (
                server.open("/", "POST", b"code=" + b"x" * size, Content_Type="application/x-www-form-urlencoded")[0]
                == 413
            )
    assert server.open("/livez")[0] == 200


# --- The end ----------------------------------------------------------------------------------------------------------


def test_a_stop_answers_what_is_under_way_and_leaves_no_process(scene, pool):
    with running(scene) as server:
        path, address = scene.codes.path(), {"X_Forwarded_For": "81.6.6.6"}
        server.check(path, **address)
        family = [psutil.Process(server.process.pid), *psutil.Process(server.process.pid).children(recursive=True)]
        with psycopg.connect(scene.url) as other:
            other.execute("SELECT 1 FROM items WHERE sgtin = %s FOR UPDATE", (DigitalLink.parse(path).sgtin,))
            waiting = pool.submit(server.check, path, **address)
            time.sleep(0.1)
            server.process.terminate()
            assert waiting.result()["reason"] in {"unavailable", "checked-before"}
        _, left = psutil.wait_procs(family, 10)

    assert left == []
