"""
Linksets: the links of a product, lot and item as one document (RFC 9264), and the choice of one of them.

What holds of a product holds of its lots, and what holds of a lot of its items; a type that stands nearer to the item
replaces the same type further up. The choice between links of one type goes by language, then by media type. Where
that decides nothing, nobody guesses: whoever asked is given the list.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from authsvc.core.link_types import address

MEDIA_TYPE: Final = "application/linkset+json"
CONTEXT: Final = "https://ref.gs1.org/standards/resolver/linkset-context"

_WEIGHT = re.compile(r"q=([01](?:\.[0-9]{0,3})?)")
_MOST_RANGES = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A link. ``anchor`` is the path of what it speaks of; without ``languages`` it is for everybody."""

    anchor: str
    link_type: str
    href: str
    title: str
    languages: tuple[str, ...] = ()
    media_type: str | None = None

    def document(self) -> dict[str, Any]:
        """Return it as a linkset has it."""
        found: dict[str, Any] = {"href": self.href, "title": self.title}
        if self.languages:
            found["hreflang"] = list(self.languages)
        if self.media_type:
            found["type"] = self.media_type
        return found


def linkset(origin: str, targets: Iterable[Target], descriptions: Mapping[str, str]) -> dict[str, Any]:
    """Return the document of *targets*, in their order; *descriptions* are by anchor, *origin* goes before each."""
    contexts: dict[str, dict[str, Any]] = {}
    for target in targets:
        context = contexts.get(target.anchor)
        if context is None:
            context = contexts[target.anchor] = {"anchor": origin + target.anchor}
            if target.anchor in descriptions:
                context["description"] = descriptions[target.anchor]
        context.setdefault(address(target.link_type), []).append(target.document())
    return {"linkset": list(contexts.values())}


def of_type(targets: Sequence[Target], link_type: str) -> list[Target]:
    """Return the links of a type that stand nearest to the item; *targets* begin with the nearest."""
    found = [target for target in targets if target.link_type == link_type]
    return [target for target in found if target.anchor == found[0].anchor]


def choose(targets: Sequence[Target], languages: str, accept: str) -> list[Target]:
    """Narrow links of one type down by what a reader wants; one is left where that decides."""
    return _by_media_type(_by_language(list(targets), languages), accept)


def wants(accept: str, media_type: str) -> bool:
    """Say whether a media type is named in Accept, and not only covered by a star."""
    return _ranges(accept.lower()).get(media_type, 0.0) > 0


def _by_language(targets: list[Target], languages: str) -> list[Target]:
    if len(targets) < 2:
        return targets
    weights = {wanted.lower(): weight for wanted, weight in _ranges(languages).items()}
    scored = [(max((_weigh(weights, each) for each in target.languages), default=0.0), target) for target in targets]
    best = max(score for score, _ in scored)
    if best > 0:
        return [target for score, target in scored if score == best]
    # Nobody's language: what is for everybody comes before what is for somebody else.
    return [target for target in targets if not target.languages] or targets


def _weigh(weights: Mapping[str, float], language: str) -> float:
    """Return how much a language is wanted; exactly what was asked counts a little more than what only contains it."""
    language = language.lower()
    if language in weights:
        return weights[language]
    primary = language.partition("-")[0]
    wider = max((weight for wanted, weight in weights.items() if wanted.partition("-")[0] == primary), default=0.0)
    return wider * 0.999 if wider else 0.0


def _by_media_type(targets: list[Target], accept: str) -> list[Target]:
    if len(targets) < 2:
        return targets
    weights = _ranges(accept.lower())
    scored = [(_weigh_type(weights, (target.media_type or "text/html").lower()), target) for target in targets]
    best = max(score for score, _ in scored)
    return [target for score, target in scored if score == best]


def _weigh_type(weights: Mapping[str, float], media_type: str) -> float:
    names = (media_type, f"{media_type.partition('/')[0]}/*", "*/*")
    return next((weights[name] for name in names if name in weights), 0.0)


def _ranges(header: str) -> dict[str, float]:
    """Read a list of ranges with weights; what is malformed in it is left out."""
    found: dict[str, float] = {}
    for part in header.split(",", _MOST_RANGES)[:_MOST_RANGES]:
        name, *settings = ("".join(text.split()) for text in part.split(";"))
        weight = next((match for text in settings if (match := _WEIGHT.fullmatch(text.lower()))), None)
        if name:
            found.setdefault(name, min(float(weight[1]), 1.0) if weight else 1.0)
    return found
