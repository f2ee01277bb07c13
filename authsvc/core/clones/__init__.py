"""
Clone evidence: from the history of one item to a score with parts that a person can read.

A copied label carries a valid signature, so only its history can give it away. ``histories`` says what may be known,
``courses`` retells it step by step, ``rules`` weighs each step and ``examining`` adds up. The same ``examine`` judges a
scan as it happens and a trace that is replayed.
"""

from authsvc.core.clones.examining import NOTHING, Examination, examine
from authsvc.core.clones.histories import (
    RECENT,
    UNKNOWN_PLACE,
    Bustle,
    Fact,
    FactKind,
    History,
    Network,
    Place,
    Sighting,
)
from authsvc.core.clones.rules import RULES, Part, Rule

__all__ = [
    "NOTHING",
    "RECENT",
    "RULES",
    "UNKNOWN_PLACE",
    "Bustle",
    "Examination",
    "Fact",
    "FactKind",
    "History",
    "Network",
    "Part",
    "Place",
    "Rule",
    "Sighting",
    "examine",
]
