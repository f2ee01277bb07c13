"""The connections of an event loop: what is asked without waiting, and what is said when the database is lost."""

import asyncio
import time
from contextlib import asynccontextmanager

import psutil
import psycopg
import pytest

from authsvc import db, lines
from authsvc.connections import Busy, Connections
from authsvc.errors import Unavailable
from authsvc.lines import Lines, Refused

ONE = "SELECT pg_backend_pid() AS pid, %(n)s::int AS n"
EACH = "SELECT n FROM unnest(%(n)s::int[]) AS t (n) ORDER BY n DESC"
SLEEP = "SELECT pg_sleep(%(s)s::float)"
REGISTER = "SELECT s.* FROM register_version s"
FULL = "SELECT 1 / (count(*) - count(*)) FROM pg_class WHERE %(n)s::int IS NOT NULL"
STATEMENTS = (ONE, EACH, SLEEP, REGISTER, FULL)


@asynccontextmanager
async def opened(url, **settings):
    connections = Connections(url, role=db.SCAN_ROLE, probe_s=0.1, **settings)
    held = Lines(asyncio.get_running_loop(), connections, STATEMENTS)
    try:
        yield held, connections
    finally:
        held.close()
        connections.close()


async def until(is_true):
    end = time.monotonic() + 10
    while not is_true():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


def test_one_line_serves_one_after_another(scene):
    async def asks():
        async with opened(scene.url) as (held, _):
            rows = [await held.fetch(ONE, {"n": n}) for n in range(5)]
            assert [row.n for row in rows] == list(range(5))
            return {row.pid for row in rows}

    assert len(asyncio.run(asks())) == 1


def test_many_at_a_time_have_a_bounded_number_of_lines(scene):
    async def asks():
        async with opened(scene.url) as (held, _):
            rows = await asyncio.gather(*[held.fetch(ONE, {"n": n}) for n in range(100)])
            assert [row.n for row in rows] == list(range(100))
            return {row.pid for row in rows}

    assert 1 <= len(asyncio.run(asks())) <= lines.MOST


def test_the_rows_of_several_come_in_the_order_of_the_asking(scene):
    async def asks():
        async with opened(scene.url) as (held, _):
            return await held.fetch_each(EACH, [{"n": n} for n in (1, 3, 2)], "n")

    assert [row.n for row in asyncio.run(asks())] == [1, 3, 2]


def test_a_large_question_goes_out_and_its_answer_comes_in(scene):
    many = [{"n": n} for n in range(300_000)]

    async def asks():
        async with opened(scene.url, wait_s=30) as (held, _):
            return await held.fetch_each(EACH, many, "n")

    assert [row.n for row in asyncio.run(asks())] == list(range(300_000))


def test_a_slow_statement_is_busy_and_leaves_the_breaker_closed(scene):
    async def asks():
        async with opened(scene.url) as (held, connections):
            with pytest.raises(Busy):
                await held.fetch(SLEEP, {"s": 5.0})
            assert connections.is_available
            assert (await held.fetch(ONE, {"n": 1})).n == 1

    asyncio.run(asks())


def test_a_refusal_keeps_the_line(scene):
    async def asks():
        async with opened(scene.url) as (held, connections):
            pid = (await held.fetch(ONE, {"n": 1})).pid
            with pytest.raises(psycopg.errors.DivisionByZero):
                await held.fetch(FULL, {"n": 1})
            with pytest.raises(Refused):
                await held.fetch_each(FULL, [{"n": 1}], "n")  # an array is no number
            assert connections.is_available
            assert (await held.fetch(ONE, {"n": 1})).pid == pid

    asyncio.run(asks())


def test_a_frozen_server_costs_its_time_once_and_is_found_again(scene):
    async def asks():
        async with opened(scene.url, wait_s=0.5) as (held, connections):
            backend = psutil.Process((await held.fetch(ONE, {"n": 1})).pid)
            backend.suspend()
            try:
                began = time.perf_counter()
                with pytest.raises(Unavailable):
                    await held.fetch(ONE, {"n": 2})
                assert 0.45 < time.perf_counter() - began < 1.4
            finally:
                backend.resume()
            await until(lambda: connections.is_available)
            row = await held.fetch(ONE, {"n": 3})
            assert (row.n, row.pid != backend.pid) == (3, True)

    asyncio.run(asks())


@pytest.mark.parametrize("is_at_work", [True, False])
def test_a_terminated_backend(scene, is_at_work):
    async def asks():
        async with opened(scene.url) as (held, connections):
            pid = (await held.fetch(ONE, {"n": 1})).pid
            if is_at_work:
                working = asyncio.ensure_future(held.fetch(SLEEP, {"s": 0.5}))
                await asyncio.sleep(0.1)
                scene.rows("SELECT pg_terminate_backend(%s, 2000)", pid)
                with pytest.raises(Unavailable):
                    await working
                await until(lambda: connections.is_available)
            else:
                # Nobody was aboard: the line is found broken, and nobody notices.
                scene.rows("SELECT pg_terminate_backend(%s, 2000)", pid)
                await asyncio.sleep(0.1)
            assert (await held.fetch(ONE, {"n": 2})).n == 2
            assert connections.is_available

    asyncio.run(asks())


def test_no_server_is_unavailable_at_once_and_from_then_on(database):
    async def asks():
        async with opened("postgresql://127.0.0.1:1/none") as (held, connections):
            with pytest.raises(Unavailable):
                await held.fetch(ONE, {"n": 1})
            began = time.perf_counter()
            with pytest.raises(Unavailable):
                await held.fetch(ONE, {"n": 1})
            assert time.perf_counter() - began < 0.1
            assert not connections.is_available

    asyncio.run(asks())


def test_a_column_that_a_migration_adds_breaks_no_prepared_statement(scene):
    async def asks():
        async with opened(scene.url) as (held, connections):
            await asyncio.gather(*[held.fetch(REGISTER, {}) for _ in range(3)])
            scene.admin.execute("ALTER TABLE register_version ADD COLUMN note text DEFAULT 'new'")
            try:
                found = await asyncio.gather(*[held.fetch(REGISTER, {}) for _ in range(6)])
            finally:
                scene.admin.execute("ALTER TABLE register_version DROP COLUMN note")
            assert [row.note for row in found] == ["new"] * 6
            assert not hasattr(await held.fetch(REGISTER, {}), "note")
            assert connections.is_available

    asyncio.run(asks())


def test_closing_ends_the_connections(scene):
    async def asks():
        async with opened(scene.url) as (held, _):
            rows = await asyncio.gather(*[held.fetch(ONE, {"n": n}) for n in range(4)])
            return [row.pid for row in rows]

    pids = asyncio.run(asks())
    end = time.monotonic() + 5
    while scene.row("SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%s)", pids) != (0,):
        assert time.monotonic() < end
        time.sleep(0.02)
