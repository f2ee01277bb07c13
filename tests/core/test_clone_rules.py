from histories import HANOI, MADE, MILAN, SOLD, copies, fact, history, sighting

from authsvc.core import clones
from authsvc.core.clones import FactKind, courses


def sentences(*seen, **values):
    return {part.rule: part.text for part in clones.examine(history(*seen, **values)).parts}


def test_sentences_name_what_an_analyst_looks_for():
    owner = fact(FactKind.REGISTERED, -10, visitor=b"o", place=MILAN)
    told = sentences(*copies(12), facts=(MADE, SOLD, owner), has_lifecycle=True)

    assert "different phones checked this code" in told["more-new-visitors-than-its-like"]
    assert "New phones appeared in ten countries: Italy" in told["new-visitors-in-other-places"]
    assert "checked it where it is not sold, the latest in" in told["outside-its-market"]
    assert "since the sale or registration" in told["out-of-step-with-its-life"]
    assert "in another country than its registered owner's, the latest in" in told["away-from-its-owner"]
    assert "over a fixed line, as at home" in told["kinds-of-network"]


def test_sentences_say_so_when_there_is_nothing_to_find():
    seen = [sighting(n, 20 * n) for n in range(8)]
    told = sentences(*seen, facts=(MADE,), has_lifecycle=True)

    assert told["new-visitors-in-other-places"] == "Every phone whose place is known was in Italy"
    assert told["outside-its-market"] == "No phone is known to be where the item is not sold"
    assert told["away-from-its-owner"] == "No new phone is known to be away from a registered owner"
    assert told["out-of-step-with-its-life"].endswith("with no sale on record")


def test_sentences_know_hours_and_unknown_places():
    nowhere = [sighting(n, n * 1.5, place=clones.UNKNOWN_PLACE) for n in range(12)]
    abroad = [sighting(0), sighting(1, 0.05, place=HANOI), *(sighting(n, 20 * n) for n in range(2, 12))]

    assert sentences(*nowhere)["new-visitors-in-other-places"] == "No place is known"
    assert sentences(*abroad)["new-visitors-in-other-places"]


def test_every_rule_has_a_name_of_its_own_a_docstring_and_every_table_a_rule():
    names = [rule.name for rule in clones.RULES]

    assert len(set(names)) == len(names)
    assert all(rule.tell.__doc__ for rule in clones.RULES)
    assert sorted(table for rule in clones.RULES for table in rule.tables) == sorted(courses.SHAPES)
