"""Errands: queued with the act that asks, told of, cancelled, taken up again after a dead worker, and forgotten."""

import asyncio
import os
import subprocess
import sys
import time
from datetime import timedelta

import psycopg
import pytest

from authsvc import clone_previews, errand_work, errands, jobs
from authsvc.audit import Actor
from authsvc.errands import MOST_OPEN, MOST_TURNS, PREVIEW, Stopped
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.runtime import new_id

ADA = Actor("staff", new_id(), "Ada <ada@halden.example>")


@pytest.fixture(autouse=True)
def nothing_under_way(scene, courier):
    scene.admin.execute("TRUNCATE errands CASCADE")


def order(scene, brand=None, kind=PREVIEW, **asked):
    number = new_id()
    with scene.owner_session() as session:
        errands.order(session, (brand or scene.halden).id, kind, {"gtin": None, **asked}, ADA, id=number,
                      now=scene.clock())  # fmt: skip
    return number


def get(scene, number, kind=PREVIEW):
    with scene.owner_session() as session:
        return errands.get_errand(session, scene.halden.id, number, kind)


def take_up(scene, number):
    with scene.owner_session() as session:
        return errands.take_up(session, number, now=scene.clock())


def queued(scene):
    return scene.rows("SELECT args->>'id', lock FROM procrastinate_jobs WHERE task_name = 'do_errand' ORDER BY id")


def test_a_job_is_queued_if_and_only_if_the_act_commits(scene):
    with scene.owner_session() as session:
        errands.order(session, scene.halden.id, PREVIEW, {}, ADA, id=new_id(), now=scene.clock())
        session.rollback()
    assert queued(scene) == []

    number = order(scene)

    assert queued(scene) == [(str(number), f"errands/{scene.halden.id}")]


def test_an_errand_is_done_and_says_what_came_of_it(scene, courier):
    number = order(scene)

    errand_work.do_errand(courier, scene.url, number)
    errand_work.do_errand(courier, scene.url, number)

    found = get(scene, number)
    assert (found.state, found.turn, found.asked_name) == ("done", 1, ADA.name)
    assert len(found.result["rates"]) >= len(clone_previews.LADDER)
    assert found.expires_at - found.ended_at == timedelta(days=30)


def test_a_brand_has_few_under_way_at_a_time(scene):
    numbers = [order(scene) for _ in range(MOST_OPEN)]
    with pytest.raises(Conflict, match="under way already"):
        order(scene)
    order(scene, scene.rival)

    with scene.owner_session() as session:
        errands.cancel(session, scene.halden.id, numbers[0], PREVIEW, now=scene.clock())

    assert order(scene)


def test_who_is_cancelled_or_overtaken_hears_so_and_writes_nothing(scene):
    number = order(scene)
    slept = take_up(scene, number)
    awake = take_up(scene, number)
    assert (slept.turn, awake.turn) == (1, 2)

    for act in (
        lambda session: errands.tell(session, slept, done=1, total=2),
        lambda session: errands.finish(session, slept, {"rates": []}, now=scene.clock()),
        lambda session: errands.fail(session, slept, "x", now=scene.clock()),
    ):
        with pytest.raises(Stopped), scene.owner_session() as session:
            act(session)
    with scene.owner_session() as session:
        errands.tell(session, awake, done=1, total=2)
        errands.cancel(session, scene.halden.id, number, PREVIEW, now=scene.clock())
    with pytest.raises(Stopped), scene.owner_session() as session:
        errands.tell(session, awake, done=2, total=2)
    with pytest.raises(Conflict, match="ended already"), scene.owner_session() as session:
        errands.cancel(session, scene.halden.id, number, PREVIEW, now=scene.clock())

    assert (get(scene, number).state, get(scene, number).done) == ("cancelled", 1)
    assert take_up(scene, number) is None


def test_what_people_can_mend_is_told_as_the_fault(scene, courier, monkeypatch):
    def refuse(*_args, **_values):
        raise BadInput("The product is gone.")

    monkeypatch.setattr(clone_previews, "preview", refuse)
    number = order(scene)

    errand_work.do_errand(courier, scene.url, number)

    assert (get(scene, number).state, get(scene, number).fault) == ("failed", "The product is gone.")


def test_what_has_stopped_every_worker_is_given_up_with_a_reason(scene, courier):
    number = order(scene)
    for _ in range(MOST_TURNS):
        assert take_up(scene, number) is not None

    errand_work.do_errand(courier, scene.url, number)

    found = get(scene, number)
    assert found.state == "failed"
    assert found.fault == "It was begun 5 times and never came to its end. The log of the worker says why."


