"""What must make no difference to the score, whatever the history."""

from dataclasses import replace

import pytest
from histories import CITIES, MADE, MILAN, SOLD, copies, fact, history, sighting
from hypothesis import given, settings
from hypothesis import strategies as st

from authsvc.core import clones
from authsvc.core.clones import Bustle, FactKind, Network, Place, courses, evidence, weights

HOURS = st.integers(0, 4_000)
SIGHTINGS = st.lists(
    st.builds(
        lambda hours, place, network, shared: {
            "days": hours / 24,
            "place": place,
            "network": network,
            "is_shared": shared,
        },
        HOURS,
        st.sampled_from([*CITIES, clones.UNKNOWN_PLACE, Place("IT")]),
        st.sampled_from(Network),
        st.booleans(),
    ),
    max_size=20,
).map(lambda rows: tuple(sighting(n, **row) for n, row in enumerate(rows)))


@settings(max_examples=60, deadline=None)
@given(SIGHTINGS, st.randoms(use_true_random=False))
def test_order_of_telling_makes_no_difference(seen, rng):
    shuffled = list(seen)
    rng.shuffle(shuffled)

    assert clones.examine(history(*shuffled)).score == pytest.approx(clones.examine(history(*seen)).score)


@settings(max_examples=40, deadline=None)
@given(SIGHTINGS)
def test_names_of_visitors_make_no_difference(seen):
    renamed = tuple(replace(s, visitor=bytes(reversed(s.visitor)) + b"!") for s in seen)

    assert clones.examine(history(*renamed)).score == clones.examine(history(*seen)).score


@settings(max_examples=40, deadline=None)
@given(SIGHTINGS, SIGHTINGS)
def test_what_is_no_evidence_makes_no_difference(seen, others):
    silent = [replace(s, is_evidence=False) for s in others]

    assert clones.examine(history(*silent, *seen)).score == clones.examine(history(*seen)).score


@settings(max_examples=40, deadline=None)
@given(SIGHTINGS)
def test_visitors_who_only_opened_the_link_are_no_evidence_by_themselves(seen):
    opened = [replace(s, is_confirmed=False) for s in seen]
    course = courses.retell(history(*opened))

    assert len(course.times) == min(evidence.OPENED_FIRST, len(seen))
    assert not clones.examine(history(*opened)).is_flagged


@settings(max_examples=40, deadline=None)
@given(SIGHTINGS, st.lists(st.booleans(), min_size=60, max_size=60))
def test_of_those_who_only_opened_the_link_few_count_beside_confirmed_ones(seen, which):
    course = courses.retell(history(*(replace(s, is_confirmed=ran) for s, ran in zip(seen, which, strict=False))))
    told = [each.is_confirmed for each in course.sightings]

    def most(confirmed):
        return evidence.OPENED_EACH * confirmed + evidence.OPENED_FIRST

    for length in range(len(told) + 1):
        assert told[:length].count(False) <= most(told[:length].count(True))


@settings(max_examples=40, deadline=None)
@given(SIGHTINGS)
def test_the_score_never_falls_while_the_same_explanation_holds(seen):
    """More evidence leaves the highest score that there was."""
    apart = {s.first_at: s for s in seen}  # Of two at the same moment, either may be told first.
    seen = [apart[at] for at in sorted(apart)]
    scores = [clones.examine(history(*seen[:n])).score for n in range(len(seen) + 1)]

    assert scores == sorted(scores)


@settings(max_examples=60, deadline=None)
@given(SIGHTINGS, st.booleans())
def test_the_parts_add_up_and_can_be_read(seen, has_lifecycle):
    found = clones.examine(history(*seen, facts=(MADE, SOLD), has_lifecycle=has_lifecycle))

    assert sum(part.weight for part in found.parts) == pytest.approx(found.score)
    assert all(part.text and part.text == part.text.strip() for part in found.parts)


def test_a_later_history_retells_its_beginning():
    seen = copies(20)
    short, long = courses.retell(history(*seen[:9])), courses.retell(history(*seen))

    assert all(long.positions[name][:9] == positions for name, positions in short.positions.items())


def test_every_position_is_inside_its_table():
    facts = [fact(kind, 10 * n, visitor=b"o", place=MILAN) for n, kind in enumerate(FactKind)]
    course = courses.retell(history(*copies(64, every=20), facts=tuple(facts), has_lifecycle=True, bustle=Bustle.BUSY))

    for name, positions in course.positions.items():
        assert len(positions) == evidence.LONGEST
        assert all(0 <= position < len(weights.LIFECYCLE.tables[name]) for position in positions)
