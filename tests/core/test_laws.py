import pytest

from authsvc.core import laws
from authsvc.core.laws import BatteryKind
from authsvc.core.register import Granularity


def battery(kind, kwh=None):
    return {"battery": {"kind": kind, "kwh": kwh}}


@pytest.mark.parametrize(
    ("kind", "kwh", "is_serial"),
    [
        ("ev", 75, True),
        ("ev", None, True),
        ("lmt", 0.4, True),
        ("industrial", 2.001, True),
        ("industrial", 2, False),  # "more than", not "at least"
        ("industrial", 0.5, False),
        ("portable", 0.05, False),
        ("portable", 5, False),  # the threshold is of industrial ones alone
        ("sli", 1, False),
    ],
)
def test_a_battery_has_a_passport_by_kind_and_energy(kind, kwh, is_serial):
    rule = laws.find_rule("batteries", battery(kind, kwh), ["DE"])

    assert rule is (laws.BATTERY_PASSPORT if is_serial else None)


@pytest.mark.parametrize(
    ("category", "attributes", "sentence"),
    [
        ("Battery", {}, "say in the attributes which kind"),
        ("industrial battery", {}, "give its energy in kWh"),
        (None, battery("industrial"), "give its energy in kWh"),
    ],
)
def test_a_battery_that_cannot_be_judged_is_asked_about(category, attributes, sentence):
    with pytest.raises(laws.UnclearBattery, match=sentence):
        laws.find_rule(category, attributes, [])


@pytest.mark.parametrize("category", ["EV battery", " electric  vehicle BATTERY ", "e-bike batteries"])
def test_the_usual_names_of_batteries_are_known(category):
    assert laws.find_rule(category, {}, []) is laws.BATTERY_PASSPORT


@pytest.mark.parametrize("attributes", [{"battery": "yes"}, {"battery": {"kind": "solar"}}, {"battery": {}}])
def test_attributes_that_law_does_not_know_say_nothing(attributes):
    assert laws.find_rule("watches", attributes, []) is None
    assert laws.find_rule("ev battery", attributes, []) is laws.BATTERY_PASSPORT


@pytest.mark.parametrize(
    ("markets", "rule"),
    [
        ([], laws.BATTERY_PASSPORT),
        (["EU"], laws.BATTERY_PASSPORT),
        (["US", "FR"], laws.BATTERY_PASSPORT),
        (["US", "CN"], None),
    ],
)
def test_the_rule_holds_where_the_battery_is_sold(markets, rule):
    assert laws.find_rule(None, battery("ev"), markets) is rule
    assert laws.find_rule("battery", {}, ["US"]) is None


@pytest.mark.parametrize(
    ("markets", "rule"),
    [([], laws.FALSIFIED_MEDICINES), (["DE", "US"], laws.FALSIFIED_MEDICINES), (["US"], laws.DSCSA), (["CH"], None)],
)
def test_prescription_medicines_are_serialised(markets, rule):
    assert laws.find_rule("Pharmaceuticals", {}, markets) is rule


def test_a_refusal_names_rule_source_date_and_a_way():
    text = laws.refusal(laws.BATTERY_PASSPORT, Granularity.BATCH)

    for words in (
        "batch is not allowed",
        "2023/1542",
        "18 February 2027",
        "more than 2 kWh",
        "Choose serial",
        "advice",
    ):
        assert words in text


def test_every_rule_has_a_source_and_a_date_and_an_id_of_its_own():
    assert all(rule.source and rule.date and rule.says.endswith(".") for rule in laws.RULES)
    assert len({rule.id for rule in laws.RULES}) == len(laws.RULES)
    assert {rule.granularity for rule in laws.RULES} == {None, Granularity.SERIAL}


def test_kinds_are_those_of_the_regulation():
    assert list(BatteryKind) == ["ev", "lmt", "industrial", "portable", "sli"]
