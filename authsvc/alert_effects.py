"""
Effects: what a decision on an alert will change, told before somebody takes it.

Nothing here is a fixed text for a button. The verdict that the next person will see is decided by the same code that
decides it for them, from the item as it is now and the evidence as it is now, with the decision added; webhooks are
those that listen. What is no item has the consequences that ``core.decisions`` tells.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, literal, or_, select
from sqlalchemy.orm import Session

from authsvc import scan_statements as sql
from authsvc import scanning, triage
from authsvc.connections import Connections
from authsvc.core import clones, decisions, wording
from authsvc.core.clones import Fact, FactKind, History
from authsvc.core.decisions import WAIT, About, Choice, Option
from authsvc.core.verdicts import Disposition, Facts, Mark, Signature, decide
from authsvc.holdings import Holdings
from authsvc.investigations import Subject
from authsvc.investigations.judging import read_history
from authsvc.investigations.weighing import OTHER_RULES
from authsvc.models import Alert, ItemFact, WebhookEndpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """
    The decisions that may be taken on an alert, and what each changes: sentences by choice, and by ``WAIT``.

    ``title`` is the verdict that people who scan are shown now.
    """

    title: str | None
    options: tuple[Option, ...]
    effects: Mapping[str, tuple[str, ...]]

    def may(self, choice: Choice) -> bool:
        """Whether a decision may be taken."""
        return any(option.choice is choice for option in self.options)


def foresee(
    session: Session, held: Holdings, connections: Connections, subject: Subject, alert: Alert, *, now: datetime
) -> Foreseen:
    """Say which decisions fit an open alert, and what each would change."""
    kind = decisions.about(alert.sgtin, alert.rule)
    facts = _facts(held, connections, subject, now)
    told = _who_is_told(session, alert)
    owner = _owner(session, subject)
    history = None if facts is None or alert.rule in OTHER_RULES else _history(session, subject)
    effects: dict[str, tuple[str, ...]] = {}
    options = decisions.offered(kind)
    if not triage.may_block(session, subject):
        options = tuple(option for option in options if option.choice is not Choice.BLOCK)
    for option in options:
        shown = () if kind not in _WITH_ITEM else (_shown(facts, _after(facts, history, option.choice, now)),)
        owners = (owner,) if kind in _SAID_TO_OWNERS else ()
        effects[option.choice.value] = (*option.follows, *shown, *owners, told[option.choice], _UNDO)
    effects[WAIT] = (
        "The alert leaves the list until then, or until the score rises by what you say." if kind in _SAID_TO_OWNERS
        else "The alert leaves the list until then.",
        _shown(facts, facts), "Nobody is told.",
    )  # fmt: skip
    return Foreseen(title=None if facts is None else _title(facts), options=options, effects=effects)


# --- Private ---------------------------------------------------------------------------------------------------------

_UNDO = "You can undo this."
_SAID_TO_OWNERS = frozenset({About.ITEM, About.UNIT})
_WITH_ITEM = _SAID_TO_OWNERS | {About.PAGE}


def _facts(held: Holdings, connections: Connections, subject: Subject, now: datetime) -> Facts | None:
    """Return what is known when somebody new scans the genuine label; None where no item is."""
    name = subject.name
    if subject.other is not None:
        return None
    known = Facts(
        at=now, signature=Signature(Mark.VALID), gtin=None if name.serial is None else name.key, serial=name.serial,
        sscc=name.key if name.serial is None else None, brand=name.brand, product=subject.product,
    )  # fmt: skip
    facts = scanning.read_state(held, connections, known, None)
    # Somebody new is never the first to check an item that has an alert.
    return replace(facts, scan_number=2, mine_at=None) if facts.is_issued else None


def _history(session: Session, subject: Subject) -> History | None:
    """Return what the clone rules see of the item now; None where nothing is stored of it."""
    run, index = subject.name.decode()
    row = session.connection().exec_driver_sql(
        sql.EVIDENCE, {"sgtin": subject.sgtin, "run": run, "index": index}
    ).one_or_none()  # fmt: skip
    return None if row is None else read_history(row, subject.product)


def _after(facts: Facts | None, history: History | None, choice: Choice, now: datetime) -> Facts | None:
    """Judge the item as ``investigations`` will once the resolution is a fact of its *history*, where that counts."""
    if facts is None:
        return None
    if choice is Choice.BLOCK:
        return replace(facts, disposition=Disposition.BLOCKED, disposition_at=now)
    if history is None:
        return facts
    resolved = replace(history, facts=(*history.facts, Fact(kind=FactKind(choice.resolution), at=now)))
    return replace(facts, is_flagged=clones.examine(resolved).is_flagged)


def _title(facts: Facts) -> str:
    return wording.words(decide(facts)).title


def _shown(before: Facts | None, after: Facts | None) -> str:
    if before is None or after is None:
        return "Nothing changes for people who scan."
    was, will_be = _title(before), _title(after)
    if was == will_be:
        return f"People who scan this code go on seeing “{was}”."
    return f"People who scan this code will see “{will_be}”. Now they see “{was}”."


def _owner(session: Session, subject: Subject) -> str:
    registered = select(func.count()).where(
        ItemFact.sgtin == subject.sgtin,
        ItemFact.brand_id == subject.name.brand.id,
        ItemFact.kind.in_((FactKind.REGISTERED.value, FactKind.TRANSFERRED.value)),
        ItemFact.withdrawn_at.is_(None),
    )
    if subject.other is None and session.scalar(registered):
        return "The registered owner gets no message."
    return "No owner is registered, so none is told."


def _who_is_told(session: Session, alert: Alert) -> Mapping[Choice, str]:
    """Count the webhooks that listen to what each choice makes happen."""

    def listening(*events: str) -> int:
        wants = or_(
            func.cardinality(WebhookEndpoint.types) == 0,
            *(literal(event) == func.any(WebhookEndpoint.types) for event in events),
        )
        query = select(func.count()).where(
            WebhookEndpoint.brand_id == alert.brand_id, WebhookEndpoint.disabled_at.is_(None), wants
        )
        return session.scalar(query) or 0

    plain, block = listening("alert.closed"), listening("alert.closed", "item.disposition_changed")
    return {choice: _told(block if choice is Choice.BLOCK else plain) for choice in Choice}


def _told(number: int) -> str:
    if not number:
        return "No webhook is told."
    return "One webhook is told." if number == 1 else f"{number} webhooks are told."
