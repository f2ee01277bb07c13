"""The pages of runs: ordered, approved by somebody else, issued by the worker, downloaded as often as needed."""

import csv
import io
import re
from dataclasses import replace
from urllib.parse import urlsplit

import psycopg
import pytest

from authsvc import errand_work, key_files, run_orders, run_work
from authsvc.deliveries import Courier
from authsvc.staff import Role

HERE = "/console/runs"


@pytest.fixture(scope="module")
def signing(scene):
    """Keep the private key of Halden where a worker looks for it, and return the settings of that worker."""
    home = scene.config.home
    passphrase = home / "passphrase"
    passphrase.touch(mode=0o600)
    passphrase.write_text("a passphrase for tests\n")
    signer = scene.signer(scene.halden)
    keys = home / "keys"
    key_files.write_private(keys, b"a passphrase for tests", scene.halden.id, signer.key_id, signer.private)
    return replace(scene.config, keys_dir=keys, passphrase_file=passphrase)


@pytest.fixture(autouse=True)
def nothing_under_way(scene):
    scene.admin.execute("TRUNCATE errands, run_orders CASCADE")
    scene.admin.execute("UPDATE brands SET approves_runs = false")


@pytest.fixture
def operator(cast):
    person = cast.add(Role.OPERATOR)
    person.sign_in()
    return person


@pytest.fixture
def colleague(cast):
    person = cast.add(Role.OPERATOR)
    person.sign_in()
    return person


def order(person, scene, product=None, **form):
    wanted = {"gtin": (product or scene.watch).gtin, "count": "12", "lot": "N1", "mode": "derived", **form}
    answer = person.post(f"{HERE}/new", **wanted)
    assert answer.location == HERE, answer.text
    return scene.row("SELECT id FROM run_orders ORDER BY ordered_at DESC LIMIT 1")[0]


def work(scene, signing):
    courier = replace(Courier.make(signing, scene._sessions), now=scene.clock)
    for (number,) in scene.rows("SELECT id FROM errands WHERE state IN ('waiting', 'running')"):
        errand_work.do_errand(courier, scene.url, number)
    courier.client.close()


def file(person, number):
    answer = person.get(f"{HERE}/orders/{number}/file")
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text)))


def text_of(answer):
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def acts(scene, number):
    return [act for (act,) in scene.rows("SELECT act FROM audit_events WHERE subject = %s ORDER BY seq", str(number))]


def path_of(row):
    return urlsplit(row["uri"])._replace(scheme="", netloc="").geturl()


def test_codes_are_ordered_issued_and_downloaded_twice(operator, scene, signing):
    number = order(operator, scene)
    assert "Waits for the worker" in text_of(operator.get(HERE))
    work(scene, signing)
    scene.refresh()

    rows, again = file(operator, number), file(operator, number)

    assert len(rows) == 12
    assert rows == again
    assert {(row["gtin"], row["lot"]) for row in rows} == {(scene.watch.gtin, "N1")}
    assert scene.visitor().check(path_of(rows[7]))["reason"] == "first-check"
    assert acts(scene, number) == ["run.order", "run.download", "run.download"]
    run = scene.row("SELECT run FROM run_orders")[0]
    assert acts(scene, run)[-2:] == ["run.open", "run.issue"]
    shown = text_of(operator.get(HERE))
    assert f"Issued run {run}" in shown
    assert "12 of Meridian 36 batch N1" in shown


def test_drawn_serials_are_issued_too(operator, scene, signing):
    number = order(operator, scene, mode="random", count="1,000")
    work(scene, signing)

    rows = file(operator, number)
    assert len({row["serial"] for row in rows}) == 1000
    assert scene.visitor().check(path_of(rows[999]))["reason"] == "first-check"


def test_where_the_brand_says_so_nobody_issues_alone(cast, operator, colleague, scene, signing):
    admin = cast.add(Role.ADMIN)
    admin.sign_in()
    assert admin.post(f"{HERE}/approval", needed="1").status_code == 303
    before = scene.row("SELECT count(*) FROM runs")
    number = order(operator, scene)
    assert "Waits for approval" in text_of(operator.get(HERE))
    work(scene, signing)
    assert scene.row("SELECT count(*) FROM runs") == before

    own = operator.post(f"{HERE}/orders/{number}/approve")
    assert own.status_code == 403
    assert "somebody else has to approve" in own.text
    assert "Approve" not in operator.get(f"{HERE}/orders/{number}").text.split("<main")[1]
    assert colleague.post(f"{HERE}/orders/{number}/approve").status_code == 303
    assert colleague.post(f"{HERE}/orders/{number}/approve").status_code == 409
    work(scene, signing)

    assert len(file(operator, number)) == 12
    assert acts(scene, number)[:2] == ["run.order", "run.approve"]


