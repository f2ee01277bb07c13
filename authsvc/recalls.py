"""
Recalls: of a product, a lot, a range of its codes, a list or a production window; lifted again, never deleted.

A range of derived serials is stored as run and indexes, for the serials themselves are in no order. Its two ends must
therefore lie in one run. Imported serials are ranges of text of one length, in the order of their characters; such a
range covers no derived serial, and of the lot that it names nothing but that lot. A window covers the codes that were
issued in it, up to the announcement.

A recall is looked at before it is announced (``preview``), and what a console announces is a draft that somebody has
seen; see ``recall_drafts``. Pages say it from the commit on. Owners are mailed by a job that the commit queues.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, insert, or_, select
from sqlalchemy.orm import Session

from authsvc import languages, recall_counts, recall_languages
from authsvc.core import recall_texts, serials
from authsvc.core.recall_texts import Text
from authsvc.core.register import Product
from authsvc.errors import Conflict, NotFound
from authsvc.models import Recall, RecallItem, RecallNotice
from authsvc.recall_counts import Sparing
from authsvc.recall_targets import Scope, Target, resolve

__all__ = [
    "WHOLE", "Preview", "RecallInfo", "Target", "add_texts", "announced", "changes", "describe", "find_by_draft",
    "get_recall", "lift", "list_recalls", "preview", "recall", "sentences",
]  # fmt: skip

WHOLE = Scope()
"""The scope of a recall of a whole product, codes issued later too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallInfo:
    """
    A recall as people see it.

    *covered* is the number of issued codes that it concerns now, *told* how many owners were mailed of it. *reason*
    and *remedy* are in *language*, *texts* say them in others, by their tags.
    """

    id: int
    brand_id: UUID
    gtin: str
    lot: str | None
    run: int | None
    index_from: int | None
    index_to: int | None
    serial_from: str | None
    serial_to: str | None
    listed: int | None
    made_from: datetime | None
    made_until: datetime | None
    reason: str
    remedy: str | None
    language: str
    texts: Mapping[str, Any]
    recalled_at: datetime
    lifted_at: datetime | None
    tells_owners: bool
    covered: int
    told: int

    @property
    def scope(self) -> str:
        """What it is of, in words that go after "recall of"."""
        return describe(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a recall would do if it were announced now."""

    scope: Scope
    covered: int
    owners: int
    spares: Sparing | None


def preview(
    session: Session, product: Product, target: Target, *, serial_keys: Mapping[str, serials.SerialKey], now: datetime
) -> Preview:
    """
    Say what a recall would hit, and change nothing.

    Raises:
        NotFound: The lot, a serial or any code of the window was never issued.
        BadInput: The parts of the target do not go together.
    """
    scope = resolve(session, product, target, serial_keys=serial_keys, now=now)
    covered = recall_counts.count_covered(session, product.brand_id, product.gtin, scope)
    return Preview(
        scope=scope,
        covered=covered,
        owners=recall_counts.count_owners(session, product.brand_id, product.gtin, scope, serial_keys=serial_keys),
        spares=recall_counts.find_sparing(session, product, scope, covered, serial_keys=serial_keys),
    )


def recall(
    session: Session,
    product: Product,
    target: Target,
    *,
    reason: str,
    remedy: str | None = None,
    language: str = languages.DEFAULT,
    texts: Iterable[Text] = (),
    tells_owners: bool = False,
    draft_id: UUID | None = None,
    serial_keys: Mapping[str, serials.SerialKey],
    now: datetime,
) -> RecallInfo:
    """
    Announce a recall; every later scan of a code that it covers says so.

    Raises:
        NotFound: The lot, a serial or any code of the window was never issued: it would recall nothing, in silence.
        BadInput: There is no reason, a text is not whole, or the parts of the target do not go together.
    """
    original, others = recall_languages.checked(Text(language, reason, remedy), texts)
    scope = resolve(session, product, target, serial_keys=serial_keys, now=now)
    row = Recall(
        brand_id=product.brand_id,
        gtin=product.gtin,
        **scope.columns(),
        reason=original.reason,
        remedy=original.remedy,
        language=original.language,
        texts=recall_texts.write(others),
        recalled_at=now,
        tells_owners=tells_owners,
        draft_id=draft_id,
    )
    session.add(row)
    session.flush()
    if scope.sgtins:
        items = [{"sgtin": sgtin, "recall_id": row.id, "brand_id": product.brand_id} for sgtin in scope.sgtins]
        session.execute(insert(RecallItem), items)
    return _info(session, row)


def announced(made: RecallInfo) -> dict[str, Any]:
    """Return what the log keeps of an announcement."""
    return {
        "gtin": made.gtin, "scope": made.scope, "reason": made.reason, "covers": made.covered,
        "language": made.language, "texts": dict(made.texts),
    }  # fmt: skip


def changes(before: RecallInfo, after: RecallInfo) -> dict[str, Any]:
    """Return what the log keeps of new texts, None for one that was taken away; nothing if nothing has changed."""
    tags = sorted({*before.texts, *after.texts})
    changed = {tag: after.texts.get(tag) for tag in tags if before.texts.get(tag) != after.texts.get(tag)}
    if not changed and before.language == after.language:
        return {}
    return {"gtin": after.gtin, "language": after.language, "texts": changed}


def add_texts(
    session: Session,
    recall_id: int,
    given: Mapping[str, Text | None],
    *,
    brand_id: UUID | None = None,
    language: str | None = None,
) -> RecallInfo:
    """
    Say a recall in further languages, of one brand where it is named; None takes a text away.

    The reason and the remedy that were announced stay as they are; *language* says which one theirs is. Only what is
    given changes, so two people who add a language each do not undo each other.

    Raises:
        NotFound: There is no such recall.
        BadInput: A language is unknown, or a text is empty, too long or not whole.
    """
    row = _get(session, recall_id, brand_id, locks=True)
    original = Text(language or row.language, row.reason, row.remedy)
    original, texts = recall_languages.checked(original, recall_languages.merged(recall_texts.read(row.texts), given))
    row.language, row.texts = original.language, recall_texts.write(texts)
    session.flush()
    return _info(session, row)


def lift(session: Session, recall_id: int, *, brand_id: UUID | None = None, now: datetime) -> RecallInfo:
    """
    End a recall, of one brand where it is named; its row stays.

    Raises:
        NotFound: There is no such recall.
        Conflict: It was lifted before.
    """
    row = _get(session, recall_id, brand_id, locks=True)
    if row.lifted_at is not None:
        raise Conflict(f"Recall {recall_id} was lifted before, at {row.lifted_at:%Y-%m-%d %H:%M} UTC.")
    row.lifted_at = now
    session.flush()
    return _info(session, row)


def get_recall(session: Session, recall_id: int, *, brand_id: UUID | None = None) -> RecallInfo:
    """
    Return a recall, of one brand where it is named.

    Raises:
        NotFound: There is no such recall.
    """
    return _info(session, _get(session, recall_id, brand_id))


def find_by_draft(session: Session, brand_id: UUID, draft_id: UUID) -> RecallInfo | None:
    """Return the recall that was announced from a draft."""
    row = session.scalar(select(Recall).where(Recall.brand_id == brand_id, Recall.draft_id == draft_id))
    return None if row is None else _info(session, row)


def list_recalls(
    session: Session,
    gtin: str | None = None,
    *,
    brand_id: UUID | None = None,
    before: int | None = None,
    limit: int | None = None,
) -> list[RecallInfo]:
    """Return all recalls, or those of one product or brand, the latest first; those *before* a number where given."""
    query = select(Recall).order_by(Recall.recalled_at.desc(), Recall.id.desc()).limit(limit)
    if gtin is not None:
        query = query.where(Recall.gtin == gtin)
    if brand_id is not None:
        query = query.where(Recall.brand_id == brand_id)
    if before is not None:
        at = select(Recall.recalled_at).where(Recall.id == before).scalar_subquery()
        query = query.where(or_(Recall.recalled_at < at, and_(Recall.recalled_at == at, Recall.id < before)))
    return [_info(session, row) for row in session.scalars(query)]


def describe(of: RecallInfo | Scope) -> str:
    """Say what a recall is of."""
    within = f" of batch {of.lot}" if of.lot else ""
    if of.run is not None:
        return f"codes {of.index_from} to {of.index_to} of run {of.run}{within}"
    if of.serial_from is not None:
        return f"serials {of.serial_from} to {of.serial_to}{within}"
    if of.listed is not None:
        return f"a list of {of.listed} items"
    if of.made_from is not None:
        return f"codes issued from {of.made_from:%Y-%m-%d %H:%M} to {of.made_until:%Y-%m-%d %H:%M} UTC"
    return f"batch {of.lot}" if of.lot else "the whole product"


def sentences(found: Preview) -> list[str]:
    """Say what a recall would do, for whoever has to decide on it."""
    said = [
        f"It covers {_count(found.covered, 'issued code')}: {describe(found.scope)}.",
        f"{_count(found.owners, 'known owner')} {'holds' if found.owners == 1 else 'hold'} an item of it.",
    ]
    if found.spares is not None and found.spares.items:
        beside = {"product": "the whole product", "lot": "the whole batch", "lots": "the whole batches"}
        said.append(
            f"It spares {_count(found.spares.items, 'item')} that a recall of {beside[found.spares.beside]} would hit."
        )
    return said


# --- Private ---------------------------------------------------------------------------------------------------------


def _get(session: Session, recall_id: int, brand_id: UUID | None, *, locks: bool = False) -> Recall:
    row = session.get(Recall, recall_id, with_for_update=locks or None)
    if row is None or brand_id not in {None, row.brand_id}:
        raise NotFound(f"There is no recall {recall_id}; `authsvc recall --list` shows them.")
    return row


def _info(session: Session, row: Recall) -> RecallInfo:
    covered = recall_counts.count_covered(session, row.brand_id, row.gtin, Scope.of(row))
    told = select(RecallNotice.owner_id).where(RecallNotice.recall_id == row.id, RecallNotice.kind == "announced")
    return RecallInfo(
        id=row.id,
        brand_id=row.brand_id,
        gtin=row.gtin,
        **Scope.of(row).columns(),
        reason=row.reason,
        remedy=row.remedy,
        language=row.language,
        texts=row.texts,
        recalled_at=row.recalled_at,
        lifted_at=row.lifted_at,
        tells_owners=row.tells_owners,
        covered=covered,
        told=session.scalar(select(func.count()).select_from(told.subquery())) or 0,
    )


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
