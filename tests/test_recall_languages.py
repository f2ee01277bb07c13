"""A recall in the language of its reader: on pages, in documents, receipts and mails; else as it was written."""

import threading

import owning
import pytest

from authsvc import deliveries, prepared, recall_languages, recalls
from authsvc import scan_statements as sql
from authsvc.core.recall_texts import LONGEST, Text
from authsvc.errors import BadInput, NotFound
from authsvc.recall_targets import Target

GERMAN = Text("de", "Das Armband kann reißen", "Bringen Sie es zurück")
ARABIC = Text("ar", "قد ينقطع السوار", "أعد الساعة إلى المتجر")
SAID = {"reason": "The strap may break", "remedy": "Bring it back", "texts": (ARABIC, GERMAN)}
IN_ENGLISH = '<span lang="en" dir="ltr">The strap may break</span>'


@pytest.fixture(autouse=True)
def nothing_recalled(scene):
    yield
    scene.admin.execute("UPDATE recalls SET lifted_at = now() WHERE lifted_at IS NULL")


@pytest.fixture(scope="module")
def strap(scene):
    return scene.add_product(name="Strapped", warranty_months="24", markets="DE AT BE")


@pytest.fixture
def codes(scene, strap):
    return scene.issue(strap, 20, lot="S1")


def page(scene, path, language):
    return scene.visitor().open(path, headers={"Accept": "text/html", "Accept-Language": language}).text


# --- Pages and documents ---------------------------------------------------------------------------------------------


def test_a_page_says_it_in_the_language_of_its_reader(scene, strap, codes):
    scene.recall(strap, **SAID)

    german = page(scene, codes.path(), "de-AT,en;q=0.5")
    assert "Grund: Das Armband kann reißen. Bringen Sie es zurück." in german
    assert "<span lang=" not in german
    assert "The strap may break" not in german
    assert "السبب: قد ينقطع السوار. أعد الساعة إلى المتجر." in page(scene, codes.path(), "ar")
    assert "because the strap may break. Bring it back." in page(scene, codes.path(), "en")


def test_a_language_without_a_text_gets_the_original_which_says_what_it_is_in(scene, strap, codes):
    scene.recall(strap, **SAID)

    italian = page(scene, codes.path(), "it")
    assert f"Motivo: {IN_ENGLISH}. " in italian
    assert '<span lang="en" dir="ltr">Bring it back.</span>' in italian
    assert 'lang="it"' in italian


def test_an_original_that_runs_from_right_to_left_says_so(scene, strap, codes):
    scene.recall(strap, language="ar", reason=ARABIC.reason, remedy="<b>" + ARABIC.remedy)

    english = page(scene, codes.path(), "en")
    assert f'because <span lang="ar" dir="rtl">{ARABIC.reason}</span>.' in english
    assert f'<span lang="ar" dir="rtl">&lt;b&gt;{ARABIC.remedy}.</span>' in english


def test_pages_in_other_languages_do_not_share_their_texts(scene, strap, codes):
    scene.recall(strap, **SAID)
    path = codes.path()

    for _ in range(2):
        assert "Das Armband kann reißen" in page(scene, path, "de")
        assert "قد ينقطع السوار" in page(scene, path, "ar")
        assert IN_ENGLISH in page(scene, path, "pl")


def test_documents_and_receipts_choose_as_pages_do(scene, strap, codes):
    scene.recall(strap, **SAID)
    visitor = scene.visitor()

    document = visitor.check(codes.path(), **{"Accept-Language": "de"})
    assert "Grund: Das Armband kann reißen. Bringen Sie es zurück." in document["text"]
    fallback = scene.visitor().check(codes.path(1), **{"Accept-Language": "fr"})
    assert "Raison : The strap may break. Bring it back." in fallback["text"]
    receipt = visitor.open(f"/s/{document['receipt']}?lang=ar").text
    assert "قد ينقطع السوار" in receipt
    assert IN_ENGLISH in visitor.open(f"/s/{document['receipt']}?lang=fi").text


