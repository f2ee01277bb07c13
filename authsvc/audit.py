"""
The audit log: every act of staff and of commands, chained by hashes within each brand, in the transaction of the act.

``record`` notes an act; the row is written as the last thing before the commit. So the lock of a brand's chain is
the last lock that any transaction takes, and no two of them can wait for each other. What is rolled back was not
done, and is not in the log.

A trigger of the database numbers and chains the rows (migration 0012); ``verify`` computes the chain anew, here, from
what is stored. Whoever owns the tables can forge a whole chain: note the newest hash elsewhere (``authsvc audit
verify`` prints it, and compares with the one that you kept).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, event, select, text
from sqlalchemy.orm import Session, SessionTransaction

from authsvc.models import AuditEvent, AuditHead

_NOTED = "authsvc.audit"
_FIRST = bytes(32)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DOMAIN = "authsvc/audit/1"
# Not by the mapped class: number and hashes are the trigger's to give, and nobody may read the row back for that.
_INSERT = text(
    "INSERT INTO audit_events (brand_id, at, actor_kind, actor_id, actor_name, act, subject, details) VALUES "
    "(:brand_id, :at, :actor_kind, :actor_id, :actor_name, :act, :subject, CAST(:details AS jsonb))"
)
PAGE = 50
_MOST_MOVED = 200


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. ``kind`` is staff, command, key (an API key) or system; commands are named by the login that ran."""

    kind: str
    id: UUID | None
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One act, as the log has it."""

    seq: int
    at: datetime
    actor: Actor
    act: str
    subject: str
    details: Mapping[str, Any]
    previous: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with one row of a chain: ``fault`` is changed, missing, reordered or foreign."""

    brand_id: UUID
    seq: int
    fault: str
    text: str


@dataclass(frozen=True, slots=True)
class Chain:
    """The chain of one brand: how many acts, the hash of the newest, and what is wrong."""

    brand_id: UUID
    seq: int
    hash: bytes
    findings: tuple[Finding, ...]


def record(
    session: Session,
    brand_id: UUID,
    actor: Actor,
    act: str,
    subject: str,
    details: Mapping[str, Any] | None = None,
    *,
    at: datetime,
) -> None:
    """
    Note an act; it is in the log if and only if this transaction commits.

    *act* is ``family.verb`` and stored: never rename one. *subject* names what was acted upon. *details* is JSON,
    and holds no secret and no personal data beyond what the act is about.
    """
    row = {
        "brand_id": brand_id,
        "at": at,
        "actor_kind": actor.kind,
        "actor_id": actor.id,
        "actor_name": actor.name,
        "act": act,
        "subject": subject.replace("\0", "\ufffd"),
        # PostgreSQL stores every character but NUL, which a form can bring along.
        "details": json.dumps(details or {}, ensure_ascii=False).replace("\\u0000", "\ufffd"),
    }
    session.info.setdefault(_NOTED, []).append((session.get_nested_transaction(), row))


def write(session: Session) -> None:
    """Write what was noted now; for whoever wants to read it in the same transaction. It locks the chain."""
    noted = [row for _, row in session.info.pop(_NOTED, ())]
    # Chains are locked in one order by everybody.
    for row in sorted(noted, key=lambda row: row["brand_id"].bytes):
        session.execute(_INSERT, row)


def find_events(
    session: Session,
    brand_id: UUID,
    *,
    act: str = "",
    actor: str = "",
    subject: str = "",
    about: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
    limit: int = PAGE,
) -> list[Event]:
    """
    Return the newest acts that fit, below the number *before*.

    *act* is a name or its first part; *subject* is a part of what was acted upon, *about* the whole of it.
    """
    query = select(AuditEvent).where(AuditEvent.brand_id == brand_id).order_by(AuditEvent.seq.desc()).limit(limit)
    if act:
        query = query.where((AuditEvent.act == act) | AuditEvent.act.startswith(f"{act}.", autoescape=True))
    if actor:
        query = query.where(AuditEvent.actor_name.icontains(actor, autoescape=True))
    if subject:
        query = query.where(AuditEvent.subject.icontains(subject, autoescape=True))
    if about:
        query = query.where(AuditEvent.subject == about)
    if since is not None:
        query = query.where(AuditEvent.at >= since)
    if until is not None:
        query = query.where(AuditEvent.at < until)
    if before is not None:
        query = query.where(AuditEvent.seq < before)
    return [_event(row) for row in session.scalars(query)]


