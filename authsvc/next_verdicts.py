"""What the next person who scans the label of an item would be told, and what an act would change of it."""

from dataclasses import replace
from datetime import datetime

from authsvc import scanning
from authsvc.connections import Connections
from authsvc.core.verdicts import Disposition, Facts, Mark, Signature, Verdict, decide
from authsvc.holdings import Holdings
from authsvc.investigations import Subject
from authsvc.item_story import State


def find(held: Holdings, connections: Connections, subject: Subject, state: State, *, at: datetime) -> Verdict:
    """
    Judge the label of an item as somebody new would see it; nothing is recorded.

    Raises:
        Unavailable: The database does not answer.
    """
    name = subject.name
    key = held.keyring.find(name.brand.id, state.key_id) if state.key_id else None
    has_token = subject.product is None or subject.product.token != "none"
    known = Facts(
        at=at,
        signature=Signature(Mark.VALID if has_token else Mark.NOT_EXPECTED, key.kid if key else None),
        gtin=None if name.serial is None else name.key,
        serial=name.serial,
        sscc=name.key if name.serial is None else None,
        brand=name.brand,
        product=subject.product,
    )
    if not state.is_issued:
        return decide(replace(known, is_issued=False))
    facts = scanning.read_state(held, connections, known, key)
    return decide(replace(facts, scan_number=state.counted + 1))


def after(verdict: Verdict, disposition: Disposition, *, at: datetime) -> Verdict:
    """Say what *verdict* becomes once the item is in another condition."""
    return decide(replace(verdict.facts, disposition=disposition, disposition_at=at))
