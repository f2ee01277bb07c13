"""How ``authsvc serve`` ends: at once and by itself, whatever stands open and however early it is told to."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

from authsvc import staff, staff_sessions
from authsvc.runtime import new_id
from authsvc.staff import Role

pytestmark = pytest.mark.timeout(120)

SERVE = "from authsvc.cli import main; main()"


@pytest.fixture
def served(scene, tmp_path):
    """Return a function that starts the server in a group of its own, as a shell does, and yields process and port."""
    with contextlib.ExitStack() as ends:

        def start():
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            # Commands that other tests ran in this process have left addresses of their own in its environment.
            env = {name: value for name, value in os.environ.items() if not name.startswith("AUTHSVC_")} | {
                "AUTHSVC_HOME": str(tmp_path), "AUTHSVC_DATABASE_URL": scene.url,
                "AUTHSVC_SECRET": scene.config.secret.hex(),
            }  # fmt: skip
            process = subprocess.Popen(
                [sys.executable, "-c", SERVE, "serve", "--port", str(port), "--workers", "2"], env=env, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            ends.callback(_kill, process)
            return process, port

        yield start


def _kill(process):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def ask(port, path="/livez", cookie=""):
    """Send a request and return the open connection and the begin of the answer."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    try:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nCookie: {cookie}\r\n\r\n".encode())
        return connection, connection.recv(65536)
    except OSError:
        connection.close()
        raise


def send_half(port, path, cookie=""):
    """Send a form without its last part, and return the open connection."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.sendall(
        f"POST {path} HTTP/1.1\r\nHost: localhost:{port}\r\nCookie: {cookie}\r\nAccept: text/html\r\nContent-Type: "
        "application/x-www-form-urlencoded\r\nContent-Length: 900\r\n\r\ncode=1".encode()
    )
    return connection


def wait(port):
    """Wait until a worker answers."""
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        with contextlib.suppress(OSError):
            ask(port)[0].close()
            return
        time.sleep(0.05)
    raise AssertionError("nothing listens")


def open_news(port, cookie):
    """Return a connection on which news of alerts come; a service that has just begun may ask to try again."""
    ends = time.monotonic() + 60
    while True:
        connection, answer = ask(port, "/console/alerts/stream?since=0", cookie)
        if b"text/event-stream" in answer:
            return connection
        connection.close()
        assert time.monotonic() < ends, answer
        time.sleep(0.5)


def stop(process, how):
    """End it, and return what was said: that a worker was killed, if it did not end in the time that it is given."""
    if how == "ctrl-c":
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGTERM)
    return process.communicate(timeout=60)[0]


def sign_in(scene):
    """Return the cookie of an analyst, by the clock of the server."""
    email, now = f"{new_id()}@halden.example", datetime.now(UTC)
    with scene.owner_session() as session:
        invited = staff.invite(
            session, scene.halden, email, Role.ANALYST, invited_by="A test", now=now, new_id=new_id,
            random=scene.random,
        )  # fmt: skip
        account = staff.open_account(
            session, email, "Open", "seven green bottles", now=now, new_id=new_id
        )  # fmt: skip
        staff.accept(session, invited, account, now=now)
        secret = staff_sessions.start(
            session, account, method="password", agent="", now=now, new_id=new_id, random=scene.random
        )  # fmt: skip
        signed = staff_sessions.find(session, secret, now=now)
        secret, _place = staff_sessions.choose(session, signed, scene.halden.id, random=scene.random)
    return f"console-session={secret}"


def test_whatever_stands_open_holds_no_worker_up(scene, served):
    process, port = served()
    wait(port)
    cookie = sign_in(scene)
    with contextlib.ExitStack() as held:
        held.enter_context(socket.create_connection(("127.0.0.1", port)))
        for _ in range(12):
            held.enter_context(ask(port)[0])
        for _ in range(3):
            held.enter_context(open_news(port, cookie))
        halves = [held.enter_context(send_half(port, *to)) for to in (("/check",), ("/console/cases", cookie))]

        said = stop(process, "ctrl-c")
        answers = [half.makefile("rb").read().decode() for half in halves]

    assert "Killing" not in said, said
    assert process.returncode == 0
    for answer in answers:
        assert answer.startswith("HTTP/1.1 503"), answer
        assert "Try again in a few minutes." in answer


def test_a_worker_that_is_just_being_started_ends_too(served):
    process, port = served()
    wait(port)

    said = stop(process, "sigterm")

    assert "Killing" not in said, said
    assert process.returncode == 0
