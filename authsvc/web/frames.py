"""
Frames: what is the same for many answers is made once, with marks where each has values of its own, and filled in.

The answers of a product's good checks differ in a receipt, a time and a serial number, a page in a nonce too. To render
a page takes the template engine 94 us and to gather what it needs 20; to find its frame and fill it takes 15.

What must stay true: a frame is found by everything that its answer is made of but the values of the marks. Whatever an
answer shows is in one or the other, so none can show what belongs to another check. ``key`` holds every fact of a
check but those that it names, so a fact that is added later is part of it; ``tests/web/test_frames.py`` changes each
fact in turn and compares.
"""

import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import fields
from operator import attrgetter
from typing import Any

from markupsafe import escape

from authsvc.core.unit_data import Level
from authsvc.core.verdict_texts import Words
from authsvc.core.verdicts import Facts, Verdict

MOST = 256
"""Frames that are kept, of about ten kilobytes each; when there are more, all are made anew."""

# Characters of a private use area, which the engine does not escape.
_OPEN, _CLOSE = "\ue000", "\ue001"


class Frames:
    """
    The frames of one kind of answer, with marks of these *names*.

    *write* says how a value stands in an answer; None where values come as they shall stand. *around* is what stands
    around a mark and goes with it.
    """

    def __init__(
        self, names: Iterable[str], write: Callable[[str], bytes] | None, *, around: str = "", most: int = MOST
    ) -> None:
        self._marks = re.compile(f"{around}{_OPEN}({'|'.join(names)}){_CLOSE}{around}")
        self._write = write
        self._most = most
        self._kept: dict[Hashable, tuple[list[bytes], list[str], object]] = {}

    def fill(self, key: Hashable, own: Mapping[str, Any], make: Callable[[], str], *, about: object = None) -> bytes:
        """
        Return what *make* makes, with the values of *own* in place of their marks; for one *key* it is asked once.

        With the key None nothing is kept. *about* is what the key knows by its ``id`` alone: it lives as long as the
        frame, so no other gets its id.
        """
        kept = None if key is None else self._kept.get(key)
        if kept is None:
            # Text, name of a mark, text, and so on: what re.split does with a group.
            parts = self._marks.split(make())
            kept = ([part.encode() for part in parts], parts[1::2], about)
            if key is not None:
                if len(self._kept) >= self._most:
                    self._kept.clear()
                self._kept[key] = kept
        pieces, names, _ = kept
        # Each value is written once: a receipt stands in a dozen links of a page.
        values = own if self._write is None else {name: self._write(value) for name, value in own.items()}
        filled = pieces.copy()
        filled[1::2] = [values.get(name, b"") for name in names]
        return b"".join(filled)


def mark(name: str) -> str:
    """Return what stands in an answer for the value called *name*."""
    return f"{_OPEN}{name}{_CLOSE}"


def escaped(value: str) -> bytes:
    """Write a value as the template engine does."""
    return escape(value).encode()


def key(verdict: Verdict, words: Words, notices: Hashable) -> tuple[Hashable, ...]:
    """
    Return what an answer is known by beside its own values: the verdict, what is said of it, and the facts it shares.

    Brand and product are known by their ids (``about``): the register makes new ones when they change.
    """
    facts = verdict.facts
    data = facts.data and tuple(fact for fact in facts.data if fact.level is not Level.ITEM)
    shared: tuple[Hashable, ...] = _shared(facts)
    return (verdict.reason, words, notices, id(facts.brand), id(facts.product), facts.serial is None, data, *shared)


def about(facts: Facts) -> object:
    """Return what ``key`` knows by its id."""
    return facts.brand, facts.product


_TOLD_BY_WORDS = {"disposition_at", "withdrawn_at", "mine_at"}
"""Days that an answer tells in its words, or not at all."""
_OWN = {"at", "serial", "scan_number", "first_at", "warranty", "records"}
"""What is one check's alone: an answer shows it by a mark, or is not kept."""
_shared: Any = attrgetter(
    *(fact.name for fact in fields(Facts) if fact.name not in _TOLD_BY_WORDS | _OWN | {"brand", "product", "data"})
)
