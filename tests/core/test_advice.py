"""The examples that every guide has, and what tips each of them over."""

import pytest

from authsvc.core import advice, laws
from authsvc.core.advice import Case, RecallPrecision, Traceability, UnitData
from authsvc.core.categories import CATEGORIES
from authsvc.core.code_costs import Assumptions
from authsvc.core.laws import BatteryKind
from authsvc.core.register import Granularity
from authsvc.errors import BadInput

BATCH, SERIAL, HYBRID = Granularity
NEEDS = {"traceability", "recall", "authentication", "unit_data", "resale", "reports_by_serial"}


def asked(category, value=20.0, **answers):
    return advice.advise(Case(category=category, value=value, volume=100_000, **answers), Assumptions())


def factors(found):
    return [reason.factor for reason in found.reasons]


@pytest.mark.parametrize(
    ("category", "granularity"),
    [
        ("wine", BATCH),
        ("ev-battery", SERIAL),
        ("t-shirt", BATCH),
        ("luxury-textile", SERIAL),
        ("smartphone", SERIAL),
        ("electronics-accessory", BATCH),
        ("textile", BATCH),
    ],
)
def test_the_usual_answer_of_each_example(category, granularity):
    found = asked(category)

    assert found.granularity is granularity
    assert found.reasons[0].granularity is granularity
    assert found.headline.startswith(f"{granularity.capitalize()} codes ")


def test_wine_is_the_same_for_the_vintage_unless_premium_bottles_are_authenticated():
    usual, premium = asked("wine", markets=("FR",)), asked("wine", 900, authentication=True, markets=("FR",))

    assert "the same for a whole vintage" in usual.reasons[0].text
    assert (usual.granularity, premium.granularity) == (BATCH, SERIAL)
    assert factors(premium) == ["authentication", "value"]
    for found in usual, premium:
        assert "2021/2117" in found.notes[0]
        assert "tracking: none" in found.notes[1]


def test_wine_that_is_not_sold_in_the_eu_hears_nothing_of_its_law():
    assert not any("2021/2117" in note for note in asked("wine", markets=("US",)).notes)


@pytest.mark.parametrize(
    ("category", "kind", "kwh"),
    [("ev-battery", None, None), ("battery", "ev", 75), ("battery", "lmt", 0.4), ("battery", "industrial", 2.5)],
)
def test_law_makes_serials_mandatory_for_batteries_with_a_passport(category, kind, kwh):
    found = asked(category, battery=None if kind is None else BatteryKind(kind), kwh=kwh, markets=("DE",))

    assert (found.granularity, found.rule) == (SERIAL, laws.BATTERY_PASSPORT)
    assert found.headline.startswith("Serial codes are mandatory")
    assert factors(found)[0] == "law"
    assert "18 February 2027" in found.rule.citation


@pytest.mark.parametrize("chosen", [BATCH, HYBRID])
def test_what_law_forbids_is_refused_with_its_source(chosen):
    with pytest.raises(BadInput, match=r"not allowed.*2023/1542.*18 February 2027.*Choose serial"):
        advice.check_choice(asked("ev-battery"), chosen)


def test_what_law_allows_is_accepted():
    advice.check_choice(asked("ev-battery"), SERIAL)
    advice.check_choice(asked("textile"), BATCH)


@pytest.mark.parametrize(("kind", "kwh"), [("industrial", 2.0), ("portable", 9.0), ("sli", 0.7)])
def test_other_batteries_are_free(kind, kwh):
    found = asked("battery", battery=BatteryKind(kind), kwh=kwh)

    assert (found.granularity, found.rule) == (BATCH, None)
    assert "No rule that is known here" in found.notes[-1]


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ({"category": "battery"}, "law decides by kind and energy"),
        ({"category": "battery", "battery": BatteryKind.INDUSTRIAL}, "for an industrial one its energy"),
        ({"category": "wine", "battery": BatteryKind.EV}, "belongs to the category battery"),
        ({"category": "battery", "battery": BatteryKind.EV, "kwh": 0.0}, "above 0"),
        ({"category": "battery", "battery": BatteryKind.EV, "kwh": float("nan")}, "above 0"),
        ({"category": "boat"}, "no category 'boat'; they are wine"),
        ({"category": "wine", "value": -1}, "not negative"),
    ],
)
def test_a_case_that_cannot_be_judged_is_refused(answers, sentence):
    with pytest.raises(BadInput, match=sentence):
        asked(**answers)


