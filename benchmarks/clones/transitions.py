"""
First-order transitions: how likely one scan is after the one before it, by country and kind of network.

Two chains are learned from labelled lives, one from genuine items and one from the copied ones, and the score is the
sum of the logarithms of their ratio: the most that this idea can know.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from authsvc.core.traces import Event
from authsvc.simulation import Life
from benchmarks.clones.detectors import Tier, Unsettled, people, visible

State = Callable[[Event | None, Event], str]


def by_country(before: Event | None, event: Event) -> str:
    """Name the country and the network."""
    del before
    return f"{event.country}/{event.network}"


def by_change(before: Event | None, event: Event) -> str:
    """Say whether country and visitor are those of the scan before, and over which network."""
    if before is None:
        return f"first/{event.network}"
    place = "nowhere" if event.country is None else "same" if event.country == before.country else "other"
    return f"{place}/{event.network}/{event.visitor == before.visitor}"


class Transitions(Unsettled):
    """The log-likelihood ratio of an item's transitions."""

    def __init__(self, state: State, *, is_sequential: bool) -> None:
        form = "since the best moment" if is_sequential else "in all"
        self.name = f"transitions {state.__name__.replace('_', ' ')}, {form}"
        self._state, self._is_sequential = state, is_sequential
        self._ratios: dict[tuple[str, str], float] = {}

    def train(self, lives: Sequence[Life], tier: Tier) -> None:
        """Count the transitions of genuine items, and of copied ones from the first fake scan on."""
        counts: tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]] = (Counter(), Counter())
        for life in lives:
            events, is_fake = visible(life, tier)
            is_copied = False
            for index, move in self._moves(events):
                is_copied = is_copied or is_fake[index]
                if is_copied or life.truth.attack is None:
                    counts[is_copied][move] += 1
        total = counts[False] + counts[True]
        genuine, copied = (_smoothed(each, total) for each in counts)
        self._ratios = {move: math.log(copied[move] / genuine[move]) for move in total}

    def score(self, events: Sequence[Event]) -> Iterator[tuple[int, float]]:
        """Add up the ratios; the sequential form never goes below zero (a CUSUM)."""
        sum_ = 0.0
        for index, move in self._moves(events):
            sum_ += self._ratios.get(move, 0.0)
            if self._is_sequential and sum_ < 0:
                sum_ = 0.0
            yield index, sum_

    def _moves(self, events: Sequence[Event]) -> Iterator[tuple[int, tuple[str, str]]]:
        before: Event | None = None
        state = "start"
        for index, event in people(events):
            next_state = self._state(before, event)
            yield index, (state, next_state)
            before, state = event, next_state


def _smoothed(counts: Counter[tuple[str, str]], total: Counter[tuple[str, str]]) -> dict[tuple[str, str], float]:
    """Return P(to | from), pulled towards how often *to* is reached at all, as strongly as five observations."""
    strength = 5.0
    starts: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    for (start, end), count in counts.items():
        starts[start] += count
        ends[end] += count
    all_ends: Counter[str] = Counter()
    for (_, end), count in total.items():
        all_ends[end] += count
    size, all_size = sum(ends.values()), sum(all_ends.values())
    back = {end: (ends[end] + strength * all_ends[end] / all_size) / (size + strength) for end in all_ends}
    return {move: (counts[move] + strength * back[move[1]]) / (starts[move[0]] + strength) for move in total}