def test_the_code_of_a_lot_says_it_too(scene):
    wine = scene.add_product(name="Wine", granularity="batch")
    bottle = scene.issue(wine, 1, lot="W1")
    scene.recall(wine, lot="W1", **SAID)

    assert "Das Armband kann reißen" in page(scene, bottle.path(), "de")
    assert IN_ENGLISH in page(scene, bottle.path(), "sv")


def test_a_scan_of_a_recalled_item_is_still_one_statement(scene, strap, codes, monkeypatch):
    scene.recall(strap, **SAID)
    run, seen, here = prepared.run, [], threading.get_ident()

    def noted(connection, ready, statement, params):
        if threading.get_ident() == here:
            seen.append(statement)
        return run(connection, ready, statement, params)

    monkeypatch.setattr(prepared, "run", noted)
    checked = scene.scan(codes.link())

    assert checked.verdict.facts.recall.said_in("de") == GERMAN
    assert seen == [sql.SCAN_ITEM]


# --- Owners and machines ---------------------------------------------------------------------------------------------


def test_each_owner_is_mailed_in_their_language(scene, courier, strap, codes):
    people = {"de": f"dora{codes.run}@example.com", "it": f"ida{codes.run}@example.com"}
    for number, (language, email) in enumerate(people.items()):
        register(owning.Buyer(scene, email), codes.path(number), language)
    recall = scene.recall(strap, tells_owners=True, **SAID)
    deliveries.tell_owners(courier, recall)

    letters = {language: owning.letters(scene, email)[-1] for language, email in people.items()}
    assert [kind for kind, _ in letters.values()] == ["owner-recall"] * 2
    assert "Das Armband kann reißen" in letters["de"][1]
    assert "Bringen Sie es zurück" in letters["de"][1]
    assert "The strap may break" not in letters["de"][1]
    assert "The strap may break" in letters["it"][1]


def register(buyer, path, language):
    """Register an item on pages of a language."""
    address = f"{buyer.scan(path)}?lang={language}"
    buyer.get(address)
    buyer.post(address, email=buyer.email)
    buyer.follow("owner-confirm")


def test_the_page_of_an_owner_chooses_too(scene, strap):
    codes = scene.issue(strap, 5, lot="P1")
    buyer = owning.Buyer(scene, f"paula{codes.run}@example.com")
    buyer.register(codes.path(0))
    address = (buyer.last.location or buyer.last.request.path).partition("?")[0]
    scene.recall(strap, lot="P1", **SAID)

    assert "Das Armband kann reißen" in buyer.get(f"{address}?lang=de").text
    assert "<p>Bringen Sie es zurück</p>" in buyer.last.text
    assert IN_ENGLISH in buyer.get(f"{address}?lang=cs").text


# --- What is accepted ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        ([Text("xx", "a", "b")], "no language 'xx'"),
        ([Text("en", "a", "b")], "two texts in English"),
        ([GERMAN, GERMAN], "two texts in German"),
        ([Text("de", " ", "b")], "Give the reason in German"),
        ([Text("de", "a", " ")], "Say what to do in German"),
        ([Text("de", "x" * (LONGEST + 1), "b")], "1000 characters"),
        ([Text("de", "a", "x" * (LONGEST + 1))], "1000 characters"),
    ],
)
def test_a_text_that_nobody_could_rely_on_is_refused(texts, sentence):
    with pytest.raises(BadInput, match=sentence):
        recall_languages.checked(Text("en", "It may break", "Bring it back"), texts)


def test_a_text_says_no_more_than_the_original():
    with pytest.raises(BadInput, match="and the original does not"):
        recall_languages.checked(Text("en", "It may break"), [GERMAN])


def test_an_unknown_language_of_the_original_is_refused(scene, strap):
    with pytest.raises(BadInput, match="no language"), scene.owner_session() as session:
        recalls.recall(session, strap, Target(), reason="x", language="tlh", serial_keys={}, now=scene.clock())


