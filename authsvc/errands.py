"""
Errands: what somebody of a brand has the worker do because a page cannot wait for it, and how far it is.

The row is the truth and its job a reminder. A worker may die at any point, or sleep and come back: whoever takes an
errand up takes the next turn, and a worker whose turn is over, or whose errand was cancelled, hears so when it next
tells how far it is, and stops. What comes of an errand is kept for a stated time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from authsvc.audit import Actor
from authsvc.errors import Conflict, NotFound
from authsvc.models import Errand as Row

PREVIEW, EXPORT, ISSUE, PRODUCTS = "preview", "export", "issue", "products"
SERIALS, LABELS, SANDBOX = "serials", "labels", "sandbox"
OPEN = ("waiting", "running")
KEPT: Mapping[str, timedelta] = {
    PREVIEW: timedelta(days=30),
    EXPORT: timedelta(days=7),
    ISSUE: timedelta(days=30),
    PRODUCTS: timedelta(days=7),
    SERIALS: timedelta(days=7),
    LABELS: timedelta(days=7),
    SANDBOX: timedelta(days=30),
}
"""How long after its end an errand is kept, with what came of it."""
MOST_OPEN = 3
"""Errands of a kind that one brand may have under way: they take turns, and everybody else's wait behind them."""
PATIENCE = timedelta(minutes=5)
"""How long an errand waits before its page asks whether a worker runs."""
MOST_KEPT = 50
"""Files that a brand may have lying here at a time."""
MOST_TURNS = 5
"""How often an errand is begun. What has stopped so many workers would stop the next one too."""


class Stopped(Exception):
    """Somebody has cancelled the errand, or another worker has taken it up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One errand as it is: what was asked by whom, how far it is, and what came of it."""

    id: UUID
    brand_id: UUID
    kind: str
    asked: Mapping[str, Any]
    asked_by: UUID | None
    asked_name: str
    state: str
    turn: int
    done: int
    total: int | None
    fault: str | None
    result: Mapping[str, Any]
    created_at: datetime
    ended_at: datetime | None
    expires_at: datetime

    @property
    def is_open(self) -> bool:
        """Whether it waits for its turn or is under way."""
        return self.state in OPEN

    def has_waited(self, now: datetime) -> bool:
        """Whether it waits for so long that somebody should see whether a worker runs."""
        return self.state == "waiting" and now - self.created_at > PATIENCE


def order(
    session: Session,
    brand_id: UUID,
    kind: str,
    asked: Mapping[str, Any],
    by: Actor,
    *,
    id: UUID,  # noqa: A002  the word of the column
    now: datetime,
) -> None:
    """
    Have something done; its job is queued if and only if this transaction commits.

    Raises:
        Conflict: So many of the kind are under way that this one would only wait.
    """
    under_way = session.scalar(
        select(func.count()).where(Row.brand_id == brand_id, Row.kind == kind, Row.state.in_(OPEN))
    )
    if (under_way or 0) >= MOST_OPEN:
        raise Conflict(f"{MOST_OPEN} are under way already. Wait until one has ended, or cancel one.")
    kept = session.scalar(select(func.count()).where(Row.brand_id == brand_id, Row.kind == kind, Row.state == "done"))
    if kind == EXPORT and (kept or 0) >= MOST_KEPT:
        raise Conflict(f"{MOST_KEPT} files are kept already. Remove some first.")
    row = {
        "id": id,
        "brand_id": brand_id,
        "kind": kind,
        "asked": dict(asked),
        "asked_by": by.id,
        "asked_name": by.name,
        "created_at": now,
        "expires_at": now + KEPT[kind],
    }
    session.execute(insert(Row), [row])


def list_errands(
    session: Session, brand_id: UUID, kind: str, asked: Mapping[str, str | None] = {}, *, limit: int = 20
) -> list[Errand]:
    """Return the errands of a kind for which just this was *asked*, the newest first."""
    query = select(Row).where(Row.brand_id == brand_id, Row.kind == kind)
    for name, value in asked.items():
        query = query.where(Row.asked[name].astext.is_not_distinct_from(value))
    rows = session.scalars(query.order_by(Row.created_at.desc(), Row.id.desc()).limit(limit))
    return [_errand(row) for row in rows]


def find_errands(session: Session, brand_id: UUID, kind: str, ids: Sequence[UUID]) -> dict[UUID, Errand]:
    """Return those of some errands that there are, by their number."""
    rows = session.scalars(select(Row).where(Row.brand_id == brand_id, Row.kind == kind, Row.id.in_(ids)))
    return {row.id: _errand(row) for row in rows}