def test_another_brand_finds_and_cancels_nothing(scene):
    number = order(scene)
    for act in (errands.get_errand, lambda *some: errands.cancel(*some, now=scene.clock())):
        with pytest.raises(NotFound), scene.owner_session() as session:
            act(session, scene.rival.id, number, PREVIEW)
    with scene.owner_session() as session:
        assert errands.list_errands(session, scene.rival.id, PREVIEW) == []
    assert get(scene, number).state == "waiting"


def test_what_lost_its_job_gets_a_new_one_and_what_is_old_goes(scene, courier):
    number, done = order(scene), order(scene)
    errand_work.do_errand(courier, scene.url, done)
    scene.admin.execute("DELETE FROM procrastinate_jobs")
    assert errand_work.sweep(courier) == 0

    scene.clock.ahead += timedelta(minutes=11)
    assert errand_work.sweep(courier) == 1
    assert queued(scene) == [(str(number), f"errands/{scene.halden.id}")]
    assert errand_work.sweep(courier) == 0
    scene.clock.ahead += timedelta(days=31)
    errand_work.sweep(courier)
    with pytest.raises(NotFound):
        get(scene, done)
    assert get(scene, number).is_open
    scene.clock.ahead = timedelta()


WORKER = """
import os, signal, sys
from authsvc import clone_previews
def preview(*_args, tell, **_values):
    tell(1, 2)
    os.kill(os.getpid(), signal.SIGKILL)
if sys.argv.pop(1) == "dies":
    clone_previews.preview = preview
from authsvc.cli import main
main(["worker"])
"""


def test_an_errand_of_a_worker_that_was_killed_is_done_by_the_next(scene, tmp_path):
    env = os.environ | {
        "AUTHSVC_HOME": str(tmp_path), "AUTHSVC_SECRET": scene.config.secret.hex(),
        "AUTHSVC_DATABASE_URL": scene.url, "AUTHSVC_STALLED_AFTER": "2",
    }  # fmt: skip
    number = order(scene)
    with (tmp_path / "worker.log").open("w") as log:
        dying = subprocess.Popen([sys.executable, "-c", WORKER, "dies"], env=env, stderr=log, stdout=log)
        try:
            assert dying.wait(120) == -9, (tmp_path / "worker.log").read_text()
        finally:
            dying.kill()
        assert (get(scene, number).state, get(scene, number).done) == ("running", 1)
        next_one = subprocess.Popen([sys.executable, "-c", WORKER, "lives"], env=env, stderr=log, stdout=log)
        try:
            deadline = time.monotonic() + 120
            while get(scene, number).is_open and time.monotonic() < deadline:
                time.sleep(0.2)
        finally:
            next_one.terminate()
            next_one.wait(60)

    found = get(scene, number)
    assert (found.state, found.turn) == ("done", 2), (tmp_path / "worker.log").read_text()


def test_the_worker_has_the_task(scene, courier):
    number = order(scene)
    app = jobs.make_app(scene.url, courier)

    async def run():
        async with app.open_async():
            await app.run_worker_async(wait=False, install_signal_handlers=False)

    asyncio.run(run())

    assert get(scene, number).state == "done"


def test_a_console_asks_and_cancels_and_writes_no_result(scene):
    number = order(scene)
    with psycopg.connect(scene.url) as connection:
        connection.execute("SET LOCAL ROLE authsvc_console")
        connection.execute("SELECT set_config('authsvc.brand', %s, true)", (str(scene.halden.id),))
        connection.execute("UPDATE errands SET state = 'cancelled' WHERE id = %s", (number,))
        for statement in (
            "UPDATE errands SET result = '{}'", "UPDATE errands SET brand_id = gen_random_uuid()",
            "INSERT INTO errand_parts SELECT id, 1, brand_id, 'x' FROM errands", "DELETE FROM errands",
            "UPDATE brands SET name = 'x'", "UPDATE products SET token = 'none'",
        ):  # fmt: skip
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute(statement)
        connection.execute("UPDATE brands SET target_rate = 0.002")
        connection.execute("RESET ROLE")
        rates = dict(connection.execute("SELECT slug, round(target_rate::numeric, 4)::float8 FROM brands").fetchall())
        connection.rollback()
    assert (rates["halden"], rates["rival"]) == (0.002, 0.001)