def test_markets_say_which_languages_they_lack():
    assert recall_languages.missing(("DE", "BE", "FI"), ("de", "fi")) == (("BE", ("nl", "fr")), ("FI", ("sv",)))
    assert recall_languages.sentences(("BE", "FI"), ("fr", "sv")) == ["Belgium: Dutch, German", "Finland: Finnish"]
    assert recall_languages.missing((), ()) == ()
    assert recall_languages.missing(("JP",), ()) == ()


# --- Later texts -----------------------------------------------------------------------------------------------------


def test_texts_are_added_to_a_recall_in_force_and_taken_away(scene, strap, codes):
    number = scene.recall(strap, reason="The strap may break", remedy="Bring it back")
    assert IN_ENGLISH in page(scene, codes.path(), "de")

    with scene.owner_session() as session:
        before = recalls.get_recall(session, number)
        after = recalls.add_texts(session, number, {"de": GERMAN, "ar": ARABIC})
    assert "Das Armband kann reißen" in page(scene, codes.path(), "de")
    assert recalls.changes(before, after)["texts"] == {
        "ar": {"reason": ARABIC.reason, "remedy": ARABIC.remedy},
        "de": {"reason": GERMAN.reason, "remedy": GERMAN.remedy},
    }

    with scene.owner_session() as session:
        last = recalls.add_texts(session, number, {"de": None})
    assert set(last.texts) == {"ar"}
    assert recalls.changes(after, last)["texts"] == {"de": None}
    assert recalls.changes(last, last) == {}
    assert IN_ENGLISH in page(scene, codes.path(), "de")


def test_the_language_of_what_was_announced_can_be_put_right(scene, strap, codes):
    number = scene.recall(strap, reason="Das Armband kann reißen")
    assert '<span lang="en"' in page(scene, codes.path(), "de")

    with scene.owner_session() as session:
        recalls.add_texts(session, number, {}, language="de")
    assert '<span lang="en"' not in page(scene, codes.path(), "de")
    assert '<span lang="de" dir="ltr">Das Armband kann reißen</span>' in page(scene, codes.path(), "en")


def test_a_recall_of_another_brand_is_not_found(scene, strap):
    number = scene.recall(strap)

    with pytest.raises(NotFound), scene.owner_session() as session:
        recalls.add_texts(session, number, {"de": GERMAN}, brand_id=scene.rival.id)


def test_two_people_who_add_a_language_each_do_not_undo_each_other(scene, strap):
    number = scene.recall(strap, reason="a")
    begun, results = threading.Barrier(2), []

    def add(tag):
        with scene.owner_session() as session:
            begun.wait(10)
            results.append(recalls.add_texts(session, number, {tag: Text(tag, "b")}))

    threads = [threading.Thread(target=add, args=(tag,)) for tag in ("de", "fr")]
    [thread.start() for thread in threads]
    [thread.join(20) for thread in threads]

    assert len(results) == 2
    assert scene.row("SELECT texts FROM recalls WHERE id = %s", number)[0].keys() == {"de", "fr"}


# --- Whoever asks elsewhere ------------------------------------------------------------------------------------------


def test_a_dealer_and_a_program_are_told_in_their_language(scene, strap, codes):
    scene.recall(strap, **SAID)
    uri, visitor = scene.rt.config.base_url + codes.path(), scene.visitor()

    looked = visitor.open("/check?lang=de", "POST", data={"code": uri}, headers=owning.FROM_HERE)
    assert "Das Armband kann reißen" in looked.text, looked.text
    other = visitor.open("/check?lang=hu", "POST", data={"code": uri}, headers=owning.FROM_HERE)
    assert IN_ENGLISH in other.text
    told = visitor.open("/api/v1/verify", "POST", json={"uri": uri}, headers={"Accept-Language": "ar"})
    assert ARABIC.reason in told.json["text"]
