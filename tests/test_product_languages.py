"""A product in the language of its reader: from a file, a form or a program to the page; else as it was written."""

import json
from importlib import resources

import owning
import pytest
from programs import program, work, worker_settings

from authsvc import catalogue
from authsvc.core.product_rows import check_row

FACTS = {"facts": [["Case", "Steel"]], "data": [{"name": "Glass", "value": "Sapphire"},
         {"name": "Cost", "value": "12", "audience": "partner"}]}  # fmt: skip
ROW = {"gtin": "09506000177779", "brand": "halden", "name": "Field watch", "granularity": "serial"}
GERMAN = {"name.de": "Felduhr", "description.de": "Blaues Zifferblatt", "facts.de": "Gehäuse: Stahl\nGlas: Saphir"}


def register(scene, **cells):
    """Register or change the product as a file does, and return it."""
    with scene.owner_session() as session:
        catalogue.import_products(session, [(2, {**ROW, **cells})], read_image=open, now=scene.clock())
    scene.refresh()
    return scene.rt.held.register.find_product(ROW["gtin"])


@pytest.fixture
def codes(scene):
    scene.admin.execute("UPDATE products SET texts = '{}' WHERE gtin = %s", (ROW["gtin"],))
    scene.admin.execute("UPDATE lots SET attributes = '{}' WHERE gtin = %s", (ROW["gtin"],))
    product = register(scene, description="Blue dial", language="en", attributes=FACTS, **GERMAN)
    return scene.issue(product, 5, lot="F1")


def page(scene, codes, language, index=0):
    return scene.visitor().open(codes.path(index), headers={"Accept-Language": language}).text


def test_a_page_shows_the_product_in_the_language_of_its_reader(scene, codes):
    german = page(scene, codes, "de")
    assert "<h3>Felduhr</h3><p>Blaues Zifferblatt</p>" in german
    assert "<dt>Gehäuse</dt><dd>Stahl</dd>" in german
    assert "<dt>Glas</dt><dd>Saphir</dd>" in german
    assert "Cost" not in german

    english = page(scene, codes, "en")
    assert "<h3>Field watch</h3><p>Blue dial</p>" in english
    assert "<dt>Case</dt><dd>Steel</dd>" in english


def test_what_a_language_lacks_is_shown_as_what_it_is(scene, codes):
    register(scene, **{"name.it": "Orologio"})
    italian = page(scene, codes, "it")

    assert "<h3>Orologio</h3>" in italian
    assert '<p><span lang="en" dir="ltr">Blue dial</span></p>' in italian
    assert '<dt><span lang="en" dir="ltr">Case</span></dt><dd><span lang="en" dir="ltr">Steel</span></dd>' in italian


def test_the_demo_says_all_of_its_products_in_german_and_french():
    folder = resources.files("authsvc") / "data" / "demo"
    files = [(folder / f"{name}.jsonl").read_text(encoding="utf-8") for name in ("products", "sandbox")]
    rows = [json.loads(line) for line in "".join(files).splitlines()]
    checked = [check_row(n, row) for n, row in enumerate(rows)]

    assert len(rows) == 5
    assert [faults for _row, faults in checked] == [[]] * 5
    for row in rows:
        assert row["language"] == "en"
        for tongue in ("de", "fr"):
            assert row[f"description.{tongue}"] != row["description"]
            assert len(row.get(f"facts.{tongue}", ())) == len(row["attributes"].get("facts", ()))


def test_a_product_that_does_not_say_its_language_is_shown_without(scene, codes):
    register(scene, language="")

    assert "<h3>Field watch</h3>" in page(scene, codes, "fr")


def test_a_document_chooses_as_the_page_does(scene, codes):
    told = scene.visitor().check(codes.path(), **{"Accept-Language": "de"})["product"]
    assert (told["name"], told["description"]) == ("Felduhr", "Blaues Zifferblatt")
    assert scene.visitor().check(codes.path(1), **{"Accept-Language": "fi"})["product"]["name"] == "Field watch"
    assert scene.visitor().check(codes.path(1))["product"]["name"] == "Field watch"


