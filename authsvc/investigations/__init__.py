"""
Investigations: from what is stored of an item to signals, from signals to alerts, and what people make of them.

``judging`` is the side of the scan: it weighs a history and opens alerts. ``facts`` records what happened to an item
beside scans, ``resolving`` closes alerts, by a decision or by the owner's proof. ``weighing`` is the one way in which a
score falls.
"""

from authsvc.investigations.facts import record_fact, withdraw_fact
from authsvc.investigations.judging import (
    Judged,
    examine,
    judge_again,
    open_alert,
    open_alerts,
    open_unissued,
)
from authsvc.investigations.proving import Proof, prove_by_claim_code, prove_by_visitor
from authsvc.investigations.resolving import Resolved, resolve, undo
from authsvc.investigations.weighing import Subject, weigh

__all__ = [
    "Judged",
    "Proof",
    "Resolved",
    "Subject",
    "examine",
    "judge_again",
    "open_alert",
    "open_alerts",
    "open_unissued",
    "prove_by_claim_code",
    "prove_by_visitor",
    "record_fact",
    "resolve",
    "undo",
    "weigh",
    "withdraw_fact",
]