def test_a_t_shirt_of_great_value_gets_a_serial_and_the_cost_is_set_against_it():
    found = asked("t-shirt", 400)

    assert (found.granularity, factors(found)) == (SERIAL, ["value"])
    assert "400.00" in found.reasons[0].text
    assert "0.0087 more" in found.reasons[0].text


@pytest.mark.parametrize("category", ["textile", "t-shirt", "luxury-textile"])
def test_textiles_are_never_told_that_law_requires_anything(category):
    found = asked(category)
    text = " ".join([found.headline, *(reason.text for reason in found.reasons), *found.notes])

    assert found.rule is None
    assert "the choice is yours" in text
    assert not any(word in text for word in ("required", "mandatory", "must"))


@pytest.mark.parametrize(
    ("answers", "granularity", "factor"),
    [
        ({"traceability": Traceability.UNIT}, SERIAL, "traceability"),
        ({"traceability": Traceability.CASE}, HYBRID, "traceability"),
        ({"traceability": Traceability.LOT}, BATCH, "traceability"),
        ({"recall": RecallPrecision.UNIT}, SERIAL, "recall"),
        ({"recall": RecallPrecision.LOT}, BATCH, "recall"),
        ({"reports_by_serial": True}, SERIAL, "reports"),
        ({"authentication": True}, SERIAL, "authentication"),
        ({"resale": True}, SERIAL, "resale"),
        ({"unit_data": UnitData.PER_UNIT}, SERIAL, "unit data"),
        ({"unit_data": UnitData.AT_REGISTRATION}, HYBRID, "unit data"),
    ],
)
def test_each_need_speaks_for_something(answers, granularity, factor):
    found = asked("other", **answers)

    assert found.granularity is granularity
    assert factor in factors(found)


def test_the_strongest_need_wins():
    assert asked("other", traceability=Traceability.CASE, authentication=True).granularity is SERIAL


def test_an_answer_beats_what_is_usual():
    needs = {"unit_data": UnitData.NONE, "reports_by_serial": False, "resale": False}

    assert asked("smartphone").granularity is SERIAL
    assert asked("smartphone", **needs).granularity is BATCH
    assert asked("luxury-textile", authentication=False).granularity is SERIAL


def test_what_is_given_up_is_said():
    assert any("Copies go unnoticed" in note for note in asked("textile").notes)
    assert any("among cases only" in note for note in asked("other", traceability=Traceability.CASE).notes)
    assert any("when its owner registers it" in n for n in asked("other", unit_data=UnitData.AT_REGISTRATION).notes)
    assert not any("Copies" in note for note in asked("smartphone").notes)


def test_medicines_follow_their_markets():
    assert asked("prescription-medicine", markets=("DE",)).rule is laws.FALSIFIED_MEDICINES
    assert asked("prescription-medicine", markets=("US",)).rule is laws.DSCSA
    elsewhere = asked("prescription-medicine", markets=("JP",))
    assert (elsewhere.rule, elsewhere.granularity) == (None, SERIAL)


def test_unnamed_markets_are_said_to_be_all():
    assert "sold everywhere" in asked("ev-battery").notes[-1]


@pytest.mark.parametrize("name", CATEGORIES)
def test_a_category_gives_answers_that_the_advisor_knows(name):
    category = CATEGORIES[name]
    found = asked(name, battery=BatteryKind.PORTABLE if name == "battery" else None)

    assert set(category.needs) <= NEEDS
    assert category.because.endswith(".")
    assert found.reasons
    assert all(reason.text.endswith(".") for reason in found.reasons)


def test_every_factor_says_what_it_does():
    assert all(factor.__doc__ for factor in advice.FACTORS)
