"""Calls of several threads that go together: who goes with whom, and what everybody is told when it fails."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from authsvc.errors import Unavailable
from authsvc.flights import GATHERING_S, MOST, PATIENCE_S, Flights, Refused


class Database:
    """What flights lead to: it notes every call, and holds the first up until it is let go."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.is_reached = threading.Event()
        self.may_answer = threading.Event()
        self.refusal: Exception | None = None

    def alone(self, params):
        self.calls.append([params["key"]])
        if len(self.calls) == 1:
            self.is_reached.set()
            assert self.may_answer.wait(5)
        return params["key"].upper()

    def together(self, many):
        self.calls.append([params["key"] for params in many])
        if self.refusal is not None:
            raise self.refusal
        return [params["key"].upper() for params in many]


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2 * MOST) as pool:
        yield pool


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
def flights(database, monkeypatch) -> Flights:
    # A loaded machine may hold a test up for longer than a flight is waited for.
    monkeypatch.setattr("authsvc.flights.PATIENCE_S", 5.0)
    return Flights(database.alone, database.together)


def go(flights, key):
    return flights.go(key, {"key": key})


def start(pool, flights, database, keys):
    """Start one call that is held up, and *keys* behind it, in this order; let them go when all wait."""
    first = pool.submit(go, flights, "first")
    assert database.is_reached.wait(5)
    others = []
    for count, key in enumerate(keys, start=1):
        others.append(pool.submit(go, flights, key))
        until(lambda count=count: len(flights._waiting) == count)
    database.may_answer.set()
    assert first.result(5) == "FIRST"
    return others


def until(is_true):
    end = time.monotonic() + 5
    while not is_true():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_who_comes_alone_leaves_at_once(flights, database):
    database.may_answer.set()

    assert [go(flights, "a"), go(flights, "b")] == ["A", "B"]
    assert database.calls == [["a"], ["b"]]


def test_who_comes_meanwhile_leaves_with_the_next_in_ascending_order(pool, flights, database):
    others = start(pool, flights, database, ["c", "a", "b"])

    assert [each.result(5) for each in others] == ["C", "A", "B"]
    assert database.calls == [["first"], ["a", "b", "c"]]


def test_a_key_is_aboard_once(pool, flights, database):
    others = start(pool, flights, database, ["b", "a", "b", "b"])

    assert [each.result(5) for each in others] == ["B", "A", "B", "B"]
    assert database.calls == [["first"], ["a", "b"], ["b"], ["b"]]


def test_a_flight_has_an_end(pool, flights, database):
    keys = [f"{number:02}" for number in range(MOST + 3)]
    others = start(pool, flights, database, keys)

    assert [each.result(5) for each in others] == keys
    assert [len(call) for call in database.calls] == [1, MOST, 3]


def test_refused_together_each_goes_alone_once(pool, flights, database):
    database.refusal = Refused()
    others = start(pool, flights, database, ["a", "b", "c"])

    assert [each.result(5) for each in others] == ["A", "B", "C"]
    assert database.calls[:2] == [["first"], ["a", "b", "c"]]
    assert sorted(database.calls[2:]) == [["a"], ["b"], ["c"]]


@pytest.mark.parametrize("error", [Unavailable("gone"), ValueError("a mistake of ours")])
def test_what_may_have_been_stored_is_never_tried_again(pool, flights, database, error):
    database.refusal = error
    others = start(pool, flights, database, ["a", "b", "c"])

    errors = [each.exception(5) for each in others]
    assert errors[0] is error
    assert [type(each) for each in errors[1:]] == [Unavailable] * 2
    assert database.calls == [["first"], ["a", "b", "c"]]
    assert go(flights, "later") == "LATER"


def test_nobody_waits_long_for_a_flight_that_hangs(pool, database):
    flights = Flights(database.alone, database.together)
    hanging = pool.submit(go, flights, "first")
    assert database.is_reached.wait(5)
    time.sleep(2 * PATIENCE_S)

    assert pool.submit(go, flights, "a").result(5) == "A"
    assert not hanging.done()
    database.may_answer.set()
    assert hanging.result(5) == "FIRST"
    assert go(flights, "b") == "B"


def test_a_flight_waits_for_who_is_on_the_way(pool, flights, database, monkeypatch):
    monkeypatch.setattr("authsvc.flights.GATHERING_S", 5.0)
    is_announced, may_come = threading.Event(), threading.Event()

    def comes():
        with flights.expected():
            is_announced.set()
            assert may_come.wait(5)
            return go(flights, "b")

    late = pool.submit(comes)
    assert is_announced.wait(5)
    early = pool.submit(go, flights, "a")
    until(lambda: flights._gathering is not None)
    may_come.set()

    assert [early.result(5), late.result(5)] == ["A", "B"]
    assert database.calls == [["a", "b"]]


def test_who_turns_back_lets_the_flight_go(pool, flights, database, monkeypatch):
    monkeypatch.setattr("authsvc.flights.GATHERING_S", 5.0)
    database.may_answer.set()
    with flights.expected():
        early = pool.submit(go, flights, "a")
        until(lambda: flights._gathering is not None)

    assert early.result(2) == "A"


def test_a_flight_waits_a_moment_only(flights, database):
    database.may_answer.set()
    with ThreadPoolExecutor(1) as other, flights.expected():
        start = time.perf_counter()
        assert other.submit(go, flights, "a").result(5) == "A"

    assert time.perf_counter() - start < GATHERING_S + 1


def test_many_threads_are_all_told_their_own(pool, database):
    database.may_answer.set()
    flights = Flights(database.alone, database.together)

    def visit(number):
        with flights.expected():
            return go(flights, f"k{number % 50}")

    assert list(pool.map(visit, range(2000))) == [f"K{number % 50}" for number in range(2000)]
    assert all(call == sorted(set(call)) for call in database.calls)
    assert (flights._coming, flights._waiting, flights._latest) == (0, [], None)
