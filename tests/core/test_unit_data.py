from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from authsvc.core import records, unit_data
from authsvc.core.records import Record, check_values, courses
from authsvc.core.unit_data import Attribute, Audience, Level
from authsvc.errors import BadInput

AT = datetime(2026, 9, 28, tzinfo=UTC)


def test_each_circle_sees_what_wider_ones_see():
    public, owner, partner, authority = Audience

    assert [viewer.sees(owner) for viewer in Audience] == [False, True, True, True]
    assert authority.seen == ("public", "owner", "partner", "authority")
    assert public.seen == ("public",)
    assert partner.sees(partner)


def test_the_nearest_level_wins_for_whoever_may_see_it():
    product = unit_data.of_product({"facts": [["Origin", "EU"], ["Case", "Steel"]], "noun": "watch"})
    lot = unit_data.of_lot({"origin": "Norway", "data": [{"name": "Case", "value": "Gold", "audience": "owner"}]})
    item = [Attribute("Colour", "red", Level.ITEM), Attribute("Origin", "Oslo", Level.ITEM, Audience.AUTHORITY)]

    seen = {viewer: unit_data.resolve([*product, *lot, *item], viewer) for viewer in Audience}

    assert [(fact.name, fact.value, fact.level) for fact in seen[Audience.PUBLIC]] == [
        ("Origin", "Norway", "lot"), ("Case", "Steel", "product"), ("Colour", "red", "item"),
    ]  # fmt: skip
    assert [fact.value for fact in seen[Audience.OWNER]] == ["Norway", "Gold", "red"]
    assert [fact.value for fact in seen[Audience.AUTHORITY]] == ["Oslo", "Gold", "red"]


def test_facts_of_a_form_are_lines():
    text = "Leather: calf\n\nTannery: Prato: north [partner]\n"

    found = unit_data.parse_lines(text)

    assert found == [
        {"name": "Leather", "value": "calf", "audience": "public"},
        {"name": "Tannery", "value": "Prato: north", "audience": "partner"},
    ]
    assert unit_data.parse_lines(unit_data.write_lines({"data": found})) == found


@pytest.mark.parametrize("text", ["no colon", ": x", "Name:", "Name: x [nobody]", "N" * 61 + ": x"])
def test_a_line_that_is_no_fact_is_refused(text):
    with pytest.raises(BadInput):
        unit_data.parse_lines(text)


@pytest.mark.parametrize(
    "given",
    [{}, [1], [{"name": "x"}], [{"name": "x", "value": 1}], [{"name": "x", "value": "y", "z": ""}],
     [{"name": "x", "value": "y", "audience": "all"}], [{"name": "x", "value": "y"}] * 101],
)  # fmt: skip
def test_data_of_a_file_is_a_list_of_facts(given):
    with pytest.raises(BadInput):
        unit_data.read_list(given)


def test_what_is_stored_in_another_shape_is_left_out():
    stored = {"facts": ["x", ["a"]], "data": ["x", {"name": "a"}, {"name": "a", "value": "b", "audience": "all"}],
              "origin": 3}  # fmt: skip

    assert unit_data.of_lot(stored) == []
    assert unit_data.of_product({"facts": {}, "data": {}}) == []


def test_values_are_those_of_the_kind():
    assert check_values("battery", {"state_of_health": 93.1, "status": "original"})["state_of_health"] == 93.1
    assert check_values("test", {"leak_mbar": 2.5, "result": "passed"}) == {"leak_mbar": 2.5, "result": "passed"}


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("rumour", {}),
        ("battery", {"state_of_health": 101}),
        ("battery", {"state_of_health": True}),
        ("battery", {"state_of_health": float("nan")}),
        ("battery", {"colour": "red"}),
        ("test", {"Bad name": 1}),
        ("test", {"x": 1e13}),
        ("test", {"result": "two\nlines"}),
        ("service", {"cost": 3}),
        ("test", {f"v{n}": n for n in range(21)}),
    ],
)
def test_a_value_that_is_not_of_the_kind_is_refused(kind, values):
    with pytest.raises(BadInput):
        check_values(kind, values)


def record(number, values, *, kind="battery", is_corrected=False):
    return Record(
        id=UUID(int=number), kind=kind, at=AT + timedelta(days=number), values=values, text="", by="x",
        audience=Audience.OWNER, recorded_at=AT, is_corrected=is_corrected,
    )  # fmt: skip


def test_a_course_is_of_two_points_and_more_and_skips_what_was_corrected():
    found = courses(
        [
            record(3, {"state_of_health": 90}),
            record(1, {"state_of_health": 99, "charge_cycles": 1}),
            record(2, {"state_of_health": 9}, is_corrected=True),
            record(4, {"leak": 1.0}, kind="test"),
            record(5, {"leak": 2.0}, kind="test"),
        ]
    )

    assert [(course.label, [value for _, value in course.points]) for course in found] == [
        ("State of health", [99, 90]), ("Leak", [1, 2]),
    ]  # fmt: skip


def test_a_record_is_worded_for_people():
    one = record(1, {"state_of_health": 93.5, "charge_cycles": 1204, "event": "deep discharge"})

    assert one.worded() == [("State of health", "93.5 %"), ("Charge cycles", "1,204 cycles"),
                            ("Event", "deep discharge")]  # fmt: skip
    assert one.label == "Battery"
    assert record(1, {"a_b": 1}, kind="gone").worded() == [("a b", "1")]
    assert records.number(2.50) == "2.5"
