"""
Why an alert was raised, for somebody with no statistics: the strongest reasons first, then what adds up.

The points shown are rounded, and what is added up is what is shown: three reasons, the rest of them together, and the
score. What the points mean is told once, below, by the kind of the rule.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from authsvc.core.alerts import by_strength, strongest, title_of
from authsvc.core.amounts import amount, begin
from authsvc.web.drawing import scores

_UNSIGNED = {
    "signed-not-issued": "The signature on the code is good, yet its serial was never issued. Only somebody with the "
    "signing key can make such a code.",
    "receipt-copied": "The result of a check is shown to whoever checked. Opened from so many networks, its address "
    "was printed, posted or sent around.",
}
_POINTS = (
    "Points add up. Three more make copies twenty times as likely beside an ordinary life of the item; below zero "
)
_POINTS += "a reason speaks for a genuine item."
_COUNTED = {"shop-reported": "People who reported", "more-visitors-than-usual": "Times what you allow"}
_MEANING = {
    "shop-reported": "One point for each person who reported from a network of their own.",
    "more-visitors-than-usual": "How many times as many people as you allow for one item of this product.",
    **dict.fromkeys(
        ("known-items-meet-new-people", "lot-in-a-far-place", "neighbours-of-a-copy", "codes-refused-from-one-network"),
        "Points say how far the count is from the usual: three more make chance twenty times less likely.",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasons:
    """
    The panel of a page: the strongest parts, the others in detail, and how it all adds up.

    ``others`` are told behind a disclosure, with *meaning* and *limit*; ``rest`` is what they come to.
    """

    top: tuple[scores.Part, ...]
    others: tuple[scores.Part, ...]
    rest: float
    total: float
    total_name: str
    meaning: str
    limit: str | None
    sentence: str | None = None

    @property
    def others_named(self) -> str:
        """Say how many reasons are left."""
        return begin(amount(len(self.others), "smaller reason", "smaller reasons together"))


def reasons(rule: str, evidence: Mapping[str, Any], total: float) -> Reasons:
    """Put the parts of a score in order, as they were when the alert was raised."""
    parts = _drawn(by_strength(evidence))
    meaning = _MEANING.get(rule, _POINTS)
    if not parts:
        return Reasons(
            top=(),
            others=(),
            rest=0.0,
            total=_round(total),
            total_name=total_name(rule),
            meaning="",
            limit=None,
            sentence=_UNSIGNED.get(rule),
        )
    top = parts[: len(strongest(evidence))]
    others = parts[len(top) :]
    shown = [part.points for part in top]
    rest = _round(sum(part.points for part in others))
    return Reasons(
        top=top,
        others=others,
        rest=rest,
        total=_round(sum(shown) + rest),
        total_name=total_name(rule),
        meaning=meaning,
        limit=_limit(rule, evidence),
    )


def total_name(rule: str) -> str:
    """Say what the score of a rule counts."""
    return _COUNTED.get(rule, "Risk score")


# --- Private ---------------------------------------------------------------------------------------------------------


def _drawn(parts: Sequence[Mapping[str, Any]]) -> tuple[scores.Part, ...]:
    """Return the parts in their order, each with its bar."""
    told = [
        scores.Part(title=title_of(part["rule"]), points=float(part["weight"]), text=begin(part.get("text") or ""))
        for part in parts
    ]
    return scores.score(told).parts


def _limit(rule: str, evidence: Mapping[str, Any]) -> str | None:
    threshold, rate = evidence.get("threshold"), evidence.get("target_rate")
    if threshold is None:
        return None
    if rule in _COUNTED:
        # A number that the brand has set promises nothing of how many genuine items reach it.
        return f"People are warned from {threshold:g} on."
    said = f"People are warned from {threshold:.1f} points"
    return f"{said}: so high that about {_one_in(rate)} genuine items ever gets there." if rate else f"{said}."


def _one_in(rate: float) -> str:
    return f"one in {float(f'{1 / rate:.2g}'):,.0f}"


def _round(points: float) -> float:
    rounded = round(points, 1)
    return int(rounded) if rounded == int(rounded) else rounded