def test_the_database_itself_wants_two_people(operator, scene):
    scene.admin.execute("UPDATE brands SET approves_runs = true WHERE id = %s", (scene.halden.id,))
    number = order(operator, scene)

    with pytest.raises(psycopg.errors.CheckViolation, match="two_people"):
        scene.admin.execute(
            "UPDATE run_orders SET state = 'approved', decided_by = ordered_by WHERE id = %s", (number,)
        )


def test_an_order_is_refused_and_issues_nothing(operator, colleague, scene, signing):
    scene.admin.execute("UPDATE brands SET approves_runs = true WHERE id = %s", (scene.halden.id,))
    number = order(operator, scene)
    assert colleague.post(f"{HERE}/orders/{number}/refuse").status_code == 303
    work(scene, signing)

    assert "Refused" in text_of(operator.get(HERE))
    assert colleague.post(f"{HERE}/orders/{number}/approve").status_code == 409
    assert operator.get(f"{HERE}/orders/{number}/file").status_code == 404


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"count": "many"}, "as a whole number"),
        ({"count": "0"}, "A run has 1 to"),
        ({"gtin": "09506000000009"}, "09506000000009"),
        ({"contents": "3"}, "Only a case has contents"),
        ({"lot": "a lot of a name that is far too long"}, "lot"),
    ],
)
def test_what_cannot_be_issued_is_said_on_the_form(operator, scene, form, sentence):
    wanted = {"gtin": scene.watch.gtin, "count": "5", **form}
    answer = operator.post(f"{HERE}/new", **wanted)

    assert answer.status_code == 400
    assert sentence in text_of(answer)
    assert scene.rows("SELECT FROM run_orders") == []


def test_what_the_worker_cannot_issue_is_told(operator, scene, signing):
    product = scene.add_product(name="Compact", token="compact")
    number = order(operator, scene, product)
    work(scene, signing)

    shown = text_of(operator.get(HERE))
    assert "Failed" in shown
    assert "compact" in shown
    assert operator.get(f"{HERE}/orders/{number}/file").status_code == 404


def test_a_worker_that_dies_leaves_nothing_that_counts(operator, scene, signing, monkeypatch):
    number = order(operator, scene)
    monkeypatch.setattr(run_work.issuing, "close_run", _die)
    with pytest.raises(SystemExit):
        work(scene, signing)
    first = scene.row("SELECT run FROM run_orders")[0]
    # As a kill leaves it: nobody could say why.
    scene.admin.execute("UPDATE runs SET failure = NULL WHERE number = %s AND brand_id = %s", (first, scene.halden.id))
    monkeypatch.undo()
    work(scene, signing)

    second = scene.row("SELECT run FROM run_orders")[0]
    assert second == first + 1
    assert scene.row("SELECT issued_at, failure FROM runs WHERE number = %s AND brand_id = %s", first,
                     scene.halden.id) == (None, "The worker was ended while it made the codes.")  # fmt: skip
    assert len(file(operator, number)) == 12


def _die(*_arguments, **_options):
    raise SystemExit


def test_a_job_that_runs_again_issues_nothing_more(operator, scene, signing):
    order(operator, scene)
    work(scene, signing)
    before = scene.row("SELECT count(*) FROM runs")
    # As if the worker had died between its last two commits.
    scene.admin.execute("UPDATE errands SET state = 'running'")
    work(scene, signing)

    assert scene.row("SELECT count(*) FROM runs") == before
    assert scene.row("SELECT state FROM errands") == ("done",)


def test_a_cancelled_run_counts_nothing(operator, scene, signing, monkeypatch):
    number = order(operator, scene)
    pieces = run_work.code_files.texts

    def cancelled_meanwhile(*arguments, **options):
        scene.admin.execute("UPDATE errands SET state = 'cancelled', ended_at = now()")
        yield from pieces(*arguments, **options)

    monkeypatch.setattr(run_work.code_files, "texts", cancelled_meanwhile)
    work(scene, signing)

    run = scene.row("SELECT run FROM run_orders")[0]
    assert scene.row("SELECT issued_at, failure FROM runs WHERE number = %s AND brand_id = %s", run,
                     scene.halden.id) == (None, "It was cancelled.")  # fmt: skip
    assert operator.get(f"{HERE}/orders/{number}/file").status_code == 404


def test_an_order_under_way_is_cancelled_by_hand(operator, scene, signing):
    number = order(operator, scene)
    assert operator.post(f"{HERE}/orders/{number}/cancel").status_code == 303
    work(scene, signing)

    assert "Cancelled" in text_of(operator.get(HERE))
    with scene.owner_session() as session:
        assert run_orders.get(session, scene.halden.id, number).run is None


def test_a_viewer_reads_and_is_offered_no_change(cast, operator, scene, signing):
    number = order(operator, scene)
    work(scene, signing)
    person = cast.add(Role.VIEWER)
    person.sign_in()

    assert "Order codes" not in person.get(HERE).text.split("<main")[1]
    assert person.get(f"{HERE}/orders/{number}/file").status_code == 403
    assert person.get(f"{HERE}/new").status_code == 403
