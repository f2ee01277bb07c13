"""Lines by their routes: batches that are done once, alarms that stop nothing, a camera, and how fast it goes."""

import threading
import time

import pytest
from programs import make_key
from scene import derive
from sqlalchemy import event

from authsvc import line_cameras
from authsvc.runtime import new_id

HERE = "/api/v1/lines"


class Machine:
    """A program on a line of a brand."""

    def __init__(self, scene, brand, name="L1"):
        self.visitor, self.name = scene.visitor(agent="line"), name
        self.key = make_key(scene, brand).text
        self.number = 0

    def ask(self, method, path="", **body):
        return self.visitor.open(
            f"{HERE}/{self.name}{path}", method, json=body or None, headers={"Authorization": f"Bearer {self.key}"}
        )

    def send(self, codes, act="commission", number=None):
        self.number += number is None
        return self.ask("POST", "/batches", number=self.number if number is None else number, act=act, codes=codes)


@pytest.fixture(scope="module")
def product(scene):
    return scene.add_product(name="Tern", release="on-commission")


@pytest.fixture
def machine(scene):
    return Machine(scene, scene.halden, f"line {new_id().hex[:8]}")


def kinds(response):
    assert response.status_code == 200, response.text
    return [(alarm["position"], alarm["kind"]) for alarm in response.json["alarms"]]


def test_codes_that_no_camera_reads_are_alarms_and_stop_nothing(scene, product, machine):
    good = scene.issue(product, 1, lot="A").uri()

    assert kinds(machine.send(["\0", "01/\0", "\uffff" * 300, good])) == [
        (0, "unreadable"), (1, "unreadable"), (2, "unreadable")
    ]  # fmt: skip
    assert machine.ask("GET").json["done"] == 1
    half = machine.visitor.open(
        f"{HERE}/{machine.name}/batches", "POST", data=b'{"number": 99, "codes": ["\\ud800"]}',
        headers={"Authorization": f"Bearer {machine.key}"},
    )  # fmt: skip
    assert kinds(half) == [(0, "unreadable")]


@pytest.mark.parametrize("run", [-1, 0, 2**24, 2**31, 10**30])
def test_a_number_that_no_run_has_is_put_on_no_line(machine, run):
    assert machine.ask("PUT", run=run, next=10**30).status_code == 404


def test_however_many_lines_a_key_names_they_are_listed_in_two_statements(scene, machine):
    scene.admin.execute(
        "INSERT INTO line_batches (brand_id, line, number, act, digest, at, done, repeated, refused, alarms) "
        "SELECT %s, 'z' || n, 1, 'commission', '', now(), n, 0, 0, '[]' FROM generate_series(1, 5000) n",
        (scene.rival.id,),
    )
    with scene.owner_session() as session:
        asked = []
        event.listen(session.connection(), "before_cursor_execute", lambda *given: asked.append(given[2]))
        found = line_cameras.list_lines(session, scene.rival)

    assert len(found) == line_cameras.SHOWN
    assert (found[0].name, found[0].done, found[0].batches) == ("z1", 1, 1)
    assert len(asked) == 2


def test_a_batch_releases_its_codes_as_one_range_and_once(scene, product, machine):
    codes = scene.issue(product, 600, lot="A")
    uris = [codes.uri(index) for index in range(500)]
    assert scene.visitor().check(codes.path(3))["reason"] == "not-released"

    first = machine.send(uris)
    again = machine.send(uris, number=machine.number)

    assert (first.json["done"], first.json["alarms"], first.json["is_repeated"]) == (500, [], False)
    assert again.json == first.json | {"is_repeated": True}
    assert scene.row("SELECT commissioned::text FROM runs WHERE number = %s", codes.run) == ("{[0,500)}",)
    assert scene.rows("SELECT index_from, index_to FROM commissions WHERE run = %s", codes.run) == [(0, 499)]
    assert scene.visitor().check(codes.path(3))["reason"] == "checked-before"
    assert scene.visitor().check(codes.path(550))["reason"] == "not-released"
    assert machine.send(uris[:3], number=machine.number).status_code == 409
    assert scene.row(
        "SELECT count(*) FROM audit_events WHERE act = 'line.commission' AND subject = %s", machine.name
    ) == (1,)


def test_what_is_wrong_with_a_code_is_an_alarm_and_stops_no_other(scene, product, machine):
    codes, other = scene.issue(product, 10), scene.issue(scene.add_product(scene.rival), 1)
    beyond = scene.issue(product, 50, closes=False)
    machine.send([codes.uri(0)])

    response = machine.send([
        codes.uri(0), codes.uri(1), codes.uri(1), "x", f"{product.gtin}.NOSUCH", other.uri(0), beyond.uri(3),
        f"{product.gtin}.{codes.link(9).serial}", "https://id.example.com/01/" + product.gtin,
    ])  # fmt: skip

    assert kinds(response) == [
        (0, "duplicate"), (2, "duplicate"), (3, "unreadable"), (4, "unknown"), (5, "unknown"), (6, "unknown"),
        (8, "unreadable"),
    ]  # fmt: skip
    assert (response.json["done"], response.json["repeated"], response.json["refused"]) == (2, 1, 6)
    assert "s=" not in response.text
    assert scene.row("SELECT commissioned::text FROM runs WHERE number = %s", codes.run) == ("{[0,2),[9,10)}",)


