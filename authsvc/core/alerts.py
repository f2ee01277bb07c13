"""
Alerts in words: the sentence that says what was found, how sure that is, where it was, and the strongest reasons.

The console, the API, webhooks and mails tell an alert by what is here, so that all of them say the same. It is told
from the evidence as it was when the alert was raised: what is known, and nothing of what is not. Without a country
there is no "in", without two times no "apart".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from itertools import pairwise
from typing import Any

from authsvc.core.amounts import amount, begin, within
from authsvc.core.countries import named
from authsvc.core.distances import distance_km

Evidence = Mapping[str, Any]
Names = Mapping[str, str]
"""The name of each country by its code."""


class Severity(IntEnum):
    """How soon somebody should look. The numbers are stored."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3

    @property
    def word(self) -> str:
        """The name as people read it."""
        return self.name.lower()


PLANE_KMH = 1_000.0
LEAST_GAP = timedelta(minutes=1)

STRONGEST = 3
"""How many reasons are told where there is no room for all."""

CERTAIN = frozenset({"signed-not-issued", "claim-code-used-again", "seen-though-gone", "confirmed-clone"})
"""Rules whose finding has no everyday explanation."""


def severity(rule: str, score: float, evidence: Evidence) -> Severity:
    """
    Say how severe an alert is, by the score that its item has now.

    A finding without an everyday explanation (a good signature on a code that was never issued, a claim code used
    twice, an item seen though it is gone, a confirmed copy) is high, be it the rule or one part of the score. Otherwise
    the score decides, by how far it is above the threshold at which it warns: the score is the logarithm of how much
    likelier copies are than a genuine life, so 3 above is twenty times more than was needed (high), 1 above about three
    times (medium). A brand's own limit of visitors counts in multiples instead: three times is high, one and a half
    medium. Without a threshold it is medium. It rises with the score of the item and never falls.
    """
    threshold = evidence.get("threshold")
    if _is_certain(rule, evidence):
        return Severity.HIGH
    if threshold is None:
        return Severity.MEDIUM
    high, medium = threshold + 3, threshold + 1
    if rule == "more-visitors-than-usual":
        high, medium = 3 * threshold, 1.5 * threshold
    return Severity.HIGH if score >= high else Severity.MEDIUM if score >= medium else Severity.LOW