def verify(session: Session, brand_id: UUID) -> Chain:
    """Compute the chain of a brand anew, and name every row that was changed, moved or taken away."""
    head = session.get(AuditHead, brand_id)
    findings: list[Finding] = []
    odd: list[tuple[AuditEvent, str]] = []
    expected_seq, expected, is_odd = 1, _FIRST, False
    for row, details in _rows(session, brand_id):
        findings += _missing(brand_id, expected_seq, row.seq)
        if _digest(row, details, row.seq) != row.hash:
            odd.append((row, details))
        elif row.previous != expected and row.seq == expected_seq and not is_odd:
            # Behind a row that is named already, nothing follows.
            said = f"Event {row.seq} does not follow the event before it: one of the two was replaced."
            findings.append(Finding(brand_id, row.seq, "foreign", said))
        expected_seq, expected, is_odd = row.seq + 1, row.hash, bool(odd) and odd[-1][0] is row
    findings += _explain(brand_id, odd)
    last = expected_seq - 1
    if (last, expected) != ((0, _FIRST) if head is None else (head.seq, head.hash)):
        findings += _at_the_end(brand_id, head, last)
    return Chain(brand_id, last, expected, tuple(sorted(findings, key=lambda finding: finding.seq)))


def find_hash(session: Session, brand_id: UUID, seq: int, noted: bytes) -> bool:
    """Say whether the event *seq* still has the hash that somebody noted."""
    found = session.scalar(select(AuditEvent.hash).where(AuditEvent.brand_id == brand_id, AuditEvent.seq == seq))
    return found == noted or (seq == 0 and noted == _FIRST)


def export(session: Session, brand_id: UUID) -> Iterator[Event]:
    """Yield the whole log of a brand, the oldest act first, without holding it in memory."""
    for row, _ in _rows(session, brand_id):
        yield _event(row)


# --- Private ---------------------------------------------------------------------------------------------------------


def _rows(session: Session, brand_id: UUID) -> Iterator[tuple[AuditEvent, str]]:
    query = (
        select(AuditEvent, cast(AuditEvent.details, Text).label("as_stored"))
        .where(AuditEvent.brand_id == brand_id)
        .order_by(AuditEvent.seq)
        .execution_options(yield_per=1000)
    )
    for row, details in session.execute(query):
        session.expunge(row)
        yield row, details


def _digest(row: AuditEvent, details: str, seq: int) -> bytes:
    """Return the hash of a row as the trigger makes it, were *seq* its number."""
    fields = (
        str(row.brand_id), str(seq), str((row.at - _EPOCH) // timedelta(microseconds=1)), row.actor_kind,
        None if row.actor_id is None else str(row.actor_id), row.actor_name, row.act, row.subject, details,
    )  # fmt: skip
    message = "".join("-" if text is None else f"{len(text.encode())}:{text}" for text in fields)
    return hashlib.sha256(row.previous + (_DOMAIN + message).encode()).digest()


def _missing(brand_id: UUID, first: int, end: int) -> Iterator[Finding]:
    for seq in range(first, end):
        yield Finding(brand_id, seq, "missing", f"Event {seq} is missing.")


def _explain(brand_id: UUID, odd: list[tuple[AuditEvent, str]]) -> Iterator[Finding]:
    """Tell events that only stand at another's number from events whose content was changed."""
    # Where everything was rewritten, no pair is worth looking for.
    numbers = [row.seq for row, _ in odd] if len(odd) <= _MOST_MOVED else []
    for row, details in odd:
        was = next((seq for seq in numbers if seq != row.seq and _digest(row, details, seq) == row.hash), None)
        if was is None:
            yield Finding(brand_id, row.seq, "changed", f"Event {row.seq} was changed.")
        else:
            yield Finding(brand_id, row.seq, "reordered", f"Event {row.seq} was event {was}.")


def _at_the_end(brand_id: UUID, head: AuditHead | None, last: int) -> Iterator[Finding]:
    if head is not None and head.seq > last:
        yield from _missing(brand_id, last + 1, head.seq + 1)
    else:
        yield Finding(brand_id, last, "foreign", f"Event {last} is not the newest that the database has made.")


def _event(row: AuditEvent) -> Event:
    return Event(
        seq=row.seq,
        at=row.at,
        actor=Actor(row.actor_kind, row.actor_id, row.actor_name),
        act=row.act,
        subject=row.subject,
        details=row.details,
        previous=row.previous,
        hash=row.hash,
    )


@event.listens_for(Session, "before_commit")
def _write_last(session: Session) -> None:
    if _NOTED in session.info and not session.in_nested_transaction():
        write(session)


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, previous: SessionTransaction) -> None:
    if _NOTED in session.info:
        session.info[_NOTED] = [
            (nested, row)
            for nested, row in session.info[_NOTED]
            if previous.nested and not _is_within(nested, previous)
        ]


def _is_within(transaction: SessionTransaction | None, outer: SessionTransaction) -> bool:
    while transaction is not None:
        if transaction is outer:
            return True
        transaction = transaction.parent
    return False
