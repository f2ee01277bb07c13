"""
Examining: from a history to a score with parts, and to whether the item is flagged.

The score is a sum over new visitors, one step at a time, on the scale of logarithms of likelihood ratios: copies
against a genuine life. It never falls: what counts is the highest that it ever was, until a resolution or a proof of
possession explains all that came before.

How high a score must be is not set by hand: ``weights`` holds, for a target rate, the score that so small a share of
genuine items ever reached on the training seeds of the simulation; what the brand's own items score moves it.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import accumulate

from authsvc.core.amounts import amount, begin, number
from authsvc.core.clones import weights
from authsvc.core.clones.courses import Course, Tables, retell, weigh
from authsvc.core.clones.evidence import LONGEST
from authsvc.core.clones.histories import FactKind, History
from authsvc.core.clones.rules import RULES, Part, Weighed
from authsvc.core.tongues import day

FORGIVENESS = 2.0
"""What new evidence must make up for after an analyst or a proof has found the evidence before it harmless."""

CROWD_FROM, CROWD_STEP, CROWD_MOST = 14, 0.6, 9.0
"""
After how many visitors each one weighs so much more, whoever it is, until the score is so high.

Bounded: as many visitors as that are rare for a genuine item, but a code that went viral has them, and where a brand
asks for few false alarms a crowd alone must not be enough.
"""

THRONG_FROM, THRONG_STEP = 24, 1.0
"""
After how many visitors each one weighs so much more still: the weights are public, and a crowd of buyers who each look
harmless must not be easy to hide.
"""

BROKEN_FACT = 4.0
"""What a contradiction in the item's own records weighs. Set by hand: the simulated world has none to learn from."""


@dataclass(frozen=True)
class Examination:
    """
    The score, the score from which the item is flagged, and the parts that add up to the score.

    Sentences take longer than sums, and few scans need any: the parts are told when somebody asks for them.
    """

    score: float = 0.0
    threshold: float = 1.0
    tell: Callable[[], tuple[Part, ...]] = field(default=tuple, repr=False, compare=False)

    @property
    def is_flagged(self) -> bool:
        """Whether the evidence is strong enough to warn."""
        return self.score >= self.threshold

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """What each rule found; the weights add up to the score."""
        return self.tell()

    @property
    def leading(self) -> Part | None:
        """The part that weighs most, by which an alert is named."""
        return max(self.parts, key=_weight, default=None)


NOTHING = Examination()


def examine(history: History) -> Examination:
    """Weigh the evidence of *history*; the score is the highest since the evidence was last explained."""
    if history.copy_threshold is not None and (limit := _hard_limit(history, history.copy_threshold)):
        return Examination(limit.weight, 1.0, lambda: (limit,))
    model = weights.LIFECYCLE if history.has_lifecycle else weights.SCANS
    threshold = model.threshold(history.target_rate) + history.shift
    records: tuple[Part, ...] = ()
    since, offset = -math.inf, 0.0
    if history.facts:
        records = _contradictions(history, threshold)
        since, offset = _explained(history)
    found = _highest(weigh(history, model.tables, since), offset)
    score = sum(map(_weight, records)) + found.top
    return Examination(score, threshold, lambda: (*records, *_parts(retell(history, since), model.tables, found)))


def crowd(visitors: int) -> float:
    """Return by how much a score of so many visitors may be higher because there are so many."""
    return CROWD_STEP * max(0, visitors - CROWD_FROM) + THRONG_STEP * max(0, visitors - THRONG_FROM)


# --- Private ---------------------------------------------------------------------------------------------------------

_EXPLAINING = frozenset({
    FactKind.PROVEN, FactKind.FALSE_ALARM, FactKind.OWNER_ERROR, FactKind.GREY_MARKET, FactKind.TEST
})  # fmt: skip
_CROWDS = tuple(map(crowd, range(LONGEST + 1)))
_FORGIVING = frozenset({FactKind.PROVEN, FactKind.FALSE_ALARM, FactKind.OWNER_ERROR})


@dataclass(frozen=True, slots=True)
class _Found:
    """The steps weighed: where the score was highest, and how high."""

    offset: float
    best: int
    top: float
    crowd: float = 0.0


