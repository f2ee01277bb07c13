import pytest
from hypothesis import given
from hypothesis import strategies as st

from authsvc.core import product_rows
from authsvc.core.product_rows import Fault, check_row, media_type

WATCH = {"gtin": "09506000134352", "brand": "halden", "name": " Watch ", "granularity": "serial"}


def test_a_row_of_required_cells_sets_nothing_else():
    row, faults = check_row(2, WATCH)

    assert faults == []
    assert (row.row, row.gtin, row.brand, row.image) == (2, "09506000134352", "halden", None)
    assert row.values == {"name": "Watch", "granularity": "serial"}


def test_an_empty_cell_empties_a_fact_and_keeps_a_choice():
    empty = dict.fromkeys(product_rows.COLUMNS, " ")
    row, faults = check_row(2, {**empty, **WATCH})

    assert faults == []
    assert row.values == {
        "name": "Watch",
        "granularity": "serial",
        "category": None,
        "description": None,
        "warranty_months": None,
        "markets": [],
        "attributes": {},
        "copy_threshold": None,
        "lot_format": None,
        "serial_format": None,
        "serial_from": None,
        "language": None,
    }


@pytest.mark.parametrize(
    ("column", "cell", "text"),
    [
        ("name", "x" * 201, "has at most 200 characters, got 201"),
        ("name", "\ud800", "holds a control character; remove it"),
        ("gtin", "12345", "A GTIN has 8, 12, 13 or 14 digits, got '12345'. Check the number and correct it."),
        ("gtin", "4006381333931", "a GTIN has 14 digits here; write 4006381333931 as 04006381333931"),
        ("token", "rsa", "must be one of ed25519, compact, none, got 'rsa'"),
        ("tracking", 1, "must be one of none, scans, got 1"),
        ("warranty_months", 2.5, "must be a whole number of months from 0 to 1200, got 2.5"),
        ("markets", 7, "must be country codes of two capital letters, such as DE FR, got 7"),
        ("attributes", '{"a": }', "is no JSON: Expecting value at character 7"),
        ("attributes", '{"a":' * 100_000, "is nested too deeply"),
        ("attributes", '{"a": NaN}', "holds a number that is none, or half a character; remove it"),
        ("attributes", '{"a": 1e999}', "holds a number that is none, or half a character; remove it"),
        ("attributes", '{"a": "\\ud800"}', "holds a number that is none, or half a character; remove it"),
        ("attributes", '{"a": "\\u0000"}', "holds a NUL character; remove it"),
        ("attributes", "[]", 'must be a JSON object, such as {"noun": "watch"}'),
    ],
)
def test_a_fault_says_where_and_what(column, cell, text):
    row, faults = check_row(7, {**WATCH, column: cell})

    assert row is None
    assert faults == [Fault(7, column, text)]
    assert str(faults[0]) == f"row 7, {column}: {text}"


def test_a_case_proves_no_item():
    _, faults = check_row(2, {**WATCH, "granularity": "hybrid", "claim": "optional"})
    assert [fault.column for fault in faults] == ["claim"]


def test_the_code_of_a_lot_is_not_commissioned():
    _, faults = check_row(2, {**WATCH, "granularity": "batch", "release": "on-commission"})

    assert [fault.column for fault in faults] == ["release"]


def test_markets_are_sorted_and_named_once():
    row, _ = check_row(2, {**WATCH, "markets": "FR; DE,FR"})

    assert row.values["markets"] == ["DE", "FR"]


CELLS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text() | st.integers())


@given(
    st.dictionaries(
        st.sampled_from(sorted(product_rows.COLUMNS)) | st.text(), CELLS | st.dictionaries(st.text(), CELLS)
    )
)
def test_any_cells_are_a_row_or_faults(cells):
    row, faults = check_row(1, cells)

    assert (row is None) == bool(faults)


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"RIFF\0\0\0\0WAVE", b"<svg/>", b"\0\0\0\x20ftypmp42"])
def test_other_files_are_no_pictures(data):
    assert media_type(data) is None


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xdb", "image/jpeg"),
        (b"RIFF\0\0\0\0WEBPVP8L", "image/webp"),
        (b"\0\0\0\x1cftypavis", "image/avif"),
    ],
)
def test_a_picture_is_known_by_its_first_bytes(data, kind):
    assert media_type(data) == kind


@pytest.mark.parametrize(
    "attributes",
    [{"noun": 1}, {"copy_threshold": True}, {"copy_threshold": 10_001}, {"facts": "x"}, {"facts": [["a", ""]]}],
)
def test_attributes_that_the_page_cannot_show_are_refused(attributes):
    assert check_row(1, {**WATCH, "attributes": attributes})[1]


def test_the_threshold_has_a_column_of_its_own():
    cells = {**WATCH, "attributes": '{"noun": "watch", "copy_threshold": 3, "facts": [["Case", "Steel"]], "a": 1}'}
    row, _ = check_row(1, cells)

    assert row.values["copy_threshold"] == 3
    assert row.values["attributes"] == {"noun": "watch", "facts": [["Case", "Steel"]], "a": 1}


@pytest.mark.parametrize(
    "cells",
    [
        {"category": "EV battery"},
        {"attributes": {"battery": {"kind": "lmt", "kwh": 0.5}}},
        {"category": "batteries", "attributes": '{"battery": {"kind": "industrial", "kwh": 2.5}}', "markets": "US DE"},
        {"category": "Pharmaceuticals"},
    ],
)
@pytest.mark.parametrize("granularity", ["batch", "hybrid"])
def test_what_law_serialises_is_refused_as_anything_else(cells, granularity):
    _, faults = check_row(3, {**WATCH, **cells, "granularity": granularity})

    assert [fault.column for fault in faults] == ["granularity"]
    assert f"row 3, granularity: {granularity} is not allowed" in str(faults[0])
    assert "Regulation (EU)" in faults[0].text
    assert "Choose serial" in faults[0].text
    assert check_row(3, {**WATCH, **cells})[1] == []


@pytest.mark.parametrize(
    "cells",
    [
        {"category": "batteries", "attributes": {"battery": {"kind": "portable", "kwh": 0.01}}},
        {"attributes": {"battery": {"kind": "industrial", "kwh": 2}}},
        {"category": "EV battery", "markets": "US CN"},
        {"category": "textiles"},
    ],
)
def test_what_law_leaves_open_may_be_batch(cells):
    assert check_row(3, {**WATCH, **cells, "granularity": "batch"})[1] == []


def test_a_battery_of_unknown_kind_is_asked_about():
    _, faults = check_row(3, {**WATCH, "category": "batteries", "granularity": "batch"})

    assert [fault.column for fault in faults] == ["attributes"]
    assert "which kind" in faults[0].text


@pytest.mark.parametrize(
    ("battery", "text"),
    [
        ("yes", "must name its kind"),
        ({"kwh": 3}, "must name its kind"),
        ({"kind": "solar"}, "the kinds are ev, lmt"),
        ({"kind": []}, "must name its kind"),
        ({"kind": "ev", "kwh": "75"}, "a number above 0, got '75'"),
        ({"kind": "ev", "kwh": True}, "a number above 0"),
        ({"kind": "ev", "kwh": 0}, "a number above 0"),
    ],
)
def test_a_battery_names_its_kind_and_its_energy(battery, text):
    _, (fault,) = check_row(3, {**WATCH, "attributes": {"battery": battery}})

    assert fault.column == "attributes"
    assert text in fault.text
