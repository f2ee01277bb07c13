"""Calls of one event loop that go together: who goes with whom, and what everybody is told when it fails."""

import asyncio
import time

import pytest

from authsvc.errors import Unavailable
from authsvc.flights import MOST, PATIENCE_S, Flights
from authsvc.lines import Refused


class Database:
    """What flights lead to: it notes every call, and holds the first up until it is let go."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.may_answer = asyncio.Event()
        self.refusal: Exception | None = None
        self.flights = Flights(asyncio.get_running_loop(), self.alone, self.together)

    async def alone(self, params):
        self.calls.append([params["key"]])
        if params["key"] == "bad":
            raise Unavailable("held")
        if len(self.calls) == 1:
            await self.may_answer.wait()
        return params["key"].upper()

    async def together(self, many):
        self.calls.append([params["key"] for params in many])
        if self.refusal is not None:
            raise self.refusal
        await asyncio.sleep(0)
        return [params["key"].upper() for params in many]

    def go(self, key):
        return self.flights.go(key, {"key": key})

    async def start(self, keys):
        """Start one call that is held up, and *keys* behind it, in this order; let them go when all wait."""
        first = self.go("first")
        await asyncio.sleep(0.001)
        others = [self.go(key) for key in keys]
        await asyncio.sleep(0.001)
        assert self.calls == [["first"]]
        self.may_answer.set()
        assert await first == "FIRST"
        return await asyncio.wait_for(asyncio.gather(*others, return_exceptions=True), 5)


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    # A loaded machine may hold a test up for longer than a flight is waited for.
    monkeypatch.setattr("authsvc.flights.PATIENCE_S", 5.0)
    monkeypatch.setattr("authsvc.flights.GATHER_S", 0.5)


def in_loop(test):
    """Run a test in an event loop of its own, with a database to call."""

    def run():
        async def inside():
            await asyncio.wait_for(test(Database()), 10)

        asyncio.run(inside())

    run.__name__ = test.__name__
    return run


@in_loop
async def test_who_comes_alone_leaves_at_once(database):
    database.may_answer.set()

    assert [await database.go("a"), await database.go("b")] == ["A", "B"]
    assert database.calls == [["a"], ["b"]]


@in_loop
async def test_who_comes_at_the_same_moment_leaves_together(database):
    assert await asyncio.gather(*[database.go(key) for key in "bac"]) == ["B", "A", "C"]
    assert database.calls == [["a", "b", "c"]]


@in_loop
async def test_after_a_flight_of_several_the_next_one_gathers_who_comes_in_a_moment(database):
    await asyncio.gather(*[database.go(key) for key in "ab"])

    others = [database.go("c")]
    await asyncio.sleep(0)
    others.append(database.go("d"))
    assert await asyncio.gather(*others) == ["C", "D"]
    assert database.calls == [["a", "b"], ["c", "d"]]


@in_loop
async def test_a_full_flight_gathers_no_longer(database):
    await asyncio.gather(*[database.go(key) for key in "ab"])

    many = [f"{number:03}" for number in range(MOST)]
    assert await asyncio.wait_for(asyncio.gather(*[database.go(key) for key in many]), 0.4) == many
    assert database.calls == [["a", "b"], many]


@in_loop
async def test_who_comes_after_a_lone_one_does_not_wait_for_others(database):
    database.may_answer.set()

    assert await asyncio.wait_for(database.go("a"), 0.2) == "A"
    assert await asyncio.wait_for(database.go("b"), 0.2) == "B"


@in_loop
async def test_who_comes_meanwhile_leaves_with_the_next_in_ascending_order(database):
    assert await database.start(["c", "a", "b"]) == ["C", "A", "B"]
    assert database.calls == [["first"], ["a", "b", "c"]]


@in_loop
async def test_a_key_is_aboard_once(database):
    assert await database.start(["b", "a", "b", "b"]) == ["B", "A", "B", "B"]
    assert database.calls == [["first"], ["a", "b"], ["b"], ["b"]]


@in_loop
async def test_a_flight_has_an_end(database):
    keys = [f"{number:03}" for number in range(MOST + 3)]

    assert await database.start(keys) == keys
    assert [len(call) for call in database.calls] == [1, MOST, 3]


@in_loop
async def test_refused_together_each_goes_alone_once(database):
    database.refusal = Refused()

    a, bad, c = await database.start(["a", "bad", "c"])
    assert (a, type(bad), c) == ("A", Unavailable, "C")
    assert database.calls[:2] == [["first"], ["a", "bad", "c"]]
    assert sorted(database.calls[2:]) == [["a"], ["bad"], ["c"]]


@pytest.mark.parametrize("error", [Unavailable("gone"), ValueError("a mistake of ours")])
def test_what_may_have_been_stored_is_never_tried_again(error):
    @in_loop
    async def told(database):
        database.refusal = error
        errors = await database.start(["a", "b", "c"])
        assert errors[0] is error
        assert [type(each) for each in errors[1:]] == [Unavailable] * 2
        assert database.calls == [["first"], ["a", "b", "c"]]
        assert await database.go("later") == "LATER"

    told()


def test_nobody_waits_long_for_a_flight_that_hangs(monkeypatch):
    monkeypatch.setattr("authsvc.flights.PATIENCE_S", PATIENCE_S)

    @in_loop
    async def passes(database):
        hanging = database.go("first")
        await asyncio.sleep(0.001)
        began = time.perf_counter()
        assert await asyncio.gather(database.go("a"), database.go("b")) == ["A", "B"]
        assert time.perf_counter() - began < PATIENCE_S + 0.5
        assert not hanging.done()
        assert await database.go("c") == "C"
        database.may_answer.set()
        assert await hanging == "FIRST"
        assert await database.go("d") == "D"

    passes()


@in_loop
async def test_who_is_gone_holds_nobody_up(database):
    gone = database.go("a")
    gone.cancel()

    assert await database.go("b") == "B"
    assert database.calls == [["a", "b"]]


@in_loop
async def test_many_are_all_told_their_own(database):
    database.may_answer.set()

    async def visit(number):
        await asyncio.sleep(number % 7 / 1000)
        return await database.go(f"k{number % 50}")

    assert await asyncio.gather(*map(visit, range(2000))) == [f"K{number % 50}" for number in range(2000)]
    assert all(call == sorted(set(call)) for call in database.calls)
    flights = database.flights
    assert (flights._waiting, flights._under_way, flights._latest) == ([], set(), None)
