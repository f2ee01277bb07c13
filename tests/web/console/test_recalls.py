"""The pages of recalls: a draft that is looked at, one announcement however often somebody presses, and its end."""

import io
import re

import pytest
from scene import BASE_URL

from authsvc.staff import Role


@pytest.fixture
def operator(cast):
    person = cast.add(Role.OPERATOR)
    person.sign_in()
    return person


@pytest.fixture(autouse=True)
def nothing_recalled(scene):
    yield
    scene.admin.execute("UPDATE recalls SET lifted_at = now() WHERE lifted_at IS NULL")


WHY = {"reason": "The strap may break", "remedy": "Bring it back"}


def draft(person, scene, scope="lot", **form):
    """Write a draft and return its address."""
    form = {"gtin": scene.watch.gtin, "scope": scope, **WHY, **form}
    answer = person.post("/console/recalls/new", **form)
    assert answer.status_code == 303, answer.text
    return answer.location.removeprefix(BASE_URL)


def announce(person, address):
    answer = person.post(f"{address}/announce", sure="1")
    assert answer.status_code == 303, answer.text
    return answer.location.removeprefix(BASE_URL)


def test_a_lot_is_recalled_in_two_steps_and_shows_at_once(operator, scene):
    path = scene.codes.path()
    address = draft(operator, scene, lot="L2410")
    page = operator.get(address).text
    assert re.search(r"Issued codes it covers.*?<b>4,000</b>", page, re.DOTALL)
    assert scene.visitor().check(path)["reason"] != "recalled"

    recall = announce(operator, address)

    assert scene.visitor().check(path)["reason"] == "recalled"
    shown = operator.get(recall).text
    assert "batch L2410" in shown
    assert "Every page says so from now on" in shown
    assert "The strap may break" in operator.get("/console/recalls").text
    act, subject, details = scene.row(
        "SELECT act, subject, details FROM audit_events WHERE act = 'recall.announce' AND brand_id = %s "
        "ORDER BY seq DESC LIMIT 1",
        scene.halden.id,
    )
    assert (act, subject) == ("recall.announce", recall.rpartition("/")[2])
    assert details["covers"] == 4000


def test_pressing_twice_announces_once(operator, scene):
    address = draft(operator, scene, lot="L2410")
    before = scene.row("SELECT count(*) FROM recalls")[0]

    assert announce(operator, address) == announce(operator, address)
    assert scene.row("SELECT count(*) FROM recalls")[0] == before + 1


def test_a_recall_needs_a_look_at_its_figures(operator, scene):
    address = draft(operator, scene, lot="L2410")
    answer = operator.post(f"{address}/announce")

    assert answer.status_code == 400
    assert "Tick the box" in answer.text
    assert scene.visitor().check(scene.codes.path())["reason"] != "recalled"


def test_a_range_says_what_it_spares(operator, scene):
    first, last = scene.codes.link(20).serial, scene.codes.link(29).serial
    page = operator.get(draft(operator, scene, "range", first=first, last=last)).text

    assert "This recall spares 3,990 items that a recall of the whole batch would have hit." in page


def test_a_list_comes_as_a_file(operator, scene):
    named, other = scene.codes.path(40), scene.codes.path(41)
    file = (io.BytesIO(f"uri,serial\n,{scene.codes.link(40).serial}\n".encode()), "list.csv")
    announce(operator, draft(operator, scene, "list", file=file))

    assert scene.visitor().check(named)["reason"] == "recalled"
    assert scene.visitor().check(other)["reason"] != "recalled"


def test_a_list_with_faults_names_every_row(operator, scene):
    answer = operator.post(
        "/console/recalls/new", gtin=scene.watch.gtin, scope="list", serials="NOPE-1\nNOPE-2\n", **WHY
    )

    assert answer.status_code == 400
    assert "row 1: &#39;NOPE-1&#39;: was never issued" in answer.text
    assert "row 2: &#39;NOPE-2&#39;: was never issued" in answer.text
    assert "NOPE-1\nNOPE-2" in answer.text  # what was typed is still there


@pytest.mark.parametrize(
    ("scope", "form", "sentence"),
    [
        ("lot", {"lot": "L9"}, "has no lot"),
        ("lot", {"lot": ""}, "Name the batch."),
        ("lot", {"lot": "L2410", "reason": " "}, "Give the reason"),
        ("window", {"since": "2026-01-01", "until": "soon"}, "Give the last day"),
        ("window", {"since": "2020-01-01", "until": "2020-02-01"}, "No code of"),
        ("list", {"serials": ""}, "names no serial"),
        ("galaxy", {}, "There is no recall of"),
    ],
)
def test_what_cannot_be_announced_is_said_on_the_form(operator, scene, scope, form, sentence):
    answer = operator.post("/console/recalls/new", **{"gtin": scene.watch.gtin, "scope": scope, **WHY, **form})

    assert answer.status_code == 400
    assert sentence in answer.text


def test_a_product_of_another_brand_is_unknown(operator, scene):
    theirs = scene.add_product(scene.rival)
    answer = operator.post("/console/recalls/new", gtin=theirs.gtin, scope="product", **WHY)

    assert answer.status_code == 400
    assert scene.rows("SELECT FROM recall_drafts WHERE gtin = %s", theirs.gtin) == []


def test_a_recall_is_lifted(operator, scene):
    path = scene.codes.path()
    recall = announce(operator, draft(operator, scene, "product"))
    assert scene.visitor().check(path)["reason"] == "recalled"
    assert "Pages stop showing it at once" in operator.get(f"{recall}/lift").text

    assert operator.post(f"{recall}/lift").status_code == 303

    assert scene.visitor().check(path)["reason"] != "recalled"
    assert "Lift this recall" not in operator.get(recall).text
    assert operator.post(f"{recall}/lift").status_code == 409


def test_a_draft_is_dropped_and_forgotten_after_a_day(operator, scene, later):
    address = draft(operator, scene, lot="L2410")
    assert operator.post(f"{address}/drop").status_code == 303
    assert operator.get(address).status_code == 404
    assert operator.post(f"{address}/announce", sure="1").status_code == 404

    address = draft(operator, scene, lot="L2410")
    later(days=2)
    operator.sign_in()
    draft(operator, scene, lot="L2410")
    assert operator.get(address).status_code == 404


def test_a_viewer_reads_and_is_offered_no_change(cast, scene):
    person = cast.add(Role.VIEWER)
    person.sign_in()
    number = scene.recall(scene.watch, lot="L2410")

    assert "New recall" not in person.get("/console/recalls").text
    assert "Lift this recall" not in person.get(f"/console/recalls/{number}").text
    assert person.get("/console/recalls/new").status_code == 403