def get_errand(session: Session, brand_id: UUID, errand_id: UUID, kind: str) -> Errand:
    """
    Return one errand.

    Raises:
        NotFound: The brand has no such errand.
    """
    row = session.scalar(select(Row).where(Row.brand_id == brand_id, Row.id == errand_id, Row.kind == kind))
    if row is None:
        raise NotFound("There is no such file or preview. What has ended is kept for a stated time only.")
    return _errand(row)


def cancel(session: Session, brand_id: UUID, errand_id: UUID, kind: str, *, now: datetime) -> Errand:
    """
    Have it done no further.

    Raises:
        NotFound: The brand has no such errand.
        Conflict: It has ended.
    """
    found = get_errand(session, brand_id, errand_id, kind)
    changed = session.execute(
        update(Row)
        .where(Row.brand_id == brand_id, Row.id == errand_id, Row.state.in_(OPEN))
        .values(state="cancelled", ended_at=now)
        .returning(Row.id)
        .execution_options(synchronize_session=False)
    )
    if changed.one_or_none() is None:
        raise Conflict("It has ended already.")
    return found


def discard(session: Session, brand_id: UUID, errand_id: UUID, kind: str) -> Errand:
    """
    Give up what came of an errand before its time; the worker removes it.

    Raises:
        NotFound: The brand has no such errand.
        Conflict: It is not done, or given up already.
    """
    found = get_errand(session, brand_id, errand_id, kind)
    changed = session.execute(
        update(Row)
        .where(Row.brand_id == brand_id, Row.id == errand_id, Row.state == "done")
        .values(state="cancelled")
        .returning(Row.id)
        .execution_options(synchronize_session=False)
    )
    if changed.one_or_none() is None:
        raise Conflict("There is nothing to remove.")
    return found


# --- The side of the worker ------------------------------------------------------------------------------------------


def take_up(session: Session, errand_id: UUID, *, now: datetime) -> Errand | None:
    """Begin an errand, or begin it anew after a worker that died; None if nothing is left to do."""
    row = session.scalar(
        update(Row)
        .where(Row.id == errand_id, Row.state.in_(OPEN), Row.turn < MOST_TURNS)
        .values(state="running", turn=Row.turn + 1, done=0, total=None, started_at=now)
        .returning(Row)
    )
    if row is not None:
        return _errand(row)
    fault = f"It was begun {MOST_TURNS} times and never came to its end. The log of the worker says why."
    session.execute(
        update(Row)
        .where(Row.id == errand_id, Row.state.in_(OPEN))
        .values(state="failed", fault=fault, ended_at=now)
        .execution_options(synchronize_session=False)
    )
    return None


def tell(session: Session, errand: Errand, *, done: int, total: int | None) -> None:
    """
    Say how far it is.

    Raises:
        Stopped: There is no reason to go on.
    """
    _change(session, errand, done=done, total=total)


def finish(session: Session, errand: Errand, result: Mapping[str, Any], *, now: datetime) -> None:
    """Say what came of it; raises as ``tell`` does."""
    expires = now + KEPT[errand.kind]
    _change(session, errand, state="done", result=dict(result), ended_at=now, expires_at=expires)


def fail(session: Session, errand: Errand, fault: str, *, now: datetime) -> None:
    """Give it up, and say why; raises as ``tell`` does."""
    _change(session, errand, state="failed", fault=fault, ended_at=now)


def remove_old(session: Session, *, now: datetime) -> int:
    """Remove what has been kept for its time, files and all; return how many errands those were."""
    gone = session.execute(delete(Row).where(Row.expires_at <= now, Row.state.not_in(OPEN)).returning(Row.id))
    return len(gone.all())


# --- Private ---------------------------------------------------------------------------------------------------------


def _change(session: Session, errand: Errand, **values: Any) -> None:
    changed = session.execute(
        update(Row)
        .where(Row.id == errand.id, Row.state == "running", Row.turn == errand.turn)
        .values(**values)
        .returning(Row.id)
        .execution_options(synchronize_session=False)
    )
    if changed.one_or_none() is None:
        raise Stopped


def _errand(row: Row) -> Errand:
    return Errand(
        id=row.id,
        brand_id=row.brand_id,
        kind=row.kind,
        asked=row.asked,
        asked_by=row.asked_by,
        asked_name=row.asked_name,
        state=row.state,
        turn=row.turn,
        done=row.done,
        total=row.total,
        fault=row.fault,
        result=row.result or {},
        created_at=row.created_at,
        ended_at=row.ended_at,
        expires_at=row.expires_at,
    )
