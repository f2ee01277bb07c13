"""
Evidence: which of the sightings of an item count, and in which order they are told.

One of each network prefix; of visitors who only opened the link few beside those whose page ran; and the newest ones.
"""

from collections.abc import Iterator
from operator import itemgetter

from authsvc.core.clones.histories import Sighting

LONGEST = 48
"""As many as there can be of those whose page ran."""

OPENED_FIRST, OPENED_EACH = 2, 3
"""
How many visitors count who only opened the link, before anybody's page ran and for each one whose page did.

Where half of all pages do not run, few are left out; and what never runs a page cannot raise a warning by itself.
"""


def in_order(sightings: tuple[Sighting, ...], longest: int = LONGEST) -> list[tuple[float, Sighting]]:
    """
    Return what is evidence, by time, the first of each network prefix, and no more than the *longest* newest.

    A prefix's pseudonym lasts for a day in a trace and for a month in the service. While it lasts, whoever comes from
    there adds nothing new: a flood from few networks stays worthless, however many browsers and days it takes.
    Equal times are ordered by all that a rule can see, never by a pseudonym: two tellings of one history are the same.
    """
    kept = [(seen.first_at.timestamp(), seen) for seen in sightings if seen.is_evidence]
    kept.sort(key=_TIME)
    if len({at for at, _ in kept}) < len(kept):
        kept.sort(key=_time_and_looks)
    if len({seen.prefix for _, seen in kept}) < len(kept):
        kept = list(_first_of_prefix(kept))
    if not all(seen.is_confirmed for _, seen in kept):
        kept = list(_few_opened(kept))
    return kept[-longest:]


# --- Private ---------------------------------------------------------------------------------------------------------


def _few_opened(kept: list[tuple[float, Sighting]]) -> Iterator[tuple[float, Sighting]]:
    """
    Yield all whose page ran, and of the others three times as many as so far there are of those, and two.

    Most who only open a link are people: a page that was closed at once, a browser that runs no scripts. But what does
    not run the page may be a machine that nobody knows yet, so that alone makes no evidence.
    """
    surplus = OPENED_FIRST
    for timed in kept:
        if timed[1].is_confirmed:
            surplus += OPENED_EACH
        elif surplus:
            surplus -= 1
        else:
            continue
        yield timed


def _first_of_prefix(kept: list[tuple[float, Sighting]]) -> Iterator[tuple[float, Sighting]]:
    known: set[bytes] = set()
    for timed in kept:
        prefix = timed[1].prefix
        if prefix is None or prefix not in known:
            yield timed
        if prefix is not None:
            known.add(prefix)


_TIME = itemgetter(0)


def _time_and_looks(timed: tuple[float, Sighting]) -> tuple[object, ...]:
    at, seen = timed
    place = seen.place
    looks = place.country or "", place.latitude or 0.0, place.longitude or 0.0, seen.network, seen.is_shared
    return at, not seen.is_confirmed, *looks
