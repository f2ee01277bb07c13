"""Decisions: each kind of alert has its own, none of them acts on what the alert is not about."""

import csv
from pathlib import Path

import pytest

import authsvc
from authsvc.core import countries, decisions
from authsvc.core.decisions import About, Choice

ON_ITEMS = {Choice.BLOCK, Choice.WARN, Choice.OWNER_ERROR}
WITHOUT_ITEM = sorted(set(About) - {About.ITEM, About.UNIT})


@pytest.mark.parametrize(
    ("key", "rule", "kind"),
    [
        ("09506000134352.A/1", "away-from-its-owner", About.ITEM),
        ("00.395060001343521234", "outside-its-market", About.UNIT),
        ("09506000134352.A1", "receipt-copied", About.PAGE),
        ("09506000134352.A1", "signed-not-issued", About.CODE),
        ("lot/09506000134352/L/1", "lot-in-a-far-place", About.LOT),
        ("09506000134352..L1", "lot-in-a-far-place", About.LOT),
        ("09506000134352.A..1", "outside-its-market", About.ITEM),
        ("run/0197/7", "neighbours-of-a-copy", About.RUN),
        ("network/0197/ab", "codes-refused-from-one-network", About.NETWORK),
        ("shop/0197/ab", "shop-reported", About.SHOP),
    ],
)
def test_an_alert_is_about_what_its_key_and_its_rule_say(key, rule, kind):
    assert decisions.about(key, rule) is kind


@pytest.mark.parametrize("kind", WITHOUT_ITEM)
def test_what_is_no_item_has_no_act_on_one(kind):
    assert not ON_ITEMS & {option.choice for option in decisions.offered(kind)}


@pytest.mark.parametrize("kind", About)
def test_every_kind_has_a_name_and_decisions_that_are_told_apart(kind):
    options = decisions.offered(kind)

    assert len({option.choice for option in options}) == len({option.label for option in options}) == len(options)
    assert all(option.label and option.small and option.submit for option in options)
    assert kind in {About.ITEM, About.UNIT} or all(option.done for option in options)
    assert decisions.NOUNS[kind][0] in decisions.undone(kind)


@pytest.mark.parametrize("kind", About)
@pytest.mark.parametrize("choice", Choice)
def test_what_does_not_fit_is_refused_with_what_does(kind, choice):
    said = decisions.refusal(kind, choice)

    assert decisions.NOUNS[kind][0] in said
    assert all(option.label in said for option in decisions.offered(kind))
    assert (decisions.find(kind, choice) is None) is (choice not in {one.choice for one in decisions.offered(kind)})


def test_a_stored_decision_has_a_name_for_ever():
    assert decisions.name_of(About.SHOP, "confirmed") == "Counterfeits are sold here"
    assert decisions.name_of(About.SHOP, "owner-error") == "Not a copy: owner error"
    assert decisions.name_of(About.ITEM, "confirmed") == "Confirmed: it is so"
    assert decisions.name_of(About.ITEM, "confirmed-clone") == "Confirmed clone"


def test_a_selection_of_one_kind_has_its_own_words_but_no_block():
    shared = decisions.shared([About.ITEM, About.ITEM])

    assert [option.choice for option in shared.options] == [choice for choice in Choice if choice not in
                                                           {Choice.BLOCK, Choice.CONFIRMED}]  # fmt: skip
    assert shared.options[0].label == "Copied code: keep it open and warn"
    (missing,) = shared.missing
    assert missing == "“Copied code: block this serial” is decided one by one: it asks for proof of who you are."


def test_a_mixed_selection_has_what_fits_all_and_says_why_the_rest_is_missing():
    shared = decisions.shared([About.SHOP, About.ITEM, About.NETWORK])

    assert [option.choice for option in shared.options] == [Choice.FALSE_ALARM, Choice.TEST]
    assert "“Copied code: keep it open and warn” does not fit alerts about networks and shops." in shared.missing
    assert "“Confirmed: it is so” does not fit alerts about items." in shared.missing
    assert "“Grey market” does not fit alerts about networks." in shared.missing
    assert len(shared.missing) == 5


def test_nothing_is_shared_by_nothing():
    assert decisions.shared([]) == decisions.Shared((), ())


def test_block_and_warn_confirm_a_copy_and_the_rest_stand_for_themselves():
    assert {choice.resolution for choice in (Choice.BLOCK, Choice.WARN)} == {"confirmed-clone"}
    assert all(choice.resolution == choice for choice in Choice if choice not in {Choice.BLOCK, Choice.WARN})


def test_countries_have_the_names_that_pages_have():
    path = Path(authsvc.__file__).parent / "data" / "country_names.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        assert {row["country"]: row["name"] for row in csv.DictReader(lines)} == countries.NAMES


@pytest.mark.parametrize(
    ("code", "said"),
    [("IT", "Italy"), ("NL", "the Netherlands"), ("ZZ", "ZZ"), (None, "an unknown place"), ("", "an unknown place")],
)
def test_a_country_is_named_as_a_sentence_has_it(code, said):
    assert countries.named(code) == said


def test_a_name_that_is_not_known_has_no_article():
    assert countries.named("US", {}) == "US"
