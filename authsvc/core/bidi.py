"""
Bidirectional text: in which order the letters of a line stand when scripts of both directions meet.

This is the Unicode Bidirectional Algorithm (UAX #9) for one line without tabs, isolates and brackets included.
Embeddings and overrides are passed over: what we print is text that somebody typed, and nothing in there may turn a
serial around.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, takewhile

_ISOLATES = {"LRI", "RLI", "FSI"}
_PASSED_OVER = {"BN", "LRE", "RLE", "LRO", "RLO", "PDF"}
_SPACES = {"WS", "S", "B", "PDI"} | _ISOLATES | _PASSED_OVER
_NEUTRAL = {"ON", "WS", "S", "B", "PDI"} | _ISOLATES
_BRACKETS = {"(": ")", "[": "]", "{": "}"}
_MOST_OPEN = 63  # brackets, as the standard has it


@dataclass(frozen=True, slots=True)
class Run:
    """Letters of one direction: where they are in the text, and how deep they are nested; an odd level is leftward."""

    start: int
    end: int
    level: int

    @property
    def is_leftward(self) -> bool:
        """Whether it is read from right to left."""
        return self.level % 2 == 1


def is_leftward(text: str) -> bool:
    """Whether a text reads from right to left as a whole: its first letter of a direction decides (rules P2 and P3)."""
    return _first_strong([_class(letter) for letter in text]) == "R"


def runs(text: str, *, leftward: bool) -> list[Run]:
    """Return the runs of a line from left to right, in a paragraph that reads leftward or not."""
    found = []
    start = 0
    for level, group in groupby(_levels([_class(letter) for letter in text], text, int(leftward))):
        end = start + sum(1 for _ in group)
        found.append(Run(start, end, level))
        start = end
    for least in range(max((run.level for run in found), default=0), 0, -1):  # rule L2
        turned: list[Run] = []
        for is_deep, group_of in groupby(found, key=lambda run: run.level >= least):
            part = list(group_of)
            turned += reversed(part) if is_deep else part
        found = turned
    return found


# --- Private ---------------------------------------------------------------------------------------------------------


def _class(letter: str) -> str:
    return unicodedata.bidirectional(letter) or "L"


def _first_strong(classes: Sequence[str]) -> str | None:
    """Return L or R as the first strong letter outside of isolates has it."""
    depth = 0
    for one in classes:
        if one in _ISOLATES:
            depth += 1
        elif one == "PDI":
            depth = max(0, depth - 1)
        elif depth == 0 and one in {"L", "R", "AL"}:
            return "L" if one == "L" else "R"
    return None


def _levels(classes: list[str], text: str, base: int) -> list[int]:
    levels = [base] * len(classes)
    _isolate(classes, text, range(len(classes)), base, levels)
    for at, one in enumerate(classes):
        if one in _PASSED_OVER and at:
            levels[at] = levels[at - 1]
    # Rule L1: spaces at the end of the line stand as the paragraph goes.
    for at in range(len(classes) - 1, -1, -1):
        if classes[at] not in _SPACES:
            break
        levels[at] = base
    return levels


def _isolate(classes: list[str], text: str, part: Sequence[int], level: int, levels: list[int]) -> None:
    """Set the levels of a part of the text that stands on its own, and of the isolates in it (rules X5 to X10)."""
    own: list[int] = []
    waiting: list[int] = []  # isolates that are open
    inner: list[int] = []
    for at in part:
        one = classes[at]
        if one == "PDI" and waiting:
            waiting.pop()
        if waiting:
            inner.append(at)
        else:
            if inner:
                _enter(classes, text, own[-1], inner, level, levels)
                inner = []
            if one not in _PASSED_OVER:
                own.append(at)
        if one in _ISOLATES:
            waiting.append(at)
    if inner:
        _enter(classes, text, own[-1], inner, level, levels)
    for at, one in zip(own, _resolved([classes[at] for at in own], [text[at] for at in own], level), strict=True):
        levels[at] = level + _RISE[level % 2][one]


def _enter(classes: list[str], text: str, opener: int, inner: list[int], level: int, levels: list[int]) -> None:
    kind = classes[opener]
    leftward = kind == "RLI" or (kind == "FSI" and _first_strong([classes[at] for at in inner]) == "R")
    _isolate(classes, text, inner, level + 1 + (level % 2 == leftward), levels)


_RISE = ({"L": 0, "R": 1, "AN": 2, "EN": 2}, {"L": 1, "R": 0, "AN": 1, "EN": 1})
"""Rules I1 and I2: what a letter adds to an even level, and to an odd one."""


def _resolved(given: list[str], letters: list[str], level: int) -> list[str]:
    """Return L, R, AN or EN for each letter of a part."""
    around = "R" if level % 2 else "L"
    classes = _weak(given, around)
    _pair_brackets(classes, given, letters, around)
    at = 0
    while at < len(classes):  # rules N1 and N2
        end = at
        while end < len(classes) and classes[end] in _NEUTRAL:
            end += 1
        if end > at:
            sides = (_side(classes[at - 1]) if at else around, _side(classes[end]) if end < len(classes) else around)
            classes[at:end] = [sides[0] if sides[0] == sides[1] else around] * (end - at)
        at = max(end, at + 1)
    return classes


def _side(one: str) -> str:
    return "L" if one == "L" else "R"


def _weak(given: list[str], around: str) -> list[str]:
    """Rules W1 to W7: marks, figures, and what stands between figures."""
    classes: list[str] = []
    for one in given:
        before = classes[-1] if classes else around
        is_after_isolate = before in _ISOLATES or before == "PDI"
        classes.append(("ON" if is_after_isolate else before) if one == "NSM" else one)
    strong = around
    for at, one in enumerate(classes):
        if one in {"L", "R", "AL"}:
            strong = one
        elif one == "EN" and strong == "AL":
            classes[at] = "AN"
    _join_figures(classes := ["R" if one == "AL" else one for one in classes])
    strong = around
    for at, one in enumerate(classes):
        if one in {"L", "R"}:
            strong = one
        elif one == "EN" and strong == "L":
            classes[at] = "L"
    return classes


def _join_figures(classes: list[str]) -> None:
    """Rules W4 to W6."""
    for at in range(1, len(classes) - 1):
        sides = {classes[at - 1], classes[at + 1]}
        if (classes[at] == "ES" and sides == {"EN"}) or (classes[at] == "CS" and sides in ({"EN"}, {"AN"})):
            classes[at] = classes[at - 1]
    start = 0
    for one, group in groupby(classes.copy()):
        end = start + sum(1 for _ in group)
        if one == "ET" and "EN" in (*classes[max(start - 1, 0) : start], *classes[end : end + 1]):
            classes[start:end] = ["EN"] * (end - start)
        start = end
    classes[:] = ["ON" if one in {"ES", "ET", "CS"} else one for one in classes]


def _pair_brackets(classes: list[str], given: list[str], letters: list[str], around: str) -> None:
    """Rule N0: brackets go with what they hold."""
    for opened, closed in _pairs(classes, letters):
        inside = {_side(one) for one in classes[opened + 1 : closed] if one not in _NEUTRAL}
        if not inside:
            continue
        if around in inside:
            found = around
        else:
            found = next((_side(one) for one in reversed(classes[:opened]) if one not in _NEUTRAL), around)
        for at in (opened, closed):
            classes[at] = found
            for mark in takewhile(lambda mark: given[mark] == "NSM", range(at + 1, len(classes))):
                classes[mark] = found


def _pairs(classes: list[str], letters: list[str]) -> list[tuple[int, int]]:
    """Return where brackets open and close, as BD16 has it."""
    found: list[tuple[int, int]] = []
    waiting: list[tuple[str, int]] = []
    for at, letter in enumerate(letters):
        if classes[at] != "ON":
            continue
        if letter in _BRACKETS:
            if len(waiting) == _MOST_OPEN:
                return []
            waiting.append((_BRACKETS[letter], at))
        elif letter in _BRACKETS.values():
            for depth in range(len(waiting) - 1, -1, -1):
                if waiting[depth][0] == letter:
                    found.append((waiting[depth][1], at))
                    del waiting[depth:]
                    break
    return sorted(found)
