"""Scans that go to the database in one statement: each gets what it would have got alone, and is stored once."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial

import psycopg
import pytest
from scene import Scene, derive, sign

from authsvc import db, scanning
from authsvc import scan_statements as sql
from authsvc.connections import Connections
from authsvc.core.gs1 import DigitalLink
from authsvc.core.verdicts import Disposition, Reason
from authsvc.errors import Unavailable
from authsvc.flights import Flights
from authsvc.lines import Lines, Refused
from authsvc.steps import Recording


class Listener(Connections):
    """Connections that keep what a scan asks of the database, and ask nothing."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.heard: list[dict] = []

    def fetch(self, statement, params):
        assert statement == sql.SCAN_ITEM
        self.heard.append(dict(params))
        raise Unavailable("not asked")


def parameters(scene: Scene, links) -> list[dict]:
    """Return the parameters of a scan of each link, in ascending order of the items, as a flight has them."""
    listener = Listener(scene.url)
    for link, values in links:
        seen = scene.presentation(**values)
        scanning.scan(scene.rt.held, listener, link, link.extension("s"), seen, at=seen.at, new_id=scene.rt.new_id)
    listener.close()
    return sorted(listener.heard, key=lambda each: each["sgtin"])


def answers(scene: Scene, statement: str, params: dict) -> list[dict]:
    cursor = scene.admin.execute(statement, params)
    names = [column.name for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def written(scene: Scene, params: list[dict]) -> dict[str, list]:
    keys = [each["sgtin"] for each in params]
    return {
        table: scene.rows(
            f"SELECT to_jsonb(t) - 'first_valid_at' FROM {table} t WHERE sgtin = ANY(%s) ORDER BY 1", keys
        )
        for table in ("sightings", "items", "scans")
    }


def every_kind(scene: Scene) -> list[tuple[DigitalLink, dict]]:
    """Return codes of which the database says everything that it can say, and ways to look at them."""
    ours = scene.signer(scene.halden)
    watch, other = scene.watch.gtin, scene.add_product()
    again = scene.codes.link()
    me = scene.random(16)
    scene.scan(again, visitor=me, is_known=True)
    for _ in range(3):
        scene.scan(again)
    recalled, expired = scene.issue(other, lot="BAD"), scene.issue(other, expires_on=date(2020, 1, 31))
    imported = scene.issue(other, texts=("it's", 'say-"1"', "A,B"))
    scene.recall(other, lot="BAD", remedy="Bring it back")
    stolen = scene.codes.link()
    scene.scan(stolen)
    scene.admin.execute("UPDATE items SET disposition = %s WHERE sgtin = %s", (str(Disposition.STOLEN), stolen.sgtin))
    beyond = derive(scene, watch, scene.codes.run, 10**6)
    return [
        (again, {"visitor": me, "is_known": True}),
        (scene.codes.link(), {}),
        (scene.codes.link(), {"automated": "bot"}),
        (recalled.link(), {}),
        (expired.link(), {}),
        *((imported.link(index), {}) for index in range(3)),
        (stolen, {"automated": "datacentre"}),
        (DigitalLink.parse(sign(ours, {"01": watch, "21": beyond})), {}),
        (DigitalLink.parse(sign(ours, {"01": watch, "21": scene.codes.link().serial, "17": "491231"})), {}),
        (DigitalLink.parse(sign(ours, {"01": watch, "10": "WRONG", "21": scene.codes.link().serial})), {}),
    ]


def test_together_each_gets_what_it_gets_alone(scene):
    params = parameters(scene, every_kind(scene))
    arrays = {name: [each[name] for each in params] for name in params[0]}
    with scene.admin.transaction(force_rollback=True):
        alone = [row for each in params for row in answers(scene, sql.SCAN_ITEM, each)]
        alone_wrote = written(scene, params)
    with scene.admin.transaction(force_rollback=True):
        together = sorted(answers(scene, sql.SCAN_ITEMS, arrays), key=lambda row: row["sgtin"])
        together_wrote = written(scene, params)

    for row in (*alone, *together):
        row["first_valid_at"] = row["first_valid_at"] is not None  # the time of the statement
    assert len(params) == 12
    assert together == alone
    assert together_wrote == alone_wrote
    assert {len(rows) for rows in together_wrote.values()} != {0}


def together(scene: Scene, links, *, at_once: int = 64) -> list:
    """Scan on an event loop, so many at a time, and return what each was told."""

    async def scan_all():
        loop = asyncio.get_running_loop()
        connections = Connections(scene.url, role=db.SCAN_ROLE)
        lines = Lines(loop, connections, (sql.SCAN_ITEM, sql.SCAN_ITEMS))
        flights = Flights(
            loop, partial(lines.fetch, sql.SCAN_ITEM), partial(lines.fetch_each, sql.SCAN_ITEMS, key="sgtin")
        )
        room = asyncio.Semaphore(at_once)

        async def visit(link):
            async with room:
                seen = scene.presentation()
                story = scanning.story(
                    scene.rt.held, connections, link, link.extension("s"), seen, at=seen.at, new_id=scene.rt.new_id
                )
                return await told(story, flights)

        try:
            return await asyncio.gather(*[visit(link) for link in links])
        finally:
            lines.close()
            connections.close()

    return asyncio.run(scan_all())


async def told(story, flights):
    try:
        step = next(story)
        while True:
            try:
                if isinstance(step, Recording):
                    came = await flights.go(step.params["sgtin"], step.params)
                else:
                    came = await asyncio.to_thread(step)
            except Unavailable as error:
                step = story.throw(error)
            else:
                step = story.send(came)
    except StopIteration as end:
        return end.value


def test_a_row_that_is_held_stops_a_flight_and_nothing_of_it_is_stored(scene):
    links = [scene.codes.link() for _ in range(4)]
    scene.scan(links[2])
    params = parameters(scene, [(link, {}) for link in links])
    before = scene.fingerprint()

    async def fly():
        connections = Connections(scene.url, role=db.SCAN_ROLE)
        lines = Lines(asyncio.get_running_loop(), connections, (sql.SCAN_ITEMS,))
        with pytest.raises(Refused):
            await lines.fetch_each(sql.SCAN_ITEMS, params, "sgtin")
        assert connections.is_available
        lines.close()

    with psycopg.connect(scene.url) as other:
        other.execute("SELECT 1 FROM items WHERE sgtin = %s FOR UPDATE", (links[2].sgtin,))
        asyncio.run(fly())

    after = scene.fingerprint()
    del before["items"], after["items"]  # the lock is written into the row
    assert after == before


def test_one_held_row_fails_one_of_many_scans(scene):
    links = [scene.codes.link() for _ in range(40)]
    scene.scan(links[0])
    with psycopg.connect(scene.url) as other:
        other.execute("SELECT 1 FROM items WHERE sgtin = %s FOR UPDATE", (links[0].sgtin,))
        reasons = [checked.verdict.reason for checked in together(scene, links)]

    assert reasons == [Reason.UNAVAILABLE] + [Reason.FIRST_CHECK] * 39
    assert [scene.counts(link.path())[0] for link in links] == [1] * 40


def test_racing_scans_of_few_items_count_each_once(scene):
    links = [scene.codes.link() for _ in range(5)]
    (before,) = scene.row("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")

    with ThreadPoolExecutor(2) as workers:  # two loops, as two workers have
        done = list(workers.map(lambda _: together(scene, links * 20, at_once=20), range(2)))

    numbers = [checked.verdict.facts.scan_number for each in done for checked in each]
    assert sorted(numbers) == sorted(list(range(1, 41)) * 5)
    assert [scene.counts(link.path())[0] for link in links] == [40] * 5
    scene.admin.execute("SELECT pg_stat_force_next_flush()")
    assert scene.row("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == (before,)