def _highest(steps: list[float], offset: float) -> _Found:
    scores = list(accumulate(steps, initial=offset))
    # Before the first step there is no evidence, whatever the offset.
    scores[0] = 0.0
    top = max(scores)
    best = scores.index(top)
    if len(scores) > CROWD_FROM + 1 and top < CROWD_MOST:
        return _among_crowds(_Found(offset, best, top), scores)
    return _Found(offset, best, top)


def _among_crowds(found: _Found, scores: list[float]) -> _Found:
    """Let every visitor after many weigh more, as far as a crowd alone may raise a score."""
    for step in range(CROWD_FROM + 1, len(scores)):
        score = min(scores[step] + _CROWDS[step], CROWD_MOST)
        if score > found.top:
            found = _Found(found.offset, step, score, score - scores[step])
    return found


def _parts(course: Course, tables: Tables, found: _Found) -> Iterator[Part]:
    """Yield what every rule found up to the step where the score was highest; together they are that score."""
    if not found.best:
        return
    for rule in RULES:
        columns = [
            map(tables[name].__getitem__, course.positions[name][: found.best])
            for name in rule.tables
            if name in course.positions
        ]
        if columns:
            column = list(map(sum, zip(*columns, strict=True)))
            yield Part(rule.name, sum(column), rule.tell(Weighed(course, column)))
    if found.crowd:
        visitors = f"{begin(amount(found.best, 'different phone'))}: genuine items of any kind meet fewer"
        yield Part("very-many-visitors", found.crowd, visitors)
    if found.offset:
        yield Part(
            "usual-explanations",
            found.offset,
            "Explained once before: new phones must make up for that",
        )


def _weight(part: Part) -> float:
    return part.weight


def _explained_until(history: History) -> datetime | None:
    """Return the time up to which a resolution or a proof has explained the evidence."""
    return max((fact.at for fact in history.facts if fact.kind in _EXPLAINING), default=None)


def _explained(history: History) -> tuple[float, float]:
    """Return until when evidence is explained by a resolution or a proof, and what later evidence must make up for."""
    until = _explained_until(history)
    if until is None:
        return -math.inf, 0.0
    is_forgiven = any(fact.kind in _FORGIVING for fact in history.facts)
    return until.timestamp(), -FORGIVENESS if is_forgiven else 0.0


def _contradictions(history: History, threshold: float) -> tuple[Part, ...]:
    """Return what the item's own records say against it, whoever looks at it."""
    until = _explained_until(history)
    kinds = [fact.kind for fact in history.facts]
    claims = [fact.at for fact in history.facts if fact.kind is FactKind.CLAIMED]
    parts = []
    if FactKind.CONFIRMED_CLONE in kinds:
        parts.append(Part("confirmed-clone", threshold, "An analyst confirmed that this code was copied"))
    if len(claims) > 1 and (until is None or max(claims) > until):
        parts.append(
            Part(
                "claim-code-used-again",
                BROKEN_FACT,
                "The claim code was used a second time",
            )
        )
    gone_at = min((fact.at for fact in history.facts if fact.kind is FactKind.GONE), default=None)
    if gone_at is not None and any(
        seen.first_at > max(gone_at, until or gone_at)
        for seen in history.sightings
        if seen.is_confirmed and seen.is_evidence
    ):
        parts.append(
            Part(
                "seen-though-gone",
                BROKEN_FACT,
                f"A new phone checked it after it was recorded as gone on {day(gone_at)}",
            )
        )
    return tuple(parts)


def _hard_limit(history: History, limit: int) -> Part | None:
    """More different people confirmed that they hold this item than the brand allows for one."""
    until = _explained_until(history)
    visitors = len({
        seen.visitor for seen in history.sightings
        if seen.is_confirmed and seen.is_evidence and (until is None or seen.first_at > until)
    })  # fmt: skip
    if visitors < limit:
        return None
    return Part(
        "more-visitors-than-usual",
        visitors / limit,
        f"{begin(amount(visitors, 'phone'))} confirmed this code; you expect fewer than {number(limit)} for one item",
    )