def test_a_look_up_and_the_page_of_an_owner_have_its_name(scene, codes):
    uri, visitor = scene.rt.config.base_url + codes.path(3), scene.visitor()
    looked = visitor.open("/check?lang=de", "POST", data={"code": uri}, headers=owning.FROM_HERE)
    assert "<h3>Felduhr</h3><p>Blaues Zifferblatt</p>" in looked.text

    register(scene, warranty_months="24")
    buyer = owning.Buyer(scene, f"felix{codes.run}@example.com")
    buyer.register(codes.path(4))
    address = (buyer.last.location or buyer.last.request.path).partition("?")[0]
    assert "Felduhr" in buyer.get(f"{address}?lang=de").text
    assert "Felduhr" in buyer.get("/own?lang=de").text
    assert '<span lang="en" dir="ltr">Field watch</span>' in buyer.get("/own?lang=da").text


def test_a_fact_of_a_batch_hides_the_one_that_it_overrides_in_every_language(scene, codes):
    scene.admin.execute(
        """UPDATE lots SET attributes = '{"data": [{"name": "Glass", "value": "Mineral"}]}' WHERE gtin = %s""",
        (ROW["gtin"],),
    )
    german = page(scene, codes, "de", 2)

    assert "Saphir" not in german
    assert "Mineral" in german
    assert "<dt>Gehäuse</dt><dd>Stahl</dd>" in german


def test_facts_that_no_longer_fit_are_shown_as_they_were_written(scene, codes):
    register(scene, attributes={"facts": [["Case", "Bronze"]]})

    german = page(scene, codes, "de")
    assert "Bronze" in german
    assert "Stahl" not in german
    assert "Felduhr" in german


def test_facts_that_change_are_no_longer_told_as_they_were(scene, codes):
    register(scene, attributes={"facts": [["Glass", "Sapphire"], ["Case", "Bronze"], ["Strap", "Steel"]]})

    german = page(scene, codes, "de", 3)
    assert "<dt>Glas</dt><dd>Saphir</dd>" in german
    assert '<dd><span lang="en" dir="ltr">Bronze</span></dd>' in german
    assert "Stahl" not in german

    register(scene, **{"facts.de": "Glas: Saphir\nGehäuse: Bronze\nBand: Stahl"})
    assert "<dt>Gehäuse</dt><dd>Bronze</dd>" in page(scene, codes, "de", 4)


def test_a_cell_that_is_empty_takes_its_text_away_and_a_column_that_is_missing_leaves_it(scene, codes):
    assert register(scene, **{"description.de": "", "name.fr": "Montre"}).texts == {
        "de": {"name": "Felduhr", "facts": [["Gehäuse", "Stahl"], ["Glas", "Saphir"]]},
        "fr": {"name": "Montre"},
    }
    assert set(register(scene, **{"name.de": "", "facts.de": ""}).texts) == {"fr"}


def test_a_program_gives_texts_and_takes_them_away(scene, codes):
    erp, settings = program(scene), worker_settings(scene)
    texts = {"de": None, "nl": {"name": "Horloge", "facts": [["Kast", "Staal"], ["Glas", "Saffier"]]}}
    path = f"/products/{ROW['gtin']}"
    row = {name: cell for name, cell in ROW.items() if name != "brand"}
    order = erp.post("/products/imports", {"products": [{**row, "texts": texts}]})
    assert order.status_code == 202, order.text
    work(scene, settings)

    assert erp.get(order.location).json["state"] == "done", erp.get(order.location).text
    found = erp.get(path).json
    assert (found["language"], found["texts"]) == ("en", {"nl": texts["nl"]})
    refused = erp.post("/products/imports", {"products": [{**row, "texts": {"xx": {"name": "b"}}}]})
    assert refused.status_code == 400
