"""Cells of CSV that no spreadsheet takes for a formula, and that any reader gives back."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authsvc.core import csv_cells

DANGEROUS = "=+-@\t\r\n|%\uff1d\uff0b\uff0d\uff20"


@given(st.text())
def test_no_cell_begins_like_a_formula(text):
    cell = csv_cells.safe(text)

    assert cell.lstrip(" \u00a0\u3000\ufeff")[:1] not in set(DANGEROUS)
    assert cell in {text.replace("\0", ""), "'" + text.replace("\0", "")}


@pytest.mark.parametrize("starter", DANGEROUS)
@pytest.mark.parametrize("blank", ["", " ", "\u00a0", "\u3000", "  "])
def test_what_would_run_gets_an_apostrophe(starter, blank):
    assert csv_cells.safe(f"{blank}{starter}cmd") == f"'{blank}{starter}cmd"


@pytest.mark.parametrize(("value", "cell"), [(None, ""), (7, "7"), ("plain", "plain"), (-7, "'-7"), ("a=b", "a=b")])
def test_what_is_harmless_stays(value, cell):
    assert csv_cells.safe(value) == cell


@given(st.lists(st.text(st.characters(blacklist_categories=["Cs"]), max_size=20), min_size=1, max_size=5))
def test_a_row_is_read_back_by_any_reader(values):
    read = list(csv.reader(io.StringIO(csv_cells.row(values), newline="")))

    assert read == [[csv_cells.safe(value) for value in values]]
