"""Product files of every kind give the same rows, and say what is wrong with them."""

import io
import json

import pytest
from openpyxl import Workbook

from authsvc.errors import BadInput
from authsvc.product_files import read_rows

NAMES = ("gtin", "name", "granularity")
PRODUCT = ("09506000134352", "Watch", "serial")


def book(*rows):
    made, file = Workbook(), io.BytesIO()
    for row in rows:
        made.active.append(row)
    made.save(file)
    return file.getvalue()


def rows(name, content):
    return list(read_rows(name, io.BytesIO(content)))


def test_every_kind_of_file_gives_the_same_rows():
    expected = dict(zip(NAMES, PRODUCT, strict=True))

    assert rows("p.csv", f"{','.join(NAMES)}\n{','.join(PRODUCT)}\n".encode("utf-8-sig")) == [(2, expected)]
    assert rows("p.jsonl", f"\n{json.dumps(expected)}\n".encode()) == [(2, expected)]
    assert rows("p.xlsx", book(NAMES, PRODUCT)) == [(2, expected)]


def test_a_spreadsheet_has_numbers_gaps_and_cells_without_a_header():
    found = rows(
        "p.xlsx",
        book((*NAMES, "warranty_months"), (9506000134352, "Watch", "serial", 24.0), (), ("1", "x", None, None, "y")),
    )

    assert found[0] == (
        2,
        {"gtin": "09506000134352", "name": "Watch", "granularity": "serial", "warranty_months": "24"},
    )
    assert found[1][0] == 4
    assert found[1][1]["(no header)"] == "y"


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("p.csv", b"name\nx\n", "gtin among them"),
        ("p.csv", b"gtin,gtin\n", "names a column twice"),
        ("p.csv", b"gtin\n\xff\n", "not in UTF-8"),
        ("p.xlsx", b"no workbook", "no workbook that can be read"),
        ("p.xlsx", book(("name",)), "gtin among them"),
        ("p.jsonl", b"[1]\n", "must be a JSON object"),
        ("p.jsonl", b"{\n", "Row 1 is no JSON"),
    ],
)
def test_what_is_no_product_file_is_refused(name, content, sentence):
    with pytest.raises(BadInput, match=sentence):
        rows(name, content)
