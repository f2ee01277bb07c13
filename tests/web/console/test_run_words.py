"""The kinds of runs as the pages say them: in an operator's words, one for every mode that is stored."""

import re

from authsvc import audit
from authsvc.issuing import Mode
from authsvc.staff import Role
from authsvc.web.console.run_words import KINDS


def test_every_mode_has_a_word_of_its_own():
    assert list(KINDS) == [mode.value for mode in Mode]
    assert len(set(KINDS.values())) == len(Mode)
    assert not set(KINDS.values()) & set(Mode)


def test_the_pages_of_runs_say_the_words(scene, cast):
    person = cast.add(Role.OPERATOR)
    person.sign_in()
    shirts = scene.add_product(granularity="hybrid")
    scene.issue(shirts, 2, lot="C1", contents=24)
    scene.issue(shirts, 1, lot="C2", is_lot_level=True)
    scene.issue(scene.watch, texts=("A1",))

    rows = re.findall(r'data-label="Kind">([^<]*)<', person.get("/console/runs").text)

    assert {"Case (SSCC)", "Batch", "Imported serials", "Derived serials"} <= set(rows)
    assert not set(rows) & set(Mode)
    number = scene.row("SELECT number FROM runs WHERE mode = 'sscc'")[0]
    assert "Case (SSCC)" in person.get(f"/console/runs/{number}").text


def test_the_history_of_a_run_says_what_was_done_with_it_and_nothing_of_others(scene, cast):
    person = cast.add(Role.OPERATOR)
    person.sign_in()
    product = scene.add_product()
    scene.issue(product, 3, lot="R1")
    (number,) = scene.row("SELECT number FROM runs WHERE gtin = %s", product.gtin)
    by, texts = audit.Actor("staff", person.account_id, "Ann <ann@halden.example>"), [{"language": "de"}]
    acts = {"run.issue": {"gtin": product.gtin, "lot": "R1", "count": 3, "mode": "derived"}, "run.order": {"file": [1]},
            "run.void": {"from": None, "to": 1, "codes": 1, "reason": "spoilt"},
            "recall.announce": {"reason": "fire", "texts": texts}}  # fmt: skip
    with scene.owner_session() as session:
        for act, details in acts.items():
            audit.record(session, scene.halden.id, by, act, str(number), details, at=scene.clock())

    page = person.get(f"/console/runs/{number}").text

    said = re.findall(r"<li><time.*?</time><span>(.*?)</span>", page)
    assert said == [
        "Voided by Ann: 1 code; from code 0 to 1; reason: spoilt", "Ordered by Ann: file: [1]",
        "Issued by Ann: 3 codes",
    ]  # fmt: skip