def test_codes_beyond_the_run_are_an_overrun(scene, product, machine):
    codes = scene.issue(product, 5)

    response = machine.send([f"{product.gtin}.{derive(scene, product.gtin, codes.run, 5)}"])

    assert kinds(response) == [(0, "overrun")]


def test_imported_serials_are_released_one_by_one_and_codes_are_taken_off_again(scene, product, machine):
    imei = scene.issue(scene.add_product(release="on-commission"), texts=("490154203237518", "490154203237526"))

    assert machine.send([imei.uri(0), imei.uri(0)]).json["done"] == 1
    assert kinds(machine.send([imei.uri(0), imei.uri(1)])) == [(0, "duplicate")]
    assert scene.visitor().check(imei.path(1))["reason"] == "first-check"
    assert machine.send([imei.uri(1)], "decommission").json["done"] == 1
    assert machine.send([imei.uri(1)], "decommission").json["repeated"] == 1
    assert scene.visitor().check(imei.path(1))["reason"] == "withdrawn"


def test_the_same_batch_from_twenty_tries_at_once_is_done_once(scene, product, machine, pool):
    codes = scene.issue(product, 100)
    uris, start = [codes.uri(index) for index in range(100)], threading.Barrier(8)
    twins = [machine.visitor, *(scene.visitor(agent="line") for _ in range(7))]

    def send(visitor):
        start.wait()
        return visitor.open(
            f"{HERE}/{machine.name}/batches", "POST", json={"number": 9, "codes": uris},
            headers={"Authorization": f"Bearer {machine.key}"},
        ).json  # fmt: skip

    told = list(pool.map(send, twins))

    assert {one["done"] for one in told} == {100}
    assert [one["is_repeated"] for one in told].count(False) == 1
    assert machine.ask("GET").json["batches"] == 1


def test_a_camera_says_what_comes_out_of_order(scene, product, machine):
    codes, other = scene.issue(product, 10), scene.issue(product, 10)
    assert machine.ask("POST", "/reads", codes=[codes.uri(0)]).status_code == 404
    assert machine.ask("PUT", run=codes.run, next=2).json["expected"] == 2

    response = machine.ask("POST", "/reads", codes=[
        codes.uri(2), codes.uri(3), codes.uri(3), codes.uri(6), codes.uri(7), other.uri(8), "smudge",
    ])  # fmt: skip

    assert response.json["reads"] == [
        "expected", "expected", "duplicate", "skipped", "expected", "other-run", "unreadable",
    ]  # fmt: skip
    line = response.json["line"]
    assert (line["expected"], line["reads"], line["misreads"]) == (8, 7, 4)


@pytest.mark.parametrize(
    "body",
    [
        {}, {"number": 1}, {"number": "1", "codes": ["x"]}, {"number": True, "codes": ["x"]},
        {"number": -1, "codes": ["x"]},
        {"number": 2**63, "codes": ["x"]}, {"number": 1, "codes": []}, {"number": 1, "codes": [1]},
        {"number": 1, "codes": ["x"] * 1001}, {"number": 1, "codes": ["x"], "act": "sell"},
    ],
)  # fmt: skip
def test_a_batch_that_cannot_be_read_is_refused(machine, body):
    assert machine.ask("POST", "/batches", **body).status_code == 400


def test_a_rival_and_a_stranger_do_nothing(scene, product, machine):
    codes = scene.issue(product, 5)
    rival = Machine(scene, scene.rival)

    assert kinds(rival.send([codes.uri(0)])) == [(0, "unknown")]
    assert rival.ask("PUT", run=codes.run + 1000).status_code == 404
    assert scene.visitor().open(f"{HERE}/x/batches", "POST", json={"number": 1, "codes": ["x"]}).status_code == 401
    assert scene.row("SELECT isempty(commissioned) FROM runs WHERE number = %s", codes.run) == (True,)


def test_a_line_costs_little(scene, product, machine):
    """The target is 2,000 codes a second on two processors; what other tests do meanwhile is not counted here."""
    codes = scene.issue(product, 2000)
    batches = [[codes.uri(index) for index in range(first, first + 500)] for first in range(0, 2000, 500)]

    started = time.process_time()
    done = sum(machine.send(batch).json["done"] for batch in batches)
    rate = done / (time.process_time() - started)

    assert done == 2000
    assert rate > 4000, rate


def test_numbers_that_no_database_holds_and_codes_that_nothing_prints_break_nothing(machine):
    for body in ({"run": 1, "next": 2**60}, {"run": True, "next": 0}, {"run": 1.5}, {"run": [1]}):
        assert machine.ask("PUT", **body).status_code == 400
    assert machine.send(["x"], act={}).status_code == 400
    assert machine.send(["x"], number=2**63).status_code == 400
    raw = b'{"number": 901, "codes": ["\\u0000\\ud800x"]}'
    sent = machine.visitor.open(f"{HERE}/{machine.name}/batches", "POST", data=raw,
                                headers={"Authorization": f"Bearer {machine.key}"})  # fmt: skip
    (alarm,) = sent.json["alarms"]
    assert (alarm["kind"], alarm["code"]) == ("unreadable", "\ufffd\ufffdx")
    for path in ("%00", "a%0Ab"):
        assert (
            machine.visitor.open(f"{HERE}/{path}", headers={"Authorization": f"Bearer {machine.key}"}).status_code
            == 400
        )
