"""The kinds of runs as the pages say them: in an operator's words, one for every mode that is stored."""

import re

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