@dataclass(frozen=True, slots=True)
class Leap:
    """Two sightings one after the other, in different countries, and how fast somebody must have been at least."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    gap: timedelta
    least_kmh: float


def headline(rule: str, evidence: Evidence, names: Names) -> str:
    """
    Say in one sentence what was found, for somebody who knows no rules.

    What has no everyday explanation is told first, then what nobody can have travelled, then what the rule found.
    """
    parts = [part.get("rule") for part in evidence.get("parts") or ()]
    certain = next((found for found in (rule, *parts) if found in CERTAIN), None)
    if certain is not None:
        return _told(certain, evidence, names) or title_of(certain)
    leap = find_leap(evidence)
    if leap is not None and leap.least_kmh > PLANE_KMH:
        return _places(evidence, names) or title_of(rule)
    return _told(rule, evidence, names) or _first_part(evidence) or title_of(rule)


def title_of(rule: str) -> str:
    """Return the heading of a rule or part."""
    return TITLES.get(rule, rule.replace("-", " ").capitalize())


def lead_of(text: str) -> str:
    """Return what a sentence of a part says first, without what follows on how telling it is."""
    return text.partition(";")[0].partition(". What counts most")[0]


def by_strength(evidence: Evidence) -> list[Mapping[str, Any]]:
    """Return the parts of a score, the strongest first; of equals, the one whose rule comes first."""
    return sorted(evidence.get("parts") or (), key=lambda part: -float(part.get("weight", 0)))


def strongest(evidence: Evidence) -> list[Mapping[str, Any]]:
    """Return the few parts that are told first: those that speak for copies, or the first where none does."""
    parts = by_strength(evidence)
    return [part for part in parts[:STRONGEST] if round(float(part.get("weight", 0)), 1) > 0] or parts[:1]


def reason_of(part: Mapping[str, Any]) -> str:
    """Return the sentence of a part, or the heading of its rule where it has none."""
    return begin(str(part.get("text") or "")) or title_of(str(part.get("rule", "")))


def sureness(rule: str, level: Severity, evidence: Evidence) -> str:
    """Say in a few words what a severity means: how far the evidence is beyond what is needed to warn."""
    if _is_certain(rule, evidence):
        return "no everyday explanation"
    if rule == "shop-reported":
        return "as people say"
    if evidence.get("threshold") is None:
        return "far from usual"
    return (_OF_OWN_LIMIT if rule == "more-visitors-than-usual" else _OVER_LIMIT)[level]


def places(evidence: Evidence, names: Names) -> str:
    """Name the countries that the evidence speaks of, the one seen last first; empty where none is known."""
    located = (one for one in evidence.get("sightings") or () if one.get("country"))
    seen = sorted(located, key=lambda one: str(one["first_at"]))
    codes = [one["country"] for one in reversed(seen)] + ([evidence["country"]] if evidence.get("country") else [])
    known = list(dict.fromkeys(codes))
    listed = ", ".join(named(code, names) for code in known[:_PLACES])
    return f"{listed} and {len(known) - _PLACES} more" if len(known) > _PLACES else listed


def find_leap(evidence: Evidence) -> Leap | None:
    """Return the two confirmed sightings, one after the other, between which somebody must have been fastest."""
    seen = [s for s in _confirmed(evidence) if s.get("country")]
    leaps = [
        Leap(before, after, _time(after) - _time(before), _least_kmh(before, after))
        for before, after in pairwise(seen)
        if before["country"] != after["country"]
    ]
    return max(leaps, key=lambda leap: (leap.least_kmh, -leap.gap), default=None)


def span(gap: timedelta) -> str:
    """Word how long something takes: 40 min, 3 h 12 min, 5 days."""
    minutes = round(gap.total_seconds() / 60)
    if minutes < 1:
        return "less than a minute"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
    return f"{round(minutes / 1440)} days"


TITLES: Mapping[str, str] = {
    "more-new-visitors-than-its-like": "More new people than usual",
    "new-visitors-in-other-places": "New people in other places",
    "outside-its-market": "Outside its market",
    "out-of-step-with-its-life": "Out of step with its life",
    "away-from-its-owner": "Away from its owner",
    "kinds-of-network": "Kinds of network",
    "usual-explanations": "Usual explanations",
    "very-many-visitors": "A crowd",
    "confirmed-clone": "Confirmed as copied",
    "claim-code-used-again": "Claim code used again",
    "seen-though-gone": "Seen though it is gone",
    "more-visitors-than-usual": "More people than the brand allows",
    "clone-evidence": "Signs of a copy",
    "signed-not-issued": "Signed, but never issued",
    "receipt-copied": "A copied result page",
    "shop-reported": "A shop that people report",
    "known-items-meet-new-people": "Known items meet new people",
    "lot-in-a-far-place": "A batch in a far place",
    "neighbours-of-a-copy": "Neighbours of a copy",
    "codes-refused-from-one-network": "Codes refused from one network",
    "known-items": "Items that were known before",
    "far-place": "How many appeared",
    "market": "Outside its market",
    "neighbours": "Copied neighbours",
    "refused-codes": "Refused codes",
    "good-signatures": "Good signatures among them",
}
"""Every rule and part by the name that is stored: how a heading or a filter calls it."""


# --- Private ---------------------------------------------------------------------------------------------------------

_PAIR, _PLACES = 2, 3

# Points are logarithms: of 3 above the limit, 20 times as much as it needs to warn; of 1, three times.
_OVER_LIMIT = {
    Severity.HIGH: "20 times over the limit", Severity.MEDIUM: "3 times over the limit",
    Severity.LOW: "just over the limit",
}  # fmt: skip
_OF_OWN_LIMIT = {
    Severity.HIGH: "3 times what you allow", Severity.MEDIUM: "half over what you allow",
    Severity.LOW: "as many as you allow",
}  # fmt: skip


def _is_certain(rule: str, evidence: Evidence) -> bool:
    return rule in CERTAIN or any(part.get("rule") in CERTAIN for part in evidence.get("parts") or ())


def _told(rule: str, evidence: Evidence, names: Names) -> str | None:
    tell = _HEADLINES.get(rule)
    return tell(evidence, names) if tell is not None else None


def _least_kmh(before: Mapping[str, Any], after: Mapping[str, Any]) -> float:
    """Return the speed between the nearest points of two circles; 0 where a place is not known."""
    start, end = ((seen.get("latitude"), seen.get("longitude")) for seen in (before, after))
    if None in {*start, *end}:
        return 0.0
    slack = (before.get("radius_km") or 0.0) + (after.get("radius_km") or 0.0)
    hours = max(_time(after) - _time(before), LEAST_GAP) / timedelta(hours=1)
    return max(0.0, distance_km(start, end) - slack) / hours  # type: ignore[arg-type]  # neither has a None


def _time(seen: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(seen["first_at"])


def _confirmed(evidence: Evidence) -> Sequence[Mapping[str, Any]]:
    """Return what was confirmed in the order of time: it is stored in either order."""
    return sorted((seen for seen in evidence.get("sightings") or () if seen.get("is_confirmed")), key=_time)


def _first_part(evidence: Evidence) -> str | None:
    told = next((part["text"] for part in by_strength(evidence) if part.get("text")), None)
    return None if told is None else begin(lead_of(told))


def _fact(evidence: Evidence, *kinds: str) -> Mapping[str, Any] | None:
    found = [fact for fact in evidence.get("facts") or () if fact.get("kind") in kinds]
    return found[-1] if found else None


def _crowd(evidence: Evidence, _names: Names) -> str | None:
    times = [_time(seen) for seen in _confirmed(evidence)]
    if len(times) < 2:
        return None
    countries = {seen["country"] for seen in _confirmed(evidence) if seen.get("country")}
    where = f" in {amount(len(countries), 'country', 'countries')}" if len(countries) > 1 else ""
    return f"{begin(amount(len(times), 'phone'))}{where} checked this code {within(times[-1] - times[0])}"


def _spread(evidence: Evidence, names: Names) -> str | None:
    """Tell of two places where there are two, and of a crowd where there is one."""
    return (_crowd if len(_confirmed(evidence)) > _PAIR else _places)(evidence, names)


def _places(evidence: Evidence, names: Names) -> str | None:
    leap = find_leap(evidence)
    if leap is None:
        return _crowd(evidence, names)
    first, second = named(leap.before["country"], names), named(leap.after["country"], names)
    return f"The same serial was scanned in {first} and {second}, {span(leap.gap)} apart"


def _market(evidence: Evidence, names: Names) -> str | None:
    made = _fact(evidence, "commissioned")
    markets = (made or {}).get("markets")
    if not markets:
        return None
    outside = [s["country"] for s in _confirmed(evidence) if s.get("country") and s["country"] not in markets]
    if not outside:
        return None
    where = " and ".join(named(code, names) for code in list(dict.fromkeys(outside))[-2:])
    meant = ", ".join(named(code, names) for code in markets[:3])
    return f"Scanned in {where}, but made for {meant}{' and other markets' if len(markets) > 3 else ''}"


def _owner(evidence: Evidence, names: Names) -> str | None:
    owner = _fact(evidence, "registered", "transferred")
    if owner is None or not owner.get("country"):
        return None
    # Where the item was before this owner had it tells nothing of them.
    since = datetime.fromisoformat(owner["at"])
    later = [s["country"] for s in _confirmed(evidence) if s.get("country") and _time(s) >= since]
    away = [country for country in later if country != owner["country"]]
    if not away:
        return None
    return f"Scanned in {named(away[-1], names)}, while its owner is registered in {named(owner['country'], names)}"


def _life(evidence: Evidence, names: Names) -> str | None:
    made = _fact(evidence, "commissioned")
    early = [s for s in _confirmed(evidence) if made is not None and _time(s) < datetime.fromisoformat(made["at"])]
    if early:
        return "The serial was scanned before the item was commissioned"
    sold = _fact(evidence, "sold", "registered", "transferred")
    late = [s for s in _confirmed(evidence) if sold is not None and _time(s) > datetime.fromisoformat(sold["at"])]
    if sold is None or not late:
        return _spread(evidence, names)
    return f"{begin(amount(len(late), 'phone'))} checked this code after the item was sold"


def _limit(evidence: Evidence, names: Names) -> str | None:
    said = _crowd(evidence, names)
    return f"{said}, more than you allow for one item" if said else None


def _receipt(evidence: Evidence, _names: Names) -> str | None:
    visitors = evidence.get("visitors")
    return f"One result page was opened from {visitors} different networks" if visitors else None


def _said(sentence: str) -> Callable[[Evidence, Names], str | None]:
    return lambda _evidence, _names: sentence


_HEADLINES: Mapping[str, Callable[[Evidence, Names], str | None]] = {
    "more-new-visitors-than-its-like": _crowd,
    "new-visitors-in-other-places": _spread,
    "outside-its-market": _market,
    "out-of-step-with-its-life": _life,
    "away-from-its-owner": _owner,
    "kinds-of-network": _spread,
    "more-visitors-than-usual": _limit,
    "receipt-copied": _receipt,
    "signed-not-issued": _said("A good signature on a serial that was never issued: a signing key may have leaked"),
    "claim-code-used-again": _said("The claim code of this item was used a second time"),
    "seen-though-gone": _said("The item was reported gone, and people scan it again"),
    "confirmed-clone": _said("A code that was confirmed as copied is being scanned again"),
}
