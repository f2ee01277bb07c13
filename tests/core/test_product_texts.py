import pytest

from authsvc.core import product_texts
from authsvc.core.product_rows import check_row
from authsvc.core.register import Granularity, Product

ROW = {"gtin": "09506000177779", "brand": "halden", "name": "Field watch", "granularity": "serial"}


@pytest.mark.parametrize(
    ("cells", "column", "sentence"),
    [
        ({"name.xx": "a"}, "name.xx", "is no column"),
        ({"noun.de": "a"}, "noun.de", "is no column"),
        ({"name.de": "x" * 201}, "name.de", "at most 200"),
        ({"facts.de": "Gehäuse"}, "facts.de", "Name: value"),
        ({"facts.de": '[["a"]]'}, "facts.de", "pairs of texts"),
        ({"facts.de": "[["}, "facts.de", "no JSON"),
        ({"facts.de": "Preis: 12 [partner]"}, "facts.de", "for everybody"),
        ({"language": "tlh"}, "language", "must be one of"),
    ],
)
def test_a_cell_that_cannot_be_used_is_named(cells, column, sentence):
    row, faults = check_row(2, {**ROW, **cells})

    assert row is None
    assert [(fault.column, sentence in fault.text) for fault in faults] == [(column, True)]


def test_facts_come_as_lines_as_json_and_as_lists():
    pairs = [["Gehäuse", "Stahl: 40 mm"]]

    assert product_texts.read_facts("Gehäuse: Stahl: 40 mm") == pairs
    assert product_texts.read_facts('[["Gehäuse", "Stahl: 40 mm"]]') == pairs
    assert product_texts.read_facts(pairs) == pairs


def test_texts_are_columns_and_back():
    texts = {"de": {"name": "Uhr"}, "fr": None}
    columns = {"name.de": "Uhr", "name.fr": None, "description.fr": None, "facts.fr": None}

    assert product_texts.columns(texts) == columns
    assert product_texts.by_language({**columns, "name": "Watch"}) == {
        "de": {"name": "Uhr"}, "fr": dict.fromkeys(product_texts.PARTS),
    }  # fmt: skip
    assert product_texts.merged(None, {"de": {"name": ""}}) == {}


def test_a_product_without_texts_is_what_it_was():
    plain = Product(gtin="09506000177779", brand_id=None, name="x", granularity=Granularity.SERIAL)

    assert product_texts.name_of(plain, "de") == ("x", None)
    assert product_texts.facts_of(plain, "de") == {}
