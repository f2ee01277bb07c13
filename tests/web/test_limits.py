"""Limits against real stores: memory, and a Redis that is killed and frozen under the tests."""

import gc
import shutil
import signal
import socket
import subprocess
import time

import pytest
from scene import Scene, forge

from authsvc.errors import BadConfig
from authsvc.web import limits
from authsvc.web.limits import Limits

KEY = bytes(32)
LOTS = limits.Limit("lots", limits.parse("1000/minute"))
FEW = limits.Limit("few", limits.parse("5/minute"))


class Redis:
    """A server of our own on a free port."""

    def __init__(self, folder) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.folder = folder
        self.start()

    def start(self) -> None:
        command = [shutil.which("redis-server") or "redis-server", "--port", str(self.port), "--bind", "127.0.0.1"]
        self.process = subprocess.Popen(
            [*command, "--save", "", "--dir", str(self.folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError("redis-server does not answer")

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait(10)


@pytest.fixture
def redis(tmp_path):
    redis = Redis(tmp_path)
    yield redis
    redis.stop()


def hits(counted: Limits, limit=FEW, key="a") -> int:
    """Hit until the limit says no; return how many were let through."""
    return sum(counted.is_within(limit, key) for _ in range(20))


def test_memory_counts_each_key_for_itself():
    counted = Limits("memory://", KEY)

    assert hits(counted) == 5
    assert hits(counted, key="b") == 5
    assert counted.is_exhausted(FEW, "a")
    assert not counted.is_exhausted(FEW, "c")


def test_memory_is_bounded_and_forgets_nobody_who_is_limited(monkeypatch):
    monkeypatch.setattr(limits, "MOST_KEYS", 1000)
    counted = Limits("memory://", KEY)
    hits(counted, key="known")
    for number in range(5000):
        assert counted.is_within(FEW, str(number))

    assert len(counted._memory._windows["few"].now) == 1000
    assert counted.is_exhausted(FEW, "known")


def test_a_count_slides_from_one_window_into_the_next(monkeypatch):
    now = 600.0
    monkeypatch.setattr(limits.time, "monotonic", lambda: now)
    counted = Limits("memory://", KEY)
    assert hits(counted) == 5
    now = 630.0 + 60
    assert sum(counted.is_within(FEW, "a") for _ in range(20)) == 2
    now = 600.0 + 300
    assert hits(counted) == 5


def test_no_address_is_kept():
    counted = Limits("memory://", KEY)
    counted.is_within(FEW, "203.0.113.7")

    (key,) = counted._memory._windows["few"].now
    assert b"203.0.113" not in key


def test_what_is_counted_is_nothing_that_the_collector_of_garbage_walks():
    """It would stop a worker for as long as it takes to walk a minute's visitors."""
    counted = Limits("memory://", KEY)
    counted.is_within(FEW, "a")

    assert not any(map(gc.is_tracked, counted._memory._windows["few"].now))


def test_redis_is_shared(redis):
    here, there = Limits(redis.url, KEY), Limits(redis.url, KEY)

    assert hits(here) == 5
    assert not there.is_within(FEW, "a")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_lost_redis_costs_one_wait_and_no_answer(redis, number):
    counted = Limits(redis.url, KEY)
    assert counted.is_within(LOTS, "a")
    redis.send(number)
    started = time.monotonic()
    first = counted.is_within(LOTS, "a")
    waited = time.monotonic() - started
    started = time.monotonic()
    rest = [counted.is_within(LOTS, "a") for _ in range(200)]

    assert first
    assert all(rest)
    assert waited < 2
    assert time.monotonic() - started < 1


def test_limits_hold_while_redis_is_lost(redis):
    counted = Limits(redis.url, KEY)
    redis.send(signal.SIGKILL)

    assert hits(counted) == 5


def test_redis_is_used_again_when_it_is_back(redis, monkeypatch):
    monkeypatch.setattr(limits, "RETRY_AFTER_S", 0.2)
    here, there = Limits(redis.url, KEY), Limits(redis.url, KEY)
    redis.send(signal.SIGSTOP)
    assert hits(here) == 5
    redis.send(signal.SIGCONT)
    time.sleep(0.3)
    hits(here)

    assert not there.is_within(FEW, "a")


@pytest.mark.parametrize("url", ["async+memory://", "nosuch://user:hunter2@x", "async+redis://user:hunter2@x"])
def test_a_store_that_is_none_is_refused(url):
    with pytest.raises(BadConfig, match="AUTHSVC_RATELIMIT_URL") as refused:
        Limits(url, KEY)

    assert "hunter2" not in str(refused.value)


def test_a_process_starts_without_its_redis(redis):
    redis.send(signal.SIGKILL)

    assert hits(Limits(redis.url, KEY)) == 5


def test_asking_counts_nothing_and_two_limits_are_apart():
    counted = Limits("memory://", KEY)

    assert not any(counted.is_exhausted(FEW, "a") for _ in range(20))
    assert hits(counted) == 5
    assert counted.is_within(LOTS, "a")


def test_two_hosts_share_a_hard_limit(scene, redis):
    hosts = [scene.start(ratelimit_url=redis.url) for _ in range(2)]
    address, counted = "77.1.2.3", Limits(redis.url, scene.rt.limit_key)
    while counted.is_within(limits.HARD_READS, address):
        pass

    for app in hosts:
        assert scene.visitor(app, address=address).open(scene.codes.path()).status_code == 429


def test_the_figures_of_the_design():
    figures = [str(limit.item) for limit in (limits.SOFT_READS, limits.HARD_READS, limits.INVALID, limits.ONE_CODE)]

    assert figures == ["300 per 1 minute", "1200 per 1 minute", "30 per 10 minute", "120 per 1 minute"]


def test_a_killed_redis_never_shows_to_a_visitor(database, tmp_path, redis):
    scene = Scene(database, tmp_path, ratelimit_url=redis.url)
    try:
        assert scene.visitor().check(scene.codes.path())["reason"] == "first-check"
        redis.send(signal.SIGKILL)
        for _ in range(5):
            assert scene.visitor().check(scene.codes.path())["reason"] == "first-check"
    finally:
        scene.close()


def test_floods_are_answered_uncounted_and_then_with_a_page_that_says_wait(scene):
    visitor = scene.visitor()
    path = scene.codes.path()
    reasons = [visitor.check(path)["reason"] for _ in range(limits.SOFT_READS.item.amount + 5)]
    assert reasons[0] == "first-check"
    assert set(reasons[limits.ONE_CODE_FROM_HERE.item.amount :]) == {"checked-before"}
    for _ in range(limits.HARD_READS.item.amount):
        response = visitor.open(path)
    assert response.status_code == 429
    assert response.headers["Retry-After"]
    assert "Too many checks came from this network" in response.text
    assert "copied" not in response.text

    # The flood is nobody else's trouble, and was never counted.
    other = scene.visitor().check(scene.codes.path())
    assert other["reason"] == "first-check"
    assert scene.counts(path)[0] == 1


def test_many_invalid_tokens_are_answered_and_no_longer_stored(scene):
    visitor = scene.visitor()
    for _ in range(limits.INVALID.item.amount + 10):
        assert visitor.check(forge(scene.codes.path()))["reason"] == "forged"

    stored = scene.row("SELECT count(*) FROM rejections WHERE reason = 'forged'")[0]
    assert 0 < stored <= limits.INVALID.item.amount + 1


def test_a_forged_forwarded_header_opens_no_other_bucket(scene):
    visitor = scene.visitor()
    path = scene.codes.path()
    answers = [
        visitor.open(path, headers={"X-Forwarded-For": f"198.51.100.{number % 250}"}).status_code
        for number in range(limits.HARD_READS.item.amount + 20)
    ]

    assert answers[-1] == 429
