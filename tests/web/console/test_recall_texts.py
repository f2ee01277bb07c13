"""The languages of a recall in the console: rows that the server adds, what is missing, and texts that come later."""

import re

import pytest
from scene import BASE_URL

from authsvc.core.recall_texts import Text
from authsvc.staff import Role

GERMAN = {"text_language": "de", "text_reason": "Das Armband kann reißen", "text_remedy": "Bringen Sie es zurück"}
WHY = {"scope": "lot", "lot": "T1", "reason": "The strap may break", "remedy": "Bring it back", "language": "en"}


@pytest.fixture
def operator(cast):
    person = cast.add(Role.OPERATOR)
    person.sign_in()
    return person


@pytest.fixture(autouse=True)
def nothing_recalled(scene):
    yield
    scene.admin.execute("UPDATE recalls SET lifted_at = now() WHERE lifted_at IS NULL")


@pytest.fixture(scope="module")
def watch(scene):
    return scene.add_product(name="Many tongues", markets="BE")


@pytest.fixture
def codes(scene, watch):
    return scene.issue(watch, 3, lot="T1")


def german_page(scene, codes):
    return scene.visitor().open(codes.path(), headers={"Accept-Language": "de"}).text


def rows(page):
    """Return the language that is chosen in each row of a form."""
    picks = re.findall(r'<select id="text-language-\d+".*?</select>', page, re.DOTALL)
    return [re.search(r'value="(\w+)" selected', pick)[1] for pick in picks]


def test_a_row_is_added_by_the_server_and_keeps_what_was_typed(operator, watch, codes):
    assert rows(operator.get("/console/recalls/new").text) == []

    once = operator.post("/console/recalls/new", gtin=watch.gtin, **WHY, add="1")
    assert once.status_code == 200
    assert rows(once.text) == ["nl"]  # the first language that the markets of the product lack
    assert "Belgium: Dutch, French, German" in once.text
    assert ">The strap may break</textarea>" in once.text

    twice = operator.post("/console/recalls/new", gtin=watch.gtin, **WHY, **GERMAN, add="1")
    assert rows(twice.text) == ["de", "nl"]
    assert ">Das Armband kann reißen</textarea>" in twice.text
    assert "Belgium: Dutch, French<" in twice.text


def test_what_was_written_is_shown_announced_and_read(operator, scene, watch, codes):
    answer = operator.post("/console/recalls/new", gtin=watch.gtin, **WHY, **GERMAN)
    draft = answer.location.removeprefix(BASE_URL)
    page = operator.get(draft).text
    assert '<p lang="de" dir="ltr">Das Armband kann reißen</p>' in page
    assert "Belgium: Dutch, French" in page

    made = operator.post(f"{draft}/announce", sure="1").location.removeprefix(BASE_URL)

    assert "Grund: Das Armband kann reißen. Bringen Sie es zurück." in german_page(scene, codes)
    assert "Das Armband kann reißen" in operator.get(made).text
    (details,) = scene.row(
        "SELECT details FROM audit_events WHERE act = 'recall.announce' AND brand_id = %s ORDER BY seq DESC LIMIT 1",
        scene.halden.id,
    )
    assert (details["language"], details["texts"]["de"]["remedy"]) == ("en", "Bringen Sie es zurück")


def test_a_row_that_says_half_is_refused_and_an_empty_one_says_nothing(operator, scene, watch, codes):
    half = operator.post("/console/recalls/new", gtin=watch.gtin, **WHY, **{**GERMAN, "text_remedy": " "})
    assert half.status_code == 400
    assert "Say what to do in German too" in half.text
    assert rows(half.text) == ["de"]

    empty = {**GERMAN, "text_reason": "", "text_remedy": " "}
    assert operator.post("/console/recalls/new", gtin=watch.gtin, **WHY, **empty).status_code == 303
    assert scene.row(
        "SELECT texts FROM recall_drafts WHERE gtin = %s ORDER BY created_at DESC LIMIT 1", watch.gtin
    ) == ({},)


def test_texts_come_later_are_changed_and_taken_away(operator, scene, watch, codes):
    number = scene.recall(watch, reason="The strap may break", remedy="Bring it back")
    place = f"/console/recalls/{number}/texts"
    assert f'href="{place}"' in operator.get(f"/console/recalls/{number}").text
    assert rows(operator.get(place).text) == []
    assert rows(operator.post(place, language="en", add="1").text) == ["nl"]

    saved = operator.post(place, language="en", **GERMAN)
    assert saved.status_code == 303
    assert "Grund: Das Armband kann reißen." in german_page(scene, codes)
    assert rows(operator.get(place).text) == ["de"]
    assert '<input type="hidden" name="had" value="de">' in operator.get(place).text

    operator.post(
        place, language="en", had="de", text_language="fr", text_reason="Le bracelet", text_remedy="Rendez-le"
    )
    assert scene.row("SELECT texts FROM recalls WHERE id = %s", number)[0] == {
        "fr": {"reason": "Le bracelet", "remedy": "Rendez-le"}
    }
    operator.post(
        place, language="en", had="fr", text_language="fr", text_reason="Le bracelet", text_remedy="Rendez-le"
    )
    acts = scene.rows(
        "SELECT details->'texts' FROM audit_events WHERE act = 'recall.texts' AND subject = %s ORDER BY seq",
        str(number),
    )
    assert [sorted(texts) for (texts,) in acts] == [["de"], ["de", "fr"]]  # what changes nothing is not in the log
    assert acts[1][0]["de"] is None


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({**GERMAN, "text_language": "xx"}, "no language"),
        ({**GERMAN, "text_language": "en"}, "two texts in English"),
        ({**GERMAN, "text_remedy": ""}, "Say what to do in German"),
        ({name: [value] * 2 for name, value in GERMAN.items()}, "Two rows have the same language"),
        ({**GERMAN, "language": "tlh"}, "no language"),
    ],
)
def test_later_texts_are_checked_too(operator, scene, watch, form, sentence):
    number = scene.recall(watch, reason="The strap may break", remedy="Bring it back")
    answer = operator.post(f"/console/recalls/{number}/texts", **{"language": "en", **form})

    assert answer.status_code == 400
    assert sentence in answer.text
    assert scene.row("SELECT texts FROM recalls WHERE id = %s", number) == ({},)


def test_a_recall_of_another_brand_has_no_page(operator, scene):
    number = scene.recall(scene.add_product(scene.rival), reason="a")

    assert operator.get(f"/console/recalls/{number}/texts").status_code == 404
    assert operator.post(f"/console/recalls/{number}/texts", language="de").status_code == 404


def test_texts_that_run_from_right_to_left_are_shown_so(operator, scene, watch):
    number = scene.recall(watch, reason="a", texts=[Text("ar", "قد ينقطع السوار")])

    assert '<p lang="ar" dir="rtl">قد ينقطع السوار</p>' in operator.get(f"/console/recalls/{number}").text
