"""
Drafts of recalls: what somebody has written down and looks at before it is announced.

What is announced is the draft that was shown, and each draft once: whoever presses twice gets the same recall. A draft
nobody announced is forgotten after a day.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from authsvc import languages, recall_languages, recalls
from authsvc.core import recall_texts, serials
from authsvc.core.recall_texts import Text
from authsvc.core.register import Product
from authsvc.errors import NotFound
from authsvc.models import RecallDraft
from authsvc.recall_targets import Target
from authsvc.recalls import RecallInfo

KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A recall that is not announced."""

    id: UUID
    gtin: str
    target: Target
    reason: str
    remedy: str | None
    language: str = languages.DEFAULT
    texts: tuple[Text, ...] = ()
    tells_owners: bool
    made_by: str


def write(session: Session, brand_id: UUID, draft: Draft, *, now: datetime) -> None:
    """
    Keep a draft, and forget old ones.

    Raises:
        BadInput: There is no reason, or a text is too long, or not whole, or in an unknown language.
    """
    original, texts = recall_languages.checked(Text(draft.language, draft.reason, draft.remedy), draft.texts)
    session.execute(delete(RecallDraft).where(RecallDraft.brand_id == brand_id, RecallDraft.created_at < now - KEPT))
    session.add(
        RecallDraft(
            brand_id=brand_id,
            id=draft.id,
            gtin=draft.gtin,
            target=draft.target.write(),
            reason=original.reason,
            remedy=original.remedy,
            language=original.language,
            texts=recall_texts.write(texts),
            tells_owners=draft.tells_owners,
            made_by=draft.made_by,
            created_at=now,
        )
    )
    session.flush()


def get(session: Session, brand_id: UUID, draft_id: UUID) -> Draft:
    """
    Return a draft.

    Raises:
        NotFound: There is none, or it was announced or dropped.
    """
    row = session.get(RecallDraft, (brand_id, draft_id))
    if row is None:
        raise NotFound("There is no such draft. It may have been announced, dropped, or left for more than a day.")
    return _read(row)


def drop(session: Session, brand_id: UUID, draft_id: UUID) -> None:
    """
    Forget a draft.

    Raises:
        NotFound: There is none.
    """
    get(session, brand_id, draft_id)
    session.execute(delete(RecallDraft).where(RecallDraft.brand_id == brand_id, RecallDraft.id == draft_id))


def announce(
    session: Session,
    product: Product,
    draft_id: UUID,
    *,
    serial_keys: Mapping[str, serials.SerialKey],
    now: datetime,
) -> tuple[RecallInfo, bool]:
    """
    Announce a draft; return the recall, and whether it is new.

    Raises:
        NotFound: There is no such draft, or what it names is no longer there.
    """
    # Taken away first: of two who press at once, the second waits here and then finds the recall.
    taken = session.execute(
        delete(RecallDraft)
        .where(RecallDraft.brand_id == product.brand_id, RecallDraft.id == draft_id)
        .returning(RecallDraft)
    ).scalar_one_or_none()
    if taken is None:
        there = recalls.find_by_draft(session, product.brand_id, draft_id)
        if there is None:
            raise NotFound("There is no such draft. It may have been dropped, or left for more than a day.")
        return there, False
    draft = _read(taken)
    made = recalls.recall(
        session,
        product,
        draft.target,
        reason=draft.reason,
        remedy=draft.remedy,
        language=draft.language,
        texts=draft.texts,
        tells_owners=draft.tells_owners,
        draft_id=draft.id,
        serial_keys=serial_keys,
        now=now,
    )
    return made, True


def find_gtin(session: Session, brand_id: UUID, draft_id: UUID) -> str:
    """
    Return the product of a draft, or of the recall that was announced from it.

    Raises:
        NotFound: There is neither.
    """
    gtin = session.scalar(select(RecallDraft.gtin).where(RecallDraft.brand_id == brand_id, RecallDraft.id == draft_id))
    there = None if gtin is not None else recalls.find_by_draft(session, brand_id, draft_id)
    if gtin is None and there is None:
        raise NotFound("There is no such draft. It may have been dropped, or left for more than a day.")
    return gtin or (there.gtin if there else "")


# --- Private ---------------------------------------------------------------------------------------------------------


def _read(row: RecallDraft) -> Draft:
    return Draft(
        id=row.id,
        gtin=row.gtin,
        target=Target.read(row.target),
        reason=row.reason,
        remedy=row.remedy,
        language=row.language,
        texts=recall_texts.read(row.texts),
        tells_owners=row.tells_owners,
        made_by=row.made_by,
    )
